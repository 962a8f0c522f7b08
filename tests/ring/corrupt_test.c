// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer that writes rubbish hurts its own data only
 *
 *	-EBADMSG with a scribbled peer index	scribbled_*
 *	what the kernel saw holds for both	corrupt_as_the_kernel_says
 */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(corrupt)
{
	struct shmring *in, *out;
	struct ends e;
	char buf[1];
};

FIXTURE_VARIANT(corrupt) RING_VARIANT;
RING_VARIANTS(corrupt);

FIXTURE_SETUP(corrupt)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->in = self->e.in;
	self->out = self->e.out;
}

FIXTURE_TEARDOWN(corrupt)
{
	ends_close(&self->e);
}

/* An impossible position: nothing is handed out, and that is said for good. */
TEST_F(corrupt, scribbled_by_the_producer)
{
	uint32_t cap = variant->capacity;
	/* Behind the last possible one, or before the first. */
	const uint64_t bad[] = {
		cap + 1, cap + 1000, 1ULL << 40, 1ULL << 63, -1ULL, -2ULL,
	};
	shmring_word *word;
	struct iovec v[2];
	unsigned int i;

	RING_NEEDED(self->in);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ends_close(&self->e);
		ASSERT_EQ(0, ends_open(&self->e, variant->backend, cap, 0));
		self->in = self->e.in;
		word = (shmring_word *)self->e.out->wr;
		ASSERT_EQ(1, shmring_try_write_from(self->e.out, "x", 1));
		ASSERT_EQ(1, shmring_read_acquire(self->in, v));
		__atomic_store_n(word, bad[i], __ATOMIC_RELEASE);

		EXPECT_EQ(0, shmring_available(self->in));
		EXPECT_EQ(0, shmring_space(self->in));
		EXPECT_EQ(0, shmring_read_acquire(self->in, v));
		EXPECT_EQ(NULL, v[0].iov_base);
		EXPECT_EQ(-EBADMSG, shmring_read_release(self->in, 1));
		EXPECT_EQ(-EBADMSG, shmring_wait_readable(self->in, 1, NULL));
		EXPECT_EQ(-EBADMSG, shmring_arm_readable(self->in));
		EXPECT_EQ(-EBADMSG, shmring_status(self->in));
		EXPECT_EQ(0, shmring_try_read_into(self->in, self->buf, 1));
		EXPECT_EQ(-EBADMSG,
			  shmring_read_some(self->in, self->buf, 1, NULL));

		__atomic_store_n(word, 1, __ATOMIC_RELEASE);
		EXPECT_EQ(0, shmring_read_acquire(self->in, v));
		EXPECT_EQ(0, shmring_available(self->in));
		EXPECT_EQ(-EBADMSG, shmring_read_release(self->in, 0));
		EXPECT_EQ(-EBADMSG, shmring_wait_readable(self->in, 1, NULL));
	}
}

TEST_F(corrupt, scribbled_by_the_consumer)
{
	uint32_t cap = variant->capacity;
	const uint64_t bad[] = { 2, cap + 1, 1ULL << 40, -1ULL - cap, 1ULL << 63 };
	shmring_word *word;
	struct iovec v[2];
	unsigned int i;

	RING_NEEDED(self->in);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		ends_close(&self->e);
		ASSERT_EQ(0, ends_open(&self->e, variant->backend, cap, 0));
		self->out = self->e.out;
		word = (shmring_word *)self->e.in->rd;
		ASSERT_EQ(1, shmring_try_write_from(self->out, "x", 1));
		__atomic_store_n(word, bad[i], __ATOMIC_RELEASE);

		EXPECT_EQ(0, shmring_space(self->out));
		EXPECT_EQ(-EBADMSG, shmring_wait_writable(self->out, 1, NULL));
		EXPECT_EQ(0, shmring_write_acquire(self->out, v));
		EXPECT_EQ(-EBADMSG, shmring_write_commit(self->out, 1));
		EXPECT_EQ(-EBADMSG, shmring_arm_writable(self->out));
		EXPECT_EQ(-EBADMSG, shmring_write_all(self->out, "x", 1, NULL));
		EXPECT_EQ(-EBADMSG, shmring_status(self->out));
		__atomic_store_n(word, 0, __ATOMIC_RELEASE);
		EXPECT_EQ(0, shmring_try_write_from(self->out, "x", 1));
		EXPECT_EQ(-EBADMSG, shmring_write_commit(self->out, 0));
		EXPECT_EQ(0, shmring_space(self->out));
	}
}

/* A handle that was split off says it to the ring that it came from. */
TEST_F(corrupt, scribbled_under_a_split_handle)
{
	struct shmring_consumer c;
	struct iovec v[2];

	RING_NEEDED(self->in);
	ASSERT_EQ(0, shmring_split(self->in, NULL, &c));
	__atomic_store_n((shmring_word *)self->out->wr,
			 variant->capacity + 1ULL, __ATOMIC_RELEASE);
	EXPECT_EQ(0, shmring_status(self->in));
	EXPECT_EQ(0, shmring_consumer_acquire(&c, v));
	EXPECT_EQ(-EBADMSG, shmring_status(self->in));
	EXPECT_EQ(-EBADMSG, shmring_consumer_release(&c, 0));
	EXPECT_EQ(-EBADMSG, shmring_consumer_wait(&c, 1, NULL));
	EXPECT_EQ(-EBADMSG, shmring_consumer_arm(&c));
	EXPECT_EQ(0, shmring_consumer_available(&c));
}

/* What the kernel has seen at one end holds for both. */
TEST_F(corrupt, corrupt_as_the_kernel_says)
{
	RING_NEEDED(self->in);
	if (variant->backend == SHMRING_BACKEND_MEMORY)
		return;
	__atomic_store_n((shmring_word *)self->out->wr,
			 variant->capacity + 1ULL, __ATOMIC_RELEASE);
	EXPECT_EQ(0, shmring_status(self->out));
	EXPECT_EQ(POLLIN | POLLERR, polled(self->in, SHMRING_READABLE));
	/* The producer's own position was never in doubt. */
	EXPECT_EQ(-EBADMSG, shmring_status(self->out));
	EXPECT_EQ(-EBADMSG, shmring_wait_writable(self->out, 1, NULL));
	EXPECT_EQ(-EBADMSG, shmring_write_commit(self->out, 0));
}

TEST_HARNESS_MAIN
