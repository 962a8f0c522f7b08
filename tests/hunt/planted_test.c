// SPDX-License-Identifier: GPL-2.0-only
/*
 * Can the hunt fail?  Each of these rings has a bug that it must find, except
 * for one that has none.
 */
#include "hunt.h"
#include "planted.h"

#include <kselftest_harness.h>

FIXTURE(planted)
{
};

FIXTURE_VARIANT(planted)
{
	enum planted_bug bug;
	uint64_t commits;
};

FIXTURE_SETUP(planted)
{
}

FIXTURE_TEARDOWN(planted)
{
}

FIXTURE_VARIANT_ADD(planted, none) {
	.bug = PLANTED_NONE, .commits = 1000000,
};
FIXTURE_VARIANT_ADD(planted, naive) {
	.bug = PLANTED_NAIVE, .commits = 10000000,
};
FIXTURE_VARIANT_ADD(planted, naive_look_after_store) {
	.bug = PLANTED_NAIVE_LATE, .commits = 10000000,
};
FIXTURE_VARIANT_ADD(planted, no_look_after_arm) {
	.bug = PLANTED_NO_LOOK, .commits = 10000000,
};
FIXTURE_VARIANT_ADD(planted, no_fence_in_commit) {
	.bug = PLANTED_NO_FENCE, .commits = 10000000,
};
FIXTURE_VARIANT_ADD(planted, wake_before_clear) {
	.bug = PLANTED_WAKE_FIRST, .commits = 10000000,
};

TEST_F_TIMEOUT(planted, is_found, 300)
{
	struct hunt h = {
		.way = &hunt_planted_wait,
		.kind = &hunt_planted,
		.commits = variant->commits,
		.bug = variant->bug,
		/* Each costs a second */
		.max_losses = variant->bug == PLANTED_NAIVE ? 3 : 1,
	};

	hunt_run(&h);
	EXPECT_EQ(0, h.fault);
	EXPECT_EQ(variant->bug != PLANTED_NONE, h.losses > 0);
}

TEST_HARNESS_MAIN
