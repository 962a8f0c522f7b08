// SPDX-License-Identifier: GPL-2.0-only
/*
 * epoll as those use it who know no call of ours: read, write and epoll_wait
 *
 *	edges, until -EAGAIN or a short count	edge_until_again, edge_until_short
 *	several who wait exclusively		exclusive_*
 *	a peer that is replaced			edge_of_a_successor
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "device.h"

#define CAPACITY	4096
#define SOON		5000	/* ms; what takes longer does not come */

static const char zero[CAPACITY];
static char trash[CAPACITY];

/* In each direction one waits, and the other moves; none of them may block. */
FIXTURE(epoll)
{
	struct device_pair pair;
	int waiter, mover;
	__u32 ready;
	const __u64 *arm;
	int set;
};

FIXTURE_VARIANT(epoll)
{
	__u32 edge;
};

FIXTURE_VARIANT_ADD(epoll, readable) {
	.edge = SHMRING_READABLE,
};

FIXTURE_VARIANT_ADD(epoll, writable) {
	.edge = SHMRING_WRITABLE,
};

FIXTURE_SETUP(epoll)
{
	struct device_pair *pair = &self->pair;

	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, device_pair(pair, CAPACITY, 0));
	ASSERT_EQ(0, fcntl(pair->producer, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, fcntl(pair->consumer, F_SETFL, O_NONBLOCK));
	if (variant->edge == SHMRING_READABLE) {
		self->waiter = pair->consumer;
		self->mover = pair->producer;
		self->ready = EPOLLIN;
		self->arm = &pair->p.k->rx_arm;
	} else {
		self->waiter = pair->producer;
		self->mover = pair->consumer;
		self->ready = EPOLLOUT;
		self->arm = &pair->c.k->tx_arm;
		ASSERT_EQ(CAPACITY, write(pair->producer, zero, CAPACITY));
	}
	self->set = epoll_create1(EPOLL_CLOEXEC);
	ASSERT_LE(0, self->set);
}

FIXTURE_TEARDOWN(epoll)
{
	close(self->set);
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

static int add(int set, int fd, __u32 events)
{
	struct epoll_event event = { .events = events };

	return epoll_ctl(set, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

/* The events that come within so many milliseconds */
static __u32 wait_for(int set, int ms)
{
	struct epoll_event event;

	return epoll_wait(set, &event, 1, ms) == 1 ? event.events : 0;
}

/* Read or write, whichever that end does. */
static ssize_t move(struct _test_data_epoll *self, int fd, size_t n)
{
	ssize_t rc;

	rc = fd == self->pair.consumer ? read(fd, trash, n) : write(fd, zero, n);
	return rc < 0 ? -errno : rc;
}

/* As Go's poller goes about it. */
TEST_F(epoll, edge_until_again)
{
	int i;

	ASSERT_EQ(0, add(self->set, self->waiter, self->ready | EPOLLET));
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(i, move(self, self->mover, i));
		EXPECT_EQ(self->ready, wait_for(self->set, SOON));
		EXPECT_EQ(0, wait_for(self->set, 0));
		EXPECT_EQ(i, move(self, self->waiter, CAPACITY));
		EXPECT_EQ(-EAGAIN, move(self, self->waiter, CAPACITY));
		EXPECT_EQ(0, wait_for(self->set, 0));
	}
}

/* As tokio's does, and epoll(7) allows: fewer than wanted means no more is there. */
TEST_F(epoll, edge_until_short)
{
	int i;

	ASSERT_EQ(0, add(self->set, self->waiter, self->ready | EPOLLET));
	for (i = 1; i <= 5; i++) {
		ASSERT_EQ(i, move(self, self->mover, i));
		EXPECT_EQ(self->ready, wait_for(self->set, SOON));
		EXPECT_EQ(i, move(self, self->waiter, i + 1));
		EXPECT_EQ(0, wait_for(self->set, 0));
	}
}

/* All that was wanted is no sign of anything, and costs the peer no kick. */
TEST_F(epoll, no_arm_for_a_full_count)
{
	ASSERT_EQ(5, move(self, self->mover, 5));
	EXPECT_EQ(3, move(self, self->waiter, 3));
	EXPECT_EQ(2, move(self, self->waiter, 2));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(self->arm));
	EXPECT_EQ(-EAGAIN, move(self, self->waiter, 1));
	EXPECT_NE(SHMRING_ARM_NONE, device_load(self->arm));
}

/* A thread in epoll_wait, with a set of its own */
struct sleeper {
	pthread_t thread;
	int set;
	pid_t id;
	__u32 events;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;

	__atomic_store_n(&s->id, gettid(), __ATOMIC_SEQ_CST);
	s->events = wait_for(s->set, SOON);
	return NULL;
}

static bool sleeper_start(struct sleeper *s, int fd, __u32 events)
{
	s->id = 0;
	s->set = epoll_create1(EPOLL_CLOEXEC);
	if (s->set < 0 || add(s->set, fd, events | EPOLLEXCLUSIVE) ||
	    pthread_create(&s->thread, NULL, sleeper_run, s))
		return false;
	while (!__atomic_load_n(&s->id, __ATOMIC_SEQ_CST))
		sched_yield();
	return device_asleep(s->id);
}

static __u32 sleeper_end(struct sleeper *s)
{
	pthread_join(s->thread, NULL);
	close(s->set);
	return s->events;
}

static void mover_goes(struct _test_data_epoll *self)
{
	if (self->mover == self->pair.producer) {
		device_unmap(&self->pair.p);
		device_close(&self->pair.producer);
	} else {
		device_unmap(&self->pair.c);
		device_close(&self->pair.consumer);
	}
}

/* The end is no piece of work, which one of them could do for all. */
TEST_F(epoll, exclusive_hear_of_the_end)
{
	struct sleeper a, b;

	ASSERT_TRUE(sleeper_start(&a, self->waiter, self->ready));
	ASSERT_TRUE(sleeper_start(&b, self->waiter, self->ready));
	mover_goes(self);
	EXPECT_EQ(self->ready | EPOLLHUP, sleeper_end(&a));
	EXPECT_EQ(self->ready | EPOLLHUP, sleeper_end(&b));
}

TEST_F(epoll, exclusive_hear_of_corruption)
{
	struct sleeper a, b;
	__u64 *word = variant->edge == SHMRING_READABLE ?
		      &self->pair.p.p->wr : &self->pair.c.c->rd;

	ASSERT_TRUE(sleeper_start(&a, self->waiter, self->ready));
	ASSERT_TRUE(sleeper_start(&b, self->waiter, self->ready));
	device_store(word, device_load(word) + 3 * CAPACITY);
	EXPECT_EQ(-EBADMSG, move(self, self->waiter, 1));
	EXPECT_EQ(self->ready | EPOLLERR, sleeper_end(&a));
	EXPECT_EQ(self->ready | EPOLLERR, sleeper_end(&b));
}

/* Who may only look cannot take what the consumer is woken by. */
TEST_F(epoll, exclusive_observer_in_front)
{
	struct sleeper observer, consumer;
	int fd;

	if (variant->edge != SHMRING_READABLE)
		return;
	fd = device_open(O_RDONLY);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_attach(fd, self->pair.handle, SHMRING_ROLE_OBSERVER));
	/* The last to come is asked first. */
	ASSERT_TRUE(sleeper_start(&consumer, self->waiter, EPOLLIN));
	ASSERT_TRUE(sleeper_start(&observer, fd, EPOLLIN));
	ASSERT_EQ(1, move(self, self->mover, 1));
	EXPECT_EQ(EPOLLIN, sleeper_end(&consumer));
	EXPECT_EQ(EPOLLIN, sleeper_end(&observer));

	/* And the other way round, if the queue should be one */
	ASSERT_EQ(1, move(self, self->waiter, 1));
	ASSERT_TRUE(sleeper_start(&observer, fd, EPOLLIN));
	ASSERT_TRUE(sleeper_start(&consumer, self->waiter, EPOLLIN));
	ASSERT_EQ(1, move(self, self->mover, 1));
	EXPECT_EQ(EPOLLIN, sleeper_end(&consumer));
	EXPECT_EQ(EPOLLIN, sleeper_end(&observer));
	device_close(&fd);
}

/* Whoever stays in epoll_wait after a HUP hears of the next one, too. */
TEST_F(epoll, edge_of_a_successor)
{
	__u32 role = variant->edge == SHMRING_READABLE ? SHMRING_ROLE_PRODUCER :
							 SHMRING_ROLE_CONSUMER;
	int *mover = variant->edge == SHMRING_READABLE ? &self->pair.producer :
							 &self->pair.consumer;

	ASSERT_EQ(0, add(self->set, self->waiter, self->ready | EPOLLET));
	mover_goes(self);
	EXPECT_EQ(self->ready | EPOLLHUP, wait_for(self->set, SOON));
	EXPECT_EQ(0, wait_for(self->set, 0));
	EXPECT_EQ(variant->edge == SHMRING_READABLE ? 0 : -EPIPE,
		  move(self, self->waiter, 1));

	*mover = device_end(self->pair.handle, role);
	ASSERT_LE(0, *mover);
	self->mover = *mover;
	EXPECT_EQ(0, wait_for(self->set, 0));
	ASSERT_EQ(1, move(self, self->mover, 1));
	EXPECT_EQ(self->ready, wait_for(self->set, SOON));
	EXPECT_EQ(1, move(self, self->waiter, CAPACITY));
}

TEST_HARNESS_MAIN
