// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random sequences of calls by several owners against a model that is simple
 *
 * The model knows of each slot: its generation, whose it is, and whether it is
 * had, or sent, or neither.  Every result must be the model's.
 */
#include <errno.h>
#include <string.h>

#include <kselftest_harness.h>

#include "slab.h"

#define OWNERS		3U
#define SLOTS_MAX	70U

struct model_slot {
	uint32_t generation;
	uint32_t owner;		/* 0: free */
	bool sent;
};

struct random_case {
	struct model_slot slots[SLOTS_MAX];
	struct shmring_slab_cache caches[OWNERS];
	struct slab_place place;
	uint32_t count;
	uint64_t state;
};

static uint32_t pick(struct random_case *r, uint32_t n)
{
	return slab_random(&r->state) % n;
}

/* What a call for (owner, slot) says, if it is for slots that are had, or sent */
static int expected(struct random_case *r, uint32_t owner, shmring_slot slot, bool sent,
		    struct shmring_slab_error *err)
{
	uint32_t index = shmring_slot_index(slot), generation = shmring_slot_generation(slot);
	struct model_slot *m = &r->slots[index];

	err->index = index;
	if (index >= r->count) {
		err->expected = r->count;
		err->actual = index;
		return -ERANGE;
	}
	if (generation != m->generation) {
		err->expected = generation;
		err->actual = m->generation;
		return -ESTALE;
	}
	if (!m->owner || m->sent != sent) {
		err->expected = sent ? SHMRING_SLAB_IN_FLIGHT : SHMRING_SLAB_ALLOCATED;
		/* Free in a magazine or on the stack: not the model's business */
		err->actual = !m->owner ? UINT32_MAX :
			      m->sent ? SHMRING_SLAB_IN_FLIGHT : SHMRING_SLAB_ALLOCATED;
		return -EBADFD;
	}
	if (!sent && m->owner != owner) {
		err->expected = owner;
		err->actual = m->owner;
		return -EPERM;
	}
	return 0;
}

static bool same(const struct shmring_slab_error *got, const struct shmring_slab_error *want)
{
	return got->index == want->index && got->expected == want->expected &&
	       (got->actual == want->actual ||
		(want->actual == UINT32_MAX && got->actual <= SHMRING_SLAB_CACHED));
}

/* One call; false: not what the model says. */
static bool step(struct random_case *r)
{
	struct shmring_slab_error got = {}, want = {};
	uint32_t owner = pick(r, OWNERS) + 1, free = 0, i;
	struct shmring_slab_cache *c = &r->caches[owner - 1];
	uint32_t index = pick(r, r->count + 1);
	struct model_slot *m = &r->slots[index];
	/* Mostly the handle that is, now and then an old one */
	shmring_slot slot = (uint64_t)(m->generation - !pick(r, 10)) << 32 | index;
	int err, as;

	for (i = 0; i < r->count; i++)
		free += !r->slots[i].owner;
	switch (pick(r, 8)) {
	case 0:
	case 1:
	case 2:
		err = shmring_slab_alloc(c, &slot);
		if (err) {
			/* What is free is in other magazines. */
			for (i = 0, as = 0; i < OWNERS; i++)
				as += i + 1 != owner ? r->caches[i].n : 0;
			return err == -ENOSPC && free == (uint32_t)as;
		}
		index = shmring_slot_index(slot);
		m = &r->slots[index];
		if (index >= r->count || m->owner ||
		    shmring_slot_generation(slot) != m->generation + 1)
			return false;
		m->generation++;
		m->owner = owner;
		m->sent = false;
		return true;
	case 3:
		as = expected(r, owner, slot, false, &want);
		err = shmring_slab_free_allocated(c, slot, &got);
		if (!err && !as)
			m->owner = 0;
		break;
	case 4:
		as = expected(r, owner, slot, false, &want);
		err = shmring_slab_mark_in_flight(c, slot, &got);
		if (!err && !as)
			m->sent = true;
		break;
	case 5:
		as = expected(r, owner, slot, true, &want);
		err = shmring_slab_take(c, slot, &got);
		if (!err && !as) {
			m->owner = owner;
			m->sent = false;
		}
		break;
	case 6:
		as = expected(r, owner, slot, true, &want);
		err = shmring_slab_free(c, slot, &got);
		if (!err && !as)
			m->owner = 0;
		break;
	default:
		if (!pick(r, 200)) {
			uint32_t dead = owner % OWNERS + 1, held = r->caches[dead - 1].n;

			for (i = 0; i < r->count; i++) {
				if (r->slots[i].owner == dead) {
					r->slots[i].owner = 0;
					held++;
				}
			}
			as = shmring_slab_reclaim(c, dead, dead);
			return as == (int)held &&
			       !shmring_slab_open(&r->caches[dead - 1], &r->place.slab, dead,
						  dead, c->limit);
		}
		return shmring_slab_free_count(&r->place.slab) == free;
	}
	return err == as && (!err || same(&got, &want));
}

FIXTURE(random)
{
};

FIXTURE_VARIANT(random)
{
	uint32_t magazine;
	uint32_t count;
};

FIXTURE_VARIANT_ADD(random, magazine_0_of_5) { .magazine = 0, .count = 5 };
FIXTURE_VARIANT_ADD(random, magazine_1_of_1) { .magazine = 1, .count = 1 };
FIXTURE_VARIANT_ADD(random, magazine_3_of_8) { .magazine = 3, .count = 8 };
FIXTURE_VARIANT_ADD(random, magazine_8_of_70) { .magazine = 8, .count = 70 };
FIXTURE_VARIANT_ADD(random, magazine_32_of_70) { .magazine = 32, .count = 70 };

FIXTURE_SETUP(random)
{
}

FIXTURE_TEARDOWN(random)
{
}

TEST_F_TIMEOUT(random, sequences, 300)
{
	unsigned int seeds = slab_long() ? 2000 : 30, seed, i;
	static struct random_case r;

	for (seed = 1; seed <= seeds; seed++) {
		memset(&r, 0, sizeof(r));
		r.state = seed * 0x9e3779b97f4a7c15ULL;
		r.count = variant->count;
		ASSERT_EQ(0, slab_place_open(&r.place, 8, r.count, OWNERS));
		for (i = 0; i < OWNERS; i++)
			ASSERT_EQ(0, shmring_slab_open(&r.caches[i], &r.place.slab, i + 1,
						       i + 1, variant->magazine));
		for (i = 0; i < 3000; i++)
			ASSERT_TRUE(step(&r))
				TH_LOG("seed %u step %u", seed, i);
		slab_place_close(&r.place);
	}
}

TEST_HARNESS_MAIN
