// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spans and positions
 *
 *	two-span acquire, p1 before p2		two_spans_p1_before_p2
 *	one span from a page up (mirror)	one_span_across_the_wrap
 *	commit/release of exactly n, n = 0,
 *	n < acquired, n > acquired		commit_*, release_*
 *	u32 wrap-around of the indices		wrap_of_u32
 *	u64 wrap-around of the indices		wrap_of_u64
 *	order across wraps with partial
 *	progress				order_across_wraps_with_partial_progress
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(span)
{
	struct ends e;
	unsigned char *buf;
};

FIXTURE_VARIANT(span) RING_VARIANT;
RING_VARIANTS_LARGE(span);

FIXTURE_SETUP(span)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->buf = malloc(variant->capacity);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(span)
{
	free(self->buf);
	ends_close(&self->e);
}

/* Move both ends to @pos, without touching the data. */
static int move_to(struct ends *e, uint64_t pos)
{
	struct iovec v[2];
	size_t n;

	while (pos) {
		n = shmring_write_acquire(e->out, v);
		n = n < pos ? n : pos;
		if (shmring_write_commit(e->out, n) ||
		    shmring_read_acquire(e->in, v) != n ||
		    shmring_read_release(e->in, n))
			return -1;
		pos -= n;
	}
	return 0;
}

TEST_F(span, two_spans_p1_before_p2)
{
	uint32_t cap = variant->capacity, at = cap / 2 + 1;
	struct iovec w[2], v[2];

	RING_NEEDED(self->e.in);
	if (cap >= (uint32_t)sysconf(_SC_PAGESIZE))
		return;
	if (cap == 2)
		at = 1;
	ASSERT_EQ(0, move_to(&self->e, at));
	ASSERT_EQ(cap, shmring_write_acquire(self->e.out, w));
	EXPECT_EQ(cap - at, w[0].iov_len);
	EXPECT_EQ(at, w[1].iov_len);
	/* p[0] ends where the data area ends, p[1] is where it begins. */
	EXPECT_EQ(w[1].iov_base, (char *)w[0].iov_base - at);
	pattern_fill_spans(w, at, cap);
	ASSERT_EQ(0, shmring_write_commit(self->e.out, cap));

	ASSERT_EQ(cap, shmring_read_acquire(self->e.in, v));
	EXPECT_EQ(cap - at, v[0].iov_len);
	EXPECT_EQ(at, v[1].iov_len);
	EXPECT_EQ(cap, pattern_check_spans(v, at, cap));
	/* A release of the first span leaves the second. */
	ASSERT_EQ(0, shmring_read_release(self->e.in, cap - at));
	ASSERT_EQ(at, shmring_read_acquire(self->e.in, v));
	EXPECT_EQ(at, v[0].iov_len);
	EXPECT_EQ(NULL, v[1].iov_base);
	EXPECT_EQ(0, v[1].iov_len);
	EXPECT_EQ(at, pattern_check(v[0].iov_base, cap, at));
}

TEST_F(span, one_span_across_the_wrap)
{
	uint32_t cap = variant->capacity, at = cap - 3;
	uint32_t some = cap < 64 * KIB ? cap : 64 * KIB;
	struct iovec w[2], v[2];

	RING_NEEDED(self->e.in);
	if (cap < (uint32_t)sysconf(_SC_PAGESIZE))
		return;
	ASSERT_EQ(0, move_to(&self->e, at));
	ASSERT_EQ(cap, shmring_write_acquire(self->e.out, w));
	EXPECT_EQ(cap, w[0].iov_len);
	EXPECT_EQ(NULL, w[1].iov_base);
	EXPECT_EQ(0, w[1].iov_len);
	pattern_fill(w[0].iov_base, at, some);
	/* What is written behind the end stands at the beginning as well. */
	EXPECT_EQ(some - 3,
		  pattern_check((char *)w[0].iov_base - at, cap, some - 3));
	ASSERT_EQ(0, shmring_write_commit(self->e.out, cap));
	ASSERT_EQ(cap, shmring_read_acquire(self->e.in, v));
	EXPECT_EQ(cap, v[0].iov_len);
	EXPECT_EQ(NULL, v[1].iov_base);
	EXPECT_EQ(some, pattern_check(v[0].iov_base, at, some));
	ASSERT_EQ(0, shmring_read_release(self->e.in, cap));
}

TEST_F(span, one_span_where_nothing_wraps)
{
	uint32_t cap = variant->capacity;
	struct iovec v[2];

	RING_NEEDED(self->e.in);
	memset(v, 0xff, sizeof(v));
	EXPECT_EQ(0, shmring_read_acquire(self->e.in, v));
	EXPECT_EQ(NULL, v[0].iov_base);
	EXPECT_EQ(0, v[0].iov_len);
	EXPECT_EQ(NULL, v[1].iov_base);
	EXPECT_EQ(0, v[1].iov_len);
	memset(v, 0xff, sizeof(v));
	ASSERT_EQ(cap, shmring_write_acquire(self->e.out, v));
	EXPECT_EQ(cap, v[0].iov_len);
	EXPECT_EQ(NULL, v[1].iov_base);
	EXPECT_EQ(0, v[1].iov_len);
}

TEST_F(span, commit_of_n)
{
	uint32_t cap = variant->capacity;
	struct shmring *out = self->e.out, *in = self->e.in;
	struct iovec v[2];

	RING_NEEDED(in);
	/* Nothing was acquired. */
	EXPECT_EQ(0, shmring_write_commit(out, 0));
	EXPECT_EQ(-EINVAL, shmring_write_commit(out, 1));
	EXPECT_EQ(0, shmring_available(in));

	ASSERT_EQ(cap, shmring_write_acquire(out, v));
	EXPECT_EQ(-EINVAL, shmring_write_commit(out, (size_t)cap + 1));
	EXPECT_EQ(-EINVAL, shmring_write_commit(out, SIZE_MAX));
	EXPECT_EQ(0, shmring_available(in));
	EXPECT_EQ(0, shmring_write_commit(out, 0));
	EXPECT_EQ(0, shmring_available(in));
	/* n < acquired: the rest stays committable, and no more than that. */
	EXPECT_EQ(0, shmring_write_commit(out, 1));
	EXPECT_EQ(1, shmring_available(in));
	EXPECT_EQ(-EINVAL, shmring_write_commit(out, cap));
	EXPECT_EQ(1, shmring_available(in));
	EXPECT_EQ(0, shmring_write_commit(out, cap - 1));
	EXPECT_EQ(cap, shmring_available(in));
	EXPECT_EQ(-EINVAL, shmring_write_commit(out, 1));
	EXPECT_EQ(cap, shmring_available(in));

	/* Space that came since counts from the next acquire on. */
	ASSERT_EQ(cap, shmring_read_acquire(in, v));
	ASSERT_EQ(0, shmring_read_release(in, cap));
	EXPECT_EQ(-EINVAL, shmring_write_commit(out, 1));
	ASSERT_EQ(cap, shmring_write_acquire(out, v));
	EXPECT_EQ(0, shmring_write_commit(out, cap));
}

TEST_F(span, release_of_n)
{
	uint32_t cap = variant->capacity;
	struct shmring *out = self->e.out, *in = self->e.in;
	struct iovec v[2];

	RING_NEEDED(in);
	EXPECT_EQ(0, shmring_read_release(in, 0));
	EXPECT_EQ(-EINVAL, shmring_read_release(in, 1));
	EXPECT_EQ(0, shmring_read_acquire(in, v));
	EXPECT_EQ(-EINVAL, shmring_read_release(in, 1));
	ASSERT_EQ(cap, shmring_write_acquire(out, v));
	ASSERT_EQ(0, shmring_write_commit(out, cap - 1));

	ASSERT_EQ(cap - 1, shmring_read_acquire(in, v));
	/* It is there, but came after the acquire. */
	ASSERT_EQ(0, shmring_write_commit(out, 1));
	EXPECT_EQ(-EINVAL, shmring_read_release(in, cap));
	EXPECT_EQ(-EINVAL, shmring_read_release(in, SIZE_MAX));
	EXPECT_EQ(0, shmring_space(out));
	EXPECT_EQ(0, shmring_read_release(in, 0));
	EXPECT_EQ(0, shmring_space(out));
	EXPECT_EQ(0, shmring_read_release(in, cap - 1));
	EXPECT_EQ(cap - 1, shmring_space(out));
	EXPECT_EQ(-EINVAL, shmring_read_release(in, 1));
	EXPECT_EQ(cap - 1, shmring_space(out));
	EXPECT_EQ(1, shmring_read_acquire(in, v));
	EXPECT_EQ(0, shmring_read_release(in, 1));
	EXPECT_EQ(cap, shmring_space(out));
}

/* Says where it went wrong, if it did. */
#define EXPECT_PASS(expression)						\
	do {								\
		const char *wrong = expression;				\
									\
		EXPECT_EQ(NULL, wrong)					\
			TH_LOG("wrong: %s", wrong);			\
	} while (0)

/* Through the ring in pieces of up to @most; NULL, or where it went wrong. */
static const char *pass(struct ends *e, unsigned char *buf, uint64_t start,
			uint64_t total, uint64_t seed, uint32_t most)
{
	uint64_t wr = start, rd = start, end = start + total;
	uint32_t cap = shmring_cap(e->in);
	struct iovec v[2];
	size_t n, got, want;

	while (rd != end) {
		n = random_next(&seed) % most + 1;
		n = n < end - wr ? n : end - wr;
		if (seed & 1 << 20) {
			got = shmring_write_acquire(e->out, v);
			if (got != cap - (wr - rd))
				return "space";
			n = n < got ? n : got;
			pattern_fill_spans(v, wr, n);
			if (shmring_write_commit(e->out, n))
				return "commit";
		} else {
			n = n < cap ? n : cap;
			want = cap - (wr - rd);
			want = want < n ? want : n;
			pattern_fill(buf, wr, n);
			n = shmring_try_write_from(e->out, buf, n);
			if (n != want)
				return "try_write_from";
		}
		wr += n;
		if (shmring_available(e->in) != wr - rd)
			return "available";

		n = random_next(&seed) % most + 1;
		if (seed & 1 << 20) {
			got = shmring_read_acquire(e->in, v);
			if (got != wr - rd)
				return "acquire";
			n = n < got ? n : got;
			if (pattern_check_spans(v, rd, n) != n)
				return "data of a span";
			if (shmring_read_release(e->in, n))
				return "release";
		} else {
			n = n < cap ? n : cap;
			want = wr - rd < n ? wr - rd : n;
			n = shmring_try_read_into(e->in, buf, n);
			if (n != want)
				return "try_read_into";
			if (pattern_check(buf, rd, n) != n)
				return "data of a copy";
		}
		rd += n;
		if (shmring_space(e->out) != cap - (wr - rd))
			return "space after";
	}
	return NULL;
}

TEST_F(span, order_across_wraps_with_partial_progress)
{
	uint32_t cap = variant->capacity;
	uint64_t total = cap <= 4096 ? 3ULL * cap + 1000 : cap + 100000;

	RING_NEEDED(self->e.in);
	EXPECT_PASS(pass(&self->e, self->buf, 0, total, 42,
			 cap > 8 ? cap / 3 : cap));
}

TEST_F(span, order_with_tiny_and_full_pieces)
{
	uint32_t cap = variant->capacity;

	RING_NEEDED(self->e.in);
	if (cap > 4096)
		return;
	EXPECT_PASS(pass(&self->e, self->buf, 0, 20000, 7, 1));
	EXPECT_PASS(pass(&self->e, self->buf, 20000, 20000, 9, 2 * cap));
}

static const char *wrap(uint32_t backend, uint32_t capacity, uint64_t at)
{
	/* Over the edge in the middle, and in whatever pieces come. */
	uint64_t total = (capacity <= 4096 ? 4ULL : 2ULL) * capacity;
	uint64_t start = at - capacity - capacity / 2 - 1;
	unsigned char *buf = malloc(capacity);
	const char *wrong;
	struct ends e;

	if (ends_open(&e, backend, capacity, start)) {
		wrong = "ends_open";
	} else if (shmring_available(e.in) || shmring_space(e.in) != capacity) {
		wrong = "empty";
	} else {
		wrong = pass(&e, buf, start, total, 99, capacity);
		/* And on the whole it must have gone beyond. */
		if (!wrong && *e.in->rd != start + total)
			wrong = "position";
	}
	ends_close(&e);
	free(buf);
	return wrong;
}

TEST_F(span, wrap_of_u32)
{
	RING_NEEDED(self->e.in);
	if (variant->capacity > MIB)
		return;
	EXPECT_PASS(wrap(variant->backend, variant->capacity, 1ULL << 32));
	EXPECT_PASS(wrap(variant->backend, variant->capacity, 1ULL << 31));
}

TEST_F(span, wrap_of_u64)
{
	RING_NEEDED(self->e.in);
	if (variant->capacity > MIB)
		return;
	EXPECT_PASS(wrap(variant->backend, variant->capacity, 0));
	EXPECT_PASS(wrap(variant->backend, variant->capacity, 1ULL << 63));
}

TEST_HARNESS_MAIN
