// SPDX-License-Identifier: GPL-2.0-only
/*
 * No packet is lost without a word, whatever the consumer does
 *
 * Drops are told in five places: by the ring, to its ends and in its kernel page;
 * by the tap; by the packet that follows them; by the statistics at the end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "tap.h"

/* The smallest ring, and more packets than fit into it */
#define PAGE		((unsigned int)sysconf(_SC_PAGESIZE))
#define PACKETS		(PAGE / 20)

FIXTURE(drop)
{
	struct tap tap;
	int from;
};

FIXTURE_SETUP(drop)
{
	ASSERT_EQ(0, net_new());
	ASSERT_EQ(0, net_pair());
	self->from = net_socket("veth0");
	ASSERT_LE(0, self->from);
}

FIXTURE_TEARDOWN(drop)
{
	close(self->from);
	EXPECT_TRUE(tap_idle());
}

TEST_F(drop, told_everywhere)
{
	struct shmring_tap_stats stats;
	struct shmring_stats ring;
	unsigned int i;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", PAGE, 0, NULL));
	for (i = 0; i < PACKETS; i++)
		ASSERT_EQ(0, net_send(self->from, i, 200));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS));
	ASSERT_EQ(0, tap_stats(self->tap.fd, &stats));
	ASSERT_LT(0, stats.drops);
	ASSERT_LT(0, stats.written);
	EXPECT_EQ(PACKETS, stats.written + stats.drops);
	ASSERT_EQ(0, shmring_stats(self->tap.ring, &ring));
	EXPECT_EQ(stats.drops, ring.drops);
	EXPECT_EQ(stats.drops * (28 + 200 + 28), ring.drop_bytes);

	/* Room again: the next packet tells */
	ASSERT_EQ(0, tap_read(&self->tap));
	EXPECT_EQ(0, self->tap.capture.drops);
	ASSERT_EQ(0, net_send(self->from, i, 200));
	EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS + 1));
	ASSERT_EQ(0, tap_read(&self->tap));
	EXPECT_EQ(stats.drops, self->tap.capture.drops);
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_EQ(stats.written + 1, self->tap.capture.packets);
	EXPECT_EQ(stats.drops, self->tap.capture.os_drops);
	EXPECT_EQ(PACKETS + 1, self->tap.capture.accepted);
}

/* The statistics have room though packets had none. */
TEST_F(drop, told_at_the_end_of_a_full_ring)
{
	struct capture *c = &self->tap.capture;
	unsigned int i, length;

	for (length = NET_FRAME_MIN; length < 600; length += 97) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", PAGE, 0, NULL));
		for (i = 0; i < PACKETS; i++)
			ASSERT_EQ(0, net_send(self->from, i, length));
		EXPECT_TRUE(tap_has_seen(self->tap.fd, PACKETS));
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_EQ(PACKETS, c->packets + c->os_drops);
		EXPECT_EQ(PACKETS, c->accepted);
		EXPECT_EQ(0, c->drops);
	}
}

/* A reader that is always too slow: every drop is told once. */
TEST_F(drop, told_while_it_goes_on)
{
	struct capture *c = &self->tap.capture;
	struct shmring_tap_stats stats;
	pid_t flood;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", PAGE, 0, NULL));
	flood = net_flood("veth0", 1000);
	while (c->packets < PACKETS && !tap_read(&self->tap))
		tap_sleep_us(PAGE / 4);
	net_kill(flood);
	tap_sleep_us(100000);
	ASSERT_EQ(0, tap_stats(self->tap.fd, &stats));
	ASSERT_EQ(0, tap_stop(&self->tap));
	EXPECT_LT(0, c->drops);
	EXPECT_GE(c->os_drops, c->drops);
	EXPECT_EQ(c->accepted, c->packets + c->os_drops);
	EXPECT_EQ(stats.packets, c->accepted);
	EXPECT_EQ(stats.drops, c->os_drops);
}

/* --- Consumers that do not behave */

TEST_F(drop, by_a_consumer_that_lies)
{
	struct shmring_tap_stats stats, later;
	uint64_t *rd, drops;
	pid_t flood;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", 65536, 0, NULL));
	rd = tap_map_rd(self->tap.ring);
	ASSERT_NE(MAP_FAILED, (void *)rd);
	flood = net_flood("veth0", 60);
	while (!tap_stats(self->tap.fd, &stats) && !stats.packets)
		tap_sleep_us(1000);
	__atomic_store_n(rd, 1ULL << 40, __ATOMIC_RELEASE);
	drops = stats.drops;
	while (!tap_stats(self->tap.fd, &stats) && stats.drops < drops + PACKETS)
		tap_sleep_us(1000);
	/* For good, even if it takes it back */
	__atomic_store_n(rd, 0, __ATOMIC_RELEASE);
	tap_sleep_us(50000);
	net_kill(flood);
	ASSERT_EQ(0, tap_stats(self->tap.fd, &later));
	EXPECT_EQ(stats.written, later.written);
	EXPECT_LT(stats.drops, later.drops);
	EXPECT_EQ(-EBADMSG, shmring_status(self->tap.ring));
	munmap(rd, PAGE);
	EXPECT_EQ(-EBADMSG, tap_stop(&self->tap));
}

/* Any rubbish at any time: the kernel lives, and adds up. */
TEST_F(drop, by_a_consumer_that_writes_rubbish)
{
	struct shmring_tap_stats stats;
	struct shmring_stats ring;
	uint64_t forward, *rd;
	pid_t flood;
	int i, j;

	flood = net_flood("veth0", 300);
	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", PAGE, 0, NULL));
		rd = tap_map_rd(self->tap.ring);
		ASSERT_NE(MAP_FAILED, (void *)rd);
		for (j = 0, forward = 0; j < 1000; j++) {
			forward += rand() % 1024;
			__atomic_store_n(rd, i & 1 ? forward : forward % PAGE,
					 __ATOMIC_RELEASE);
		}
		EXPECT_EQ(0, tap_stats(self->tap.fd, &stats));
		close(self->tap.fd);
		EXPECT_EQ(0, shmring_stats(self->tap.ring, &ring));
		EXPECT_LE(stats.drops, ring.drops);
		munmap(rd, PAGE);
		shmring_free(self->tap.ring);
	}
	net_kill(flood);
}

/*
 * The child makes the ring and consumes, the tap's file is ours.  It dies by
 * SIGKILL; packets flow on; the stream goes on, block by block, with its heir.
 */
TEST_F(drop, by_a_consumer_that_is_killed)
{
	struct tap *tap = &self->tap;
	struct shmring_tap_start start;
	struct shmring_tap_stats stats;
	shmring_handle handle = 0;
	int pipefd[2], status;
	pid_t child, flood;
	uint64_t before;

	ASSERT_EQ(0, pipe(pipefd));
	tap->fd = tap_open();
	ASSERT_LE(0, tap->fd);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		tap->ring = tap_ring(4 * PAGE);
		start = tap_request(tap->ring, "t0");
		if (!tap->ring || shmring_register(tap->ring, &handle) ||
		    tap_ioctl(tap->fd, SHMRING_TAP_IOC_START, &start) ||
		    write(pipefd[1], &handle, sizeof(handle)) < 0)
			_exit(1);
		tap_read_to_end(tap);
		_exit(2);
	}
	close(pipefd[1]);
	ASSERT_EQ(sizeof(handle), read(pipefd[0], &handle, sizeof(handle)));
	flood = net_flood("veth0", 300);
	while (!tap_stats(tap->fd, &stats) && stats.written < PACKETS)
		tap_sleep_us(1000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	EXPECT_TRUE(WIFSIGNALED(status));
	/* Full, and dropping */
	before = stats.drops;
	while (!tap_stats(tap->fd, &stats) && stats.drops < before + PACKETS)
		tap_sleep_us(1000);

	/* The heir begins where the child had released to: between two blocks */
	tap->ring = shmring_get(handle, SHMRING_ROLE_CONSUMER);
	ASSERT_NE(NULL, tap->ring);
	tap->capture.sections = 1;
	tap->capture.linktype = 1;
	tap->capture.snaplen = SHMRING_TAP_SNAPLEN;
	while (tap->capture.packets < PACKETS)
		ASSERT_EQ(0, tap_read(tap));
	net_kill(flood);
	ASSERT_EQ(0, tap_stop(tap));
	EXPECT_LE(PACKETS, tap->capture.drops);
	EXPECT_LE(tap->capture.drops, tap->capture.os_drops);
	close(pipefd[0]);
}

TEST_HARNESS_MAIN
