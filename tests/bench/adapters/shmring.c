// SPDX-License-Identifier: GPL-2.0-only
/* shmring, by handles held by value: shmring_split() */
#include <shmring.h>

#include "loops.h"

/**
 * struct sender - the producer of one ring, and where its messages come from
 * @ring: its role
 * @pattern: of bench_pattern()
 */
struct sender {
	struct shmring_producer ring;
	void *pattern;
};

/* Where they go to */
struct receiver {
	struct shmring_consumer ring;
	void *buffer;
};

struct one_way {
	struct sender p __attribute__((aligned(BENCH_LINE)));
	struct receiver c __attribute__((aligned(BENCH_LINE)));
	struct shmring *ring;
};

static struct sender *one_p(struct bench_run *run)
{
	return &((struct one_way *)run->state)->p;
}

static struct receiver *one_c(struct bench_run *run)
{
	return &((struct one_way *)run->state)->c;
}

static inline bool one_push(struct sender *p, uint64_t item)
{
	return shmring_producer_try_write_from(&p->ring, &item, sizeof(item)) != 0;
}

static inline bool one_pop(struct receiver *c, uint64_t *item)
{
	return shmring_consumer_try_read_into(&c->ring, item, sizeof(*item)) != 0;
}

static inline uint32_t one_push_batch(struct sender *p, uint64_t first,
				      uint32_t n)
{
	struct iovec v[2];
	uint64_t *to;
	uint32_t i;

	if (shmring_producer_acquire(&p->ring, v) < n * sizeof(*to))
		return 0;
	to = v[0].iov_base;
	for (i = 0; i < n; i++)
		to[i] = first + i;
	shmring_producer_commit(&p->ring, n * sizeof(*to));
	return n;
}

static inline uint32_t one_pop_batch(struct receiver *c, struct bench_side *side,
				     uint64_t first, uint32_t n)
{
	const uint64_t *from;
	struct iovec v[2];
	uint32_t i;

	if (shmring_consumer_acquire(&c->ring, v) < n * sizeof(*from))
		return 0;
	from = v[0].iov_base;
	for (i = 0; i < n; i++)
		bench_check(side, first + i, from[i]);
	shmring_consumer_release(&c->ring, n * sizeof(*from));
	return n;
}

static inline size_t one_send(struct sender *p, const void *from, size_t n)
{
	return shmring_producer_try_write_from(&p->ring, from, n);
}

static inline size_t one_receive(struct receiver *c, void *to, size_t n)
{
	return shmring_consumer_try_read_into(&c->ring, to, n);
}

BENCH_ITEM_LOOPS(one, struct sender, struct receiver)
BENCH_BATCH_LOOPS(one, struct sender, struct receiver)
BENCH_BYTE_LOOPS(one, struct sender, struct receiver)

static int one_setup(struct bench_run *run)
{
	struct shmring_options o = { .backend = SHMRING_BACKEND_MEMORY };
	struct one_way *s = bench_shared(sizeof(*s));
	uint32_t capacity = run->capacity;

	if (run->kind != BENCH_BYTES)
		capacity *= sizeof(uint64_t);
	run->state = s;
	if (!s)
		return -ENOMEM;
	s->ring = shmring_create(capacity, &o);
	if (!s->ring || shmring_split(s->ring, &s->p.ring, &s->c.ring))
		return -errno;
	if (run->kind != BENCH_BYTES)
		return 0;
	s->p.pattern = bench_pattern(run->size);
	s->c.buffer = bench_shared(run->size);
	return s->p.pattern && s->c.buffer ? 0 : -ENOMEM;
}

static void one_teardown(struct bench_run *run)
{
	struct one_way *s = run->state;

	shmring_free(s->ring);
	bench_unpattern(s->p.pattern, run->size);
	bench_unshare(s->c.buffer, run->size);
	bench_unshare(s, sizeof(*s));
}

/* --- Round trips: two rings, an end of each at either side */

struct both_ways {
	struct end {
		struct shmring_producer to;
		struct shmring_consumer from;
	} end[2] __attribute__((aligned(BENCH_LINE)));
	struct shmring *ring[2];
};

static struct end *two_p(struct bench_run *run)
{
	return &((struct both_ways *)run->state)->end[0];
}

static struct end *two_c(struct bench_run *run)
{
	return &((struct both_ways *)run->state)->end[1];
}

static inline bool two_push(struct end *e, uint64_t item)
{
	return shmring_producer_try_write_from(&e->to, &item, sizeof(item)) != 0;
}

static inline bool two_pop(struct end *e, uint64_t *item)
{
	return shmring_consumer_try_read_into(&e->from, item, sizeof(*item)) != 0;
}

BENCH_TRIP_LOOPS(two, struct end)

/* The same, sleeping when there is nothing */
#define wait_p two_p
#define wait_c two_c
#define wait_push two_push

static inline bool wait_pop(struct end *e, uint64_t *item)
{
	while (!two_pop(e, item)) {
		if (shmring_consumer_wait(&e->from, sizeof(*item), NULL) < 0)
			return false;
	}
	return true;
}

BENCH_TRIP_LOOPS(wait, struct end)

static int two_setup(struct bench_run *run)
{
	struct shmring_options o = {
		.backend = SHMRING_BACKEND_MEMORY,
		.spin_ns = run->kind == BENCH_TRIP_SLEEP ? SHMRING_SPIN_OFF : 0,
	};
	struct both_ways *s = bench_shared(sizeof(*s));
	int i;

	run->state = s;
	if (!s)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		s->ring[i] = shmring_create(run->capacity, &o);
		if (!s->ring[i] ||
		    shmring_split(s->ring[i], &s->end[i].to, &s->end[!i].from))
			return -errno;
	}
	return 0;
}

static void two_teardown(struct bench_run *run)
{
	struct both_ways *s = run->state;

	shmring_free(s->ring[0]);
	shmring_free(s->ring[1]);
	bench_unshare(s, sizeof(*s));
}

#define ROW(k, way, loops) { \
	.name = "shmring", .kind = k, .flags = BENCH_FORK, \
	.note = "by handles held by value (shmring_split)", \
	.setup = way##_setup, .teardown = way##_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_ITEMS, one, one),
	ROW(BENCH_BATCH, one, one_batch),
	ROW(BENCH_BYTES, one, one_byte),
	ROW(BENCH_TRIP, two, two_trip),
	ROW(BENCH_TRIP_SLEEP, two, wait_trip),
	ROW(BENCH_TRIP_BLOCK, two, wait_trip),
	{ .name = NULL }
};
