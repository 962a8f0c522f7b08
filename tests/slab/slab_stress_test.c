// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads and processes on one slab: no slot is had twice, none is lost, and a
 * generation never comes again
 */
#include <kselftest_harness.h>

#include "stress.h"

FIXTURE(stress)
{
};

FIXTURE_VARIANT(stress)
{
	uint32_t magazine;
	int processes;
};

FIXTURE_VARIANT_ADD(stress, threads_magazine_0) { .magazine = 0 };
FIXTURE_VARIANT_ADD(stress, threads_magazine_2) { .magazine = 2 };
FIXTURE_VARIANT_ADD(stress, threads_magazine_32) { .magazine = 32 };
FIXTURE_VARIANT_ADD(stress, processes_magazine_0) { .magazine = 0, .processes = 1 };
FIXTURE_VARIANT_ADD(stress, processes_magazine_2) { .magazine = 2, .processes = 1 };
FIXTURE_VARIANT_ADD(stress, processes_magazine_32) { .magazine = 32, .processes = 1 };

FIXTURE_SETUP(stress)
{
}

FIXTURE_TEARDOWN(stress)
{
}

/* A macro: what fails names its test. */
#define STRESS(what, how_many, slots_, rounds_, pause_) do {			\
	struct stress s = {							\
		.kind = &stress_##what,						\
		.workers = how_many,						\
		.processes = variant->processes,				\
		.magazine = variant->magazine,					\
		.slots = slots_,						\
		.rounds = (rounds_) * slab_times() / 10,			\
		.pause = pause_,						\
	};									\
										\
	ASSERT_EQ(0, stress_run(&s));						\
	EXPECT_EQ(0, s.faults);							\
	EXPECT_EQ(NULL, s.amiss)						\
		TH_LOG("%s", s.amiss);						\
	EXPECT_LT(0, s.done);							\
	done = s.done;								\
} while (0)

TEST_F_TIMEOUT(stress, concurrent_alloc_free, 300)
{
	uint64_t done;

	STRESS(alloc_free, 4, 64, 100000, 0);
	STRESS(alloc_free, 2, 64, 100000, 0);
	(void)done;
}

/* Fewer slots than all want to hold: the stack is empty again and again. */
TEST_F_TIMEOUT(stress, no_double_alloc, 300)
{
	uint64_t done;

	STRESS(alloc_free, 4, 7, 50000, 16);
	(void)done;
}

/* As few as make the head come back as often as possible */
TEST_F_TIMEOUT(stress, aba, 300)
{
	uint64_t done;

	STRESS(alloc_free, 3, 3, 50000, 8);
	STRESS(alloc_free, 2, 2, 50000, 8);
	(void)done;
}

TEST_F_TIMEOUT(stress, exhaust_while_freeing, 300)
{
	uint64_t done;

	STRESS(exhaust, 3, 20, 50000, 32);
	(void)done;
}

/* The states' transitions: mark, take and free, each raced by all */
TEST_F_TIMEOUT(stress, one_wins_each_race, 300)
{
	uint64_t done;

	/* Enough slots for all magazines and one */
	STRESS(race, 2, 64, 3000, 4);
	EXPECT_EQ(300 * slab_times(), done);
}

TEST_F_TIMEOUT(stress, alloc_pass_free, 300)
{
	uint64_t done;

	STRESS(pass, 2, 64, 30000, 0);
	EXPECT_EQ(6000 * slab_times(), done);
	STRESS(pass, 3, 64, 10000, 16);
	EXPECT_EQ(3000 * slab_times(), done);
}

TEST_HARNESS_MAIN
