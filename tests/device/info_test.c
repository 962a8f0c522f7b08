// SPDX-License-Identifier: GPL-2.0-only
/*
 * INFO: what is said of a ring, and that page K says the same
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "device.h"

#define CAPACITY	4096

FIXTURE(info) {
	struct device_pair pair;
	int observer;
	__u64 start;
};

FIXTURE_VARIANT(info) {
	__u64 start;
};

FIXTURE_VARIANT_ADD(info, from_0) { .start = 0 };
FIXTURE_VARIANT_ADD(info, near_2_64) { .start = -5ULL };

FIXTURE_SETUP(info)
{
	ASSERT_TRUE(device_idle());
	self->start = variant->start;
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, self->start));
	self->observer = device_end(self->pair.handle, SHMRING_ROLE_OBSERVER);
	ASSERT_LE(0, self->observer);
}

FIXTURE_TEARDOWN(info)
{
	device_pair_free(&self->pair);
	device_close(&self->observer);
	EXPECT_TRUE(device_idle());
}

TEST_F(info, of_both_ends)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	const __u64 page = sysconf(_SC_PAGESIZE);
	struct shmring_ioc_info info, other;
	struct {
		struct shmring_ioc_info info;
		unsigned char more[40];
	} longer;
	char bytes[100] = { 0 };
	__u32 second;
	pid_t pid;
	size_t i;

	device_put(&pair->p, bytes, 100);
	device_take(&pair->c, bytes, 30);
	ASSERT_EQ(0, device_info(pair->producer, &info));
	EXPECT_EQ(sizeof(info), info.size);
	EXPECT_EQ(0, info.flags);
	EXPECT_EQ(SHMRING_ROLE_PRODUCER, info.roles);
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(page, info.page_size);
	EXPECT_EQ(CAPACITY, info.capacity);
	EXPECT_EQ(0, info.consumer_offset);
	EXPECT_EQ(page, info.kernel_offset);
	EXPECT_EQ(2 * page, info.producer_offset);
	EXPECT_EQ(3 * page, info.data_offset);
	EXPECT_EQ(info.data_offset + (page > CAPACITY ? page : 2 * CAPACITY),
		  info.map_length);
	EXPECT_EQ(self->start + 100, info.wr);
	EXPECT_EQ(self->start + 30, info.rd);
	EXPECT_EQ(1, info.rx_lowat);
	EXPECT_EQ(1, info.tx_lowat);
	EXPECT_EQ(getpid(), info.producer_pid);
	EXPECT_EQ(getpid(), info.consumer_pid);
	EXPECT_EQ(1, info.handles);
	EXPECT_EQ(0, info.reserved);
	EXPECT_EQ(0, info.drops);
	EXPECT_EQ(0, info.drop_bytes);

	/* Page K says the same */
	EXPECT_EQ(SHMRING_MAGIC, k->magic);
	EXPECT_EQ(SHMRING_ABI_VERSION, k->version);
	EXPECT_EQ(SHMRING_BACKEND_DEVICE, k->backend);
	EXPECT_EQ(info.page_size, k->page_size);
	EXPECT_EQ(info.capacity, k->capacity);
	EXPECT_EQ(info.consumer_offset, k->consumer_offset);
	EXPECT_EQ(info.kernel_offset, k->kernel_offset);
	EXPECT_EQ(info.producer_offset, k->producer_offset);
	EXPECT_EQ(info.data_offset, k->data_offset);
	EXPECT_EQ(info.map_length, k->map_length);

	/* Counters: each where it belongs */
	ASSERT_EQ(70, device_arm(pair->consumer, SHMRING_READABLE, 1));
	ASSERT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 71));
	ASSERT_EQ(-ETIMEDOUT, device_wait(pair->consumer, SHMRING_READABLE, 71,
					  1));
	device_put(&pair->p, bytes, 10);
	ASSERT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	ASSERT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, CAPACITY));
	ASSERT_EQ(0, device_info(self->observer, &other));
	EXPECT_EQ(SHMRING_ROLE_OBSERVER, other.roles);
	EXPECT_EQ(1, other.rx.kicks);
	EXPECT_LE(3, other.rx.arms);
	EXPECT_GE(4, other.rx.arms);
	EXPECT_GE(1, other.rx.sleeps);
	EXPECT_EQ(0, other.rx.barriers);
	EXPECT_EQ(0, other.tx.kicks);
	EXPECT_EQ(1, other.tx.arms);
	EXPECT_EQ(0, other.tx.sleeps);
	EXPECT_EQ(0, memcmp(&other.rx, &k->rx, sizeof(other.rx)));
	EXPECT_EQ(0, memcmp(&other.tx, &k->tx, sizeof(other.tx)));

	ASSERT_EQ(0, device_register(pair->consumer, 0, &second));
	ASSERT_EQ(0, device_info(pair->consumer, &other));
	EXPECT_EQ(SHMRING_ROLE_CONSUMER, other.roles);
	EXPECT_EQ(2, other.handles);

	/* A longer one is cleared to its end, and told how much there is */
	memset(&longer, 0xff, sizeof(longer));
	longer.info.size = sizeof(longer);
	ASSERT_EQ(0, device_ioctl(pair->producer, SHMRING_IOC_INFO, &longer));
	EXPECT_EQ(sizeof(info), longer.info.size);
	EXPECT_EQ(CAPACITY, longer.info.capacity);
	for (i = 0; i < sizeof(longer.more); i++)
		EXPECT_EQ(0, longer.more[i]);

	/* Who holds a role is who claimed it, until it goes */
	device_unmap(&pair->p);
	device_close(&pair->producer);
	pid = fork();
	if (!pid) {
		int fd = device_end(pair->handle, SHMRING_ROLE_PRODUCER);
		struct shmring_ioc_info mine;

		if (fd < 0 || device_info(fd, &mine) ||
		    mine.producer_pid != (__u32)getpid() ||
		    mine.consumer_pid != (__u32)getppid())
			_exit(1);
		pause();
	}
	do {
		device_sleep_ms(1);
		ASSERT_EQ(0, device_info(pair->consumer, &other));
	} while (!other.producer_pid);
	EXPECT_EQ(pid, other.producer_pid);
	kill(pid, SIGKILL);
	EXPECT_EQ(256 + SIGKILL, device_child(pid));
	ASSERT_EQ(0, device_info(pair->consumer, &other));
	EXPECT_EQ(0, other.producer_pid);
	EXPECT_EQ(SHMRING_STATE_PRODUCER_GONE, other.state);
}

TEST_F(info, flags)
{
	struct shmring_ioc_info info;
	int fd = device_open(O_RDWR);

	ASSERT_EQ(0, device_create_full(fd, 64, SHMRING_ROLE_BOTH,
					SHMRING_F_PERSIST, 0));
	ASSERT_EQ(0, device_info(fd, &info));
	EXPECT_EQ(SHMRING_F_PERSIST, info.flags);
	EXPECT_EQ(SHMRING_ROLE_BOTH, info.roles);
	device_close(&fd);
}

TEST_HARNESS_MAIN
