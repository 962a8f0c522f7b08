// SPDX-License-Identifier: MIT
/*
 * Mapping a ring's pages
 *
 * One stretch of addresses is reserved for the whole ring and the pages are
 * put into it in file-offset order, each with no more rights than the roles
 * need:
 *
 *	 C          K          P          data ...   data again ...
 *	+----------+----------+----------+----------+----------+
 *	  consumer   memory     producer   producer   producer	  may write
 *
 * The device shows the data twice by itself; a memfd is mapped a second time.  An
 * arena is a mapping of its own, which whoever has a role may write.
 */
#include <errno.h>
#include <sys/mman.h>

#include "internal.h"

struct piece {
	uint64_t at;		/* in the reserved stretch */
	uint64_t offset;	/* in the file */
	uint64_t length;
	int prot;
};

static int writable_if(int condition)
{
	return condition ? PROT_READ | PROT_WRITE : PROT_READ;
}

/* What to map where; returns how many pieces there are, at most 4. */
static unsigned int pieces_of(const struct ring *r, struct piece piece[4])
{
	const struct layout *l = &r->layout;
	int consumer = r->roles & SHMRING_ROLE_CONSUMER;
	int producer = r->roles & SHMRING_ROLE_PRODUCER;
	int memory = r->backend->number == SHMRING_BACKEND_MEMORY;
	int again = memory && layout_mirrored(l);
	uint64_t end = again ? l->data_offset + l->capacity : l->map_length;

	piece[0] = (struct piece){
		l->consumer_offset, l->consumer_offset, l->page_size,
		writable_if(consumer)
	};
	piece[1] = (struct piece){
		l->kernel_offset, l->kernel_offset, l->page_size,
		writable_if(memory && (consumer || producer))
	};
	piece[2] = (struct piece){
		l->producer_offset, l->producer_offset,
		end - l->producer_offset, writable_if(producer)
	};
	piece[3] = (struct piece){
		end, l->data_offset, l->capacity, writable_if(producer)
	};
	return again ? 4 : 3;
}

static int arena_prot(const struct ring *r)
{
	return writable_if(r->roles & SHMRING_ROLE_BOTH);
}

static int arena_map(struct ring *r)
{
	void *arena;

	if (!r->layout.arena_size)
		return 0;
	arena = mmap(NULL, r->layout.arena_size, arena_prot(r), MAP_SHARED,
		     r->fd, (off_t)r->layout.arena_offset);
	if (arena == MAP_FAILED)
		return -errno;
	r->arena = arena;
	return 0;
}

/*
 * ring_map - map the pages of @r->fd as @r->layout says and @r->roles need
 *
 * Return: 0 or a negative errno; ring_unmap() undoes it either way.
 */
int ring_map(struct ring *r)
{
	struct piece piece[4];
	unsigned int n = pieces_of(r, piece), i;
	unsigned char *base;
	int err;

	base = mmap(NULL, r->layout.map_length, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -errno;

	for (i = 0; i < n; i++) {
		if (mmap(base + piece[i].at, piece[i].length, piece[i].prot,
			 MAP_SHARED | MAP_FIXED, r->fd,
			 (off_t)piece[i].offset) == MAP_FAILED) {
			err = -errno;
			munmap(base, r->layout.map_length);
			return err;
		}
	}
	r->base = base;
	return arena_map(r);
}

/* ring_unmap - undo ring_map(), also one that failed or was not called */
void ring_unmap(struct ring *r)
{
	if (r->arena)
		munmap(r->arena, r->layout.arena_size);
	if (r->base)
		munmap(r->base, r->layout.map_length);
}

/*
 * ring_protect - take the rights away that @r->roles no longer need
 *
 * Return: 0 or a negative errno.
 */
int ring_protect(struct ring *r)
{
	struct piece piece[4];
	unsigned int n = pieces_of(r, piece), i;

	for (i = 0; i < n; i++)
		if (mprotect(r->base + piece[i].at, piece[i].length,
			     piece[i].prot))
			return -errno;
	if (r->arena && mprotect(r->arena, r->layout.arena_size, arena_prot(r)))
		return -errno;
	return 0;
}
