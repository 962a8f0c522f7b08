// SPDX-License-Identifier: GPL-2.0-only
/* A word on a cache line, passed to and fro: what any round trip is made of */
#include "loops.h"

struct words {
	struct bare {
		uint64_t *to;
		uint64_t *from;
		uint64_t seen;
	} end[2] __attribute__((aligned(BENCH_LINE)));
	uint64_t there __attribute__((aligned(BENCH_LINE)));
	uint64_t back __attribute__((aligned(BENCH_LINE)));
};

static struct bare *line_p(struct bench_run *run)
{
	return &((struct words *)run->state)->end[0];
}

static struct bare *line_c(struct bench_run *run)
{
	return &((struct words *)run->state)->end[1];
}

/* 0 is none, so one more than the item is passed. */
static inline bool line_push(struct bare *e, uint64_t item)
{
	__atomic_store_n(e->to, item + 1, __ATOMIC_RELEASE);
	return true;
}

static inline bool line_pop(struct bare *e, uint64_t *item)
{
	uint64_t word = __atomic_load_n(e->from, __ATOMIC_ACQUIRE);

	if (word == e->seen)
		return false;
	e->seen = word;
	*item = word - 1;
	return true;
}

BENCH_TRIP_LOOPS(line, struct bare)

static int line_setup(struct bench_run *run)
{
	struct words *s = bench_shared(sizeof(*s));

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->end[0].to = &s->there;
	s->end[0].from = &s->back;
	s->end[1].to = &s->back;
	s->end[1].from = &s->there;
	return 0;
}

static void line_teardown(struct bench_run *run)
{
	bench_unshare(run->state, sizeof(struct words));
}

#define ROW(k) { \
	.name = "line", .note = "a bare cache line, both sides spin", \
	.kind = k, .flags = BENCH_FORK | BENCH_BOUND, \
	.setup = line_setup, .teardown = line_teardown, \
	.produce = line_trip_produce, .consume = line_trip_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_TRIP), ROW(BENCH_TRIP_BLOCK),
	{ .name = NULL }
};
