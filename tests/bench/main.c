// SPDX-License-Identifier: GPL-2.0-only
/*
 * The benchmark of ways from one CPU to another: shmring and its peers
 *
 * Each case is measured in rounds, and in each round every adapter once, so that
 * what the machine does meanwhile happens to all of them.
 */
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"

/* Rows that have failed in a case, and need not fail again */
static bool *given_up;
static unsigned int failures;

static bool takes_part(unsigned int c, unsigned int row)
{
	const struct loaded *l = &loaded[row];

	if (l->adapter->kind != cases[c].kind ||
	    (cases[c].sides == 2 && !l->adapter->consume))
		return false;
	if (l->processes && !options.fork &&
	    strncmp(l->adapter->name, options.baseline, strlen(options.baseline)))
		return false;
	return options_match(options.only, l->adapter->name);
}

static bool selected(unsigned int c)
{
	unsigned int row;

	if (options.quick && !cases[c].quick)
		return false;
	if (!options_match(options.cases, cases[c].name))
		return false;
	for (row = 0; row < loaded_count; row++) {
		if (takes_part(c, row))
			return true;
	}
	return false;
}

__attribute__((format(printf, 1, 2)))
static void progress(const char *format, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(args, format);
	fputs("\r\033[K", stderr);
	vfprintf(stderr, format, args);
	va_end(args);
	fflush(stderr);
}

static void measure_row(unsigned int c, unsigned int row, unsigned int round)
{
	bool *out = &given_up[c * loaded_count + row];
	struct measure m;

	if (*out)
		return;
	measure(&cases[c], &loaded[row], &m);
	results_add(c, row, round, &m);
	*out = m.outcome != OUTCOME_OK;
	if (m.outcome == OUTCOME_FAILED) {
		failures++;
		progress("%s", "");
		fprintf(stderr, "bench: %s: %s: FAILED: %s\n", cases[c].name,
			loaded[row].label, m.why);
	} else if (m.outcome == OUTCOME_OK && options.items) {
		printf("%s: %s: %llu items, all right\n", cases[c].name,
		       loaded[row].label, (unsigned long long)m.n);
	}
}

static void measure_case(unsigned int c, unsigned int at, unsigned int all)
{
	unsigned int round, row;

	if (!isatty(STDERR_FILENO))
		fprintf(stderr, "  [%u/%u] %s\n", at, all, cases[c].title);
	for (round = 0; round < options.rounds; round++) {
		for (row = 0; row < loaded_count; row++) {
			if (!takes_part(c, row))
				continue;
			progress("  [%u/%u] %s: round %u of %u: %s", at, all,
				 cases[c].title, round + 1, options.rounds,
				 loaded[row].label);
			measure_row(c, row, round);
		}
	}
	progress("%s", "");
}

/* Above the sides, so that a hung one can be stopped */
static void raise_priority(void)
{
	struct sched_param p = { .sched_priority = 71 };

	if (!options.realtime)
		return;
	if (sched_setscheduler(0, SCHED_FIFO, &p)) {
		fprintf(stderr, "bench: no SCHED_FIFO for us: what else runs here disturbs more\n");
		options.realtime = false;
	}
}

static void list(void)
{
	unsigned int i;

	printf("Cases:\n");
	for (i = 0; i < case_count; i++)
		printf("  %-16s%s%s\n", cases[i].name, cases[i].title,
		       cases[i].quick ? " (quick)" : "");
	printf("Adapters:\n");
	for (i = 0; i < loaded_count; i++) {
		const struct bench_adapter *a = loaded[i].adapter;

		/* One for each kind of thing that it can do */
		if (!i || strcmp(a->name, loaded[i - 1].adapter->name))
			printf("  %-16s%s\n", a->name, a->note ? a->note : "");
	}
	printf("Not available:\n");
	for (i = 0; i < missing_count; i++)
		printf("  %-16s%s\n", missing[i].name, missing[i].why);
}

int main(int argc, char **argv)
{
	unsigned int c, at = 0, all = 0;
	int err = options_parse(argc, argv);

	if (err)
		return err < 0 ? 2 : 0;
	for (; optind < argc; optind++) {
		if (adapters_load(argv[optind]))
			return 2;
	}
	if (options.list) {
		list();
		return 0;
	}
	for (c = 0; c < case_count; c++)
		all += selected(c);
	if (!all) {
		fprintf(stderr, "bench: nothing to measure: no case, adapter match (see --list)\n");
		return 2;
	}
	err = results_open();
	if (err) {
		fprintf(stderr, "bench: --out %s: %s\n", options.out, strerror(-err));
		return 2;
	}
	if (options.cpus[1] < 0 && !options.items)
		fprintf(stderr, "bench: one CPU only: these figures say nothing\n");
	given_up = calloc((size_t)case_count * loaded_count, sizeof(*given_up));
	if (!given_up)
		return 1;
	clock_calibrate();
	raise_priority();
	for (c = 0; c < case_count; c++) {
		if (selected(c))
			measure_case(c, ++at, all);
	}
	report();
	err = report_plots();
	if (!err)
		err = results_close();
	if (err) {
		fprintf(stderr, "bench: --out %s: %s\n", options.out, strerror(-err));
		return 1;
	}
	if (failures)
		fprintf(stderr, "bench: %u FAILED\n", failures);
	return failures ? 1 : 0;
}
