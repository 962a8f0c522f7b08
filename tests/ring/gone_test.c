// SPDX-License-Identifier: GPL-2.0-only
/*
 * An end goes, another one comes
 *
 *	what was committed is there, then the
 *	end of the stream			committed_bytes_then_eof
 *	-EPIPE for the writer			writer_is_told
 *	who sleeps is woken			*_is_woken
 *	a new end carries on			a_new_*_carries_on
 *	a crash is like that (device)		a_killed_producer_is_gone
 *	a parent's as well			a_killed_parent_is_gone
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(gone)
{
	struct ends e;
	unsigned char *buf;	/* twice the capacity */
};

FIXTURE_VARIANT(gone) RING_VARIANT;
RING_VARIANTS(gone);

FIXTURE_SETUP(gone)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->buf = malloc(2 * variant->capacity);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(gone)
{
	free(self->buf);
	ends_close(&self->e);
}

static void leave(struct shmring **r)
{
	shmring_free(*r);
	*r = NULL;
}

TEST_F(gone, committed_bytes_then_eof)
{
	uint32_t cap = variant->capacity, n = cap - 1;
	struct shmring *in = self->e.in;

	RING_NEEDED(in);
	EXPECT_EQ(0, shmring_status(in));
	pattern_fill(self->buf, 0, n);
	ASSERT_EQ(n, shmring_try_write_from(self->e.out, self->buf, n));
	leave(&self->e.out);

	EXPECT_EQ(-EPIPE, shmring_status(in));
	EXPECT_NE(0, polled(in, SHMRING_READABLE));
	EXPECT_EQ(n, shmring_available(in));
	EXPECT_EQ(0, shmring_wait_readable(in, n, NULL));
	/* More will never come, but what is there can be read. */
	EXPECT_EQ(-EPIPE, shmring_wait_readable(in, cap, NULL));
	EXPECT_EQ(1, shmring_arm_readable(in));
	memset(self->buf, 0, n);
	EXPECT_EQ(n, shmring_read_some(in, self->buf, 2 * cap, NULL));
	EXPECT_EQ(n, pattern_check(self->buf, 0, n));

	EXPECT_EQ(-EPIPE, shmring_arm_readable(in));
	EXPECT_EQ(-EPIPE, shmring_wait_readable(in, 1, NULL));
	EXPECT_EQ(-EPIPE, shmring_wait_readable(in, 1, ms(0)));
	EXPECT_EQ(0, shmring_read_some(in, self->buf, 1, NULL));
	EXPECT_EQ(0, shmring_read_some(in, self->buf, 1, NULL));
}

/* A threshold does not keep the last bytes from their reader. */
TEST_F(gone, last_bytes_below_the_threshold)
{
	struct shmring *in = self->e.in;

	RING_NEEDED(in);
	ASSERT_EQ(0, shmring_lowat(in, SHMRING_READABLE, variant->capacity / 2));
	ASSERT_EQ(1, shmring_try_write_from(self->e.out, "x", 1));
	leave(&self->e.out);
	EXPECT_EQ(1, shmring_arm_readable(in));
	EXPECT_NE(0, polled(in, SHMRING_READABLE));
	EXPECT_EQ(1, shmring_read_some(in, self->buf, 2, NULL));
	EXPECT_EQ(0, shmring_read_some(in, self->buf, 2, NULL));
}

TEST_F(gone, writer_is_told)
{
	struct shmring *out = self->e.out;

	RING_NEEDED(self->e.in);
	EXPECT_EQ(0, shmring_status(out));
	ASSERT_EQ(1, shmring_try_write_from(out, "x", 1));
	leave(&self->e.in);
	EXPECT_EQ(-EPIPE, shmring_status(out));
	EXPECT_NE(0, polled(out, SHMRING_WRITABLE));
	/* There is space, but nobody to write to. */
	EXPECT_EQ(-EPIPE, shmring_wait_writable(out, 1, NULL));
	EXPECT_EQ(-EPIPE, shmring_wait_writable(out, 1, ms(0)));
	EXPECT_EQ(-EPIPE, shmring_arm_writable(out));
	EXPECT_EQ(-EPIPE, shmring_write_all(out, "x", 1, NULL));
	EXPECT_EQ(variant->capacity - 1, shmring_space(out));
}

struct task {
	struct shmring *r;
	uint32_t n;
	ssize_t rc;
	pthread_t thread;
};

static void *wait_for_n(void *arg)
{
	struct task *t = arg;

	t->rc = shmring_wait_readable(t->r, t->n, NULL);
	return NULL;
}

TEST_F(gone, sleeping_reader_is_woken)
{
	struct task t = { .r = self->e.in, .n = 1 };

	RING_NEEDED(self->e.in);
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, wait_for_n, &t));
	ASSERT_TRUE(sleeps_more(self->e.in, SHMRING_READABLE, 0));
	leave(&self->e.out);
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(-EPIPE, t.rc);
}

TEST_F(gone, sleeping_reader_of_more_is_woken)
{
	struct task t = { .r = self->e.in, .n = variant->capacity };

	RING_NEEDED(self->e.in);
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, wait_for_n, &t));
	ASSERT_TRUE(sleeps_more(self->e.in, SHMRING_READABLE, 0));
	ASSERT_EQ(1, shmring_try_write_from(self->e.out, "x", 1));
	leave(&self->e.out);
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(-EPIPE, t.rc);
	EXPECT_EQ(1, shmring_try_read_into(self->e.in, self->buf, 1));
}

static void *write_two(void *arg)
{
	struct task *t = arg;
	size_t n = 2 * shmring_cap(t->r);
	void *buf = calloc(1, n);

	t->rc = shmring_write_all(t->r, buf, n, NULL);
	free(buf);
	return NULL;
}

/* It tells how far it came, and only then why it stopped. */
TEST_F(gone, sleeping_writer_is_woken)
{
	struct task t = { .r = self->e.out };
	uint64_t before;

	RING_NEEDED(self->e.in);
	ASSERT_EQ(0, pthread_create(&t.thread, NULL, write_two, &t));
	ASSERT_TRUE(sleeps_more(self->e.out, SHMRING_WRITABLE, 0));
	before = counters(self->e.out, SHMRING_WRITABLE).sleeps;
	ASSERT_EQ(1, shmring_read_some(self->e.in, self->buf, 1, NULL));
	ASSERT_TRUE(sleeps_more(self->e.out, SHMRING_WRITABLE, before));
	leave(&self->e.in);
	ASSERT_EQ(0, pthread_join(t.thread, NULL));
	EXPECT_EQ(variant->capacity + 1, t.rc);
	EXPECT_EQ(-EPIPE, shmring_write_all(self->e.out, "x", 1, NULL));
}

TEST_F(gone, a_new_producer_carries_on)
{
	uint32_t cap = variant->capacity, half = cap / 2;
	struct shmring *in = self->e.in;
	struct iovec v[2];

	RING_NEEDED(in);
	pattern_fill(self->buf, 0, cap);
	ASSERT_EQ(half, shmring_try_write_from(self->e.out, self->buf, half));
	/* What was not committed never was. */
	ASSERT_EQ(cap - half, shmring_write_acquire(self->e.out, v));
	memset(v[0].iov_base, 0xee, v[0].iov_len);
	leave(&self->e.out);
	EXPECT_EQ(-EPIPE, shmring_status(in));

	self->e.out = shmring_join(in, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, self->e.out);
	EXPECT_EQ(0, shmring_status(in));
	EXPECT_EQ(cap - half, shmring_space(self->e.out));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(in, half + 1, ms(0)));
	ASSERT_EQ(cap - half, shmring_try_write_from(self->e.out,
						     self->buf + half, cap));
	ASSERT_EQ(cap, shmring_read_some(in, self->buf, cap, NULL));
	EXPECT_EQ(cap, pattern_check(self->buf, 0, cap));
}

TEST_F(gone, a_new_consumer_carries_on)
{
	uint32_t cap = variant->capacity;
	struct shmring *out = self->e.out;

	RING_NEEDED(out);
	pattern_fill(self->buf, 0, cap);
	ASSERT_EQ(cap, shmring_try_write_from(out, self->buf, cap));
	ASSERT_EQ(1, shmring_try_read_into(self->e.in, self->buf, 1));
	leave(&self->e.in);
	EXPECT_EQ(-EPIPE, shmring_status(out));

	self->e.in = shmring_join(out, SHMRING_ROLE_CONSUMER);
	ASSERT_NE(NULL, self->e.in);
	EXPECT_EQ(0, shmring_status(out));
	EXPECT_EQ(1, shmring_space(out));
	ASSERT_EQ(cap - 1, shmring_try_read_into(self->e.in, self->buf, cap));
	EXPECT_EQ(cap - 1, pattern_check(self->buf, 1, cap - 1));
	EXPECT_EQ(0, shmring_wait_writable(out, cap, NULL));
}

/* Who holds a role is the kernel's to know; without it, the user's. */
TEST_F(gone, a_role_is_held_once)
{
	RING_NEEDED(self->e.in);
	if (variant->backend == SHMRING_BACKEND_MEMORY)
		return;
	EXPECT_EQ(NULL, shmring_join(self->e.in, SHMRING_ROLE_PRODUCER));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(NULL, shmring_join(self->e.out, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(EBUSY, errno);
	EXPECT_EQ(NULL, shmring_join(self->e.in, SHMRING_ROLE_BOTH));
	EXPECT_EQ(EBUSY, errno);
}

TEST_F(gone, an_end_that_has_not_come_is_not_gone)
{
	const struct shmring_options options = {
		.backend = variant->backend,
		.roles = SHMRING_ROLE_PRODUCER,
	};
	struct shmring *out;

	RING_NEEDED(self->e.in);
	out = shmring_create(variant->capacity, &options);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(0, shmring_status(out));
	EXPECT_EQ(1, shmring_write_all(out, "x", 1, NULL));
	EXPECT_EQ(0, shmring_wait_writable(out, 1, NULL));
	shmring_free(out);
}

/* In memory nobody would notice: it has to say so. */
TEST_F(gone, a_killed_producer_is_gone)
{
	struct shmring *in = self->e.in, *out;
	int status;
	pid_t reaped = 0;
	pid_t pid;

	RING_NEEDED(in);
	leave(&self->e.out);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		out = shmring_join(in, SHMRING_ROLE_PRODUCER);
		if (!out || shmring_write_all(out, "xy", 2, NULL) != 2)
			_exit(1);
		if (variant->backend == SHMRING_BACKEND_MEMORY)
			shmring_free(out);
		raise(SIGKILL);
	}
	/* Nobody holds the role until the child comes. */
	while (shmring_wait_readable(in, 2, ms(1000)) == -EPIPE &&
	       !reaped) {
		reaped = waitpid(pid, &status, WNOHANG);
		usleep(1000);
	}
	EXPECT_EQ(0, shmring_wait_readable(in, 2, NULL));
	EXPECT_EQ(2, shmring_read_some(in, self->buf, 2, NULL));
	EXPECT_EQ(0, shmring_read_some(in, self->buf, 1, NULL));
	EXPECT_EQ(-EPIPE, shmring_status(in));
	if (!reaped)
		reaped = waitpid(pid, &status, 0);
	ASSERT_EQ(pid, reaped);
	EXPECT_TRUE(WIFSIGNALED(status));
}

/* What a child is told when the parent whose peer it is has been killed */
static ssize_t orphan_is_told(struct shmring *parents, unsigned int role,
			      const int ready[2])
{
	struct shmring *r = shmring_join(parents, role);
	char c = 0;
	ssize_t n;

	close(shmring_fd(parents));
	close(ready[0]);
	if (!r || write(ready[1], "r", 1) != 1)
		return -EIO;
	if (role == SHMRING_ROLE_CONSUMER)
		return shmring_read_some(r, &c, 1, ms(10000));
	do
		n = shmring_write_all(r, &c, 1, ms(10000));
	while (n == 1);
	return n;
}

/* Makes a ring, has a child, and is killed when that has come. */
static void parent_is_killed(const struct shmring_options *options,
			     uint32_t capacity, unsigned int role, int told)
{
	struct shmring *r = shmring_create(capacity, options);
	int ready[2];
	ssize_t n;
	char c;

	if (!r || pipe(ready))
		_exit(1);
	if (!fork()) {
		n = orphan_is_told(r, role, ready);
		if (write(told, &n, sizeof(n)) != sizeof(n))
			_exit(1);
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		_exit(1);
	raise(SIGKILL);
}

TEST_F(gone, a_killed_parent_is_gone)
{
	struct shmring_options options = { .backend = variant->backend };
	int told[2], status, i;
	unsigned int role;
	ssize_t n = 1;
	pid_t pid;

	RING_NEEDED(self->e.in);
	if (variant->backend == SHMRING_BACKEND_MEMORY)
		return;
	ASSERT_EQ(0, pipe(told));
	for (i = 0; i < 2; i++) {
		options.roles = i ? SHMRING_ROLE_PRODUCER : SHMRING_ROLE_CONSUMER;
		role = SHMRING_ROLE_BOTH & ~options.roles;
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			parent_is_killed(&options, variant->capacity, role, told[1]);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_EQ(sizeof(n), read(told[0], &n, sizeof(n)));
		EXPECT_EQ(i ? 0 : -EPIPE, n);
	}
	close(told[0]);
	close(told[1]);
}

TEST_HARNESS_MAIN
