// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each exported function promises: bytes, in rings below and above a page
 *
 * The ring's other end is the library's.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <shmring_message.h>

#include "kernel.h"

#include <kselftest_harness.h>

#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER

FIXTURE(bytes)
{
	unsigned char *from;
	unsigned char *to;
};

FIXTURE_VARIANT(bytes)
{
	__u32 capacity;
	__u64 start;
};

FIXTURE_SETUP(bytes)
{
	self->from = hunt_pattern(0);
	hunt_pattern_init(1);
	self->to = calloc(2, variant->capacity);
	ASSERT_NE(NULL, self->to);
}

FIXTURE_TEARDOWN(bytes)
{
	free(self->to);
	EXPECT_TRUE(kernel_idle());
}

FIXTURE_VARIANT_ADD(bytes, smallest) { .capacity = 2 };
FIXTURE_VARIANT_ADD(bytes, below_a_page) { .capacity = 64, .start = 61 };
FIXTURE_VARIANT_ADD(bytes, half_a_page) { .capacity = 2048, .start = -7 };
FIXTURE_VARIANT_ADD(bytes, a_page) { .capacity = 4096, .start = -100 };
FIXTURE_VARIANT_ADD(bytes, above_a_page) { .capacity = 16384, .start = -5000 };

/* What acquire says of @n bytes from @pos on */
static bool spans_are(const struct control_args *args, __u32 capacity,
		      __u64 pos, __u32 n)
{
	__u64 at = pos & (capacity - 1);
	__u64 first = capacity - at;

	if (capacity >= sysconf(_SC_PAGESIZE) || n < first)
		first = n;
	return args->at[0] == at && args->span[0] == first &&
	       args->at[1] == 0 && args->span[1] == n - first;
}

TEST_F(bytes, write_spans)
{
	struct control_args args = { .call = CALL_WRITE_ACQUIRE };
	__u32 capacity = variant->capacity;
	struct kernel_pair pair;
	__u32 half = capacity / 2;

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, PRODUCER));
	/* Nothing was acquired */
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_WRITE_COMMIT, .n = 1));
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_COMMIT));
	ASSERT_EQ((int)capacity, control_ioctl(pair.control, CONTROL_CALL,
					       &args));
	EXPECT_TRUE(spans_are(&args, capacity, variant->start, capacity));

	ASSERT_EQ((int)capacity, CALL(pair.control, CALL_WRITE_SPANS,
				      .buf = (uintptr_t)self->from,
				      .n = capacity));
	EXPECT_EQ(0, shmring_available(pair.ring));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_WRITE_COMMIT,
				.n = capacity + 1));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_WRITE_COMMIT, .n = -1ULL));
	EXPECT_EQ(0, shmring_available(pair.ring));

	/* In parts, and no more than there is */
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_COMMIT, .n = half));
	EXPECT_EQ(half, shmring_available(pair.ring));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_WRITE_COMMIT,
				.n = half + 1));
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_COMMIT, .n = half));
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_ACQUIRE));
	ASSERT_EQ(capacity, shmring_try_read_into(pair.ring, self->to,
						  2 * capacity));
	EXPECT_EQ(0, memcmp(self->from, self->to, capacity));

	/* A copy voids what was acquired */
	ASSERT_EQ((int)capacity, CALL(pair.control, CALL_WRITE_ACQUIRE));
	EXPECT_EQ(1, CALL(pair.control, CALL_TRY_WRITE,
			  .buf = (uintptr_t)self->from, .n = 1));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_WRITE_COMMIT, .n = 1));
	kernel_pair_free(&pair);
}

TEST_F(bytes, read_spans)
{
	struct control_args args = { .call = CALL_READ_ACQUIRE };
	__u32 capacity = variant->capacity;
	__u32 half = capacity / 2;
	struct kernel_pair pair;

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, CONSUMER));
	EXPECT_EQ(0, CALL(pair.control, CALL_READ_ACQUIRE));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_READ_RELEASE, .n = 1));
	EXPECT_EQ(0, CALL(pair.control, CALL_READ_RELEASE));
	ASSERT_EQ(capacity, shmring_try_write_from(pair.ring, self->from,
						   2 * capacity));
	ASSERT_EQ((int)capacity, control_ioctl(pair.control, CONTROL_CALL,
					       &args));
	EXPECT_TRUE(spans_are(&args, capacity, variant->start, capacity));
	ASSERT_EQ((int)capacity, CALL(pair.control, CALL_READ_SPANS,
				      .buf = (uintptr_t)self->to,
				      .n = capacity));
	EXPECT_EQ(0, memcmp(self->from, self->to, capacity));
	EXPECT_EQ(0, shmring_space(pair.ring));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_READ_RELEASE,
				.n = capacity + 1));
	EXPECT_EQ(0, CALL(pair.control, CALL_READ_RELEASE, .n = half));
	EXPECT_EQ(half, shmring_space(pair.ring));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_READ_RELEASE,
				.n = half + 1));

	/* What comes meanwhile was not acquired */
	EXPECT_EQ(half, shmring_try_write_from(pair.ring, self->from, half));
	EXPECT_EQ(-EINVAL, CALL(pair.control, CALL_READ_RELEASE,
				.n = half + 1));
	EXPECT_EQ((int)capacity, CALL(pair.control, CALL_READ_ACQUIRE));
	EXPECT_EQ(0, CALL(pair.control, CALL_READ_RELEASE, .n = capacity));
	EXPECT_EQ(capacity, shmring_space(pair.ring));
	kernel_pair_free(&pair);
}

TEST_F(bytes, try_counts)
{
	__u32 capacity = variant->capacity;
	struct kernel_pair pair;

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, PRODUCER));
	EXPECT_EQ(0, CALL(pair.control, CALL_TRY_WRITE,
			  .buf = (uintptr_t)self->from));
	EXPECT_EQ(1, CALL(pair.control, CALL_TRY_WRITE,
			  .buf = (uintptr_t)self->from, .n = 1));
	EXPECT_EQ((int)capacity - 1,
		  CALL(pair.control, CALL_TRY_WRITE,
		       .buf = (uintptr_t)(self->from + 1), .n = capacity));
	EXPECT_EQ(0, CALL(pair.control, CALL_TRY_WRITE,
			  .buf = (uintptr_t)self->from, .n = capacity));
	ASSERT_EQ(capacity, shmring_try_read_into(pair.ring, self->to,
						  capacity));
	EXPECT_EQ(0, memcmp(self->from, self->to, capacity));
	kernel_pair_free(&pair);

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, CONSUMER));
	EXPECT_EQ(0, CALL(pair.control, CALL_TRY_READ,
			  .buf = (uintptr_t)self->to, .n = capacity));
	ASSERT_EQ(capacity, shmring_try_write_from(pair.ring, self->from,
						   capacity));
	EXPECT_EQ(1, CALL(pair.control, CALL_TRY_READ,
			  .buf = (uintptr_t)self->to, .n = 1));
	EXPECT_EQ((int)capacity - 1,
		  CALL(pair.control, CALL_TRY_READ,
		       .buf = (uintptr_t)(self->to + 1), .n = capacity + 1));
	EXPECT_EQ(0, memcmp(self->from, self->to, capacity));
	kernel_pair_free(&pair);
}

/* Through the ring's end, and with some starts of the 64 bits, many times */
TEST_F(bytes, wraps)
{
	__u32 capacity = variant->capacity;
	struct kernel_pair pair;
	__u32 n, got;
	int i;

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, PRODUCER));
	for (i = 0; i < 200; i++) {
		n = 1 + i * 37 % (capacity < 4000 ? capacity : 4000);
		ASSERT_EQ((int)n, CALL(pair.control, CALL_TRY_WRITE,
				       .buf = (uintptr_t)(self->from + i),
				       .n = n));
		got = shmring_try_read_into(pair.ring, self->to, capacity);
		ASSERT_EQ(n, got);
		ASSERT_EQ(0, memcmp(self->from + i, self->to, n));
	}
	kernel_pair_free(&pair);

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, CONSUMER));
	for (i = 0; i < 200; i++) {
		n = 1 + i * 37 % (capacity < 4000 ? capacity : 4000);
		ASSERT_EQ(n, shmring_try_write_from(pair.ring, self->from + i,
						    n));
		ASSERT_EQ((int)n, CALL(pair.control, CALL_TRY_READ,
				       .buf = (uintptr_t)self->to,
				       .n = capacity));
		ASSERT_EQ(0, memcmp(self->from + i, self->to, n));
	}
	kernel_pair_free(&pair);
}

TEST_F(bytes, write_or_drop)
{
	__u32 capacity = variant->capacity;
	struct shmring_stats stats;
	struct kernel_pair pair;
	uintptr_t from = (uintptr_t)self->from;

	ASSERT_EQ(0, kernel_pair(&pair, capacity, variant->start, PRODUCER));
	EXPECT_EQ(1, CALL(pair.control, CALL_WRITE_OR_DROP, .buf = from));
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_OR_DROP, .buf = from,
			  .n = capacity + 1));
	EXPECT_EQ(1, CALL(pair.control, CALL_WRITE_OR_DROP, .buf = from,
			  .n = capacity - 1));
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_OR_DROP, .buf = from,
			  .n = 2));
	EXPECT_EQ(0, CALL(pair.control, CALL_COUNT_DROP, .n = 1000));
	EXPECT_EQ(1, CALL(pair.control, CALL_WRITE_OR_DROP,
			  .buf = from + capacity - 1, .n = 1));
	EXPECT_EQ(0, CALL(pair.control, CALL_WRITE_OR_DROP, .buf = from,
			  .n = 1, .flags = CALL_IRQS_OFF));
	ASSERT_EQ(0, shmring_stats(pair.ring, &stats));
	EXPECT_EQ(4, stats.drops);
	EXPECT_EQ(capacity + 1 + 2 + 1000 + 1, stats.drop_bytes);

	/* Whole or not at all */
	ASSERT_EQ(capacity, shmring_try_read_into(pair.ring, self->to,
						  capacity));
	EXPECT_EQ(0, memcmp(self->from, self->to, capacity));
	kernel_pair_free(&pair);
}

/*
 * Records that a kernel end builds and writes whole, in either way, are messages
 * to the library.
 */
TEST_F(bytes, messages)
{
	__u32 capacity = variant->capacity;
	const unsigned int sizes = CALL_MESSAGE_MAX + 1;
	unsigned char sent[CALL_MESSAGE_MAX], got[64];
	__u64 drops = 0;
	struct shmring_stats stats;
	struct kernel_pair pair;
	unsigned int i, n;
	int written;

	if (capacity < 64)
		return;
	ASSERT_EQ(0, kernel_pair(&pair, capacity, 0ULL - 40, PRODUCER));
	for (i = 0; i < 500; i++) {
		n = i % sizes;
		memset(sent, i, n);
		written = CALL(pair.control, CALL_MESSAGE,
			       .buf = (uintptr_t)sent, .n = n,
			       .flags = i % 2 ? CALL_IN_SPANS : 0);
		ASSERT_EQ(1, written);
		/* One that finds no room is dropped whole. */
		written = CALL(pair.control, CALL_WRITE_OR_DROP,
			       .buf = (uintptr_t)self->from, .n = capacity);
		ASSERT_EQ(0, written);
		drops++;
		ASSERT_EQ((int)n,
			  shmring_message_receive(pair.ring, got, 64, NULL));
		ASSERT_EQ(0, memcmp(got, sent, n));
		ASSERT_EQ(-EAGAIN, shmring_message_length(pair.ring));
	}
	ASSERT_EQ(0, shmring_stats(pair.ring, &stats));
	EXPECT_EQ(drops, stats.drops);
	kernel_pair_free(&pair);
}

TEST_HARNESS_MAIN
