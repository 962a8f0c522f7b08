/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process dies before each single change that it makes to a slab, once
 */
#ifndef SLAB_DEATH_H
#define SLAB_DEATH_H

#include "slab.h"

struct death {
	uint32_t magazine;
	int others;		/* somebody else uses the slab before the reclaim */
	enum slab_fault fault;

	/* Results */
	unsigned int deaths;
	unsigned int reclaimed;	/* slots, of all deaths together */
	const char *amiss;	/* what was, after the first death that had */
	unsigned int amiss_at;	/* which that was */
};

/* Returns 0, or a negative errno if it could not be run. */
int death_run(struct death *d);

#endif /* SLAB_DEATH_H */
