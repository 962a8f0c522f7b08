// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's ring, in plain memory: no environment is set up
 *
 * Elements of 8 bytes; of 16 where bytes are moved, which is what it copies
 * fastest.
 *
 * Needs: libdpdk-dev <rte_ring.h> pkg:libdpdk
 */
#include <stdlib.h>

#define ALLOW_EXPERIMENTAL_API
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>

#include "loops.h"

struct end {
	struct rte_ring *to;
	struct rte_ring *from;
	void *pattern;
	void *buffer;
};

struct state {
	struct end end[2];
	struct rte_ring *ring[2];
	size_t bytes;
};

static struct end *rte_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *rte_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

static inline bool rte_push(struct end *e, uint64_t item)
{
	return !rte_ring_sp_enqueue_elem(e->to, &item, sizeof(item));
}

static inline bool rte_pop(struct end *e, uint64_t *item)
{
	return !rte_ring_sc_dequeue_elem(e->from, item, sizeof(*item));
}

static inline uint32_t rte_push_batch(struct end *e, uint64_t first, uint32_t n)
{
	struct rte_ring_zc_data zc;
	uint64_t *to;
	uint32_t i;

	n = rte_ring_enqueue_zc_burst_elem_start(e->to, sizeof(*to), n, &zc, NULL);
	if (!n)
		return 0;
	for (i = 0, to = zc.ptr1; i < zc.n1; i++)
		to[i] = first + i;
	for (to = zc.ptr2; i < n; i++)
		to[i - zc.n1] = first + i;
	rte_ring_enqueue_zc_finish(e->to, n);
	return n;
}

static inline uint32_t rte_pop_batch(struct end *e, struct bench_side *side,
				     uint64_t first, uint32_t n)
{
	struct rte_ring_zc_data zc;
	const uint64_t *from;
	uint32_t i;

	n = rte_ring_dequeue_zc_burst_elem_start(e->from, sizeof(*from), n, &zc, NULL);
	if (!n)
		return 0;
	for (i = 0, from = zc.ptr1; i < zc.n1; i++)
		bench_check(side, first + i, from[i]);
	for (from = zc.ptr2; i < n; i++)
		bench_check(side, first + i, from[i - zc.n1]);
	rte_ring_dequeue_zc_finish(e->from, n);
	return n;
}

static inline size_t rte_send(struct end *e, const void *from, size_t n)
{
	return 16 * rte_ring_sp_enqueue_burst_elem(e->to, from, 16,
						   (unsigned int)(n / 16), NULL);
}

static inline size_t rte_receive(struct end *e, void *to, size_t n)
{
	return 16 * rte_ring_sc_dequeue_burst_elem(e->from, to, 16,
						   (unsigned int)(n / 16), NULL);
}

BENCH_ITEM_LOOPS(rte, struct end, struct end)
BENCH_BATCH_LOOPS(rte, struct end, struct end)
BENCH_BYTE_LOOPS(rte, struct end, struct end)
BENCH_TRIP_LOOPS(rte, struct end)

static int rte_setup(struct bench_run *run)
{
	/* Zero-copy has no variant by name: it goes by the ring's flags. */
	unsigned int element = run->kind == BENCH_BYTES ? 16 : 8, i;
	unsigned int count = run->kind == BENCH_BYTES ? run->capacity / 16 : run->capacity;
	struct state *s = bench_shared(sizeof(*s));

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->bytes = (size_t)rte_ring_get_memsize_elem(element, 2 * count);
	for (i = 0; i < 2; i++) {
		s->ring[i] = bench_shared(s->bytes);
		if (!s->ring[i] ||
		    rte_ring_init(s->ring[i], "bench", count,
				  RING_F_SP_ENQ | RING_F_SC_DEQ | RING_F_EXACT_SZ))
			return -ENOMEM;
	}
	s->end[0] = (struct end){ .to = s->ring[0], .from = s->ring[1] };
	s->end[1] = (struct end){ .to = s->ring[1], .from = s->ring[0] };
	if (run->kind != BENCH_BYTES)
		return 0;
	s->end[0].pattern = bench_pattern(run->size);
	s->end[1].buffer = bench_shared(run->size);
	return s->end[0].pattern && s->end[1].buffer ? 0 : -ENOMEM;
}

static void rte_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unshare(s->ring[0], s->bytes);
	bench_unshare(s->ring[1], s->bytes);
	bench_unpattern(s->end[0].pattern, run->size);
	bench_unshare(s->end[1].buffer, run->size);
	bench_unshare(s, sizeof(*s));
}

#define ROW(n, k, loops) { \
	.name = n, .note = "rte_ring, one producer, one consumer", \
	.kind = k, .flags = BENCH_FORK, \
	.setup = rte_setup, .teardown = rte_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW("dpdk", BENCH_ITEMS, rte),
	ROW("dpdk-zc", BENCH_BATCH, rte_batch),
	ROW("dpdk", BENCH_BYTES, rte_byte),
	ROW("dpdk", BENCH_TRIP, rte_trip),
	{ .name = NULL }
};
