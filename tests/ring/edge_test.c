// SPDX-License-Identifier: GPL-2.0-only
/*
 * Edges: who is woken, when, and how often
 *
 *	Readable on empty -> non-empty		readable_on_empty_to_non_empty
 *	Writable on full -> non-full		writable_on_full_to_non_full
 *	no initial Writable token		no_initial_writable_token
 *	coalescing				coalescing_*
 *	threshold				lowat_*
 *	poll edges, for event loops		edge_triggered_loop
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(edge)
{
	struct shmring *in, *out;
	struct ends e;
};

FIXTURE_VARIANT(edge) RING_VARIANT;
RING_VARIANTS(edge);

FIXTURE_SETUP(edge)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->in = self->e.in;
	self->out = self->e.out;
}

FIXTURE_TEARDOWN(edge)
{
	ends_close(&self->e);
}

static int commit(struct shmring *out, size_t n)
{
	struct iovec v[2];

	if (shmring_write_acquire(out, v) < n)
		return -1;
	return shmring_write_commit(out, n);
}

static int release(struct shmring *in, size_t n)
{
	struct iovec v[2];

	if (shmring_read_acquire(in, v) < n)
		return -1;
	return shmring_read_release(in, n);
}

/* What a poll() says when an end may go on. */
static short ready(uint32_t backend, enum shmring_edge edge)
{
	if (backend == SHMRING_BACKEND_MEMORY || edge == SHMRING_READABLE)
		return POLLIN;
	return POLLOUT;
}

TEST_F(edge, readable_on_empty_to_non_empty)
{
	RING_NEEDED(self->in);
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(1, counters(self->in, SHMRING_READABLE).kicks);
	EXPECT_EQ(ready(variant->backend, SHMRING_READABLE),
		  polled(self->in, SHMRING_READABLE));
	EXPECT_EQ(1, shmring_arm_readable(self->in));

	/* And again after it was drained. */
	ASSERT_EQ(0, release(self->in, 1));
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(2, counters(self->in, SHMRING_READABLE).kicks);
	EXPECT_EQ(ready(variant->backend, SHMRING_READABLE),
		  polled(self->in, SHMRING_READABLE));
}

TEST_F(edge, writable_on_full_to_non_full)
{
	uint32_t cap = variant->capacity;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, commit(self->out, cap));
	EXPECT_EQ(0, shmring_arm_writable(self->out));
	EXPECT_EQ(0, polled(self->out, SHMRING_WRITABLE));
	EXPECT_EQ(0, counters(self->out, SHMRING_WRITABLE).kicks);
	ASSERT_EQ(0, release(self->in, 1));
	EXPECT_EQ(1, counters(self->out, SHMRING_WRITABLE).kicks);
	EXPECT_EQ(ready(variant->backend, SHMRING_WRITABLE),
		  polled(self->out, SHMRING_WRITABLE));
	EXPECT_EQ(1, shmring_arm_writable(self->out));

	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(0, shmring_arm_writable(self->out));
	EXPECT_EQ(0, polled(self->out, SHMRING_WRITABLE));
	ASSERT_EQ(0, release(self->in, cap));
	EXPECT_EQ(2, counters(self->out, SHMRING_WRITABLE).kicks);
	EXPECT_EQ(ready(variant->backend, SHMRING_WRITABLE),
		  polled(self->out, SHMRING_WRITABLE));
}

/*
 * In memory the eventfd is silent until somebody has waited.  The device's fd
 * tells the level, which is writable, but nobody was woken for it.
 */
TEST_F(edge, no_initial_writable_token)
{
	RING_NEEDED(self->in);
	if (variant->backend == SHMRING_BACKEND_MEMORY)
		EXPECT_EQ(0, polled(self->out, SHMRING_WRITABLE));
	EXPECT_EQ(1, shmring_arm_writable(self->out));
	/* Neither does a ring that was not full make one. */
	ASSERT_EQ(0, commit(self->out, 1));
	ASSERT_EQ(0, release(self->in, 1));
	if (variant->backend == SHMRING_BACKEND_MEMORY) {
		EXPECT_EQ(0, polled(self->out, SHMRING_WRITABLE));
		EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	}
	EXPECT_EQ(0, counters(self->out, SHMRING_WRITABLE).kicks);
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);
}

TEST_F(edge, coalescing_of_readable)
{
	uint32_t n = variant->capacity < 100 ? variant->capacity : 100, i;
	uint64_t sum = 0;

	RING_NEEDED(self->in);
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(1, counters(self->in, SHMRING_READABLE).kicks);
	if (variant->backend == SHMRING_BACKEND_MEMORY) {
		ASSERT_EQ(sizeof(sum),
			  read(shmring_pollfd(self->in, SHMRING_READABLE).fd,
			       &sum, sizeof(sum)));
		EXPECT_EQ(1, sum);
		EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	}
}

TEST_F(edge, coalescing_of_writable)
{
	uint32_t n = variant->capacity < 100 ? variant->capacity : 100, i;
	uint64_t sum = 0;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, commit(self->out, variant->capacity));
	EXPECT_EQ(0, shmring_arm_writable(self->out));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, release(self->in, 1));
	EXPECT_EQ(1, counters(self->out, SHMRING_WRITABLE).kicks);
	if (variant->backend == SHMRING_BACKEND_MEMORY) {
		ASSERT_EQ(sizeof(sum),
			  read(shmring_pollfd(self->out, SHMRING_WRITABLE).fd,
			       &sum, sizeof(sum)));
		EXPECT_EQ(1, sum);
	}
}

/* An arm is good for one wake; who does not arm is not woken. */
TEST_F(edge, no_kick_without_an_arm)
{
	int i;

	RING_NEEDED(self->in);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, commit(self->out, variant->capacity));
		ASSERT_EQ(0, release(self->in, variant->capacity));
	}
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);
	EXPECT_EQ(0, counters(self->out, SHMRING_WRITABLE).kicks);

	EXPECT_EQ(0, shmring_arm_readable(self->in));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, commit(self->out, variant->capacity));
		ASSERT_EQ(0, release(self->in, variant->capacity));
	}
	EXPECT_EQ(1, counters(self->in, SHMRING_READABLE).kicks);
	EXPECT_EQ(0, counters(self->out, SHMRING_WRITABLE).kicks);
}

/* A token that was not taken does not outlive the next arm. */
TEST_F(edge, an_arm_takes_a_stale_token)
{
	RING_NEEDED(self->in);
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	ASSERT_EQ(0, commit(self->out, 1));
	ASSERT_EQ(0, release(self->in, 1));
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_NE(0, polled(self->in, SHMRING_READABLE));
}

TEST_F(edge, lowat_of_the_consumer)
{
	uint32_t half = variant->capacity / 2;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, shmring_lowat(self->in, SHMRING_READABLE, half));
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	if (half > 1)
		ASSERT_EQ(0, commit(self->out, half - 1));
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);
	EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(1, counters(self->in, SHMRING_READABLE).kicks);
	EXPECT_EQ(ready(variant->backend, SHMRING_READABLE),
		  polled(self->in, SHMRING_READABLE));
	EXPECT_EQ(1, shmring_arm_readable(self->in));
	/* A wait has a number of its own. */
	ASSERT_EQ(0, release(self->in, half));
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(0, shmring_wait_readable(self->in, 1, ms(0)));
}

TEST_F(edge, lowat_of_the_producer)
{
	uint32_t cap = variant->capacity, half = cap / 2;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, shmring_lowat(self->out, SHMRING_WRITABLE, half));
	ASSERT_EQ(0, commit(self->out, cap));
	EXPECT_EQ(0, shmring_arm_writable(self->out));
	if (half > 1)
		ASSERT_EQ(0, release(self->in, half - 1));
	EXPECT_EQ(0, counters(self->out, SHMRING_WRITABLE).kicks);
	EXPECT_EQ(0, polled(self->out, SHMRING_WRITABLE));
	ASSERT_EQ(0, release(self->in, 1));
	EXPECT_EQ(1, counters(self->out, SHMRING_WRITABLE).kicks);
	EXPECT_EQ(ready(variant->backend, SHMRING_WRITABLE),
		  polled(self->out, SHMRING_WRITABLE));
}

TEST_F(edge, lowat_refuses)
{
	uint32_t cap = variant->capacity;

	RING_NEEDED(self->in);
	EXPECT_EQ(-EINVAL, shmring_lowat(self->in, SHMRING_READABLE, 0));
	EXPECT_EQ(-EINVAL, shmring_lowat(self->in, SHMRING_READABLE, cap / 2 + 1));
	EXPECT_EQ(-EINVAL, shmring_lowat(self->in, SHMRING_READABLE, cap));
	EXPECT_EQ(-EINVAL, shmring_lowat(self->in, (enum shmring_edge)3, 1));
	EXPECT_EQ(-EINVAL, shmring_lowat(self->in, (enum shmring_edge)0, 1));
	EXPECT_EQ(-EACCES, shmring_lowat(self->in, SHMRING_WRITABLE, 1));
	EXPECT_EQ(-EACCES, shmring_lowat(self->out, SHMRING_READABLE, 1));
	/* And changes nothing. */
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(1, shmring_arm_readable(self->in));
}

TEST_F(edge, pollfd_of_a_role)
{
	bool memory = variant->backend == SHMRING_BACKEND_MEMORY;
	struct pollfd fd;

	RING_NEEDED(self->in);
	fd = shmring_pollfd(self->in, SHMRING_READABLE);
	EXPECT_LE(0, fd.fd);
	EXPECT_EQ(POLLIN, fd.events);
	EXPECT_EQ(memory ? -1 : fd.fd, shmring_fd(self->in));
	EXPECT_EQ(-1, shmring_pollfd(self->in, SHMRING_WRITABLE).fd);
	fd = shmring_pollfd(self->out, SHMRING_WRITABLE);
	EXPECT_LE(0, fd.fd);
	EXPECT_EQ(memory ? POLLIN : POLLOUT, fd.events);
	EXPECT_EQ(-1, shmring_pollfd(self->out, SHMRING_READABLE).fd);
	EXPECT_EQ(-EACCES, shmring_arm_writable(self->in));
	EXPECT_EQ(-EACCES, shmring_arm_readable(self->out));
}

/* A wait of no time asks nobody for a wake. */
TEST_F(edge, a_look_does_not_arm)
{
	RING_NEEDED(self->in);
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(self->in, 1, ms(0)));
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).arms);
	ASSERT_EQ(0, commit(self->out, 1));
	EXPECT_EQ(0, counters(self->in, SHMRING_READABLE).kicks);
}

#define LOOP_BYTES	5000

static void *loop_producer(void *arg)
{
	unsigned char buf[97];
	uint64_t pos = 0, seed = 5;
	size_t n;

	while (pos < LOOP_BYTES) {
		n = random_next(&seed) % sizeof(buf) + 1;
		n = n < LOOP_BYTES - pos ? n : LOOP_BYTES - pos;
		pattern_fill(buf, pos, n);
		if (shmring_write_all(arg, buf, n, NULL) != (ssize_t)n)
			return "write_all";
		pos += n;
		if (seed & 1 << 20)
			usleep(50);
	}
	return NULL;
}

/* Drain, arm, sleep until the fd tells an edge, as Go's and tokio's pollers. */
TEST_F(edge, edge_triggered_loop)
{
	struct pollfd fd;
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	unsigned char buf[200];
	uint64_t pos = 0;
	pthread_t thread;
	void *wrong;
	size_t n;
	int poller, rc;

	RING_NEEDED(self->in);
	fd = shmring_pollfd(self->in, SHMRING_READABLE);
	poller = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, poller);
	ASSERT_EQ(0, epoll_ctl(poller, EPOLL_CTL_ADD, fd.fd, &event));
	ASSERT_EQ(0, pthread_create(&thread, NULL, loop_producer, self->out));
	while (pos < LOOP_BYTES) {
		n = shmring_try_read_into(self->in, buf, sizeof(buf));
		ASSERT_EQ(n, pattern_check(buf, pos, n));
		pos += n;
		if (n)
			continue;
		rc = shmring_arm_readable(self->in);
		ASSERT_LE(0, rc);
		if (rc)
			continue;
		/* A lost wake would be the last thing that happens here. */
		ASSERT_EQ(1, epoll_wait(poller, &event, 1, 10000));
	}
	ASSERT_EQ(0, pthread_join(thread, &wrong));
	EXPECT_EQ(NULL, wrong);
	EXPECT_EQ(LOOP_BYTES, pos);
	close(poller);
}

TEST_HARNESS_MAIN
