// SPDX-License-Identifier: GPL-2.0-only
/*
 * boost::lockfree::spsc_queue, of u64 and of bytes
 *
 * Needs: libboost-dev <boost/lockfree/spsc_queue.hpp>
 */
#include <boost/lockfree/spsc_queue.hpp>

#include "loops.h"

template <typename T> struct queues {
	using queue = boost::lockfree::spsc_queue<T>;

	struct end {
		queue *to;
		queue *from;
		void *pattern;
		void *buffer;
	};

	queue there, back;
	end ends[2];

	explicit queues(size_t capacity) :
		there(capacity), back(capacity),
		ends{ { &there, &back, nullptr, nullptr },
		      { &back, &there, nullptr, nullptr } }
	{
	}
};

using item_end = queues<uint64_t>::end;
using byte_end = queues<char>::end;

static item_end *item_p(bench_run *run)
{
	return &static_cast<queues<uint64_t> *>(run->state)->ends[0];
}

static item_end *item_c(bench_run *run)
{
	return &static_cast<queues<uint64_t> *>(run->state)->ends[1];
}

static inline bool item_push(item_end *e, uint64_t item)
{
	return e->to->push(item);
}

static inline bool item_pop(item_end *e, uint64_t *item)
{
	return e->from->pop(*item);
}

BENCH_ITEM_LOOPS(item, item_end, item_end)
BENCH_TRIP_LOOPS(item, item_end)

static int item_setup(bench_run *run)
{
	run->state = new queues<uint64_t>(run->capacity);
	return 0;
}

static void item_teardown(bench_run *run)
{
	delete static_cast<queues<uint64_t> *>(run->state);
}

static byte_end *bytes_p(bench_run *run)
{
	return &static_cast<queues<char> *>(run->state)->ends[0];
}

static byte_end *bytes_c(bench_run *run)
{
	return &static_cast<queues<char> *>(run->state)->ends[1];
}

static inline size_t bytes_send(byte_end *e, const void *from, size_t n)
{
	return e->to->push(static_cast<const char *>(from), n);
}

static inline size_t bytes_receive(byte_end *e, void *to, size_t n)
{
	return e->from->pop(static_cast<char *>(to), n);
}

BENCH_BYTE_LOOPS(bytes, byte_end, byte_end)

static int bytes_setup(bench_run *run)
{
	auto *s = new queues<char>(run->capacity);

	run->state = s;
	s->ends[0].pattern = bench_pattern(run->size);
	s->ends[1].buffer = bench_shared(run->size);
	return s->ends[0].pattern && s->ends[1].buffer ? 0 : -ENOMEM;
}

static void bytes_teardown(bench_run *run)
{
	auto *s = static_cast<queues<char> *>(run->state);

	bench_unpattern(s->ends[0].pattern, run->size);
	bench_unshare(s->ends[1].buffer, run->size);
	delete s;
}

static const char note[] = "boost::lockfree::spsc_queue";

BENCH_ADAPTERS = {
	{ "boost", note, BENCH_ITEMS, 0, 0,
	  item_setup, item_produce, item_consume, item_teardown },
	{ "boost", note, BENCH_TRIP, 0, 0,
	  item_setup, item_trip_produce, item_trip_consume, item_teardown },
	{ "boost", note, BENCH_BYTES, 0, 0,
	  bytes_setup, bytes_byte_produce, bytes_byte_consume, bytes_teardown },
	{ nullptr, nullptr, BENCH_ITEMS, 0, 0, nullptr, nullptr, nullptr, nullptr }
};
