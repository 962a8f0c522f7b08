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

static const char note[] = "ReaderWriterQueue, try_enqueue, try_dequeue";

BENCH_ADAPTERS = {
	{ "moodycamel", note, BENCH_ITEMS, 0, 0,
	  rw_setup, rw_produce, rw_consume, rw_teardown },
	{ "moodycamel", note, BENCH_TRIP, 0, 0,
	  rw_setup, rw_trip_produce, rw_trip_consume, rw_teardown },
	{ nullptr, nullptr, BENCH_ITEMS, 0, 0, nullptr, nullptr, nullptr, nullptr }
};
