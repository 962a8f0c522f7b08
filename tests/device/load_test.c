// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading the module with parameters, and without
 *
 * Wants shmring.ko beside it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "device.h"
#include "module.h"

static int load(const char *parameters)
{
	return module_load("shmring.ko", parameters);
}

static bool has_device(void)
{
	return !access(SHMRING_DEVICE, F_OK);
}

FIXTURE(load) {
};

FIXTURE_SETUP(load)
{
	if (access("shmring.ko", R_OK))
		SKIP(exit(KSFT_SKIP), "no shmring.ko beside it");
	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, module_unload("shmring"));
	ASSERT_FALSE(has_device());
}

/* The other tests want it as it is without a word. */
FIXTURE_TEARDOWN(load)
{
	module_unload("shmring");
	EXPECT_EQ(0, load(""));
	EXPECT_TRUE(has_device());
}

TEST_F(load, limits)
{
	ASSERT_EQ(0, load("max_capacity=8192 max_user_rings=3 max_user_bytes=0x10000"));
	EXPECT_EQ(8192, device_param("max_capacity"));
	EXPECT_EQ(3, device_param("max_user_rings"));
	EXPECT_EQ(0x10000, device_param("max_user_bytes"));
}

TEST_F(load, no_numbers)
{
	EXPECT_EQ(-EINVAL, load("max_capacity=much"));
	EXPECT_EQ(-EINVAL, load("max_user_rings="));
	EXPECT_EQ(-EINVAL, load("max_user_bytes"));
	EXPECT_EQ(-ERANGE, load("max_user_bytes=18446744073709551616"));
	EXPECT_FALSE(has_device());
}

/* What is counted cannot be set */
TEST_F(load, counts)
{
	EXPECT_EQ(-EPERM, load("rings=1"));
	EXPECT_EQ(-EPERM, load("pages=1"));
	EXPECT_EQ(-EPERM, load("handles=1"));
	EXPECT_FALSE(has_device());
}

TEST_HARNESS_MAIN
