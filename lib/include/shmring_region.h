/* SPDX-License-Identifier: MIT */
/*
 * shmring_region - a stretch of memory in which offsets mean something
 *
 * Queues and slabs lie in a region, and name what is in it by offset, since it
 * is mapped elsewhere in each process.  A region is a value of the caller's: it
 * may be copied, and of all copies one is closed, when nobody uses any of them
 * any more.
 *
 *	raw	memory of the caller's; closing leaves it alone
 *	heap	of this process, shared by its threads
 *	arena	what a ring's ends share beside its bytes; goes with the ring
 *	memfd	a file without a name, whose size is sealed: whoever has the fd
 *		attaches it, and nobody can shrink it under another's mapping
 *
 * Constructors return 0 or a negative errno, and leave an empty region if they
 * fail: nothing is in it, and to close it does nothing.
 */
#ifndef SHMRING_REGION_H
#define SHMRING_REGION_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shmring;

/* How a region is closed */
enum shmring_region_kind {
	SHMRING_REGION_EMPTY,
	SHMRING_REGION_RAW,
	SHMRING_REGION_HEAP,
	SHMRING_REGION_MEMFD,
};

/**
 * struct shmring_region - a base pointer and a length
 * @base: NULL: the region is empty
 * @size: bytes, at most PTRDIFF_MAX
 * @kind: how it is closed
 * @fd: the memfd, to be passed on; else -1
 *
 * Neither @base nor @size is ever read from the memory that they describe.
 */
struct shmring_region {
	void *base;
	size_t size;
	enum shmring_region_kind kind;
	int fd;
};

/* Exported from the .so, which is built with all else hidden. */
#pragma GCC visibility push(default)
int shmring_region_raw(struct shmring_region *g, void *base, size_t size);
int shmring_region_heap(struct shmring_region *g, size_t size);
int shmring_region_memfd(struct shmring_region *g, size_t size);
int shmring_region_attach(struct shmring_region *g, int fd);
int shmring_region_arena(struct shmring_region *g, const struct shmring *r);
void shmring_region_close(struct shmring_region *g);
#pragma GCC visibility pop

/**
 * shmring_region_at - the pointer that an offset names
 * @g: the region
 * @offset: bytes from its beginning; anything, it may come from a peer
 * @length: bytes that will be used there, at least 1
 * @align: what the pointer must be a multiple of, a power of two
 *
 * No sum is formed that could overflow.
 *
 * Context: any thread.
 * Return: the pointer; NULL with errno: ERANGE the bytes are not all in the
 * region; EINVAL they are, but not aligned, @length is 0, or @align is not a
 * power of two.
 */
static inline void *shmring_region_at(const struct shmring_region *g,
				      uint64_t offset, size_t length,
				      size_t align)
{
	unsigned char *p;

	if (!length || !align || (align & (align - 1))) {
		errno = EINVAL;
		return NULL;
	}
	if (offset > g->size || length > g->size - offset) {
		errno = ERANGE;
		return NULL;
	}
	p = (unsigned char *)g->base + offset;
	if ((uintptr_t)p & (align - 1)) {
		errno = EINVAL;
		return NULL;
	}
	return p;
}

/**
 * shmring_region_offset - the offset that names a pointer
 * @g: the region
 * @p: anything
 * @length: bytes that are there, at least 1
 *
 * Context: any thread.
 * Return: the offset; -ERANGE the bytes are not all in the region; -EINVAL
 * @length is 0.
 */
static inline int64_t shmring_region_offset(const struct shmring_region *g,
					    const void *p, size_t length)
{
	/* Below the base it is larger than any size. */
	uintptr_t offset = (uintptr_t)p - (uintptr_t)g->base;

	if (!length)
		return -EINVAL;
	if (offset > g->size || length > g->size - offset)
		return -ERANGE;
	return (int64_t)offset;
}

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_REGION_H */
