// SPDX-License-Identifier: GPL-2.0-only
/*
 * Modules come and go: the example, with its twin, and what keeps whom
 *
 * Wants shmring_example.ko and samples beside it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../device/module.h"
#include "kernel.h"

#include <kselftest_harness.h>

#define EXAMPLE		"shmring_example"
#define HANDLE		"/sys/module/" EXAMPLE "/parameters/handle"

struct sample {
	uint64_t time_ns;
	uint64_t number;
};

static int load(const char *parameters)
{
	return module_load(EXAMPLE ".ko", parameters);
}

static long handle(void)
{
	return device_get_number(HANDLE, NULL);
}

FIXTURE(modules)
{
	long users;
};

FIXTURE_SETUP(modules)
{
	if (access(EXAMPLE ".ko", R_OK))
		SKIP(exit(KSFT_SKIP), "no " EXAMPLE ".ko beside it");
	self->users = module_users();
	ASSERT_LE(0, self->users);
}

FIXTURE_TEARDOWN(modules)
{
	module_unload(EXAMPLE);
	EXPECT_TRUE(kernel_idle());
	EXPECT_EQ(self->users, module_users());
}

/* The twin prints the samples, all of them, in order. */
TEST_F(modules, example_and_twin)
{
	unsigned long long number, time, last = 0;
	int i;
	FILE *out;

	ASSERT_EQ(0, load("period_ns=200000"));
	out = popen("./samples 500", "r");
	ASSERT_NE(NULL, out);
	for (i = 0; i < 500; i++) {
		ASSERT_EQ(2, fscanf(out, "%llu %llu", &number, &time));
		ASSERT_EQ(i, number);
		ASSERT_LT(last, time);
		last = time;
	}
	EXPECT_EQ(0, pclose(out));

	/* Another process goes on where that one has stopped */
	out = popen("./samples 1", "r");
	ASSERT_NE(NULL, out);
	ASSERT_EQ(1, fscanf(out, "%llu", &number));
	EXPECT_LE(500, number);
	EXPECT_EQ(0, pclose(out));
}

/* What there is no room for is counted, and what there is room for is whole. */
TEST_F(modules, example_drops)
{
	struct shmring_stats stats;
	struct shmring *ring;
	struct sample sample;
	uint64_t expected;

	ASSERT_EQ(0, load("period_ns=20000"));
	ring = shmring_get(handle(), SHMRING_ROLE_CONSUMER);
	ASSERT_NE(NULL, ring);
	do {
		usleep(10000);
		ASSERT_EQ(0, shmring_stats(ring, &stats));
	} while (stats.drops < 100);
	EXPECT_EQ(shmring_cap(ring), shmring_available(ring));
	EXPECT_EQ(stats.drops * sizeof(sample), stats.drop_bytes);
	for (expected = 0; expected < shmring_cap(ring) / sizeof(sample);
	     expected++) {
		ASSERT_EQ(sizeof(sample),
			  shmring_try_read_into(ring, &sample, sizeof(sample)));
		ASSERT_EQ(expected, sample.number);
	}
	ASSERT_EQ(0, shmring_wait_readable(ring, sizeof(sample), NULL));
	ASSERT_EQ(sizeof(sample),
		  shmring_try_read_into(ring, &sample, sizeof(sample)));
	ASSERT_EQ(0, shmring_stats(ring, &stats));
	EXPECT_LE(expected + 100, sample.number);
	EXPECT_LE(sample.number, expected + stats.drops);
	shmring_free(ring);
}

/* The timer's period: no less than its handler needs, no more than a timer has. */
TEST_F(modules, example_period)
{
	EXPECT_EQ(-EINVAL, load("period_ns=0"));
	EXPECT_EQ(-EINVAL, load("period_ns=999"));
	EXPECT_EQ(-EINVAL, load("period_ns=9223372036854775808"));
	EXPECT_EQ(-EINVAL, load("period_ns=soon"));
	EXPECT_EQ(-ENOENT, module_unload(EXAMPLE));
	ASSERT_EQ(0, load("period_ns=9223372036854775807"));
	EXPECT_LT(0, handle());
	EXPECT_EQ(0, module_unload(EXAMPLE));
}

/* A producer's module goes while a process is attached, and asleep. */
TEST_F(modules, producer_unloads)
{
	struct shmring *ring;
	struct sample sample;
	uint64_t expected = 0;
	int status;
	pid_t pid;

	ASSERT_EQ(0, load("period_ns=100000"));
	ring = shmring_get(handle(), SHMRING_ROLE_CONSUMER);
	ASSERT_NE(NULL, ring);
	ASSERT_EQ(0, shmring_wait_readable(ring, 50 * sizeof(sample), NULL));
	ASSERT_EQ(0, module_unload(EXAMPLE));
	EXPECT_EQ(-EPIPE, shmring_status(ring));

	/* To the end, then no more */
	while (shmring_try_read_into(ring, &sample, sizeof(sample))) {
		ASSERT_EQ(expected, sample.number);
		expected++;
	}
	EXPECT_LE(50, expected);
	EXPECT_EQ(-EPIPE, shmring_wait_readable(ring, 1, NULL));
	EXPECT_EQ(0, read(shmring_fd(ring), &sample, sizeof(sample)));
	shmring_free(ring);
	EXPECT_TRUE(kernel_idle());

	/* The twin's sleep ends too; it had hoped for more */
	ASSERT_EQ(0, load("period_ns=50000000"));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(STDOUT_FILENO);
		open("/dev/null", O_WRONLY);
		execl("./samples", "samples", "1000000", (char *)NULL);
		_exit(99);
	}
	usleep(200000);
	ASSERT_EQ(0, module_unload(EXAMPLE));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

/* shmring.ko stays while anybody has a file, a mapping, or its symbols. */
TEST_F(modules, who_keeps_shmring)
{
	long page = sysconf(_SC_PAGESIZE);
	struct shmring_ioc_create create = {
		.size = sizeof(create),
		.capacity = 4096,
		.roles = SHMRING_ROLE_BOTH,
	};
	void *map;
	int fd;

	EXPECT_EQ(-EWOULDBLOCK, module_unload("shmring"));
	ASSERT_EQ(0, load(""));
	EXPECT_EQ(self->users + 1, module_users());
	ASSERT_EQ(0, module_unload(EXAMPLE));
	EXPECT_EQ(self->users, module_users());

	fd = open(SHMRING_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(self->users + 1, module_users());
	ASSERT_EQ(0, ioctl(fd, SHMRING_IOC_CREATE, &create));
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, page);
	ASSERT_NE(MAP_FAILED, map);
	close(fd);
	EXPECT_EQ(self->users + 1, module_users());
	EXPECT_EQ(-EWOULDBLOCK, module_unload("shmring"));
	munmap(map, page);
	EXPECT_EQ(self->users, module_users());
}

/* Nor does a module that has an open file of its own. */
TEST_F(modules, who_keeps_the_test)
{
	int control = control_open();

	ASSERT_LE(0, control);
	EXPECT_EQ(-EWOULDBLOCK, module_unload("shmring_test"));
	close(control);
}

TEST_HARNESS_MAIN
