// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

#include "sleeper.h"

#define PATIENCE_NS	(SLEEPER_PATIENCE_MS * 1000000LL)

static void *sleeper_run(void *arg)
{
	long long began = device_now_ns();
	struct sleeper *s = arg;

	__atomic_store_n(&s->id, gettid(), __ATOMIC_SEQ_CST);
	s->came = s->wait(s);
	/* It looks again when its time is up: that is not to be woken */
	if (device_now_ns() - began >= PATIENCE_NS)
		s->came = -ETIME;
	__atomic_store_n(&s->awake, true, __ATOMIC_SEQ_CST);
	return NULL;
}

static bool sleeper_start(struct sleeper *s)
{
	if (pthread_create(&s->thread, NULL, sleeper_run, s))
		return false;
	while (!__atomic_load_n(&s->id, __ATOMIC_SEQ_CST))
		sched_yield();
	return device_asleep(s->id);
}

static int in_poll(struct sleeper *s)
{
	struct pollfd pfd = { .fd = s->fd, .events = s->events };
	int n = poll(&pfd, 1, SLEEPER_PATIENCE_MS);

	return n > 0 ? pfd.revents : n;
}

bool sleeper_poll(struct sleeper *s, int fd, short events)
{
	*s = (struct sleeper){ .wait = in_poll, .fd = fd, .events = events };
	return sleeper_start(s);
}

static int in_epoll(struct sleeper *s)
{
	return device_epoll_wait(s->fd, SLEEPER_PATIENCE_MS);
}

bool sleeper_epoll(struct sleeper *s, int set)
{
	*s = (struct sleeper){ .wait = in_epoll, .fd = set };
	return sleeper_start(s);
}

static int in_wait(struct sleeper *s)
{
	return device_wait(s->fd, s->edge, s->min, PATIENCE_NS);
}

bool sleeper_wait(struct sleeper *s, int fd, __u32 edge, __u32 min)
{
	*s = (struct sleeper){
		.wait = in_wait,
		.fd = fd,
		.edge = edge,
		.min = min,
	};
	return sleeper_start(s);
}

bool sleeper_awake(const struct sleeper *s)
{
	return __atomic_load_n(&s->awake, __ATOMIC_SEQ_CST);
}

int sleeper_end(struct sleeper *s)
{
	pthread_join(s->thread, NULL);
	return s->came;
}
