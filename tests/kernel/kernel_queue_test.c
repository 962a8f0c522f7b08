// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue, compiled for the kernel and run there
 */
#include <errno.h>
#include <unistd.h>

#include "kernel.h"

#include <kselftest_harness.h>

FIXTURE(queue)
{
	int control;
};

FIXTURE_VARIANT(queue)
{
	__u32 capacity;
	__u64 start;
	__u64 count;
};

FIXTURE_VARIANT_ADD(queue, 1) { .capacity = 1, .count = 2000 };
FIXTURE_VARIANT_ADD(queue, 4) { .capacity = 4, .count = 20000 };
FIXTURE_VARIANT_ADD(queue, 1024) { .capacity = 1024, .count = 200000 };

FIXTURE_VARIANT_ADD(queue, wrap_of_u32) {
	.capacity = 64, .start = UINT32_MAX - 500ULL, .count = 20000,
};
FIXTURE_VARIANT_ADD(queue, wrap_of_u64) {
	.capacity = 64, .start = -500ULL, .count = 20000,
};

FIXTURE_SETUP(queue)
{
	self->control = control_open();
	ASSERT_LE(0, self->control);
}

FIXTURE_TEARDOWN(queue)
{
	close(self->control);
}

TEST_F_TIMEOUT(queue, order_between_two_threads, 100)
{
	EXPECT_EQ(0, CALL(self->control, CALL_QUEUE,
			  .capacity = variant->capacity,
			  .start = variant->start, .n = variant->count));
}

TEST_F(queue, init_refuses)
{
	EXPECT_EQ(-EINVAL, CALL(self->control, CALL_QUEUE, .capacity = 3, .n = 1));
	EXPECT_EQ(-EINVAL, CALL(self->control, CALL_QUEUE, .n = 1));
}

TEST_HARNESS_MAIN
