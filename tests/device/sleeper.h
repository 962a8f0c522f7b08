/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A thread that waits for an end, once, by one of the ways there are
 */
#ifndef SLEEPER_H
#define SLEEPER_H

#include <pthread.h>

#include "device.h"

#define SLEEPER_PATIENCE_MS	5000

/**
 * struct sleeper - the thread
 * @thread: it
 * @id: its number, once it runs
 * @wait: waits for SLEEPER_PATIENCE_MS, and returns what came
 * @fd: the file, or a set of epoll's
 * @events: for poll
 * @edge: for WAIT
 * @min: for WAIT
 * @came: what @wait returned; -ETIME if that took all the time
 * @awake: is @came there?
 */
struct sleeper {
	pthread_t thread;
	pid_t id;
	int (*wait)(struct sleeper *s);
	int fd;
	short events;
	__u32 edge;
	__u32 min;
	int came;
	bool awake;
};

/* In poll, epoll_wait or WAIT: true once it is asleep there. */
bool sleeper_poll(struct sleeper *s, int fd, short events);
bool sleeper_epoll(struct sleeper *s, int set);
bool sleeper_wait(struct sleeper *s, int fd, __u32 edge, __u32 min);

bool sleeper_awake(const struct sleeper *s);

/* Waits for its end: the events, or what WAIT returned. */
int sleeper_end(struct sleeper *s);

#endif /* SLEEPER_H */
