// SPDX-License-Identifier: GPL-2.0-only
/*
 * How a ring is used from day to day
 *
 *	make, register, find, exchange, close	basic_ring_and_registry
 *	a writer that has more than fits, woken
 *	by the threshold and not more often	pacing_by_threshold
 *	writer and reader, each of which sleeps
 *	on an edge when it can do nothing	edges_only
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../ring/ring.h"

#define SOON_MS	10000

FIXTURE(pattern)
{
	struct ends e;
};

FIXTURE_VARIANT(pattern) RING_VARIANT;
RING_VARIANT_ADD(pattern, MEMORY, 64, 64);
RING_VARIANT_ADD(pattern, MEMORY, 4096, 4096);
RING_VARIANT_ADD(pattern, DEVICE, 64, 64);
RING_VARIANT_ADD(pattern, DEVICE, 4096, 4096);

FIXTURE_SETUP(pattern)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
}

FIXTURE_TEARDOWN(pattern)
{
	ends_close(&self->e);
}

TEST_F(pattern, basic_ring_and_registry)
{
	struct shmring *made, *found;
	shmring_handle handle = 0;
	char buf[8];

	RING_NEEDED(self->e.in);
	if (variant->backend != SHMRING_BACKEND_DEVICE)
		return;
	errno = 0;
	EXPECT_EQ(NULL, shmring_new_registered(100, &handle));
	EXPECT_EQ(EINVAL, errno);
	made = ring_both(variant->backend, variant->capacity, 0);
	ASSERT_NE(NULL, made);
	ASSERT_EQ(0, shmring_register(made, &handle));
	EXPECT_NE(0, handle);
	EXPECT_EQ(variant->capacity, shmring_cap(made));
	EXPECT_EQ(variant->capacity, shmring_space(made));
	EXPECT_EQ(0, shmring_available(made));

	found = shmring_get(handle, SHMRING_ROLE_OBSERVER);
	ASSERT_NE(NULL, found);
	ASSERT_EQ(5, shmring_try_write_from(made, "hello", 5));
	EXPECT_EQ(5, shmring_available(found));
	EXPECT_EQ(5, shmring_try_read_into(made, buf, sizeof(buf)));
	EXPECT_EQ(0, shmring_available(found));

	/* The name goes, the ring stays. */
	EXPECT_EQ(0, shmring_unregister(handle));
	EXPECT_EQ(NULL, shmring_get(handle, SHMRING_ROLE_OBSERVER));
	EXPECT_EQ(ENOENT, errno);
	ASSERT_EQ(3, shmring_try_write_from(made, "abc", 3));
	EXPECT_EQ(3, shmring_available(found));
	shmring_free(found);
	shmring_free(made);
}

struct writer {
	struct shmring *out;
	size_t total;
	ssize_t rc;
};

static void *write_total(void *arg)
{
	struct writer *w = arg;
	unsigned char *buf = malloc(w->total);

	pattern_fill(buf, 0, w->total);
	w->rc = shmring_write_all(w->out, buf, w->total, ms(SOON_MS));
	free(buf);
	return NULL;
}

/*
 * Reads @total bytes in pieces of a sixteenth of the ring, each when the writer
 * is asleep.  How often it was woken; UINT64_MAX: it was not right.
 */
static uint64_t paced(struct ends *e, size_t total, uint32_t lowat)
{
	struct writer w = { .out = e->out, .total = total };
	uint32_t cap = shmring_cap(e->in), piece = cap / 16;
	struct shmring_counters before, now;
	unsigned char buf[256];
	pthread_t thread;
	size_t pos = 0;
	bool good;

	before = counters(e->in, SHMRING_WRITABLE);
	shmring_set_spin(e->out, 0);
	if (shmring_lowat(e->out, SHMRING_WRITABLE, lowat) ||
	    pthread_create(&thread, NULL, write_total, &w))
		return UINT64_MAX;
	good = sleeps_more(e->in, SHMRING_WRITABLE, before.sleeps);
	while (good && pos < total) {
		now = counters(e->in, SHMRING_WRITABLE);
		good = shmring_read_some(e->in, buf, piece, ms(SOON_MS)) ==
		       piece && pattern_check(buf, pos, piece) == piece;
		pos += piece;
		/* Was it woken, and has more than it can write? */
		if (good && pos < total - cap &&
		    counters(e->in, SHMRING_WRITABLE).kicks > now.kicks)
			good = sleeps_more(e->in, SHMRING_WRITABLE, now.sleeps);
	}
	pthread_join(thread, NULL);
	if (!good || w.rc != (ssize_t)total)
		return UINT64_MAX;
	return counters(e->in, SHMRING_WRITABLE).kicks - before.kicks;
}

TEST_F(pattern, pacing_by_threshold)
{
	uint32_t cap;

	RING_NEEDED(self->e.in);
	cap = variant->capacity;
	/* Two for each ring that it is ahead */
	EXPECT_EQ(2 * 4, paced(&self->e, 5 * cap, cap / 2));
	/* No pacing is seen to be none. */
	EXPECT_EQ(16 * 4, paced(&self->e, 5 * cap, 1));
}

/* Writes what fits, sleeps on the edge alone, and never looks at a clock. */
static void *edge_writer(void *arg)
{
	struct writer *w = arg;
	struct pollfd edge = shmring_pollfd(w->out, SHMRING_WRITABLE);
	unsigned char buf[100];
	size_t pos = 0, n;

	while (pos < w->total) {
		n = w->total - pos < sizeof(buf) ? w->total - pos : sizeof(buf);
		pattern_fill(buf, pos, n);
		n = shmring_try_write_from(w->out, buf, n);
		pos += n;
		if (!n && !shmring_arm_writable(w->out) &&
		    poll(&edge, 1, SOON_MS) <= 0)
			break;
	}
	w->rc = pos;
	return NULL;
}

TEST_F(pattern, edges_only)
{
	struct writer w = { .out = self->e.out, .total = 200 * 1000 };
	struct pollfd edge;
	unsigned char buf[90];
	pthread_t thread;
	size_t pos = 0, n;

	RING_NEEDED(self->e.in);
	if (variant->capacity == 64)
		w.total = 20 * 1000;
	edge = shmring_pollfd(self->e.in, SHMRING_READABLE);
	ASSERT_EQ(0, pthread_create(&thread, NULL, edge_writer, &w));
	while (pos < w.total) {
		n = shmring_try_read_into(self->e.in, buf, sizeof(buf));
		ASSERT_EQ(n, pattern_check(buf, pos, n));
		pos += n;
		if (!n && !shmring_arm_readable(self->e.in))
			ASSERT_LT(0, poll(&edge, 1, SOON_MS));
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(w.total, w.rc);
}

TEST_HARNESS_MAIN
