// SPDX-License-Identifier: GPL-2.0-only
/*
 * Concurrency Kit's ring, of pointers
 *
 * Needs: libck-dev <ck_ring.h> -lck
 */
#include <ck_ring.h>

#include "loops.h"

struct ring {
	ck_ring_t ring __attribute__((aligned(BENCH_LINE)));
	ck_ring_buffer_t *buffer;
};

struct end {
	struct ring *to;
	struct ring *from;
};

struct state {
	struct ring ring[2];
	struct end end[2];
	size_t bytes;
};

static struct end *ck_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *ck_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

static inline bool ck_push(struct end *e, uint64_t item)
{
	return ck_ring_enqueue_spsc(&e->to->ring, e->to->buffer, (void *)item);
}

static inline bool ck_pop(struct end *e, uint64_t *item)
{
	return ck_ring_dequeue_spsc(&e->from->ring, e->from->buffer, item);
}

BENCH_ITEM_LOOPS(ck, struct end, struct end)
BENCH_TRIP_LOOPS(ck, struct end)

static int ck_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));
	unsigned int i;

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->bytes = run->capacity * sizeof(ck_ring_buffer_t);
	for (i = 0; i < 2; i++) {
		ck_ring_init(&s->ring[i].ring, run->capacity);
		s->ring[i].buffer = bench_shared(s->bytes);
		if (!s->ring[i].buffer)
			return -ENOMEM;
	}
	s->end[0] = (struct end){ &s->ring[0], &s->ring[1] };
	s->end[1] = (struct end){ &s->ring[1], &s->ring[0] };
	return 0;
}

static void ck_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unshare(s->ring[0].buffer, s->bytes);
	bench_unshare(s->ring[1].buffer, s->bytes);
	bench_unshare(s, sizeof(*s));
}

#define ROW(k, loops) { \
	.name = "ck_ring", .note = "Concurrency Kit, ck_ring_*_spsc", \
	.kind = k, .flags = BENCH_FORK, \
	.setup = ck_setup, .teardown = ck_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_ITEMS, ck), ROW(BENCH_TRIP, ck_trip),
	{ .name = NULL }
};
