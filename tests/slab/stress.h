/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Many use one slab at once, as threads or as processes, and look at what they get
 *
 * Each slot that is had holds the name of who has it, so that nobody else can;
 * and its generation is compared with the last one anybody saw.
 */
#ifndef SLAB_STRESS_H
#define SLAB_STRESS_H

#include "slab.h"

#define STRESS_WORKERS_MAX	4

struct stress;

struct stress_kind {
	const char *name;
	void (*work)(struct stress *s, struct shmring_slab_cache *c, unsigned int me);
};

/* Slots come and go, some sent to oneself: never two hold one. */
extern const struct stress_kind stress_alloc_free;
/* One takes all there is, while the others free. */
extern const struct stress_kind stress_exhaust;
/* All have a handle, and want to mark, take and free it: one can. */
extern const struct stress_kind stress_race;
/* Allocated by one, read and freed by the next. */
extern const struct stress_kind stress_pass;

struct stress {
	const struct stress_kind *kind;
	unsigned int workers;
	int processes;
	uint32_t slots;
	uint32_t magazine;
	uint64_t rounds;
	enum slab_fault fault;
	unsigned int pause;

	/* Results */
	uint64_t faults;	/* of what was seen while it ran */
	uint64_t done;		/* what was done at all */
	const char *amiss;	/* of the slab when all had ended */

	struct slab_place place;
	struct stress_shared *shared;
};

/* Returns 0, or a negative errno if it could not be run. */
int stress_run(struct stress *s);

#endif /* SLAB_STRESS_H */
