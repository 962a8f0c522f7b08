// SPDX-License-Identifier: GPL-2.0-only
/*
 * Producers that lie, and producers that die
 *
 *	a length that cannot be			impossible_prefix
 *	any bytes at all			random_bytes
 *	a length that changes			changing_prefix
 *	a message that comes and goes		taken_back
 *	half a message, and then nothing	half_a_message
 *	killed					killed_in_the_midst, killed_anywhere
 *
 * That these would notice is shown by a consumer who trusts the prefix:
 * the_credulous_consumer.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <shmring_message.h>

#include "../ring/ring.h"

FIXTURE(hostile)
{
	struct ends e;
	struct shmring *in, *out;
};

FIXTURE_VARIANT(hostile) RING_VARIANT;
#define VARIANTS(on)							\
	RING_VARIANT_ADD(hostile, on, 8, 8);				\
	RING_VARIANT_ADD(hostile, on, 64, 64);				\
	RING_VARIANT_ADD(hostile, on, 2048, 2048);			\
	RING_VARIANT_ADD(hostile, on, 4096, 4096);			\
	RING_VARIANT_ADD(hostile, on, 64KiB, 64 * KIB)
VARIANTS(MEMORY);
VARIANTS(DEVICE);

FIXTURE_SETUP(hostile)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->in = self->e.in;
	self->out = self->e.out;
}

FIXTURE_TEARDOWN(hostile)
{
	ends_close(&self->e);
}

static bool reopen(struct ends *e, uint32_t backend, uint32_t capacity,
		   uint64_t start)
{
	ends_close(e);
	return !ends_open(e, backend, capacity, start);
}

TEST_F(hostile, impossible_prefix)
{
	uint64_t max = variant->capacity - 8;
	const uint64_t lengths[] = {
		max + 1, max + 7, max + 8, max + 9, 2 * max + 16,
		(1ULL << 30) + 1, (1ULL << 31) - 1, 1ULL << 31,
		(1ULL << 32) - 8, (1ULL << 32) - 1, 1ULL << 32, (1ULL << 32) + 1,
		(1ULL << 32) + max, (1ULL << 63) - 1, 1ULL << 63,
		0ULL - 16, 0ULL - 9, 0ULL - 8, 0ULL - 7, 0ULL - 1,
	};
	unsigned char buf[64];
	struct shmring *in;
	const void *at;
	struct iovec v[2];
	unsigned int i;

	RING_NEEDED(self->in);
	for (i = 0; i < 5 * sizeof(lengths) / sizeof(*lengths); i++) {
		ASSERT_TRUE(reopen(&self->e, variant->backend,
				   variant->capacity, 8 * i));
		in = self->e.in;
		ASSERT_EQ(8, shmring_try_write_from(self->e.out, &lengths[i / 5], 8));
		/* Whichever verb sees it first */
		switch (i % 5) {
		case 0:
			EXPECT_EQ(-EBADMSG, shmring_message_length(in));
			break;
		case 1:
			EXPECT_EQ(-EBADMSG, shmring_message_peek(in, &at));
			break;
		case 2:
			EXPECT_EQ(-EBADMSG, shmring_message_try_receive(in, buf, SIZE_MAX));
			break;
		case 3:
			EXPECT_EQ(-EBADMSG, shmring_message_wait(in, NULL));
			break;
		case 4:
			EXPECT_EQ(-EBADMSG, shmring_message_receive(in, buf, SIZE_MAX, NULL));
			break;
		}
		/* For good, and for all verbs, whatever comes. */
		shmring_try_write_from(self->e.out, "\0\0\0\0\0\0\0\0", 8);
		EXPECT_EQ(-EBADMSG, shmring_message_length(in));
		EXPECT_EQ(-EBADMSG, shmring_message_peek(in, &at));
		EXPECT_EQ(-EBADMSG, shmring_message_release(in));
		EXPECT_EQ(-EBADMSG, shmring_message_receive(in, buf, 64, NULL));
		EXPECT_EQ(0, shmring_read_acquire(in, v));
		EXPECT_EQ(-EBADMSG, shmring_read_release(in, 1));
		EXPECT_EQ(-EBADMSG, shmring_status(in));
	}
}

/* Bytes that end where nothing more can be touched. */
struct guarded {
	unsigned char *map;
	unsigned char *end;
};

static bool guarded_open(struct guarded *g)
{
	size_t page = getpagesize();

	g->map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (g->map == MAP_FAILED)
		return false;
	g->end = g->map + page;
	return !mprotect(g->end, page, PROT_NONE);
}

static void guarded_close(struct guarded *g)
{
	munmap(g->map, 2 * getpagesize());
}

/*
 * Receive until nothing comes any more, into a buffer that ends at a guard
 * page, and see that no more is taken than was there.  0: all is well.
 */
static int receive_all(struct shmring *in, const struct guarded *g, size_t size,
		       ssize_t (*receive)(struct shmring *, void *, size_t))
{
	uint32_t before;
	ssize_t n;
	int i;

	for (i = 0; i < 100000; i++) {
		before = shmring_available(in);
		n = receive(in, g->end - size, size);
		if (n == -EBADMSG || n == -EAGAIN)
			return 0;
		if (n == -EMSGSIZE) {
			n = shmring_message_length(in);
			if (n <= (ssize_t)size || n + 8 > before)
				return 1;
			return 0;
		}
		if (n < 0 || n + 8 > before || n > (ssize_t)size ||
		    shmring_available(in) >= before)
			return 2;
	}
	return 3;
}

TEST_F(hostile, random_bytes)
{
	uint64_t random = 88172645463325252ULL, word;
	unsigned int round, rounds, i, good = 0;
	struct guarded g;
	const uint32_t cap = variant->capacity;

	RING_NEEDED(self->in);
	ASSERT_TRUE(guarded_open(&g));
	/* Where there is a device we are emulated, and slow. */
	rounds = backend_missing(SHMRING_BACKEND_DEVICE) ? 200 : 40;
	if (getenv("SHMRING_TEST_LONG"))
		rounds *= 10;
	for (round = 0; round < rounds; round++) {
		ASSERT_TRUE(reopen(&self->e, variant->backend, cap,
				   random_next(&random) % 512 * 8));
		for (i = 0; i < (cap < 4096 ? cap : 4096); i += 8) {
			word = random_next(&random);
			/* Few bits are more often a length. */
			word >>= random_next(&random) % 64;
			if (random_next(&random) % 2)
				word %= 64;
			shmring_try_write_from(self->e.out, &word, 8);
		}
		good += shmring_message_length(self->e.in) >= 0;
		ASSERT_EQ(0, receive_all(self->e.in, &g, random_next(&random) % 128,
					 shmring_message_try_receive));
	}
	/* That a few were well-formed, where more than the empty one can be */
	if (cap > 8)
		EXPECT_LT(0, good);
	guarded_close(&g);
}

struct changer {
	uint64_t *prefix;
	shmring_word *position;
	int stop;
};

/* The prefix of a message that is there, and others' in its place */
static void *change(void *arg)
{
	static const uint64_t values[] = { 16, 1ULL << 40, 0, ~0ULL, 24, 8 };
	struct changer *c = arg;
	unsigned int i = 0;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED))
		__atomic_store_n(c->prefix, values[i++ % 6], __ATOMIC_RELAXED);
	return NULL;
}

TEST_F(hostile, changing_prefix)
{
	unsigned int seen[3] = {}, i;
	struct changer c = {};
	struct iovec v[2];
	struct guarded g;
	pthread_t thread;
	uint64_t first = 16;
	int64_t end;
	ssize_t n;

	RING_NEEDED(self->in);
	if (variant->capacity < 64)
		return;
	ASSERT_TRUE(guarded_open(&g));
	end = now_ns() + 100000000;
	for (i = 0; i < 2000 && now_ns() < end; i++) {
		if (!(i % 20)) {
			ASSERT_TRUE(reopen(&self->e, variant->backend,
					   variant->capacity, 0));
		}
		if (self->e.in->consumer.role.error) {
			i += 20 - i % 20 - 1;
			continue;
		}
		ASSERT_LE(32, shmring_write_acquire(self->e.out, v));
		if (v[0].iov_len < 32)
			break;
		memset(v[0].iov_base, 0, 32);
		memcpy(v[0].iov_base, &first, 8);
		c.prefix = v[0].iov_base;
		c.stop = 0;
		ASSERT_EQ(0, shmring_write_commit(self->e.out, 32));
		ASSERT_EQ(0, pthread_create(&thread, NULL, change, &c));
		n = shmring_message_try_receive(self->e.in, g.end - 16, 16);
		__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
		ASSERT_EQ(0, pthread_join(thread, NULL));
		seen[n >= 0 ? 0 : n == -EMSGSIZE ? 1 : 2]++;
		if (n >= 0) {
			ASSERT_EQ(32 - 8 - (n + 7) / 8 * 8,
				  shmring_available(self->e.in));
		} else {
			ASSERT_TRUE(n == -EBADMSG || n == -EMSGSIZE);
		}
		while (shmring_try_read_into(self->e.in, g.map, 1))
			;
	}
	guarded_close(&g);
	EXPECT_LT(0, seen[0] + seen[1] + seen[2]);
}

/* The position of a producer that has committed a message, and has not */
static void *take_back(void *arg)
{
	struct changer *c = arg;
	uint64_t pos = *c->position;

	while (!__atomic_load_n(&c->stop, __ATOMIC_RELAXED)) {
		__atomic_store_n(c->position, pos + 24, __ATOMIC_RELEASE);
		__atomic_store_n(c->position, pos, __ATOMIC_RELEASE);
	}
	return NULL;
}

/* A wait that has found the message gone holds nobody until it comes again. */
TEST_F(hostile, taken_back)
{
	int64_t end = now_ns() + 10000000000;
	struct changer c = {};
	uint64_t length = 16;
	struct iovec v[2];
	pthread_t thread;
	int err;

	RING_NEEDED(self->in);
	if (variant->capacity < 64)
		return;
	ASSERT_LE(24, shmring_write_acquire(self->out, v));
	memcpy(v[0].iov_base, &length, 8);
	c.position = self->out->producer.role.end.own;
	ASSERT_EQ(0, pthread_create(&thread, NULL, take_back, &c));
	do {
		err = shmring_message_wait(self->in, ms(1));
	} while ((!err || err == -ETIMEDOUT) && now_ns() < end);
	__atomic_store_n(&c.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	/* Two threads on one CPU hardly ever meet like that */
	if (!err || err == -ETIMEDOUT)
		SKIP(return, "never gone in the midst of a wait");
	EXPECT_EQ(-EBADMSG, err);
	EXPECT_EQ(-EBADMSG, shmring_message_wait(self->in, ms(1)));
}

/* Trusts: the length is what it is when the payload is copied. */
static ssize_t credulous(struct shmring *in, void *buf, size_t n)
{
	struct iovec v[2];
	uint64_t length;

	(void)n;
	if (shmring_read_acquire(in, v) < 8)
		return -EAGAIN;
	memcpy(&length, v[0].iov_base, 8);
	memcpy(buf, (char *)v[0].iov_base + 8, length);
	shmring_read_release(in, SHMRING_MESSAGE_SIZE(length));
	return length;
}

static int in_a_child(struct ends *e, const struct guarded *g,
		      ssize_t (*receive)(struct shmring *, void *, size_t))
{
	int status;
	pid_t pid;

	/* A sanitizer's report is expected, and of no interest. */
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(STDERR_FILENO);
		/* On the device a child has no mapping of its parent's ring. */
		_exit(receive_all(e->in, g, 64, receive));
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return status;
}

TEST_F(hostile, the_credulous_consumer)
{
	uint64_t length = 1024, zero = 0;
	struct guarded g;

	RING_NEEDED(self->in);
	if (variant->backend != SHMRING_BACKEND_MEMORY ||
	    variant->capacity < 4096)
		return;
	ASSERT_TRUE(guarded_open(&g));
	ASSERT_EQ(8, shmring_try_write_from(self->out, &zero, 8));
	ASSERT_EQ(8, shmring_try_write_from(self->out, &length, 8));
	ASSERT_EQ(8, shmring_try_write_from(self->out, &zero, 8));
	/* The sound one first: what the other one did cannot be told. */
	EXPECT_EQ(0, in_a_child(&self->e, &g, shmring_message_try_receive));
	ASSERT_TRUE(reopen(&self->e, variant->backend, variant->capacity, 0));
	ASSERT_EQ(8, shmring_try_write_from(self->e.out, &zero, 8));
	ASSERT_EQ(8, shmring_try_write_from(self->e.out, &length, 8));
	ASSERT_EQ(8, shmring_try_write_from(self->e.out, &zero, 8));
	EXPECT_NE(0, in_a_child(&self->e, &g, credulous));
	guarded_close(&g);
}

/* How much of a record of 32 bytes comes before the producer goes */
TEST_F(hostile, half_a_message)
{
	unsigned char record[32] = {}, buf[64];
	const uint64_t length = 24;
	const void *at;
	unsigned int n;

	RING_NEEDED(self->in);
	if (variant->capacity < 64)
		return;
	memcpy(record, &length, 8);
	for (n = 0; n <= sizeof(record); n++) {
		ASSERT_TRUE(reopen(&self->e, variant->backend,
				   variant->capacity, 8 * n));
		self->in = self->e.in;
		ASSERT_EQ(0, shmring_message_try_send(self->e.out, "hello", 5));
		ASSERT_EQ(n, shmring_try_write_from(self->e.out, record, n));
		ASSERT_EQ(5, shmring_message_receive(self->in, buf, 64, NULL));
		if (n < sizeof(record)) {
			EXPECT_EQ(-EAGAIN, shmring_message_length(self->in));
			EXPECT_EQ(-ETIMEDOUT, shmring_message_wait(self->in, ms(0)));
			EXPECT_EQ(-ETIMEDOUT, shmring_message_receive(self->in, buf, 64, ms(1)));
		}
		shmring_free(self->e.out);
		self->e.out = NULL;
		if (n == 0) {
			EXPECT_EQ(-EPIPE, shmring_message_wait(self->in, NULL));
			EXPECT_EQ(-EPIPE, shmring_message_length(self->in));
		} else if (n < sizeof(record)) {
			if (n % 2) {
				EXPECT_EQ(-EBADMSG,
					  shmring_message_wait(self->in, NULL));
			}
			EXPECT_EQ(-EBADMSG, shmring_message_peek(self->in, &at));
			EXPECT_EQ(-EBADMSG, shmring_message_receive(self->in, buf, 64, NULL));
		} else {
			EXPECT_EQ(24, shmring_message_receive(self->in, buf, 64, NULL));
			EXPECT_EQ(-EPIPE, shmring_message_receive(self->in, buf, 64, NULL));
		}
	}
}

/* Messages of 0, 1, 2 ... bytes until it is killed; then perhaps half of one. */
static void send_until_killed(struct shmring *r, int whole, bool half)
{
	struct shmring *out = shmring_join(r, SHMRING_ROLE_PRODUCER);
	static unsigned char buf[256];
	const uint64_t length = 40;
	int i;

	if (!out)
		_exit(1);
	for (i = 0; !whole || i < whole; i++) {
		memset(buf, i, sizeof(buf));
		if (shmring_message_send(out, buf, i % 32, NULL))
			_exit(2);
	}
	if (half && (shmring_write_all(out, &length, 8, NULL) != 8 ||
		     shmring_write_all(out, buf, 5, NULL) != 5))
		_exit(3);
	raise(SIGKILL);
}

/* Receives and checks until an error, which it returns; 0: a wrong message. */
static int receive_until_error(struct shmring *in, int *count)
{
	unsigned char buf[256];
	ssize_t n;
	int i;

	for (;; ++*count) {
		n = shmring_message_receive(in, buf, sizeof(buf), ms(10000));
		if (n < 0)
			return n;
		if (n != *count % 32)
			return 0;
		for (i = 0; i < n; i++)
			if (buf[i] != (unsigned char)*count)
				return 0;
	}
}

TEST_F(hostile, killed_in_the_midst)
{
	struct shmring_options options = {
		.backend = variant->backend,
		.roles = SHMRING_ROLE_CONSUMER,
	};
	int count, status, half;
	struct shmring *in;
	pid_t pid;

	RING_NEEDED(self->in);
	/* In memory nobody notices a death. */
	if (variant->backend != SHMRING_BACKEND_DEVICE || variant->capacity < 64)
		return;
	for (half = 0; half < 2; half++) {
		count = 0;
		in = shmring_create(variant->capacity, &options);
		ASSERT_NE(NULL, in);
		pid = fork();
		if (!pid)
			send_until_killed(in, 100, half);
		EXPECT_EQ(half ? -EBADMSG : -EPIPE, receive_until_error(in, &count));
		EXPECT_EQ(100, count);
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_TRUE(WIFSIGNALED(status));
		shmring_free(in);
	}
}

struct killer {
	pid_t pid;
	unsigned int us;
};

static void *kill_later(void *arg)
{
	struct killer *k = arg;

	usleep(k->us);
	kill(k->pid, SIGKILL);
	return NULL;
}

/* Whatever it does when it dies, its messages are whole. */
TEST_F(hostile, killed_anywhere)
{
	struct shmring_options options = {
		.backend = variant->backend,
		.roles = SHMRING_ROLE_CONSUMER,
	};
	uint64_t random = 4711;
	struct killer k;
	pthread_t thread;
	int count, total = 0, i, status;
	struct shmring *in;

	RING_NEEDED(self->in);
	if (variant->backend != SHMRING_BACKEND_DEVICE || variant->capacity < 64)
		return;
	for (i = 0; i < 5; i++) {
		count = 0;
		in = shmring_create(variant->capacity, &options);
		ASSERT_NE(NULL, in);
		k.pid = fork();
		if (!k.pid)
			send_until_killed(in, 0, false);
		k.us = 10000 + random_next(&random) % 20000;
		/* It must have been there, or nobody has gone. */
		ASSERT_EQ(0, shmring_message_wait(in, ms(10000)));
		ASSERT_EQ(0, pthread_create(&thread, NULL, kill_later, &k));
		EXPECT_EQ(-EPIPE, receive_until_error(in, &count));
		ASSERT_EQ(0, pthread_join(thread, NULL));
		ASSERT_EQ(k.pid, waitpid(k.pid, &status, 0));
		total += count;
		shmring_free(in);
	}
	EXPECT_LT(0, total);
}

TEST_HARNESS_MAIN
