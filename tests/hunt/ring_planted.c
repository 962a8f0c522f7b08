// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring to be found guilty
 *
 * The smallest ring over shared memory and two eventfds, by the algorithm of
 * shmring_proto.h with one part of it broken, or by the naive rule that many a
 * ring has instead:
 *
 *	commit(n):	empty = rd == wr;  wr += n;  if (empty) wake the peer
 *
 * which loses even on a machine that reorders nothing: the peer drains the ring
 * after that look, finds nothing more, sleeps, and then wr moves.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shmring_atomic.h>

#include "hunt.h"
#include "planted.h"

/* What every peer is told, also by the end whose fence is missing */
static const shmring_word fenced = SHMRING_FENCED;

#define LINE	__attribute__((__aligned__(SHMRING_LINE)))

/**
 * struct planted - the ring
 * @pos: positions, by role
 * @arm: where that role wants to be woken
 * @gone: the role was given up
 * @kicks: wakes of both roles
 * @event: what a role sleeps on
 * @data: wraps
 */
struct planted {
	shmring_word pos[HUNT_ROLES][SHMRING_LINE / 8] LINE;
	shmring_word arm[HUNT_ROLES][SHMRING_LINE / 8] LINE;
	uint64_t gone[HUNT_ROLES] LINE;
	uint64_t kicks;
	int event[HUNT_ROLES];
	unsigned char data[HUNT_CAPACITY_MAX];
};

static int planted_open(struct hunt *h)
{
	struct planted *p;
	int role;

	p = mmap(NULL, sizeof(*p), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return -errno;
	h->planted = p;
	h->start = 0;
	for (role = 0; role < HUNT_ROLES; role++) {
		p->arm[role][0] = SHMRING_ARM_NONE;
		p->event[role] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (p->event[role] < 0)
			return -errno;
	}
	return 0;
}

static void planted_close(struct hunt *h)
{
	int role;

	for (role = 0; role < HUNT_ROLES; role++)
		close(h->planted->event[role]);
	munmap(h->planted, sizeof(*h->planted));
}

static int planted_join(struct hunt_end *e)
{
	e->planted = e->hunt->planted;
	return 0;
}

/* The end as the protocol wants it; its position is its word. */
static struct shmring_end end_of(struct hunt_end *e)
{
	struct planted *p = e->planted;

	return (struct shmring_end){
		.own = &p->pos[e->role][0],
		.peer = &p->pos[!e->role][0],
		.arm = &p->arm[e->role][0],
		.peer_arm = &p->arm[!e->role][0],
		.pos = shmring_load(&p->pos[e->role][0]),
		.bias = e->role == HUNT_PRODUCER ? e->hunt->capacity : 0,
		.capacity = e->hunt->capacity,
		.peer_mode = &fenced,
		.unfenced = e->hunt->bug == PLANTED_NO_FENCE,
	};
}

static uint64_t planted_credit(struct hunt_end *e)
{
	struct shmring_end end = end_of(e);

	return shmring_end_credit(&end);
}

static void wake_peer(void *ctx)
{
	const uint64_t one = 1;
	struct hunt_end *e = ctx;

	__atomic_fetch_add(&e->planted->kicks, 1, __ATOMIC_RELAXED);
	if (write(e->planted->event[!e->role], &one, sizeof(one)) < 0)
		perror("# eventfd");
}

/* Is there nothing, for the peer, between its position and @pos? */
static bool nothing_left(struct hunt_end *e, struct shmring_end *end,
			 uint64_t pos)
{
	uint64_t bias = e->role == HUNT_CONSUMER ? e->hunt->capacity : 0;

	return pos + bias == shmring_load_acquire(end->peer);
}

static void advance(struct hunt_end *e, struct shmring_end *end, size_t n)
{
	uint64_t before = end->pos;
	bool wake;

	switch (e->hunt->bug) {
	case PLANTED_NAIVE:
		wake = nothing_left(e, end, before);
		shmring_store_release(end->own, before + n);
		if (wake)
			wake_peer(e);
		break;
	case PLANTED_NAIVE_LATE:
		shmring_store_release(end->own, before + n);
		if (nothing_left(e, end, before))
			wake_peer(e);
		break;
	case PLANTED_WAKE_FIRST:
		if (!shmring_end_advance(end, n))
			break;
		wake_peer(e);
		shmring_xchg(end->peer_arm, SHMRING_ARM_NONE);
		break;
	default:
		if (shmring_end_advance(end, n))
			shmring_arm_kick(end->peer_arm, wake_peer, e);
	}
}

static ssize_t planted_move(struct hunt_end *e, void *buf, size_t n)
{
	struct shmring_end end = end_of(e);
	uint64_t credit = shmring_end_credit(&end);
	unsigned char *data = e->planted->data;
	unsigned char *bytes = buf;
	size_t at = end.pos & (end.capacity - 1);
	size_t first;

	if (n > credit)
		n = credit;
	if (!n)
		return 0;
	first = shmring_end_contiguous(&end, n, 0);
	if (e->role == HUNT_PRODUCER) {
		memcpy(data + at, bytes, first);
		memcpy(data, bytes + first, n - first);
	} else {
		memcpy(bytes, data + at, first);
		memcpy(bytes + first, data, n - first);
	}
	advance(e, &end, n);
	return (ssize_t)n;
}

static bool planted_ended(struct hunt_end *e)
{
	return __atomic_load_n(&e->planted->gone[!e->role], __ATOMIC_SEQ_CST);
}

static uint64_t planted_position(struct hunt_end *e)
{
	return shmring_load(&e->planted->pos[e->role][0]);
}

static void planted_leave(struct hunt_end *e)
{
	__atomic_store_n(&e->planted->gone[e->role], 1, __ATOMIC_SEQ_CST);
	wake_peer(e);
}

static void planted_look(struct hunt *h, struct hunt_look *look)
{
	struct planted *p = h->planted;

	*look = (struct hunt_look){
		.rd = shmring_load_acquire(&p->pos[HUNT_CONSUMER][0]),
		.wr = shmring_load_acquire(&p->pos[HUNT_PRODUCER][0]),
		.rx_arm = shmring_load(&p->arm[HUNT_CONSUMER][0]),
		.tx_arm = shmring_load(&p->arm[HUNT_PRODUCER][0]),
		.kicks = __atomic_load_n(&p->kicks, __ATOMIC_RELAXED),
	};
}

const struct hunt_ring hunt_planted = {
	.name = "planted",
	.open = planted_open,
	.join = planted_join,
	.move = planted_move,
	.credit = planted_credit,
	.ended = planted_ended,
	.position = planted_position,
	.leave = planted_leave,
	.look = planted_look,
	.close = planted_close,
};

/* Sleep until the eventfd says so; a wake that came before is not forgotten. */
static int planted_wait(struct hunt_end *e)
{
	struct shmring_end end = end_of(e);
	struct pollfd fd = {
		.fd = e->planted->event[e->role],
		.events = POLLIN,
	};
	shmring_word arming = 1;	/* none that stands is trusted */
	uint64_t sum, credit;

	if (e->hunt->bug == PLANTED_NAIVE ||
	    e->hunt->bug == PLANTED_NAIVE_LATE) {
		credit = shmring_end_credit(&end);
	} else {
		if (read(fd.fd, &sum, sizeof(sum)) < 0 && errno != EAGAIN)
			return -errno;
		credit = shmring_end_arm(&end, e->hunt->min, &arming, NULL,
					 NULL);
		if (e->hunt->bug == PLANTED_NO_LOOK)
			credit = 0;
	}
	if (credit >= e->hunt->min || planted_ended(e))
		return 0;
	if (poll(&fd, 1, -1) < 0)
		return -errno;
	/* The arms have their signals taken away before they are set. */
	if (e->hunt->bug == PLANTED_NAIVE || e->hunt->bug == PLANTED_NAIVE_LATE)
		return read(fd.fd, &sum, sizeof(sum)) < 0 ? -errno : 0;
	return 0;
}

const struct hunt_way hunt_planted_wait = {
	.name = "eventfd",
	.wait = planted_wait,
};
