// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations, and what a queue of two numbers says of them
 *
 * The model is the pair of positions: an element's content tells its number.
 */
#include <errno.h>
#include <stdlib.h>

#include <kselftest_harness.h>

#include "queue.h"

FIXTURE(property)
{
	struct shmring_region g;
	struct shmring_queue q;
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	unsigned char *items;
	uint64_t random;
	uint64_t wr, rd;	/* the model */
};

FIXTURE_VARIANT(property) QUEUE_VARIANT;
QUEUE_VARIANTS(property);

FIXTURE_SETUP(property)
{
	ASSERT_EQ(0, shmring_region_memfd(&self->g,
					  shmring_queue_bytes(variant->capacity,
							      variant->size,
							      variant->align)));
	ASSERT_EQ(0, shmring_queue_init(&self->q, &self->g, 0,
					variant->capacity, variant->size,
					variant->align));
	self->items = malloc(2 * variant->capacity * variant->size);
	ASSERT_NE(NULL, self->items);
	self->random = 0x2545f4914f6cdd1d;
}

FIXTURE_TEARDOWN(property)
{
	free(self->items);
	shmring_region_close(&self->g);
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* What a call that moves up to @n of @there elements returns. */
static long cut(uint64_t n, uint64_t there)
{
	if (!n)
		return 0;
	return there ? (long)least(n, there) : -EAGAIN;
}

static bool produce(FIXTURE_DATA(property) *self, uint64_t cap, uint64_t size)
{
	uint64_t n = queue_random(&self->random) % (cap + 2);
	uint64_t space = cap - (self->wr - self->rd);
	uint64_t piece = cap - (self->wr & (cap - 1)), some;
	void *slots = NULL;
	long got;

	switch (queue_random(&self->random) % 4) {
	case 0:
		item_fill(self->items, size, self->wr);
		if (shmring_queue_push(&self->p, self->items) !=
		    (space ? 0 : -EAGAIN))
			return false;
		self->wr += space > 0;
		return true;
	case 1:
		items_fill(self->items, size, self->wr, n);
		got = shmring_queue_push_n(&self->p, self->items, n);
		if (got != cut(n, space))
			return false;
		self->wr += got > 0 ? got : 0;
		return true;
	case 2:
		got = shmring_queue_reserve(&self->p, &slots, n);
		if (got != cut(n, least(space, piece)))
			return false;
		if (got <= 0)
			return true;
		some = queue_random(&self->random) % (got + 1);
		items_fill(slots, size, self->wr, some);
		if (shmring_queue_commit(&self->p, got + 1) != -EINVAL ||
		    shmring_queue_commit(&self->p, some))
			return false;
		self->wr += some;
		return true;
	default:
		return shmring_queue_space(&self->p) == (long)space &&
		       shmring_queue_full(&self->p) == !space;
	}
}

static bool consume(FIXTURE_DATA(property) *self, uint64_t cap, uint64_t size)
{
	uint64_t n = queue_random(&self->random) % (cap + 2);
	uint64_t there = self->wr - self->rd;
	uint64_t piece = cap - (self->rd & (cap - 1)), some;
	const void *slots = NULL;
	long got;

	switch (queue_random(&self->random) % 5) {
	case 0:
		if (shmring_queue_pop(&self->c, self->items) !=
		    (there ? 0 : -EAGAIN))
			return false;
		if (there && !item_check(self->items, size, self->rd))
			return false;
		self->rd += there > 0;
		return true;
	case 1:
		got = shmring_queue_pop_n(&self->c, self->items, n);
		if (got != cut(n, there))
			return false;
		if (got > 0 && !items_check(self->items, size, self->rd, got))
			return false;
		self->rd += got > 0 ? got : 0;
		return true;
	case 2:
		got = shmring_queue_front(&self->c, &slots, n);
		if (got != cut(n, least(there, piece)))
			return false;
		if (got <= 0)
			return true;
		some = queue_random(&self->random) % (got + 1);
		if (!items_check(slots, size, self->rd, got) ||
		    shmring_queue_release(&self->c, got + 1) != -EINVAL ||
		    shmring_queue_release(&self->c, some))
			return false;
		self->rd += some;
		return true;
	case 3:
		if (shmring_queue_peek(&self->c, self->items) !=
		    (there ? 0 : -EAGAIN))
			return false;
		return !there || item_check(self->items, size, self->rd);
	default:
		return shmring_queue_available(&self->c) == (long)there &&
		       shmring_queue_empty(&self->c) == !there;
	}
}

/* The positions wrap soon after the start. */
TEST_F(property, random_operations)
{
	static const uint64_t starts[] = { 0, UINT32_MAX - 300ULL, -300ULL };
	uint64_t bytes = variant->size * variant->capacity, i, count;
	struct shmring_queue_status s;
	unsigned int k;
	bool ok;

	count = bytes > 10000 ? 3000 : 30000;
	if (getenv("SHMRING_TEST_LONG"))
		count *= 50;
	for (k = 0; k < ARRAY_SIZE(starts); k++) {
		queue_start_at(&self->q, starts[k]);
		ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
		self->wr = starts[k];
		self->rd = starts[k];
		for (i = 0; i < count; i++) {
			if (queue_random(&self->random) & 1)
				ok = produce(self, variant->capacity, variant->size);
			else
				ok = consume(self, variant->capacity, variant->size);
			ASSERT_TRUE(ok)
				TH_LOG("operation %lu", i);
			ASSERT_EQ(0, shmring_queue_status(&self->q, &s));
			ASSERT_EQ(self->wr, s.wr);
			ASSERT_EQ(self->rd, s.rd);
			ASSERT_EQ(self->wr - self->rd, s.len);
			/* An end that is taken anew carries on. */
			if (!(queue_random(&self->random) & 255))
				ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p,
								 &self->c));
		}
		/* It went on and on. */
		EXPECT_LT(count / 16, self->rd - starts[k]);
	}
}

TEST_HARNESS_MAIN
