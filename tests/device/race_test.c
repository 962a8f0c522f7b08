// SPDX-License-Identifier: GPL-2.0-only
/*
 * Any two calls at once, on one ring: one of each pair that there is, by two threads
 * that begin together, many times
 *
 * What goes wrong in the kernel is for its own checkers to see.  Here: nothing but
 * the errnos that are documented, and nothing left behind.
 *
 *	race_test [TIMES [CALL CALL]]	so often instead of 16, these two alone
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "device.h"

#define CAPACITY	4096U
#define SOME		64
#define WAIT_NS		100000
#define RACERS		2
#define ERRNOS		3
/* of one who waits for the other, until it may be that the CPU is short */
#define LOOKS		64

static unsigned int times = 16;
static const char *only[RACERS];

/**
 * struct scene - what two calls meet on
 * @producer: a file, or -1 when it was closed
 * @consumer: a file, or -1 when it was closed
 * @unbound: a file
 * @handle: of the ring
 */
struct scene {
	int producer;
	int consumer;
	int unbound;
	__u32 handle;
};

/**
 * struct racer - who does one call of the two
 * @scene: what both see
 * @call: which
 * @spare: an unbound file of this one's own
 * @set: a set of epoll's of this one's own
 * @handle: of this one's own, 0: none
 * @ret: what the call came to
 */
struct racer {
	struct scene *scene;
	const struct call *call;
	int spare;
	int set;
	__u32 handle;
	int ret;
};

/* Closed by one while it is used by another: its number is not given away. */
static int shut(int *fd)
{
	int ret = close(*fd) ? -errno : 0;

	__atomic_store_n(fd, -1, __ATOMIC_RELAXED);
	return ret;
}

static int close_producer(struct racer *r)
{
	return shut(&r->scene->producer);
}

static int close_consumer(struct racer *r)
{
	return shut(&r->scene->consumer);
}

/* By which the ring goes */
static int close_all(struct racer *r)
{
	int err = shut(&r->scene->producer);

	return shut(&r->scene->consumer) ?: err;
}

static int attach(struct racer *r)
{
	return device_attach(r->spare, r->scene->handle, SHMRING_ROLE_PRODUCER);
}

static int observe(struct racer *r)
{
	return device_attach(r->spare, r->scene->handle, SHMRING_ROLE_OBSERVER);
}

static int bind_one(struct racer *r)
{
	return device_attach(r->scene->unbound, r->scene->handle,
			     SHMRING_ROLE_OBSERVER);
}

/* Bound, it has its roles, too. */
static int see_bound(struct racer *r)
{
	struct shmring_ioc_info info;
	int err = device_info(r->scene->unbound, &info);

	if (!err && info.roles != SHMRING_ROLE_OBSERVER)
		return -EPROTO;
	return err;
}

static int create(struct racer *r)
{
	return device_create(r->spare, CAPACITY, SHMRING_ROLE_BOTH);
}

static int reg(struct racer *r)
{
	return device_register(r->scene->producer, 0, &r->handle);
}

static int unregister(struct racer *r)
{
	return device_unregister(r->spare, r->scene->handle);
}

static int get(struct racer *r)
{
	char some[SOME];

	return read(r->scene->consumer, some, sizeof(some)) < 0 ? -errno : 0;
}

static int put(struct racer *r)
{
	static const char some[SOME];

	return write(r->scene->producer, some, sizeof(some)) < 0 ? -errno : 0;
}

static int wait_readable(struct racer *r)
{
	return device_wait(r->scene->consumer, SHMRING_READABLE, CAPACITY, WAIT_NS);
}

static int look(struct racer *r)
{
	return device_poll(r->scene->consumer, POLLIN) < 0 ? -errno : 0;
}

static int watch(struct racer *r)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };

	return epoll_ctl(r->set, EPOLL_CTL_ADD, r->scene->consumer, &event) ?
	       -errno : 0;
}

static int kick(struct racer *r)
{
	return device_kick(r->scene->producer, SHMRING_READABLE);
}

static int unfence(struct racer *r)
{
	return device_unfence(r->scene->producer, SHMRING_READABLE);
}

static int lowat(struct racer *r)
{
	return device_lowat(r->scene->consumer, SHMRING_READABLE, SOME);
}

static int info(struct racer *r)
{
	struct shmring_ioc_info info;

	return device_info(r->scene->producer, &info);
}

static int map(struct racer *r)
{
	struct device_map map;
	int err = device_map(r->scene->consumer, &map);

	if (!err)
		device_unmap(&map);
	return err;
}

/* With what each may fail; EBADF, if the other may have closed the file. */
static const struct call {
	const char *name;
	int (*go)(struct racer *r);
	int errnos[ERRNOS];
} calls[] = {
	{ "close_producer",	close_producer,	{ EBADF } },
	{ "close_consumer",	close_consumer,	{ EBADF } },
	{ "close_all",		close_all,	{ EBADF } },
	{ "attach",		attach,		{ EBUSY, ENOENT } },
	{ "observe",		observe,	{ ENOENT } },
	{ "bind",		bind_one,	{ EBUSY, ENOENT } },
	{ "see_bound",		see_bound,	{ ENOTCONN } },
	{ "create",		create,		{ 0 } },
	{ "register",		reg,		{ EBADF } },
	{ "unregister",		unregister,	{ ENOENT } },
	{ "read",		get,		{ EBADF, EAGAIN } },
	{ "write",		put,		{ EBADF, EAGAIN, EPIPE } },
	{ "wait",		wait_readable,	{ EBADF, ETIMEDOUT, EPIPE } },
	{ "poll",		look,		{ 0 } },
	{ "epoll",		watch,		{ EBADF } },
	{ "kick",		kick,		{ EBADF } },
	{ "unfence",		unfence,	{ EBADF, EOPNOTSUPP } },
	{ "lowat",		lowat,		{ EBADF } },
	{ "info",		info,		{ EBADF } },
	{ "map",		map,		{ EBADF } },
};

#define CALLS	ARRAY_SIZE(calls)

static bool may_return(const struct call *call, int ret)
{
	int i;

	if (ret >= 0)
		return true;
	for (i = 0; i < ERRNOS; i++) {
		if (-ret == call->errnos[i])
			return true;
	}
	return false;
}

FIXTURE(race)
{
	struct scene scene;
	struct racer racer[RACERS];
	unsigned int started;
	unsigned int ended;
};

FIXTURE_SETUP(race)
{
	int i;

	memset(self, 0, sizeof(*self));
	for (i = 0; i < RACERS; i++)
		self->racer[i].scene = &self->scene;
	ASSERT_TRUE(device_idle());
}

FIXTURE_TEARDOWN(race)
{
}

/* The ring of each odd turn is kept by its handle. */
static int begin(FIXTURE_DATA(race) *self, unsigned int turn)
{
	struct scene *s = &self->scene;
	int i;

	for (i = 0; i < RACERS; i++) {
		self->racer[i].spare = device_open(O_RDWR);
		self->racer[i].set = epoll_create1(EPOLL_CLOEXEC);
		self->racer[i].handle = 0;
	}
	s->unbound = device_open(O_RDWR);
	s->producer = device_open(O_RDWR | O_NONBLOCK);
	s->consumer = device_open(O_RDWR | O_NONBLOCK);
	return device_create_full(s->producer, CAPACITY, SHMRING_ROLE_PRODUCER,
				  turn % 2 ? SHMRING_F_PERSIST : 0, 0) ?:
	       device_register(s->producer, 0, &s->handle) ?:
	       device_attach(s->consumer, s->handle, SHMRING_ROLE_CONSUMER);
}

static void end(FIXTURE_DATA(race) *self)
{
	struct scene *s = &self->scene;
	int i;

	device_unregister(self->racer[0].spare, s->handle);
	for (i = 0; i < RACERS; i++) {
		if (self->racer[i].handle)
			device_unregister(self->racer[0].spare, self->racer[i].handle);
	}
	device_close(&s->unbound);
	device_close(&s->producer);
	device_close(&s->consumer);
	for (i = 0; i < RACERS; i++) {
		device_close(&self->racer[i].spare);
		device_close(&self->racer[i].set);
	}
}

static void await(unsigned int *count, unsigned int turn)
{
	unsigned int looks = 0;

	while (__atomic_load_n(count, __ATOMIC_ACQUIRE) != turn) {
		if (++looks % LOOKS == 0)
			sched_yield();
	}
}

static void go(struct racer *r)
{
	r->ret = r->call->go(r);
}

static void *second(void *arg)
{
	FIXTURE_DATA(race) *self = arg;
	unsigned int turn;

	for (turn = 1; turn <= times; turn++) {
		await(&self->started, turn);
		go(&self->racer[1]);
		__atomic_store_n(&self->ended, turn, __ATOMIC_RELEASE);
	}
	return NULL;
}

static void race(struct __test_metadata *_metadata, FIXTURE_DATA(race) *self)
{
	struct racer *racer = self->racer;
	pthread_t thread;
	unsigned int turn;
	int i;

	self->started = 0;
	self->ended = 0;
	ASSERT_EQ(0, pthread_create(&thread, NULL, second, self));
	for (turn = 1; turn <= times; turn++) {
		ASSERT_EQ(0, begin(self, turn));
		__atomic_store_n(&self->started, turn, __ATOMIC_RELEASE);
		go(&racer[0]);
		await(&self->ended, turn);
		for (i = 0; i < RACERS; i++) {
			EXPECT_TRUE(may_return(racer[i].call, racer[i].ret))
				TH_LOG("%s, beside %s: %s", racer[i].call->name,
				       racer[!i].call->name, strerror(-racer[i].ret));
		}
		end(self);
	}
	pthread_join(thread, NULL);
	EXPECT_TRUE(device_idle())
		TH_LOG("%s and %s leave something", racer[0].call->name,
		       racer[1].call->name);
}

static bool wanted(const char *a, const char *b)
{
	return !only[0] || (!strcmp(a, only[0]) && !strcmp(b, only[1]));
}

TEST_F_TIMEOUT(race, every_two_calls, 3600)
{
	unsigned int a, b, pairs = 0;

	for (a = 0; a < CALLS; a++) {
		for (b = a; b < CALLS; b++) {
			if (!wanted(calls[a].name, calls[b].name))
				continue;
			self->racer[0].call = &calls[a];
			self->racer[1].call = &calls[b];
			race(_metadata, self);
			pairs++;
		}
	}
	EXPECT_LT(0, pairs);
}

TEST(sees_an_errno)
{
	const struct call *call = &calls[0];

	EXPECT_TRUE(may_return(call, 0));
	EXPECT_TRUE(may_return(call, -EBADF));
	EXPECT_FALSE(may_return(call, -EACCES));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		times = strtoul(argv[1], NULL, 10) ?: 1;
	if (argc > 3) {
		only[0] = argv[2];
		only[1] = argv[3];
	}
	/* make test-long */
	if (getenv("SHMRING_TEST_LONG"))
		times *= 10;
	return test_harness_run(argc, argv);
}
