// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is on an isolated CPU fences, and is not interrupted
 *
 * Needs a kernel that was told of such CPUs (isolcpus=): tests/deep/isolated.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdio.h>

#include "kselftest_harness.h"
#include "device.h"

#define CAPACITY	4096

/* The first of a list of CPUs; -1: it is empty, or not there */
static int first_cpu(const char *path)
{
	FILE *file = fopen(path, "re");
	int cpu;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &cpu) != 1)
		cpu = -1;
	fclose(file);
	return cpu;
}

static int go_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

TEST(unfence)
{
	int isolated = first_cpu("/sys/devices/system/cpu/isolated");
	struct device_pair pair;

	if (isolated < 0)
		SKIP(return, "no CPU is isolated");
	ASSERT_NE(0, isolated);
	ASSERT_EQ(0, device_pair(&pair, CAPACITY, 0));
	if (__atomic_load_n(&pair.p.k->fence, __ATOMIC_RELAXED))
		SKIP(return, "here all ends fence");

	ASSERT_EQ(0, go_to(isolated));
	EXPECT_EQ(-EOPNOTSUPP, device_unfence(pair.producer, SHMRING_READABLE));
	/* Not even if its word says otherwise */
	__atomic_store_n(&pair.p.p->mode, SHMRING_UNFENCED, __ATOMIC_RELEASE);
	EXPECT_EQ(0, device_arm(pair.consumer, SHMRING_READABLE, 1));
	EXPECT_EQ(0, device_load(&pair.p.k->rx.barriers));
	ASSERT_EQ(0, go_to(0));
	EXPECT_EQ(0, device_unfence(pair.producer, SHMRING_READABLE));
	device_pair_free(&pair);
}

TEST_HARNESS_MAIN
