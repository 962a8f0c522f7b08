// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages: whole or not at all, in order, on rings of every size
 *
 *	what fits, the limit			sizes
 *	in place				in_place, nothing_before_the_commit
 *	by copy					by_copy, too_small_a_buffer
 *	refused					misuse, not_a_multiple_of_8
 *	waiting					timeouts, who_waits_is_woken
 *	against a model				random_against_a_model
 *	two threads, handles by value		between_threads
 *	the peer goes				the_last_message_then_epipe
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <shmring_message.h>

#include "../ring/ring.h"

/* No wait takes so long unless its wake-up was lost. */
#define SOON_MS	10000

FIXTURE(message)
{
	struct ends e;
	struct shmring *in, *out;
	unsigned char *buf;	/* twice the capacity */
	uint64_t random;
	bool mirrored;
	int max;
};

FIXTURE_VARIANT(message) RING_VARIANT;
RING_VARIANTS(message);
RING_VARIANT_ADD(message, MEMORY, 4, 4);
RING_VARIANT_ADD(message, MEMORY, 8, 8);
RING_VARIANT_ADD(message, MEMORY, 16, 16);
RING_VARIANT_ADD(message, MEMORY, 2048, 2048);
RING_VARIANT_ADD(message, DEVICE, 8, 8);
RING_VARIANT_ADD(message, DEVICE, 2048, 2048);

FIXTURE_SETUP(message)
{
	RING_SKIP_IF_MISSING(variant->backend);
	/* The positions wrap early, those of 64 bits too. */
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity,
			       0ULL - 1024));
	self->in = self->e.in;
	self->out = self->e.out;
	self->buf = malloc(2 * variant->capacity);
	ASSERT_NE(NULL, self->buf);
	self->random = 88172645463325252ULL;
	self->mirrored = variant->capacity >= (uint32_t)getpagesize();
	self->max = shmring_message_max(self->in);
}

FIXTURE_TEARDOWN(message)
{
	free(self->buf);
	ends_close(&self->e);
}

/* Rings that carry no message have the test `sizes` to themselves. */
#define CARRIER_NEEDED(self)						\
	do {								\
		if (!(self)->in || (self)->max < 0)			\
			return;						\
	} while (0)

#define IN_PLACE_NEEDED(self)						\
	do {								\
		if (!(self)->in || !(self)->mirrored)			\
			return;						\
	} while (0)

TEST_F(message, sizes)
{
	uint32_t cap = variant->capacity;
	void *data;

	RING_NEEDED(self->in);
	if (cap < 8) {
		EXPECT_EQ(-EMSGSIZE, self->max);
		EXPECT_EQ(-EMSGSIZE, shmring_message_try_send(self->out, "", 0));
		EXPECT_EQ(-EMSGSIZE, shmring_message_send(self->out, "", 0, NULL));
		EXPECT_EQ(-EMSGSIZE, shmring_message_reserve(self->out, 0, &data));
		EXPECT_EQ(-EMSGSIZE, shmring_message_length(self->in));
		EXPECT_EQ(-EMSGSIZE, shmring_message_wait(self->in, NULL));
		return;
	}
	ASSERT_EQ(cap - 8, self->max);
	EXPECT_EQ(-EMSGSIZE, shmring_message_try_send(self->out, self->buf, cap - 7));
	EXPECT_EQ(-EMSGSIZE, shmring_message_send(self->out, self->buf, SIZE_MAX, NULL));
	EXPECT_EQ(-EMSGSIZE, shmring_message_wait_space(self->out, SIZE_MAX - 8, NULL));
	EXPECT_EQ(-EMSGSIZE, shmring_message_reserve(self->out, 1ULL << 32, &data));

	pattern_fill(self->buf, 0, cap);
	ASSERT_EQ(0, shmring_message_try_send(self->out, self->buf, self->max));
	EXPECT_EQ(0, shmring_space(self->out));
	EXPECT_EQ(-EAGAIN, shmring_message_try_send(self->out, "", 0));
	memset(self->buf, 0, cap);
	ASSERT_EQ(self->max, shmring_message_try_receive(self->in, self->buf, cap));
	EXPECT_EQ(self->max, pattern_check(self->buf, 0, self->max));

	shmring_message_limit(self->out, 3);
	EXPECT_EQ(-EMSGSIZE, shmring_message_try_send(self->out, "1234", 4));
	if (self->max >= 8) {
		EXPECT_EQ(0, shmring_message_try_send(self->out, "123", 3));
		EXPECT_EQ(3, shmring_message_try_receive(self->in, self->buf, 3));
		/* The reader's is what counts for the reader. */
		shmring_message_limit(self->out, 0);
		shmring_message_limit(self->in, 3);
		EXPECT_EQ(0, shmring_message_try_send(self->out, "1234", 4));
		EXPECT_EQ(-EBADMSG, shmring_message_length(self->in));
	}
}

TEST_F(message, nothing_before_the_commit)
{
	const void *at;
	void *data;

	IN_PLACE_NEEDED(self);
	ASSERT_EQ(0, shmring_message_reserve(self->out, 100, &data));
	EXPECT_EQ(0, (uintptr_t)data % 8);
	memset(data, 'x', 100);
	EXPECT_EQ(0, shmring_available(self->in));
	EXPECT_EQ(-EAGAIN, shmring_message_peek(self->in, &at));
	shmring_message_abort(self->out);
	EXPECT_EQ(-EINVAL, shmring_message_commit(self->out, 100));
	EXPECT_EQ(-EAGAIN, shmring_message_peek(self->in, &at));

	/* Prefix and payload come by one and the same commit. */
	ASSERT_EQ(0, shmring_message_reserve(self->out, 100, &data));
	memset(data, 'y', 100);
	ASSERT_EQ(0, shmring_message_commit(self->out, 100));
	EXPECT_EQ(112, shmring_available(self->in));
	ASSERT_EQ(100, shmring_message_peek(self->in, &at));
	EXPECT_EQ('y', ((const char *)at)[99]);
}

TEST_F(message, in_place)
{
	uint64_t pos = 0, read = 0;
	const void *at;
	void *data;
	ssize_t n;
	int i;

	IN_PLACE_NEEDED(self);
	/* Around the ring some times, so that records lie across its end. */
	for (i = 0; i < 40; i++) {
		n = (ssize_t)(random_next(&self->random) % (self->max / 3));
		ASSERT_EQ(0, shmring_message_reserve(self->out, self->max / 3, &data));
		pattern_fill(data, pos, n);
		/* More than was reserved is refused, and changes nothing. */
		EXPECT_EQ(-EINVAL, shmring_message_commit(self->out, self->max / 3 + 1));
		ASSERT_EQ(0, shmring_message_commit(self->out, n));
		EXPECT_EQ(-EINVAL, shmring_message_commit(self->out, n));
		pos += n;
		EXPECT_EQ(n, shmring_message_length(self->in));
		EXPECT_EQ(n, shmring_message_peek(self->in, &at));
		ASSERT_EQ(n, shmring_message_peek(self->in, &at));
		EXPECT_EQ(0, (uintptr_t)at % 8);
		ASSERT_EQ(n, pattern_check(at, read, n));
		ASSERT_EQ(0, shmring_message_release(self->in));
		EXPECT_EQ(-EINVAL, shmring_message_release(self->in));
		read += n;
	}
	EXPECT_EQ(0, shmring_available(self->in));
}

TEST_F(message, in_place_is_refused_where_it_cannot_be)
{
	const void *at;
	void *data;

	CARRIER_NEEDED(self);
	if (self->mirrored)
		return;
	EXPECT_EQ(-EOPNOTSUPP, shmring_message_reserve(self->out, 0, &data));
	ASSERT_EQ(0, shmring_message_try_send(self->out, "", 0));
	EXPECT_EQ(-EOPNOTSUPP, shmring_message_peek(self->in, &at));
	EXPECT_EQ(-EINVAL, shmring_message_release(self->in));
	EXPECT_EQ(0, shmring_message_try_receive(self->in, NULL, 0));
}

TEST_F(message, too_small_a_buffer)
{
	ssize_t n;

	CARRIER_NEEDED(self);
	n = self->max < 100 ? self->max : 100;
	pattern_fill(self->buf, 0, n);
	ASSERT_EQ(0, shmring_message_send(self->out, self->buf, n, NULL));
	memset(self->buf, 0, n);
	EXPECT_EQ(n, shmring_message_length(self->in));
	if (n) {
		EXPECT_EQ(-EMSGSIZE, shmring_message_try_receive(self->in, self->buf, n - 1));
		EXPECT_EQ(-EMSGSIZE, shmring_message_receive(self->in, NULL, 0, NULL));
		EXPECT_EQ(0, self->buf[0]);
	}
	EXPECT_EQ(n, shmring_message_receive(self->in, self->buf, n, NULL));
	EXPECT_EQ(n, pattern_check(self->buf, 0, n));
}

TEST_F(message, misuse)
{
	const void *at;
	void *data;

	RING_NEEDED(self->in);
	/* Not this end's role */
	EXPECT_EQ(-EACCES, shmring_message_try_send(self->in, "", 0));
	EXPECT_EQ(-EACCES, shmring_message_reserve(self->in, 0, &data));
	EXPECT_EQ(-EACCES, shmring_message_commit(self->in, 0));
	EXPECT_EQ(-EACCES, shmring_message_send(self->in, "", 0, NULL));
	EXPECT_EQ(-EACCES, shmring_message_wait_space(self->in, 0, NULL));
	EXPECT_EQ(-EACCES, shmring_message_length(self->out));
	EXPECT_EQ(-EACCES, shmring_message_peek(self->out, &at));
	EXPECT_EQ(-EACCES, shmring_message_release(self->out));
	EXPECT_EQ(-EACCES, shmring_message_try_receive(self->out, self->buf, 1));
	EXPECT_EQ(-EACCES, shmring_message_receive(self->out, self->buf, 1, NULL));
	if (self->max < 0)
		return;

	/* Nothing reserved, nothing peeked at */
	EXPECT_EQ(-EINVAL, shmring_message_commit(self->out, 0));
	EXPECT_EQ(-EINVAL, shmring_message_commit(self->out, SIZE_MAX));
	EXPECT_EQ(-EINVAL, shmring_message_release(self->in));
	EXPECT_EQ(0, shmring_available(self->in));
}

TEST_F(message, not_a_multiple_of_8)
{
	struct iovec v[2];
	void *data;

	CARRIER_NEEDED(self);
	ASSERT_EQ(3, shmring_try_write_from(self->out, "abc", 3));
	EXPECT_EQ(-EINVAL, shmring_message_try_send(self->out, "", 0));
	EXPECT_EQ(-EINVAL, shmring_message_reserve(self->out, 0, &data));
	EXPECT_EQ(-EINVAL, shmring_message_send(self->out, "", 0, NULL));
	/* Nor does an acquire of bytes lead a message astray. */
	ASSERT_LT(0, shmring_write_acquire(self->out, v));
	EXPECT_EQ(-EINVAL, shmring_message_commit(self->out, 0));
	ASSERT_EQ(3, shmring_try_read_into(self->in, self->buf, 3));
	EXPECT_EQ(-EINVAL, shmring_message_length(self->in));
	EXPECT_EQ(-EINVAL, shmring_message_wait(self->in, NULL));
	ASSERT_EQ(2, shmring_try_write_from(self->out, "de", 2));
	ASSERT_EQ(2, shmring_read_acquire(self->in, v));
	EXPECT_EQ(-EINVAL, shmring_message_release(self->in));
	EXPECT_EQ(2, shmring_available(self->in));
}

TEST_F(message, timeouts)
{
	static const struct timespec bad = { .tv_nsec = -1 };
	int64_t start = now_ns();

	CARRIER_NEEDED(self);
	EXPECT_EQ(-ETIMEDOUT, shmring_message_wait(self->in, ms(0)));
	EXPECT_EQ(-ETIMEDOUT, shmring_message_receive(self->in, self->buf, 1, ms(20)));
	EXPECT_LE(20000000, now_ns() - start);
	EXPECT_EQ(0, shmring_message_wait_space(self->out, self->max, ms(0)));
	ASSERT_EQ(0, shmring_message_send(self->out, self->buf, self->max, ms(0)));
	start = now_ns();
	EXPECT_EQ(-ETIMEDOUT, shmring_message_send(self->out, "", 0, ms(0)));
	EXPECT_EQ(-ETIMEDOUT, shmring_message_wait_space(self->out, 0, ms(20)));
	EXPECT_LE(20000000, now_ns() - start);
	EXPECT_EQ(-EINVAL, shmring_message_send(self->out, "", 0, &bad));
	EXPECT_EQ(-EINVAL, shmring_message_wait(self->in, &bad));
	EXPECT_EQ(0, shmring_message_wait(self->in, NULL));
}

static void *receive_one(void *arg)
{
	static unsigned char buf[MIB];

	return (void *)shmring_message_receive(arg, buf, sizeof(buf), NULL);
}

static void *send_one(void *arg)
{
	static const unsigned char buf[16];
	struct shmring *out = arg;
	int max = shmring_message_max(out);

	return (void *)(intptr_t)shmring_message_send(out, buf, max < 16 ? max : 16, NULL);
}

TEST_F(message, who_waits_is_woken)
{
	pthread_t thread;
	void *rc;

	CARRIER_NEEDED(self);
	shmring_set_spin(self->in, 0);
	shmring_set_spin(self->out, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, self->in));
	ASSERT_TRUE(sleeps_more(self->in, SHMRING_READABLE, 0));
	ASSERT_EQ(0, shmring_message_try_send(self->out, self->buf, self->max));
	ASSERT_EQ(0, pthread_join(thread, &rc));
	EXPECT_EQ(self->max, (ssize_t)rc);

	ASSERT_EQ(0, shmring_message_try_send(self->out, self->buf, self->max));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_one, self->out));
	ASSERT_TRUE(sleeps_more(self->in, SHMRING_WRITABLE, 0));
	ASSERT_EQ(self->max, shmring_message_try_receive(self->in, self->buf, self->max));
	ASSERT_EQ(0, pthread_join(thread, &rc));
	EXPECT_EQ(0, (intptr_t)rc);
	EXPECT_EQ(self->max < 16 ? self->max : 16, shmring_message_length(self->in));
}

/* A record may come in pieces from one who writes bytes; it is one all the same. */
TEST_F(message, in_pieces)
{
	uint64_t length = 16;
	pthread_t thread;
	void *rc;

	CARRIER_NEEDED(self);
	if (self->max < 24)
		return;
	shmring_set_spin(self->in, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, self->in));
	ASSERT_TRUE(sleeps_more(self->in, SHMRING_READABLE, 0));
	ASSERT_EQ(5, shmring_try_write_from(self->out, &length, 5));
	usleep(2000);
	ASSERT_EQ(3, shmring_try_write_from(self->out, (char *)&length + 5, 3));
	ASSERT_TRUE(sleeps_more(self->in, SHMRING_READABLE, 1));
	ASSERT_EQ(15, shmring_try_write_from(self->out, self->buf, 15));
	usleep(2000);
	ASSERT_EQ(1, shmring_try_write_from(self->out, self->buf, 1));
	ASSERT_EQ(0, pthread_join(thread, &rc));
	EXPECT_EQ(16, (ssize_t)rc);
}

/* Where there is a device we are emulated, and slow. */
static unsigned int effort(unsigned int n)
{
	if (getenv("SHMRING_TEST_LONG"))
		return 10 * n;
	return backend_missing(SHMRING_BACKEND_DEVICE) ? n : n / 5;
}

/* What messages are in the ring, to the model: their lengths, in order. */
struct fifo {
	unsigned int length[1 << 17];
	uint64_t first, last;
	uint64_t bytes;
};

static unsigned int random_length(uint64_t *random, unsigned int max)
{
	uint64_t r = random_next(random);

	switch (r % 4) {
	case 0:
		return r / 4 % 9 < max ? r / 4 % 9 : max;
	case 1:
		return max - r / 4 % ((max < 9 ? max : 9) + 1);
	default:
		return r / 4 % (max + 1);
	}
}

TEST_F(message, random_against_a_model)
{
	uint64_t written = 0, read = 0, size;
	struct fifo *f = calloc(1, sizeof(*f));
	const void *at;
	void *data;
	int n, most, steps = effort(1500), rc;
	ssize_t got;

	ASSERT_NE(NULL, f);
	CARRIER_NEEDED(self);
	if (variant->capacity == MIB)
		steps = effort(150);
	while (steps--) {
		/* Now this end is the faster one, now that. */
		if (random_next(&self->random) % 16 < (steps / 256 % 2 ? 6 : 10)) {
			n = random_length(&self->random, self->max);
			size = 8 + (n + 7) / 8 * 8;
			most = n + random_next(&self->random) % (self->max - n + 1);
			if (self->mirrored && random_next(&self->random) % 2) {
				rc = shmring_message_reserve(self->out, most, &data);
				ASSERT_EQ(f->bytes + 8 + (most + 7) / 8 * 8 >
					  variant->capacity ? -EAGAIN : 0, rc);
				if (rc)
					continue;
				pattern_fill(data, written, n);
				ASSERT_EQ(0, shmring_message_commit(self->out, n));
			} else {
				pattern_fill(self->buf, written, n);
				rc = shmring_message_try_send(self->out, self->buf, n);
				ASSERT_EQ(f->bytes + size > variant->capacity ?
					  -EAGAIN : 0, rc);
				if (rc)
					continue;
			}
			f->length[f->last++ % (1 << 17)] = n;
			f->bytes += size;
			written += n;
		} else {
			n = f->first == f->last ? -EAGAIN :
				(int)f->length[f->first % (1 << 17)];
			if (self->mirrored && random_next(&self->random) % 2) {
				got = shmring_message_peek(self->in, &at);
				ASSERT_EQ(n, got);
				if (got < 0)
					continue;
				ASSERT_EQ(n, pattern_check(at, read, n));
				ASSERT_EQ(0, shmring_message_release(self->in));
			} else {
				got = shmring_message_try_receive(self->in, self->buf, self->max);
				ASSERT_EQ(n, got);
				if (got < 0)
					continue;
				ASSERT_EQ(n, pattern_check(self->buf, read, n));
			}
			f->first++;
			f->bytes -= 8 + (n + 7) / 8 * 8;
			read += n;
		}
		ASSERT_EQ(f->bytes, shmring_available(self->in));
	}
	EXPECT_LT(0, f->first);
	free(f);
}

struct sender {
	struct shmring *out;
	struct shmring_producer p;
	int count;
	int max;
	int rc;
};

static void *send_many(void *arg)
{
	unsigned char *buf = malloc(MIB);
	struct sender *s = arg;
	uint64_t pos = 0, random = 12345;
	unsigned int n;
	void *data;
	int i;

	for (i = 0; i < s->count && !s->rc; i++) {
		n = random_length(&random, s->max);
		if (s->p.role.reach > shmring_cap(s->p.role.ring) && i % 2) {
			s->rc = shmring_producer_message_wait_space(&s->p, n, ms(SOON_MS));
			if (!s->rc)
				s->rc = shmring_producer_message_reserve(&s->p, n, &data);
			if (!s->rc) {
				pattern_fill(data, pos, n);
				s->rc = shmring_producer_message_commit(&s->p, n);
			}
		} else {
			pattern_fill(buf, pos, n);
			s->rc = shmring_producer_message_send(&s->p, buf, n, ms(SOON_MS));
		}
		pos += n;
	}
	free(buf);
	return NULL;
}

TEST_F(message, between_threads)
{
	struct sender s = { .out = self->out, .count = effort(400), .max = self->max };
	uint64_t pos = 0, random = 12345;
	struct shmring_consumer c;
	pthread_t thread;
	const void *at;
	ssize_t n;
	int i;

	CARRIER_NEEDED(self);
	if (variant->capacity == MIB)
		s.count = effort(40);
	ASSERT_EQ(0, shmring_split(self->out, &s.p, NULL));
	ASSERT_EQ(0, shmring_split(self->in, NULL, &c));
	EXPECT_EQ(-EBUSY, shmring_message_try_send(self->out, "", 0));
	EXPECT_EQ(-EBUSY, shmring_message_length(self->in));
	ASSERT_EQ(0, pthread_create(&thread, NULL, send_many, &s));
	for (i = 0; i < s.count; i++) {
		n = random_length(&random, self->max);
		if (self->mirrored && i % 3) {
			ASSERT_EQ(0, shmring_consumer_message_wait(&c, ms(SOON_MS)));
			ASSERT_EQ(n, shmring_consumer_message_peek(&c, &at));
			ASSERT_EQ(n, pattern_check(at, pos, n));
			ASSERT_EQ(0, shmring_consumer_message_release(&c));
		} else {
			ASSERT_EQ(n, shmring_consumer_message_receive(&c, self->buf, self->max, ms(SOON_MS)));
			ASSERT_EQ(n, pattern_check(self->buf, pos, n));
		}
		pos += n;
	}
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, s.rc);
	EXPECT_EQ(-EAGAIN, shmring_consumer_message_length(&c));
}

TEST_F(message, the_last_message_then_epipe)
{
	CARRIER_NEEDED(self);
	ASSERT_EQ(0, shmring_message_try_send(self->out, self->buf, self->max));
	shmring_free(self->e.out);
	self->e.out = NULL;
	EXPECT_EQ(0, shmring_message_wait(self->in, NULL));
	EXPECT_EQ(self->max, shmring_message_receive(self->in, self->buf, self->max, NULL));
	EXPECT_EQ(-EPIPE, shmring_message_length(self->in));
	EXPECT_EQ(-EPIPE, shmring_message_try_receive(self->in, self->buf, 1));
	EXPECT_EQ(-EPIPE, shmring_message_receive(self->in, self->buf, 1, NULL));
	EXPECT_EQ(-EPIPE, shmring_message_wait(self->in, ms(0)));
}

TEST_F(message, nobody_receives)
{
	CARRIER_NEEDED(self);
	shmring_free(self->e.in);
	self->e.in = NULL;
	EXPECT_EQ(-EPIPE, shmring_message_send(self->out, "", 0, NULL));
	EXPECT_EQ(-EPIPE, shmring_message_wait_space(self->out, 0, NULL));
	/* Who does not wait learns of it when the ring is full, as with bytes. */
	EXPECT_EQ(0, shmring_message_try_send(self->out, self->buf, self->max));
	EXPECT_EQ(-EPIPE, shmring_message_try_send(self->out, "", 0));
}

/* The other end goes while this one sleeps. */
TEST_F(message, gone_meanwhile)
{
	pthread_t thread;
	void *rc;

	CARRIER_NEEDED(self);
	shmring_set_spin(self->in, 0);
	ASSERT_EQ(0, pthread_create(&thread, NULL, receive_one, self->in));
	ASSERT_TRUE(sleeps_more(self->in, SHMRING_READABLE, 0));
	shmring_free(self->e.out);
	self->e.out = NULL;
	ASSERT_EQ(0, pthread_join(thread, &rc));
	EXPECT_EQ(-EPIPE, (ssize_t)rc);
}

TEST_HARNESS_MAIN
