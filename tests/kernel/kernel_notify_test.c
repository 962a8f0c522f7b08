// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arming, being told, telling: an end in the kernel against one in a process
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

#include <kselftest_harness.h>

#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER

FIXTURE(notify)
{
	struct kernel_pair pair;
	int control;
	unsigned char buf[64];
};

FIXTURE_VARIANT(notify)
{
	__u32 role;	/* the kernel's */
};

FIXTURE_VARIANT_ADD(notify, producer) { .role = PRODUCER };
FIXTURE_VARIANT_ADD(notify, consumer) { .role = CONSUMER };

FIXTURE_SETUP(notify)
{
	ASSERT_EQ(0, kernel_pair(&self->pair, 64, -20, variant->role));
	self->control = self->pair.control;
}

FIXTURE_TEARDOWN(notify)
{
	kernel_pair_free(&self->pair);
	EXPECT_TRUE(kernel_idle());
}

/* The kernel's end moves, or the process' does: bytes, in either direction. */
static int here(struct kernel_pair *pair, void *buf, size_t n)
{
	return shmring_roles(pair->ring) & PRODUCER ?
	       shmring_try_write_from(pair->ring, buf, n) :
	       shmring_try_read_into(pair->ring, buf, n);
}

static int there(struct kernel_pair *pair, void *buf, size_t n, __u32 flags)
{
	return CALL(pair->control, shmring_roles(pair->ring) & PRODUCER ?
		    CALL_TRY_READ : CALL_TRY_WRITE,
		    .buf = (uintptr_t)buf, .n = n, .flags = flags);
}

static int arm(struct kernel_pair *pair, __u64 min)
{
	return CALL(pair->control, shmring_roles(pair->ring) & PRODUCER ?
		    CALL_READ_ARM : CALL_WRITE_ARM, .n = min);
}

static int notified(struct kernel_pair *pair)
{
	return CALL(pair->control, CALL_NOTIFIED);
}

/* Nothing is left to the kernel's end: empty for a consumer, else full. */
static void exhaust(struct kernel_pair *pair, void *buf)
{
	while (there(pair, buf, 64, 0) > 0)
		;
}

/* As much as it can be given. */
static void supply(struct kernel_pair *pair, void *buf)
{
	while (here(pair, buf, 64) > 0)
		;
}

/* In a child: without an end of its own, as that is a look, too, and no wake. */
static int asleep(struct kernel_pair *pair)
{
	alarm(10);
	return kernel_pair_poll(pair, -1);
}

TEST_F(notify, arm_when_there_is_enough)
{
	supply(&self->pair, self->buf);
	EXPECT_EQ(0, arm(&self->pair, 1));
	EXPECT_EQ(0, arm(&self->pair, 64));
	/* More than there can be is as much as there can be */
	EXPECT_EQ(0, arm(&self->pair, 65));
	EXPECT_EQ(0, arm(&self->pair, 0xffffffff));
	EXPECT_EQ(0, notified(&self->pair));
}

TEST_F(notify, once_for_each_arm)
{
	exhaust(&self->pair, self->buf);
	EXPECT_EQ(1, here(&self->pair, self->buf, 1));
	EXPECT_EQ(0, notified(&self->pair));
	exhaust(&self->pair, self->buf);

	/* None is one */
	ASSERT_EQ(1, arm(&self->pair, 0));
	EXPECT_EQ(0, notified(&self->pair));
	EXPECT_EQ(1, here(&self->pair, self->buf, 1));
	EXPECT_EQ(1, notified(&self->pair));
	EXPECT_EQ(1, here(&self->pair, self->buf, 1));
	EXPECT_EQ(1, notified(&self->pair));

	/* More came while it armed: go on draining, no notify to wait for */
	EXPECT_EQ(0, arm(&self->pair, 2));
	exhaust(&self->pair, self->buf);
	ASSERT_EQ(1, arm(&self->pair, 1));
	EXPECT_EQ(1, here(&self->pair, self->buf, 1));
	EXPECT_EQ(2, notified(&self->pair));
}

TEST_F(notify, not_before_the_minimum)
{
	exhaust(&self->pair, self->buf);
	ASSERT_EQ(1, arm(&self->pair, 10));
	EXPECT_EQ(9, here(&self->pair, self->buf, 9));
	EXPECT_EQ(0, notified(&self->pair));
	EXPECT_EQ(1, here(&self->pair, self->buf, 1));
	EXPECT_EQ(1, notified(&self->pair));

	exhaust(&self->pair, self->buf);
	ASSERT_EQ(1, arm(&self->pair, 1000));
	EXPECT_EQ(63, here(&self->pair, self->buf, 63));
	EXPECT_EQ(1, notified(&self->pair));
	EXPECT_EQ(1, here(&self->pair, self->buf, 1));
	EXPECT_EQ(2, notified(&self->pair));
}

/* The kernel wakes a process that sleeps: at once, or when interrupts are on */
TEST_F(notify, wakes_the_process)
{
	__u32 flags;
	int i, status;
	pid_t pid;

	for (i = 0; i < 20; i++) {
		flags = i & 1 ? CALL_IRQS_OFF : 0;
		supply(&self->pair, self->buf);
		ASSERT_EQ(0, kernel_pair_poll(&self->pair, 0));
		pid = fork();
		ASSERT_LE(0, pid);
		if (!pid)
			_exit(asleep(&self->pair) == 0);
		usleep(i * 200);
		EXPECT_EQ(1, there(&self->pair, self->buf, 1, flags));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_F(notify, kicks_are_counted)
{
	struct shmring_counters *counters;
	struct shmring_stats stats;

	counters = variant->role == PRODUCER ? &stats.rx : &stats.tx;
	supply(&self->pair, self->buf);
	EXPECT_EQ(1, there(&self->pair, self->buf, 1, 0));
	ASSERT_EQ(0, shmring_stats(self->pair.ring, &stats));
	EXPECT_EQ(0, counters->kicks);
	supply(&self->pair, self->buf);
	EXPECT_EQ(0, kernel_pair_poll(&self->pair, 0));
	EXPECT_EQ(1, there(&self->pair, self->buf, 1, CALL_IRQS_OFF));
	EXPECT_EQ(1, there(&self->pair, self->buf, 1, CALL_IRQS_OFF));
	ASSERT_EQ(0, shmring_stats(self->pair.ring, &stats));
	EXPECT_EQ(1, counters->kicks);
}

/* Whoever goes to sleep serves its peer first: the kicker may have died */
TEST_F(notify, arm_serves_the_peer)
{
	exhaust(&self->pair, self->buf);
	/* The process is armed for what is there by then, and nobody kicks */
	supply(&self->pair, self->buf);
	ASSERT_EQ(0, kernel_pair_poll(&self->pair, 0));
	exhaust(&self->pair, self->buf);
	ASSERT_EQ(1, arm(&self->pair, 64));
	EXPECT_NE(0, kernel_pair_poll(&self->pair, 0) & (POLLIN | POLLOUT));
}

/* --- The peer goes */

TEST_F(notify, the_process_goes)
{
	/* Three bytes are left to a consumer, and space to a producer */
	exhaust(&self->pair, self->buf);
	ASSERT_EQ(1, arm(&self->pair, 4));
	EXPECT_EQ(3, here(&self->pair, self->buf, 3));
	EXPECT_EQ(0, notified(&self->pair));
	EXPECT_EQ(0, CALL(self->control, CALL_STATUS));
	shmring_free(self->pair.ring);
	EXPECT_EQ(1, notified(&self->pair));
	EXPECT_EQ(-EPIPE, CALL(self->control, CALL_STATUS));

	if (variant->role == CONSUMER) {
		EXPECT_EQ(0, CALL(self->control, CALL_READ_ARM, .n = 1));
		EXPECT_EQ(0, CALL(self->control, CALL_READ_ARM, .n = 4));
		EXPECT_EQ(3, CALL(self->control, CALL_TRY_READ,
				  .buf = (uintptr_t)self->buf, .n = 64));
		EXPECT_EQ(0, CALL(self->control, CALL_READ_ARM, .n = 1));
	} else {
		EXPECT_EQ(3, CALL(self->control, CALL_TRY_WRITE,
				  .buf = (uintptr_t)self->buf, .n = 64));
		EXPECT_EQ(0, CALL(self->control, CALL_WRITE_ARM, .n = 1));
	}
	EXPECT_EQ(1, notified(&self->pair));

	/* Another one comes, and goes on */
	self->pair.ring = shmring_get(self->pair.handle,
				      SHMRING_ROLE_BOTH & ~variant->role);
	ASSERT_NE(NULL, self->pair.ring);
	EXPECT_EQ(2, notified(&self->pair));
	EXPECT_EQ(0, CALL(self->control, CALL_STATUS));
	supply(&self->pair, self->buf);
	EXPECT_EQ(64, there(&self->pair, self->buf, 64, 0));
}

TEST_F(notify, the_kernel_goes)
{
	short gone = variant->role == PRODUCER ? POLLHUP | POLLRDHUP : POLLHUP;
	int status;
	pid_t pid;

	supply(&self->pair, self->buf);
	EXPECT_EQ(3, there(&self->pair, self->buf, 3, 0));
	EXPECT_EQ(0, kernel_pair_poll(&self->pair, 0) & POLLHUP);
	supply(&self->pair, self->buf);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit((asleep(&self->pair) & gone) != gone);
	usleep(20000);
	EXPECT_EQ(0, CALL(self->control, CALL_DROP));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(-EPIPE, shmring_status(self->pair.ring));
}

/* What the kernel has committed before it went is there to the end. */
TEST_F(notify, the_last_bytes)
{
	if (variant->role != PRODUCER)
		return;
	EXPECT_EQ(64, there(&self->pair, self->buf, 64, 0));
	EXPECT_EQ(0, CALL(self->control, CALL_DROP));
	EXPECT_EQ(10, read(shmring_fd(self->pair.ring), self->buf, 10));
	EXPECT_EQ(54, read(shmring_fd(self->pair.ring), self->buf, 64));
	EXPECT_EQ(0, read(shmring_fd(self->pair.ring), self->buf, 64));
}

/* --- The process lies */

/* Not a position that any ring can be in. */
static void lie(struct kernel_pair *pair)
{
	kernel_pair_move(pair, kernel_pair_position(pair) + 1000);
}

TEST_F(notify, a_lie_stops_the_kernel)
{
	int acquire = variant->role == PRODUCER ? CALL_WRITE_ACQUIRE :
						  CALL_READ_ACQUIRE;
	int advance = variant->role == PRODUCER ? CALL_WRITE_COMMIT :
						  CALL_READ_RELEASE;
	__u64 honest = kernel_pair_position(&self->pair);

	lie(&self->pair);
	EXPECT_EQ(0, CALL(self->control, acquire));
	EXPECT_EQ(-EBADMSG, CALL(self->control, CALL_STATUS));
	EXPECT_EQ(-EBADMSG, CALL(self->control, advance, .n = 1));
	EXPECT_EQ(0, there(&self->pair, self->buf, 1, 0));
	EXPECT_EQ(0, arm(&self->pair, 1));
	if (variant->role == PRODUCER)
		EXPECT_EQ(0, CALL(self->control, CALL_WRITE_OR_DROP,
				  .buf = (uintptr_t)self->buf, .n = 1));
	EXPECT_TRUE(kernel_pair_poll(&self->pair, 0) & POLLERR);

	/* For good, also when it was not meant like that */
	kernel_pair_move(&self->pair, honest);
	EXPECT_EQ(0, CALL(self->control, acquire));
	EXPECT_EQ(-EBADMSG, CALL(self->control, CALL_STATUS));
	EXPECT_EQ(0, arm(&self->pair, 1));
	EXPECT_TRUE(kernel_pair_poll(&self->pair, 0) & POLLERR);
}

/* Found by a verb in an interrupt, say: the peer that sleeps is woken. */
TEST_F(notify, a_lie_is_told_to_the_process)
{
	int status;
	pid_t pid;

	supply(&self->pair, self->buf);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!(asleep(&self->pair) & POLLERR));
	usleep(20000);
	lie(&self->pair);
	EXPECT_EQ(0, there(&self->pair, self->buf, 1, CALL_IRQS_OFF));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* The process' own call finds it: the kernel's end that has armed is told. */
TEST_F(notify, a_lie_is_told_to_the_kernel)
{
	exhaust(&self->pair, self->buf);
	ASSERT_EQ(1, arm(&self->pair, 1));
	lie(&self->pair);
	EXPECT_TRUE(kernel_pair_poll(&self->pair, 0) & POLLERR);
	EXPECT_LE(1, notified(&self->pair));
	EXPECT_EQ(-EBADMSG, CALL(self->control, CALL_STATUS));
	EXPECT_EQ(0, arm(&self->pair, 1));
}

/* --- The ring goes */

TEST(free_while_a_kick_is_pending)
{
	struct control_args args = {
		.call = CALL_FREE_PENDING,
		.n = hunt_long() ? 10000 : 1000,
	};
	int control = control_open();
	int err;

	ASSERT_LE(0, control);
	err = control_ioctl(control, CONTROL_CALL, &args);
	close(control);
	if (err == -EOPNOTSUPP)
		SKIP(return, "takes two CPUs");
	EXPECT_EQ(0, err);
	printf("# %llu of %llu rings were put with a kick pending\n", args.at[0],
	       args.n);
	fflush(stdout);
	EXPECT_LE(args.n / 2, args.at[0]);
	EXPECT_TRUE(kernel_idle());
}

TEST_HARNESS_MAIN
