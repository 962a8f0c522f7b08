// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of a tap while packets flow: its file, its interface, its namespace
 *
 * However it ends, the stream is whole blocks up to its statistics, and nothing
 * is left: no ring here, and no use of the module when the guest unloads it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "tap.h"

#define CAPACITY	262144
#define ROUNDS		200
#define LONG_ROUNDS	2000

FIXTURE(life)
{
	struct tap tap;
	pid_t flood;
};

FIXTURE_SETUP(life)
{
	ASSERT_EQ(0, net_new());
	ASSERT_EQ(0, net_pair());
	self->flood = net_flood("veth0", 100);
	ASSERT_LT(0, self->flood);
}

FIXTURE_TEARDOWN(life)
{
	net_kill(self->flood);
	EXPECT_TRUE(tap_idle());
}

static bool flows(struct tap *tap)
{
	struct shmring_tap_stats stats;
	int tries = 10000;

	while (!tap_stats(tap->fd, &stats) && tries--) {
		if (stats.packets > 10)
			return true;
		tap_sleep_us(1000);
	}
	return false;
}

/* What must be true of a stream that has ended. */
#define EXPECT_WHOLE(tap) do {						\
	struct capture *_c = &(tap)->capture;				\
									\
	EXPECT_TRUE(_c->ended);						\
	EXPECT_EQ(NULL, _c->error);					\
	EXPECT_EQ(_c->accepted, _c->packets + _c->os_drops);		\
} while (0)

TEST_F_TIMEOUT(life, the_file_is_closed, 300)
{
	int rounds = getenv("SHMRING_TEST_LONG") ? LONG_ROUNDS : ROUNDS;
	unsigned int seed = 1;
	int i;

	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
		tap_sleep_us(rand_r(&seed) % 3000);
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_WHOLE(&self->tap);
	}
}

/* Its fd may be closed, the tap goes on; nobody can read that ring any more. */
TEST_F(life, the_ring_is_closed)
{
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	shmring_free(self->tap.ring);
	EXPECT_TRUE(flows(&self->tap));
	EXPECT_FALSE(tap_idle_now());
	close(self->tap.fd);
}

TEST_F(life, the_interface_is_deleted)
{
	struct tap second = { 0 };
	struct shmring_tap_stats stats;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	ASSERT_EQ(0, tap_start(&second, "veth0", CAPACITY, 0, NULL));
	EXPECT_TRUE(flows(&self->tap));
	ASSERT_EQ(0, net_run("ip link del t0"));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&second));
	EXPECT_WHOLE(&self->tap);
	EXPECT_WHOLE(&second);
	EXPECT_EQ(0, tap_stats(self->tap.fd, &stats));
	EXPECT_EQ(self->tap.capture.accepted, stats.packets);
	EXPECT_EQ(0, tap_stop(&second));
	EXPECT_EQ(0, tap_stop(&self->tap));
}

/* While the file is closed: both want to end the tap. */
TEST_F_TIMEOUT(life, the_interface_is_deleted_and_the_file_closed, 120)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
		if (fork() == 0)
			_exit(net_run("ip link del t0") ? 1 : 0);
		tap_sleep_us(i * 1000);
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_WHOLE(&self->tap);
		wait(NULL);
		ASSERT_EQ(0, net_pair());
	}
}

TEST_F(life, the_interface_moves)
{
	int pipefd[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(pipefd));
	child = fork();
	if (!child) {
		byte = unshare(CLONE_NEWNET);
		if (write(pipefd[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(pipefd[0], &byte, 1));
	ASSERT_EQ(0, byte);
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	EXPECT_TRUE(flows(&self->tap));
	ASSERT_EQ(0, net_run("ip link set t0 netns %d", child));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_WHOLE(&self->tap);
	EXPECT_EQ(0, tap_stop(&self->tap));
	net_kill(child);
}

/* The child's namespace goes with it, while we hold the tap that it started. */
TEST_F(life, the_namespace_ends)
{
	struct shmring_tap_start start;
	int status;

	self->tap.fd = tap_open();
	self->tap.ring = tap_ring(CAPACITY);
	ASSERT_NE(NULL, self->tap.ring);
	if (fork() == 0) {
		if (net_new())
			_exit(1);
		start = tap_request(self->tap.ring, "lo");
		_exit(tap_ioctl(self->tap.fd, SHMRING_TAP_IOC_START, &start) ? 2 : 0);
	}
	wait(&status);
	ASSERT_EQ(0, status);
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_WHOLE(&self->tap);
	EXPECT_EQ(0, tap_stop(&self->tap));
}

TEST_HARNESS_MAIN
