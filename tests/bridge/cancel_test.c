// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waits that are called off
 *
 *	read with a cancellation		before, during, after
 *	bad input, no time at all		refused
 *	at any instant, nothing lost		at_random_instants
 *	by a signal handler			by_a_signal_handler
 *	writing					write_all
 *	both ends write into full rings		both_write_into_full_rings
 *	a peer that wakes it in vain		woken_in_vain
 *	a threshold above what is wanted	less_than_the_threshold
 */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../ring/ring.h"

#define SOON_MS	10000

FIXTURE(cancel)
{
	struct ends e;
	struct shmring *in, *out;
	unsigned char *buf;	/* three times the capacity */
	int fd;
};

FIXTURE_VARIANT(cancel) RING_VARIANT;
RING_VARIANT_ADD(cancel, MEMORY, 64, 64);
RING_VARIANT_ADD(cancel, MEMORY, 4096, 4096);
RING_VARIANT_ADD(cancel, DEVICE, 64, 64);
RING_VARIANT_ADD(cancel, DEVICE, 4096, 4096);

FIXTURE_SETUP(cancel)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->in = self->e.in;
	self->out = self->e.out;
	self->buf = malloc(3 * variant->capacity);
	ASSERT_NE(NULL, self->buf);
	self->fd = eventfd(0, EFD_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(cancel)
{
	free(self->buf);
	close(self->fd);
	ends_close(&self->e);
}

static void call_off(int fd)
{
	const uint64_t one = 1;
	ssize_t rc = write(fd, &one, sizeof(one));

	(void)rc;
}

static void allow_again(int fd)
{
	uint64_t sum;
	ssize_t rc = read(fd, &sum, sizeof(sum));

	(void)rc;
}

TEST_F(cancel, before)
{
	RING_NEEDED(self->in);
	call_off(self->fd);
	EXPECT_EQ(-ECANCELED, shmring_wait_readable_unless(self->in, self->fd, NULL));
	EXPECT_EQ(-ECANCELED, shmring_read_some_unless(self->in, self->buf, 1, self->fd, NULL));
	/* It stays; and what is there comes first. */
	ASSERT_EQ(2, shmring_try_write_from(self->out, "ab", 2));
	EXPECT_EQ(0, shmring_wait_readable_unless(self->in, self->fd, NULL));
	EXPECT_EQ(2, shmring_read_some_unless(self->in, self->buf, 9, self->fd, NULL));
	EXPECT_EQ(-ECANCELED, shmring_read_some_unless(self->in, self->buf, 1, self->fd, NULL));
	allow_again(self->fd);
	EXPECT_EQ(-ETIMEDOUT, shmring_read_some_unless(self->in, self->buf, 1, self->fd, ms(1)));
	EXPECT_EQ(-ETIMEDOUT, shmring_read_some_unless(self->in, self->buf, 1, -1, ms(1)));
	EXPECT_EQ(-EBADF, shmring_read_some_unless(self->in, self->buf, 1, 9999, ms(1)));
	EXPECT_EQ(-EACCES, shmring_read_some_unless(self->out, self->buf, 1, -1, NULL));
	EXPECT_EQ(-EACCES, shmring_wait_writable_unless(self->in, -1, NULL));

	shmring_free(self->e.out);
	self->e.out = NULL;
	call_off(self->fd);
	EXPECT_EQ(0, shmring_read_some_unless(self->in, self->buf, 1, self->fd, NULL));
	EXPECT_EQ(-EPIPE, shmring_wait_readable_unless(self->in, self->fd, NULL));
}

TEST_F(cancel, refused)
{
	static const struct timespec never = { .tv_nsec = 1000000000 };
	const size_t much = (size_t)SSIZE_MAX + 1;

	RING_NEEDED(self->in);
	EXPECT_EQ(-EINVAL, shmring_read_some_unless(self->in, self->buf, much, -1, NULL));
	EXPECT_EQ(-EINVAL, shmring_write_all_unless(self->out, self->buf, much, -1, NULL));
	EXPECT_EQ(-EINVAL, shmring_read_some_unless(self->in, self->buf, 1, -1, &never));
	EXPECT_EQ(-EINVAL, shmring_write_all_unless(self->out, self->buf, 1, -1, &never));
	EXPECT_EQ(-EACCES, shmring_write_all_unless(self->in, self->buf, 1, -1, NULL));
	EXPECT_EQ(0, shmring_available(self->in));

	EXPECT_EQ(0, shmring_read_some_unless(self->in, self->buf, 0, -1, NULL));
	EXPECT_EQ(-ETIMEDOUT, shmring_read_some_unless(self->in, self->buf, 1, self->fd, ms(0)));
	EXPECT_EQ(variant->capacity,
		  shmring_write_all_unless(self->out, self->buf, 3 * variant->capacity,
					   self->fd, ms(0)));
	EXPECT_EQ(-ETIMEDOUT, shmring_write_all_unless(self->out, self->buf, 1, self->fd, ms(0)));
}

struct reader {
	struct shmring *in;	/* or a writer's */
	int fd;
	uint64_t pos;
	unsigned int cancelled;
	ssize_t rc;
	pid_t tid;
};

static void *read_one(void *arg)
{
	struct reader *r = arg;
	char byte;

	__atomic_store_n(&r->tid, gettid(), __ATOMIC_RELEASE);
	r->rc = shmring_read_some_unless(r->in, &byte, 1, r->fd, ms(SOON_MS));
	return NULL;
}

/* Until it sleeps in its poll(), about */
static void let_sleep(struct reader *r)
{
	while (!__atomic_load_n(&r->tid, __ATOMIC_ACQUIRE))
		usleep(100);
	usleep(5000);
}

TEST_F(cancel, during)
{
	struct reader r = { .in = self->in, .fd = self->fd };
	pthread_t thread;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_one, &r));
	let_sleep(&r);
	call_off(self->fd);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(-ECANCELED, r.rc);
	/* What comes now stays for the next one. */
	ASSERT_EQ(3, shmring_try_write_from(self->out, "abc", 3));
	allow_again(self->fd);
	EXPECT_EQ(3, shmring_read_some_unless(self->in, self->buf, 9, self->fd, NULL));
}

TEST_F(cancel, after)
{
	struct reader r = { .in = self->in, .fd = self->fd };
	pthread_t thread;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_one, &r));
	let_sleep(&r);
	ASSERT_EQ(1, shmring_try_write_from(self->out, "a", 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, r.rc);
	call_off(self->fd);
	EXPECT_EQ(-ECANCELED, shmring_read_some_unless(self->in, self->buf, 1, self->fd, NULL));
}

static int handler_fd;

static void handler(int sig)
{
	(void)sig;
	call_off(handler_fd);
}

TEST_F(cancel, by_a_signal_handler)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct reader r = { .in = self->in, .fd = self->fd };
	pthread_t thread;

	RING_NEEDED(self->in);
	handler_fd = self->fd;
	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_one, &r));
	let_sleep(&r);
	ASSERT_EQ(0, pthread_kill(thread, SIGUSR1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	/* Its own thread's signal interrupts; whoever goes on is told. */
	EXPECT_TRUE(r.rc == -EINTR || r.rc == -ECANCELED);
	EXPECT_EQ(-ECANCELED, shmring_read_some_unless(self->in, self->buf, 1, self->fd, NULL));
}

/* Reads a stream; goes on after each cancellation. */
static void *read_stream(void *arg)
{
	unsigned char buf[97];
	struct reader *r = arg;
	ssize_t n;

	for (;;) {
		n = shmring_read_some_unless(r->in, buf, sizeof(buf), r->fd, ms(SOON_MS));
		if (n == -ECANCELED) {
			r->cancelled++;
			allow_again(r->fd);
			continue;
		}
		if (n <= 0 || pattern_check(buf, r->pos, n) != (size_t)n)
			break;
		r->pos += n;
	}
	r->rc = n;
	return NULL;
}

TEST_F(cancel, at_random_instants)
{
	struct reader r = { .in = self->in, .fd = self->fd };
	uint64_t random = 4711, pos = 0;
	pthread_t thread;
	ssize_t n;
	int i;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, pthread_create(&thread, NULL, read_stream, &r));
	for (i = 0; i < 400; i++) {
		n = 1 + random_next(&random) % variant->capacity;
		pattern_fill(self->buf, pos, n);
		ASSERT_EQ(n, shmring_write_all(self->out, self->buf, n, ms(SOON_MS)));
		pos += n;
		if (random_next(&random) % 2)
			call_off(self->fd);
		if (random_next(&random) % 4 == 0)
			usleep(random_next(&random) % 200);
	}
	usleep(1000);
	call_off(self->fd);
	shmring_free(self->e.out);
	self->e.out = NULL;
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, r.rc);
	EXPECT_EQ(pos, r.pos);
	EXPECT_LT(0, r.cancelled);
}

TEST_F(cancel, write_all)
{
	uint32_t cap = variant->capacity;

	RING_NEEDED(self->in);
	call_off(self->fd);
	pattern_fill(self->buf, 0, 3 * cap);
	/* Partial progress is told, and is in the ring. */
	EXPECT_EQ(cap, shmring_write_all_unless(self->out, self->buf, 3 * cap, self->fd, NULL));
	EXPECT_EQ(-ECANCELED, shmring_write_all_unless(self->out, self->buf, 1, self->fd, NULL));
	EXPECT_EQ(-ECANCELED, shmring_wait_writable_unless(self->out, self->fd, NULL));
	allow_again(self->fd);
	EXPECT_EQ(-ETIMEDOUT, shmring_write_all_unless(self->out, self->buf, 1, self->fd, ms(1)));
	EXPECT_EQ(cap, shmring_read_some(self->in, self->buf, cap, NULL));
	EXPECT_EQ(cap, pattern_check(self->buf, 0, cap));
	EXPECT_EQ(5, shmring_write_all_unless(self->out, self->buf, 5, self->fd, NULL));
	shmring_free(self->e.in);
	self->e.in = NULL;
	EXPECT_EQ(-EPIPE, shmring_write_all_unless(self->out, self->buf, 5, self->fd, NULL));
}

static void *write_one(void *arg)
{
	struct reader *r = arg;

	__atomic_store_n(&r->tid, gettid(), __ATOMIC_RELEASE);
	r->rc = shmring_write_all_unless(r->in, "w", 1, r->fd, ms(SOON_MS));
	return NULL;
}

/* Nobody waits for more than he can use; after that the threshold is as it was. */
TEST_F(cancel, less_than_the_threshold)
{
	struct reader r = { .in = self->in, .fd = self->fd };
	struct reader w = { .in = self->out, .fd = self->fd };
	uint32_t cap = variant->capacity;
	pthread_t thread;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, shmring_lowat(self->in, SHMRING_READABLE, cap / 2));
	ASSERT_EQ(0, shmring_lowat(self->out, SHMRING_WRITABLE, cap / 2));

	ASSERT_EQ(0, pthread_create(&thread, NULL, read_one, &r));
	let_sleep(&r);
	ASSERT_EQ(1, shmring_try_write_from(self->out, "a", 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, r.rc);
	ASSERT_EQ(cap / 2 - 1, shmring_try_write_from(self->out, self->buf, cap / 2 - 1));
	EXPECT_EQ(0, shmring_arm_readable(self->in));
	EXPECT_EQ(0, polled(self->in, SHMRING_READABLE));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable_unless(self->in, self->fd, ms(1)));
	ASSERT_EQ(1, shmring_try_write_from(self->out, self->buf, 1));
	EXPECT_EQ(0, shmring_wait_readable_unless(self->in, self->fd, NULL));

	ASSERT_EQ(cap / 2, shmring_try_write_from(self->out, self->buf, cap));
	ASSERT_EQ(0, pthread_create(&thread, NULL, write_one, &w));
	let_sleep(&w);
	ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(1, w.rc);
	ASSERT_EQ(cap / 2 - 1, shmring_try_read_into(self->in, self->buf, cap / 2 - 1));
	EXPECT_EQ(0, shmring_arm_writable(self->out));
	EXPECT_EQ(0, polled(self->out, SHMRING_WRITABLE));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_writable_unless(self->out, self->fd, ms(1)));
	ASSERT_EQ(1, shmring_try_read_into(self->in, self->buf, 1));
	EXPECT_EQ(0, shmring_wait_writable_unless(self->out, self->fd, NULL));
}

/*
 * Two parties, a ring in each direction, and both write more than fits before
 * they read.  No bounded channel can carry that; what it must not do is hang:
 * a timeout gives partial progress, and then both read.
 */
struct party {
	struct shmring *in, *out;
	size_t total, most;
	uint64_t sent, got;
	unsigned int stuck;
	int error;
};

static void *talk(void *arg)
{
	struct party *p = arg;
	unsigned char buf[1000];
	size_t left;
	ssize_t n;

	while ((p->sent < p->total || p->got < p->total) && !p->error) {
		left = p->total - p->sent;
		if (left > p->most)
			left = p->most;
		pattern_fill(buf, p->sent, left);
		n = shmring_write_all(p->out, buf, left, ms(5));
		p->stuck += n < (ssize_t)left;
		if (n > 0)
			p->sent += n;
		else if (n != -ETIMEDOUT && left)
			p->error = 1;
		while ((n = shmring_try_read_into(p->in, buf, sizeof(buf))) > 0) {
			if (pattern_check(buf, p->got, n) != (size_t)n)
				p->error = 2;
			p->got += n;
		}
		if (p->sent == p->total && p->got < p->total) {
			n = shmring_wait_readable(p->in, 1, ms(SOON_MS));
			if (n && !(n == -EPIPE && shmring_available(p->in)))
				p->error = 3;
		}
	}
	return NULL;
}

TEST_F(cancel, both_write_into_full_rings)
{
	struct party a = { .total = 20 * variant->capacity };
	struct party b;
	pthread_t thread;
	struct ends other;

	RING_NEEDED(self->in);
	ASSERT_EQ(0, ends_open(&other, variant->backend, variant->capacity, 0));
	a.most = variant->capacity == 64 ? 200 : 1000;
	a.total = 20 * a.most;
	b = a;
	a.in = self->in;
	a.out = other.out;
	b.in = other.in;
	b.out = self->out;
	ASSERT_EQ(0, pthread_create(&thread, NULL, talk, &a));
	talk(&b);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, a.error);
	EXPECT_EQ(0, b.error);
	EXPECT_EQ(a.total, a.got);
	EXPECT_EQ(b.total, b.got);
	if (variant->capacity == 64)
		EXPECT_LT(0, a.stuck + b.stuck);
	ends_close(&other);
}

struct waker {
	int fd;
	int stop;
};

static void *wake_in_vain(void *arg)
{
	struct waker *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED))
		call_off(w->fd);
	return NULL;
}

/* In memory the peer has the fd that wakes this end, and can use it as it likes. */
TEST_F(cancel, woken_in_vain)
{
	struct waker w = {};
	pthread_t thread;
	int64_t start;

	RING_NEEDED(self->in);
	if (variant->backend != SHMRING_BACKEND_MEMORY)
		return;
	w.fd = shmring_pollfd(self->in, SHMRING_READABLE).fd;
	ASSERT_EQ(0, pthread_create(&thread, NULL, wake_in_vain, &w));
	start = now_ns();
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable_unless(self->in, self->fd, ms(20)));
	EXPECT_EQ(-ETIMEDOUT, shmring_read_some_unless(self->in, self->buf, 1, -1, ms(20)));
	EXPECT_EQ(-ETIMEDOUT, shmring_wait_readable(self->in, 1, ms(20)));
	EXPECT_LE(60000000, now_ns() - start);
	__atomic_store_n(&w.stop, 1, __ATOMIC_RELAXED);
	ASSERT_EQ(0, pthread_join(thread, NULL));
}

TEST_HARNESS_MAIN
