// SPDX-License-Identifier: GPL-2.0-only
/*
 * splice, tee, vmsplice and sendfile on an end
 *
 * The kernel's core moves bytes between the ring and a pipe through the same
 * code as read() and write().  They are copied, not lent: a page of the ring in
 * a pipe would change there when the producer laps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

#define CAPACITY	16384U
#define A_WHILE_MS	30

FIXTURE(splice)
{
	struct device_pair pair;
	int pipe[2];
	unsigned char buf[4 * CAPACITY];
};

FIXTURE_SETUP(splice)
{
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0ULL - 100));
	ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
}

FIXTURE_TEARDOWN(splice)
{
	device_pair_free(&self->pair);
	close(self->pipe[0]);
	close(self->pipe[1]);
	EXPECT_TRUE(device_idle());
}

static __u64 available(const struct device_pair *pair)
{
	return device_load(&pair->p.p->wr) - device_load(&pair->c.c->rd);
}

static void produce(struct __test_metadata *_metadata,
		    struct device_pair *pair, __u64 n)
{
	ASSERT_EQ((long long)n, stream_produce(pair->producer, &pair->p, n, n,
					       STREAM_COPY));
}

static void close_producer(struct device_pair *pair)
{
	device_unmap(&pair->p);
	device_close(&pair->producer);
}

static void close_consumer(struct device_pair *pair)
{
	device_unmap(&pair->c);
	device_close(&pair->consumer);
}

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

TEST_F(splice, ring_to_pipe)
{
	__u64 pos = device_load(&self->pair.c.c->rd);

	produce(_metadata, &self->pair, 9000);
	EXPECT_EQ(5000, splice(self->pair.consumer, NULL, self->pipe[1], NULL,
			       5000, 0));
	EXPECT_EQ(4000, splice(self->pair.consumer, NULL, self->pipe[1], NULL,
			       sizeof(self->buf), 0));
	EXPECT_EQ(0, available(&self->pair));

	/* The producer laps while they are in the pipe */
	produce(_metadata, &self->pair, CAPACITY);
	memset(self->pair.p.data, 0xee, CAPACITY);

	EXPECT_EQ(9000, read(self->pipe[0], self->buf, sizeof(self->buf)));
	EXPECT_EQ(9000, stream_match(self->buf, pos, 9000));
}

TEST_F(splice, pipe_to_ring)
{
	__u64 pos = device_load(&self->pair.p.p->wr);

	stream_fill(self->buf, pos, 9000);
	ASSERT_EQ(9000, write(self->pipe[1], self->buf, 9000));
	EXPECT_EQ(5000, splice(self->pipe[0], NULL, self->pair.producer, NULL,
			       5000, 0));
	EXPECT_EQ(4000, splice(self->pipe[0], NULL, self->pair.producer, NULL,
			       sizeof(self->buf), 0));
	EXPECT_EQ(9000, stream_consume(self->pair.consumer, &self->pair.c, 9000,
				       2000, STREAM_ANY));
}

TEST_F(splice, offsets_are_refused)
{
	loff_t offset = 0;

	EXPECT_EQ(-1, splice(self->pair.consumer, &offset, self->pipe[1], NULL,
			     10, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, splice(self->pipe[0], NULL, self->pair.producer, &offset,
			     10, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(splice, wrong_ends)
{
	ASSERT_EQ(1, write(self->pipe[1], "a", 1));
	EXPECT_EQ(-1, splice(self->pipe[0], NULL, self->pair.consumer, NULL, 1,
			     0));
	EXPECT_EQ(EACCES, errno);
	EXPECT_EQ(-1, splice(self->pair.producer, NULL, self->pipe[1], NULL, 1,
			     0));
	EXPECT_EQ(EACCES, errno);
	/* Neither is a pipe */
	EXPECT_EQ(-1, splice(self->pair.consumer, NULL, self->pair.producer,
			     NULL, 1, 0));
	EXPECT_EQ(EINVAL, errno);
}

/* tee() wants two pipes: what is in a ring belongs to nobody else. */
TEST_F(splice, tee_is_refused)
{
	produce(_metadata, &self->pair, 10);
	EXPECT_EQ(-1, tee(self->pair.consumer, self->pipe[1], 10, 0));
	EXPECT_EQ(EINVAL, errno);
	ASSERT_EQ(1, write(self->pipe[1], "a", 1));
	EXPECT_EQ(-1, tee(self->pipe[0], self->pair.producer, 1, 0));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(splice, end_of_file)
{
	produce(_metadata, &self->pair, 10);
	close_producer(&self->pair);
	EXPECT_EQ(10, splice(self->pair.consumer, NULL, self->pipe[1], NULL,
			     100, 0));
	EXPECT_EQ(0, splice(self->pair.consumer, NULL, self->pipe[1], NULL, 100,
			    0));
}

/* No signal: SIGPIPE would kill this process.  The pipe keeps what it had. */
TEST_F(splice, broken_ring)
{
	close_consumer(&self->pair);
	ASSERT_EQ(5, write(self->pipe[1], "abcde", 5));
	EXPECT_EQ(-1, splice(self->pipe[0], NULL, self->pair.producer, NULL, 5,
			     0));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(5, read(self->pipe[0], self->buf, 100));
}

TEST_F(splice, broken_pipe_keeps_the_ring)
{
	int fds[2];

	ASSERT_EQ(0, pipe(fds));
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);	/* this one is the pipe's own */
	produce(_metadata, &self->pair, 10);
	EXPECT_EQ(-1, splice(self->pair.consumer, NULL, fds[1], NULL, 10, 0));
	EXPECT_EQ(EPIPE, errno);
	EXPECT_EQ(10, available(&self->pair));
	close(fds[1]);
}

TEST_F(splice, nonblock)
{
	ssize_t n, moved = 0;

	set_nonblock(self->pair.consumer);
	set_nonblock(self->pair.producer);
	EXPECT_EQ(-1, splice(self->pair.consumer, NULL, self->pipe[1], NULL, 10,
			     0));
	EXPECT_EQ(EAGAIN, errno);

	/* A full ring takes a part, then nothing; the rest stays in the pipe */
	stream_fill(self->buf, device_load(&self->pair.p.p->wr), CAPACITY + 500);
	ASSERT_EQ(CAPACITY + 500, write(self->pipe[1], self->buf,
					CAPACITY + 500));
	while ((n = splice(self->pipe[0], NULL, self->pair.producer, NULL,
			   sizeof(self->buf), 0)) > 0)
		moved += n;
	EXPECT_EQ(-1, n);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(CAPACITY, moved);
	EXPECT_EQ(CAPACITY, stream_consume(self->pair.consumer, &self->pair.c,
					   CAPACITY, CAPACITY, STREAM_COPY));
	EXPECT_EQ(500, splice(self->pipe[0], NULL, self->pair.producer, NULL,
			      sizeof(self->buf), 0));
	EXPECT_EQ(500, stream_consume(self->pair.consumer, &self->pair.c, 500,
				      500, STREAM_COPY));
}

/* The flag is about the pipe, and only about it (see splice(2)). */
TEST_F(splice, nonblock_flag)
{
	ssize_t n, moved = 0;

	EXPECT_EQ(-1, splice(self->pipe[0], NULL, self->pair.producer, NULL, 10,
			     SPLICE_F_NONBLOCK));
	EXPECT_EQ(EAGAIN, errno);

	for (;;) {
		produce(_metadata, &self->pair, CAPACITY);
		n = splice(self->pair.consumer, NULL, self->pipe[1], NULL,
			   CAPACITY, SPLICE_F_NONBLOCK);
		if (n < 0)
			break;
		moved += n;
		stream_consume(self->pair.consumer, &self->pair.c,
			       CAPACITY - n, CAPACITY, STREAM_COPY);
		ASSERT_GE(1 << 20, moved);
	}
	EXPECT_EQ(EAGAIN, errno);
	/* The pipe was full, and that cost the ring nothing */
	EXPECT_EQ(CAPACITY, available(&self->pair));
}

static void *splice_some(void *arg)
{
	FIXTURE_DATA(splice) *self = arg;

	return (void *)splice(self->pair.consumer, NULL, self->pipe[1], NULL,
			      100, SPLICE_F_NONBLOCK);
}

TEST_F(splice, blocking)
{
	pthread_t thread;
	void *ret;

	ASSERT_EQ(0, pthread_create(&thread, NULL, splice_some, self));
	device_sleep_ms(A_WHILE_MS);
	EXPECT_EQ(EBUSY, pthread_tryjoin_np(thread, &ret));
	/* All at once: it returns with the first bytes that come */
	ASSERT_EQ(10, write(self->pair.producer, "0123456789", 10));
	pthread_join(thread, &ret);
	EXPECT_EQ(10, (ssize_t)ret);
}

/* --- Streams */

/* A child that pumps until the end of @from, and has nothing else open. */
static pid_t fork_pump(int from, int to, bool with_sendfile)
{
	pid_t pid = fork();
	ssize_t n;

	if (pid)
		return pid;
	dup2(from, 0);
	dup2(to, 1);
	close_range(3, ~0U, 0);
	do {
		n = with_sendfile ? sendfile(1, 0, NULL, 70000) :
				    splice(0, NULL, 1, NULL, 70000, 0);
	} while (n > 0);
	_exit(n < 0 ? errno : 0);
}

/* producer -> ring a -> pipe -> ring b -> consumer */
static void relay(struct __test_metadata *_metadata, __u32 capacity_a,
		  __u32 capacity_b, __u64 total, bool with_sendfile)
{
	struct device_pair a, b;
	pid_t pids[3];
	int fds[2], i;
	char byte;

	ASSERT_EQ(0, pipe(fds));
	ASSERT_EQ(0, device_pair(&a, capacity_a, 1000));
	ASSERT_EQ(0, device_pair(&b, capacity_b, 1000));
	pids[0] = stream_child(a.producer, SHMRING_ROLE_PRODUCER, total,
			       capacity_a + 5, STREAM_ANY);
	close_producer(&a);
	pids[1] = fork_pump(a.consumer, fds[1], with_sendfile);
	close_consumer(&a);
	close(fds[1]);
	pids[2] = fork_pump(fds[0], b.producer, false);
	close_producer(&b);
	close(fds[0]);

	EXPECT_EQ((long long)total, stream_consume(b.consumer, &b.c, total,
						   capacity_b + 5, STREAM_ANY));
	EXPECT_EQ(0, read(b.consumer, &byte, 1));
	for (i = 0; i < 3; i++)
		EXPECT_EQ(0, device_child(pids[i]));
	device_pair_free(&a);
	device_pair_free(&b);
	EXPECT_TRUE(device_idle());
}

TEST(ring_to_ring_through_a_pipe)
{
	relay(_metadata, 16384, 65536, 1000000, false);
	relay(_metadata, 1 << 20, 4096, 300000, false);
	relay(_metadata, 64, 128, 5000, false);
	relay(_metadata, 2, 2, 500, false);
}

TEST(sendfile_ring_to_pipe)
{
	relay(_metadata, 16384, 65536, 500000, true);
	relay(_metadata, 2, 2, 500, true);
}

TEST_F(splice, sendfile_file_to_ring)
{
	const size_t total = 1 << 20;
	int file = memfd_create("file", MFD_CLOEXEC);
	__u64 pos = device_load(&self->pair.p.p->wr);
	size_t at, n;
	pid_t pid;

	ASSERT_LE(0, file);
	for (at = 0; at < total; at += n) {
		n = sizeof(self->buf);
		stream_fill(self->buf, pos + at, n);
		ASSERT_EQ((ssize_t)n, write(file, self->buf, n));
	}
	ASSERT_EQ(0, lseek(file, 0, SEEK_SET));
	pid = fork_pump(file, self->pair.producer, true);
	close_producer(&self->pair);
	EXPECT_EQ((long long)total,
		  stream_consume(self->pair.consumer, &self->pair.c, total,
				 50000, STREAM_ANY));
	EXPECT_EQ(0, device_child(pid));
	EXPECT_EQ((off_t)total, lseek(file, 0, SEEK_CUR));
	close(file);
}

/*
 * The file's position follows what has reached the ring, not what has left
 * the file: nothing is lost when the ring is full.
 */
TEST_F(splice, sendfile_file_to_full_ring)
{
	int file = memfd_create("file", MFD_CLOEXEC);
	__u64 pos = device_load(&self->pair.p.p->wr);

	ASSERT_LE(0, file);
	stream_fill(self->buf, pos, 2 * CAPACITY);
	ASSERT_EQ(2 * CAPACITY, write(file, self->buf, 2 * CAPACITY));
	ASSERT_EQ(0, lseek(file, 0, SEEK_SET));
	set_nonblock(self->pair.producer);
	EXPECT_EQ(CAPACITY, sendfile(self->pair.producer, file, NULL,
				     2 * CAPACITY));
	EXPECT_EQ(CAPACITY, lseek(file, 0, SEEK_CUR));
	EXPECT_EQ(-1, sendfile(self->pair.producer, file, NULL, CAPACITY));
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(CAPACITY, stream_consume(self->pair.consumer, &self->pair.c,
					   CAPACITY, 5000, STREAM_ANY));
	EXPECT_EQ(CAPACITY, sendfile(self->pair.producer, file, NULL,
				     2 * CAPACITY));
	EXPECT_EQ(CAPACITY, stream_consume(self->pair.consumer, &self->pair.c,
					   CAPACITY, 5000, STREAM_ANY));
	close(file);
}

/*
 * The core lets sendfile() read from regular files and block devices only, but
 * for a pipe at the other end.  From a ring to a socket or a file it takes a
 * pipe between two splices.
 */
TEST_F(splice, sendfile_ring_to_socket_is_refused)
{
	int file = memfd_create("file", MFD_CLOEXEC);
	int fds[2];

	ASSERT_LE(0, file);
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	produce(_metadata, &self->pair, 10);
	EXPECT_EQ(-1, sendfile(fds[0], self->pair.consumer, NULL, 10));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, sendfile(file, self->pair.consumer, NULL, 10));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(10, available(&self->pair));

	EXPECT_EQ(10, splice(self->pair.consumer, NULL, self->pipe[1], NULL, 10,
			     0));
	EXPECT_EQ(10, splice(self->pipe[0], NULL, fds[0], NULL, 10, 0));
	EXPECT_EQ(10, recv(fds[1], self->buf, 100, 0));
	EXPECT_EQ(10, stream_match(self->buf, 0ULL - 100, 10));
	close(fds[0]);
	close(fds[1]);
	close(file);
}

/*
 * vmsplice lends the consumer's own view: no copy, at the caller's risk.  The
 * pages stay good for as long as the pipe has them, the ring's end included.
 */
TEST_F(splice, vmsplice_outlives_the_ring)
{
	struct iovec v[2];

	produce(_metadata, &self->pair, CAPACITY);
	ASSERT_EQ(CAPACITY, stream_spans(&self->pair.c, SHMRING_ROLE_CONSUMER,
					 v));
	ASSERT_EQ(CAPACITY, vmsplice(self->pipe[1], v, 2, 0));
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
	EXPECT_EQ(CAPACITY, read(self->pipe[0], self->buf, sizeof(self->buf)));
	EXPECT_EQ(CAPACITY, stream_match(self->buf, 0ULL - 100, CAPACITY));
}

TEST_HARNESS_MAIN
