/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring, an end of each kind that there is, and pages that tell which they are
 */
#ifndef TAGGED_H
#define TAGGED_H

#include "device.h"

/* What stands in the file, from its beginning. */
enum { PAGE_C, PAGE_K, PAGE_P, PAGE_DATA };

/* Pages of the arena, which all ends have but that of both roles. */
#define TAGGED_ARENA	3

/* The last word of page N, of all but page K */
#define TAG	0x7461670000000000ULL

/**
 * struct tagged_end - an end, or what is not one yet
 * @name: for messages
 * @roles: 0: unbound
 * @mode: of open(2)
 * @fd: the file
 */
struct tagged_end {
	const char *name;
	__u32 roles;
	int mode;
	int fd;
};

/**
 * struct tagged_ring - the ring, and one with both roles in one file
 * @page: bytes of one
 * @capacity: bytes
 * @data: pages of it
 * @total: pages that can be mapped, before the arena
 * @arena: the page of the file where that begins
 * @ends: those with a role come first
 * @producer: of @ends
 * @consumer: of @ends
 * @both: of @ends
 * @observer: of @ends
 * @handle: of the ring, not of that of @both
 */
struct tagged_ring {
	size_t page;
	__u32 capacity;
	size_t data;
	size_t total;
	size_t arena;
	struct tagged_end ends[8];
	struct tagged_end *producer, *consumer, *both, *observer;
	__u32 handle;
};

/* What tests are tried with: a capacity in bytes, or if that is 0 in pages. */
#define TAGGED_VARIANT							\
	{								\
		__u32 bytes;						\
		__u32 pages;						\
	}

#define TAGGED_VARIANTS(fixture)					\
	FIXTURE_VARIANT_ADD(fixture, two_bytes) { .bytes = 2 };		\
	FIXTURE_VARIANT_ADD(fixture, below_a_page) { .bytes = 2048 };	\
	FIXTURE_VARIANT_ADD(fixture, one_page) { .pages = 1 };		\
	FIXTURE_VARIANT_ADD(fixture, four_pages) { .pages = 4 }

bool tagged_open(struct tagged_ring *ring, __u32 bytes, __u32 pages);
/* false: something stays behind in the kernel */
bool tagged_close(struct tagged_ring *ring);

/* NULL: errno says why */
void *tagged_map(const struct tagged_ring *ring, const struct tagged_end *end,
		 size_t first, size_t nr, int prot);

/* Which page of the ring is behind a page of the file? */
size_t tagged_page(const struct tagged_ring *ring, size_t page);

/* Where a page's tag is. */
__u64 *tagged_word(const struct tagged_ring *ring, void *page);

/* Is it the page that belongs at that place of the file? */
bool tagged_right(const struct tagged_ring *ring, void *map, size_t page);

/* The PROT_ bits that an end has a right to on all of these pages. */
int tagged_rights(const struct tagged_end *end, size_t first, size_t nr);

#endif /* TAGGED_H */
