// SPDX-License-Identifier: GPL-2.0-only
/* malloc() and free() of the C library */
#include <stdlib.h>

#include "loops.h"

struct end {
	size_t size;
};

static struct end ends[2];

static struct end *heap_p(struct bench_run *run)
{
	(void)run;
	return &ends[0];
}

static struct end *heap_c(struct bench_run *run)
{
	(void)run;
	return &ends[1];
}

/* The compiler would leave out a pair that it can see. */
static inline uint64_t heap_take(struct end *e)
{
	void *p = malloc(e->size);

	__asm__ __volatile__("" : "+r"(p));
	return (uint64_t)p;
}

static inline uint64_t *heap_at(struct end *e, uint64_t token)
{
	(void)e;
	return (uint64_t *)token;
}

static inline void heap_give(struct end *e, uint64_t token)
{
	(void)e;
	free((void *)token);
}

BENCH_SLAB_LOOPS(heap, struct end)
BENCH_SLAB_CROSS_LOOPS(heap, struct end)

static int heap_setup(struct bench_run *run)
{
	ends[0].size = run->size;
	ends[1].size = run->size;
	return 0;
}

static void heap_teardown(struct bench_run *run)
{
	(void)run;
}

#define ROW(k, loops) { \
	.name = "malloc", .note = "malloc and free of the C library", .kind = k, \
	.setup = heap_setup, .teardown = heap_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_SLAB, heap), ROW(BENCH_SLAB_CROSS, heap_cross),
	{ .name = NULL }
};
