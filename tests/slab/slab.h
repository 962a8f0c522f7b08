/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the slab share
 */
#ifndef SLAB_H
#define SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layer.h"

/* Shared memory between two pages that nobody may touch */
struct guarded {
	unsigned char *base;	/* aligned to a page */
	size_t length;		/* to the second guard, to the byte if aligned so */
	size_t pages;
	int fd;
};

int guarded_open(struct guarded *g, size_t length);
void guarded_close(struct guarded *g);

/* A slab in shared memory, and what the stress writes beside it */
struct slab_place {
	struct guarded memory;
	struct shmring_slab slab;
};

int slab_place_open(struct slab_place *p, uint64_t slot_size, uint64_t count,
		    uint64_t owners);
void slab_place_close(struct slab_place *p);

/* Every slot is free, and can be had exactly once. Returns what is amiss, or 0. */
const char *slab_whole(const struct shmring_slab *s, uint32_t owner);

/* xorshift64: the same sequence for the same @state, which is not 0. */
uint64_t slab_random(uint64_t *state);

bool slab_long(void);
/* How much of a stress, in tenths */
unsigned int slab_times(void);

#endif /* SLAB_H */
