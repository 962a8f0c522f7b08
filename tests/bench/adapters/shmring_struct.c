// SPDX-License-Identifier: GPL-2.0-only
/* shmring, by the verbs of struct shmring, and those that wait */
#include <shmring.h>

#include "loops.h"

struct end {
	struct shmring *ring;
	void *pattern;
	void *buffer;
};

struct state {
	struct end end[2];
};

static struct end *ring_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *ring_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

static inline bool ring_push(struct end *e, uint64_t item)
{
	return shmring_try_write_from(e->ring, &item, sizeof(item)) != 0;
}

static inline bool ring_pop(struct end *e, uint64_t *item)
{
	return shmring_try_read_into(e->ring, item, sizeof(*item)) != 0;
}

static inline uint32_t ring_push_batch(struct end *e, uint64_t first, uint32_t n)
{
	struct iovec v[2];
	uint64_t *to;
	uint32_t i;

	if (shmring_write_acquire(e->ring, v) < n * sizeof(*to))
		return 0;
	to = v[0].iov_base;
	for (i = 0; i < n; i++)
		to[i] = first + i;
	shmring_write_commit(e->ring, n * sizeof(*to));
	return n;
}

static inline uint32_t ring_pop_batch(struct end *e, struct bench_side *side,
				      uint64_t first, uint32_t n)
{
	const uint64_t *from;
	struct iovec v[2];
	uint32_t i;

	if (shmring_read_acquire(e->ring, v) < n * sizeof(*from))
		return 0;
	from = v[0].iov_base;
	for (i = 0; i < n; i++)
		bench_check(side, first + i, from[i]);
	shmring_read_release(e->ring, n * sizeof(*from));
	return n;
}

static inline size_t ring_send(struct end *e, const void *from, size_t n)
{
	return shmring_try_write_from(e->ring, from, n);
}

static inline size_t ring_receive(struct end *e, void *to, size_t n)
{
	return shmring_try_read_into(e->ring, to, n);
}

BENCH_ITEM_LOOPS(ring, struct end, struct end)
BENCH_BATCH_LOOPS(ring, struct end, struct end)
BENCH_BYTE_LOOPS(ring, struct end, struct end)

/* --- Waiting */

#define stream_p ring_p
#define stream_c ring_c

static inline size_t stream_send(struct end *e, const void *from, size_t n)
{
	ssize_t done = shmring_write_all(e->ring, from, n, NULL);

	return done < 0 ? 0 : (size_t)done;
}

static inline size_t stream_receive(struct end *e, void *to, size_t n)
{
	ssize_t done = shmring_read_some(e->ring, to, n, NULL);

	return done < 0 ? 0 : (size_t)done;
}

BENCH_BYTE_LOOPS(stream, struct end, struct end)

static int ring_setup(struct bench_run *run)
{
	struct shmring_options o = {
		.backend = SHMRING_BACKEND_MEMORY,
		.spin_ns = run->variant,
	};
	bool bytes = run->kind == BENCH_BYTES || run->kind == BENCH_STREAM;
	struct state *s = bench_shared(sizeof(*s));

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->end[0].ring = shmring_create(run->capacity * (bytes ? 1 : 8), &o);
	s->end[1].ring = s->end[0].ring;
	if (!s->end[0].ring)
		return -errno;
	if (!bytes)
		return 0;
	s->end[0].pattern = bench_pattern(run->size);
	s->end[1].buffer = bench_shared(run->size);
	return s->end[0].pattern && s->end[1].buffer ? 0 : -ENOMEM;
}

static void ring_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	shmring_free(s->end[0].ring);
	bench_unpattern(s->end[0].pattern, run->size);
	bench_unshare(s->end[1].buffer, run->size);
	bench_unshare(s, sizeof(*s));
}

#define ROW(n, k, spin, loops) { \
	.name = n, .note = "by the verbs of struct shmring", \
	.kind = k, .flags = BENCH_FORK, .variant = spin, \
	.setup = ring_setup, .teardown = ring_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW("shmring-struct", BENCH_ITEMS, 0, ring),
	ROW("shmring-struct", BENCH_BATCH, 0, ring_batch),
	ROW("shmring-struct", BENCH_BYTES, 0, ring_byte),
	ROW("shmring", BENCH_STREAM, 0, stream_byte),
	ROW("shmring-nospin", BENCH_STREAM, SHMRING_SPIN_OFF, stream_byte),
	{ .name = NULL }
};
