// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write() on an end: when they wait, what they return, what they
 * refuse.  That streams come through whole is stream_test's subject.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

#define CAPACITY	8192U

/* Long enough for a thread to fall asleep in, on an emulated machine. */
#define A_WHILE_MS	30

FIXTURE(io)
{
	struct device_pair pair;
	int in;			/* the producer's file */
	int out;		/* the consumer's */
	long page;
	unsigned char buf[2 * CAPACITY];
};

FIXTURE_SETUP(io)
{
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0));
	self->in = self->pair.producer;
	self->out = self->pair.consumer;
	self->page = sysconf(_SC_PAGESIZE);
}

FIXTURE_TEARDOWN(io)
{
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

static ssize_t put(FIXTURE_DATA(io) *self, size_t n)
{
	stream_fill(self->buf, device_load(&self->pair.p.p->wr), n);
	return write(self->in, self->buf, n);
}

/* Take what there is, at most @n bytes; -EILSEQ if they are not the right ones. */
static ssize_t take(FIXTURE_DATA(io) *self, size_t n)
{
	__u64 pos = device_load(&self->pair.c.c->rd);
	ssize_t ret = read(self->out, self->buf, n);

	if (ret > 0 && stream_match(self->buf, pos, ret) != (size_t)ret)
		return -EILSEQ;
	return ret < 0 ? -errno : ret;
}

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void close_end(struct device_map *map, int *fd)
{
	device_unmap(map);
	device_close(fd);
}

/* A call that another thread makes, since it is expected to sleep. */
struct call {
	pthread_t thread;
	int fd;
	unsigned char *buf;
	size_t n;
	bool writes;
	ssize_t ret;		/* or -errno */
	bool done;
};

static void *make_call(void *arg)
{
	struct call *c = arg;

	c->ret = c->writes ? write(c->fd, c->buf, c->n) :
			     read(c->fd, c->buf, c->n);
	if (c->ret < 0)
		c->ret = -errno;
	__atomic_store_n(&c->done, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static void call_begin(struct call *c)
{
	pthread_create(&c->thread, NULL, make_call, c);
	device_sleep_ms(A_WHILE_MS);
}

static bool call_sleeps(struct call *c)
{
	return !__atomic_load_n(&c->done, __ATOMIC_SEQ_CST);
}

static ssize_t call_end(struct call *c)
{
	pthread_join(c->thread, NULL);
	return c->ret;
}

TEST_F(io, wrong_ends)
{
	int unbound = device_open(O_RDWR);
	int observer = device_end(self->pair.handle, SHMRING_ROLE_OBSERVER);
	int fds[] = { unbound, observer, self->in, self->out };
	int expected[] = { ENOTCONN, EACCES, EACCES, EACCES };
	char byte = 0;
	int i;

	for (i = 0; i < 4; i++) {
		ASSERT_LE(0, fds[i]);
		if (fds[i] != self->out) {
			EXPECT_EQ(-1, read(fds[i], &byte, 1));
			EXPECT_EQ(expected[i], errno);
		}
		if (fds[i] != self->in) {
			EXPECT_EQ(-1, write(fds[i], &byte, 1));
			EXPECT_EQ(expected[i], errno);
		}
	}
	close(unbound);
	close(observer);
}

TEST_F(io, a_stream_has_no_offset)
{
	char byte = 0;

	EXPECT_EQ(-1, lseek(self->out, 0, SEEK_SET));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pread(self->out, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
	EXPECT_EQ(-1, pwrite(self->in, &byte, 1, 0));
	EXPECT_EQ(ESPIPE, errno);
}

TEST_F(io, partial_counts)
{
	EXPECT_EQ(100, put(self, 100));
	EXPECT_EQ(30, take(self, 30));
	EXPECT_EQ(70, take(self, sizeof(self->buf)));

	/* A full ring from the middle on, taken across the mirror's seam */
	EXPECT_EQ(CAPACITY, put(self, CAPACITY));
	EXPECT_EQ(CAPACITY - 1, take(self, CAPACITY - 1));
	EXPECT_EQ(1, take(self, 1000));
}

TEST_F(io, nonblock)
{
	set_nonblock(self->in);
	set_nonblock(self->out);
	EXPECT_EQ(-EAGAIN, take(self, 1));
	EXPECT_EQ(CAPACITY, put(self, sizeof(self->buf)));
	EXPECT_EQ(-1, put(self, 1));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(10, take(self, 10));
	EXPECT_EQ(10, put(self, 11));
	EXPECT_EQ(CAPACITY, take(self, sizeof(self->buf)));
	EXPECT_EQ(-EAGAIN, take(self, 1));
}

TEST_F(io, nowait_for_one_call)
{
	struct iovec v = { self->buf, sizeof(self->buf) };

	EXPECT_EQ(-1, preadv2(self->out, &v, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(CAPACITY, pwritev2(self->in, &v, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(-1, pwritev2(self->in, &v, 1, -1, RWF_NOWAIT));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(CAPACITY, preadv2(self->out, &v, 1, -1, RWF_NOWAIT));
}

TEST_F(io, blocking_read)
{
	struct call c = { .fd = self->out, .buf = self->buf, .n = 100 };

	call_begin(&c);
	EXPECT_TRUE(call_sleeps(&c));
	EXPECT_EQ(3, write(self->in, "abc", 3));
	EXPECT_EQ(3, call_end(&c));
	EXPECT_EQ(0, memcmp(self->buf, "abc", 3));
}

/* A blocking write is done when all is in the ring, however often that fills. */
TEST_F(io, blocking_write)
{
	static unsigned char bytes[3 * CAPACITY];
	struct call c = {
		.fd = self->in, .buf = bytes, .n = sizeof(bytes), .writes = true
	};
	size_t got = 0;
	ssize_t n;

	stream_fill(bytes, 0, sizeof(bytes));
	call_begin(&c);
	while (got < 2 * CAPACITY) {
		EXPECT_TRUE(call_sleeps(&c));
		n = take(self, 1500);
		ASSERT_LT(0, n);
		got += n;
	}
	EXPECT_EQ(sizeof(bytes), (size_t)call_end(&c));
	while (got < sizeof(bytes)) {
		n = take(self, CAPACITY);
		ASSERT_LT(0, n);
		got += n;
	}
}

TEST_F(io, end_of_file)
{
	struct call c = { .fd = self->out, .buf = self->buf, .n = 100 };

	EXPECT_EQ(500, put(self, 500));
	close_end(&self->pair.p, &self->pair.producer);
	/* What it left is good to the last byte */
	EXPECT_EQ(400, take(self, 400));
	EXPECT_EQ(100, take(self, 400));
	EXPECT_EQ(0, take(self, 400));
	EXPECT_EQ(0, take(self, 400));

	/* No end for ever: another producer may come */
	self->in = device_end(self->pair.handle, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, self->in);
	set_nonblock(self->out);
	EXPECT_EQ(-EAGAIN, take(self, 1));
	fcntl(self->out, F_SETFL, O_RDWR);

	call_begin(&c);
	EXPECT_TRUE(call_sleeps(&c));
	close(self->in);
	EXPECT_EQ(0, call_end(&c));
}

/* A peer's death is an error, and no signal: SIGPIPE would kill this process. */
TEST_F(io, broken_pipe)
{
	struct call c = {
		.fd = self->in, .buf = self->buf, .n = 100, .writes = true
	};

	ASSERT_EQ(CAPACITY, put(self, CAPACITY));
	call_begin(&c);
	EXPECT_TRUE(call_sleeps(&c));
	close_end(&self->pair.c, &self->pair.consumer);
	EXPECT_EQ(-EPIPE, call_end(&c));
	EXPECT_EQ(-1, put(self, 1));
	EXPECT_EQ(EPIPE, errno);
	set_nonblock(self->in);
	EXPECT_EQ(-1, put(self, 1));
	EXPECT_EQ(EPIPE, errno);
}

/* What was written before the consumer went counts. */
TEST_F(io, broken_pipe_after_a_part)
{
	struct call c = {
		.fd = self->in, .buf = self->buf, .n = CAPACITY + 1,
		.writes = true
	};

	call_begin(&c);
	EXPECT_TRUE(call_sleeps(&c));
	close_end(&self->pair.c, &self->pair.consumer);
	EXPECT_EQ(CAPACITY, call_end(&c));

	/* Nor is it lost for the next consumer */
	self->pair.consumer = device_end(self->pair.handle,
					 SHMRING_ROLE_CONSUMER);
	EXPECT_EQ(CAPACITY, read(self->pair.consumer, self->buf,
				 sizeof(self->buf)));
}

TEST_F(io, space_alone_is_no_reason_to_write_to_nobody)
{
	close_end(&self->pair.c, &self->pair.consumer);
	EXPECT_EQ(-1, put(self, 1));
	EXPECT_EQ(EPIPE, errno);
}

TEST_F(io, lowat)
{
	struct call c = { .fd = self->out, .buf = self->buf, .n = 100 };

	ASSERT_EQ(0, device_lowat(self->out, SHMRING_READABLE, 8));
	call_begin(&c);
	EXPECT_EQ(7, put(self, 7));
	device_sleep_ms(A_WHILE_MS);
	EXPECT_TRUE(call_sleeps(&c));
	EXPECT_EQ(2, put(self, 2));
	EXPECT_EQ(9, call_end(&c));

	/* Who asks for less than the threshold waits for no more than that */
	EXPECT_EQ(5, put(self, 5));
	EXPECT_EQ(5, take(self, 5));

	/* Who does not wait gets what is there */
	EXPECT_EQ(3, put(self, 3));
	set_nonblock(self->out);
	EXPECT_EQ(3, take(self, 100));
	fcntl(self->out, F_SETFL, O_RDWR);

	/* The end comes below any threshold */
	EXPECT_EQ(3, put(self, 3));
	close_end(&self->pair.p, &self->pair.producer);
	EXPECT_EQ(3, take(self, 100));
	EXPECT_EQ(0, take(self, 100));
}

TEST_F(io, lowat_of_the_producer)
{
	struct call c = {
		.fd = self->in, .buf = self->buf, .n = 64, .writes = true
	};

	ASSERT_EQ(0, device_lowat(self->in, SHMRING_WRITABLE, 50));
	ASSERT_EQ(CAPACITY, put(self, CAPACITY));
	call_begin(&c);
	ASSERT_EQ(49, take(self, 49));
	device_sleep_ms(A_WHILE_MS);
	EXPECT_EQ(CAPACITY - 49, device_load(&self->pair.p.p->wr) -
				 device_load(&self->pair.c.c->rd));
	/* Two passes, and the second needs but the 14 bytes that are left */
	ASSERT_EQ(1, read(self->out, self->buf + 100, 1));
	device_sleep_ms(A_WHILE_MS);
	EXPECT_TRUE(call_sleeps(&c));
	ASSERT_EQ(14, read(self->out, self->buf + 100, 14));
	EXPECT_EQ(64, call_end(&c));
}

TEST_F(io, nothing_to_move)
{
	struct iovec v[2] = { { self->buf, 0 }, { NULL, 0 } };

	/* On an empty ring, blocking: it returns all the same */
	EXPECT_EQ(0, read(self->out, self->buf, 0));
	EXPECT_EQ(0, read(self->out, NULL, 0));
	EXPECT_EQ(0, readv(self->out, v, 2));
	EXPECT_EQ(0, readv(self->out, v, 0));
	ASSERT_EQ(CAPACITY, put(self, CAPACITY));
	EXPECT_EQ(0, write(self->in, self->buf, 0));
	EXPECT_EQ(0, writev(self->in, v, 2));
}

TEST_F(io, as_many_segments_as_there_may_be)
{
	struct iovec v[1024];
	size_t i, at = 0;

	/* 0 to 12 bytes each, in one piece after another */
	for (i = 0; i < 1024; i++) {
		v[i].iov_base = self->buf + at;
		v[i].iov_len = i % 13;
		at += v[i].iov_len;
	}
	ASSERT_LT(CAPACITY * 5 / 8, at);
	ASSERT_GT(CAPACITY, at);
	for (i = 0; i < 4; i++) {
		__u64 pos = i * at;

		stream_fill(self->buf, pos, at);
		ASSERT_EQ(at, (size_t)writev(self->in, v, 1024));
		memset(self->buf, 0, at);
		ASSERT_EQ(at, (size_t)readv(self->out, v, 1024));
		ASSERT_EQ(at, stream_match(self->buf, pos, at));
	}
}

/* The positions are the peers' to spoil; what follows is an error for both. */
TEST_F(io, impossible_positions)
{
	device_store(&self->pair.p.p->wr, CAPACITY + 1);
	EXPECT_EQ(-EBADMSG, take(self, 1));
	EXPECT_EQ(-1, put(self, 1));
	EXPECT_EQ(EBADMSG, errno);
	device_store(&self->pair.p.p->wr, 0);
	EXPECT_EQ(-EBADMSG, take(self, 1));
}

TEST_HARNESS_MAIN
