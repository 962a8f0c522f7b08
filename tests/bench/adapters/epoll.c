// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many rings, and one sleeper for all of them
 *
 * The producer goes round: item i to ring i % rings. The consumer sleeps in
 * epoll_wait(), and empties what is ready. So a ring that forgets to wake it is
 * one that hangs.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shmring.h>

#include "loops.h"

#define EVENTS	64

enum way { SHMRING, PIPE, UNIX };

/* A ring, what is due there, and how to reach it */
struct channel {
	struct shmring *ring;
	struct shmring_producer p;
	struct shmring_consumer c;
	int to;
	int from;
	uint64_t due;
};

struct state {
	int epoll;
	struct channel channels[];
};

static bool push(struct bench_run *run, struct channel *h, uint64_t item)
{
	if (run->variant == SHMRING)
		return shmring_producer_try_write_from(&h->p, &item, sizeof(item));
	return write(h->to, &item, sizeof(item)) == sizeof(item);
}

static void epoll_produce(struct bench_run *run, uint64_t n)
{
	uint64_t i = run->producer->next, last = i + n;
	struct state *s = run->state;

	for (; i < last; i++) {
		while (!push(run, &s->channels[i % run->rings], i))
			bench_pause();
	}
	run->producer->next = last;
}

static uint64_t take(struct bench_run *run, struct channel *h,
		     const uint64_t *items, size_t bytes)
{
	size_t i;

	for (i = 0; i < bytes / sizeof(*items); i++, h->due += run->rings)
		bench_check(run->consumer, h->due, items[i]);
	return i;
}

/* All that is there; armed when it returns */
static uint64_t drain(struct bench_run *run, struct channel *h)
{
	uint64_t items[128], n = 0;
	size_t bytes;

	do {
		while ((bytes = shmring_consumer_try_read_into(&h->c, items,
							       sizeof(items))))
			n += take(run, h, items, bytes);
	} while (shmring_consumer_arm(&h->c) > 0);
	return n;
}

static uint64_t receive(struct bench_run *run, struct channel *h)
{
	uint64_t items[128];
	ssize_t bytes;

	if (run->variant == SHMRING)
		return drain(run, h);
	bytes = read(h->from, items, sizeof(items));
	return bytes > 0 ? take(run, h, items, (size_t)bytes) : 0;
}

static void epoll_consume(struct bench_run *run, uint64_t n)
{
	struct state *s = run->state;
	struct epoll_event events[EVENTS];
	uint64_t came = 0;
	int i, ready;

	while (came < n) {
		ready = epoll_wait(s->epoll, events, EVENTS, -1);
		for (i = 0; i < ready; i++)
			came += receive(run, events[i].data.ptr);
	}
	run->consumer->next += came;
}

static int make(struct bench_run *run, struct channel *h)
{
	struct shmring_options o = { .backend = SHMRING_BACKEND_MEMORY };
	int fds[2] = { -1, -1 };

	if (run->variant == SHMRING) {
		h->ring = shmring_create(run->capacity, &o);
		if (!h->ring || shmring_split(h->ring, &h->p, &h->c))
			return -errno;
		h->from = shmring_pollfd(h->ring, SHMRING_READABLE).fd;
		return shmring_consumer_arm(&h->c) < 0 ? -EIO : 0;
	}
	if (run->variant == PIPE ? pipe2(fds, O_CLOEXEC) :
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	if (run->variant == PIPE)
		fcntl(fds[1], F_SETPIPE_SZ, run->capacity);
	h->from = fds[0];
	h->to = fds[1];
	return 0;
}

static int epoll_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s) +
				       run->rings * sizeof(struct channel));
	uint32_t i;
	int err;

	run->state = s;
	if (!s)
		return -ENOMEM;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	for (i = 0; i < run->rings; i++) {
		struct channel *h = &s->channels[i];
		struct epoll_event event = {
			.events = EPOLLIN, .data.ptr = h,
		};

		h->due = i;
		err = make(run, h);
		if (err)
			return err == -EMFILE ? -EOPNOTSUPP : err;
		if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, h->from, &event))
			return -errno;
	}
	return 0;
}

/* The process ends, and its descriptors with it. */
static void epoll_teardown(struct bench_run *run)
{
	struct state *s = run->state;
	uint32_t i;

	for (i = 0; i < run->rings && s->channels[i].ring; i++)
		shmring_free(s->channels[i].ring);
}

#define ROW(n, v) { \
	.name = n, .kind = BENCH_EPOLL, .variant = v, .flags = BENCH_FORK, \
	.setup = epoll_setup, .teardown = epoll_teardown, \
	.produce = epoll_produce, .consume = epoll_consume, \
}

BENCH_ADAPTERS = {
	ROW("shmring", SHMRING), ROW("pipe", PIPE), ROW("unix", UNIX),
	{ .name = NULL }
};
