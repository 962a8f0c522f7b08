// SPDX-License-Identifier: GPL-2.0-only
/* shmring_queue, of u64: the typed queue, which wakes nobody */
#include <shmring_queue.h>

#include "loops.h"

SHMRING_QUEUE_DEFINE(items, uint64_t);

struct end {
	struct items_producer to;
	struct items_consumer from;
};

struct state {
	struct end end[2] __attribute__((aligned(BENCH_LINE)));
	void *base[2];
	size_t bytes;
};

static struct end *queue_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *queue_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

static inline bool queue_push(struct end *e, uint64_t item)
{
	return !items_push(&e->to, &item);
}

static inline bool queue_pop(struct end *e, uint64_t *item)
{
	return !items_pop(&e->from, item);
}

static inline uint32_t queue_push_batch(struct end *e, uint64_t first, uint32_t n)
{
	uint64_t *to;
	long got = items_reserve(&e->to, &to, n), i;

	if (got <= 0)
		return 0;
	for (i = 0; i < got; i++)
		to[i] = first + (uint64_t)i;
	items_commit(&e->to, (size_t)got);
	return (uint32_t)got;
}

static inline uint32_t queue_pop_batch(struct end *e, struct bench_side *side,
				       uint64_t first, uint32_t n)
{
	const uint64_t *from;
	long got = items_front(&e->from, &from, n), i;

	if (got <= 0)
		return 0;
	for (i = 0; i < got; i++)
		bench_check(side, first + (uint64_t)i, from[i]);
	items_release(&e->from, (size_t)got);
	return (uint32_t)got;
}

BENCH_ITEM_LOOPS(queue, struct end, struct end)
BENCH_BATCH_LOOPS(queue, struct end, struct end)
BENCH_TRIP_LOOPS(queue, struct end)

static int queue_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));
	struct items_queue q;
	int i, err;

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->bytes = items_bytes(run->capacity);
	for (i = 0; i < 2; i++) {
		s->base[i] = bench_shared(s->bytes);
		if (!s->base[i])
			return -ENOMEM;
		err = items_raw_init(&q, s->base[i], s->bytes, run->capacity);
		if (!err)
			err = items_split(&q, &s->end[i].to, &s->end[!i].from);
		if (err)
			return err;
	}
	return 0;
}

static void queue_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unshare(s->base[0], s->bytes);
	bench_unshare(s->base[1], s->bytes);
	bench_unshare(s, sizeof(*s));
}

#define ROW(k, loops) { \
	.name = "shmring-queue", .note = "the typed queue, of u64", \
	.kind = k, .flags = BENCH_FORK, \
	.setup = queue_setup, .teardown = queue_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_ITEMS, queue), ROW(BENCH_BATCH, queue_batch),
	ROW(BENCH_TRIP, queue_trip),
	{ .name = NULL }
};
