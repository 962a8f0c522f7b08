// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slab's functions, one by one, and what each says to a bad argument
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <kselftest_harness.h>

#include "slab.h"

FIXTURE(slab)
{
	struct slab_place place;
	struct shmring_slab_cache a, b;
};

FIXTURE_VARIANT(slab)
{
	uint32_t magazine;
};

FIXTURE_VARIANT_ADD(slab, magazine_0) { .magazine = 0 };
FIXTURE_VARIANT_ADD(slab, magazine_1) { .magazine = 1 };
FIXTURE_VARIANT_ADD(slab, magazine_5) { .magazine = 5 };
FIXTURE_VARIANT_ADD(slab, magazine_32) { .magazine = 32 };

#define COUNT	100U

FIXTURE_SETUP(slab)
{
	ASSERT_EQ(0, slab_place_open(&self->place, 24, COUNT, 7));
	ASSERT_EQ(0, shmring_slab_open(&self->a, &self->place.slab, 3, 333, variant->magazine));
	ASSERT_EQ(0, shmring_slab_open(&self->b, &self->place.slab, 5, 555, variant->magazine));
}

FIXTURE_TEARDOWN(slab)
{
	slab_place_close(&self->place);
}

TEST_F(slab, slot_size_and_count)
{
	struct shmring_slab *s = &self->place.slab;
	unsigned int i;

	EXPECT_EQ(24, shmring_slab_slot_size(s));
	EXPECT_EQ(COUNT, shmring_slab_count(s));
	/* With 8 bytes for the state in front of each */
	for (i = 0; i < COUNT; i++)
		EXPECT_EQ(s->data + (8 + 24) * i, shmring_slab_data(s, ((uint64_t)9 << 32) | i));
	EXPECT_EQ(NULL, shmring_slab_data(s, COUNT));
	EXPECT_EQ(NULL, shmring_slab_data(s, UINT32_MAX));
	EXPECT_EQ(NULL, shmring_slab_data(s, UINT64_MAX));
}

/* All there are, each once; the rest of a's magazine cannot be had by b. */
TEST_F(slab, alloc_until_none_is_left)
{
	shmring_slot slots[COUNT + 1];
	unsigned char had[COUNT] = {};
	unsigned int i, n = 0;

	while (n < COUNT && !shmring_slab_alloc(&self->a, &slots[n]))
		n++;
	ASSERT_EQ(COUNT, n);
	EXPECT_EQ(-ENOSPC, shmring_slab_alloc(&self->a, &slots[n]));
	EXPECT_EQ(-ENOSPC, shmring_slab_alloc(&self->b, &slots[n]));
	EXPECT_EQ(0, shmring_slab_free_count(&self->place.slab));
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0, had[shmring_slot_index(slots[i])]++);
		EXPECT_EQ(1, shmring_slot_generation(slots[i]));
		memset(shmring_slab_data(&self->place.slab, slots[i]), i, 24);
	}
	for (i = 0; i < n; i++) {
		EXPECT_EQ(i, *(unsigned char *)shmring_slab_data(&self->place.slab, slots[i]));
		EXPECT_EQ(0, shmring_slab_free_allocated(&self->a, slots[i], NULL));
		EXPECT_EQ(i + 1, shmring_slab_free_count(&self->place.slab));
	}
	EXPECT_EQ(0, shmring_slab_close(&self->a));
	EXPECT_EQ(NULL, slab_whole(&self->place.slab, 1));
}

TEST_F(slab, a_magazine_keeps_no_more_than_its_limit)
{
	shmring_slot slots[COUNT];
	unsigned int i;

	for (i = 0; i < COUNT; i++)
		ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slots[i]));
	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, shmring_slab_free_allocated(&self->a, slots[i], NULL));
		ASSERT_GE(variant->magazine, self->a.n);
	}
	for (i = 0; i < COUNT - variant->magazine; i++)
		ASSERT_EQ(0, shmring_slab_alloc(&self->b, &slots[i]));
}

TEST_F(slab, generation_rises_at_each_re_use)
{
	uint32_t last[COUNT] = {};
	shmring_slot slot = 0;
	unsigned int i;

	for (i = 0; i < 20 * COUNT; i++) {
		ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slot));
		ASSERT_EQ(last[shmring_slot_index(slot)] + 1, shmring_slot_generation(slot));
		last[shmring_slot_index(slot)]++;
		if (i % 3) {
			ASSERT_EQ(0, shmring_slab_free_allocated(&self->a, slot, NULL));
		} else {
			ASSERT_EQ(0, shmring_slab_mark_in_flight(&self->a, slot, NULL));
			ASSERT_EQ(0, shmring_slab_free(i & 1 ? &self->a : &self->b, slot, NULL));
		}
	}
}

/* After 2^32 - 1 comes 1, so that no handle is ever 0. */
TEST_F(slab, generation_wraps_around_0)
{
	struct shmring_slab *s = &self->place.slab;
	shmring_slot slot = 0;
	unsigned int i;

	for (i = 0; i < COUNT; i++) {
		*shmring_slab_state(s, i) = SHMRING_SLAB_GENERATION;
		s->links[i] |= SHMRING_SLAB_GENERATION;
	}
	for (i = 0; i < COUNT; i++) {
		ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slot));
		ASSERT_EQ(1, shmring_slot_generation(slot));
	}
}

/* Each call, in each wrong state, says what it expected and what it found. */
TEST_F(slab, wrong_state)
{
	struct shmring_slab_cache *a = &self->a, *b = &self->b;
	struct shmring_slab_error err;
	shmring_slot slot = 0;

#define REFUSED(call, want, found) do {						\
	memset(&err, 0xff, sizeof(err));					\
	EXPECT_EQ(-EBADFD, call);						\
	EXPECT_EQ(shmring_slot_index(slot), err.index);				\
	EXPECT_EQ(SHMRING_SLAB_##want, err.expected);				\
	EXPECT_EQ(SHMRING_SLAB_##found, err.actual);				\
} while (0)

	ASSERT_EQ(0, shmring_slab_alloc(a, &slot));
	REFUSED(shmring_slab_free(a, slot, &err), IN_FLIGHT, ALLOCATED);
	REFUSED(shmring_slab_free(b, slot, &err), IN_FLIGHT, ALLOCATED);
	REFUSED(shmring_slab_take(a, slot, &err), IN_FLIGHT, ALLOCATED);
	REFUSED(shmring_slab_take(b, slot, &err), IN_FLIGHT, ALLOCATED);

	ASSERT_EQ(0, shmring_slab_mark_in_flight(a, slot, &err));
	REFUSED(shmring_slab_mark_in_flight(a, slot, &err), ALLOCATED, IN_FLIGHT);
	REFUSED(shmring_slab_mark_in_flight(b, slot, &err), ALLOCATED, IN_FLIGHT);
	REFUSED(shmring_slab_free_allocated(a, slot, &err), ALLOCATED, IN_FLIGHT);
	REFUSED(shmring_slab_free_allocated(b, slot, &err), ALLOCATED, IN_FLIGHT);

	ASSERT_EQ(0, shmring_slab_free(b, slot, &err));
	if (variant->magazine) {
		REFUSED(shmring_slab_free(b, slot, &err), IN_FLIGHT, CACHED);
		REFUSED(shmring_slab_free_allocated(b, slot, &err), ALLOCATED, CACHED);
		REFUSED(shmring_slab_mark_in_flight(a, slot, &err), ALLOCATED, CACHED);
		REFUSED(shmring_slab_take(a, slot, &err), IN_FLIGHT, CACHED);
	}
	ASSERT_EQ(0, shmring_slab_close(b));
	REFUSED(shmring_slab_free(a, slot, &err), IN_FLIGHT, FREE);
	REFUSED(shmring_slab_free_allocated(a, slot, &err), ALLOCATED, FREE);
	REFUSED(shmring_slab_mark_in_flight(a, slot, &err), ALLOCATED, FREE);
	REFUSED(shmring_slab_take(a, slot, &err), IN_FLIGHT, FREE);
	EXPECT_EQ(-EBADFD, shmring_slab_take(a, slot, NULL));
#undef REFUSED
}

TEST_F(slab, wrong_owner)
{
	struct shmring_slab_error err;
	shmring_slot slot = 0;

#define REFUSED(call) do {							\
	memset(&err, 0xff, sizeof(err));					\
	EXPECT_EQ(-EPERM, call);						\
	EXPECT_EQ(shmring_slot_index(slot), err.index);				\
	EXPECT_EQ(5, err.expected);						\
	EXPECT_EQ(3, err.actual);						\
} while (0)

	ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slot));
	REFUSED(shmring_slab_mark_in_flight(&self->b, slot, &err));
	REFUSED(shmring_slab_free_allocated(&self->b, slot, &err));
	EXPECT_EQ(-EPERM, shmring_slab_free_allocated(&self->b, slot, NULL));
#undef REFUSED
	/* It is the taker's once it has been taken. */
	ASSERT_EQ(0, shmring_slab_mark_in_flight(&self->a, slot, &err));
	ASSERT_EQ(0, shmring_slab_take(&self->b, slot, &err));
	EXPECT_EQ(-EPERM, shmring_slab_free_allocated(&self->a, slot, &err));
	EXPECT_EQ(3, err.expected);
	EXPECT_EQ(5, err.actual);
	EXPECT_EQ(0, shmring_slab_free_allocated(&self->b, slot, &err));
}

/* Two that take a slot in turn before anybody else does, and send it on */
static struct {
	struct shmring_slab_cache c[2];
	shmring_slot slot;
	unsigned int times;
	int err;
} faster;

static void take_and_send_on(void)
{
	struct shmring_slab_cache *c = &faster.c[--faster.times % 2];

	faster.err |= shmring_slab_take(c, faster.slot, NULL);
	faster.err |= shmring_slab_mark_in_flight(c, faster.slot, NULL);
	if (faster.times)
		slab_layer.meanwhile = take_and_send_on;
}

/* A slot that is in flight, and sent on @times times just before it is had */
static int send(struct shmring_slab_cache *from, unsigned int times)
{
	slab_layer.meanwhile = NULL;
	faster.times = times;
	if (shmring_slab_alloc(from, &faster.slot) ||
	    shmring_slab_mark_in_flight(from, faster.slot, NULL))
		return -1;
	slab_layer.meanwhile = take_and_send_on;
	return 0;
}

/*
 * In flight, but by somebody else than at the look before: it can still be had,
 * and if it never stands still then it is those who have it in between.
 */
TEST_F(slab, sent_on_meanwhile)
{
	struct shmring_slab *s = &self->place.slab;
	struct shmring_slab_error err;

	ASSERT_EQ(0, shmring_slab_open(&faster.c[0], s, 1, 1, 0));
	ASSERT_EQ(0, shmring_slab_open(&faster.c[1], s, 2, 2, 0));
	ASSERT_EQ(0, send(&self->a, 1));
	EXPECT_EQ(0, shmring_slab_take(&self->b, faster.slot, &err));
	EXPECT_EQ(0, faster.times);
	ASSERT_EQ(0, send(&self->a, 10));
	EXPECT_EQ(0, shmring_slab_free(&self->b, faster.slot, &err));
	EXPECT_EQ(0, faster.times);

	ASSERT_EQ(0, send(&self->a, SHMRING_SLAB_TRIES + 10));
	EXPECT_EQ(-EBADFD, shmring_slab_take(&self->b, faster.slot, &err));
	EXPECT_EQ(shmring_slot_index(faster.slot), err.index);
	EXPECT_EQ(SHMRING_SLAB_IN_FLIGHT, err.expected);
	EXPECT_EQ(SHMRING_SLAB_ALLOCATED, err.actual);
	EXPECT_EQ(10, faster.times);
	slab_layer.meanwhile = NULL;
	EXPECT_EQ(0, shmring_slab_free(&self->b, faster.slot, &err));
	EXPECT_EQ(0, faster.err);
}

TEST_F(slab, wrong_generation)
{
	struct shmring_slab_error err;
	shmring_slot old = 0, slot = 0;
	unsigned int i;

	ASSERT_EQ(0, shmring_slab_alloc(&self->a, &old));
	ASSERT_EQ(0, shmring_slab_free_allocated(&self->a, old, NULL));
	do {
		ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slot));
	} while (shmring_slot_index(slot) != shmring_slot_index(old));
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-ESTALE, shmring_slab_free(&self->a, old, &err));
		EXPECT_EQ(-ESTALE, shmring_slab_take(&self->b, old, &err));
		EXPECT_EQ(-ESTALE, shmring_slab_mark_in_flight(&self->a, old, &err));
		memset(&err, 0xff, sizeof(err));
		EXPECT_EQ(-ESTALE, shmring_slab_free_allocated(&self->a, old, &err));
		EXPECT_EQ(shmring_slot_index(old), err.index);
		EXPECT_EQ(1, err.expected);
		EXPECT_EQ(2, err.actual);
		if (!i)
			ASSERT_EQ(0, shmring_slab_mark_in_flight(&self->a, slot, NULL));
	}
	EXPECT_EQ(0, shmring_slab_free(&self->b, slot, &err));
}

TEST_F(slab, wrong_index)
{
	static const uint32_t bad[] = { COUNT, COUNT + 1, 127, 128, 1 << 24, UINT32_MAX };
	struct shmring_slab_error err;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		shmring_slot slot = ((uint64_t)1 << 32) | bad[i];

		EXPECT_EQ(-ERANGE, shmring_slab_free(&self->a, slot, &err));
		EXPECT_EQ(-ERANGE, shmring_slab_take(&self->a, slot, &err));
		EXPECT_EQ(-ERANGE, shmring_slab_mark_in_flight(&self->a, slot, &err));
		memset(&err, 0xff, sizeof(err));
		EXPECT_EQ(-ERANGE, shmring_slab_free_allocated(&self->a, slot, &err));
		EXPECT_EQ(bad[i], err.index);
		EXPECT_EQ(COUNT, err.expected);
		EXPECT_EQ(bad[i], err.actual);
		EXPECT_EQ(-ERANGE, shmring_slab_free(&self->a, slot, NULL));
	}
	/* No slot has ever been of generation 0. */
	EXPECT_EQ(-EBADFD, shmring_slab_free(&self->a, 0, &err));
}

TEST_F(slab, owners)
{
	struct shmring_slab *s = &self->place.slab;
	struct shmring_slab_cache c[7];
	uint32_t holder;
	unsigned int i;

	EXPECT_EQ(-EBUSY, shmring_slab_open(&c[0], s, 3, 1, 0));
	EXPECT_EQ(-EINVAL, shmring_slab_open(&c[0], s, 8, 1, 0));
	EXPECT_EQ(-EINVAL, shmring_slab_open(&c[0], s, 1, 1, 33));
	/* Whom nobody could name */
	EXPECT_EQ(-EINVAL, shmring_slab_open(&c[0], s, 1, 0, 0));
	for (i = 0; i < 5; i++)
		EXPECT_EQ(0, shmring_slab_open(&c[i], s, 0, 1000 + i, 0));
	EXPECT_EQ(-EUSERS, shmring_slab_open(&c[5], s, 0, 1, 0));
	EXPECT_EQ(0, shmring_slab_holder(s, 3, &holder));
	EXPECT_EQ(333, holder);
	EXPECT_EQ(0, shmring_slab_holder(s, 7, &holder));
	EXPECT_EQ(1004, holder);
	EXPECT_EQ(-EINVAL, shmring_slab_holder(s, 0, &holder));
	EXPECT_EQ(-EINVAL, shmring_slab_holder(s, 8, &holder));
	EXPECT_EQ(0, shmring_slab_close(&self->b));
	EXPECT_EQ(-ENOENT, shmring_slab_holder(s, 5, &holder));
	EXPECT_EQ(0, shmring_slab_open(&c[5], s, 0, 1, 0));
	EXPECT_EQ(5, c[5].owner);
}

TEST_F(slab, reclaim)
{
	struct shmring_slab *s = &self->place.slab;
	struct shmring_slab_cache c;
	struct shmring_slab_error err;
	shmring_slot slots[60];
	unsigned int i, free;
	uint32_t holder;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slots[i]));
	for (i = 0; i < 20; i++)
		ASSERT_EQ(0, shmring_slab_mark_in_flight(&self->a, slots[i], NULL));
	/* These are others' now, and survive. */
	ASSERT_EQ(0, shmring_slab_take(&self->b, slots[0], NULL));
	ASSERT_EQ(0, shmring_slab_free(&self->b, slots[1], NULL));

	EXPECT_EQ(-EINVAL, shmring_slab_reclaim(&self->b, 0, 0));
	EXPECT_EQ(-EINVAL, shmring_slab_reclaim(&self->b, 5, 555));
	EXPECT_EQ(-EINVAL, shmring_slab_reclaim(&self->b, 8, 0));
	EXPECT_EQ(0, shmring_slab_reclaim(&self->b, 1, 0));
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&self->b, 1, 333));
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&self->b, 3, 334));
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&self->b, 3, 0));
	free = self->a.n;
	EXPECT_EQ(58 + free, shmring_slab_reclaim(&self->b, 3, 333));
	EXPECT_EQ(-ENOENT, shmring_slab_holder(s, 3, &holder));
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&self->b, 3, 333));
	EXPECT_EQ(0, shmring_slab_reclaim(&self->b, 3, 0));
	EXPECT_EQ(COUNT - 1, shmring_slab_free_count(s));
	EXPECT_EQ(0, shmring_slab_free_allocated(&self->b, slots[0], NULL));
	/* What the dead had sent is nobody's. */
	EXPECT_EQ(-EBADFD, shmring_slab_take(&self->b, slots[2], &err));
	ASSERT_EQ(0, shmring_slab_open(&c, s, 3, 3, 0));
	EXPECT_EQ(-EBADFD, shmring_slab_free_allocated(&c, slots[30], &err));
	EXPECT_EQ(0, shmring_slab_close(&c));
	EXPECT_EQ(0, shmring_slab_close(&self->b));
	EXPECT_EQ(NULL, slab_whole(s, 1));
}

/* The sender closes, and then those die to whom it had sent. */
TEST_F(slab, reclaim_what_a_closed_owner_had_sent)
{
	struct shmring_slab *s = &self->place.slab;
	struct shmring_slab_cache c;
	shmring_slot slots[10];
	uint32_t holder;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(slots); i++)
		ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slots[i]));
	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, shmring_slab_mark_in_flight(&self->a, slots[i], NULL));
	ASSERT_EQ(0, shmring_slab_close(&self->a));
	ASSERT_EQ(0, shmring_slab_take(&self->b, slots[0], NULL));

	ASSERT_EQ(0, shmring_slab_open(&c, s, 1, 1, variant->magazine));
	EXPECT_LE(1, shmring_slab_reclaim(&c, 5, 555));
	/* Seven that are in flight, and two that it had kept */
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&c, 3, 333));
	EXPECT_EQ(9, shmring_slab_reclaim(&c, 3, 0));
	EXPECT_EQ(0, shmring_slab_reclaim(&c, 3, 0));
	EXPECT_EQ(-ENOENT, shmring_slab_holder(s, 3, &holder));
	EXPECT_EQ(COUNT, shmring_slab_free_count(s));
	/* The id can be had again, and not be reclaimed by two */
	ASSERT_EQ(0, shmring_slab_open(&self->a, s, 3, 3, 0));
	ASSERT_EQ(0, shmring_slab_close(&self->a));
	s->records[2].holder = shmring_slab_claim(2, 0);
	EXPECT_EQ(-EBUSY, shmring_slab_open(&self->a, s, 3, 3, 0));
	EXPECT_EQ(-EBUSY, shmring_slab_reclaim(&c, 3, 0));
	s->records[2].holder = 0;
	EXPECT_EQ(0, shmring_slab_close(&c));
	EXPECT_EQ(NULL, slab_whole(s, 1));
}

/* Two have seen the same end, and one of them was faster than a third one's open. */
TEST_F(slab, reclaim_takes_nothing_of_the_next_one)
{
	struct shmring_slab *s = &self->place.slab;
	struct shmring_slab_cache late, next;
	shmring_slot slot = 0;
	uint32_t holder = 0;

	ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slot));
	ASSERT_EQ(0, shmring_slab_open(&late, s, 1, 1, variant->magazine));
	EXPECT_LE(1, shmring_slab_reclaim(&self->b, 3, 333));
	ASSERT_EQ(0, shmring_slab_open(&next, s, 3, 334, variant->magazine));
	ASSERT_EQ(0, shmring_slab_alloc(&next, &slot));
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&late, 3, 333));
	EXPECT_EQ(0, shmring_slab_holder(s, 3, &holder));
	EXPECT_EQ(334, holder);
	EXPECT_EQ(0, shmring_slab_free_allocated(&next, slot, NULL));
	EXPECT_EQ(0, shmring_slab_close(&next));
	/* Nor of one who has opened what was closed */
	ASSERT_EQ(0, shmring_slab_open(&next, s, 3, 335, variant->magazine));
	ASSERT_EQ(0, shmring_slab_alloc(&next, &slot));
	EXPECT_EQ(-ESRCH, shmring_slab_reclaim(&late, 3, 0));
	EXPECT_EQ(0, shmring_slab_free_allocated(&next, slot, NULL));
	EXPECT_EQ(0, shmring_slab_close(&next));
	EXPECT_EQ(0, shmring_slab_close(&late));
	EXPECT_EQ(0, shmring_slab_close(&self->b));
	EXPECT_EQ(NULL, slab_whole(s, 1));
}

/* A reclaimer that died is reclaimed, and then what it was about. */
TEST_F(slab, reclaim_a_reclaimer)
{
	struct shmring_slab *s = &self->place.slab;
	struct shmring_slab_cache c;
	shmring_slot slot = 0;
	uint32_t holder = 0;

	ASSERT_EQ(0, shmring_slab_alloc(&self->a, &slot));
	s->records[2].holder = shmring_slab_claim(5, 333);
	s->records[3].holder = shmring_slab_claim(5, 0);
	s->records[6].holder = shmring_slab_claim(1, 777);
	ASSERT_EQ(0, shmring_slab_open(&c, s, 1, 1, 0));
	EXPECT_EQ(-EBUSY, shmring_slab_reclaim(&c, 3, 333));
	EXPECT_EQ(-EBUSY, shmring_slab_holder(s, 3, &holder));
	EXPECT_LE(0, shmring_slab_reclaim(&c, 5, 555));
	EXPECT_EQ(0, shmring_slab_holder(s, 3, &holder));
	EXPECT_EQ(333, holder);
	EXPECT_LE(1, shmring_slab_reclaim(&c, 3, 333));
	/* It had been closed, and is so again */
	EXPECT_EQ(-ENOENT, shmring_slab_holder(s, 4, &holder));
	/* Our own, as after -EAGAIN, goes on */
	EXPECT_EQ(-EBUSY, shmring_slab_holder(s, 7, &holder));
	EXPECT_EQ(0, shmring_slab_reclaim(&c, 7, 777));
	EXPECT_EQ(-ENOENT, shmring_slab_holder(s, 7, &holder));
	EXPECT_EQ(0, shmring_slab_close(&c));
	EXPECT_EQ(NULL, slab_whole(s, 1));
}

TEST(init_and_its_errors)
{
	uint64_t length = shmring_slab_raw_length(64, 10, 3);
	struct shmring_slab s;
	struct guarded g;

	ASSERT_NE(0, length);
	ASSERT_EQ(0, guarded_open(&g, length));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, NULL, length, 64, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base + 64, length, 64, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base, length, 0, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base, length, (1ULL << 30) + 1, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base, length, UINT64_MAX, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base, length, 64, 0, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base, length, 64, 10, 0));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_init(&s, g.base, length, 64, 10, 256));
	EXPECT_EQ(-E2BIG, shmring_slab_raw_init(&s, g.base, length, 64, 1 << 24, 1));
	EXPECT_EQ(-E2BIG, shmring_slab_raw_init(&s, g.base, length, 64, UINT64_MAX, 1));
	EXPECT_EQ(-E2BIG, shmring_slab_raw_init(&s, g.base, length, 64, 1 << 16, 255));
	EXPECT_EQ(-ENOSPC, shmring_slab_raw_init(&s, g.base, length - 1, 64, 10, 3));
	EXPECT_EQ(0, shmring_slab_raw_length(0, 1, 1));
	EXPECT_NE(0, shmring_slab_raw_length(1 << 30, (1 << 16) - 1, 255));
	EXPECT_NE(0, shmring_slab_raw_length(1 << 30, (1 << 20) - 1, 15));
	EXPECT_EQ(0, shmring_slab_raw_length(1, 1 << 20, 15));
	EXPECT_EQ(0, shmring_slab_raw_init(&s, g.base, length, 64, 10, 3));
	guarded_close(&g);
}

TEST(one_slot_one_owner)
{
	struct slab_place p;
	struct shmring_slab_cache c;
	shmring_slot slot = 0;
	unsigned int i;

	ASSERT_EQ(0, slab_place_open(&p, 1, 1, 1));
	ASSERT_EQ(0, shmring_slab_open(&c, &p.slab, 1, 1, 0));
	for (i = 1; i < 100; i++) {
		ASSERT_EQ(0, shmring_slab_alloc(&c, &slot));
		ASSERT_EQ((uint64_t)i << 32, slot);
		ASSERT_EQ(-ENOSPC, shmring_slab_alloc(&c, &slot));
		ASSERT_EQ(0, shmring_slab_free_allocated(&c, slot, NULL));
	}
	ASSERT_EQ(0, shmring_slab_close(&c));
	EXPECT_EQ(NULL, slab_whole(&p.slab, 1));
	slab_place_close(&p);
}

/* The other process maps it elsewhere. */
TEST(attach)
{
	struct shmring_slab_cache a, b;
	struct shmring_slab s, t;
	struct guarded g;
	uint64_t length = shmring_slab_raw_length(64, 10, 3);
	unsigned char *other;
	shmring_slot slot = 0;

	ASSERT_EQ(0, guarded_open(&g, length));
	EXPECT_EQ(-EBADMSG, shmring_slab_raw_attach(&t, g.base, g.length));
	ASSERT_EQ(0, shmring_slab_raw_init(&s, g.base, length, 64, 10, 3));
	other = mmap(NULL, g.pages, PROT_READ | PROT_WRITE, MAP_SHARED, g.fd, 0);
	ASSERT_NE(MAP_FAILED, other);
	EXPECT_EQ(-EINVAL, shmring_slab_raw_attach(&t, NULL, length));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_attach(&t, other + 8, length));
	EXPECT_EQ(-EINVAL, shmring_slab_raw_attach(&t, other,
						   sizeof(struct shmring_slab_header) - 1));
	EXPECT_EQ(-ENOSPC, shmring_slab_raw_attach(&t, other, length - 1));
	ASSERT_EQ(0, shmring_slab_raw_attach(&t, other, length));
	EXPECT_EQ(64, shmring_slab_slot_size(&t));
	EXPECT_EQ(10, shmring_slab_count(&t));
	ASSERT_EQ(0, shmring_slab_open(&a, &s, 0, 1, 4));
	ASSERT_EQ(0, shmring_slab_open(&b, &t, 0, 2, 4));
	EXPECT_EQ(2, b.owner);
	ASSERT_EQ(0, shmring_slab_alloc(&a, &slot));
	strcpy(shmring_slab_data(&s, slot), "through two mappings");
	ASSERT_EQ(0, shmring_slab_mark_in_flight(&a, slot, NULL));
	ASSERT_EQ(0, shmring_slab_take(&b, slot, NULL));
	EXPECT_STREQ("through two mappings", shmring_slab_data(&t, slot));
	ASSERT_EQ(0, shmring_slab_free_allocated(&b, slot, NULL));
	munmap(other, g.pages);
	guarded_close(&g);
}

TEST_HARNESS_MAIN
