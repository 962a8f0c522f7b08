// SPDX-License-Identifier: GPL-2.0-only
/*
 * A peer that writes anything anywhere into the slab, before or while it is used
 *
 * Guard pages lie around it: an access outside it is a crash, and a loop without
 * end a timeout.  What calls return is one of their errors.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include <kselftest_harness.h>

#include "slab.h"

#define COUNT 40

static const uint64_t extremes[] = {
	0, 1, 2, 3, 31, 32, 33, 63, 64, 127, 128, 255, 256, 1ULL << 24, (1ULL << 24) - 1,
	1ULL << 31, 1ULL << 32, (1ULL << 32) - 1, 1ULL << 62, 1ULL << 63, UINT64_MAX,
	UINT64_MAX - 1, UINT64_MAX << 32, 0xaaaaaaaaaaaaaaaaULL, 0x5555555555555555ULL,
};

static uint64_t anything(uint64_t *random, uint32_t count)
{
	uint64_t r = slab_random(random);

	switch (r >> 60 & 3) {
	case 0:
		return extremes[r % ARRAY_SIZE(extremes)];
	case 1:
		return r;
	default:
		/* Nearly right: an index in or just out of range, any generation or state */
		return (r & 7) << 32 | (uint32_t)slab_random(random) % (count + 2);
	}
}

static bool is_error(int err)
{
	switch (err) {
	case -ENOSPC:
	case -EBADMSG:
	case -EAGAIN:
	case -ERANGE:
	case -ESTALE:
	case -EBADFD:
	case -EPERM:
		return true;
	}
	return false;
}

/* All calls, with handles that were had and with handles that were not */
static int use(struct shmring_slab_cache *c, uint64_t *random, shmring_slot *held,
	       unsigned int held_max)
{
	shmring_slot *slot = &held[slab_random(random) % held_max], other;
	struct shmring_slab_error why;
	int err = 0;
	char *data;

	switch (slab_random(random) % 8) {
	case 0:
	case 1:
		err = shmring_slab_alloc(c, slot);
		if (!err)
			memset(shmring_slab_data(&c->slab, *slot), 0x5a, c->slab.slot_size);
		break;
	case 2:
		err = shmring_slab_free_allocated(c, *slot, &why);
		break;
	case 3:
		err = shmring_slab_mark_in_flight(c, *slot, &why);
		break;
	case 4:
		err = shmring_slab_take(c, *slot, &why);
		break;
	case 5:
		err = shmring_slab_free(c, *slot, &why);
		break;
	case 6:
		other = anything(random, c->slab.count);
		data = shmring_slab_data(&c->slab, other);
		if (data)
			memset(data, 0xa5, c->slab.slot_size);
		err = shmring_slab_free(c, other, &why);
		break;
	default:
		if (shmring_slab_free_count(&c->slab) > c->slab.count)
			return 1;
	}
	return err && !is_error(err);
}

FIXTURE(hostile)
{
	struct slab_place place;
	struct shmring_slab_cache c;
	uint64_t *words;
	size_t words_n;
};

FIXTURE_VARIANT(hostile)
{
	uint32_t magazine;
};

FIXTURE_VARIANT_ADD(hostile, magazine_0) { .magazine = 0 };
FIXTURE_VARIANT_ADD(hostile, magazine_3) { .magazine = 3 };
FIXTURE_VARIANT_ADD(hostile, magazine_32) { .magazine = 32 };

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(0, slab_place_open(&self->place, 8, COUNT, 3));
	ASSERT_EQ(0, shmring_slab_open(&self->c, &self->place.slab, 1, 1, variant->magazine));
	self->words = (uint64_t *)((unsigned char *)self->place.slab.head -
				   offsetof(struct shmring_slab_header, head));
	/* All of it: states stand between the slots */
	self->words_n = shmring_slab_raw_length(8, COUNT, 3) / 8;
}

FIXTURE_TEARDOWN(hostile)
{
	slab_place_close(&self->place);
}

/* Every word of the slab, one at a time, with every extreme */
TEST_F_TIMEOUT(hostile, every_word, 120)
{
	uint64_t random = 99, old;
	shmring_slot held[8] = {};
	unsigned int i, j, k;

	for (i = 0; i < self->words_n; i++) {
		for (j = 0; j < ARRAY_SIZE(extremes); j++) {
			old = self->words[i];
			self->words[i] = extremes[j];
			for (k = 0; k < 30; k++)
				ASSERT_EQ(0, use(&self->c, &random, held, ARRAY_SIZE(held)));
			if (j & 1)
				self->words[i] = old;
		}
	}
}

/* A reclaim of an owner whose record and slots say anything */
TEST_F_TIMEOUT(hostile, reclaim, 120)
{
	uint64_t random = 5;
	unsigned int i, j;
	int err;

	for (i = 0; i < 3000; i++) {
		for (j = 0; j < 8; j++)
			self->words[slab_random(&random) % self->words_n] = anything(&random, COUNT);
		self->place.slab.records[1].pending =
			(slab_random(&random) & 3) | (slab_random(&random) & 0xffff) << 2 |
			slab_random(&random) % 64 << 26;
		/* What it says of its own holder need not be so. */
		if (i & 1)
			self->place.slab.records[1].holder = 7;
		err = shmring_slab_reclaim(&self->c, 2, 7);
		ASSERT_TRUE((err >= 0 && err <= COUNT) || err == -ESRCH || err == -EBUSY ||
			    err == -EAGAIN);
		ASSERT_FALSE(i & 1 && err == -ESRCH);
	}
}

/* Links that run in a circle, or to themselves */
TEST_F_TIMEOUT(hostile, circles, 60)
{
	struct shmring_slab *s = &self->place.slab;
	shmring_slot slot;
	unsigned int i, length;
	int err;

	for (length = 1; length < COUNT; length++) {
		for (i = 0; i < COUNT; i++)
			s->links[i] = (i + 1) % length;
		*s->head = 0;
		for (i = 0; i < 200; i++)
			ASSERT_TRUE(is_error(shmring_slab_alloc(&self->c, &slot) ?: -EAGAIN));
	}
	for (i = 0; i < 200; i++) {
		/* One beyond the last slot; the index has more numbers than slots. */
		*s->head = COUNT + i % 23;
		err = self->c.n ? 0 : -EBADMSG;
		ASSERT_EQ(err, shmring_slab_alloc(&self->c, &slot));
	}
}

struct enemy {
	uint64_t *words;
	size_t words_n;
	size_t states;	/* where they begin, in words */
	int stop;
	unsigned int rounds;
};

static void *fight(void *arg)
{
	struct enemy *e = arg;
	uint64_t random = 77;
	size_t i;

	while (!__atomic_load_n(&e->stop, __ATOMIC_RELAXED)) {
		i = slab_random(&random) % e->words_n;
		/* Every other word is data, which its owner may write as it likes. */
		if (i >= e->states)
			i &= ~(size_t)1;
		__atomic_store_n(&e->words[i],
				 anything(&random, COUNT), __ATOMIC_RELAXED);
		__atomic_fetch_add(&e->rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

/* While somebody writes without end, into all of it or into the head alone */
TEST_F_TIMEOUT(hostile, while_others_work, 120)
{
	double length = slab_long() ? 5 : 0.3, until;
	uint64_t random = 3, *words[2] = { self->words, (uint64_t *)self->place.slab.head };
	size_t words_n[2] = { self->words_n, 1 };
	size_t states = (self->place.slab.states - (unsigned char *)self->words) / 8;
	shmring_slot held[8] = {};
	unsigned int i, n;
	pthread_t thread;

	for (i = 0; i < 2; i++) {
		struct enemy e = { .words = words[i], .words_n = words_n[i], .states = states };

		ASSERT_EQ(0, pthread_create(&thread, NULL, fight, &e));
		until = now() + length;
		for (n = 0; now() < until || !__atomic_load_n(&e.rounds, __ATOMIC_RELAXED); n++) {
			ASSERT_EQ(0, use(&self->c, &random, held, ARRAY_SIZE(held)));
			if (n % 1000 == 999)
				shmring_slab_reclaim(&self->c, 2, i & 2);
		}
		__atomic_store_n(&e.stop, 1, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		EXPECT_LT(0, n);
	}
}

/* Every word of the header, with every extreme and every bit turned */
TEST_F(hostile, header)
{
	struct shmring_slab_header *h = (void *)self->words;
	size_t length = self->words_n * 8;
	unsigned int i, j, refused = 0;
	struct shmring_slab s;
	uint64_t old;
	int err;

	ASSERT_EQ(0, shmring_slab_raw_attach(&s, h, length));
	EXPECT_EQ(0, memcmp(&s, &self->place.slab, sizeof(s)));
	for (i = 0; i < 10; i++) {
		old = self->words[i];
		for (j = 0; j < 64 + ARRAY_SIZE(extremes); j++) {
			self->words[i] = j < 64 ? old ^ 1ULL << j : extremes[j - 64];
			/* A slot size that takes as much memory is one like another. */
			if (self->words[i] == old || (i == 2 && (self->words[i] + 7) / 8 == 1))
				continue;
			err = shmring_slab_raw_attach(&s, h, length);
			EXPECT_EQ(i == 1 ? -EPROTONOSUPPORT : -EBADMSG, err)
				TH_LOG("word %u is %llx", i, (unsigned long long)self->words[i]);
			refused++;
		}
		self->words[i] = old;
	}
	EXPECT_LT(10 * 60, refused);
	EXPECT_EQ(0, shmring_slab_raw_attach(&s, h, length));
}

/* A header that fits together, of a slab that is longer than its memory */
TEST_F(hostile, header_of_a_larger_slab)
{
	size_t length = self->words_n * 8;
	struct shmring_slab_header *h = (void *)self->words;
	struct shmring_slab_layout l;
	struct shmring_slab s;
	uint64_t count;

	for (count = 41; count < 1 << 22; count *= 2) {
		ASSERT_EQ(0, shmring_slab_lay_out(8, count, 3, &l));
		h->count = count;
		h->records = l.records;
		h->states = l.states;
		h->links = l.links;
		h->data = l.data;
		h->length = l.length;
		EXPECT_EQ(-ENOSPC, shmring_slab_raw_attach(&s, h, length));
	}
}

TEST_HARNESS_MAIN
