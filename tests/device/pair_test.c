// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two ends of a ring, at several positions: how they arm, wait and kick, and
 * what they hear of one another
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "kselftest_harness.h"
#include "device.h"
#include "sleeper.h"

#define MS	1000000LL
#define CAPACITY	4096

FIXTURE(pair) {
	struct device_pair pair;
	int observer;
	__u64 start;
};

FIXTURE_VARIANT(pair) {
	__u64 start;
};

FIXTURE_VARIANT_ADD(pair, from_0) { .start = 0 };
FIXTURE_VARIANT_ADD(pair, near_2_32) { .start = (1ULL << 32) - 5 };
FIXTURE_VARIANT_ADD(pair, near_2_63) { .start = (1ULL << 63) - 5 };
FIXTURE_VARIANT_ADD(pair, near_2_64) { .start = -5ULL };
FIXTURE_VARIANT_ADD(pair, at_the_end) { .start = -1ULL };
FIXTURE_VARIANT_ADD(pair, before_the_end) { .start = -2ULL };

FIXTURE_SETUP(pair)
{
	ASSERT_TRUE(device_idle());
	self->start = variant->start;
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, self->start));
	self->observer = device_end(self->pair.handle, SHMRING_ROLE_OBSERVER);
	ASSERT_LE(0, self->observer);
}

FIXTURE_TEARDOWN(pair)
{
	device_pair_free(&self->pair);
	device_close(&self->observer);
	EXPECT_TRUE(device_idle());
}

static void put(struct device_pair *pair, size_t n)
{
	static const char zero[CAPACITY];

	device_put(&pair->p, zero, n);
}

static void take(struct device_pair *pair, size_t n)
{
	static char trash[CAPACITY];

	device_take(&pair->c, trash, n);
}

/* A thread in WAIT, in the role that the edge is for */
static bool waiter_start(struct sleeper *s, const struct device_pair *pair,
			 __u32 edge, __u32 min)
{
	return sleeper_wait(s, edge == SHMRING_READABLE ? pair->consumer :
							  pair->producer,
			    edge, min);
}

/* Until a waiter that was woken has armed anew. */
static bool wait_armed(const __u64 *arm, __u64 at)
{
	long long end = device_now_ns() + 2000 * MS;

	while (device_load(arm) != at) {
		if (device_now_ns() > end)
			return false;
		device_sleep_ms(1);
	}
	return true;
}

TEST_F(pair, edges_and_roles)
{
	static const __u32 edges[] = { 0, 1, 2, 3, 4, 1U << 31, ~0U };
	int fds[3];
	size_t e, i;

	fds[0] = self->pair.consumer;
	fds[1] = self->pair.producer;
	fds[2] = self->observer;
	put(&self->pair, 1);
	for (i = 0; i < 3; i++)
		for (e = 0; e < ARRAY_SIZE(edges); e++) {
			bool real = edges[e] == 1 || edges[e] == 2;
			bool mine = i < 2 && edges[e] == i + 1;
			bool peers = i < 2 && real && !mine;
			int unfenced = self->pair.p.k->fence ? -EOPNOTSUPP : 0;
			int refused = real ? -EACCES : -EINVAL;
			int there = i ? CAPACITY - 1 : 1;

			EXPECT_EQ(mine ? there : refused,
				  device_arm(fds[i], edges[e], 0));
			EXPECT_EQ(mine ? there : refused,
				  device_wait(fds[i], edges[e], 0, 0));
			EXPECT_EQ(mine ? 0 : refused,
				  device_lowat(fds[i], edges[e], 1));
			EXPECT_EQ(peers ? 0 : refused,
				  device_kick(fds[i], edges[e]));
			EXPECT_EQ(peers ? unfenced : refused,
				  device_unfence(fds[i], edges[e]));
		}
}

TEST_F(pair, one_file_for_both)
{
	int fd = device_open(O_RDWR);
	struct device_map map;

	ASSERT_EQ(0, device_create_full(fd, 8, SHMRING_ROLE_BOTH, 0,
					self->start));
	ASSERT_EQ(0, device_map(fd, &map));
	EXPECT_EQ(0, device_arm(fd, SHMRING_READABLE, 0));
	EXPECT_EQ(8, device_arm(fd, SHMRING_WRITABLE, 0));
	EXPECT_EQ(1, device_kick(fd, SHMRING_WRITABLE));
	device_put(&map, "12345678", 8);
	EXPECT_EQ(1, device_kick(fd, SHMRING_READABLE));
	EXPECT_EQ(8, device_wait(fd, SHMRING_READABLE, 8, 0));
	EXPECT_EQ(-ETIMEDOUT, device_wait(fd, SHMRING_WRITABLE, 0, 0));
	EXPECT_EQ(0, device_arm(fd, SHMRING_WRITABLE, 8));
	map.c->rd += 7;
	EXPECT_EQ(0, device_kick(fd, SHMRING_WRITABLE));
	map.c->rd += 1;
	EXPECT_EQ(1, device_kick(fd, SHMRING_WRITABLE));
	device_unmap(&map);
	device_close(&fd);
}

TEST_F(pair, min)
{
	const struct device_pair *pair = &self->pair;
	static const __u32 bad[] = { CAPACITY + 1, 1U << 31, ~0U };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, device_arm(pair->consumer, SHMRING_READABLE,
					      bad[i]));
		EXPECT_EQ(-EINVAL, device_wait(pair->consumer, SHMRING_READABLE,
					       bad[i], 0));
		EXPECT_EQ(-EINVAL, device_arm(pair->producer, SHMRING_WRITABLE,
					      bad[i]));
		EXPECT_EQ(-EINVAL, device_wait(pair->producer, SHMRING_WRITABLE,
					       bad[i], 0));
	}
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, CAPACITY));
	EXPECT_EQ(CAPACITY, device_arm(pair->producer, SHMRING_WRITABLE,
				       CAPACITY));
	put(&self->pair, CAPACITY);
	EXPECT_EQ(CAPACITY, device_arm(pair->consumer, SHMRING_READABLE,
				       CAPACITY));
	EXPECT_EQ(CAPACITY, device_wait(pair->consumer, SHMRING_READABLE,
					CAPACITY, 0));
	EXPECT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, 1));
}

TEST_F(pair, lowat)
{
	static const __u32 bad[] = { 0, CAPACITY / 2 + 1, CAPACITY, ~0U };
	struct device_pair *pair = &self->pair;
	struct shmring_ioc_info info;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, device_lowat(pair->consumer,
						SHMRING_READABLE, bad[i]));
		EXPECT_EQ(-EINVAL, device_lowat(pair->producer,
						SHMRING_WRITABLE, bad[i]));
	}
	ASSERT_EQ(0, device_info(self->observer, &info));
	EXPECT_EQ(1, info.rx_lowat);
	EXPECT_EQ(1, info.tx_lowat);
	EXPECT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 10));
	EXPECT_EQ(0, device_lowat(pair->producer, SHMRING_WRITABLE,
				  CAPACITY / 2));
	ASSERT_EQ(0, device_info(self->observer, &info));
	EXPECT_EQ(10, info.rx_lowat);
	EXPECT_EQ(CAPACITY / 2, info.tx_lowat);

	/* No min: the threshold; a min overrides it */
	put(pair, 9);
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 0));
	EXPECT_EQ(9, device_arm(pair->consumer, SHMRING_READABLE, 9));
	EXPECT_EQ(-ETIMEDOUT, device_wait(pair->consumer, SHMRING_READABLE, 0,
					  0));
	put(pair, 1);
	EXPECT_EQ(10, device_wait(pair->consumer, SHMRING_READABLE, 0, 0));
	put(pair, CAPACITY / 2 - 10);
	EXPECT_EQ(CAPACITY / 2, device_arm(pair->producer, SHMRING_WRITABLE, 0));
	put(pair, 1);
	EXPECT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, 0));

	/* A ring of two bytes has one threshold */
	int fd = device_ring(2, SHMRING_ROLE_BOTH);

	EXPECT_EQ(0, device_lowat(fd, SHMRING_READABLE, 1));
	EXPECT_EQ(-EINVAL, device_lowat(fd, SHMRING_READABLE, 2));
	device_close(&fd);
}

TEST_F(pair, lowat_wakes_sleepers)
{
	struct device_pair *pair = &self->pair;
	struct sleeper rx, tx;

	ASSERT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 100));
	ASSERT_EQ(0, device_lowat(pair->producer, SHMRING_WRITABLE, 100));
	put(pair, 50);
	ASSERT_TRUE(waiter_start(&rx, pair, SHMRING_READABLE, 0));
	EXPECT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 50));
	EXPECT_EQ(50, sleeper_end(&rx));

	put(pair, CAPACITY - 50 - 60);
	ASSERT_TRUE(waiter_start(&tx, pair, SHMRING_WRITABLE, 0));
	EXPECT_EQ(0, device_lowat(pair->producer, SHMRING_WRITABLE, 60));
	EXPECT_EQ(60, sleeper_end(&tx));

	/* And one that sleeps for a higher one goes on sleeping for it */
	take(pair, CAPACITY - 60);
	ASSERT_TRUE(waiter_start(&rx, pair, SHMRING_READABLE, 200));
	EXPECT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 1));
	ASSERT_TRUE(wait_armed(&pair->p.k->rx_arm, pair->c.c->rd + 200));
	put(pair, 199);
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	put(pair, 1);
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(200, sleeper_end(&rx));
}

TEST_F(pair, timeouts)
{
	static const __s64 limits[] = { 0, 1, 1000, 5 * MS, 50 * MS };
	struct device_pair *pair = &self->pair;
	long long began, took;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		began = device_now_ns();
		EXPECT_EQ(-ETIMEDOUT, device_wait(pair->consumer,
						  SHMRING_READABLE, 0,
						  limits[i]));
		took = device_now_ns() - began;
		EXPECT_LE(limits[i], took);
		EXPECT_GT(2000 * MS, took);
	}
	put(pair, CAPACITY);
	EXPECT_EQ(-ETIMEDOUT, device_wait(pair->producer, SHMRING_WRITABLE, 0,
					  5 * MS));
	/* None is needed when it is there, whatever it says */
	EXPECT_EQ(CAPACITY, device_wait(pair->consumer, SHMRING_READABLE, 0,
					-1));
	EXPECT_EQ(CAPACITY, device_wait(pair->consumer, SHMRING_READABLE, 0,
					INT64_MAX));
	EXPECT_EQ(CAPACITY, device_wait(pair->consumer, SHMRING_READABLE, 0,
					INT64_MIN));
}

static void on_signal(int signal)
{
	(void)signal;
}

TEST_F(pair, signals)
{
	static const __s64 limits[] = { -1, INT64_MIN, INT64_MAX, 3000 * MS };
	struct sigaction action = { .sa_handler = on_signal };
	size_t i;

	for (i = 0; i < 2 * ARRAY_SIZE(limits); i++) {
		/* Not restarted even if it is asked for */
		action.sa_flags = i & 1 ? SA_RESTART : 0;
		ASSERT_EQ(0, sigaction(SIGUSR1, &action, NULL));
		timer_t t;
		struct sigevent event = {
			.sigev_notify = SIGEV_SIGNAL,
			.sigev_signo = SIGUSR1,
		};
		/* Again and again, should the first come before the call */
		struct itimerspec often = {
			.it_value.tv_nsec = 20 * MS,
			.it_interval.tv_nsec = 20 * MS,
		};

		ASSERT_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &t));
		ASSERT_EQ(0, timer_settime(t, 0, &often, NULL));
		EXPECT_EQ(-EINTR, device_wait(self->pair.consumer,
					      SHMRING_READABLE, 0,
					      limits[i / 2]));
		timer_delete(t);
	}
}

TEST_F(pair, arm)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	const __u64 none = SHMRING_ARM_NONE;

	EXPECT_EQ(none, device_load(&k->rx_arm));
	EXPECT_EQ(none, device_load(&k->tx_arm));
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 100));
	EXPECT_EQ(self->start + 100, device_load(&k->rx_arm));
	EXPECT_EQ(none, device_load(&k->tx_arm));
	EXPECT_EQ(1, device_load(&k->rx.arms));

	/* One that asks for more does not raise it */
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 200));
	EXPECT_EQ(self->start + 100, device_load(&k->rx_arm));
	EXPECT_EQ(-ETIMEDOUT, device_wait(pair->consumer, SHMRING_READABLE,
					  CAPACITY, 1));
	EXPECT_EQ(self->start + 100, device_load(&k->rx_arm));
	/* One that asks for less lowers it */
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 50));
	EXPECT_EQ(self->start + 50, device_load(&k->rx_arm));

	/* It looks again */
	put(pair, 49);
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 50));
	put(pair, 1);
	EXPECT_EQ(50, device_arm(pair->consumer, SHMRING_READABLE, 50));
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(none, device_load(&k->rx_arm));

	/* The other direction counts from where the space ends */
	put(pair, CAPACITY - 50);
	EXPECT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, 10));
	EXPECT_EQ(self->start + 10, device_load(&k->tx_arm));
	EXPECT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, CAPACITY));
	EXPECT_EQ(self->start + 10, device_load(&k->tx_arm));
	take(pair, 10);
	EXPECT_EQ(10, device_arm(pair->producer, SHMRING_WRITABLE, 10));
	EXPECT_EQ(1, device_kick(pair->consumer, SHMRING_WRITABLE));
	EXPECT_EQ(none, device_load(&k->tx_arm));
}

/* An arm at the position that means "no arm" must not be lost. */
TEST_F(pair, arm_word_is_never_none)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	__u32 min;

	for (min = 1; min < 20; min++) {
		EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, min));
		EXPECT_NE(SHMRING_ARM_NONE, device_load(&k->rx_arm));
		put(pair, min);
		EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
		take(pair, min);
	}
	put(pair, CAPACITY);
	for (min = 1; min < 20; min++) {
		EXPECT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, min));
		EXPECT_NE(SHMRING_ARM_NONE, device_load(&k->tx_arm));
		take(pair, min);
		EXPECT_EQ(1, device_kick(pair->consumer, SHMRING_WRITABLE));
		put(pair, min);
	}
}

TEST_F(pair, kick)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	bool early = self->start + 8 == SHMRING_ARM_NONE;

	/* Nobody has armed */
	put(pair, 1);
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(0, device_kick(pair->consumer, SHMRING_WRITABLE));
	EXPECT_EQ(0, device_load(&k->rx.kicks));

	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 8));
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	put(pair, 6);
	EXPECT_EQ(early, device_kick(pair->producer, SHMRING_READABLE));
	put(pair, 1);
	EXPECT_EQ(!early, device_kick(pair->producer, SHMRING_READABLE));
	/* Once for each arm */
	put(pair, 1);
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(1, device_load(&k->rx.kicks));
	EXPECT_EQ(0, device_load(&k->tx.kicks));
}

TEST_F(pair, wait)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->p.k;
	struct sleeper s;

	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_READABLE, 0));
	put(pair, 3);
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(3, sleeper_end(&s));
	EXPECT_EQ(1, device_load(&k->rx.kicks));

	/* One that is woken for too little sleeps on */
	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_READABLE, 100));
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 4));
	put(pair, 1);
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	ASSERT_TRUE(wait_armed(&k->rx_arm, self->start + 100));
	put(pair, 96);
	EXPECT_EQ(1, device_kick(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(100, sleeper_end(&s));

	put(pair, CAPACITY - 100);
	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_WRITABLE, CAPACITY));
	take(pair, CAPACITY - 1);
	EXPECT_EQ(0, device_kick(pair->consumer, SHMRING_WRITABLE));
	take(pair, 1);
	EXPECT_EQ(1, device_kick(pair->consumer, SHMRING_WRITABLE));
	EXPECT_EQ(CAPACITY, sleeper_end(&s));
}

/*
 * An arm against an end that says that it does not fence costs a heavy barrier,
 * if that end has asked; who has not is not believed.  Where no such barrier can
 * be had, page K says so, and who asks is refused.
 */
/* How often the producer's CPUs are interrupted for the arm of an empty ring. */
static __u64 barriers_of_an_arm(const struct device_pair *pair)
{
	const __u64 *barriers = &pair->c.k->rx.barriers;
	__u64 before;

	/* A threshold that is set takes away the arm that stands */
	if (device_lowat(pair->consumer, SHMRING_READABLE, 1))
		return ~0ULL;
	before = device_load(barriers);
	if (device_arm(pair->consumer, SHMRING_READABLE, 1))
		return ~0ULL;
	return device_load(barriers) - before;
}

TEST_F(pair, unfence)
{
	struct device_pair *pair = &self->pair;
	const struct shmring_kernel_page *k = pair->c.k;
	const bool may = !__atomic_load_n(&k->fence, __ATOMIC_RELAXED);
	pid_t child;
	int status, i;

#ifdef __x86_64__
	EXPECT_TRUE(may);
#else
	EXPECT_FALSE(may);
#endif
	__atomic_store_n(&pair->p.p->mode, SHMRING_UNFENCED, __ATOMIC_RELEASE);
	EXPECT_EQ(0, barriers_of_an_arm(pair));

	EXPECT_EQ(may ? 0 : -EOPNOTSUPP,
		  device_unfence(pair->producer, SHMRING_READABLE));
	EXPECT_EQ(may ? 1 : 0, barriers_of_an_arm(pair));
	/* While it stands, nobody is interrupted anew, whoever looks */
	for (i = 0; i < 10; i++) {
		EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 1));
		EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 2));
		EXPECT_EQ(0, device_poll(pair->consumer, POLLIN));
	}
	EXPECT_EQ(may ? 1 : 0, device_load(&k->rx.barriers));
	/* One that asks for less is a new one */
	ASSERT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 2));
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 2));
	EXPECT_EQ(may ? 2 : 0, device_load(&k->rx.barriers));
	EXPECT_EQ(0, device_arm(pair->consumer, SHMRING_READABLE, 1));
	EXPECT_EQ(may ? 3 : 0, device_load(&k->rx.barriers));

	__atomic_store_n(&pair->p.p->mode, SHMRING_FENCED, __ATOMIC_RELEASE);
	EXPECT_EQ(0, barriers_of_an_arm(pair));
	EXPECT_EQ(0, device_load(&k->tx.barriers));

	/* Another process takes the place, and goes without a word */
	child = fork();
	ASSERT_LE(0, child);
	if (!child)
		_exit(device_unfence(pair->producer, SHMRING_READABLE) !=
		      (may ? 0 : -EOPNOTSUPP));
	ASSERT_EQ(child, waitpid(child, &status, 0));
	EXPECT_EQ(0, status);
	__atomic_store_n(&pair->p.p->mode, ~0ULL, __ATOMIC_RELEASE);
	EXPECT_EQ(may ? 1 : 0, barriers_of_an_arm(pair));
}

/* Whoever goes to sleep first wakes a peer whose kicker has died. */
TEST_F(pair, a_lost_kick_is_made_up_for)
{
	struct device_pair *pair = &self->pair;
	struct sleeper s;

	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_READABLE, 0));
	put(pair, CAPACITY);
	/* No kick */
	EXPECT_EQ(0, device_arm(pair->producer, SHMRING_WRITABLE, 0));
	EXPECT_EQ(CAPACITY, sleeper_end(&s));
}

/*
 * --- When a peer goes
 */

TEST_F(pair, producer_goes)
{
	struct device_pair *pair = &self->pair;
	struct shmring_ioc_info info;

	put(pair, 10);
	device_unmap(&pair->p);
	device_close(&pair->producer);
	ASSERT_EQ(0, device_info(pair->consumer, &info));
	EXPECT_EQ(SHMRING_STATE_PRODUCER_GONE, info.state);
	EXPECT_EQ(0, info.producer_pid);

	/* What is left, though it is less; then the end */
	EXPECT_EQ(10, device_wait(pair->consumer, SHMRING_READABLE, 5, -1));
	EXPECT_EQ(10, device_wait(pair->consumer, SHMRING_READABLE, 20, -1));
	EXPECT_EQ(10, device_arm(pair->consumer, SHMRING_READABLE, 20));
	take(pair, 9);
	EXPECT_EQ(1, device_wait(pair->consumer, SHMRING_READABLE, 20, -1));
	take(pair, 1);
	EXPECT_EQ(-EPIPE, device_wait(pair->consumer, SHMRING_READABLE, 0, -1));
	EXPECT_EQ(-EPIPE, device_wait(pair->consumer, SHMRING_READABLE, 0, 0));
	EXPECT_EQ(-EPIPE, device_arm(pair->consumer, SHMRING_READABLE, 0));
	EXPECT_EQ(-EPIPE, device_arm(pair->consumer, SHMRING_READABLE,
				     CAPACITY));

	/* Another one goes on where it stopped */
	pair->producer = device_end(pair->handle, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, pair->producer);
	ASSERT_EQ(0, device_map(pair->producer, &pair->p));
	EXPECT_EQ(self->start + 10, device_load(&pair->p.p->wr));
	ASSERT_EQ(0, device_info(pair->consumer, &info));
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(getpid(), info.producer_pid);
	EXPECT_EQ(-ETIMEDOUT, device_wait(pair->consumer, SHMRING_READABLE, 0,
					  0));
	put(pair, 5);
	EXPECT_EQ(5, device_wait(pair->consumer, SHMRING_READABLE, 0, 0));
}

TEST_F(pair, consumer_goes)
{
	struct device_pair *pair = &self->pair;
	struct shmring_ioc_info info;

	put(pair, 10);
	take(pair, 4);
	ASSERT_EQ(0, device_lowat(pair->consumer, SHMRING_READABLE, 77));
	device_unmap(&pair->c);
	device_close(&pair->consumer);
	/* Space that nobody reads from is none */
	EXPECT_EQ(-EPIPE, device_wait(pair->producer, SHMRING_WRITABLE, 1, -1));
	EXPECT_EQ(-EPIPE, device_wait(pair->producer, SHMRING_WRITABLE, 0, 0));
	EXPECT_EQ(-EPIPE, device_arm(pair->producer, SHMRING_WRITABLE, 0));
	EXPECT_EQ(0, device_kick(pair->producer, SHMRING_READABLE));
	ASSERT_EQ(0, device_info(pair->producer, &info));
	EXPECT_EQ(SHMRING_STATE_CONSUMER_GONE, info.state);

	pair->consumer = device_end(pair->handle, SHMRING_ROLE_CONSUMER);
	ASSERT_LE(0, pair->consumer);
	ASSERT_EQ(0, device_map(pair->consumer, &pair->c));
	EXPECT_EQ(self->start + 4, device_load(&pair->c.c->rd));
	EXPECT_EQ(6, device_wait(pair->consumer, SHMRING_READABLE, 0, 0));
	EXPECT_EQ(CAPACITY - 6, device_wait(pair->producer, SHMRING_WRITABLE,
					    0, 0));
	ASSERT_EQ(0, device_info(pair->producer, &info));
	EXPECT_EQ(0, info.state);
	/* A threshold belongs to who set it */
	EXPECT_EQ(1, info.rx_lowat);
}

TEST_F(pair, sleepers_hear_of_it)
{
	struct device_pair *pair = &self->pair;
	struct sleeper s;

	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_READABLE, 100));
	put(pair, 10);
	device_unmap(&pair->p);
	device_close(&pair->producer);
	EXPECT_EQ(10, sleeper_end(&s));
	take(pair, 10);

	pair->producer = device_end(pair->handle, SHMRING_ROLE_PRODUCER);
	ASSERT_EQ(0, device_map(pair->producer, &pair->p));
	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_READABLE, 0));
	device_unmap(&pair->p);
	device_close(&pair->producer);
	EXPECT_EQ(-EPIPE, sleeper_end(&s));

	pair->producer = device_end(pair->handle, SHMRING_ROLE_PRODUCER);
	ASSERT_EQ(0, device_map(pair->producer, &pair->p));
	put(pair, CAPACITY);
	ASSERT_TRUE(waiter_start(&s, pair, SHMRING_WRITABLE, 0));
	device_unmap(&pair->c);
	device_close(&pair->consumer);
	EXPECT_EQ(-EPIPE, sleeper_end(&s));
}

/*
 * --- Positions that cannot be
 */

enum { BY_ARM, BY_WAIT, BY_POLL, BY_IO, WAYS };

/* An end looks; its peer's sleeper is on the other side. */
static int look(int fd, __u32 edge, int way)
{
	bool reads = edge == SHMRING_READABLE;
	char byte = 0;

	switch (way) {
	case BY_ARM:
		return device_arm(fd, edge, 0);
	case BY_WAIT:
		return device_wait(fd, edge, 0, -1);
	case BY_POLL:
		return device_poll(fd, reads ? POLLIN : POLLOUT) & POLLERR ?
		       -EBADMSG : 0;
	default:
		if (reads)
			return read(fd, &byte, 1) < 0 ? -errno : 0;
		return write(fd, &byte, 1) < 0 ? -errno : 0;
	}
}

/* One end finds it; its peer sleeps until then. */
static void corrupt_once(struct __test_metadata *_metadata,
			 struct _test_data_pair *self, __u64 distance,
			 __u32 edge, int way)
{
	struct device_pair pair;
	struct shmring_ioc_info info;
	struct sleeper s;
	int end, peer, observer, other;

	ASSERT_EQ(0, device_pair(&pair, CAPACITY, self->start));
	observer = device_end(pair.handle, SHMRING_ROLE_OBSERVER);
	ASSERT_LE(0, observer);
	end = edge == SHMRING_READABLE ? pair.consumer : pair.producer;
	peer = edge == SHMRING_READABLE ? pair.producer : pair.consumer;

	if (edge == SHMRING_READABLE)
		put(&pair, CAPACITY);
	ASSERT_TRUE(waiter_start(&s, &pair, 3 - edge, 0));
	device_store(&pair.c.c->rd, pair.p.p->wr + distance);
	ASSERT_EQ(-EBADMSG, look(end, edge, way)) {
		TH_LOG("distance %llx, edge %u, way %d", distance, edge, way);
	}
	ASSERT_EQ(-EBADMSG, sleeper_end(&s));

	/* Once seen, it does not heal, whoever looks */
	device_store(&pair.c.c->rd, pair.p.p->wr);
	ASSERT_EQ(0, device_info(observer, &info));
	EXPECT_EQ(SHMRING_STATE_CORRUPT, info.state);
	for (other = 0; other < WAYS; other++) {
		ASSERT_EQ(-EBADMSG, look(end, edge, other));
		ASSERT_EQ(-EBADMSG, look(peer, 3 - edge, other));
	}
	/* Asked for or not */
	EXPECT_EQ(POLLERR, POLLERR & device_poll(observer, 0));
	EXPECT_EQ(POLLERR, POLLERR & device_poll(end, 0));
	EXPECT_EQ(POLLERR, POLLERR & device_poll(peer, 0));

	device_pair_free(&pair);
	device_close(&observer);
}

TEST_F(pair, corruption)
{
	/* From the producer's position to the consumer's */
	static const __u64 distances[] = {
		1, 2, CAPACITY, 1ULL << 32, 1ULL << 63,
		-CAPACITY - 1ULL, -CAPACITY - 2ULL, -(1ULL << 32),
	};
	size_t d;
	int way;

	for (d = 0; d < ARRAY_SIZE(distances); d++)
		for (way = 0; way < WAYS; way++) {
			corrupt_once(_metadata, self, distances[d],
				     SHMRING_READABLE, way);
			corrupt_once(_metadata, self, distances[d],
				     SHMRING_WRITABLE, way);
		}
}

/* A ring that is corrupt stays so for who comes next. */
TEST_F(pair, corruption_outlives_the_end)
{
	struct device_pair *pair = &self->pair;

	device_store(&pair->p.p->wr, self->start + CAPACITY + 1);
	EXPECT_EQ(-EBADMSG, device_arm(pair->consumer, SHMRING_READABLE, 0));
	device_unmap(&pair->p);
	device_close(&pair->producer);
	EXPECT_EQ(-EBADMSG, device_arm(pair->consumer, SHMRING_READABLE, 0));
	pair->producer = device_end(pair->handle, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, pair->producer);
	EXPECT_EQ(-EBADMSG, device_arm(pair->producer, SHMRING_WRITABLE, 0));
	EXPECT_EQ(-EBADMSG, device_arm(pair->consumer, SHMRING_READABLE, 0));
	EXPECT_EQ(POLLERR, POLLERR & device_poll(pair->producer, 0));
}

/* The data's way by system calls passes the same positions. */
TEST_F(pair, read_and_write)
{
	struct device_pair *pair = &self->pair;
	unsigned char out[1000], in[1000];
	size_t i, n;

	for (n = 1; n < sizeof(out); n += 37) {
		for (i = 0; i < n; i++)
			out[i] = i * n;
		ASSERT_EQ(n, write(pair->producer, out, n));
		EXPECT_EQ(n, device_wait(pair->consumer, SHMRING_READABLE, n,
					 0));
		ASSERT_EQ(n, read(pair->consumer, in, sizeof(in)));
		ASSERT_EQ(0, memcmp(in, out, n));
		/* Once by each way */
		device_put(&pair->p, out, n);
		ASSERT_EQ(n, read(pair->consumer, in, sizeof(in)));
		ASSERT_EQ(0, memcmp(in, out, n));
		ASSERT_EQ(n, write(pair->producer, out, n));
		device_take(&pair->c, in, n);
		ASSERT_EQ(0, memcmp(in, out, n));
	}
	EXPECT_EQ(device_load(&pair->p.p->wr), device_load(&pair->c.c->rd));
}

TEST_HARNESS_MAIN
