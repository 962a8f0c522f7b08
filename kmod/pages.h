/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many pages, described by few pointers
 */
#ifndef SHMRING_PAGES_H
#define SHMRING_PAGES_H

#include <linux/mm_types.h>

/**
 * struct shmring_pages - pages that lie together in pieces of one size
 * @nr: how many pages there are
 * @order: a piece has 1 << @order of them, the last one maybe fewer
 * @pieces: the first page of each
 * @first: what @pieces points at if there is only one; so do not move it
 *
 * Each page has a count of its own and may outlive the piece it came in.
 */
struct shmring_pages {
	unsigned int nr;
	unsigned int order;
	struct page **pieces;
	struct page *first;
};

int shmring_pages_alloc(struct shmring_pages *p, unsigned int nr);
void shmring_pages_free(struct shmring_pages *p);

/**
 * shmring_pages_at - one of the pages
 * @p: the pages
 * @i: which, below @p->nr
 */
static inline struct page *shmring_pages_at(const struct shmring_pages *p,
					    unsigned int i)
{
	return p->pieces[i >> p->order] + (i & ((1U << p->order) - 1));
}

#endif /* SHMRING_PAGES_H */
