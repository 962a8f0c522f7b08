/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loops of both sides, so that they are the same for everybody
 *
 * Each macro makes NAME_produce() and NAME_consume() for struct bench_adapter
 * out of inline functions that try once:
 *
 *	BENCH_ITEM_LOOPS(NAME, P, C)
 *		P *NAME_p(run), C *NAME_c(run)	the side's own state; the loop
 *						works on a copy in a local
 *						variable, and puts it back
 *		bool NAME_push(P *, uint64_t)
 *		bool NAME_pop(C *, uint64_t *)
 *
 *	BENCH_BATCH_LOOPS(NAME, P, C)		likewise, and
 *		uint32_t NAME_push_batch(P *, uint64_t first, uint32_t n)
 *			write first, first + 1, ... where they will be read;
 *			how many there was room for, at most n
 *		uint32_t NAME_pop_batch(C *, struct bench_side *, uint64_t first,
 *			uint32_t n)
 *			bench_check() them where they stand; how many there were
 *
 *	BENCH_BYTE_LOOPS(NAME, P, C)		messages, spinning
 *		size_t NAME_send(P *, const void *, size_t)
 *		size_t NAME_receive(C *, void *, size_t)
 *			the bytes that could be moved, which may be fewer
 *		P and C have members: void *pattern, void *buffer (of run->size)
 *
 *	BENCH_TRIP_LOOPS(NAME, E)		E *NAME_p(run), E *NAME_c(run)
 *		bool NAME_push(E *, uint64_t)
 *		bool NAME_pop(E *, uint64_t *)
 *			the end E has both directions
 *
 *	BENCH_SLAB_LOOPS(NAME, E), BENCH_SLAB_CROSS_LOOPS(NAME, E)
 *		E *NAME_p(run), E *NAME_c(run)
 *		uint64_t NAME_take(E *)		a token, or 0
 *		uint64_t *NAME_at(E *, uint64_t token)
 *		void NAME_give(E *, uint64_t token)
 *			NAME_produce() and NAME_consume() do the same; of the
 *			second's NAME_cross_*() one takes and one gives
 *
 * Round trips are spun for without a pause, which on some CPUs takes as long as a
 * line's way.  What blocks returns true, or all of the bytes, at the first try.
 */
#ifndef BENCH_LOOPS_H
#define BENCH_LOOPS_H

#include "adapter.h"

static inline void bench_again(void)
{
	__asm__ __volatile__("" ::: "memory");
}

/*
 * What moves single items is inlined where it can be, whichever adapter it is: a
 * call costs as much as the item.
 */
#define BENCH_FLAT	__attribute__((__flatten__))

#define BENCH_ITEM_LOOPS(NAME, P, C) \
static BENCH_FLAT void NAME##_produce(struct bench_run *run, uint64_t n) \
{ \
	P *home = NAME##_p(run), end = *home; \
	uint64_t i = run->producer->next, last = i + n; \
\
	for (; i < last; i++) { \
		while (!NAME##_push(&end, i)) \
			bench_pause(); \
	} \
	*home = end; \
	run->producer->next = last; \
} \
\
static BENCH_FLAT void NAME##_consume(struct bench_run *run, uint64_t n) \
{ \
	C *home = NAME##_c(run), end = *home; \
	struct bench_side *side = run->consumer; \
	uint64_t i = side->next, last = i + n, item; \
\
	for (; i < last; i++) { \
		while (!NAME##_pop(&end, &item)) \
			bench_pause(); \
		bench_check(side, i, item); \
	} \
	*home = end; \
	side->next = last; \
}

#define BENCH_BATCH_LOOPS(NAME, P, C) \
static void NAME##_batch_produce(struct bench_run *run, uint64_t n) \
{ \
	P *home = NAME##_p(run), end = *home; \
	uint64_t i = run->producer->next, last = i + n; \
	const uint32_t batch = run->batch; \
	uint32_t done; \
\
	while (i < last) { \
		done = NAME##_push_batch(&end, i, last - i < batch ? \
					 (uint32_t)(last - i) : batch); \
		if (!done) \
			bench_pause(); \
		i += done; \
	} \
	*home = end; \
	run->producer->next = i; \
} \
\
static void NAME##_batch_consume(struct bench_run *run, uint64_t n) \
{ \
	C *home = NAME##_c(run), end = *home; \
	struct bench_side *side = run->consumer; \
	uint64_t i = side->next, last = i + n; \
	const uint32_t batch = run->batch; \
	uint32_t done; \
\
	while (i < last) { \
		done = NAME##_pop_batch(&end, side, i, last - i < batch ? \
					(uint32_t)(last - i) : batch); \
		if (!done) \
			bench_pause(); \
		i += done; \
	} \
	*home = end; \
	side->next = i; \
}

#define BENCH_BYTE_LOOPS(NAME, P, C) \
static void NAME##_byte_produce(struct bench_run *run, uint64_t n) \
{ \
	P *home = NAME##_p(run), end = *home; \
	uint64_t i = run->producer->next, last = i + n; \
	const uint32_t size = run->size; \
\
	for (; i < last; i++) { \
		const char *from = (const char *)bench_message(end.pattern, i); \
		size_t done, at = 0; \
\
		while (done = NAME##_send(&end, from + at, size - at), \
		       at += done, at < size) { \
			if (!done) \
				bench_pause(); \
		} \
	} \
	*home = end; \
	run->producer->next = last; \
} \
\
static void NAME##_byte_consume(struct bench_run *run, uint64_t n) \
{ \
	C *home = NAME##_c(run), end = *home; \
	struct bench_side *side = run->consumer; \
	uint64_t i = side->next, last = i + n; \
	const uint32_t size = run->size; \
	char *to = (char *)end.buffer; \
\
	for (; i < last; i++) { \
		size_t done, at = 0; \
\
		while (done = NAME##_receive(&end, to + at, size - at), \
		       at += done, at < size) { \
			if (!done) \
				bench_pause(); \
		} \
		bench_check_message(side, i, to, size); \
	} \
	*home = end; \
	side->next = last; \
}

#define BENCH_TRIP_LOOPS(NAME, E) \
static void NAME##_trip_produce(struct bench_run *run, uint64_t n) \
{ \
	E *home = NAME##_p(run), end = *home; \
	struct bench_side *side = run->producer; \
	uint64_t i = side->next, last = i + n, item; \
\
	for (; i < last; i++) { \
		while (!NAME##_push(&end, i)) \
			bench_again(); \
		while (!NAME##_pop(&end, &item)) \
			bench_again(); \
		bench_check(side, i, item); \
		bench_lap(side); \
	} \
	*home = end; \
	side->next = last; \
} \
\
static void NAME##_trip_consume(struct bench_run *run, uint64_t n) \
{ \
	E *home = NAME##_c(run), end = *home; \
	struct bench_side *side = run->consumer; \
	uint64_t i = side->next, last = i + n, item; \
\
	for (; i < last; i++) { \
		while (!NAME##_pop(&end, &item)) \
			bench_again(); \
		bench_check(side, i, item); \
		while (!NAME##_push(&end, item)) \
			bench_again(); \
	} \
	*home = end; \
	side->next = last; \
}

/* So many at a time are out; more than that run->batch must not be. */
#define BENCH_OUT_MAX	64

#define BENCH_SLAB_LOOPS(NAME, E) \
static void NAME##_side(struct bench_run *run, struct bench_side *side, \
			E *home, uint64_t n) \
{ \
	uint64_t i = side->next, last = i + n, tokens[BENCH_OUT_MAX]; \
	const uint64_t mark = side == run->producer ? 0 : 1ULL << 63; \
	const uint32_t batch = run->batch; \
	E end = *home; \
	uint32_t j; \
\
	for (; i < last; i += batch) { \
		for (j = 0; j < batch; j++) { \
			while (!(tokens[j] = NAME##_take(&end))) \
				bench_pause(); \
			*NAME##_at(&end, tokens[j]) = mark | (i + j); \
		} \
		for (j = 0; j < batch; j++) { \
			bench_check(side, mark | (i + j), \
				    *NAME##_at(&end, tokens[j])); \
			NAME##_give(&end, tokens[j]); \
		} \
	} \
	*home = end; \
	side->next = i; \
} \
\
static void NAME##_produce(struct bench_run *run, uint64_t n) \
{ \
	NAME##_side(run, run->producer, NAME##_p(run), n); \
} \
\
static void NAME##_consume(struct bench_run *run, uint64_t n) \
{ \
	NAME##_side(run, run->consumer, NAME##_c(run), n); \
}

#define BENCH_SLAB_CROSS_LOOPS(NAME, E) \
static void NAME##_cross_produce(struct bench_run *run, uint64_t n) \
{ \
	E *home = NAME##_p(run), end = *home; \
	struct bench_carrier *c = run->carrier; \
	uint64_t i = run->producer->next, last = i + n, token; \
	uint64_t rd = __atomic_load_n(&c->rd, __ATOMIC_ACQUIRE); \
\
	for (; i < last; i++) { \
		while (!(token = NAME##_take(&end))) \
			bench_pause(); \
		*NAME##_at(&end, token) = i; \
		while (i - rd >= 1024) { \
			bench_pause(); \
			rd = __atomic_load_n(&c->rd, __ATOMIC_ACQUIRE); \
		} \
		c->tokens[i % 1024] = token; \
		__atomic_store_n(&c->wr, i + 1, __ATOMIC_RELEASE); \
	} \
	*home = end; \
	run->producer->next = last; \
} \
\
static void NAME##_cross_consume(struct bench_run *run, uint64_t n) \
{ \
	E *home = NAME##_c(run), end = *home; \
	struct bench_carrier *c = run->carrier; \
	struct bench_side *side = run->consumer; \
	uint64_t i = side->next, last = i + n, wr = i, token; \
\
	for (; i < last; i++) { \
		while (wr == i) { \
			wr = __atomic_load_n(&c->wr, __ATOMIC_ACQUIRE); \
			if (wr == i) \
				bench_pause(); \
		} \
		token = c->tokens[i % 1024]; \
		bench_check(side, i, *NAME##_at(&end, token)); \
		NAME##_give(&end, token); \
		__atomic_store_n(&c->rd, i + 1, __ATOMIC_RELEASE); \
	} \
	*home = end; \
	side->next = last; \
}

#endif /* BENCH_LOOPS_H */
