// SPDX-License-Identifier: GPL-2.0-only
/*
 * From the kernel to a process, in every way there is
 *
 *	bench_test			that nothing is lost in silence, in KTAP
 *	bench_test FILE ROUNDS MS	measure, one JSON object a line to FILE
 *	bench_test FILE			the same where a nanosecond is an instruction
 *
 * Of each record the first word is its number, so the consumer knows what was
 * dropped before it; what comes must be what was offered, less that.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <kselftest.h>

#include "measure.h"

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static const struct transport *const transports[] = {
	&by_shmring, &by_bpf, &by_relay, &by_read,
	&by_shmring_batch, &by_shmring_lowat,
	&by_bpf_nowakeup, &by_bpf_reserve,
};

static const struct transport *const taps[] = {
	&by_tap_lowat, &by_tpacket, &by_tap, &by_packet,
};

static const uint32_t sizes[] = { 8, 64, 1024, 4096, 16384 };

/* --- As a test: no time is looked at */

static const char *flaw(const struct measure *m, bool lossless)
{
	if (m->bad)
		return "a record is not what was written";
	if (m->received != m->run.written)
		return "what was written is not what came";
	if (m->run.offered != m->run.written + m->run.dropped)
		return "offered is not written and dropped";
	if (m->missing > m->run.dropped)
		return "more is missing than was dropped";
	if (!m->run.offered)
		return "nothing was offered";
	if (lossless && (m->run.dropped || m->run.offered != m->run.limit))
		return "a lossless run has lost some, or did not end";
	return NULL;
}

static void test(const struct transport *t, uint32_t bytes, bool lossless)
{
	struct measure m = {
		.run = {
			.flags = lossless ? BENCH_LOSSLESS : 0,
			.bytes = bytes,
			.burst = 64,
			.limit = (4 * CAPACITY) / bytes,
			.duration_ns = lossless ? 20000000000ULL : 100000000,
		},
	};
	const char *how = lossless ? "lossless" : "lossy";
	const char *wrong;
	int err;

	err = measure(t, &m, true);
	if (err == -EOPNOTSUPP) {
		ksft_test_result_skip("%s, %u bytes, %s: not here\n", t->name,
				      bytes, how);
		return;
	}
	wrong = err ? strerror(-err) : flaw(&m, lossless);
	if (wrong && !err && t->flags & INEXACT) {
		ksft_test_result_skip("%s, %u bytes, %s: %s, as known\n",
				      t->name, bytes, how, wrong);
		return;
	}
	if (wrong)
		ksft_print_msg("%s: offered %" PRIu64 ", written %" PRIu64
			       ", dropped %" PRIu64 ", received %" PRIu64
			       ", missing %" PRIu64 ", bad %" PRIu64 "\n", wrong,
			       (uint64_t)m.run.offered,
			       (uint64_t)m.run.written,
			       (uint64_t)m.run.dropped, m.received, m.missing,
			       m.bad);
	ksft_test_result(!wrong, "%s, %u bytes, %s\n", t->name, bytes, how);
}

/* A consumer that never sleeps is never woken. */
static void test_kicks(const struct transport *t)
{
	struct measure m = {
		.run = {
			.bytes = 64,
			.burst = 64,
			.limit = 2048,
			.interval_ns = 1000000,
			.duration_ns = 20000000000ULL,
		},
		.busy = true,
	};
	int err = measure(t, &m, true);

	if (m.kicks)
		ksft_print_msg("%" PRIu64 " kicks\n", m.kicks);
	ksft_test_result(!err && m.received && !m.kicks && !flaw(&m, false),
			 "%s, no kicks to a busy consumer\n", t->name);
}

static void test_all(void)
{
	unsigned int i, j;

	setlinebuf(stdout);
	ksft_print_header();
	ksft_set_plan((2 * COUNT(transports) + COUNT(taps)) * COUNT(sizes) + 2);
	for (i = 0; i < COUNT(transports); i++) {
		for (j = 0; j < COUNT(sizes); j++) {
			test(transports[i], sizes[j], true);
			test(transports[i], sizes[j], false);
		}
	}
	for (i = 0; i < COUNT(taps); i++) {
		for (j = 0; j < COUNT(sizes); j++)
			test(taps[i], sizes[j], false);
	}
	test_kicks(&by_shmring);
	test_kicks(&by_shmring_batch);
	ksft_finished();	/* does not return */
}

/* --- As a benchmark */

static void print(FILE *out, const struct transport *t, const char *mode,
		  int round, const struct measure *m)
{
	fprintf(out, "{");
	if (!(t->flags & NO_KICKS))
		fprintf(out, "\"kicks\":%" PRIu64 ",", m->kicks);
	fprintf(out, "\"transport\":\"%s\",\"mode\":\"%s\",\"bytes\":%u,"
		"\"round\":%d,\"offered\":%" PRIu64 ",\"received\":%" PRIu64
		",\"written\":%" PRIu64 ",\"bad\":%" PRIu64
		",\"dropped\":%" PRIu64 ",\"stalls\":%" PRIu64
		",\"waits\":%" PRIu64
		",\"sleeps\":%" PRIu64 ",\"reads\":%" PRIu64
		",\"ns\":%" PRIu64 ",\"produced_ns\":%" PRIu64
		",\"busy_ns\":%" PRIu64
		",\"producer_cpu_ns\":%" PRIu64
		",\"consumer_cpu_ns\":%" PRIu64 "}\n",
		t->name, mode, m->run.bytes, round, (uint64_t)m->run.offered,
		m->received, (uint64_t)m->run.written, m->bad,
		(uint64_t)m->run.dropped, (uint64_t)m->run.stalls,
		m->waits, m->sleeps, m->reads, m->ns,
		(uint64_t)m->run.ns, (uint64_t)m->run.busy_ns, m->producer_ns, m->consumer_ns);
	fflush(out);
}

static void bench(FILE *out, const struct transport *t, const char *mode,
		  int round, struct measure *m)
{
	const char *wrong;
	int err;

	err = measure(t, m, false);
	if (err == -EOPNOTSUPP)
		return;
	wrong = err ? strerror(-err) : flaw(m, false);
	if (wrong && (err || !(t->flags & INEXACT))) {
		fprintf(stderr, "%s, %u bytes, %s: %s\n", t->name,
			m->run.bytes, mode, wrong);
		exit(1);
	}
	print(out, t, mode, round, m);
}

/*
 * Four loads: as fast as it goes, waiting for room ("full"); a burst a
 * millisecond, that a consumer has the time for ("light"), and one that never
 * sleeps ("busy"); and bursts of more than the capacity ("heavy"), of which every
 * transport drops some.  All but the first are the same for all.
 */
static void bench_size(FILE *out, uint32_t bytes, int round, uint64_t ns)
{
	uint32_t light = bytes * 64 > 32768 ? 32768 / bytes : 64;
	unsigned int i;

	for (i = 0; i < COUNT(transports); i++) {
		const struct transport *t = transports[i];
		struct measure full = { .run = {
			.flags = BENCH_LOSSLESS, .bytes = bytes, .burst = 64,
			.duration_ns = ns, .limit = UINT64_MAX,
		} };
		struct measure paced = { .run = {
			.bytes = bytes, .burst = light,
			.interval_ns = 1000000,
			.duration_ns = ns, .limit = UINT64_MAX,
		} };
		struct measure busy = paced;
		struct measure heavy = { .run = {
			.bytes = bytes, .burst = 2 * CAPACITY / bytes,
			.interval_ns = 25000000,
			.duration_ns = UINT64_MAX / 4,
			.limit = 4 * (2 * CAPACITY / bytes),
		} };

		busy.busy = true;
		bench(out, t, "full", round, &full);
		bench(out, t, "light", round, &paced);
		bench(out, t, "busy", round, &busy);
		bench(out, t, "heavy", round, &heavy);
	}
}

static void bench_taps(FILE *out, uint32_t bytes, int round, uint64_t ns)
{
	unsigned int i;

	for (i = 0; i < COUNT(taps); i++) {
		struct measure flood = { .run = {
			.bytes = bytes, .burst = 1,
			.duration_ns = ns, .limit = UINT64_MAX,
		} };
		struct measure paced = { .run = {
			.bytes = bytes, .burst = bytes > 4096 ? 4 : 8,
			.interval_ns = 1000000,
			.duration_ns = ns, .limit = UINT64_MAX,
		} };

		bench(out, taps[i], "tap", round, &flood);
		bench(out, taps[i], "tap-paced", round, &paced);
	}
}

/* Twice of what the ring has room for, before the consumer has its turn */
static void bench_overflow(FILE *out, uint32_t bytes)
{
	uint32_t burst = 2 * CAPACITY / bytes;
	unsigned int i;

	for (i = 0; i < COUNT(transports); i++) {
		struct measure m = { .run = {
			.bytes = bytes, .burst = burst,
			.interval_ns = bytes < 64 ? 20000000 : 4000000,
			.duration_ns = 10000000000, .limit = 4 * burst,
		} };

		bench(out, transports[i], "overflow", 1, &m);
	}
}

/*
 * On one CPU, whose clock counts its instructions: the producer fills a quarter
 * of the ring, then the consumer empties it.
 */
static void bench_count(FILE *out, uint32_t bytes)
{
	unsigned int i;

	for (i = 0; i < COUNT(transports) + COUNT(taps); i++) {
		const struct transport *t = i < COUNT(transports) ?
			transports[i] : taps[i - COUNT(transports)];
		uint32_t burst = (CAPACITY / 4) / (bytes < 64 ? 64 : bytes);
		struct measure m = { .run = {
			.bytes = bytes, .burst = burst,
			.interval_ns = 4000000,
			.duration_ns = 1000000000, .limit = 8 * burst,
		} };

		bench(out, t, i < COUNT(transports) ? "count" : "tap-count", 1,
		      &m);
	}
}

int main(int argc, char **argv)
{
	int round, rounds;
	uint64_t ns;
	unsigned int i;
	FILE *out;

	if (argc != 2 && argc != 4)
		test_all();
	out = fopen(argv[1], "w");
	if (!out) {
		perror(argv[1]);
		return 1;
	}
	if (argc == 2) {
		for (i = 0; i < COUNT(sizes); i++) {
			bench_count(out, sizes[i]);
			bench_overflow(out, sizes[i]);
		}
		return fclose(out) ? 1 : 0;
	}
	rounds = atoi(argv[2]);
	ns = strtoull(argv[3], NULL, 0) * 1000000;
	for (round = 1; round <= rounds; round++) {
		for (i = 0; i < COUNT(sizes); i++) {
			printf("  round %d of %d, %u bytes\n", round, rounds,
			       sizes[i]);
			fflush(stdout);
			bench_size(out, sizes[i], round, ns);
			bench_taps(out, sizes[i], round, ns);
		}
	}
	return fclose(out) ? 1 : 0;
}
