// SPDX-License-Identifier: GPL-2.0-only
/*
 * Adapters that do what must not go unnoticed
 *
 * Each is a ring of u64 that goes wrong once, at item 1000: every one of them
 * has to be reported as a failure. "sound" does not, and has to pass.
 */
#include <stdlib.h>

#include "loops.h"

#define AT	1000

enum fault { SOUND, LOSES, DUPLICATES, CORRUPTS, SWAPS, CRASHES, LOSES_LAST };

struct ring {
	uint64_t wr __attribute__((aligned(BENCH_LINE)));
	uint64_t rd __attribute__((aligned(BENCH_LINE)));
	uint64_t mask;
	enum fault fault;
	uint64_t items[];
};

struct end {
	struct ring *ring;
	uint64_t at;
};

struct state {
	struct end end[2];
	struct ring *ring;
	size_t bytes;
};

static struct end *broken_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *broken_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

static bool push(struct end *e, uint64_t item)
{
	struct ring *r = e->ring;

	if (e->at - __atomic_load_n(&r->rd, __ATOMIC_ACQUIRE) > r->mask)
		return false;
	r->items[e->at++ & r->mask] = item;
	__atomic_store_n(&r->wr, e->at, __ATOMIC_RELEASE);
	return true;
}

static bool broken_push(struct end *e, uint64_t item)
{
	if (item == AT) {
		switch (e->ring->fault) {
		case LOSES:
			return true;
		case DUPLICATES:
			while (!push(e, item))
				bench_pause();
			break;
		case CORRUPTS:
			item ^= 1ULL << 63;
			break;
		case SWAPS:
			item++;
			break;
		case CRASHES:
			abort();
		default:
			break;
		}
	}
	if (item == AT + 1 && e->ring->fault == SWAPS)
		item--;
	if (item == 2 * AT - 1 && e->ring->fault == LOSES_LAST)
		return true;
	return push(e, item);
}

static bool broken_pop(struct end *e, uint64_t *item)
{
	struct ring *r = e->ring;

	if (e->at == __atomic_load_n(&r->wr, __ATOMIC_ACQUIRE))
		return false;
	*item = r->items[e->at++ & r->mask];
	__atomic_store_n(&r->rd, e->at, __ATOMIC_RELEASE);
	return true;
}

BENCH_ITEM_LOOPS(broken, struct end, struct end)

static int broken_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->bytes = sizeof(*s->ring) + run->capacity * sizeof(uint64_t);
	s->ring = bench_shared(s->bytes);
	if (!s->ring)
		return -ENOMEM;
	s->ring->mask = run->capacity - 1;
	s->ring->fault = run->variant;
	s->end[0].ring = s->ring;
	s->end[1].ring = s->ring;
	return 0;
}

static void broken_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unshare(s->ring, s->bytes);
	bench_unshare(s, sizeof(*s));
}

#define ROW(n, v) { \
	.name = n, .kind = BENCH_ITEMS, .flags = BENCH_FORK, .variant = v, \
	.setup = broken_setup, .teardown = broken_teardown, \
	.produce = broken_produce, .consume = broken_consume, \
}

BENCH_ADAPTERS = {
	ROW("sound", SOUND),
	ROW("loses", LOSES),
	ROW("duplicates", DUPLICATES),
	ROW("corrupts", CORRUPTS),
	ROW("swaps", SWAPS),
	ROW("crashes", CRASHES),
	ROW("loses-last", LOSES_LAST),
	{ .name = NULL }
};
