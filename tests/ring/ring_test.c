// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring as such: making one, its counts, its copies, its roles
 *
 *	new/power-of-two check			new_power_of_two_check
 *	cap/available/space			cap_available_space
 *	try_write_from partial counts		try_write_from_partial_counts
 *	try_read_into partial counts		try_read_into_partial_counts
 *	handles held by value			split_*
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include "ring.h"

static const uint32_t backends[] = {
	SHMRING_BACKEND_MEMORY,
	SHMRING_BACKEND_DEVICE,
};

TEST(new_power_of_two_check)
{
	static const uint32_t bad[] = {
		0, 1, 3, 5, 6, 7, 9, 1000, 4095, 4097, MIB - 1, MIB + 1,
		SHMRING_CAPACITY_MAX - 1, SHMRING_CAPACITY_MAX + 1, 1U << 31,
		3U << 30, UINT32_MAX,
	};
	struct shmring *r;
	uint32_t capacity;
	unsigned int b, i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(NULL, shmring_new(bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	for (b = 0; b < ARRAY_SIZE(backends); b++) {
		if (backend_missing(backends[b]))
			continue;
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			errno = 0;
			EXPECT_EQ(NULL, ring_both(backends[b], bad[i], 0));
			EXPECT_EQ(EINVAL, errno);
		}
		for (capacity = 2; capacity <= 16 * MIB; capacity *= 2) {
			r = ring_both(backends[b], capacity, 0);
			ASSERT_NE(NULL, r);
			EXPECT_EQ(capacity, shmring_cap(r));
			EXPECT_EQ(backends[b], shmring_backend(r));
			shmring_free(r);
		}
	}
	r = ring_both(SHMRING_BACKEND_MEMORY, SHMRING_CAPACITY_MAX, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(SHMRING_CAPACITY_MAX, shmring_cap(r));
	EXPECT_EQ(SHMRING_CAPACITY_MAX, shmring_space(r));
	shmring_free(r);
}

TEST(new_takes_the_device_if_there_is_one)
{
	bool missing = backend_missing(SHMRING_BACKEND_DEVICE);
	struct shmring *r = shmring_new(4096);

	ASSERT_NE(NULL, r);
	EXPECT_EQ(missing ? SHMRING_BACKEND_MEMORY : SHMRING_BACKEND_DEVICE,
		  shmring_backend(r));
	EXPECT_EQ(SHMRING_ROLE_BOTH, shmring_roles(r));
	EXPECT_EQ(missing, shmring_fd(r) == -1);
	shmring_free(r);

	if (missing) {
		EXPECT_EQ(NULL, ring_both(SHMRING_BACKEND_DEVICE, 4096, 0));
		EXPECT_EQ(ENOENT, errno);
	}
}

TEST(create_refuses_bad_options)
{
	static const struct shmring_options bad[] = {
		{ .backend = 3 },
		{ .roles = 8 },
		{ .roles = SHMRING_ROLE_OBSERVER | SHMRING_ROLE_CONSUMER },
		{ .flags = 2 },
		{ .mode = 01000 },
		{ .mode = 0777 },
		{ .reserved = { 1 } },
		{ .reserved = { [6] = 1 } },
		{ .arena = 1 },
	};
	struct shmring_options persist = {
		.backend = SHMRING_BACKEND_MEMORY,
		.flags = SHMRING_F_PERSIST,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(NULL, shmring_create(4096, &bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(NULL, shmring_create(4096, &persist));
	EXPECT_EQ(EOPNOTSUPP, errno);
}

TEST(free_of_nothing)
{
	shmring_free(NULL);
}

FIXTURE(ring)
{
	struct shmring *r;
	unsigned char *buf;	/* twice the capacity */
};

FIXTURE_VARIANT(ring) RING_VARIANT;
RING_VARIANTS(ring);

FIXTURE_SETUP(ring)
{
	RING_SKIP_IF_MISSING(variant->backend);
	self->r = ring_both(variant->backend, variant->capacity, 0);
	ASSERT_NE(NULL, self->r);
	self->buf = malloc(2 * variant->capacity);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(ring)
{
	free(self->buf);
	shmring_free(self->r);
}

TEST_F(ring, cap_available_space)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r;
	struct iovec v[2];

	RING_NEEDED(r);
	EXPECT_EQ(cap, shmring_cap(r));
	EXPECT_EQ(0, shmring_available(r));
	EXPECT_EQ(cap, shmring_space(r));
	EXPECT_EQ(0, shmring_status(r));

	ASSERT_EQ(cap, shmring_write_acquire(r, v));
	EXPECT_EQ(0, shmring_available(r));
	EXPECT_EQ(cap, shmring_space(r));
	ASSERT_EQ(0, shmring_write_commit(r, 1));
	EXPECT_EQ(1, shmring_available(r));
	EXPECT_EQ(cap - 1, shmring_space(r));
	ASSERT_EQ(0, shmring_write_commit(r, cap - 1));
	EXPECT_EQ(cap, shmring_available(r));
	EXPECT_EQ(0, shmring_space(r));

	ASSERT_EQ(cap, shmring_read_acquire(r, v));
	EXPECT_EQ(cap, shmring_available(r));
	ASSERT_EQ(0, shmring_read_release(r, cap - 1));
	EXPECT_EQ(1, shmring_available(r));
	EXPECT_EQ(cap - 1, shmring_space(r));
	ASSERT_EQ(0, shmring_read_release(r, 1));
	EXPECT_EQ(0, shmring_available(r));
	EXPECT_EQ(cap, shmring_space(r));
}

TEST_F(ring, try_write_from_partial_counts)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r;

	RING_NEEDED(r);
	pattern_fill(self->buf, 0, 2 * cap);
	EXPECT_EQ(0, shmring_try_write_from(r, NULL, 0));
	EXPECT_EQ(0, shmring_available(r));
	EXPECT_EQ(1, shmring_try_write_from(r, self->buf, 1));
	EXPECT_EQ(cap - 1, shmring_try_write_from(r, self->buf + 1, 2 * cap - 1));
	EXPECT_EQ(cap, shmring_available(r));
	EXPECT_EQ(0, shmring_try_write_from(r, self->buf, 1));
	EXPECT_EQ(0, shmring_try_write_from(r, NULL, 0));
	EXPECT_EQ(cap, shmring_available(r));

	memset(self->buf, 0, cap);
	EXPECT_EQ(1, shmring_try_read_into(r, self->buf, 1));
	EXPECT_EQ(cap - 1, shmring_try_read_into(r, self->buf + 1, cap - 1));
	EXPECT_EQ(cap, pattern_check(self->buf, 0, cap));
}

TEST_F(ring, try_read_into_partial_counts)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r;

	RING_NEEDED(r);
	pattern_fill(self->buf, 0, cap);
	EXPECT_EQ(0, shmring_try_read_into(r, self->buf, 1));
	EXPECT_EQ(0, shmring_try_read_into(r, NULL, 0));
	ASSERT_EQ(cap - 1, shmring_try_write_from(r, self->buf, cap - 1));
	memset(self->buf, 0, 2 * cap);
	EXPECT_EQ(0, shmring_try_read_into(r, NULL, 0));
	EXPECT_EQ(cap - 1, shmring_try_read_into(r, self->buf, 2 * cap));
	EXPECT_EQ(cap - 1, pattern_check(self->buf, 0, cap - 1));
	/* Nothing behind what was read is touched. */
	EXPECT_EQ(0, self->buf[cap - 1]);
	EXPECT_EQ(0, shmring_try_read_into(r, self->buf, 1));
	EXPECT_EQ(cap, shmring_space(r));
}

/* A copy moves the position that an acquire looked at. */
TEST_F(ring, a_copy_ends_an_acquire)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r;
	struct iovec v[2];

	RING_NEEDED(r);
	ASSERT_EQ(cap, shmring_write_acquire(r, v));
	ASSERT_EQ(1, shmring_try_write_from(r, "x", 1));
	EXPECT_EQ(-EINVAL, shmring_write_commit(r, 1));
	EXPECT_EQ(1, shmring_available(r));
	ASSERT_EQ(1, shmring_read_acquire(r, v));
	ASSERT_EQ(1, shmring_try_read_into(r, self->buf, 1));
	EXPECT_EQ(-EINVAL, shmring_read_release(r, 1));
	EXPECT_EQ(0, shmring_available(r));
}

TEST_F(ring, split_handles_have_the_same_verbs)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r;
	struct shmring_producer p;
	struct shmring_consumer c;
	struct iovec v[2];
	size_t n;

	RING_NEEDED(r);
	ASSERT_EQ(0, shmring_split(r, &p, &c));
	EXPECT_EQ(cap, shmring_producer_space(&p));
	EXPECT_EQ(0, shmring_consumer_available(&c));
	EXPECT_EQ(-ETIMEDOUT, shmring_consumer_wait(&c, 1, ms(0)));
	EXPECT_EQ(0, shmring_consumer_arm(&c));
	EXPECT_EQ(1, shmring_producer_arm(&p));

	n = shmring_producer_acquire(&p, v);
	ASSERT_EQ(cap, n);
	pattern_fill_spans(v, 0, n);
	EXPECT_EQ(-EINVAL, shmring_producer_commit(&p, cap + 1));
	EXPECT_EQ(0, shmring_producer_commit(&p, cap));
	EXPECT_EQ(0, shmring_producer_space(&p));
	EXPECT_EQ(cap, shmring_available(r));
	EXPECT_EQ(0, shmring_producer_try_write_from(&p, "x", 1));
	EXPECT_EQ(-ETIMEDOUT, shmring_producer_wait(&p, 1, ms(0)));
	EXPECT_EQ(0, shmring_consumer_wait(&c, cap, NULL));

	EXPECT_EQ(1, shmring_consumer_try_read_into(&c, self->buf, 1));
	n = shmring_consumer_acquire(&c, v);
	ASSERT_EQ(cap - 1, n);
	EXPECT_EQ(1, pattern_check(self->buf, 0, 1));
	EXPECT_EQ(n, pattern_check_spans(v, 1, n));
	EXPECT_EQ(-EINVAL, shmring_consumer_release(&c, cap));
	EXPECT_EQ(0, shmring_consumer_release(&c, n));
	EXPECT_EQ(1, shmring_producer_try_write_from(&p, "x", 1));
	EXPECT_EQ(1, shmring_consumer_available(&c));
}

TEST_F(ring, split_leaves_nothing_in_the_ring)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r;
	struct shmring_producer p, p2;
	struct shmring_consumer c;
	struct iovec v[2];

	RING_NEEDED(r);
	ASSERT_EQ(0, shmring_split(r, &p, NULL));
	EXPECT_EQ(0, shmring_write_acquire(r, v));
	EXPECT_EQ(NULL, v[0].iov_base);
	EXPECT_EQ(-EBUSY, shmring_write_commit(r, 0));
	EXPECT_EQ(-EBUSY, shmring_write_commit(r, 1));
	EXPECT_EQ(0, shmring_try_write_from(r, "x", 1));
	EXPECT_EQ(-EBUSY, shmring_wait_writable(r, 1, NULL));
	EXPECT_EQ(-EBUSY, shmring_arm_writable(r));
	EXPECT_EQ(-EBUSY, shmring_write_all(r, "x", 1, NULL));
	EXPECT_EQ(-EBUSY, shmring_split(r, &p2, NULL));
	/* All or nothing. */
	EXPECT_EQ(-EBUSY, shmring_split(r, &p2, &c));
	EXPECT_EQ(-EBUSY, shmring_narrow(r, SHMRING_ROLE_CONSUMER));

	/* The other role stays where it was. */
	EXPECT_EQ(1, shmring_producer_try_write_from(&p, "x", 1));
	EXPECT_EQ(1, shmring_available(r));
	EXPECT_EQ(cap - 1, shmring_space(r));
	EXPECT_EQ(1, shmring_read_acquire(r, v));
	EXPECT_EQ(0, shmring_read_release(r, 1));

	ASSERT_EQ(0, shmring_split(r, NULL, &c));
	EXPECT_EQ(0, shmring_read_acquire(r, v));
	EXPECT_EQ(-EBUSY, shmring_read_release(r, 0));
	EXPECT_EQ(0, shmring_try_read_into(r, self->buf, 1));
	EXPECT_EQ(-EBUSY, shmring_wait_readable(r, 1, NULL));
	EXPECT_EQ(-EBUSY, shmring_arm_readable(r));
	EXPECT_EQ(-EBUSY, shmring_read_some(r, self->buf, 1, NULL));
	EXPECT_EQ(-EBUSY, shmring_split(r, NULL, &c));
	EXPECT_EQ(SHMRING_ROLE_BOTH, shmring_roles(r));
	EXPECT_EQ(0, shmring_split(r, NULL, NULL));
}

TEST_F(ring, an_observer_only_looks)
{
	uint32_t cap = variant->capacity;
	struct shmring *r = self->r, *o;
	struct iovec v[2];

	RING_NEEDED(r);
	o = shmring_join(r, SHMRING_ROLE_OBSERVER);
	ASSERT_NE(NULL, o);
	EXPECT_EQ(SHMRING_ROLE_OBSERVER, shmring_roles(o));
	EXPECT_EQ(cap, shmring_cap(o));
	ASSERT_EQ(1, shmring_try_write_from(r, "x", 1));
	EXPECT_EQ(1, shmring_available(o));
	EXPECT_EQ(cap - 1, shmring_space(o));
	EXPECT_EQ(0, shmring_status(o));

	EXPECT_EQ(0, shmring_read_acquire(o, v));
	EXPECT_EQ(NULL, v[0].iov_base);
	EXPECT_EQ(0, v[0].iov_len);
	EXPECT_EQ(0, shmring_write_acquire(o, v));
	EXPECT_EQ(-EACCES, shmring_read_release(o, 0));
	EXPECT_EQ(-EACCES, shmring_read_release(o, 1));
	EXPECT_EQ(-EACCES, shmring_write_commit(o, 0));
	EXPECT_EQ(-EACCES, shmring_write_commit(o, 1));
	EXPECT_EQ(0, shmring_try_read_into(o, self->buf, 1));
	EXPECT_EQ(0, shmring_try_write_from(o, "x", 1));
	EXPECT_EQ(-EACCES, shmring_arm_readable(o));
	EXPECT_EQ(-EACCES, shmring_lowat(o, SHMRING_READABLE, 1));
	EXPECT_EQ(-EACCES, shmring_split(o, NULL, &(struct shmring_consumer){}));
	EXPECT_EQ(-1, shmring_pollfd(o, SHMRING_READABLE).fd);
	EXPECT_EQ(1, shmring_available(r));

	/* It may look, but nobody misses it. */
	shmring_free(o);
	EXPECT_EQ(0, shmring_status(r));
}

TEST_F(ring, stats_and_roles)
{
	struct shmring_stats s;
	struct shmring *r = self->r;

	RING_NEEDED(r);
	ASSERT_EQ(1, shmring_try_write_from(r, "x", 1));
	memset(&s, 0xff, sizeof(s));
	ASSERT_EQ(0, shmring_stats(r, &s));
	EXPECT_EQ(variant->backend, s.backend);
	EXPECT_EQ(variant->capacity, s.capacity);
	EXPECT_EQ(SHMRING_ROLE_BOTH, s.roles);
	EXPECT_EQ(0, s.flags);
	EXPECT_EQ(0, s.state);
	EXPECT_EQ(0, s.handles);
	EXPECT_EQ(1, s.wr);
	EXPECT_EQ(0, s.rd);
	EXPECT_EQ(0, s.rx.kicks + s.rx.arms + s.rx.sleeps);
	EXPECT_EQ(0, s.tx.kicks + s.tx.arms + s.tx.sleeps);
	EXPECT_EQ(0, s.drops + s.drop_bytes);
	if (variant->backend == SHMRING_BACKEND_DEVICE) {
		EXPECT_EQ(getpid(), s.producer_pid);
		EXPECT_EQ(getpid(), s.consumer_pid);
	}
}

TEST_HARNESS_MAIN
