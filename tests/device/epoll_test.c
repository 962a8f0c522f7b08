// SPDX-License-Identifier: GPL-2.0-only
/*
 * epoll: by those who arm, and by those who know no call of ours but read and
 * write
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "flow.h"
#include "sleeper.h"

#define SOON		5000	/* ms; what takes longer does not come */
#define EXCLUSIVE	(EPOLLIN | EPOLLOUT)	/* all that may be asked for with it */

FIXTURE(epoll)
{
	struct flow flow;
};

FIXTURE_VARIANT(epoll) FLOW_VARIANT;
FLOW_VARIANTS(epoll);

FIXTURE_SETUP(epoll)
{
	ASSERT_TRUE(flow_open(&self->flow, variant->edge, variant->start));
	/* None of the two ends may block */
	ASSERT_EQ(0, fcntl(self->flow.waiter, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fcntl(self->flow.mover, F_SETFL, O_NONBLOCK));
}

FIXTURE_TEARDOWN(epoll)
{
	EXPECT_TRUE(flow_close(&self->flow));
}

TEST_F(epoll, level)
{
	struct flow *f = &self->flow;
	int ep = device_epoll(f->waiter, FLOW_ALL);
	int i;

	ASSERT_LE(0, ep);
	EXPECT_TRUE(flow_armed(f));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
		flow_give(f, 1);
		EXPECT_EQ(1, flow_kick(f));
		EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
		/* As long as it is so */
		EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
		flow_give(f, 1);
		EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
		flow_use(f, 1);
		EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
		flow_use(f, 1);
		/* And the look that finds nothing has armed */
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
		EXPECT_TRUE(flow_armed(f));
	}
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | f->hup, device_epoll_wait(ep, 0));
	close(ep);
}

TEST_F(epoll, edge)
{
	struct flow *f = &self->flow;
	int ep = device_epoll(f->waiter, FLOW_ALL | EPOLLET);
	int i;

	ASSERT_LE(0, ep);
	EXPECT_TRUE(flow_armed(f));
	for (i = 0; i < 3; i++) {
		flow_give(f, 1);
		EXPECT_EQ(1, flow_kick(f));
		EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
		/* Once */
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
		/* Who drains and arms hears of the next */
		flow_use(f, 1);
		EXPECT_EQ(0, device_arm(f->waiter, f->edge, 0));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
	}
	/* What came before the arm is told by the arm itself */
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
	flow_use(f, 1);
	flow_give(f, 2);
	EXPECT_EQ(0, flow_kick(f));
	EXPECT_EQ(2, device_arm(f->waiter, f->edge, 0));
	/* A peer that goes is news, armed or not */
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | f->hup, device_epoll_wait(ep, 0));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	close(ep);
}

/*
 * The kick has put the item on epoll's list; when epoll looks, it is stale.
 * That look takes it off the list, and must leave the end armed.
 */
TEST_F(epoll, edge_after_a_stale_wake)
{
	struct flow *f = &self->flow;
	int ep = device_epoll(f->waiter, FLOW_ALL | EPOLLET);
	int i;

	ASSERT_LE(0, ep);
	for (i = 0; i < 5; i++) {
		flow_give(f, 1);
		EXPECT_EQ(1, flow_kick(f));
		flow_use(f, 1);
		EXPECT_FALSE(flow_armed(f));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
		EXPECT_TRUE(flow_armed(f));
	}
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
	close(ep);
}

TEST_F(epoll, one_shot)
{
	struct flow *f = &self->flow;
	struct epoll_event event = { .events = FLOW_ALL | EPOLLONESHOT };
	int ep = device_epoll(f->waiter, event.events);

	ASSERT_LE(0, ep);
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	flow_give(f, 1);
	flow_kick(f);
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	/* Set anew: what is there counts */
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, f->waiter, &event));
	EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
	flow_use(f, 2);
	/* Set anew while there is nothing: it arms */
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, f->waiter, &event));
	EXPECT_TRUE(flow_armed(f));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(f->ready, device_epoll_wait(ep, 0));
	close(ep);
}

TEST_F(epoll, sleeps)
{
	static const __u32 kinds[] = {
		0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT,
		EPOLLEXCLUSIVE, EPOLLEXCLUSIVE | EPOLLET,
	};
	struct flow *f = &self->flow;
	struct sleeper s;
	int ep;
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		__u32 kind = kinds[i / 2];
		int events = kind & EPOLLEXCLUSIVE ? EXCLUSIVE : FLOW_ALL;

		ep = device_epoll(f->waiter, events | kind);
		ASSERT_LE(0, ep);
		ASSERT_TRUE(sleeper_epoll(&s, ep));
		flow_give(f, 1);
		EXPECT_EQ(1, flow_kick(f));
		/* Once with a wake that is stale, or may be, before */
		if (i & 1) {
			flow_use(f, 1);
			flow_give(f, 1);
			flow_kick(f);
		}
		EXPECT_EQ(f->ready & events, sleeper_end(&s)) {
			TH_LOG("kind %#x", kind);
		}
		close(ep);
		flow_use(f, 1);
		if (flow_armed(f)) {
			flow_give(f, 1);
			EXPECT_EQ(1, flow_kick(f));
			flow_use(f, 1);
		}
	}
}

/* Two pollers of one file: nobody takes the other's event. */
TEST_F(epoll, two_epolls)
{
	struct flow *f = &self->flow;
	int a = device_epoll(f->waiter, FLOW_ALL | EPOLLET);
	int b = device_epoll(f->waiter, FLOW_ALL | EPOLLET);
	int c = device_epoll(f->waiter, FLOW_ALL);

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_LE(0, c);
	flow_give(f, 1);
	EXPECT_EQ(1, flow_kick(f));
	EXPECT_EQ(f->ready, device_epoll_wait(a, 0));
	EXPECT_EQ(f->ready, device_epoll_wait(b, 0));
	EXPECT_EQ(f->ready, device_epoll_wait(c, 0));
	EXPECT_EQ(0, device_epoll_wait(a, 0));
	EXPECT_EQ(0, device_epoll_wait(b, 0));
	EXPECT_EQ(f->ready, device_epoll_wait(c, 0));
	close(a);
	close(b);
	close(c);
}

/*
 * --- Who only reads and writes
 */

/* As Go's poller goes about it. */
TEST_F(epoll, edge_until_again)
{
	struct flow *f = &self->flow;
	int ep = device_epoll(f->waiter, f->ready | EPOLLET);
	int i;

	ASSERT_LE(0, ep);
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(i, flow_move(f, f->mover, i));
		EXPECT_EQ(f->ready, device_epoll_wait(ep, SOON));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
		EXPECT_EQ(i, flow_move(f, f->waiter, FLOW_CAPACITY));
		EXPECT_EQ(-EAGAIN, flow_move(f, f->waiter, FLOW_CAPACITY));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
	}
	close(ep);
}

/* As tokio's does, and epoll(7) allows: fewer than wanted means no more is there. */
TEST_F(epoll, edge_until_short)
{
	struct flow *f = &self->flow;
	int ep = device_epoll(f->waiter, f->ready | EPOLLET);
	int i;

	ASSERT_LE(0, ep);
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(i, flow_move(f, f->mover, i));
		EXPECT_EQ(f->ready, device_epoll_wait(ep, SOON));
		EXPECT_EQ(i, flow_move(f, f->waiter, i + 1));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
	}
	close(ep);
}

/* The last bytes and the end come as one edge; of the end there is another. */
TEST_F(epoll, edge_until_short_and_the_end)
{
	struct flow *f = &self->flow;
	bool readable = f->edge == SHMRING_READABLE;
	int ep = device_epoll(f->waiter, f->ready | EPOLLET);

	ASSERT_LE(0, ep);
	ASSERT_EQ(5, flow_move(f, f->mover, 5));
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | EPOLLHUP, device_epoll_wait(ep, SOON));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	if (readable) {
		EXPECT_EQ(5, flow_move(f, f->waiter, FLOW_CAPACITY));
		EXPECT_EQ(f->ready | EPOLLHUP, device_epoll_wait(ep, SOON));
	}
	EXPECT_EQ(readable ? 0 : -EPIPE, flow_move(f, f->waiter, 1));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	close(ep);
}

/* A call that says for itself that it does not want to block is no other thing. */
TEST_F(epoll, edge_until_short_nowait)
{
	struct flow *f = &self->flow;
	bool readable = f->edge == SHMRING_READABLE;
	int ep = device_epoll(f->waiter, f->ready | EPOLLET);
	char some[10] = { 0 };
	struct iovec v = { some, sizeof(some) };
	int i;

	ASSERT_LE(0, ep);
	ASSERT_EQ(0, fcntl(f->waiter, F_SETFL, 0));
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(i, flow_move(f, f->mover, i));
		EXPECT_EQ(f->ready, device_epoll_wait(ep, SOON));
		EXPECT_EQ(i, readable ? preadv2(f->waiter, &v, 1, -1, RWF_NOWAIT) :
					pwritev2(f->waiter, &v, 1, -1, RWF_NOWAIT));
		EXPECT_EQ(0, device_epoll_wait(ep, 0));
	}
	close(ep);
}

/* All that was wanted is no sign of anything, and costs the peer no kick. */
TEST_F(epoll, no_arm_for_a_full_count)
{
	struct flow *f = &self->flow;

	ASSERT_EQ(5, flow_move(f, f->mover, 5));
	EXPECT_EQ(3, flow_move(f, f->waiter, 3));
	EXPECT_EQ(2, flow_move(f, f->waiter, 2));
	EXPECT_FALSE(flow_armed(f));
	EXPECT_EQ(-EAGAIN, flow_move(f, f->waiter, 1));
	EXPECT_TRUE(flow_armed(f));
}

/* Whoever stays in epoll_wait after a HUP hears of the next one, too. */
TEST_F(epoll, edge_of_a_successor)
{
	struct flow *f = &self->flow;
	int ep = device_epoll(f->waiter, f->ready | EPOLLET);

	ASSERT_LE(0, ep);
	flow_mover_goes(f);
	EXPECT_EQ(f->ready | EPOLLHUP, device_epoll_wait(ep, SOON));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	EXPECT_EQ(f->edge == SHMRING_READABLE ? 0 : -EPIPE,
		  flow_move(f, f->waiter, 1));

	ASSERT_TRUE(flow_mover_comes(f));
	EXPECT_EQ(0, device_epoll_wait(ep, 0));
	ASSERT_EQ(1, flow_move(f, f->mover, 1));
	EXPECT_EQ(f->ready, device_epoll_wait(ep, SOON));
	EXPECT_EQ(1, flow_move(f, f->waiter, FLOW_CAPACITY));
	close(ep);
}

/*
 * --- Several who wait, each asking not to be woken for what another can do
 */

/* A thread with a set of its own */
static bool exclusive_start(struct sleeper *s, int fd, __u32 events)
{
	int ep = device_epoll(fd, events | EPOLLEXCLUSIVE);

	return ep >= 0 && sleeper_epoll(s, ep);
}

static int exclusive_end(struct sleeper *s)
{
	int came = sleeper_end(s);

	close(s->fd);
	return came;
}

/* The end is no piece of work, which one of them could do for all. */
TEST_F(epoll, exclusive_hear_of_the_end)
{
	struct flow *f = &self->flow;
	int ready = f->ready & EXCLUSIVE;
	struct sleeper a, b;

	ASSERT_TRUE(exclusive_start(&a, f->waiter, ready));
	ASSERT_TRUE(exclusive_start(&b, f->waiter, ready));
	flow_mover_goes(f);
	EXPECT_EQ(ready | EPOLLHUP, exclusive_end(&a));
	EXPECT_EQ(ready | EPOLLHUP, exclusive_end(&b));
}

TEST_F(epoll, exclusive_hear_of_corruption)
{
	struct flow *f = &self->flow;
	int ready = f->ready & EXCLUSIVE;
	struct sleeper a, b;
	__u64 *word = f->edge == SHMRING_READABLE ? &f->pair.p.p->wr :
						    &f->pair.c.c->rd;

	ASSERT_TRUE(exclusive_start(&a, f->waiter, ready));
	ASSERT_TRUE(exclusive_start(&b, f->waiter, ready));
	device_store(word, device_load(word) + 3 * FLOW_CAPACITY);
	EXPECT_EQ(-EBADMSG, flow_move(f, f->waiter, 1));
	EXPECT_EQ(ready | EPOLLERR, exclusive_end(&a));
	EXPECT_EQ(ready | EPOLLERR, exclusive_end(&b));
}

/* Who may only look cannot take what the consumer is woken by. */
TEST_F(epoll, exclusive_observer_in_front)
{
	struct flow *f = &self->flow;
	struct sleeper observer, consumer;
	int fd;

	if (f->edge != SHMRING_READABLE)
		return;
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_attach(fd, f->pair.handle, SHMRING_ROLE_OBSERVER));
	/* The last to come is asked first. */
	ASSERT_TRUE(exclusive_start(&consumer, f->waiter, EPOLLIN));
	ASSERT_TRUE(exclusive_start(&observer, fd, EPOLLIN));
	ASSERT_EQ(1, flow_move(f, f->mover, 1));
	EXPECT_EQ(EPOLLIN, exclusive_end(&consumer));
	EXPECT_EQ(EPOLLIN, exclusive_end(&observer));

	/* And the other way round, if the queue should be one */
	ASSERT_EQ(1, flow_move(f, f->waiter, 1));
	ASSERT_TRUE(exclusive_start(&observer, fd, EPOLLIN));
	ASSERT_TRUE(exclusive_start(&consumer, f->waiter, EPOLLIN));
	ASSERT_EQ(1, flow_move(f, f->mover, 1));
	EXPECT_EQ(EPOLLIN, exclusive_end(&consumer));
	EXPECT_EQ(EPOLLIN, exclusive_end(&observer));
	device_close(&fd);
}

TEST_HARNESS_MAIN
