// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll and select: what is said of an end, when, and at what cost
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "kselftest_harness.h"
#include "flow.h"
#include "sleeper.h"

static const char zero[FLOW_CAPACITY];
static char trash[FLOW_CAPACITY];

FIXTURE(wait)
{
	struct flow flow;
};

FIXTURE_VARIANT(wait) FLOW_VARIANT;
FLOW_VARIANTS(wait);

FIXTURE_SETUP(wait)
{
	ASSERT_TRUE(flow_open(&self->flow, variant->edge, variant->start));
}

FIXTURE_TEARDOWN(wait)
{
	EXPECT_TRUE(flow_close(&self->flow));
}

TEST_F(wait, masks)
{
	struct flow *f = &self->flow;

	EXPECT_EQ(0, device_poll(f->waiter, FLOW_ALL));
	flow_give(f, 1);
	EXPECT_EQ(f->ready, device_poll(f->waiter, FLOW_ALL));
	/* What is not asked for is not said */
	EXPECT_EQ(f->ready & POLLIN, device_poll(f->waiter, POLLIN));
	EXPECT_EQ(f->ready & POLLOUT, device_poll(f->waiter, POLLOUT));
	EXPECT_EQ(f->ready & POLLRDNORM, device_poll(f->waiter, POLLRDNORM));
	EXPECT_EQ(f->ready & POLLWRNORM, device_poll(f->waiter, POLLWRNORM));
	EXPECT_EQ(0, device_poll(f->waiter, 0));
	flow_use(f, 1);
	EXPECT_EQ(0, device_poll(f->waiter, FLOW_ALL));
	flow_give(f, FLOW_CAPACITY);
	EXPECT_EQ(f->ready, device_poll(f->waiter, FLOW_ALL));
	/* And the other end has nothing any more */
	EXPECT_EQ(0, device_poll(f->mover, FLOW_ALL));
}

TEST_F(wait, threshold)
{
	static const __u32 thresholds[] = { 1, 2, 7, 100, FLOW_CAPACITY / 2 };
	struct flow *f = &self->flow;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		__u32 t = thresholds[i];

		ASSERT_EQ(0, device_lowat(f->waiter, f->edge, t));
		flow_give(f, t - 1);
		EXPECT_EQ(0, device_poll(f->waiter, FLOW_ALL));
		/* Armed for what it waits for, not for less */
		EXPECT_EQ(0, flow_kick(f));
		flow_give(f, 1);
		EXPECT_EQ(1, flow_kick(f));
		EXPECT_EQ(f->ready, device_poll(f->waiter, FLOW_ALL));
		flow_use(f, 1);
		EXPECT_EQ(0, device_poll(f->waiter, FLOW_ALL));
		flow_use(f, t - 1);
		/* An arm that still stands for the next round is lower */
		flow_give(f, t);
		EXPECT_EQ(1, flow_kick(f));
		flow_use(f, t);
	}
}

TEST_F(wait, mover_goes_and_comes)
{
	struct flow *f = &self->flow;

	flow_give(f, 1);
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | f->hup, device_poll(f->waiter, FLOW_ALL));
	/* HUP is said unasked */
	EXPECT_EQ(POLLHUP, device_poll(f->waiter, 0));
	EXPECT_EQ(f->hup, device_poll(f->waiter, POLLRDHUP));
	flow_use(f, 1);
	/* Nothing is left, and a call would not block */
	EXPECT_EQ(f->ready | f->hup, device_poll(f->waiter, FLOW_ALL));
	ASSERT_TRUE(flow_mover_comes(f));
	EXPECT_EQ(0, device_poll(f->waiter, FLOW_ALL));
	flow_give(f, 1);
	EXPECT_EQ(f->ready, device_poll(f->waiter, FLOW_ALL));
}

/* A HUP does not wait for a threshold. */
TEST_F(wait, last_bytes)
{
	struct flow *f = &self->flow;

	ASSERT_EQ(0, device_lowat(f->waiter, f->edge, 100));
	flow_give(f, 10);
	EXPECT_EQ(0, device_poll(f->waiter, FLOW_ALL));
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | f->hup, device_poll(f->waiter, FLOW_ALL));
}

TEST_F(wait, corrupt)
{
	struct flow *f = &self->flow;
	struct sleeper s, t;

	ASSERT_TRUE(sleeper_poll(&s, f->waiter, f->ready));
	ASSERT_TRUE(flow_until_armed(f));
	ASSERT_TRUE(sleeper_poll(&t, f->waiter, 0));
	device_store(&f->pair.p.p->wr, f->pair.c.c->rd + FLOW_CAPACITY + 1);
	/* Found by the other end */
	EXPECT_EQ(POLLERR, POLLERR & device_poll(f->mover, FLOW_ALL));
	EXPECT_EQ(POLLERR, POLLERR & sleeper_end(&s));
	EXPECT_EQ(POLLERR, sleeper_end(&t));
	EXPECT_EQ(f->ready | POLLERR, device_poll(f->waiter, FLOW_ALL));
	EXPECT_EQ(POLLERR, device_poll(f->waiter, 0));
	EXPECT_EQ(POLLERR, device_poll(f->mover, 0));
}

/*
 * --- What arms
 */

TEST_F(wait, arms_only_what_is_asked_for)
{
	static const short others[] = { 0, POLLPRI, POLLHUP, POLLERR,
					POLLRDHUP };
	struct flow *f = &self->flow;
	__u64 before;
	size_t i;

	before = flow_arms(f);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(0, device_poll(f->waiter, others[i]));
		EXPECT_EQ(0, device_poll(f->waiter, (FLOW_IN | FLOW_OUT) & ~f->ready));
	}
	EXPECT_EQ(before, flow_arms(f));
	EXPECT_FALSE(flow_armed(f));

	EXPECT_EQ(0, device_poll(f->waiter, f->ready));
	EXPECT_EQ(before + 1, flow_arms(f));
	EXPECT_TRUE(flow_armed(f));
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));

	/* One that finds what it wants need not arm */
	before = flow_arms(f);
	EXPECT_EQ(f->ready, device_poll(f->waiter, FLOW_ALL));
	EXPECT_EQ(before, flow_arms(f));
	EXPECT_FALSE(flow_armed(f));
	/* Nor does the other direction change anything here */
	before = flow_arms(f);
	device_poll(f->mover, FLOW_ALL);
	EXPECT_EQ(before, flow_arms(f));
}

/* A file with both roles: each direction for itself. */
TEST_F(wait, both_roles)
{
	bool readable = variant->edge == SHMRING_READABLE;
	short other = readable ? FLOW_OUT : FLOW_IN;
	const __u64 *mine, *others;
	struct device_map map;
	int fd = device_ring(8, SHMRING_ROLE_BOTH);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_map(fd, &map));
	mine = readable ? &map.k->rx_arm : &map.k->tx_arm;
	others = readable ? &map.k->tx_arm : &map.k->rx_arm;
	if (!readable)
		device_put(&map, zero, 8);
	EXPECT_EQ(other, device_poll(fd, other));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(mine));
	EXPECT_EQ(other, device_poll(fd, FLOW_ALL));
	EXPECT_NE(SHMRING_ARM_NONE, device_load(mine));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(others));
	if (readable)
		device_put(&map, zero, 4);
	else
		device_take(&map, trash, 4);
	EXPECT_EQ(1, device_kick(fd, variant->edge));
	EXPECT_EQ(FLOW_IN | FLOW_OUT, device_poll(fd, FLOW_ALL));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(mine));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(others));
	device_unmap(&map);
	device_close(&fd);
}

TEST_F(wait, one_kick_for_each_arm)
{
	struct flow *f = &self->flow;
	int i;

	/* Nobody waits: nothing is sent */
	for (i = 0; i < 10; i++) {
		flow_give(f, 1);
		EXPECT_EQ(0, flow_kick(f));
	}
	EXPECT_EQ(0, flow_kicks(f));
	flow_use(f, 10);

	/* One arm, many moves: one */
	EXPECT_EQ(0, device_poll(f->waiter, f->ready));
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	for (i = 0; i < 10; i++) {
		flow_give(f, 1);
		EXPECT_EQ(0, flow_kick(f));
	}
	EXPECT_EQ(1, flow_kicks(f));
	flow_use(f, 11);

	/* Many arms, one move: one */
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, device_poll(f->waiter, f->ready));
	flow_give(f, 10);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(0, flow_kick(f));
	EXPECT_EQ(2, flow_kicks(f));
	EXPECT_EQ(11, flow_arms(f));
}

/* A mover by system call kicks by itself, and by the same rule. */
TEST_F(wait, system_calls_kick)
{
	struct flow *f = &self->flow;
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, device_poll(f->waiter, f->ready));
		EXPECT_EQ(1, flow_move(f, f->mover, 1));
		EXPECT_EQ(1, flow_move(f, f->mover, 1));
		EXPECT_EQ(i + 1, flow_kicks(f));
		EXPECT_EQ(2, flow_move(f, f->waiter, 2));
	}
}

/*
 * --- Who sleeps
 */

TEST_F(wait, poll_sleeps)
{
	struct flow *f = &self->flow;
	struct sleeper s;

	ASSERT_TRUE(sleeper_poll(&s, f->waiter, FLOW_ALL));
	ASSERT_TRUE(flow_until_armed(f));
	device_sleep_ms(20);
	EXPECT_FALSE(sleeper_awake(&s));
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(f->ready, sleeper_end(&s));
	flow_use(f, 1);

	ASSERT_TRUE(sleeper_poll(&s, f->waiter, FLOW_ALL));
	ASSERT_TRUE(flow_until_armed(f));
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | f->hup, sleeper_end(&s));
	ASSERT_TRUE(flow_mover_comes(f));

	/* For a HUP alone */
	ASSERT_TRUE(sleeper_poll(&s, f->waiter, 0));
	flow_give(f, 1);
	flow_kick(f);
	device_sleep_ms(20);
	EXPECT_FALSE(sleeper_awake(&s));
	flow_mover_goes(f);
	EXPECT_EQ(POLLHUP, sleeper_end(&s));
}

TEST_F(wait, lowat_wakes)
{
	struct flow *f = &self->flow;
	struct sleeper s;

	ASSERT_EQ(0, device_lowat(f->waiter, f->edge, 100));
	flow_give(f, 50);
	ASSERT_TRUE(sleeper_poll(&s, f->waiter, FLOW_ALL));
	ASSERT_TRUE(flow_until_armed(f));
	device_sleep_ms(5);
	ASSERT_EQ(0, device_lowat(f->waiter, f->edge, 60));
	ASSERT_TRUE(flow_until_armed(f));
	device_sleep_ms(20);
	EXPECT_FALSE(sleeper_awake(&s));
	ASSERT_EQ(0, device_lowat(f->waiter, f->edge, 50));
	EXPECT_EQ(f->ready, sleeper_end(&s));
}

/* All who wait, by whatever call, share one arm and one kick. */
TEST_F(wait, many_sleepers)
{
	struct flow *f = &self->flow;
	struct sleeper s[8];
	int i;

	for (i = 0; i < 8; i++)
		ASSERT_TRUE(sleeper_poll(&s[i], f->waiter, FLOW_ALL));
	EXPECT_EQ(8, flow_arms(f));
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(f->ready, sleeper_end(&s[i]));
	EXPECT_EQ(1, flow_kicks(f));
}

TEST_F(wait, select)
{
	struct flow *f = &self->flow;
	struct timeval now;
	fd_set in, out, except;
	bool readable = f->edge == SHMRING_READABLE;
	int round;

	for (round = 0; round < 2; round++) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_ZERO(&except);
		FD_SET(f->waiter, &in);
		FD_SET(f->waiter, &out);
		FD_SET(f->waiter, &except);
		memset(&now, 0, sizeof(now));
		EXPECT_EQ(round, select(f->waiter + 1, &in, &out, &except,
					&now));
		EXPECT_EQ(round && readable, FD_ISSET(f->waiter, &in));
		EXPECT_EQ(round && !readable, FD_ISSET(f->waiter, &out));
		EXPECT_FALSE(FD_ISSET(f->waiter, &except));
		flow_give(f, 1);
		EXPECT_EQ(!round, flow_kick(f));
	}
}

/*
 * --- Who has no role to wait in
 */

FIXTURE(look) {
	struct device_pair pair;
	int observer;
};

FIXTURE_SETUP(look)
{
	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, device_pair(&self->pair, FLOW_CAPACITY, 0));
	self->observer = device_open(O_RDONLY);
	ASSERT_EQ(0, device_attach(self->observer, self->pair.handle,
				   SHMRING_ROLE_OBSERVER));
}

FIXTURE_TEARDOWN(look)
{
	device_close(&self->observer);
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

/* Whoever has not come yet has not gone. */
TEST_F(look, initial_masks)
{
	__u32 handle;
	int fd, end;

	EXPECT_EQ(0, device_poll(self->pair.consumer, FLOW_ALL));
	EXPECT_EQ(FLOW_OUT, device_poll(self->pair.producer, FLOW_ALL));
	EXPECT_EQ(0, device_poll(self->observer, FLOW_ALL));

	fd = device_ring(64, SHMRING_ROLE_CONSUMER);
	EXPECT_EQ(0, device_poll(fd, FLOW_ALL));
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	end = device_end(handle, SHMRING_ROLE_PRODUCER);
	EXPECT_EQ(0, device_poll(fd, FLOW_ALL));
	EXPECT_EQ(FLOW_OUT, device_poll(end, FLOW_ALL));
	device_close(&end);
	EXPECT_EQ(FLOW_IN | POLLHUP | POLLRDHUP, device_poll(fd, FLOW_ALL));
	device_close(&fd);

	fd = device_ring(64, SHMRING_ROLE_PRODUCER);
	EXPECT_EQ(FLOW_OUT, device_poll(fd, FLOW_ALL));
	device_close(&fd);
	fd = device_ring(64, SHMRING_ROLE_BOTH);
	EXPECT_EQ(FLOW_OUT, device_poll(fd, FLOW_ALL));
	device_close(&fd);
	fd = device_ring(64, SHMRING_ROLE_OBSERVER);
	EXPECT_EQ(0, device_poll(fd, FLOW_ALL));
	device_close(&fd);
}

TEST_F(look, unbound)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	size_t i;
	int fd, ep;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = device_open(modes[i]);
		EXPECT_EQ(POLLERR, device_poll(fd, FLOW_ALL));
		EXPECT_EQ(POLLERR, device_poll(fd, 0));
		ep = device_epoll(fd, FLOW_ALL);
		EXPECT_EQ(POLLERR, device_epoll_wait(ep, 0));
		close(ep);
		device_close(&fd);
	}
	/* Once bound it is an end like any other */
	fd = device_open(O_RDWR);
	EXPECT_EQ(POLLERR, device_poll(fd, FLOW_ALL));
	ASSERT_EQ(0, device_create(fd, 64, SHMRING_ROLE_BOTH));
	EXPECT_EQ(FLOW_OUT, device_poll(fd, FLOW_ALL));
	device_close(&fd);
}

TEST_F(look, observer_never_arms)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	struct sleeper s;
	int i, ep;

	ep = device_epoll(self->observer, FLOW_ALL | EPOLLET);
	ASSERT_LE(0, ep);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, device_poll(self->observer, FLOW_ALL));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
	}
	ASSERT_TRUE(sleeper_poll(&s, self->observer, FLOW_ALL));
	EXPECT_EQ(0, device_load(&k->rx.arms));
	EXPECT_EQ(0, device_load(&k->tx.arms));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(&k->rx_arm));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(&k->tx_arm));

	/* So it costs its producer nothing */
	device_put(&pair->p, zero, 10);
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(0, device_load(&k->rx.kicks));
	EXPECT_EQ(FLOW_IN, device_poll(self->observer, FLOW_ALL));
	/* And is not woken for it, but for what wakes the consumer */
	device_sleep_ms(10);
	EXPECT_FALSE(sleeper_awake(&s));
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 20));
	device_put(&pair->p, zero, 10);
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(FLOW_IN, sleeper_end(&s));
	EXPECT_EQ(FLOW_IN, device_epoll_wait(ep, 0));

	/* By the same threshold as the consumer */
	ASSERT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 30));
	EXPECT_EQ(0, device_poll(self->observer, FLOW_ALL));
	device_put(&pair->p, zero, 10);
	EXPECT_EQ(FLOW_IN, device_poll(self->observer, FLOW_ALL));
	device_take(&pair->c, trash, 30);
	EXPECT_EQ(0, device_poll(self->observer, FLOW_ALL));
	EXPECT_EQ(1, device_load(&k->rx.arms));
	close(ep);
}

TEST_F(look, observer_hears_of_the_end)
{
	struct device_pair *pair = &self->pair;
	struct sleeper s;

	ASSERT_TRUE(sleeper_poll(&s, self->observer, FLOW_ALL));
	device_unmap(&pair->p);
	device_close(&pair->producer);
	EXPECT_EQ(FLOW_IN | POLLHUP | POLLRDHUP, sleeper_end(&s));
	EXPECT_EQ(FLOW_IN | POLLHUP | POLLRDHUP, device_poll(self->observer, FLOW_ALL));
}

TEST_HARNESS_MAIN
