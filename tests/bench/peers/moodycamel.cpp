// SPDX-License-Identifier: GPL-2.0-only
/*
 * moodycamel::ReaderWriterQueue
 *
 * Needs: libreaderwriterqueue-dev <readerwriterqueue.h>
 */
#include <readerwriterqueue.h>

#include "loops.h"

using queue = moodycamel::ReaderWriterQueue<uint64_t>;

struct end {
	queue *to;
	queue *from;
};

struct state {
	queue there, back;
	end ends[2];

	explicit state(size_t capacity) :
		there(capacity), back(capacity),
		ends{ { &there, &back }, { &back, &there } }
	{
	}
};

static end *rw_p(bench_run *run)
{
	return &static_cast<state *>(run->state)->ends[0];
}

static end *rw_c(bench_run *run)
{
	return &static_cast<state *>(run->state)->ends[1];
}

static inline bool rw_push(end *e, uint64_t item)
{
	return e->to->try_enqueue(item);
}

static inline bool rw_pop(end *e, uint64_t *item)
{
	return e->from->try_dequeue(*item);
}

BENCH_ITEM_LOOPS(rw, end, end)
BENCH_TRIP_LOOPS(rw, end)

static int rw_setup(bench_run *run)
{
	run->state = new state(run->capacity);
	return 0;
}

static void rw_teardown(bench_run *run)
{
	delete static_cast<state *>(run->state);
}

/* --- Messages are elements, of a type for each size */

template <uint32_t size> struct message {
	char bytes[size];
};

template <uint32_t size> struct sized {
	moodycamel::ReaderWriterQueue<message<size>> queue;
	void *pattern, *buffer;

	explicit sized(size_t capacity) :
		queue(capacity), pattern(bench_pattern(size)),
		buffer(bench_shared(size))
	{
	}

	~sized()
	{
		bench_unpattern(pattern, size);
		bench_unshare(buffer, size);
	}
};

template <uint32_t size> struct side {
	sized<size> *state;
	void *pattern, *buffer;
};

template <uint32_t size>
static inline size_t message_send(side<size> *e, const void *from)
{
	return e->state->queue.try_enqueue(*static_cast<const message<size> *>(from)) ?
		size : 0;
}

template <uint32_t size>
static inline size_t message_receive(side<size> *e, void *to)
{
	return e->state->queue.try_dequeue(*static_cast<message<size> *>(to)) ?
		size : 0;
}

template <uint32_t size> static int message_setup(bench_run *run)
{
	static side<size> ends[2];

	if (run->size != size)
		return -EOPNOTSUPP;
	auto *s = new sized<size>(run->capacity / size);

	ends[0] = { s, s->pattern, s->buffer };
	ends[1] = ends[0];
	run->state = ends;
	return s->pattern && s->buffer ? 0 : -ENOMEM;
}

template <uint32_t size> static void message_teardown(bench_run *run)
{
	delete static_cast<side<size> *>(run->state)->state;
}

#define SIZE(N) \
static side<N> *m##N##_p(bench_run *run) \
{ \
	return static_cast<side<N> *>(run->state); \
} \
static side<N> *m##N##_c(bench_run *run) \
{ \
	return static_cast<side<N> *>(run->state) + 1; \
} \
static inline size_t m##N##_send(side<N> *e, const void *from, size_t) \
{ \
	return message_send(e, from); \
} \
static inline size_t m##N##_receive(side<N> *e, void *to, size_t) \
{ \
	return message_receive(e, to); \
} \
BENCH_BYTE_LOOPS(m##N, side<N>, side<N>)

SIZE(64)
SIZE(256)
SIZE(1024)
SIZE(4096)
SIZE(65536)

static const char note[] = "ReaderWriterQueue, try_enqueue, try_dequeue";

#define ROW(N) \
	{ "moodycamel", note, BENCH_BYTES, 0, 0, message_setup<N>, \
	  m##N##_byte_produce, m##N##_byte_consume, message_teardown<N> }

BENCH_ADAPTERS = {
	{ "moodycamel", note, BENCH_ITEMS, 0, 0,
	  rw_setup, rw_produce, rw_consume, rw_teardown },
	{ "moodycamel", note, BENCH_TRIP, 0, 0,
	  rw_setup, rw_trip_produce, rw_trip_consume, rw_teardown },
	ROW(64), ROW(256), ROW(1024), ROW(4096), ROW(65536),
	{ nullptr, nullptr, BENCH_ITEMS, 0, 0, nullptr, nullptr, nullptr, nullptr }
};
