/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One direction of a ring: the two are one algorithm, and so are their tests
 */
#ifndef FLOW_H
#define FLOW_H

#include <poll.h>

#include "device.h"

#define FLOW_CAPACITY	4096

/* What poll says of the two directions, and all that it may say. */
#define FLOW_IN		(POLLIN | POLLRDNORM)
#define FLOW_OUT	(POLLOUT | POLLWRNORM)
#define FLOW_ALL	(FLOW_IN | FLOW_OUT | POLLPRI | POLLRDHUP | POLLERR | POLLHUP)

/**
 * struct flow - a waiter, and a mover who gives it what it waits for
 * @pair: a ring that is empty, or full if its producer waits
 * @edge: which the waiter waits for
 * @waiter: a file
 * @mover: a file
 * @ready: poll events that mean "go on" to the waiter
 * @hup: poll events that mean "the mover has gone"
 * @arm: the waiter's arm
 * @counters: the waiter's
 */
struct flow {
	struct device_pair pair;
	__u32 edge;
	int waiter, mover;
	short ready, hup;
	const __u64 *arm;
	const struct shmring_counters *counters;
};

/* What tests of both directions are tried with, positions around their wrap, too. */
#define FLOW_VARIANT							\
	{								\
		__u32 edge;						\
		__u64 start;						\
	}

#define FLOW_VARIANT_ADD(fixture, name, e, at)				\
	FIXTURE_VARIANT_ADD(fixture, name) { .edge = (e), .start = (at) }

#define FLOW_VARIANTS(fixture)						\
	FLOW_VARIANT_ADD(fixture, readable, SHMRING_READABLE, 0);	\
	FLOW_VARIANT_ADD(fixture, writable, SHMRING_WRITABLE, 0);	\
	FLOW_VARIANT_ADD(fixture, readable_near_2_64, SHMRING_READABLE, -3ULL); \
	FLOW_VARIANT_ADD(fixture, writable_near_2_64, SHMRING_WRITABLE,	\
			 -FLOW_CAPACITY - 3ULL)

bool flow_open(struct flow *flow, __u32 edge, __u64 start);
/* false: something stays behind in the kernel */
bool flow_close(struct flow *flow);

/* The mover gives; the waiter uses up. Neither calls the kernel. */
void flow_give(struct flow *flow, size_t n);
void flow_use(struct flow *flow, size_t n);

/* Read or write, whichever that end does: bytes or -errno. */
ssize_t flow_move(struct flow *flow, int fd, size_t n);

/* The mover's kick, its result. */
int flow_kick(struct flow *flow);

/* Of the waiter. */
__u64 flow_arms(const struct flow *flow);
__u64 flow_kicks(const struct flow *flow);
bool flow_armed(const struct flow *flow);
bool flow_until_armed(const struct flow *flow);

/* The mover closes its file; another comes by the ring's handle. */
void flow_mover_goes(struct flow *flow);
bool flow_mover_comes(struct flow *flow);

#endif /* FLOW_H */
