// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll, select, epoll: what is said of an end, when, and at what cost
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>

#include "kselftest_harness.h"
#include "device.h"

#define CAPACITY	4096
#define MS		1000000LL

#define IN	(POLLIN | POLLRDNORM)
#define OUT	(POLLOUT | POLLWRNORM)
#define ALL	(IN | OUT | POLLPRI | POLLRDHUP | POLLERR | POLLHUP)

static const char zero[CAPACITY];
static char trash[CAPACITY];

/*
 * --- The two directions are one algorithm, and so are their tests: a waiter,
 * and a mover who gives it what it waits for
 */

FIXTURE(wait) {
	struct device_pair pair;
	__u32 edge;
	int waiter, mover;
	short ready;	/* events that mean "go on" */
	short hup;	/* events that mean "the mover has gone" */
	const __u64 *arm;
	const struct shmring_counters *counters;
};

FIXTURE_VARIANT(wait) {
	__u32 edge;
	__u64 start;
};

FIXTURE_VARIANT_ADD(wait, readable) {
	.edge = SHMRING_READABLE,
};

FIXTURE_VARIANT_ADD(wait, writable) {
	.edge = SHMRING_WRITABLE,
};

FIXTURE_VARIANT_ADD(wait, readable_near_2_64) {
	.edge = SHMRING_READABLE,
	.start = -3ULL,
};

FIXTURE_VARIANT_ADD(wait, writable_near_2_64) {
	.edge = SHMRING_WRITABLE,
	.start = -CAPACITY - 3ULL,
};

FIXTURE_SETUP(wait)
{
	struct device_pair *pair = &self->pair;

	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, device_pair(pair, CAPACITY, variant->start));
	self->edge = variant->edge;
	if (self->edge == SHMRING_READABLE) {
		self->waiter = pair->consumer;
		self->mover = pair->producer;
		self->ready = IN;
		self->hup = POLLHUP | POLLRDHUP;
		self->arm = &pair->p.k->rx_arm;
		self->counters = &pair->p.k->rx;
	} else {
		self->waiter = pair->producer;
		self->mover = pair->consumer;
		self->ready = OUT;
		self->hup = POLLHUP;
		self->arm = &pair->c.k->tx_arm;
		self->counters = &pair->c.k->tx;
		device_put(&pair->p, zero, CAPACITY);
	}
}

FIXTURE_TEARDOWN(wait)
{
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

/* The mover gives; the waiter uses up. Neither calls the kernel. */
static void give(struct _test_data_wait *self, size_t n)
{
	if (self->edge == SHMRING_READABLE)
		device_put(&self->pair.p, zero, n);
	else
		device_take(&self->pair.c, trash, n);
}

static void use(struct _test_data_wait *self, size_t n)
{
	if (self->edge == SHMRING_READABLE)
		device_take(&self->pair.c, trash, n);
	else
		device_put(&self->pair.p, zero, n);
}

static int kick(struct _test_data_wait *self)
{
	return device_kick(self->mover, self->edge);
}

static __u64 arms(struct _test_data_wait *self)
{
	return device_load(&self->counters->arms);
}

static __u64 kicks(struct _test_data_wait *self)
{
	return device_load(&self->counters->kicks);
}

static bool armed(struct _test_data_wait *self)
{
	return device_load(self->arm) != SHMRING_ARM_NONE;
}

static bool until_armed(struct _test_data_wait *self)
{
	long long end = device_now_ns() + 2000 * MS;

	while (!armed(self)) {
		if (device_now_ns() > end)
			return false;
		device_sleep_ms(1);
	}
	return true;
}

static void mover_goes(struct _test_data_wait *self)
{
	if (self->edge == SHMRING_READABLE) {
		device_unmap(&self->pair.p);
		device_close(&self->pair.producer);
	} else {
		device_unmap(&self->pair.c);
		device_close(&self->pair.consumer);
	}
}

static bool mover_comes(struct _test_data_wait *self)
{
	struct device_pair *pair = &self->pair;

	if (self->edge == SHMRING_READABLE) {
		pair->producer = device_end(pair->handle,
					    SHMRING_ROLE_PRODUCER);
		self->mover = pair->producer;
		return self->mover >= 0 &&
		       !device_map(self->mover, &pair->p);
	}
	pair->consumer = device_end(pair->handle, SHMRING_ROLE_CONSUMER);
	self->mover = pair->consumer;
	return self->mover >= 0 && !device_map(self->mover, &pair->c);
}

#define PATIENCE	5000	/* ms */

/* A thread in poll. */
struct sleeper {
	pthread_t thread;
	int fd;
	short events;
	int revents;
	pid_t id;
	bool awake;
};

static void *sleeper_run(void *arg)
{
	struct sleeper *s = arg;
	struct pollfd pfd = { .fd = s->fd, .events = s->events };
	long long began = device_now_ns();
	int n;

	__atomic_store_n(&s->id, gettid(), __ATOMIC_SEQ_CST);
	n = poll(&pfd, 1, PATIENCE);
	s->revents = n > 0 ? pfd.revents : n;
	/* It looks again when its time is up: that is not to be woken */
	if (device_now_ns() - began >= PATIENCE * MS)
		s->revents = -ETIME;
	__atomic_store_n(&s->awake, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool is_awake(struct sleeper *s)
{
	return __atomic_load_n(&s->awake, __ATOMIC_SEQ_CST);
}

static bool sleeper_start(struct sleeper *s, int fd, short events)
{
	memset(s, 0, sizeof(*s));
	s->fd = fd;
	s->events = events;
	if (pthread_create(&s->thread, NULL, sleeper_run, s))
		return false;
	while (!__atomic_load_n(&s->id, __ATOMIC_SEQ_CST))
		sched_yield();
	return device_asleep(s->id);
}

static int sleeper_end(struct sleeper *s)
{
	pthread_join(s->thread, NULL);
	return s->revents;
}

TEST_F(wait, masks)
{
	struct _test_data_wait *w = self;

	EXPECT_EQ(0, device_poll(w->waiter, ALL));
	give(w, 1);
	EXPECT_EQ(w->ready, device_poll(w->waiter, ALL));
	/* What is not asked for is not said */
	EXPECT_EQ(w->ready & POLLIN, device_poll(w->waiter, POLLIN));
	EXPECT_EQ(w->ready & POLLOUT, device_poll(w->waiter, POLLOUT));
	EXPECT_EQ(w->ready & POLLRDNORM, device_poll(w->waiter, POLLRDNORM));
	EXPECT_EQ(w->ready & POLLWRNORM, device_poll(w->waiter, POLLWRNORM));
	EXPECT_EQ(0, device_poll(w->waiter, 0));
	use(w, 1);
	EXPECT_EQ(0, device_poll(w->waiter, ALL));
	give(w, CAPACITY);
	EXPECT_EQ(w->ready, device_poll(w->waiter, ALL));
	/* And the other end has nothing any more */
	EXPECT_EQ(0, device_poll(w->mover, ALL));
}

TEST_F(wait, threshold)
{
	static const __u32 thresholds[] = { 1, 2, 7, 100, CAPACITY / 2 };
	struct _test_data_wait *w = self;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(thresholds); i++) {
		__u32 t = thresholds[i];

		ASSERT_EQ(0, device_lowat(w->waiter, w->edge, t));
		give(w, t - 1);
		EXPECT_EQ(0, device_poll(w->waiter, ALL));
		/* Armed for what it waits for, not for less */
		EXPECT_EQ(0, kick(w));
		give(w, 1);
		EXPECT_EQ(1, kick(w));
		EXPECT_EQ(w->ready, device_poll(w->waiter, ALL));
		use(w, 1);
		EXPECT_EQ(0, device_poll(w->waiter, ALL));
		use(w, t - 1);
		/* An arm that still stands for the next round is lower */
		give(w, t);
		EXPECT_EQ(1, kick(w));
		use(w, t);
	}
}

TEST_F(wait, mover_goes_and_comes)
{
	struct _test_data_wait *w = self;

	give(w, 1);
	mover_goes(w);
	EXPECT_EQ(w->ready | w->hup, device_poll(w->waiter, ALL));
	/* HUP is said unasked */
	EXPECT_EQ(POLLHUP, device_poll(w->waiter, 0));
	EXPECT_EQ(w->hup, device_poll(w->waiter, POLLRDHUP));
	use(w, 1);
	/* Nothing is left, and a call would not block */
	EXPECT_EQ(w->ready | w->hup, device_poll(w->waiter, ALL));
	ASSERT_TRUE(mover_comes(w));
	EXPECT_EQ(0, device_poll(w->waiter, ALL));
	give(w, 1);
	EXPECT_EQ(w->ready, device_poll(w->waiter, ALL));
}

/* A HUP does not wait for a threshold. */
TEST_F(wait, last_bytes)
{
	struct _test_data_wait *w = self;

	ASSERT_EQ(0, device_lowat(w->waiter, w->edge, 100));
	give(w, 10);
	EXPECT_EQ(0, device_poll(w->waiter, ALL));
	mover_goes(w);
	EXPECT_EQ(w->ready | w->hup, device_poll(w->waiter, ALL));
}

TEST_F(wait, corrupt)
{
	struct _test_data_wait *w = self;
	struct sleeper s, t;

	ASSERT_TRUE(sleeper_start(&s, w->waiter, w->ready));
	ASSERT_TRUE(until_armed(w));
	ASSERT_TRUE(sleeper_start(&t, w->waiter, 0));
	device_store(&w->pair.p.p->wr, w->pair.c.c->rd + CAPACITY + 1);
	/* Found by the other end */
	EXPECT_EQ(POLLERR, POLLERR & device_poll(w->mover, ALL));
	EXPECT_EQ(POLLERR, POLLERR & sleeper_end(&s));
	EXPECT_EQ(POLLERR, sleeper_end(&t));
	EXPECT_EQ(w->ready | POLLERR, device_poll(w->waiter, ALL));
	EXPECT_EQ(POLLERR, device_poll(w->waiter, 0));
	EXPECT_EQ(POLLERR, device_poll(w->mover, 0));
}

/*
 * --- What arms
 */

TEST_F(wait, arms_only_what_is_asked_for)
{
	static const short others[] = { 0, POLLPRI, POLLHUP, POLLERR,
					POLLRDHUP };
	struct _test_data_wait *w = self;
	__u64 before;
	size_t i;

	before = arms(w);
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		EXPECT_EQ(0, device_poll(w->waiter, others[i]));
		EXPECT_EQ(0, device_poll(w->waiter, (IN | OUT) & ~w->ready));
	}
	EXPECT_EQ(before, arms(w));
	EXPECT_FALSE(armed(w));

	EXPECT_EQ(0, device_poll(w->waiter, w->ready));
	EXPECT_EQ(before + 1, arms(w));
	EXPECT_TRUE(armed(w));
	give(w, 1);
	EXPECT_EQ(1, kick(w));

	/* One that finds what it wants need not arm */
	before = arms(w);
	EXPECT_EQ(w->ready, device_poll(w->waiter, ALL));
	EXPECT_EQ(before, arms(w));
	EXPECT_FALSE(armed(w));
	/* Nor does the other direction change anything here */
	before = arms(w);
	device_poll(w->mover, ALL);
	EXPECT_EQ(before, arms(w));
}

/* A file with both roles: each direction for itself. */
TEST_F(wait, both_roles)
{
	bool readable = self->edge == SHMRING_READABLE;
	short other = readable ? OUT : IN;
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
	EXPECT_EQ(other, device_poll(fd, ALL));
	EXPECT_NE(SHMRING_ARM_NONE, device_load(mine));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(others));
	if (readable)
		device_put(&map, zero, 4);
	else
		device_take(&map, trash, 4);
	EXPECT_EQ(1, device_kick(fd, self->edge));
	EXPECT_EQ(IN | OUT, device_poll(fd, ALL));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(mine));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(others));
	device_unmap(&map);
	device_close(&fd);
}

TEST_F(wait, one_kick_for_each_arm)
{
	struct _test_data_wait *w = self;
	int i;

	/* Nobody waits: nothing is sent */
	for (i = 0; i < 10; i++) {
		give(w, 1);
		EXPECT_EQ(0, kick(w));
	}
	EXPECT_EQ(0, kicks(w));
	use(w, 10);

	/* One arm, many moves: one */
	EXPECT_EQ(0, device_poll(w->waiter, w->ready));
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	for (i = 0; i < 10; i++) {
		give(w, 1);
		EXPECT_EQ(0, kick(w));
	}
	EXPECT_EQ(1, kicks(w));
	use(w, 11);

	/* Many arms, one move: one */
	for (i = 0; i < 10; i++)
		EXPECT_EQ(0, device_poll(w->waiter, w->ready));
	give(w, 10);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(0, kick(w));
	EXPECT_EQ(2, kicks(w));
	EXPECT_EQ(11, arms(w));
}

/* A mover by system call kicks by itself, and by the same rule. */
TEST_F(wait, system_calls_kick)
{
	struct _test_data_wait *w = self;
	bool readable = w->edge == SHMRING_READABLE;
	int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, device_poll(w->waiter, w->ready));
		EXPECT_EQ(1, readable ? write(w->mover, zero, 1) :
					read(w->mover, trash, 1));
		EXPECT_EQ(1, readable ? write(w->mover, zero, 1) :
					read(w->mover, trash, 1));
		EXPECT_EQ(i + 1, kicks(w));
		EXPECT_EQ(2, readable ? read(w->waiter, trash, 2) :
					write(w->waiter, zero, 2));
	}
}

/*
 * --- Who sleeps
 */

TEST_F(wait, poll_sleeps)
{
	struct _test_data_wait *w = self;
	struct sleeper s;

	ASSERT_TRUE(sleeper_start(&s, w->waiter, ALL));
	ASSERT_TRUE(until_armed(w));
	device_sleep_ms(20);
	EXPECT_FALSE(is_awake(&s));
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(w->ready, sleeper_end(&s));
	use(w, 1);

	ASSERT_TRUE(sleeper_start(&s, w->waiter, ALL));
	ASSERT_TRUE(until_armed(w));
	mover_goes(w);
	EXPECT_EQ(w->ready | w->hup, sleeper_end(&s));
	ASSERT_TRUE(mover_comes(w));

	/* For a HUP alone */
	ASSERT_TRUE(sleeper_start(&s, w->waiter, 0));
	give(w, 1);
	kick(w);
	device_sleep_ms(20);
	EXPECT_FALSE(is_awake(&s));
	mover_goes(w);
	EXPECT_EQ(POLLHUP, sleeper_end(&s));
}

TEST_F(wait, lowat_wakes)
{
	struct _test_data_wait *w = self;
	struct sleeper s;

	ASSERT_EQ(0, device_lowat(w->waiter, w->edge, 100));
	give(w, 50);
	ASSERT_TRUE(sleeper_start(&s, w->waiter, ALL));
	ASSERT_TRUE(until_armed(w));
	device_sleep_ms(5);
	ASSERT_EQ(0, device_lowat(w->waiter, w->edge, 60));
	ASSERT_TRUE(until_armed(w));
	device_sleep_ms(20);
	EXPECT_FALSE(is_awake(&s));
	ASSERT_EQ(0, device_lowat(w->waiter, w->edge, 50));
	EXPECT_EQ(w->ready, sleeper_end(&s));
}

/* All who wait, by whatever call, share one arm and one kick. */
TEST_F(wait, many_sleepers)
{
	struct _test_data_wait *w = self;
	struct sleeper s[8];
	int i;

	for (i = 0; i < 8; i++)
		ASSERT_TRUE(sleeper_start(&s[i], w->waiter, ALL));
	EXPECT_EQ(8, arms(w));
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	for (i = 0; i < 8; i++)
		EXPECT_EQ(w->ready, sleeper_end(&s[i]));
	EXPECT_EQ(1, kicks(w));
}

TEST_F(wait, select)
{
	struct _test_data_wait *w = self;
	struct timeval now;
	fd_set in, out, except;
	bool readable = w->edge == SHMRING_READABLE;
	int round;

	for (round = 0; round < 2; round++) {
		FD_ZERO(&in);
		FD_ZERO(&out);
		FD_ZERO(&except);
		FD_SET(w->waiter, &in);
		FD_SET(w->waiter, &out);
		FD_SET(w->waiter, &except);
		memset(&now, 0, sizeof(now));
		EXPECT_EQ(round, select(w->waiter + 1, &in, &out, &except,
					&now));
		EXPECT_EQ(round && readable, FD_ISSET(w->waiter, &in));
		EXPECT_EQ(round && !readable, FD_ISSET(w->waiter, &out));
		EXPECT_FALSE(FD_ISSET(w->waiter, &except));
		give(w, 1);
		EXPECT_EQ(!round, kick(w));
	}
}

/*
 * --- epoll
 */

static int epoll_of(int fd, __u32 events)
{
	struct epoll_event event = { .events = events };
	int ep = epoll_create1(EPOLL_CLOEXEC);

	if (ep < 0 || epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event))
		return -1;
	return ep;
}

/* The events of the one file, 0 if there are none. */
static int epoll_now(int ep)
{
	struct epoll_event event;
	int n = epoll_wait(ep, &event, 1, 0);

	return n > 0 ? (int)(event.events & ~EPOLLET) : n;
}

TEST_F(wait, epoll_level)
{
	struct _test_data_wait *w = self;
	int ep = epoll_of(w->waiter, ALL);
	int i;

	ASSERT_LE(0, ep);
	EXPECT_TRUE(armed(w));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(0, epoll_now(ep));
		give(w, 1);
		EXPECT_EQ(1, kick(w));
		EXPECT_EQ(w->ready, epoll_now(ep));
		/* As long as it is so */
		EXPECT_EQ(w->ready, epoll_now(ep));
		give(w, 1);
		EXPECT_EQ(w->ready, epoll_now(ep));
		use(w, 1);
		EXPECT_EQ(w->ready, epoll_now(ep));
		use(w, 1);
		/* And the look that finds nothing has armed */
		EXPECT_EQ(0, epoll_now(ep));
		EXPECT_TRUE(armed(w));
	}
	mover_goes(w);
	EXPECT_EQ(w->ready | w->hup, epoll_now(ep));
	close(ep);
}

TEST_F(wait, epoll_edge)
{
	struct _test_data_wait *w = self;
	int ep = epoll_of(w->waiter, ALL | EPOLLET);
	int i;

	ASSERT_LE(0, ep);
	EXPECT_TRUE(armed(w));
	for (i = 0; i < 3; i++) {
		give(w, 1);
		EXPECT_EQ(1, kick(w));
		EXPECT_EQ(w->ready, epoll_now(ep));
		/* Once */
		EXPECT_EQ(0, epoll_now(ep));
		/* Who drains and arms hears of the next */
		use(w, 1);
		EXPECT_EQ(0, device_arm(w->waiter, w->edge, 0));
		EXPECT_EQ(0, epoll_now(ep));
	}
	/* What came before the arm is told by the arm itself */
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(w->ready, epoll_now(ep));
	use(w, 1);
	give(w, 2);
	EXPECT_EQ(0, kick(w));
	EXPECT_EQ(2, device_arm(w->waiter, w->edge, 0));
	/* A peer that goes is news, armed or not */
	mover_goes(w);
	EXPECT_EQ(w->ready | w->hup, epoll_now(ep));
	EXPECT_EQ(0, epoll_now(ep));
	close(ep);
}

/*
 * The kick has put the item on epoll's list; when epoll looks, it is stale.
 * That look takes it off the list, and must leave the end armed.
 */
TEST_F(wait, epoll_edge_after_a_stale_wake)
{
	struct _test_data_wait *w = self;
	int ep = epoll_of(w->waiter, ALL | EPOLLET);
	int i;

	ASSERT_LE(0, ep);
	for (i = 0; i < 5; i++) {
		give(w, 1);
		EXPECT_EQ(1, kick(w));
		use(w, 1);
		EXPECT_FALSE(armed(w));
		EXPECT_EQ(0, epoll_now(ep));
		EXPECT_TRUE(armed(w));
	}
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(w->ready, epoll_now(ep));
	close(ep);
}

TEST_F(wait, epoll_one_shot)
{
	struct _test_data_wait *w = self;
	struct epoll_event event = { .events = ALL | EPOLLONESHOT };
	int ep = epoll_of(w->waiter, event.events);

	ASSERT_LE(0, ep);
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(w->ready, epoll_now(ep));
	EXPECT_EQ(0, epoll_now(ep));
	give(w, 1);
	kick(w);
	EXPECT_EQ(0, epoll_now(ep));
	/* Set anew: what is there counts */
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, w->waiter, &event));
	EXPECT_EQ(w->ready, epoll_now(ep));
	use(w, 2);
	/* Set anew while there is nothing: it arms */
	ASSERT_EQ(0, epoll_ctl(ep, EPOLL_CTL_MOD, w->waiter, &event));
	EXPECT_TRUE(armed(w));
	EXPECT_EQ(0, epoll_now(ep));
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(w->ready, epoll_now(ep));
	close(ep);
}

struct epoll_sleeper {
	pthread_t thread;
	int ep;
	int events;
};

static void *epoll_sleeper_run(void *arg)
{
	struct epoll_sleeper *s = arg;
	struct epoll_event event;
	long long began = device_now_ns();

	s->events = epoll_wait(s->ep, &event, 1, PATIENCE);
	if (s->events == 1)
		s->events = event.events;
	if (device_now_ns() - began >= PATIENCE * MS)
		s->events = -ETIME;
	return NULL;
}

TEST_F(wait, epoll_sleeps)
{
	static const __u32 kinds[] = {
		0, EPOLLET, EPOLLONESHOT, EPOLLET | EPOLLONESHOT,
		EPOLLEXCLUSIVE, EPOLLEXCLUSIVE | EPOLLET,
	};
	struct _test_data_wait *w = self;
	struct epoll_sleeper s;
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(kinds); i++) {
		__u32 kind = kinds[i / 2];
		/* With EPOLLEXCLUSIVE, no others may be asked for */
		int events = kind & EPOLLEXCLUSIVE ? POLLIN | POLLOUT : ALL;

		s.ep = epoll_of(w->waiter, events | kind);
		ASSERT_LE(0, s.ep);
		ASSERT_EQ(0, pthread_create(&s.thread, NULL, epoll_sleeper_run,
					    &s));
		device_sleep_ms(5);
		give(w, 1);
		EXPECT_EQ(1, kick(w));
		/* Once with a wake that is stale, or may be, before */
		if (i & 1) {
			use(w, 1);
			give(w, 1);
			kick(w);
		}
		pthread_join(s.thread, NULL);
		EXPECT_EQ(w->ready & events, s.events) {
			TH_LOG("kind %#x", kind);
		}
		close(s.ep);
		use(w, 1);
		if (armed(w)) {
			give(w, 1);
			EXPECT_EQ(1, kick(w));
			use(w, 1);
		}
	}
}

/* Two pollers of one file: nobody takes the other's event. */
TEST_F(wait, two_epolls)
{
	struct _test_data_wait *w = self;
	int a = epoll_of(w->waiter, ALL | EPOLLET);
	int b = epoll_of(w->waiter, ALL | EPOLLET);
	int c = epoll_of(w->waiter, ALL);

	ASSERT_LE(0, a);
	ASSERT_LE(0, b);
	ASSERT_LE(0, c);
	give(w, 1);
	EXPECT_EQ(1, kick(w));
	EXPECT_EQ(w->ready, epoll_now(a));
	EXPECT_EQ(w->ready, epoll_now(b));
	EXPECT_EQ(w->ready, epoll_now(c));
	EXPECT_EQ(0, epoll_now(a));
	EXPECT_EQ(0, epoll_now(b));
	EXPECT_EQ(w->ready, epoll_now(c));
	close(a);
	close(b);
	close(c);
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
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0));
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

	EXPECT_EQ(0, device_poll(self->pair.consumer, ALL));
	EXPECT_EQ(OUT, device_poll(self->pair.producer, ALL));
	EXPECT_EQ(0, device_poll(self->observer, ALL));

	fd = device_ring(64, SHMRING_ROLE_CONSUMER);
	EXPECT_EQ(0, device_poll(fd, ALL));
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	end = device_end(handle, SHMRING_ROLE_PRODUCER);
	EXPECT_EQ(0, device_poll(fd, ALL));
	EXPECT_EQ(OUT, device_poll(end, ALL));
	device_close(&end);
	EXPECT_EQ(IN | POLLHUP | POLLRDHUP, device_poll(fd, ALL));
	device_close(&fd);

	fd = device_ring(64, SHMRING_ROLE_PRODUCER);
	EXPECT_EQ(OUT, device_poll(fd, ALL));
	device_close(&fd);
	fd = device_ring(64, SHMRING_ROLE_BOTH);
	EXPECT_EQ(OUT, device_poll(fd, ALL));
	device_close(&fd);
	fd = device_ring(64, SHMRING_ROLE_OBSERVER);
	EXPECT_EQ(0, device_poll(fd, ALL));
	device_close(&fd);
}

TEST_F(look, unbound)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	size_t i;
	int fd, ep;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		fd = device_open(modes[i]);
		EXPECT_EQ(POLLERR, device_poll(fd, ALL));
		EXPECT_EQ(POLLERR, device_poll(fd, 0));
		ep = epoll_of(fd, ALL);
		EXPECT_EQ(POLLERR, epoll_now(ep));
		close(ep);
		device_close(&fd);
	}
	/* Once bound it is an end like any other */
	fd = device_open(O_RDWR);
	EXPECT_EQ(POLLERR, device_poll(fd, ALL));
	ASSERT_EQ(0, device_create(fd, 64, SHMRING_ROLE_BOTH));
	EXPECT_EQ(OUT, device_poll(fd, ALL));
	device_close(&fd);
}

TEST_F(look, observer_never_arms)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	struct sleeper s;
	int i, ep;

	ep = epoll_of(self->observer, ALL | EPOLLET);
	ASSERT_LE(0, ep);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(0, device_poll(self->observer, ALL));
		EXPECT_EQ(0, epoll_now(ep));
	}
	ASSERT_TRUE(sleeper_start(&s, self->observer, ALL));
	EXPECT_EQ(0, device_load(&k->rx.arms));
	EXPECT_EQ(0, device_load(&k->tx.arms));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(&k->rx_arm));
	EXPECT_EQ(SHMRING_ARM_NONE, device_load(&k->tx_arm));

	/* So it costs its producer nothing */
	device_put(&pair->p, zero, 10);
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(0, device_load(&k->rx.kicks));
	EXPECT_EQ(IN, device_poll(self->observer, ALL));
	/* And is not woken for it, but for what wakes the consumer */
	device_sleep_ms(10);
	EXPECT_FALSE(is_awake(&s));
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 20));
	device_put(&pair->p, zero, 10);
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(IN, sleeper_end(&s));
	EXPECT_EQ(IN, epoll_now(ep));

	/* By the same threshold as the consumer */
	ASSERT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 30));
	EXPECT_EQ(0, device_poll(self->observer, ALL));
	device_put(&pair->p, zero, 10);
	EXPECT_EQ(IN, device_poll(self->observer, ALL));
	device_take(&pair->c, trash, 30);
	EXPECT_EQ(0, device_poll(self->observer, ALL));
	EXPECT_EQ(1, device_load(&k->rx.arms));
	close(ep);
}

TEST_F(look, observer_hears_of_the_end)
{
	struct device_pair *pair = &self->pair;
	struct sleeper s;

	ASSERT_TRUE(sleeper_start(&s, self->observer, ALL));
	device_unmap(&pair->p);
	device_close(&pair->producer);
	EXPECT_EQ(IN | POLLHUP | POLLRDHUP, sleeper_end(&s));
	EXPECT_EQ(IN | POLLHUP | POLLRDHUP, device_poll(self->observer, ALL));
}

TEST_HARNESS_MAIN
