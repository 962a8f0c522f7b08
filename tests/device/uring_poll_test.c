// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring's poll requests on an end: each is a poll() that somebody else makes
 */
#define _GNU_SOURCE
#include <poll.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "uring.h"

FIXTURE(uring)
{
	struct uring uring;
};

FIXTURE_SETUP(uring)
{
	ASSERT_TRUE(uring_open(&self->uring));
}

FIXTURE_TEARDOWN(uring)
{
	EXPECT_TRUE(uring_close(&self->uring));
}

TEST_F(uring, poll_once)
{
	struct uring *u = &self->uring;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_poll_add,
			    u->pair.consumer, POLLIN));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	ASSERT_TRUE(uring_put(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(POLLIN, u->cqe.res);
	EXPECT_EQ(0, u->cqe.flags & IORING_CQE_F_MORE);
	ASSERT_TRUE(uring_put(u, 10));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));

	/* What is there already is told at once */
	ASSERT_EQ(1, SUBMIT(u, 2, io_uring_prep_poll_add,
			    u->pair.consumer, POLLIN));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(POLLIN, u->cqe.res);
	EXPECT_EQ(0, uring_workers());
}

TEST_F(uring, poll_for_space)
{
	struct uring *u = &self->uring;

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_poll_add,
			    u->pair.producer, POLLOUT));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	ASSERT_TRUE(uring_take(u, 10));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(POLLOUT, u->cqe.res);
	EXPECT_EQ(0, uring_workers());
}

/*
 * A multishot poll is told by the wake alone: the kernel does not ask the file
 * again, so nothing arms it but its user.  The rule: drain, ARM, and if that
 * finds something, drain again.
 */
TEST_F(uring, poll_multishot)
{
	struct uring *u = &self->uring;
	int i;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_poll_multishot,
			    u->pair.consumer, POLLIN));
	for (i = 0; i < 20; i++) {
		ASSERT_TRUE(uring_put(u, 10));
		ASSERT_TRUE(uring_completes(u, SOON_MS));
		ASSERT_EQ(POLLIN, u->cqe.res & POLLIN);
		ASSERT_NE(0, u->cqe.flags & IORING_CQE_F_MORE);
		/* One kick for an arm: more bytes are no more news */
		ASSERT_TRUE(uring_put(u, 10));
		ASSERT_FALSE(uring_completes(u, i ? 1 : A_WHILE_MS));
		ASSERT_EQ(20, device_arm(u->pair.consumer, SHMRING_READABLE,
					 0));
		ASSERT_TRUE(uring_take(u, 20));
		ASSERT_EQ(0, device_arm(u->pair.consumer, SHMRING_READABLE,
					0));
	}
	EXPECT_EQ(0, uring_workers());
}

TEST_F(uring, poll_sees_the_peer_go)
{
	struct uring *u = &self->uring;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_poll_add,
			    u->pair.consumer, POLLRDHUP));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	uring_close_producer(u);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(POLLRDHUP | POLLHUP, u->cqe.res);
}

TEST_F(uring, multishot_poll_sees_the_peer_go)
{
	struct uring *u = &self->uring;

	ASSERT_TRUE(uring_put(u, URING_CAPACITY));
	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_poll_multishot,
			    u->pair.producer, POLLOUT));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
	uring_close_consumer(u);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(POLLHUP, u->cqe.res & POLLHUP);
}

TEST_F(uring, poll_removed)
{
	struct uring *u = &self->uring;

	ASSERT_EQ(1, SUBMIT(u, 1, io_uring_prep_poll_add,
			    u->pair.consumer, POLLIN));
	ASSERT_EQ(1, SUBMIT(u, 2, io_uring_prep_poll_remove, 1));
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(u->cqe.user_data == 1 ? -ECANCELED : 0, u->cqe.res);
	ASSERT_TRUE(uring_completes(u, SOON_MS));
	EXPECT_EQ(u->cqe.user_data == 1 ? -ECANCELED : 0, u->cqe.res);
	ASSERT_TRUE(uring_put(u, 10));
	EXPECT_FALSE(uring_completes(u, A_WHILE_MS));
}

TEST_HARNESS_MAIN
