// SPDX-License-Identifier: GPL-2.0-only
/*
 * A plain Treiber stack of free slots, as the slab's ancestor has it
 *
 * A pair of alloc and free takes five locked operations: a compare-and-swap each
 * for pop and push, one each for the slot's state, and one for the generation.
 * This is the baseline that a slab should leave behind.
 */
#include "loops.h"

#define NONE	UINT32_MAX

enum slot_state { FREE, ALLOCATED };

/* Link, state and generation stand beside the slots, not in them. */
struct slot {
	uint32_t next;
	uint32_t state;
	uint32_t generation;
	uint32_t pad;
};

struct slab {
	uint64_t head __attribute__((aligned(BENCH_LINE)));	/* tag, index */
	uint32_t size;
	char *data;
	size_t bytes;
	struct slot slots[] __attribute__((aligned(BENCH_LINE)));
};

struct end {
	struct slab *slab;
};

struct state {
	struct end end[2];
	size_t bytes;
};

static struct end *stack_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *stack_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

static uint64_t tagged(uint64_t old, uint32_t index)
{
	return ((old >> 32) + 1) << 32 | index;
}

/* The token is one more than the index. */
static inline uint64_t stack_take(struct end *e)
{
	struct slab *s = e->slab;
	uint64_t head = __atomic_load_n(&s->head, __ATOMIC_ACQUIRE);
	uint32_t index, next, was = FREE;

	do {
		index = (uint32_t)head;
		if (index == NONE)
			return 0;
		next = __atomic_load_n(&s->slots[index].next, __ATOMIC_RELAXED);
	} while (!__atomic_compare_exchange_n(&s->head, &head, tagged(head, next),
					      true, __ATOMIC_ACQ_REL,
					      __ATOMIC_ACQUIRE));
	__atomic_fetch_add(&s->slots[index].generation, 1, __ATOMIC_ACQ_REL);
	if (!__atomic_compare_exchange_n(&s->slots[index].state, &was, ALLOCATED,
					 false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		__builtin_trap();
	return index + 1ULL;
}

static inline uint64_t *stack_at(struct end *e, uint64_t token)
{
	return (uint64_t *)(e->slab->data + (token - 1) * e->slab->size);
}

static inline void stack_give(struct end *e, uint64_t token)
{
	struct slab *s = e->slab;
	uint32_t index = (uint32_t)token - 1, was = ALLOCATED;
	uint64_t head;

	if (!__atomic_compare_exchange_n(&s->slots[index].state, &was, FREE,
					 false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		__builtin_trap();
	head = __atomic_load_n(&s->head, __ATOMIC_ACQUIRE);
	do
		__atomic_store_n(&s->slots[index].next, (uint32_t)head,
				 __ATOMIC_RELAXED);
	while (!__atomic_compare_exchange_n(&s->head, &head, tagged(head, index),
					    true, __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE));
}

BENCH_SLAB_LOOPS(stack, struct end)
BENCH_SLAB_CROSS_LOOPS(stack, struct end)

static int stack_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));
	struct slab *slab;
	uint32_t i;

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->bytes = sizeof(*slab) + run->capacity * sizeof(struct slot);
	slab = bench_shared(s->bytes);
	if (!slab)
		return -ENOMEM;
	s->end[0].slab = slab;
	s->end[1].slab = slab;
	slab->size = run->size;
	slab->bytes = (size_t)run->capacity * run->size;
	slab->data = bench_shared(slab->bytes);
	for (i = 0; i < run->capacity; i++)
		slab->slots[i].next = i + 1 < run->capacity ? i + 1 : NONE;
	return slab->data ? 0 : -ENOMEM;
}

static void stack_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unshare(s->end[0].slab->data, s->end[0].slab->bytes);
	bench_unshare(s->end[0].slab, s->bytes);
	bench_unshare(s, sizeof(*s));
}

#define ROW(k, loops) { \
	.name = "treiber", .note = "a plain Treiber stack, 5 locked operations a pair", \
	.kind = k, .flags = BENCH_FORK, \
	.setup = stack_setup, .teardown = stack_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_SLAB, stack), ROW(BENCH_SLAB_CROSS, stack_cross),
	{ .name = NULL }
};
