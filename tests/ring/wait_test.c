// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting, and its errors
 *
 *	read with timeout			read_with_timeout
 *	writeAll with pacing			write_all_with_pacing
 *	threshold, up to the capacity		min_bytes_*
 *	-ETIMEDOUT, -EINTR, -EINVAL, -EACCES	timeout, interrupted, refused
 *	a time beyond the clock's end		for_ages
 *	a thread that is cancelled		a_commit_is_no_cancellation_point
 *	spinning, and none			spin_before_sleep, no_spin*
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(wait)
{
	struct shmring *in, *out;
	struct ends e;
	unsigned char *buf;	/* three times the capacity */
};

FIXTURE_VARIANT(wait) RING_VARIANT;
RING_VARIANTS(wait);

FIXTURE_SETUP(wait)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->in = self->e.in;
	self->out = self->e.out;
	self->buf = malloc(3 * variant->capacity);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(wait)
{
	free(self->buf);
	ends_close(&self->e);
}

/* A wait in another thread. */
struct waiting {
	struct shmring *r;
	enum shmring_edge edge;
	uint32_t min;
	int rc;
	int done;
	pthread_t thread;
};

static void *waiting_run(void *arg)
{
	struct waiting *w = arg;

	if (w->edge == SHMRING_READABLE)
		w->rc = shmring_wait_readable(w->r, w->min, NULL);
	else
		w->rc = shmring_wait_writable(w->r, w->min, NULL);
	__atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Begins it, and returns when it sleeps. */
static bool waiting_start(struct waiting *w, struct shmring *r,
			  enum shmring_edge edge, uint32_t min)
{
	uint64_t before = counters(r, edge).sleeps;

	*w = (struct waiting){ .r = r, .edge = edge, .min = min };
	return !pthread_create(&w->thread, NULL, waiting_run, w) &&
	       sleeps_more(r, edge, before);
}

static int waiting_end(struct waiting *w)
{
	pthread_join(w->thread, NULL);
	return w->rc;
}

TEST_F(wait, timeout)
{
	int64_t start = now_ns();

	RING_NEEDED(self->in);
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(self->in, 1, ms(0)));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(self->in, 1, ms(20)));
	EXPECT_LE(20000000, now_ns() - start);
	EXPECT_EQ(0, shmring_wait_writable(self->out, 1, ms(0)));

	ASSERT_EQ(variant->capacity,
		  shmring_try_write_from(self->out, self->buf, variant->capacity));
	start = now_ns();
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_writable(self->out, 1, ms(0)));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_writable(self->out, 1, ms(20)));
	EXPECT_LE(20000000, now_ns() - start);
	EXPECT_EQ(0, shmring_wait_readable(self->in, variant->capacity, ms(0)));
	EXPECT_EQ(0, shmring_wait_readable(self->in, 1, NULL));
}

TEST_F(wait, refused)
{
	uint32_t cap = variant->capacity;
	static const struct timespec bad[] = {
		{ .tv_sec = -1 },
		{ .tv_nsec = -1 },
		{ .tv_nsec = 1000000000 },
	};
	unsigned int i;

	RING_NEEDED(self->in);
	EXPECT_EQ(-EINVAL, shmring_wait_readable(self->in, cap + 1, NULL));
	EXPECT_EQ(-EINVAL, shmring_wait_readable(self->in, UINT32_MAX, NULL));
	EXPECT_EQ(-EINVAL, shmring_wait_writable(self->out, cap + 1, NULL));
	EXPECT_EQ(-EACCES, shmring_wait_readable(self->out, 1, NULL));
	EXPECT_EQ(-EACCES, shmring_wait_writable(self->in, 1, NULL));
	EXPECT_EQ(-EACCES, shmring_write_all(self->in, "x", 1, NULL));
	EXPECT_EQ(-EACCES, shmring_read_some(self->out, self->buf, 1, NULL));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, shmring_wait_readable(self->in, 1, &bad[i]));
		EXPECT_EQ(-EINVAL, shmring_wait_writable(self->out, 1, &bad[i]));
		EXPECT_EQ(-EINVAL, shmring_write_all(self->out, "x", 1, &bad[i]));
		EXPECT_EQ(-EINVAL,
			  shmring_read_some(self->in, self->buf, 1, &bad[i]));
	}
	EXPECT_EQ(-EINVAL, shmring_write_all(self->out, self->buf,
					     (size_t)SSIZE_MAX + 1, NULL));
	EXPECT_EQ(-EINVAL, shmring_read_some(self->in, self->buf,
					     (size_t)SSIZE_MAX + 1, NULL));
	EXPECT_EQ(0, shmring_available(self->in));
}

TEST_F(wait, min_bytes_up_to_the_capacity)
{
	uint32_t cap = variant->capacity;
	struct waiting w;

	RING_NEEDED(self->in);
	/* 0 means 1. */
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(self->in, 0, ms(0)));
	ASSERT_EQ(1, shmring_try_write_from(self->out, self->buf, 1));
	EXPECT_EQ(0, shmring_wait_readable(self->in, 0, ms(0)));
	ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));

	ASSERT_TRUE(waiting_start(&w, self->in, SHMRING_READABLE, cap));
	ASSERT_EQ(cap - 1, shmring_try_write_from(self->out, self->buf, cap - 1));
	usleep(10000);
	EXPECT_EQ(0, __atomic_load_n(&w.done, __ATOMIC_ACQUIRE));
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);
	ASSERT_EQ(1, shmring_try_write_from(self->out, self->buf, 1));
	EXPECT_EQ(0, waiting_end(&w));
	EXPECT_EQ(1, counters(self->in, SHMRING_READABLE).kicks);

	ASSERT_TRUE(waiting_start(&w, self->out, SHMRING_WRITABLE, cap));
	ASSERT_EQ(cap - 1, shmring_try_read_into(self->in, self->buf, cap - 1));
	usleep(10000);
	EXPECT_EQ(0, __atomic_load_n(&w.done, __ATOMIC_ACQUIRE));
	EXPECT_EQ(0, counters(self->out, SHMRING_WRITABLE).kicks);
	ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));
	EXPECT_EQ(0, waiting_end(&w));
	EXPECT_EQ(1, counters(self->out, SHMRING_WRITABLE).kicks);
}

/* Which is not the threshold. */
TEST_F(wait, min_bytes_of_0_while_there_is_a_threshold)
{
	struct waiting w;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, shmring_lowat(self->in, SHMRING_READABLE,
				   variant->capacity / 2));
	ASSERT_TRUE(waiting_start(&w, self->in, SHMRING_READABLE, 0));
	ASSERT_EQ(1, shmring_try_write_from(self->out, self->buf, 1));
	EXPECT_EQ(0, waiting_end(&w));
}

static void nothing(int sig)
{
	(void)sig;
}

TEST_F(wait, interrupted)
{
	struct sigaction action = { .sa_handler = nothing };
	struct waiting w;
	int tries;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_TRUE(waiting_start(&w, self->in, SHMRING_READABLE, 1));
	for (tries = 0; tries < 1000; tries++) {
		if (__atomic_load_n(&w.done, __ATOMIC_ACQUIRE))
			break;
		pthread_kill(w.thread, SIGUSR1);
		usleep(1000);
	}
	EXPECT_EQ(-EINTR, waiting_end(&w));
}

static void *commit_when_cancelled(void *arg)
{
	pthread_cancel(pthread_self());
	shmring_try_write_from(arg, "x", 1);
	return arg;
}

/* A thread that is to end does so before or after a commit, not half-way. */
TEST_F(wait, a_commit_is_no_cancellation_point)
{
	pthread_t thread;
	struct waiting w;
	void *end;

	RING_NEEDED(self->in);
	ASSERT_TRUE(waiting_start(&w, self->in, SHMRING_READABLE, 1));
	ASSERT_EQ(0, pthread_create(&thread, NULL, commit_when_cancelled, self->out));
	ASSERT_EQ(0, pthread_join(thread, &end));
	EXPECT_EQ((void *)self->out, end);
	EXPECT_EQ(0, waiting_end(&w));
}

static void *commit_later(void *arg)
{
	usleep(5000);
	return (void *)shmring_try_write_from(arg, "x", 1);
}

/* Longer than the clock will run is for ever, not no time. */
TEST_F(wait, for_ages)
{
	static const struct timespec ages[] = {
		{ .tv_sec = INT64_MAX, .tv_nsec = 999999999 },
		{ .tv_sec = INT64_MAX / 1000000000, .tv_nsec = 999999999 },
		{ .tv_sec = INT64_MAX / 1000000000 },
	};
	pthread_t thread;
	unsigned int i;

	RING_NEEDED(self->in);
	for (i = 0; i < ARRAY_SIZE(ages); i++) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, commit_later, self->out));
		EXPECT_EQ(1, shmring_read_some(self->in, self->buf, 1, &ages[i]));
		ASSERT_EQ(0, pthread_join(thread, NULL));
	}
}

TEST_F(wait, spin_before_sleep)
{
	pthread_t thread;

	RING_NEEDED(self->in);
	shmring_set_spin(self->in, 4000000000U);
	ASSERT_EQ(0, pthread_create(&thread, NULL, commit_later, self->out));
	EXPECT_EQ(0, shmring_wait_readable(self->in, 1, NULL));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).sleeps);
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).arms);
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);

	/* A timeout ends it early. */
	ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(self->in, 1, ms(5)));
}

TEST_F(wait, no_spin)
{
	static const uint32_t none[] = { 0, SHMRING_SPIN_OFF };
	struct waiting w;
	unsigned int i;
	int64_t start;

	RING_NEEDED(self->in);
	for (i = 0; i < ARRAY_SIZE(none); i++) {
		start = now_ns();
		shmring_set_spin(self->in, 4000000000U);
		shmring_set_spin(self->in, none[i]);
		ASSERT_TRUE(waiting_start(&w, self->in, SHMRING_READABLE, 1));
		EXPECT_GT(3000000000LL, now_ns() - start);
		ASSERT_EQ(1, shmring_try_write_from(self->out, "x", 1));
		EXPECT_EQ(0, waiting_end(&w));
		ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));
	}
}

TEST_F(wait, no_spin_from_the_start)
{
	const struct shmring_options options = {
		.backend = variant->backend,
		.spin_ns = SHMRING_SPIN_OFF,
	};
	struct shmring *r = shmring_create(variant->capacity, &options);
	int64_t start = now_ns();
	struct waiting w;

	RING_NEEDED(self->in);
	ASSERT_NE(NULL, r);
	ASSERT_TRUE(waiting_start(&w, r, SHMRING_READABLE, 1));
	EXPECT_GT(3000000000LL, now_ns() - start);
	ASSERT_EQ(1, shmring_try_write_from(r, "x", 1));
	EXPECT_EQ(0, waiting_end(&w));
	shmring_free(r);
}

TEST_F(wait, read_with_timeout)
{
	int64_t start = now_ns();

	RING_NEEDED(self->in);
	EXPECT_EQ(0, shmring_read_some(self->in, self->buf, 0, NULL));
	EXPECT_EQ(-ETIMEDOUT, shmring_read_some(self->in, self->buf, 1, ms(0)));
	EXPECT_EQ(-ETIMEDOUT, shmring_read_some(self->in, self->buf, 1, ms(20)));
	EXPECT_LE(20000000, now_ns() - start);
	pattern_fill(self->buf, 0, 2);
	ASSERT_EQ(2, shmring_write_all(self->out, self->buf, 2, ms(0)));
	EXPECT_EQ(1, shmring_read_some(self->in, self->buf, 1, ms(0)));
	EXPECT_EQ(1, shmring_read_some(self->in, self->buf + 1, 100, NULL));
	EXPECT_EQ(2, pattern_check(self->buf, 0, 2));
}

TEST_F(wait, write_all_until_timeout)
{
	uint32_t cap = variant->capacity;
	int64_t start = now_ns();

	RING_NEEDED(self->in);
	EXPECT_EQ(0, shmring_write_all(self->out, NULL, 0, NULL));
	EXPECT_EQ(cap, shmring_write_all(self->out, self->buf, 2 * cap, ms(20)));
	EXPECT_LE(20000000, now_ns() - start);
	EXPECT_EQ(-ETIMEDOUT, shmring_write_all(self->out, self->buf, 1, ms(20)));
	EXPECT_EQ(-ETIMEDOUT, shmring_write_all(self->out, self->buf, 1, ms(0)));
	EXPECT_EQ(cap, shmring_available(self->in));
	ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));
	EXPECT_EQ(1, shmring_write_all(self->out, self->buf, 2, ms(0)));
}

static void *write_three(void *arg)
{
	struct shmring *out = arg;
	size_t n = 3 * shmring_cap(out);
	void *buf = malloc(n);
	ssize_t rc;

	pattern_fill(buf, 0, n);
	rc = shmring_write_all(out, buf, n, NULL);
	free(buf);
	return (void *)rc;
}

/* A slow reader paces a writer that has more than the ring holds. */
TEST_F(wait, write_all_with_pacing)
{
	size_t total = 3 * variant->capacity, pos = 0, most = total / 7 + 1;
	pthread_t thread;
	void *written;
	ssize_t n;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_three, self->out));
	while (pos < total) {
		usleep(500);
		n = shmring_read_some(self->in, self->buf, most, NULL);
		ASSERT_LT(0, n);
		ASSERT_EQ(n, pattern_check(self->buf, pos, n));
		pos += n;
	}
	ASSERT_EQ(0, pthread_join(thread, &written));
	EXPECT_EQ(total, (size_t)written);
	EXPECT_EQ(0, shmring_available(self->in));
}

TEST_HARNESS_MAIN
