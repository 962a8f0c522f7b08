// SPDX-License-Identifier: GPL-2.0-only
/*
 * A file joined to two rings, over sockets, TCP, a pty and pipes
 *
 *	both directions at once, to their ends	both_directions_at_once
 *	an echo behind it, order and counts	bridged_echo
 *	back-pressure				a_full_ring_stops_the_file
 *	one direction ends, the other goes on	half_close, nobody_reads_the_ring
 *	the file goes at any instant		the_file_closes_at_random
 *	no more than the budget in a pass	fairness
 *	a bridge without one is found unfair	fairness_sees_a_missing_budget
 *	a ring's other end lies			corrupt_*
 *	a budget that ends in a second span	budget_across_the_wrap
 *	cancelled, interrupted, refused		cancelled, interrupted, refused
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <shmring_bridge.h>

#include "join.h"

FIXTURE(bridge)
{
	struct join j;
	struct shmring_bridge *b;
	struct shmring_bridge_stats stats;
};

FIXTURE_VARIANT(bridge)
{
	uint32_t backend;
	uint32_t capacity;
	enum join_file file;
};

#define BRIDGE_VARIANT(on, kind, bytes)					\
	FIXTURE_VARIANT_ADD(bridge, on##_##kind##_##bytes) {		\
		.backend = SHMRING_BACKEND_##on,			\
		.capacity = (bytes),					\
		.file = JOIN_##kind,					\
	}
#define BRIDGE_VARIANTS(on)						\
	BRIDGE_VARIANT(on, SOCKET, 64);					\
	BRIDGE_VARIANT(on, SOCKET, 65536);				\
	BRIDGE_VARIANT(on, TCP, 65536);					\
	BRIDGE_VARIANT(on, PTY, 4096);					\
	BRIDGE_VARIANT(on, PIPES, 512);					\
	BRIDGE_VARIANT(on, PIPES, 65536)
BRIDGE_VARIANTS(MEMORY);
BRIDGE_VARIANTS(DEVICE);

FIXTURE_SETUP(bridge)
{
	RING_SKIP_IF_MISSING(variant->backend);
	signal(SIGPIPE, SIG_IGN);
	ASSERT_EQ(0, join_open(&self->j, variant->file, variant->backend,
			       variant->capacity));
	self->b = shmring_bridge_new(self->j.fd[0], self->j.fd[1],
				     self->j.up.out, self->j.down.in, NULL);
	ASSERT_NE(NULL, self->b);
}

FIXTURE_TEARDOWN(bridge)
{
	if (!self->b)
		return;
	shmring_bridge_free(self->b);
	join_close(&self->j);
}

struct runner {
	struct shmring_bridge *b;
	int rc;
	pthread_t thread;
};

static void *run(void *arg)
{
	struct runner *r = arg;

	r->rc = shmring_bridge_run(r->b, -1, ms(SOON_MS));
	return NULL;
}

/*
 * Where there is a device we are emulated, and slow; small rings are so
 * everywhere.
 */
static uint64_t amount(uint32_t capacity)
{
	uint64_t n = backend_missing(SHMRING_BACKEND_DEVICE) ? 2 * MIB : 32 * KIB;

	if (capacity < 4096)
		n = n < 64 * KIB ? n : 64 * KIB;
	return getenv("SHMRING_TEST_LONG") ? 8 * n : n;
}

TEST_F(bridge, both_directions_at_once)
{
	struct mover m[4] = {};
	void *(*const work[4])(void *) = {
		file_writer, ring_reader, ring_writer, file_reader,
	};
	struct runner r = { .b = self->b };
	int i;

	RING_NEEDED(self->b);
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run, &r));
	for (i = 0; i < 4; i++) {
		m[i].j = &self->j;
		m[i].seed = 1000 + i;
		m[i].total = amount(variant->capacity);
		ASSERT_EQ(0, pthread_create(&m[i].thread, NULL, work[i], &m[i]));
	}
	ASSERT_EQ(0, pthread_join(m[0].thread, NULL));
	ASSERT_EQ(0, pthread_join(m[2].thread, NULL));
	ASSERT_EQ(0, pthread_join(m[3].thread, NULL));
	if (variant->file == JOIN_PTY) {
		/* Closing throws away what the master has not read yet. */
		for (i = 0; i < SOON_MS &&
		     __atomic_load_n(&m[1].pos, __ATOMIC_RELAXED) < m[0].total; i++)
			usleep(1000);
		join_peer_close(&self->j);
	}
	ASSERT_EQ(0, pthread_join(m[1].thread, NULL));
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(0, r.rc);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, m[i].rc);
		EXPECT_FALSE(m[i].wrong);
		EXPECT_EQ(m[i].total, m[i].pos);
	}
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_EQ(m[0].total, self->stats.from.bytes);
	EXPECT_EQ(m[0].total, self->stats.to.bytes);
	EXPECT_GE(SHMRING_BRIDGE_BUDGET, self->stats.from.most);
	EXPECT_GE(SHMRING_BRIDGE_BUDGET, self->stats.to.most);
	EXPECT_NE(0, self->stats.from.ended);
	EXPECT_NE(0, self->stats.to.ended);
	EXPECT_EQ(-EPIPE, shmring_bridge_pass(self->b));
}

/* From one ring's spans into the other's, until the end of the first. */
static void *echo(void *arg)
{
	struct join *j = arg;
	struct iovec v[2];
	ssize_t n;

	for (;;) {
		if (!shmring_read_acquire(j->up.in, v)) {
			if (shmring_wait_readable(j->up.in, 1, ms(SOON_MS)))
				break;
			continue;
		}
		n = shmring_write_all(j->down.out, v[0].iov_base, v[0].iov_len,
				      ms(SOON_MS));
		if (n <= 0 || shmring_read_release(j->up.in, n))
			break;
	}
	shmring_free(j->down.out);
	j->down.out = NULL;
	return NULL;
}

TEST_F(bridge, bridged_echo)
{
	struct mover w = { .j = &self->j, .seed = 7 }, back;
	struct runner r = { .b = self->b };
	pthread_t thread;

	RING_NEEDED(self->b);
	w.total = amount(variant->capacity) / 2;
	back = w;
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run, &r));
	ASSERT_EQ(0, pthread_create(&thread, NULL, echo, &self->j));
	ASSERT_EQ(0, pthread_create(&w.thread, NULL, file_writer, &w));
	file_reader(&back);
	ASSERT_EQ(0, pthread_join(w.thread, NULL));
	if (variant->file == JOIN_PTY)
		join_peer_close(&self->j);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(0, w.rc);
	EXPECT_EQ(0, back.rc);
	EXPECT_EQ(w.total, w.pos);
	EXPECT_EQ(w.total, back.pos);
	EXPECT_FALSE(back.wrong);
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_EQ(w.total, self->stats.from.bytes);
	EXPECT_EQ(w.total, self->stats.to.bytes);
}

/* Passes until there is nothing to do; how many; negative: they do not end. */
static int passes(struct shmring_bridge *b)
{
	int i, rc;

	for (i = 1; i < 100000; i++) {
		rc = shmring_bridge_pass(b);
		if (rc <= 0)
			return i;
	}
	return -1;
}

/* As much as the file takes. */
static uint64_t fill_file(struct join *j, uint64_t pos, uint64_t limit)
{
	unsigned char buf[1024];
	uint64_t done = 0;
	ssize_t n;

	fcntl(j->peer[1], F_SETFL, fcntl(j->peer[1], F_GETFL) | O_NONBLOCK);
	while (done < limit) {
		n = limit - done < sizeof(buf) ? limit - done : sizeof(buf);
		pattern_fill(buf, pos + done, n);
		n = write(j->peer[1], buf, n);
		if (n <= 0)
			break;
		done += n;
	}
	return done;
}

TEST_F(bridge, a_full_ring_stops_the_file)
{
	struct pollfd event;
	uint64_t sent, got = 0;
	unsigned char buf[1024];
	int idle = 0;
	ssize_t n;

	RING_NEEDED(self->b);
	sent = fill_file(&self->j, 0, 4 * variant->capacity);
	ASSERT_LT(0, sent);
	/* TCP and ptys take their time to hand over. */
	event = (struct pollfd){ shmring_bridge_fd(self->b), POLLIN, 0 };
	do {
		ASSERT_LT(0, passes(self->b));
	} while (poll(&event, 1, 20) > 0);
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_GE(variant->capacity, self->stats.from.bytes);
	EXPECT_EQ(self->stats.from.bytes, shmring_available(self->j.up.in));
	/* All that was sent comes, with a wake-up for each space that is made. */
	while (got < sent && idle < SOON_MS / 10) {
		n = shmring_try_read_into(self->j.up.in, buf, sizeof(buf));
		ASSERT_EQ(n, pattern_check(buf, got, n));
		got += n;
		idle = n ? 0 : idle + 1;
		if (poll(&event, 1, n ? 0 : 10) > 0)
			ASSERT_LT(0, passes(self->b));
	}
	EXPECT_EQ(sent, got);
}

TEST_F(bridge, half_close)
{
	struct runner r = { .b = self->b };
	char byte;

	RING_NEEDED(self->b);
	if (variant->file == JOIN_PTY)
		return;
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run, &r));
	join_peer_end(&self->j);
	EXPECT_EQ(0, shmring_read_some(self->j.up.in, &byte, 1, ms(SOON_MS)));
	/* Nothing comes any more, but what we write still goes. */
	ASSERT_EQ(1, shmring_write_all(self->j.down.out, "x", 1, ms(SOON_MS)));
	EXPECT_EQ(1, read(self->j.peer[0], &byte, 1));
	shmring_free(self->j.down.out);
	self->j.down.out = NULL;
	EXPECT_EQ(0, read(self->j.peer[0], &byte, 1));
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(0, r.rc);
}

TEST_F(bridge, nobody_reads_the_ring)
{
	struct runner r = { .b = self->b };
	char byte;

	RING_NEEDED(self->b);
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run, &r));
	/* While the bridge waits for the file. */
	usleep(5000);
	shmring_free(self->j.up.in);
	self->j.up.in = NULL;
	ASSERT_EQ(1, shmring_write_all(self->j.down.out, "x", 1, ms(SOON_MS)));
	EXPECT_EQ(1, read(self->j.peer[0], &byte, 1));
	shmring_free(self->j.down.out);
	self->j.down.out = NULL;
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(-EPIPE, r.rc);
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_EQ(-EPIPE, self->stats.from.error);
	EXPECT_EQ(0, self->stats.to.error);
	if (variant->file == JOIN_PIPES)
		EXPECT_EQ(-1, write(self->j.peer[1], "x", 1));
}

TEST_F(bridge, the_file_closes_at_random)
{
	struct mover in = { .j = &self->j, .seed = 1 };
	struct mover out = { .j = &self->j, .seed = 2, .total = 1 << 30 };
	struct runner r = { .b = self->b };
	uint64_t random = 88172645463325252ULL + variant->capacity, sent;
	unsigned char buf[512];
	ssize_t n;
	int i, rounds;

	RING_NEEDED(self->b);
	rounds = random_next(&random) % 50;
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run, &r));
	ASSERT_EQ(0, pthread_create(&in.thread, NULL, ring_reader, &in));
	ASSERT_EQ(0, pthread_create(&out.thread, NULL, ring_writer, &out));
	sent = 0;
	for (i = 0; i < rounds; i++) {
		n = 1 + random_next(&random) % sizeof(buf);
		pattern_fill(buf, sent, n);
		n = write(self->j.peer[1], buf, n);
		ASSERT_LT(0, n);
		sent += n;
		ASSERT_LT(0, read(self->j.peer[0], buf, sizeof(buf)));
	}
	join_peer_close(&self->j);
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	ASSERT_EQ(0, pthread_join(in.thread, NULL));
	ASSERT_EQ(0, pthread_join(out.thread, NULL));
	EXPECT_TRUE(r.rc == -EPIPE || r.rc == -ECONNRESET || r.rc == -EIO);
	EXPECT_EQ(-EPIPE, out.rc);
	EXPECT_EQ(0, in.rc);
	EXPECT_FALSE(in.wrong);
	EXPECT_GE(sent, in.pos);
	/* These keep what had been written before they were closed. */
	if (variant->file == JOIN_PIPES)
		EXPECT_EQ(sent, in.pos);
}

TEST_F(bridge, cancelled)
{
	static const struct timespec bad = { .tv_nsec = -1 };
	int fd = eventfd(1, EFD_CLOEXEC);
	char byte;

	RING_NEEDED(self->b);
	EXPECT_EQ(-ECANCELED, shmring_bridge_run(self->b, fd, NULL));
	ASSERT_EQ(1, shmring_write_all(self->j.down.out, "x", 1, NULL));
	EXPECT_EQ(-ECANCELED, shmring_bridge_run(self->b, fd, NULL));
	/* It had its pass. */
	EXPECT_EQ(1, read(self->j.peer[0], &byte, 1));
	close(fd);
	EXPECT_EQ(-ETIMEDOUT, shmring_bridge_run(self->b, -1, ms(5)));
	EXPECT_EQ(-ETIMEDOUT, shmring_bridge_run(self->b, -1, ms(0)));
	EXPECT_EQ(-EBADF, shmring_bridge_run(self->b, 9999, ms(5)));
	EXPECT_EQ(-EINVAL, shmring_bridge_run(self->b, -1, &bad));
}

static void nothing(int number)
{
	(void)number;
}

TEST_F(bridge, interrupted)
{
	const struct sigaction action = { .sa_handler = nothing };
	struct runner r = { .b = self->b, .rc = 1 };
	int i;

	RING_NEEDED(self->b);
#ifdef __SANITIZE_THREAD__
	/* It holds signals back, and starts the system call anew */
	SKIP(return, "not under ThreadSanitizer");
#endif
	ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
	ASSERT_EQ(0, pthread_create(&r.thread, NULL, run, &r));
	for (i = 0; i < SOON_MS && __atomic_load_n(&r.rc, __ATOMIC_ACQUIRE) == 1; i++) {
		pthread_kill(r.thread, SIGUSR1);
		usleep(1000);
	}
	ASSERT_EQ(0, pthread_join(r.thread, NULL));
	EXPECT_EQ(-EINTR, r.rc);
	/* It can be called again. */
	ASSERT_EQ(1, shmring_write_all(self->j.down.out, "x", 1, NULL));
	EXPECT_EQ(-ETIMEDOUT, shmring_bridge_run(self->b, -1, ms(1)));
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_EQ(1, self->stats.to.bytes);
}

/* An impossible position ends its direction, says why, and ends no other. */
TEST_F(bridge, corrupt_down)
{
	RING_NEEDED(self->b);
	__atomic_store_n((shmring_word *)self->j.down.out->wr, 1ULL << 40, __ATOMIC_RELEASE);
	ASSERT_EQ(3, write(self->j.peer[1], "abc", 3));
	EXPECT_EQ(-ETIMEDOUT, shmring_bridge_run(self->b, -1, ms(20)));
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_NE(0, self->stats.to.ended);
	EXPECT_EQ(-EBADMSG, self->stats.to.error);
	EXPECT_EQ(0, self->stats.to.bytes);
	EXPECT_EQ(0, self->stats.from.ended);
	EXPECT_EQ(3, self->stats.from.bytes);
	/* A pty has no end. */
	if (variant->file == JOIN_PTY)
		return;
	join_peer_end(&self->j);
	EXPECT_EQ(-EBADMSG, shmring_bridge_run(self->b, -1, ms(SOON_MS)));
}

TEST_F(bridge, corrupt_up)
{
	char byte;

	RING_NEEDED(self->b);
	/* Looked at when what was known to be free is full. */
	__atomic_store_n((shmring_word *)self->j.up.in->rd, 1ULL << 40, __ATOMIC_RELEASE);
	ASSERT_LE(variant->capacity < 1024 ? variant->capacity : 1024,
		  fill_file(&self->j, 0, variant->capacity + 1));
	ASSERT_EQ(1, shmring_write_all(self->j.down.out, "x", 1, NULL));
	shmring_bridge_run(self->b, -1, ms(20));
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_EQ(1, self->stats.to.bytes);
	EXPECT_EQ(0, self->stats.to.ended);
	EXPECT_EQ(1, read(self->j.peer[0], &byte, 1));
	EXPECT_GE(variant->capacity, self->stats.from.bytes);
	if (self->stats.from.ended)
		EXPECT_EQ(-EBADMSG, self->stats.from.error);
	if (variant->capacity == 64)
		EXPECT_NE(0, self->stats.from.ended);
}

TEST_F(bridge, nobody_reads_the_file)
{
	RING_NEEDED(self->b);
	if (variant->file != JOIN_PIPES)
		return;
	ASSERT_EQ(0, close(self->j.peer[0]));
	self->j.peer[0] = -1;
	ASSERT_EQ(1, shmring_write_all(self->j.down.out, "x", 1, NULL));
	EXPECT_EQ(-ETIMEDOUT, shmring_bridge_run(self->b, -1, ms(5)));
	shmring_bridge_stats(self->b, &self->stats);
	EXPECT_NE(0, self->stats.to.ended);
	EXPECT_EQ(-EPIPE, self->stats.to.error);
	EXPECT_EQ(0, self->stats.from.ended);
}

/* A budget that ends within the second span. */
TEST(budget_across_the_wrap)
{
	const struct shmring_bridge_options options = { .budget = 20 };
	struct shmring_bridge_stats stats;
	unsigned char buf[64];
	struct shmring_bridge *b;
	struct join j;

	ASSERT_EQ(0, join_open(&j, JOIN_SOCKET, SHMRING_BACKEND_MEMORY, 64));
	pattern_fill(buf, 0, 48);
	ASSERT_EQ(48, shmring_try_write_from(j.down.out, buf, 48));
	ASSERT_EQ(48, shmring_try_read_into(j.down.in, buf, 48));
	pattern_fill(buf, 48, 40);
	ASSERT_EQ(40, shmring_try_write_from(j.down.out, buf, 40));
	b = shmring_bridge_new(j.fd[0], j.fd[1], j.up.out, j.down.in, &options);
	ASSERT_NE(NULL, b);
	EXPECT_LE(0, shmring_bridge_pass(b));
	shmring_bridge_stats(b, &stats);
	EXPECT_EQ(20, stats.to.bytes);
	ASSERT_EQ(20, read(j.peer[0], buf, sizeof(buf)));
	EXPECT_EQ(20, pattern_check(buf, 48, 20));
	EXPECT_LE(0, shmring_bridge_pass(b));
	ASSERT_EQ(20, read(j.peer[0], buf, sizeof(buf)));
	EXPECT_EQ(20, pattern_check(buf, 68, 20));
	shmring_bridge_free(b);
	join_close(&j);
}

/*
 * One direction is fed as much as it takes, before each pass; a byte at a time
 * goes the other way.  How many bytes of the flood one pass has moved at most;
 * UINT64_MAX: the byte did not get through.
 */
static uint64_t flood(uint32_t backend, uint32_t budget)
{
	const struct shmring_bridge_options options = { .budget = budget };
	struct shmring_bridge_stats before, after;
	uint64_t pos = 0, most = 0, now;
	static unsigned char buf[MIB];
	struct shmring_bridge *b;
	struct join j;
	int i;

	if (join_open(&j, JOIN_SOCKET, backend, MIB))
		return UINT64_MAX;
	b = shmring_bridge_new(j.fd[0], j.fd[1], j.up.out, j.down.in, &options);
	if (!b)
		return UINT64_MAX;
	for (i = 0; i < 20 && most != UINT64_MAX; i++) {
		pos += fill_file(&j, pos, 256 * KIB);
		shmring_try_write_from(j.down.out, "x", 1);
		shmring_bridge_stats(b, &before);
		shmring_bridge_pass(b);
		shmring_bridge_stats(b, &after);
		now = after.from.bytes - before.from.bytes;
		if (now > most)
			most = now;
		if (after.to.bytes == before.to.bytes)
			most = UINT64_MAX;
		shmring_try_read_into(j.up.in, buf, sizeof(buf));
	}
	shmring_bridge_free(b);
	join_close(&j);
	return most;
}

TEST(fairness)
{
	EXPECT_EQ(4096, flood(SHMRING_BACKEND_MEMORY, 4096));
	EXPECT_EQ(1, flood(SHMRING_BACKEND_MEMORY, 1));
	if (!backend_missing(SHMRING_BACKEND_DEVICE))
		EXPECT_EQ(4096, flood(SHMRING_BACKEND_DEVICE, 4096));
}

TEST(fairness_sees_a_missing_budget)
{
	EXPECT_LT(4096, flood(SHMRING_BACKEND_MEMORY, UINT32_MAX));
}

TEST(refused)
{
	struct shmring_bridge_options options = { .reserved = { 1 } };
	struct shmring *both = ring_both(SHMRING_BACKEND_MEMORY, 64, 0);
	int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct join j;

	ASSERT_EQ(0, join_open(&j, JOIN_SOCKET, SHMRING_BACKEND_MEMORY, 64));
	EXPECT_EQ(NULL, shmring_bridge_new(j.fd[0], j.fd[1], j.up.out, j.down.in, &options));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(NULL, shmring_bridge_new(j.fd[0], j.fd[1], j.up.in, j.down.in, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(NULL, shmring_bridge_new(j.fd[0], j.fd[1], j.up.out, both, NULL));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(NULL, shmring_bridge_new(file, j.fd[1], j.up.out, j.down.in, NULL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(NULL, shmring_bridge_new(9999, j.fd[1], j.up.out, j.down.in, NULL));
	EXPECT_EQ(EBADF, errno);
	EXPECT_EQ(NULL, shmring_bridge_new(j.fd[0], file, j.up.out, j.down.in, NULL));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(NULL, shmring_bridge_new(j.fd[0], 9999, j.up.out, j.down.in, NULL));
	EXPECT_EQ(EBADF, errno);
	shmring_bridge_free(NULL);
	/* All is still ours, and as it was. */
	EXPECT_FALSE(fcntl(j.fd[0], F_GETFL) & O_NONBLOCK);
	EXPECT_FALSE(fcntl(file, F_GETFL) & O_NONBLOCK);
	shmring_free(j.up.out);
	shmring_free(j.down.in);
	close(j.fd[0]);
	join_close(&j);
	shmring_free(both);
	close(file);
}

TEST_HARNESS_MAIN
