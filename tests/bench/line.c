// SPDX-License-Identifier: GPL-2.0-only
/*
 * The round trip of a cache line
 *
 * Whatever two CPUs tell each other takes at least this long. A hypervisor that
 * moves its CPUs moves this figure by a factor of five, and all others with it;
 * so it is measured before and after each run, and runs are only compared with
 * runs of the same state.
 */
#include <stdlib.h>

#include "engine.h"

#define CHUNKS	9
#define TRIPS	200

/* Nanoseconds; near, 47 to 130 were seen, and far 300 and 500 */
#define NEAR_MAX	200
/* What a state may differ by within a run, and between those of a table */
#define DRIFT_MAX	1.35

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of the median chunk, so that an interrupt does not count */
double line_ping(struct line *line)
{
	double chunks[CHUNKS];
	uint64_t word = 0, begin;
	int i, j;

	for (i = 0; i < CHUNKS; i++) {
		begin = bench_now();
		for (j = 0; j < TRIPS; j++) {
			__atomic_store_n(&line->ping, ++word, __ATOMIC_RELEASE);
			while (__atomic_load_n(&line->pong, __ATOMIC_ACQUIRE) != word)
				continue;
		}
		chunks[i] = (double)(bench_now() - begin) / TRIPS;
	}
	qsort(chunks, CHUNKS, sizeof(chunks[0]), ascending);
	return chunks[CHUNKS / 2];
}

void line_pong(struct line *line)
{
	uint64_t word;

	for (word = 1; word <= CHUNKS * TRIPS; word++) {
		while (__atomic_load_n(&line->ping, __ATOMIC_ACQUIRE) != word)
			continue;
		__atomic_store_n(&line->pong, word, __ATOMIC_RELEASE);
	}
}

enum state line_state(double before, double after)
{
	if (before > after * DRIFT_MAX || after > before * DRIFT_MAX ||
	    (before > NEAR_MAX && after <= NEAR_MAX) ||
	    (before <= NEAR_MAX && after > NEAR_MAX))
		return STATE_APART;
	return before > NEAR_MAX ? STATE_FAR : STATE_NEAR;
}

const char *state_name(enum state state)
{
	static const char *const names[] = { "near", "far", "apart" };

	return names[state];
}
