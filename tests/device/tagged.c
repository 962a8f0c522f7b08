// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tagged.h"

static bool tag_pages(const struct tagged_ring *ring,
		      const struct tagged_end *end, size_t first, size_t nr)
{
	char *map = tagged_map(ring, end, first, nr, PROT_READ | PROT_WRITE);
	size_t i;

	if (!map)
		return false;
	for (i = 0; i < nr; i++)
		*tagged_word(ring, map + i * ring->page) =
			TAG + tagged_page(ring, first + i);
	munmap(map, nr * ring->page);
	return true;
}

static bool open_end(struct tagged_ring *ring, struct tagged_end *end)
{
	end->fd = device_open(end->mode);
	if (end->fd < 0)
		return false;
	if (!end->roles)
		return true;
	if (end == ring->producer)
		return !device_create_arena(end->fd, ring->capacity, end->roles,
					    TAGGED_ARENA * ring->page) &&
		       !device_register(end->fd, 0, &ring->handle);
	if (end == ring->both)
		return !device_create(end->fd, ring->capacity, end->roles);
	return !device_attach(end->fd, ring->handle, end->roles);
}

bool tagged_open(struct tagged_ring *ring, __u32 bytes, __u32 pages)
{
	static const struct tagged_end ends[] = {
		{ "producer", SHMRING_ROLE_PRODUCER, O_RDWR, -1 },
		{ "consumer", SHMRING_ROLE_CONSUMER, O_RDWR, -1 },
		{ "both", SHMRING_ROLE_BOTH, O_RDWR, -1 },
		{ "observer", SHMRING_ROLE_OBSERVER, O_RDWR, -1 },
		{ "observer, read-only", SHMRING_ROLE_OBSERVER, O_RDONLY, -1 },
		{ "unbound", 0, O_RDWR, -1 },
		{ "unbound, read-only", 0, O_RDONLY, -1 },
		{ "unbound, write-only", 0, O_WRONLY, -1 },
	};
	struct shmring_ioc_info info;
	size_t i;

	ring->page = sysconf(_SC_PAGESIZE);
	ring->capacity = bytes ?: pages * ring->page;
	ring->data = pages ?: 1;
	ring->total = PAGE_DATA + (pages ? 2 * pages : 1);
	ring->arena = SHMRING_ARENA_OFFSET / ring->page;
	memcpy(ring->ends, ends, sizeof(ends));
	ring->producer = &ring->ends[0];
	ring->consumer = &ring->ends[1];
	ring->both = &ring->ends[2];
	ring->observer = &ring->ends[3];
	if (!device_idle())
		return false;
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (!open_end(ring, &ring->ends[i]))
			return false;

	return !device_info(ring->producer->fd, &info) &&
	       info.page_size == ring->page &&
	       info.map_length == ring->total * ring->page &&
	       tag_pages(ring, ring->producer, PAGE_P, 1 + ring->data) &&
	       tag_pages(ring, ring->consumer, PAGE_C, 1) &&
	       tag_pages(ring, ring->consumer, ring->arena, TAGGED_ARENA) &&
	       tag_pages(ring, ring->both, PAGE_P, 1 + ring->data) &&
	       tag_pages(ring, ring->both, PAGE_C, 1);
}

bool tagged_close(struct tagged_ring *ring)
{
	size_t i;

	for (i = 0; i < sizeof(ring->ends) / sizeof(ring->ends[0]); i++)
		device_close(&ring->ends[i].fd);
	return device_idle();
}

void *tagged_map(const struct tagged_ring *ring, const struct tagged_end *end,
		 size_t first, size_t nr, int prot)
{
	void *map = mmap(NULL, nr * ring->page, prot, MAP_SHARED, end->fd,
			 first * ring->page);

	return map == MAP_FAILED ? NULL : map;
}

size_t tagged_page(const struct tagged_ring *ring, size_t page)
{
	if (page >= ring->arena || page < PAGE_DATA + ring->data)
		return page;
	return page - ring->data;
}

__u64 *tagged_word(const struct tagged_ring *ring, void *page)
{
	return (__u64 *)((char *)page + ring->page) - 1;
}

bool tagged_right(const struct tagged_ring *ring, void *map, size_t page)
{
	if (page == PAGE_K)
		return *(__u32 *)map == SHMRING_MAGIC &&
		       *tagged_word(ring, map) == 0;
	return *tagged_word(ring, map) == TAG + tagged_page(ring, page);
}

/* Who writes which page; everybody who has a role reads all of them. */
static __u32 writer_of(size_t page)
{
	if (page >= SHMRING_ARENA_OFFSET / (size_t)sysconf(_SC_PAGESIZE))
		return SHMRING_ROLE_BOTH;
	switch (page) {
	case PAGE_C:
		return SHMRING_ROLE_CONSUMER;
	case PAGE_K:
		return 0;
	default:
		return SHMRING_ROLE_PRODUCER;
	}
}

int tagged_rights(const struct tagged_end *end, size_t first, size_t nr)
{
	int rights = PROT_READ | PROT_WRITE;
	size_t i;

	for (i = first; i < first + nr; i++)
		if (!(end->roles & writer_of(i)))
			rights &= ~PROT_WRITE;
	return rights;
}
