// SPDX-License-Identifier: GPL-2.0-only
/* What is measured, and what the baseline has to reach */
#include "engine.h"

#define KIB	1024U
#define MIB	(1024U * KIB)

#define ITEMS(entries) \
	.kind = BENCH_ITEMS, .capacity = entries, .sides = 2
#define BATCH(n) \
	.kind = BENCH_BATCH, .capacity = 1024, .batch = n, .sides = 2
#define BYTES(bytes) \
	.kind = BENCH_BYTES, .capacity = 64 * KIB, .size = bytes, .sides = 2, \
	.plot = "size", .x = bytes
#define CAPACITY(bytes) \
	.kind = BENCH_BYTES, .capacity = bytes, .size = 1024, .sides = 2, \
	.plot = "capacity", .x = bytes
#define TRIP(how) \
	.kind = how, .capacity = 4096, .sides = 2, .plot = "latency"
#define STREAM(bytes) \
	.kind = BENCH_STREAM, .capacity = 256 * KIB, .size = bytes, .sides = 2
#define EPOLL(n) \
	.kind = BENCH_EPOLL, .capacity = 4096, .rings = n, .sides = 2, \
	.plot = "rings", .x = n
#define SLAB(how, n) \
	.kind = how, .capacity = 4096, .batch = 16, .size = 64, .sides = n
#define LIFE(bytes) \
	.kind = BENCH_LIFE, .capacity = bytes, .sides = 1

const struct bench_case cases[] = {
	{ "u64-1k", "u64, one at a time, 1,024 elements",
	  ITEMS(1024), .quick = true,
	  .bars = { { "dpdk", 4 }, { "ck_ring", 4 }, { "moodycamel", 2.5 } } },
	{ "u64-64k", "u64, one at a time, 65,536 elements",
	  ITEMS(65536), .quick = true,
	  .bars = { { "dpdk", 4 }, { "ck_ring", 4 }, { "moodycamel", 2.5 } } },
	{ "batch-16", "u64, 16 at a time, in place, 1,024 elements",
	  BATCH(16), .quick = true, .bars = { { "dpdk-zc", 2 } } },
	{ "batch-64", "u64, 64 at a time, in place, 1,024 elements",
	  BATCH(64), .quick = true, .bars = { { "dpdk-zc", 1.5 } } },
	{ "bytes-64", "messages of 64 B, copied in and out, 64 KiB",
	  BYTES(64), .quick = true,
	  .bars = { { "dpdk", 6 }, { "boost", 6 } } },
	{ "bytes-256", "messages of 256 B, copied in and out, 64 KiB", BYTES(256) },
	{ "bytes-1k", "messages of 1 KiB, copied in and out, 64 KiB",
	  BYTES(KIB), .quick = true, .bars = { { "best", 1.5 } } },
	{ "bytes-4k", "messages of 4 KiB, copied in and out, 64 KiB",
	  BYTES(4 * KIB), .quick = true, .bars = { { "best", 1.1 } } },
	{ "bytes-64k", "messages of 64 KiB, copied in and out, 64 KiB",
	  BYTES(64 * KIB), .quick = true,
	  .bars = { { "best", 1.25 }, { "copy-limit", 0.7 } } },
	{ "trip-spin", "round trip over two rings, both sides spin",
	  TRIP(BENCH_TRIP), .quick = true,
	  .bars = { { "line", 1.15 }, { "dpdk", 0.8 } } },
	{ "trip-sleep", "round trip over two rings, both sides sleep at once",
	  TRIP(BENCH_TRIP_SLEEP), .quick = true, .bars = { { "eventfd", 1.1 } } },
	{ "trip-block", "round trip over two rings, waiting by default",
	  TRIP(BENCH_TRIP_BLOCK), .quick = true, .bars = { { "line", 2 } } },
	{ "stream-4k", "stream of 4 KiB writes, sleeping when it must, 256 KiB",
	  STREAM(4 * KIB), .quick = true, .bars = { { "pipe-1M", 1.1 } } },
	{ "stream-64k", "stream of 64 KiB writes, sleeping when it must, 256 KiB",
	  STREAM(64 * KIB), .quick = true, .bars = { { "unix", 3 } } },
	{ "epoll-1", "u64 to one ring in an epoll set", EPOLL(1), .quick = true },
	{ "epoll-8", "u64 to 8 rings in one epoll set", EPOLL(8) },
	{ "epoll-64", "u64 to 64 rings in one epoll set", EPOLL(64), .quick = true },
	{ "epoll-512", "u64 to 512 rings in one epoll set", EPOLL(512) },
	{ "slab-1", "64 B taken and given back, 16 at a time, one thread",
	  SLAB(BENCH_SLAB, 1), .quick = true,
	  .bars = { { "malloc", 4 }, { "treiber", 15 } } },
	{ "slab-2", "64 B taken and given back, 16 at a time, two threads",
	  SLAB(BENCH_SLAB, 2), .quick = true,
	  .bars = { { "malloc", 4 }, { "treiber", 15 } } },
	{ "slab-cross", "64 B taken here and given back there",
	  SLAB(BENCH_SLAB_CROSS, 2), .quick = true, .bars = { { "malloc", 5 } } },
	{ "capacity-4k", "messages of 1 KiB, 4 KiB", CAPACITY(4 * KIB) },
	{ "capacity-64k", "messages of 1 KiB, 64 KiB", CAPACITY(64 * KIB) },
	{ "capacity-1m", "messages of 1 KiB, 1 MiB", CAPACITY(MIB) },
	{ "capacity-16m", "messages of 1 KiB, 16 MiB", CAPACITY(16 * MIB) },
	{ "capacity-256m", "messages of 1 KiB, 256 MiB", CAPACITY(256 * MIB) },
	{ "capacity-1g", "messages of 1 KiB, 1 GiB", CAPACITY(1024 * MIB) },
	{ "life-4k", "a ring of 4 KiB made and destroyed",
	  LIFE(4 * KIB), .quick = true },
	{ "life-1m", "a ring of 1 MiB made and destroyed", LIFE(MIB) },
	{ "memory", "bytes of a ring of 64 KiB beyond its capacity",
	  .kind = BENCH_MEMORY, .capacity = 64 * KIB, .sides = 1, .quick = true },
	{ "life-1g", "a ring of 1 GiB made and destroyed", LIFE(1024 * MIB) },
};

const unsigned int case_count = COUNT(cases);

const struct unit *case_unit(const struct bench_case *c)
{
	static const struct unit items = { "M/s", 1e6, false };
	static const struct unit bytes = { "GB/s", 1e9, false };
	static const struct unit trip = { "ns", 1, true };
	static const struct unit rings = { "us", 1e3, true };
	static const struct unit memory = { "B", 1, true };

	switch (c->kind) {
	case BENCH_BYTES:
	case BENCH_STREAM:
		return &bytes;
	case BENCH_TRIP:
	case BENCH_TRIP_SLEEP:
	case BENCH_TRIP_BLOCK:
	case BENCH_EPOLL:
		return &trip;
	case BENCH_MEMORY:
		return &memory;
	case BENCH_LIFE:
		return &rings;
	default:
		return &items;
	}
}
