// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring on a ring's spans: a device's bytes land in the write span, and what
 * is read leaves from the read span, with no buffer in between
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include <shmring.h>

#include "uring.h"

FIXTURE(uring)
{
	struct uring uring;
	int file;		/* its bytes are those of the ring's start on */
};

FIXTURE_SETUP(uring)
{
	struct uring *u = &self->uring;

	ASSERT_TRUE(uring_open(u));
	self->file = memfd_create("file", MFD_CLOEXEC);
	stream_fill(u->buf, URING_START, sizeof(u->buf));
	ASSERT_EQ(sizeof(u->buf),
		  (size_t)write(self->file, u->buf, sizeof(u->buf)));
}

FIXTURE_TEARDOWN(uring)
{
	EXPECT_TRUE(uring_close(&self->uring));
	close(self->file);
}

/* 6.5 stopped refusing all file mappings but those of shared memory. */
static bool registers_devices(void)
{
	struct utsname name;
	int major, minor;

	uname(&name);
	return sscanf(name.release, "%d.%d", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 5));
}

TEST_F(uring, read_into_write_spans)
{
	struct uring *u = &self->uring;
	struct iovec v[2];
	size_t at, n;

	for (at = 0; at < sizeof(u->buf); at += n) {
		ASSERT_LT(0, stream_spans(&u->pair.p, SHMRING_ROLE_PRODUCER, v));
		n = v[0].iov_len < 7000 ? v[0].iov_len : 7000;
		if (n > sizeof(u->buf) - at)
			n = sizeof(u->buf) - at;
		ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_read, self->file,
				    v[0].iov_base, n, at));
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ((int)n, u->cqe.res);
		stream_advance(u->pair.producer, &u->pair.p,
			       SHMRING_ROLE_PRODUCER, n);
		ASSERT_TRUE(uring_take(u, n));
	}
}

TEST_F(uring, write_and_send_from_read_spans)
{
	struct uring *u = &self->uring;
	int socket[2], pipes[2], i;
	struct iovec v[2];

	ASSERT_EQ(0, pipe(pipes));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socket));
	for (i = 0; i < 10; i++) {
		__u64 pos = device_load(&u->pair.c.c->rd);

		ASSERT_TRUE(uring_put(u, 5000));
		ASSERT_EQ(5000, stream_spans(&u->pair.c, SHMRING_ROLE_CONSUMER,
					     v));
		SUBMIT(u, 1, io_uring_prep_write, pipes[1], v[0].iov_base, 2000,
		       -1);
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ(2000, u->cqe.res);
		SUBMIT(u, 2, io_uring_prep_send, socket[0],
		       (char *)v[0].iov_base + 2000, 3000, 0);
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ(3000, u->cqe.res);
		stream_advance(u->pair.consumer, &u->pair.c,
			       SHMRING_ROLE_CONSUMER, 5000);

		memset(u->buf, 0, sizeof(u->buf));
		ASSERT_EQ(2000, read(pipes[0], u->buf, 3000));
		ASSERT_EQ(3000, read(socket[1], u->buf + 2000, 4000));
		ASSERT_EQ(5000, stream_match(u->buf, pos, 5000));
	}
	for (i = 0; i < 2; i++) {
		close(socket[i]);
		close(pipes[i]);
	}
}

TEST_F(uring, write_to_a_file_from_read_spans)
{
	struct uring *u = &self->uring;
	struct iovec v[2];

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	stream_spans(&u->pair.c, SHMRING_ROLE_CONSUMER, v);
	SUBMIT(u, 1, io_uring_prep_write, self->file, v[0].iov_base,
	       URING_CAPACITY, 100);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	ASSERT_EQ(URING_CAPACITY, u->cqe.res);
	ASSERT_EQ(URING_CAPACITY, pread(self->file, u->buf, URING_CAPACITY,
					100));
	EXPECT_EQ(URING_CAPACITY, stream_match(u->buf, URING_START,
					       URING_CAPACITY));
}

/* --- Registered buffers */

/* They want pages that can be written, which a consumer's cannot. */
TEST_F(uring, consumer_cannot_register)
{
	struct uring *u = &self->uring;
	struct iovec v = { u->pair.c.data, URING_CAPACITY };

	EXPECT_EQ(-EFAULT, io_uring_register_buffers(&u->queue, &v, 1));
	v.iov_base = (void *)u->pair.p.c;
	v.iov_len = 4096;
	EXPECT_EQ(-EFAULT, io_uring_register_buffers(&u->queue, &v, 1));
}

/*
 * Where the kernel takes them, a pin outlives the ring: the pages go when the
 * last pin does, and what is written to them then goes nowhere.
 */
TEST_F(uring, producer_registers)
{
	struct uring *u = &self->uring;
	/* The data and its mirror: spans of both are covered */
	struct iovec v[2] = { { u->pair.p.data, 2 * URING_CAPACITY } };
	size_t at;
	int ret;

	ret = io_uring_register_buffers(&u->queue, v, 1);
	if (!registers_devices()) {
		EXPECT_EQ(-EOPNOTSUPP, ret);
		return;
	}
	ASSERT_EQ(0, ret);
	for (at = 0; at < sizeof(u->buf); at += URING_CAPACITY / 2) {
		ASSERT_LT(0, stream_spans(&u->pair.p, SHMRING_ROLE_PRODUCER,
					  v));
		SUBMIT(u, 1, io_uring_prep_read_fixed, self->file, v[0].iov_base,
		       URING_CAPACITY / 2, at, 0);
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ(URING_CAPACITY / 2, u->cqe.res);
		stream_advance(u->pair.producer, &u->pair.p,
			       SHMRING_ROLE_PRODUCER, URING_CAPACITY / 2);
		ASSERT_TRUE(uring_take(u, URING_CAPACITY / 2));
	}

	v[0].iov_base = u->pair.p.data;
	device_pair_free(&u->pair);
	EXPECT_TRUE(device_idle());
	SUBMIT(u, 2, io_uring_prep_read_fixed, self->file, v[0].iov_base, 5000, 0,
	       0);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(5000, u->cqe.res);
	EXPECT_EQ(0, io_uring_unregister_buffers(&u->queue));
}

/* The same verbs on a ring in memory, whose pages every kernel takes. */
TEST_F(uring, memory_ring_registers)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_MEMORY,
	};
	struct uring *u = &self->uring;
	struct shmring *r = shmring_create(URING_CAPACITY, &options);
	struct iovec v[2];
	size_t at, n;

	ASSERT_NE(NULL, r);
	ASSERT_EQ(URING_CAPACITY, shmring_write_acquire(r, v));
	v[0].iov_len *= 2;
	ASSERT_EQ(0, io_uring_register_buffers(&u->queue, v, 1));
	for (at = 0; at < sizeof(u->buf); at += n) {
		ASSERT_LT(0, shmring_write_acquire(r, v));
		n = sizeof(u->buf) - at < 7000 ? sizeof(u->buf) - at : 7000;
		SUBMIT(u, 1, io_uring_prep_read_fixed, self->file,
		       v[0].iov_base, n, at, 0);
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ((int)n, u->cqe.res);
		ASSERT_EQ(0, shmring_write_commit(r, n));

		ASSERT_EQ(n, shmring_read_acquire(r, v));
		ASSERT_EQ(n, stream_match(v[0].iov_base, URING_START + at, n));
		ASSERT_EQ(0, shmring_read_release(r, n));
	}
	shmring_free(r);
	EXPECT_EQ(0, io_uring_unregister_buffers(&u->queue));
}

/* --- Files that a queue holds, and splices */

/* A registered file is a file: it keeps the role. */
TEST_F(uring, registered_file)
{
	struct uring *u = &self->uring;
	struct io_uring_sqe *sqe;

	ASSERT_EQ(0, io_uring_register_files(&u->queue, &u->pair.consumer, 1));
	uring_close_consumer(u);
	EXPECT_EQ(-EBUSY, device_end(u->pair.handle, SHMRING_ROLE_CONSUMER));
	sqe = PREPARE(u, 1, io_uring_prep_read, 0, u->buf, 100, -1);
	sqe->flags |= IOSQE_FIXED_FILE;
	ASSERT_EQ(1, io_uring_submit(&u->queue));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	ASSERT_TRUE(uring_put(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(10, u->cqe.res);
	EXPECT_EQ(0, io_uring_unregister_files(&u->queue));
	EXPECT_TRUE(uring_told(u));
}

/* io_uring always gives splices to a worker; it must not be lost in a wait. */
TEST_F(uring, splice)
{
	struct uring *u = &self->uring;
	int pipes[2];

	ASSERT_EQ(0, pipe(pipes));
	SUBMIT(u, 1, io_uring_prep_splice, u->pair.consumer, -1, pipes[1], -1,
	       100, 0);
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	ASSERT_TRUE(uring_put(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(10, u->cqe.res);
	ASSERT_EQ(10, read(pipes[0], u->buf, 100));
	EXPECT_EQ(10, stream_match(u->buf, URING_START, 10));

	stream_fill(u->buf, URING_START + 10, 10);
	ASSERT_EQ(10, write(pipes[1], u->buf, 10));
	SUBMIT(u, 2, io_uring_prep_splice, pipes[0], -1, u->pair.producer, -1,
	       100, 0);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(10, u->cqe.res);
	EXPECT_TRUE(uring_take(u, 10));

	SUBMIT(u, 3, io_uring_prep_splice, u->pair.consumer, -1, pipes[1], -1,
	       100, 0);
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	SUBMIT(u, 4, io_uring_prep_cancel64, 3, 0);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	close(pipes[0]);
	close(pipes[1]);
}

TEST_HARNESS_MAIN
