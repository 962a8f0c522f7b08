// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tap's two ioctls, each with all that is wrong with it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "tap.h"

#define CAPACITY	65536

FIXTURE(start)
{
	int fd;
	struct shmring *ring;
	struct shmring_tap_start request;
};

FIXTURE_SETUP(start)
{
	ASSERT_EQ(0, net_new());
	self->fd = tap_open();
	ASSERT_LE(0, self->fd);
	self->ring = tap_ring(CAPACITY);
	ASSERT_NE(NULL, self->ring);
	self->request = tap_request(self->ring, "lo");
	ASSERT_NE(0, self->request.ifindex);
}

FIXTURE_TEARDOWN(start)
{
	close(self->fd);
	shmring_free(self->ring);
	EXPECT_TRUE(tap_idle());
}

#define START()		tap_ioctl(self->fd, SHMRING_TAP_IOC_START, &self->request)

/* Whatever was wrong, nothing has stayed of it. */
#define EXPECT_GOOD_START() do {					\
	self->request = tap_request(self->ring, "lo");			\
	EXPECT_EQ(0, START());						\
} while (0)

TEST_F(start, structs_of_other_sizes)
{
	static struct {
		struct shmring_tap_start request;
		char more[65536];	/* a page at least */
	} later;
	struct shmring_tap_stats stats = { .size = sizeof(stats) - 1 };

	self->request.size = sizeof(self->request) - 1;
	EXPECT_EQ(-EINVAL, START());
	self->request.size = 0;
	EXPECT_EQ(-EINVAL, START());

	later.request = tap_request(self->ring, "lo");
	later.request.size = sizeof(later);
	EXPECT_EQ(-E2BIG, tap_ioctl(self->fd, SHMRING_TAP_IOC_START, &later));
	later.request.size = sizeof(later.request) + 8;
	later.more[7] = 1;
	EXPECT_EQ(-E2BIG, tap_ioctl(self->fd, SHMRING_TAP_IOC_START, &later));
	later.more[7] = 0;
	EXPECT_EQ(0, tap_ioctl(self->fd, SHMRING_TAP_IOC_START, &later));

	EXPECT_EQ(-EINVAL, tap_ioctl(self->fd, SHMRING_TAP_IOC_STATS, &stats));
}

TEST_F(start, pointers_and_commands)
{
	EXPECT_EQ(-EFAULT, tap_ioctl(self->fd, SHMRING_TAP_IOC_START, NULL));
	EXPECT_EQ(-EFAULT, tap_ioctl(self->fd, SHMRING_TAP_IOC_STATS, NULL));
	EXPECT_EQ(-EFAULT, tap_ioctl(self->fd, SHMRING_TAP_IOC_START, (void *)-8L));
	EXPECT_EQ(-ENOTTY, tap_ioctl(self->fd, SHMRING_IOC_CREATE, NULL));
	EXPECT_EQ(-ENOTTY, tap_ioctl(self->fd, FIONREAD, NULL));
	EXPECT_GOOD_START();
}

TEST_F(start, bad_fields)
{
	self->request.flags = 1;
	EXPECT_EQ(-EINVAL, START());
	self->request.flags = 0;
	self->request.snaplen = SHMRING_TAP_SNAPLEN + 1;
	EXPECT_EQ(-EINVAL, START());
	self->request.snaplen = ~0U;
	EXPECT_EQ(-EINVAL, START());
	EXPECT_GOOD_START();
}

TEST_F(start, bad_filters)
{
	struct sock_filter over[] = { BPF_JUMP(BPF_JMP | BPF_JA, 5, 0, 0) };
	struct sock_filter endless[] = { BPF_STMT(BPF_LD | BPF_IMM, 1) };
	struct sock_filter unknown[] = { BPF_STMT(0xffff, 0) };
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, ~0U) };

	self->request.filter = (uintptr_t)all;
	EXPECT_EQ(-EINVAL, START());		/* of no instructions */
	self->request.filter_len = BPF_MAXINSNS + 1;
	EXPECT_EQ(-EINVAL, START());
	self->request.filter_len = 65536 + 1;	/* 1, if 16 bits were taken */
	EXPECT_EQ(-EINVAL, START());
	self->request.filter_len = ~0U;
	EXPECT_EQ(-EINVAL, START());
	self->request.filter_len = 1;
	self->request.filter = (uintptr_t)over;
	EXPECT_EQ(-EINVAL, START());
	self->request.filter = (uintptr_t)endless;
	EXPECT_EQ(-EINVAL, START());
	self->request.filter = (uintptr_t)unknown;
	EXPECT_EQ(-EINVAL, START());
	self->request.filter = 8;
	EXPECT_EQ(-EFAULT, START());
	self->request.filter = 0;
	EXPECT_EQ(-EINVAL, START());
	self->request.filter = (uintptr_t)all;
	EXPECT_EQ(0, START());
}

TEST_F(start, fds_that_are_no_ring)
{
	int null = open("/dev/null", O_RDWR);
	int unbound = open(SHMRING_DEVICE, O_RDWR);

	self->request.ring_fd = -1;
	EXPECT_EQ(-EBADF, START());
	self->request.ring_fd = null;
	EXPECT_EQ(-EINVAL, START());
	self->request.ring_fd = self->fd;
	EXPECT_EQ(-EINVAL, START());
	self->request.ring_fd = unbound;
	EXPECT_EQ(-ENOTCONN, START());
	close(null);
	close(unbound);
	EXPECT_GOOD_START();
}

TEST_F(start, rings_that_will_not_do)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, ~0U) };
	const size_t page = sysconf(_SC_PAGESIZE);
	struct shmring *small = tap_ring(page / 2);
	struct shmring *full = shmring_new(page);
	struct shmring *watched;
	shmring_handle handle;
	static const char junk[65536];
	static char trash[65536];
	const size_t length = page - 96; /* the headers would fit, not the last word */

	ASSERT_NE(NULL, small);
	self->request.ring_fd = shmring_fd(small);
	EXPECT_EQ(-EINVAL, START());
	shmring_free(small);

	/* With a producer, and then without, but with what it left */
	ASSERT_NE(NULL, full);
	self->request.ring_fd = shmring_fd(full);
	EXPECT_EQ(-EBUSY, START());
	self->request.filter = (uintptr_t)all;
	self->request.filter_len = 1;
	EXPECT_EQ(-EBUSY, START());
	self->request.filter = 0;
	self->request.filter_len = 0;
	ASSERT_LE(length, sizeof(junk));
	ASSERT_EQ(length, shmring_try_write_from(full, junk, length));
	ASSERT_EQ(0, shmring_register(full, &handle));
	watched = shmring_get(handle, SHMRING_ROLE_OBSERVER);
	ASSERT_NE(NULL, watched);
	self->request.ring_fd = shmring_fd(watched);
	EXPECT_EQ(-EACCES, START());
	shmring_free(full);
	full = shmring_get(handle, SHMRING_ROLE_CONSUMER);
	ASSERT_NE(NULL, full);
	self->request.ring_fd = shmring_fd(full);
	EXPECT_EQ(-ENOSPC, START());
	ASSERT_EQ(length, shmring_try_read_into(full, trash, sizeof(trash)));
	EXPECT_EQ(0, START());
	shmring_free(watched);
	shmring_free(full);
}

TEST_F(start, a_ring_that_is_corrupt)
{
	uint64_t *rd = tap_map_rd(self->ring);

	ASSERT_NE(MAP_FAILED, (void *)rd);
	__atomic_store_n(rd, 1, __ATOMIC_RELEASE);
	EXPECT_EQ(-EBADMSG, START());
	munmap(rd, sysconf(_SC_PAGESIZE));
}

TEST_F(start, interfaces)
{
	self->request.ifindex = 0;
	EXPECT_EQ(-ENODEV, START());
	self->request.ifindex = 4711;
	EXPECT_EQ(-ENODEV, START());
	self->request.ifindex = ~0U;
	EXPECT_EQ(-ENODEV, START());
	/* Netlink messages, for which we have no link type */
	ASSERT_EQ(0, net_run("ip link add nl type nlmon"));
	self->request.ifindex = if_nametoindex("nl");
	EXPECT_EQ(-EOPNOTSUPP, START());
	EXPECT_GOOD_START();
}

/* An index means what it means where the caller is. */
TEST_F(start, another_namespace_s_interface)
{
	ASSERT_EQ(0, net_pair());
	self->request.ifindex = if_nametoindex("t0");
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	EXPECT_EQ(-ENODEV, START());
}

TEST_F(start, once)
{
	struct shmring_tap_start second;
	struct shmring *ring = tap_ring(CAPACITY);

	EXPECT_EQ(0, START());
	EXPECT_EQ(-EBUSY, START());
	second = tap_request(ring, "lo");
	EXPECT_EQ(-EBUSY, tap_ioctl(self->fd, SHMRING_TAP_IOC_START, &second));
	shmring_free(ring);
}

TEST_F(start, statistics)
{
	struct shmring_tap_stats stats = { .size = sizeof(stats) };

	EXPECT_EQ(-ENOTCONN, tap_ioctl(self->fd, SHMRING_TAP_IOC_STATS, &stats));
	EXPECT_EQ(0, START());
	stats.flags = 1;
	EXPECT_EQ(-EINVAL, tap_ioctl(self->fd, SHMRING_TAP_IOC_STATS, &stats));
	EXPECT_EQ(0, tap_stats(self->fd, &stats));
	EXPECT_EQ(0, stats.packets);
	EXPECT_EQ(0, stats.written);
	EXPECT_EQ(0, stats.drops);
}

TEST_F(start, not_without_cap_net_raw)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2];

	ASSERT_EQ(0, syscall(SYS_capget, &head, caps));
	caps[0].effective &= ~(1U << CAP_NET_RAW);
	ASSERT_EQ(0, syscall(SYS_capset, &head, caps));
	EXPECT_EQ(-EPERM, START());
	caps[0].effective |= 1U << CAP_NET_RAW;
	ASSERT_EQ(0, syscall(SYS_capset, &head, caps));
	EXPECT_EQ(0, START());
}

/* Its root has the capability, though not over this network namespace. */
TEST_F(start, in_a_user_namespace)
{
	int status;

	if (fork() == 0) {
		if (unshare(CLONE_NEWUSER))
			_exit(10);
		if (START() != -EPERM)
			_exit(11);
		if (unshare(CLONE_NEWNET))
			_exit(12);
		self->request.ifindex = if_nametoindex("lo");
		_exit(START() == 0 ? 0 : 13);
	}
	wait(&status);
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
