// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine can copy out of lines that the other CPU has just written
 *
 * The sides take turns with one buffer of the ring's size. Only the consumer's
 * turn is timed: it copies message by message, and checks each like everybody.
 */
#include "loops.h"

struct state {
	uint64_t written __attribute__((aligned(BENCH_LINE)));
	uint64_t read __attribute__((aligned(BENCH_LINE)));
	char *shared;
	void *pattern;
	char *buffer;
};

static uint64_t turn_of(const struct bench_run *run, uint64_t left)
{
	uint64_t fit = run->capacity / run->size;

	return left < fit ? left : fit;
}

static void limit_produce(struct bench_run *run, uint64_t n)
{
	uint64_t i = run->producer->next, last = i + n, turn, j;
	struct state *s = run->state;

	for (; i < last; i += turn) {
		turn = turn_of(run, last - i);
		while (__atomic_load_n(&s->read, __ATOMIC_ACQUIRE) != i)
			bench_pause();
		for (j = 0; j < turn; j++)
			memcpy(s->shared + j * run->size,
			       bench_message(s->pattern, i + j), run->size);
		__atomic_store_n(&s->written, i + turn, __ATOMIC_RELEASE);
	}
	run->producer->next = last;
}

static void limit_consume(struct bench_run *run, uint64_t n)
{
	uint64_t i = run->consumer->next, last = i + n, turn, j, begin;
	struct state *s = run->state;

	for (; i < last; i += turn) {
		turn = turn_of(run, last - i);
		while (__atomic_load_n(&s->written, __ATOMIC_ACQUIRE) != i + turn)
			bench_pause();
		begin = bench_now();
		for (j = 0; j < turn; j++) {
			memcpy(s->buffer, s->shared + j * run->size, run->size);
			bench_check_message(run->consumer, i + j, s->buffer,
					    run->size);
		}
		run->consumer->own_ns += bench_now() - begin;
		__atomic_store_n(&s->read, i + turn, __ATOMIC_RELEASE);
	}
	run->consumer->next = last;
}

static int limit_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));

	run->state = s;
	/* What is far larger than a cache is a question to the memory. */
	if (run->capacity > 1 << 20)
		return -EOPNOTSUPP;
	if (!s)
		return -ENOMEM;
	s->shared = bench_shared(run->capacity);
	s->pattern = bench_pattern(run->size);
	s->buffer = bench_shared(run->size);
	return s->shared && s->pattern && s->buffer ? 0 : -ENOMEM;
}

static void limit_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unshare(s->shared, run->capacity);
	bench_unpattern(s->pattern, run->size);
	bench_unshare(s->buffer, run->size);
	bench_unshare(s, sizeof(*s));
}

BENCH_ADAPTERS = {
	{
		.name = "copy-limit",
		.note = "copying out what the other CPU has just written",
		.kind = BENCH_BYTES, .flags = BENCH_FORK | BENCH_BOUND,
		.setup = limit_setup, .teardown = limit_teardown,
		.produce = limit_produce, .consume = limit_consume,
	},
	{ .name = NULL }
};
