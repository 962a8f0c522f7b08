// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring's reads and writes on an end: those that must wait are parked in the
 * ring's wait queue, and no worker thread sleeps for them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "uring.h"

FIXTURE(uring)
{
	struct uring uring;
};

FIXTURE_SETUP(uring)
{
	ASSERT_TRUE(uring_open(&self->uring));
}

FIXTURE_TEARDOWN(uring)
{
	EXPECT_TRUE(uring_close(&self->uring));
}

/* --- Read and write */

TEST_F(uring, read_waits)
{
	struct uring *u = &self->uring;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_read, u->pair.consumer,
			    u->buf, 100, -1));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	EXPECT_EQ(0, uring_workers());
	ASSERT_TRUE(uring_put(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(10, u->cqe.res);
	EXPECT_EQ(10, stream_match(u->buf, URING_START, 10));
	EXPECT_EQ(0, uring_workers());
}

TEST_F(uring, write_waits)
{
	struct uring *u = &self->uring;

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	stream_fill(u->buf, URING_CAPACITY - 1000, 100);
	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_write, u->pair.producer,
			    u->buf, 100, -1));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	EXPECT_EQ(0, uring_workers());
	ASSERT_TRUE(uring_take(u, 60));
	/* As much as there was space for, as from a pipe that does not block */
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(60, u->cqe.res);
	EXPECT_TRUE(uring_take(u, URING_CAPACITY));
	EXPECT_EQ(0, uring_workers());
}

TEST_F(uring, read_ends)
{
	struct uring *u = &self->uring;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_read, u->pair.consumer,
			    u->buf, 100, -1));
	uring_close_producer(u);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(0, u->cqe.res);
}

TEST_F(uring, write_breaks)
{
	struct uring *u = &self->uring;

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_write, u->pair.producer,
			    u->buf, 100, -1));
	uring_close_consumer(u);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(-EPIPE, u->cqe.res);
}

/*
 * Since 5.16 io_uring waits for files that are O_NONBLOCK, if they can tell
 * when to go on; a pipe is the measure.  RWF_NOWAIT is for who will not wait.
 */
TEST_F(uring, nonblock)
{
	struct uring *u = &self->uring;
	int fds[2];

	ASSERT_EQ(0, pipe2(fds, O_NONBLOCK | O_CLOEXEC));
	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_read, fds[0], u->buf,
			    100, -1));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	fcntl(u->pair.consumer, F_SETFL, O_RDWR | O_NONBLOCK);
	ASSERT_EQ(1, SUBMIT(u, 2, io_uring_prep_read, u->pair.consumer,
			    u->buf, 100, -1));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	ASSERT_TRUE(uring_put(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(2, u->cqe.user_data);
	EXPECT_EQ(10, u->cqe.res);
	EXPECT_EQ(0, uring_workers());
	close(fds[0]);
	close(fds[1]);
}

TEST_F(uring, nowait)
{
	struct uring *u = &self->uring;
	struct io_uring_sqe *sqe;

	sqe = PREPARE(u, 1, io_uring_prep_read, u->pair.consumer,
		      u->buf, 100, -1);
	sqe->rw_flags = RWF_NOWAIT;
	ASSERT_EQ(1, io_uring_submit(&u->queue));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(-EAGAIN, u->cqe.res);

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	sqe = PREPARE(u, 2, io_uring_prep_write, u->pair.producer,
		      u->buf, 100, -1);
	sqe->rw_flags = RWF_NOWAIT;
	ASSERT_EQ(1, io_uring_submit(&u->queue));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(-EAGAIN, u->cqe.res);
	EXPECT_EQ(0, uring_workers());
}

/*
 * A read that goes on after each success: its user makes no call between one edge
 * and the next, so what io_uring does by itself has to arm the end.
 */
TEST_F(uring, read_multishot)
{
	enum { ROUNDS = 20, LEN = 64, GROUP = 1, READ_MULTISHOT = 49 };
	struct uring *u = &self->uring;
	struct io_uring_probe *probe;
	struct io_uring_sqe *sqe;
	bool supported;
	int i, at;

	probe = io_uring_get_probe();
	ASSERT_NE(NULL, probe);
	supported = io_uring_opcode_supported(probe, READ_MULTISHOT);
	io_uring_free_probe(probe);
	if (!supported)
		SKIP(return, "came with Linux 6.7");

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_provide_buffers, u->buf, LEN,
			    ROUNDS + 1, GROUP, 0));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	ASSERT_EQ(0, u->cqe.res);
	sqe = PREPARE(u, 2, io_uring_prep_read, u->pair.consumer, NULL, 0, -1);
	sqe->opcode = READ_MULTISHOT;
	sqe->flags |= IOSQE_BUFFER_SELECT;
	sqe->buf_group = GROUP;
	ASSERT_EQ(1, io_uring_submit(&u->queue));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));

	for (i = 0; i < ROUNDS; i++) {
		ASSERT_TRUE(uring_put(u, 10));
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ(2, u->cqe.user_data);
		ASSERT_EQ(10, u->cqe.res);
		ASSERT_NE(0, u->cqe.flags & IORING_CQE_F_MORE);
		at = (u->cqe.flags >> IORING_CQE_BUFFER_SHIFT) * LEN;
		ASSERT_EQ(10, stream_match(u->buf + at, URING_START + 10 * i, 10));
	}
	EXPECT_EQ(0, uring_workers());
	uring_close_producer(u);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(0, u->cqe.res);
	EXPECT_EQ(0, u->cqe.flags & IORING_CQE_F_MORE);
}

/* A megabyte through a small ring, both ends' requests in one queue. */
TEST_F(uring, stream)
{
	struct uring *u = &self->uring;
	unsigned char *in = u->buf, *out = u->buf + URING_CAPACITY;
	const __u64 total = 1 << 20;
	__u64 wr = URING_START, rd = wr, end = wr + total;
	int reading = 0, writing = 0;

	while (rd != end) {
		if (!reading) {
			reading = 1;
			SUBMIT(u, 1, io_uring_prep_read, u->pair.consumer,
			       out, 1 + rd % 9000, -1);
		}
		if (!writing && wr != end) {
			size_t n = 1 + wr % URING_CAPACITY;

			writing = 1;
			n = n < end - wr ? n : end - wr;
			stream_fill(in, wr, n);
			SUBMIT(u, 2, io_uring_prep_write,
			       u->pair.producer, in, n, -1);
		}
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_LT(0, u->cqe.res);
		if (u->cqe.user_data == 2) {
			wr += u->cqe.res;
			writing = 0;
			continue;
		}
		ASSERT_EQ((size_t)u->cqe.res,
			  stream_match(out, rd, u->cqe.res));
		rd += u->cqe.res;
		reading = 0;
	}
	EXPECT_EQ(0, uring_workers());
}

/* --- Giving up */

TEST_F(uring, linked_timeout)
{
	struct uring *u = &self->uring;
	struct __kernel_timespec t = { 0, A_WHILE_MS * 1000000L };
	struct io_uring_sqe *sqe;
	int i;

	sqe = PREPARE(u, 1, io_uring_prep_read, u->pair.consumer,
		      u->buf, 100, -1);
	sqe->flags |= IOSQE_IO_LINK;
	ASSERT_EQ(2, SUBMIT(u, 2, io_uring_prep_link_timeout, &t, 0));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		EXPECT_EQ(u->cqe.user_data == 1 ? -ECANCELED : -ETIME,
			  u->cqe.res);
	}
	/* The bytes that came too late are for the next one */
	ASSERT_TRUE(uring_put(u, 10));
	EXPECT_TRUE(uring_take(u, 10));
}

TEST_F(uring, cancelled)
{
	struct uring *u = &self->uring;
	int i;

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_write, u->pair.producer,
			    u->buf, 100, -1));
	ASSERT_EQ(1, SUBMIT(u, 2, io_uring_prep_cancel64, 1, 0));
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		EXPECT_EQ(u->cqe.user_data == 1 ? -ECANCELED : 0,
			  u->cqe.res);
	}
	EXPECT_TRUE(uring_take(u, URING_CAPACITY));
	EXPECT_TRUE(uring_take(u, 0));
}

/* A request has the file, and with it the role, until it ends. */
TEST_F(uring, a_request_keeps_the_role)
{
	struct uring *u = &self->uring;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_read, u->pair.consumer,
			    u->buf, 100, -1));
	uring_close_consumer(u);
	EXPECT_EQ(-EBUSY, device_end(u->pair.handle, SHMRING_ROLE_CONSUMER));
	ASSERT_TRUE(uring_put(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(10, u->cqe.res);
	EXPECT_TRUE(uring_told(u));
	u->pair.consumer = device_end(u->pair.handle, SHMRING_ROLE_CONSUMER);
	EXPECT_LE(0, u->pair.consumer);
}

/* Whoever is killed takes his requests along: teardown finds nothing left. */
TEST_F(uring, killed_with_requests_pending)
{
	struct uring *u = &self->uring;
	int ready[2], to[2];
	char byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(to));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* A queue of its own: the parent's would outlive it */
		io_uring_queue_exit(&u->queue);
		io_uring_queue_init(16, &u->queue, 0);
		SUBMIT(u, 1, io_uring_prep_read, u->pair.consumer, u->buf, 100,
		       -1);
		SUBMIT(u, 2, io_uring_prep_poll_add, u->pair.consumer, POLLIN);
		SUBMIT(u, 3, io_uring_prep_poll_multishot, u->pair.consumer,
		       POLLIN);
		SUBMIT(u, 4, io_uring_prep_splice, u->pair.consumer, -1, to[1],
		       -1, 100, 0);
		device_sleep_ms(A_WHILE_MS);
		_exit(write(ready[1], "x", 1) == 1 && !pause());
	}
	uring_close_consumer(u);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	EXPECT_EQ(256 + SIGKILL, device_child(pid));
	EXPECT_TRUE(uring_told(u));
}

TEST_HARNESS_MAIN
