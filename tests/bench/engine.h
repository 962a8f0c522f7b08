/* SPDX-License-Identifier: GPL-2.0-only */
/* What the parts of the engine know of each other */
#ifndef BENCH_ENGINE_H
#define BENCH_ENGINE_H

#include <stdarg.h>
#include <stdio.h>

#include "adapter.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

/* --- options.c */

/**
 * struct options - what was asked for
 * @rounds: of each case; 0: as the mode has it
 * @ms: that one measurement lasts
 * @items: not 0: so many items, and no time is looked at
 * @quick: the cases that are marked so
 * @realtime: try SCHED_FIFO
 * @cpus: the producer's and the consumer's; -1: one CPU for both
 * @timeout: seconds after which a measurement has hung
 * @cases: regular expression of case names, or NULL
 * @only: regular expression of adapter names, or NULL
 * @baseline: what the others are compared with
 * @out: folder of the results, or NULL
 * @fork: rows of processes for everybody who can
 * @list: print cases and adapters
 */
struct options {
	unsigned int rounds;
	unsigned int ms;
	uint64_t items;
	bool quick;
	bool realtime;
	int cpus[2];
	unsigned int timeout;
	const char *cases;
	const char *only;
	const char *baseline;
	const char *out;
	bool fork;
	bool list;
};

extern struct options options;

int options_parse(int argc, char **argv);
bool options_match(const char *pattern, const char *name);

/* --- cases.c */

/**
 * struct bar - what the baseline has to reach against a peer
 * @peer: name of an adapter, or "best" of all that are not the baseline's own
 * @ratio: at least for rates, at most for times
 */
struct bar {
	const char *peer;
	double ratio;
};

/**
 * struct bench_case - what is measured side by side
 * @name: in options and raw results
 * @title: in the table
 * @plot: of the plots, which it belongs to, or NULL
 * @x: where on that plot's axis
 * @quick: part of the quick mode
 */
struct bench_case {
	const char *name;
	const char *title;
	enum bench_kind kind;
	uint32_t capacity;
	uint32_t batch;
	uint32_t size;
	uint32_t rings;
	uint32_t sides;
	const char *plot;
	uint32_t x;
	bool quick;
	struct bar bars[4];
};

extern const struct bench_case cases[];
extern const unsigned int case_count;

/**
 * struct unit - how a measurement of a case is told
 * @name: for instance "M/s"
 * @scale: a value is divided by it
 * @time: nanoseconds of one item, where less is better; else a rate
 */
struct unit {
	const char *name;
	double scale;
	bool time;
};

const struct unit *case_unit(const struct bench_case *c);

/* --- adapters.c */

/**
 * struct loaded - a row of the tables
 * @adapter: of a shared object
 * @processes: its sides are processes
 * @label: name, and " (fork)"
 */
struct loaded {
	const struct bench_adapter *adapter;
	bool processes;
	char label[48];
};

/* Peers that are not there, and why */
struct missing {
	char name[48];
	char why[160];
};

extern struct loaded *loaded;
extern unsigned int loaded_count;
extern struct missing *missing;
extern unsigned int missing_count;

int adapters_load(const char *path);

/* --- line.c: round trips of one cache line, the measure of where the CPUs are */

/**
 * struct line - words that two CPUs pass to and fro
 * @ping: written by the producer
 * @pong: written by the consumer
 */
struct line {
	uint64_t ping __attribute__((aligned(BENCH_LINE)));
	uint64_t pong __attribute__((aligned(BENCH_LINE)));
};

double line_ping(struct line *line);
void line_pong(struct line *line);

enum state { STATE_NEAR, STATE_FAR, STATE_APART, STATES };

enum state line_state(double before, double after);
const char *state_name(enum state state);

/* --- clock.c */

void clock_calibrate(void);
unsigned int bucket_of(double ns);
double bucket_ns(unsigned int bucket);

/* --- worker.c: one measurement, in a process of its own */

enum outcome {
	OUTCOME_OK,
	OUTCOME_ABSENT,		/* -EOPNOTSUPP */
	OUTCOME_FAILED,		/* see @why */
};

/**
 * struct measure - what came of it
 * @n: items
 * @ns: that they took
 * @before: nanoseconds of a line's round trip, before
 * @after: and after
 * @realtime: both sides had SCHED_FIFO
 * @laps: round trips by how long they took
 */
struct measure {
	enum outcome outcome;
	char why[160];
	uint64_t n;
	double ns;
	double before;
	double after;
	enum state state;
	bool realtime;
	uint32_t laps[BENCH_BUCKETS];
};

void measure(const struct bench_case *c, const struct loaded *row,
	     struct measure *m);

/* --- results.c: all measurements, raw ones in a file */

/**
 * struct sample - one measurement, as it is kept
 * @c: index of the case
 * @row: index of the row
 * @round: from 0 on
 * @line: nanoseconds of the cache line's round trip; 0: there was one side only
 * @value: nanoseconds of one item
 */
struct sample {
	unsigned int c;
	unsigned int row;
	unsigned int round;
	enum state state;
	double line;
	double value;
};

extern struct sample *samples;
extern unsigned int sample_count;

int results_open(void);
void results_add(unsigned int c, unsigned int row, unsigned int round,
		 const struct measure *m);
int results_close(void);
const uint32_t *results_laps(unsigned int c, unsigned int row);

/* --- report.c */

void report(void);
int report_plots(void);

#endif /* BENCH_ENGINE_H */
