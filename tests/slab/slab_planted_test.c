// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can the tests of the slab fail?  Each of these faults must be found, and
 * nothing where there is none.
 */
#define _GNU_SOURCE
#include <kselftest_harness.h>

#include "death.h"
#include "stress.h"

FIXTURE(planted)
{
};

FIXTURE_VARIANT(planted)
{
	enum slab_fault fault;
};

FIXTURE_SETUP(planted)
{
}

FIXTURE_TEARDOWN(planted)
{
}

FIXTURE_VARIANT_ADD(planted, none) { .fault = SLAB_FAULT_NONE };
FIXTURE_VARIANT_ADD(planted, no_tag) { .fault = SLAB_FAULT_NO_TAG };
FIXTURE_VARIANT_ADD(planted, exchange_in_two_steps) { .fault = SLAB_FAULT_TORN };

TEST_F_TIMEOUT(planted, is_found_by_stress, 300)
{
	unsigned int i, found = 0;

	/* One that is there is found in the first few. */
	for (i = 0; i < (variant->fault ? 200 : 5) && !found; i++) {
		struct stress s = {
			.kind = &stress_alloc_free,
			.workers = 3,
			.slots = 4,
			.rounds = 20000,
			.fault = variant->fault,
			.pause = 4,
		};

		ASSERT_EQ(0, stress_run(&s));
		found = s.faults || s.amiss;
	}
	EXPECT_EQ(variant->fault != SLAB_FAULT_NONE, found);
}

FIXTURE(planted_death)
{
};

FIXTURE_VARIANT(planted_death)
{
	enum slab_fault fault;
};

FIXTURE_SETUP(planted_death)
{
}

FIXTURE_TEARDOWN(planted_death)
{
}

FIXTURE_VARIANT_ADD(planted_death, none) { .fault = SLAB_FAULT_NONE };
FIXTURE_VARIANT_ADD(planted_death, nothing_pending) { .fault = SLAB_FAULT_NO_PENDING };
FIXTURE_VARIANT_ADD(planted_death, nothing_confirmed) { .fault = SLAB_FAULT_NO_ACK };

TEST_F_TIMEOUT(planted_death, is_found_by_dying, 300)
{
	struct death d = { .magazine = 2, .others = 1, .fault = variant->fault };

	ASSERT_EQ(0, death_run(&d));
	EXPECT_LT(50, d.deaths);
	EXPECT_EQ(variant->fault != SLAB_FAULT_NONE, !!d.amiss);
}

TEST_HARNESS_MAIN
