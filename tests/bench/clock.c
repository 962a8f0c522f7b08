// SPDX-License-Identifier: GPL-2.0-only
/* Time: the kernel's clock, and cheap ticks for single round trips */
#include <math.h>
#include <time.h>

#include "engine.h"

static double ns_per_tick = 1;

uint64_t bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static uint64_t ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return bench_now();
#endif
}

void clock_calibrate(void)
{
	uint64_t begin = bench_now(), first = ticks(), now;

	do
		now = bench_now();
	while (now - begin < 5000000);
	ns_per_tick = (double)(now - begin) / (double)(ticks() - first);
}

unsigned int bucket_of(double ns)
{
	uint64_t n = ns > 0 ? (uint64_t)ns : 0;
	unsigned int shift, bucket;

	if (n < 16)
		return (unsigned int)n;
	shift = 63 - (unsigned int)__builtin_clzll(n) - 4;
	bucket = 16 * shift + (unsigned int)(n >> shift);
	return bucket < BENCH_BUCKETS ? bucket : BENCH_BUCKETS - 1;
}

/* The middle of the bucket */
double bucket_ns(unsigned int bucket)
{
	unsigned int shift;

	if (bucket < 32)
		return bucket + 0.5;
	shift = bucket / 16 - 1;
	return ldexp(bucket - 16 * shift + 0.5, (int)shift);
}

void bench_lap_end(struct bench_side *side)
{
	uint64_t now = ticks();

	/* The first one began before anybody looked. */
	if (side->lap != 1)
		side->laps[bucket_of((double)(now - side->lap) * ns_per_tick)]++;
	side->lap = now;
}
