// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory for rings: in pieces as large as come easily, in pages if need be
 *
 * A ring of a gigabyte must not depend on large pieces, but where they are to be
 * had they are quicker to take, and one pointer tells of a thousand pages.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/sizes.h>
#include <linux/slab.h>

#include "compat.h"
#include "pages.h"

/*
 * Zeroed, since every byte can be read by a process; charged to the creator's
 * memory cgroup; and refused, not killed for, when there is none.
 */
#define SHMRING_GFP	(GFP_KERNEL_ACCOUNT | __GFP_ZERO | __GFP_NOWARN | \
			 __GFP_RETRY_MAYFAIL)

/* Zeroing it must not keep a signal or another task waiting for long. */
#define SHMRING_PIECE	SZ_4M

/* The order of the smallest piece that holds so many pages, or of the largest. */
static unsigned int shmring_order(unsigned int nr)
{
	return min3(order_base_2(nr), get_order(SHMRING_PIECE),
		    SHMRING_MAX_ORDER);
}

/* What comes in one piece needs no table. */
static struct page **shmring_table(struct shmring_pages *p, unsigned int nr,
				   unsigned int order)
{
	unsigned int pieces = DIV_ROUND_UP(nr, 1U << order);

	if (pieces == 1)
		return &p->first;
	return kvcalloc(pieces, sizeof(struct page *), SHMRING_GFP);
}

static void shmring_table_free(struct shmring_pages *p)
{
	if (p->pieces != &p->first)
		kvfree(p->pieces);
}

/*
 * Take 1 << @order pages at once, keep the first @nr as pages that are freed one
 * by one.  Only a single page is worth reclaiming or compacting others for.
 */
static struct page *shmring_piece(unsigned int order, unsigned int nr)
{
	struct page *piece;
	unsigned int i;

	if (!order)
		return alloc_page(SHMRING_GFP);
	piece = alloc_pages(SHMRING_GFP & ~__GFP_RECLAIM, order);
	if (!piece)
		return NULL;
	split_page(piece, order);
	for (i = nr; i < 1U << order; i++)
		__free_page(piece + i);
	return piece;
}

/* Pieces are naturally aligned: so are their halves, and halves of those. */
static int shmring_pages_cut(struct shmring_pages *p, unsigned int nr,
			     unsigned int order)
{
	struct page **pieces = shmring_table(p, nr, order);
	unsigned int i;

	if (!pieces)
		return -ENOMEM;
	for (i = 0; i < p->nr; i += 1U << order)
		pieces[i >> order] = shmring_pages_at(p, i);
	shmring_table_free(p);
	p->pieces = pieces;
	p->order = order;
	return 0;
}

/**
 * shmring_pages_alloc - take memory
 * @p: filled; shmring_pages_free() may be called for it even if this fails
 * @nr: pages; 0: none
 *
 * What is more than a piece, and than there is, is refused at once: every page up
 * to the last would be had, and whoever else needs one meanwhile meets the OOM
 * killer.
 *
 * The table has one pointer for each SHMRING_PIECE.  Where a piece cannot be had
 * without effort, all that was taken before is told of in smaller ones, so that
 * a single size tells where a page is; the table grows by as much.
 *
 * Context: process, may sleep.
 * Return: 0; -ENOMEM; -EINTR the caller is being killed.
 */
int shmring_pages_alloc(struct shmring_pages *p, unsigned int nr)
{
	unsigned int order, take;
	struct page *piece;

	p->nr = 0;
	p->pieces = NULL;
	if (!nr)
		return 0;
	if (nr > SHMRING_PIECE >> PAGE_SHIFT && nr > si_mem_available())
		return -ENOMEM;
	p->order = shmring_order(nr);
	p->pieces = shmring_table(p, nr, p->order);
	if (!p->pieces)
		return -ENOMEM;

	while (p->nr < nr) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();

		/* The last piece may be a part of one */
		order = min(p->order, shmring_order(nr - p->nr));
		take = min(1U << order, nr - p->nr);
		piece = shmring_piece(order, take);
		if (piece) {
			p->pieces[p->nr >> p->order] = piece;
			p->nr += take;
		} else if (!order || shmring_pages_cut(p, nr, order - 1)) {
			return -ENOMEM;
		}
	}
	return 0;
}

/**
 * shmring_pages_free - give memory back
 * @p: the pages; what I/O has pinned stays until that is done
 *
 * Context: process, may sleep.
 */
void shmring_pages_free(struct shmring_pages *p)
{
	unsigned int i;

	for (i = 0; i < p->nr; i++) {
		put_page(shmring_pages_at(p, i));
		cond_resched();
	}
	shmring_table_free(p);
}
