// SPDX-License-Identifier: GPL-2.0-only
/* shmring_slab, with a magazine for each side */
#include <shmring_slab.h>

#include "loops.h"

struct end {
	struct shmring_slab_cache cache;
};

struct state {
	struct end end[2] __attribute__((aligned(BENCH_LINE)));
	void *base;
	size_t bytes;
};

static struct end *slab_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *slab_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

/* A handle's generation is never 0, so it is a token as it is. */
static inline uint64_t slab_take(struct end *e)
{
	shmring_slot slot;

	return shmring_slab_alloc(&e->cache, &slot) ? 0 : slot;
}

static inline uint64_t *slab_at(struct end *e, uint64_t token)
{
	return shmring_slab_data(&e->cache.slab, token);
}

static inline void slab_give(struct end *e, uint64_t token)
{
	if (shmring_slab_free_allocated(&e->cache, token, NULL))
		__builtin_trap();
}

BENCH_SLAB_LOOPS(slab, struct end)

/* --- To the other side: marked as sent, freed as received */

#define sent_p slab_p
#define sent_c slab_c
#define sent_at slab_at

static inline uint64_t sent_take(struct end *e)
{
	uint64_t token = slab_take(e);

	if (token && shmring_slab_mark_in_flight(&e->cache, token, NULL))
		__builtin_trap();
	return token;
}

static inline void sent_give(struct end *e, uint64_t token)
{
	if (shmring_slab_free(&e->cache, token, NULL))
		__builtin_trap();
}

BENCH_SLAB_CROSS_LOOPS(sent, struct end)

static int slab_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));
	struct shmring_slab slab;
	uint32_t i;
	int err;

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->bytes = shmring_slab_raw_length(run->size, run->capacity, 2);
	s->base = bench_shared(s->bytes);
	if (!s->base)
		return -ENOMEM;
	err = shmring_slab_raw_init(&slab, s->base, s->bytes, run->size,
				    run->capacity, 2);
	for (i = 0; i < 2 && !err; i++)
		err = shmring_slab_open(&s->end[i].cache, &slab, i + 1, i + 1,
					SHMRING_SLAB_MAGAZINE);
	return err;
}

static void slab_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	shmring_slab_close(&s->end[0].cache);
	shmring_slab_close(&s->end[1].cache);
	bench_unshare(s->base, s->bytes);
	bench_unshare(s, sizeof(*s));
}

#define ROW(k, loops) { \
	.name = "shmring", .note = "shmring_slab, a magazine for each side", \
	.kind = k, .flags = BENCH_FORK, \
	.setup = slab_setup, .teardown = slab_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_SLAB, slab), ROW(BENCH_SLAB_CROSS, sent_cross),
	{ .name = NULL }
};
