// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tables, and the plots' data
 *
 * Rows are compared within a round, and only with runs of the same state; what
 * is shown is the median over the rounds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

static FILE *text;

__attribute__((format(printf, 1, 2)))
static void say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	if (!text)
		return;
	va_start(args, format);
	vfprintf(text, format, args);
	va_end(args);
}

/**
 * struct row - of a table
 * @row: index of what was loaded
 * @count: of values
 * @apart: runs in which the CPUs were moved
 * @median: in the case's unit
 * @low: a tenth is below
 * @high: a tenth is above
 * @ratio: of the baseline to this one, the median of the rounds; 0: none
 */
struct row {
	unsigned int row;
	unsigned int count;
	unsigned int apart;
	double median;
	double low;
	double high;
	double ratio;
};

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double *values, unsigned int n, double q)
{
	double at = q * (n - 1);
	unsigned int i = (unsigned int)at;

	qsort(values, n, sizeof(*values), ascending);
	if (i + 1 >= n)
		return values[n - 1];
	return values[i] + (at - i) * (values[i + 1] - values[i]);
}

static double in_unit(const struct bench_case *c, double ns)
{
	const struct unit *u = case_unit(c);

	double each = 1;

	if (u->time)
		return ns / u->scale;
	if (c->kind == BENCH_BYTES || c->kind == BENCH_STREAM)
		each = c->size;
	else if (c->kind == BENCH_SLAB)
		each = c->sides;	/* who do the same */
	return 1e9 / ns / u->scale * each;
}

static const struct sample *find(unsigned int c, unsigned int row,
				 unsigned int round, enum state state)
{
	unsigned int i;

	for (i = 0; i < sample_count; i++) {
		const struct sample *s = &samples[i];

		if (s->c == c && s->row == row && s->round == round &&
		    s->state == state)
			return s;
	}
	return NULL;
}

/* The baseline's adapter of this kind */
static int find_baseline(unsigned int c)
{
	unsigned int i;

	for (i = 0; i < loaded_count; i++) {
		if (!loaded[i].processes &&
		    loaded[i].adapter->kind == cases[c].kind &&
		    !strcmp(loaded[i].adapter->name, options.baseline))
			return (int)i;
	}
	return -1;
}

static void fill(struct row *r, unsigned int c, unsigned int row, int baseline,
		 enum state state)
{
	double *values = calloc(options.rounds, sizeof(*values));
	double *ratios = calloc(options.rounds, sizeof(*ratios));
	unsigned int round, n = 0, pairs = 0;

	memset(r, 0, sizeof(*r));
	r->row = row;
	for (round = 0; values && ratios && round < options.rounds; round++) {
		const struct sample *s = find(c, row, round, state), *base;

		r->apart += !!find(c, row, round, STATE_APART);
		if (!s)
			continue;
		values[n++] = in_unit(&cases[c], s->value);
		base = baseline < 0 ? NULL :
			find(c, (unsigned int)baseline, round, state);
		if (base)
			ratios[pairs++] = in_unit(&cases[c], base->value) /
				values[n - 1];
	}
	r->count = n;
	if (n) {
		r->low = quantile(values, n, 0.1);
		r->high = quantile(values, n, 0.9);
		r->median = quantile(values, n, 0.5);
	}
	if (pairs)
		r->ratio = quantile(ratios, pairs, 0.5);
	free(values);
	free(ratios);
}

static bool is_peer(const struct row *r)
{
	const struct bench_adapter *a = loaded[r->row].adapter;

	return r->ratio > 0 && !loaded[r->row].processes &&
		!(a->flags & BENCH_BOUND) &&
		strncmp(a->name, options.baseline, strlen(options.baseline));
}

/* Against which peers of @peer's name is the bar? "best": the hardest to beat */
static const struct row *bar_row(const struct bar *bar, const struct row *rows,
				 unsigned int n, bool time)
{
	const struct row *best = NULL;
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct loaded *l = &loaded[rows[i].row];

		if (strcmp(bar->peer, "best")) {
			if (!l->processes && rows[i].ratio > 0 &&
			    !strcmp(l->adapter->name, bar->peer))
				return &rows[i];
		} else if (is_peer(&rows[i]) &&
			   (!best || (time ? rows[i].ratio > best->ratio :
				      rows[i].ratio < best->ratio))) {
			best = &rows[i];
		}
	}
	return best;
}

static void print_bars(const struct bench_case *c, const struct row *rows,
		       unsigned int n)
{
	bool time = case_unit(c)->time;
	unsigned int i;

	for (i = 0; i < COUNT(c->bars) && c->bars[i].peer; i++) {
		const struct bar *bar = &c->bars[i];
		const struct row *r = bar_row(bar, rows, n, time);
		const char *sign = time ? "<=" : ">=";

		if (!r) {
			say("  bar %s %g x %s: not available\n", sign,
			    bar->ratio, bar->peer);
			continue;
		}
		say("  bar %s %g x %s: %.2f, %s\n", sign, bar->ratio,
		    loaded[r->row].label, r->ratio,
		    (time ? r->ratio <= bar->ratio : r->ratio >= bar->ratio) ?
		    "reached" : "NOT reached");
	}
}

static int better_first(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	return (y->ratio < x->ratio) - (y->ratio > x->ratio);
}

static int worse_first(const void *a, const void *b)
{
	return better_first(b, a);
}

/* The line's round trip in a state, the median of all runs; 0: none */
static double line_of[STATES];

/*
 * A state has many places: runs in which the line took much more or less than in
 * most are put apart as well.
 */
static void settle_states(void)
{
	double *lines = calloc(sample_count, sizeof(*lines));
	unsigned int i, n, state;

	for (state = STATE_NEAR; lines && state < STATE_APART; state++) {
		for (i = 0, n = 0; i < sample_count; i++) {
			if (samples[i].state == state && samples[i].line > 0)
				lines[n++] = samples[i].line;
		}
		if (!n)
			continue;
		line_of[state] = quantile(lines, n, 0.5);
		for (i = 0; i < sample_count; i++) {
			struct sample *s = &samples[i];

			if (s->state == state && s->line > 0 &&
			    line_state(s->line, line_of[state]) == STATE_APART)
				s->state = STATE_APART;
		}
	}
	free(lines);
}

static void print_state(const struct bench_case *c, enum state state)
{
	if (c->sides == 2)
		say(", %s (line %.0f ns)", state_name(state), line_of[state]);
}

static void print_case(unsigned int c, enum state state)
{
	const struct bench_case *k = &cases[c];
	struct row *rows = calloc(loaded_count, sizeof(*rows));
	unsigned int i, n = 0;
	int baseline = find_baseline(c);

	for (i = 0; rows && i < loaded_count; i++) {
		fill(&rows[n], c, i, baseline, state);
		n += rows[n].count > 0;
	}
	if (n) {
		qsort(rows, n, sizeof(*rows),
		      case_unit(k)->time ? worse_first : better_first);
		say("\n%s: %s", k->name, k->title);
		print_state(k, state);
		say("\n");
		say("  %-28s%12s%24s%7s%10s\n", "", case_unit(k)->name,
		    "10 % .. 90 %", "runs", options.baseline);
	}
	for (i = 0; i < n; i++) {
		const struct row *r = &rows[i];

		say("  %-28s%12.2f%12.2f%12.2f%7u", loaded[r->row].label,
		    r->median, r->low, r->high, r->count);
		if (r->ratio > 0)
			say("%8.2f x", r->ratio);
		if (r->apart)
			say("   (%u apart)", r->apart);
		say("\n");
	}
	if (n && baseline >= 0)
		print_bars(k, rows, n);
	free(rows);
}

/* Enough runs of it for medians to mean something? */
static bool state_counts(unsigned int c, enum state state)
{
	unsigned int i, runs = 0, all = 0;

	for (i = 0; i < sample_count; i++) {
		all += samples[i].c == c;
		runs += samples[i].c == c && samples[i].state == state;
	}
	return 4 * runs >= all && runs;
}

void report(void)
{
	char path[4096];
	unsigned int c, state;

	if (options.out) {
		snprintf(path, sizeof(path), "%s/results.txt", options.out);
		text = fopen(path, "w");
	}
	settle_states();
	for (c = 0; c < case_count; c++) {
		for (state = STATE_NEAR; state < STATE_APART; state++) {
			if (state_counts(c, state))
				print_case(c, state);
		}
	}
	if (missing_count)
		say("\nNot available:\n");
	for (c = 0; c < missing_count; c++)
		say("  %-28s%s\n", missing[c].name, missing[c].why);
	if (text)
		fclose(text);
	text = NULL;
}

/* --- Data for plot.gp: one block of lines for each line of a plot */

static enum state main_state(void)
{
	unsigned int i, far = 0, near = 0;

	for (i = 0; i < sample_count; i++) {
		near += samples[i].state == STATE_NEAR && cases[samples[i].c].sides == 2;
		far += samples[i].state == STATE_FAR;
	}
	return far > near ? STATE_FAR : STATE_NEAR;
}

/* A line of a plot begins; its title */
__attribute__((format(printf, 2, 3)))
static void plot_block(FILE *out, const char *format, ...)
{
	va_list args;

	if (ftell(out))
		fprintf(out, "\n\n");
	fprintf(out, "\"");
	va_start(args, format);
	vfprintf(out, format, args);
	va_end(args);
	fprintf(out, "\"\n");
}

/* A peer that has an adapter for each size is one line all the same. */
static void plot_row(FILE *out, const char *plot, unsigned int row,
		     enum state state)
{
	const char *label = loaded[row].label;
	bool any = false;
	unsigned int c, i;

	for (i = 0; i < row; i++)
		if (!strcmp(loaded[i].label, label))
			return;
	for (c = 0; c < case_count; c++) {
		struct row r = { 0 };

		if (!cases[c].plot || strcmp(cases[c].plot, plot))
			continue;
		for (i = row; i < loaded_count && !r.count; i++)
			if (!strcmp(loaded[i].label, label))
				fill(&r, c, i, -1, state);
		if (!r.count)
			continue;
		if (!any)
			plot_block(out, "%s", loaded[row].label);
		fprintf(out, "%u %g %g %g\n", cases[c].x, r.median, r.low, r.high);
		any = true;
	}
}

static void plot_laps(FILE *out, unsigned int c, unsigned int row)
{
	const uint32_t *laps = results_laps(c, row);
	uint64_t all = 0, sum = 0;
	unsigned int i;

	for (i = 0; i < BENCH_BUCKETS; i++)
		all += laps[i];
	if (!all)
		return;
	plot_block(out, "%s, %s", loaded[row].label, cases[c].name);
	for (i = 0; i < BENCH_BUCKETS; i++) {
		if (!laps[i])
			continue;
		sum += laps[i];
		fprintf(out, "%.9f %.1f\n", (double)(sum - laps[i]) / (double)all,
			bucket_ns(i));
	}
}

/* Returns 0 or -errno. */
int report_plots(void)
{
	static const char *const plots[] = { "size", "capacity", "rings" };
	char path[4096];
	unsigned int i, c, row;
	FILE *out;

	if (!options.out || !sample_count)
		return 0;
	for (i = 0; i < COUNT(plots); i++) {
		snprintf(path, sizeof(path), "%s/%s.dat", options.out, plots[i]);
		out = fopen(path, "w");
		if (!out)
			return -errno;
		for (row = 0; row < loaded_count; row++)
			plot_row(out, plots[i], row, main_state());
		if (fclose(out))
			return -errno;
	}
	snprintf(path, sizeof(path), "%s/latency.dat", options.out);
	out = fopen(path, "w");
	if (!out)
		return -errno;
	for (c = 0; c < case_count; c++) {
		if (!cases[c].plot || strcmp(cases[c].plot, "latency"))
			continue;
		for (row = 0; row < loaded_count; row++)
			plot_laps(out, c, row);
	}
	return fclose(out) ? -errno : 0;
}
