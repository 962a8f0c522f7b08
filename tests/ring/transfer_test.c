// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams between two threads and between two processes, both ends at work
 *
 *	two threads, one struct shmring		threads_share_one_ring
 *	two threads, two ends			threads_with_an_end_each
 *	two threads, split handles		threads_with_split_handles
 *	two processes				processes_join, processes_narrow
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(transfer)
{
	bool there;
};

FIXTURE_VARIANT(transfer) RING_VARIANT;
RING_VARIANTS_LARGE(transfer);

FIXTURE_SETUP(transfer)
{
	RING_SKIP_IF_MISSING(variant->backend);
	self->there = true;
}

FIXTURE_TEARDOWN(transfer)
{
}

/*
 * A large ring is gone through once, a small one wraps often: but at nearly
 * every wrap somebody sleeps, and is woken in an emulator on a busy machine.
 */
static uint64_t volume(uint32_t capacity)
{
	if (capacity >= MIB)
		return capacity + capacity / 4;
	return (getenv("SHMRING_TEST_LONG") ? 3000ULL : 100ULL) * capacity;
}

/* A handle of its own, or the one in the ring: the verbs are the same. */
struct job {
	struct shmring *r;
	struct shmring_producer p;
	struct shmring_consumer c;
	bool split;
	uint64_t total;
};

static size_t piece(uint64_t *seed, uint64_t left, uint32_t capacity)
{
	size_t n = random_next(seed) % (capacity < 64 * KIB ? 2 * capacity : 64 * KIB) + 1;

	return n < left ? n : left;
}

/* By turns into spans and by copies.  Returns NULL or what went wrong. */
static void *produce(void *arg)
{
	struct job *j = arg;
	struct shmring_producer *p = j->split ? &j->p : &j->r->producer;
	uint32_t cap = shmring_cap(j->r);
	uint64_t pos = 0, seed = 11;
	unsigned char *buf = malloc(128 * KIB);
	void *wrong = NULL;
	struct iovec v[2];
	size_t n, got;
	int rc;

	while (pos < j->total && !wrong) {
		n = piece(&seed, j->total - pos, cap);
		if (seed & 1 << 20) {
			got = shmring_producer_acquire(p, v);
			n = got < n ? got : n;
			pattern_fill_spans(v, pos, n);
			if (shmring_producer_commit(p, n))
				wrong = "commit";
		} else {
			pattern_fill(buf, pos, n);
			n = shmring_producer_try_write_from(p, buf, n);
		}
		pos += n;
		if (n)
			continue;
		rc = shmring_producer_wait(p, cap / 4, NULL);
		if (rc)
			wrong = "wait for space";
	}
	free(buf);
	return wrong;
}

static void *consume(void *arg)
{
	struct job *j = arg;
	struct shmring_consumer *c = j->split ? &j->c : &j->r->consumer;
	uint32_t cap = shmring_cap(j->r);
	uint64_t pos = 0, seed = 13;
	unsigned char *buf = malloc(128 * KIB);
	void *wrong = NULL;
	struct iovec v[2];
	size_t n, got;
	int rc;

	while (pos < j->total && !wrong) {
		n = piece(&seed, j->total - pos, cap);
		if (seed & 1 << 20) {
			got = shmring_consumer_acquire(c, v);
			n = got < n ? got : n;
			if (pattern_check_spans(v, pos, n) != n)
				wrong = "bytes of a span";
			if (shmring_consumer_release(c, n))
				wrong = "release";
		} else {
			n = shmring_consumer_try_read_into(c, buf, n);
			if (pattern_check(buf, pos, n) != n)
				wrong = "bytes of a copy";
		}
		pos += n;
		if (n)
			continue;
		rc = shmring_consumer_wait(c, 1, NULL);
		if (rc)
			wrong = "wait for bytes";
	}
	shmring_consumer_flush(c);
	free(buf);
	return wrong;
}

/* NULL, or what went wrong on one of the two sides. */
static const char *both(struct job *in, struct job *out)
{
	void *wrong_in, *wrong_out = "thread";
	pthread_t thread;

	if (pthread_create(&thread, NULL, produce, out))
		return "thread";
	wrong_in = consume(in);
	if (wrong_in)
		return wrong_in;
	pthread_join(thread, &wrong_out);
	if (!wrong_out && shmring_available(in->r))
		return "more than was written";
	return wrong_out;
}

#define EXPECT_RIGHT(expression)					\
	do {								\
		const char *wrong = expression;				\
									\
		EXPECT_EQ(NULL, wrong)					\
			TH_LOG("wrong: %s", wrong);			\
	} while (0)

TEST_F_TIMEOUT(transfer, threads_share_one_ring, 300)
{
	struct job j = { .total = volume(variant->capacity) };

	RING_NEEDED(self->there);
	j.r = ring_both(variant->backend, variant->capacity, 0);
	ASSERT_NE(NULL, j.r);
	EXPECT_RIGHT(both(&j, &j));
	shmring_free(j.r);
}

/* Two processes would do the same; here the sanitizers see both. */
TEST_F_TIMEOUT(transfer, threads_with_an_end_each, 300)
{
	struct job in = { .total = volume(variant->capacity) };
	struct job out = in;
	struct ends e;

	RING_NEEDED(self->there);
	if (variant->capacity > MIB)
		return;
	ASSERT_EQ(0, ends_open(&e, variant->backend, variant->capacity,
			       (1ULL << 32) - 1000));
	in.r = e.in;
	out.r = e.out;
	/* Never spin, so that every wait arms. */
	shmring_set_spin(e.in, 0);
	shmring_set_spin(e.out, 0);
	EXPECT_RIGHT(both(&in, &out));
	ends_close(&e);
}

TEST_F_TIMEOUT(transfer, threads_with_split_handles, 300)
{
	struct job j = { .split = true, .total = volume(variant->capacity) };

	RING_NEEDED(self->there);
	if (variant->capacity > MIB)
		return;
	j.r = ring_both(variant->backend, variant->capacity, -1000ULL);
	ASSERT_NE(NULL, j.r);
	ASSERT_EQ(0, shmring_split(j.r, &j.p, &j.c));
	EXPECT_RIGHT(both(&j, &j));
	shmring_free(j.r);
}

/* The child joins as the producer; its end is the end of the stream. */
TEST_F_TIMEOUT(transfer, processes_join, 300)
{
	struct job j = { .total = volume(variant->capacity) };
	const struct shmring_options options = {
		.backend = variant->backend,
		.roles = SHMRING_ROLE_CONSUMER,
	};
	struct shmring *in;
	int status;
	pid_t pid;
	char c;

	RING_NEEDED(self->there);
	in = shmring_create(variant->capacity, &options);
	ASSERT_NE(NULL, in);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		j.r = shmring_join(in, SHMRING_ROLE_PRODUCER);
		if (!j.r || produce(&j))
			_exit(1);
		shmring_free(j.r);
		_exit(0);
	}
	j.r = in;
	EXPECT_RIGHT(consume(&j));
	EXPECT_EQ(0, shmring_read_some(in, &c, 1, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	shmring_free(in);
}

/* Both inherit both roles (memory only), and each keeps one. */
TEST_F_TIMEOUT(transfer, processes_narrow, 300)
{
	struct job j = { .total = volume(variant->capacity) };
	int status;
	pid_t pid;
	char c;

	RING_NEEDED(self->there);
	if (variant->backend != SHMRING_BACKEND_MEMORY || variant->capacity > MIB)
		return;
	j.r = ring_both(variant->backend, variant->capacity, 0);
	ASSERT_NE(NULL, j.r);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (shmring_narrow(j.r, SHMRING_ROLE_PRODUCER) || produce(&j))
			_exit(1);
		shmring_free(j.r);
		_exit(0);
	}
	ASSERT_EQ(0, shmring_narrow(j.r, SHMRING_ROLE_CONSUMER));
	EXPECT_RIGHT(consume(&j));
	EXPECT_EQ(0, shmring_read_some(j.r, &c, 1, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	shmring_free(j.r);
}

TEST_HARNESS_MAIN
