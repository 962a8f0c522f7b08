/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef MEASURE_H
#define MEASURE_H

#include "bench.h"

/**
 * struct measure - one measurement: what was asked, and what came of it
 * @run: as the module has returned it
 * @busy: asked for: the consumer looks again and again, and never waits
 * @received: records
 * @missing: numbers that were left out before the last that came
 * @bad: records that are not what was written
 * @reads: system calls of the consumer that fetch records
 * @waits: how often it found nothing and waited
 * @sleeps: how often the scheduler took it off its CPU for that
 * @kicks: sent to it
 * @ns: from the beginning to the last record
 * @producer_ns: CPU time
 * @consumer_ns: CPU time
 */
struct measure {
	struct bench_run run;
	bool busy;
	uint64_t received;
	uint64_t missing;
	uint64_t bad;
	uint64_t reads;
	uint64_t waits;
	uint64_t sleeps;
	uint64_t kicks;
	uint64_t ns;
	uint64_t producer_ns;
	uint64_t consumer_ns;
};

int measure(const struct transport *t, struct measure *m, bool thorough);
void pin(int cpu);
uint64_t now_ns(void);
uint64_t cpu_ns(void);

#endif /* MEASURE_H */
