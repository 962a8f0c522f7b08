// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "slab.h"

struct slab_layer slab_layer;
__thread uint64_t slab_layer_chance;

int guarded_open(struct guarded *g, size_t length)
{
	size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *all;

	g->length = length;
	g->pages = (length + page - 1) / page * page;
	g->fd = memfd_create("slab", MFD_CLOEXEC);
	if (g->fd < 0 || ftruncate(g->fd, g->pages))
		return -errno;
	all = mmap(NULL, g->pages + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return -errno;
	g->base = mmap(all + page, g->pages, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		       g->fd, 0);
	return g->base == MAP_FAILED ? -errno : 0;
}

void guarded_close(struct guarded *g)
{
	size_t page = sysconf(_SC_PAGESIZE);

	munmap(g->base - page, g->pages + 2 * page);
	close(g->fd);
}

int slab_place_open(struct slab_place *p, uint64_t slot_size, uint64_t count,
		    uint64_t owners)
{
	uint64_t length = shmring_slab_raw_length(slot_size, count, owners);
	int err;

	memset(&slab_layer, 0, sizeof(slab_layer));
	if (!length)
		return -EINVAL;
	err = guarded_open(&p->memory, length);
	if (err)
		return err;
	/* Up to the second guard, as near as the alignment lets it */
	err = shmring_slab_raw_init(&p->slab,
				    p->memory.base + (p->memory.pages - length) /
				    SHMRING_SLAB_ALIGN * SHMRING_SLAB_ALIGN,
				    length, slot_size, count, owners);
	slab_layer.head = p->slab.head;
	slab_layer.index_mask = shmring_slab_none(&p->slab);
	return err;
}

void slab_place_close(struct slab_place *p)
{
	guarded_close(&p->memory);
}

const char *slab_whole(const struct shmring_slab *s, uint32_t owner)
{
	struct shmring_slab_cache c;
	const char *amiss = NULL;
	shmring_slot *slots;
	unsigned char *had;
	uint32_t i, n = 0;

	if (shmring_slab_free_count(s) != s->count)
		return "slots are not free";
	if (shmring_slab_open(&c, s, owner, 1, 0))
		return "the owner cannot be opened";
	slots = calloc(s->count + 1, sizeof(*slots));
	had = calloc(s->count, 1);
	while (n <= s->count && !shmring_slab_alloc(&c, &slots[n]))
		n++;
	if (n != s->count)
		amiss = n < s->count ? "slots are lost" : "there are too many slots";
	for (i = 0; i < n && !amiss; i++)
		if (had[shmring_slot_index(slots[i])]++)
			amiss = "a slot is there twice";
	for (i = 0; i < n && !amiss; i++)
		if (shmring_slab_free_allocated(&c, slots[i], NULL))
			amiss = "a slot cannot be freed";
	if (shmring_slab_close(&c))
		amiss = "the cache cannot be closed";
	free(slots);
	free(had);
	return amiss;
}

uint64_t slab_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

bool slab_long(void)
{
	return !!getenv("SHMRING_TEST_LONG");
}

unsigned int slab_times(void)
{
	return slab_long() ? 500 : getenv("SHMRING_TEST_SHORT") ? 1 : 10;
}
