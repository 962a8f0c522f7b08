// SPDX-License-Identifier: MIT
/*
 * Waiting: look, spin for a while that adapts, then sleep
 *
 * Waking a sleeper takes tens of microseconds, a busy peer answers in a tenth
 * of one.  So a wait spins first, for as long as that has paid of late.
 *
 * The limit is somewhat more than it takes to wake a peer.  With less, two ends
 * that answer each other would stay asleep once one of them had been late: each
 * would give up before the one that it has just woken can answer.  It is also
 * what a sleep costs, so that a wait takes at most twice the least that was
 * possible, whenever the answer comes.
 */
#include <errno.h>

#include "internal.h"

#define NSEC_PER_SEC	1000000000LL
#define SPINS_PER_CLOCK	16	/* looks between two looks at the clock */
#define SPIN_MIN_SHARE	16	/* a wait spins for no less than a 16th ... */
#define SPIN_FULL_EVERY	16	/* ... and every 16th for the whole limit */

/* clock_now - CLOCK_MONOTONIC in nanoseconds */
int64_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

/*
 * deadline_of - turn a relative time into a time of CLOCK_MONOTONIC
 *
 * NULL, and what does not fit, is INT64_MAX: never.
 *
 * Return: 0; -EINVAL not a time.
 */
int deadline_of(const struct timespec *timeout, int64_t *deadline)
{
	int64_t ns;

	*deadline = INT64_MAX;
	if (!timeout)
		return 0;
	if (timeout->tv_sec < 0 || timeout->tv_nsec < 0 ||
	    timeout->tv_nsec >= NSEC_PER_SEC)
		return -EINVAL;
	if (__builtin_mul_overflow(timeout->tv_sec, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, timeout->tv_nsec, &ns) ||
	    __builtin_add_overflow(ns, clock_now(), &ns))
		return 0;
	*deadline = ns;
	return 0;
}

/* deadline_passed - is it time? One that is never needs no look at the clock. */
int deadline_passed(int64_t deadline)
{
	return deadline != INT64_MAX && clock_now() >= deadline;
}

/*
 * time_left - from now until @deadline, as ppoll() takes it
 *
 * Return: @left; NULL: for ever.
 */
const struct timespec *time_left(int64_t deadline, struct timespec *left)
{
	int64_t ns;

	if (deadline == INT64_MAX)
		return NULL;
	ns = deadline - clock_now();
	if (ns < 0)
		ns = 0;
	left->tv_sec = ns / NSEC_PER_SEC;
	left->tv_nsec = ns % NSEC_PER_SEC;
	return left;
}

static void pause_cpu(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield" ::: "memory");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

/*
 * role_ready - are @min bytes there, or will they never be?
 *
 * The state is read before the position.  A peer commits before it goes, so
 * whoever has seen that it is gone (acquire) sees all that it committed; the
 * other way round the last bytes would be lost.
 *
 * Return: the bytes, if they suffice or are the last; 0: not yet; -EPIPE;
 * -EBADMSG, -EACCES, -EBUSY the role does not move.
 */
int64_t role_ready(struct ring *r, struct shmring_role *role,
		   enum shmring_edge edge, uint32_t min)
{
	uint32_t state = ring_state(r);
	uint64_t credit;

	if (state & SHMRING_STATE_CORRUPT && !role->error)
		shmring_role_break(role);
	credit = shmring_role_look(role);
	if (role->error)
		return role->error;
	if (edge == SHMRING_WRITABLE && state & SHMRING_STATE_CONSUMER_GONE)
		return -EPIPE;
	if (credit >= min)
		return (int64_t)credit;
	if (edge == SHMRING_READABLE && state & SHMRING_STATE_PRODUCER_GONE)
		return credit ? (int64_t)credit : -EPIPE;
	return 0;
}

/* As role_ready(), again and again for a while. */
static int64_t role_spin(struct ring *r, struct shmring_role *role,
			 enum shmring_edge edge, uint32_t min, int64_t deadline)
{
	struct waiter *w = ring_waiter(r, edge);
	uint32_t limit = __atomic_load_n(&w->spin_limit, __ATOMIC_RELAXED);
	int64_t start, until, rc;
	uint32_t spin = w->spin;
	int i;

	if (!limit)
		return 0;
	if (spin > limit || w->waits++ % SPIN_FULL_EVERY == 0)
		spin = limit;
	if (spin < limit / SPIN_MIN_SHARE)
		spin = limit / SPIN_MIN_SHARE;
	start = clock_now();
	until = deadline < start + spin ? deadline : start + spin;
	do {
		for (i = 0; i < SPINS_PER_CLOCK; i++) {
			pause_cpu();
			rc = role_ready(r, role, edge, min);
			if (rc) {
				w->spin = spin < limit / 2 ? 2 * spin : limit;
				return rc;
			}
		}
	} while (clock_now() < until);
	w->spin = spin / 2;
	return 0;
}

/*
 * What the device says of a role that is corrupt holds for the library too.
 * @min bytes or none: that fewer are left to be read is the caller's to find.
 */
static int role_verdict(struct shmring_role *role, int64_t rc, uint32_t min)
{
	if (rc == -EBADMSG && !role->error)
		shmring_role_break(role);
	if (rc < 0)
		return (int)rc;
	return rc >= min ? 0 : -EPIPE;
}

/* An end that is about to sleep has published all that it has done. */
static void role_publish(struct shmring_role *role, enum shmring_edge edge)
{
	shmring_role_flush(role, edge == SHMRING_READABLE ? SHMRING_WRITABLE :
							    SHMRING_READABLE);
}

/*
 * role_wait - wait until @min bytes are there, or never will be
 *
 * Return: as shmring_wait_readable().
 */
int role_wait(struct shmring_role *role, enum shmring_edge edge, uint32_t min,
	      int64_t deadline)
{
	struct ring *r = ring_of(role->ring);
	int64_t rc;

	if (role->error)
		return role->error;
	if (!min)
		min = 1;
	if (min > r->pub.capacity)
		return -EINVAL;
	role_publish(role, edge);
	rc = role_ready(r, role, edge, min);
	if (!rc && deadline_passed(deadline))
		return -ETIMEDOUT;
	if (!rc)
		rc = role_spin(r, role, edge, min, deadline);
	if (!rc)
		rc = r->backend->wait(r, role, edge, min, deadline);
	return role_verdict(role, rc, min);
}

/*
 * role_taken_back - what a wait has promised is not there
 *
 * Nobody but this end lessens what it may use, nor changes what was committed:
 * its peer's position has gone back, or a message has grown.
 *
 * Return: -EBADMSG, from here on for good.
 */
int role_taken_back(struct shmring_role *role)
{
	if (!role->error)
		shmring_role_break(role);
	return role->error;
}

static int role_wait_for(struct shmring_role *role, enum shmring_edge edge,
			 uint32_t min, const struct timespec *timeout)
{
	int64_t deadline;
	int err = deadline_of(timeout, &deadline);

	return err ? err : role_wait(role, edge, min, deadline);
}

static int role_arm(struct shmring_role *role, enum shmring_edge edge)
{
	struct ring *r = ring_of(role->ring);
	uint32_t lowat = ring_waiter(r, edge)->lowat;
	int64_t rc;

	if (role->error)
		return role->error;
	role_publish(role, edge);
	rc = role_ready(r, role, edge, lowat);
	if (!rc)
		rc = r->backend->arm(r, role, edge, lowat);
	if (rc <= 0)
		return rc ? role_verdict(role, rc, lowat) : 0;
	return 1;
}

/**
 * shmring_wait_readable - wait until bytes can be read
 * @r: the ring
 * @min_bytes: how many, up to the capacity; 0 means 1, not the threshold of
 *	shmring_lowat()
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * A producer that waits for more space than @min_bytes leaves in a full ring
 * would wait for ever, and this end as well: what the two wait for must not
 * exceed the capacity together.
 *
 * Context: the consumer's thread; sleeps.
 * Return: 0 they are there; -EPIPE the producer has gone and they never will be
 * (fewer may be there to be read); -ETIMEDOUT; -EINTR; -EINVAL @min_bytes above
 * the capacity, or not a time; -EACCES, -EBUSY, -EBADMSG; -EBADF somebody has
 * closed the ring's fd.
 */
int shmring_wait_readable(struct shmring *r, uint32_t min_bytes,
			  const struct timespec *timeout)
{
	return role_wait_for(&r->consumer.role, SHMRING_READABLE, min_bytes,
			     timeout);
}

/**
 * shmring_wait_writable - wait until there is space to write to
 * @r: the ring
 * @min_bytes: how many bytes, up to the capacity; 0 means 1
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Context: the producer's thread; sleeps.
 * Return: as shmring_wait_readable(), but -EPIPE as soon as the consumer has
 * gone, be there space or not.
 */
int shmring_wait_writable(struct shmring *r, uint32_t min_bytes,
			  const struct timespec *timeout)
{
	return role_wait_for(&r->producer.role, SHMRING_WRITABLE, min_bytes,
			     timeout);
}

/**
 * shmring_arm_readable - before waiting for shmring_pollfd(): ask to be woken
 * @r: the ring
 *
 * Goes by the threshold of shmring_lowat().
 *
 * Context: the consumer's thread; never blocks.
 * Ordering: W1 to W3 of shmring_proto.h, against P1 to P3 of the producer.
 *
 * Return: 1 something is there, or the last bytes are: go on; 0 armed, now
 * sleep; -EPIPE the producer has gone and nothing is left; -EACCES, -EBUSY,
 * -EBADMSG.
 */
int shmring_arm_readable(struct shmring *r)
{
	return role_arm(&r->consumer.role, SHMRING_READABLE);
}

/**
 * shmring_arm_writable - before waiting for shmring_pollfd(): ask to be woken
 * @r: the ring
 *
 * Context and return: as shmring_arm_readable(), but -EPIPE as soon as the
 * consumer has gone.
 */
int shmring_arm_writable(struct shmring *r)
{
	return role_arm(&r->producer.role, SHMRING_WRITABLE);
}

/** shmring_consumer_wait - see shmring_wait_readable() */
int shmring_consumer_wait(struct shmring_consumer *c, uint32_t min_bytes,
			  const struct timespec *timeout)
{
	return role_wait_for(&c->role, SHMRING_READABLE, min_bytes, timeout);
}

/** shmring_producer_wait - see shmring_wait_writable() */
int shmring_producer_wait(struct shmring_producer *p, uint32_t min_bytes,
			  const struct timespec *timeout)
{
	return role_wait_for(&p->role, SHMRING_WRITABLE, min_bytes, timeout);
}

/** shmring_consumer_arm - see shmring_arm_readable() */
int shmring_consumer_arm(struct shmring_consumer *c)
{
	return role_arm(&c->role, SHMRING_READABLE);
}

/** shmring_producer_arm - see shmring_arm_writable() */
int shmring_producer_arm(struct shmring_producer *p)
{
	return role_arm(&p->role, SHMRING_WRITABLE);
}

/**
 * shmring_lowat - how much must be there for this end to be woken
 * @r: the ring
 * @edge: SHMRING_READABLE of the consumer, SHMRING_WRITABLE of the producer
 * @bytes: 1 .. capacity / 2; two thresholds above that could wait for each other
 *
 * Like SO_RCVLOWAT.  shmring_arm_*(), shmring_pollfd() and the waits of
 * shmring_write_all() and shmring_read_some() go by it; a wait with a number of
 * its own does not.
 *
 * Context: the thread of that role.
 * Return: 0; -EINVAL; -EACCES the role is not held here.
 */
int shmring_lowat(struct shmring *r, enum shmring_edge edge, uint32_t bytes)
{
	struct ring *ring = ring_of(r);
	uint32_t role = edge == SHMRING_READABLE ? SHMRING_ROLE_CONSUMER :
						   SHMRING_ROLE_PRODUCER;
	int err;

	if (edge != SHMRING_READABLE && edge != SHMRING_WRITABLE)
		return -EINVAL;
	if (!(ring->roles & role))
		return -EACCES;
	if (!bytes || bytes > r->capacity / 2)
		return -EINVAL;
	err = ring->backend->lowat(ring, edge, bytes);
	if (!err)
		ring_waiter(ring, edge)->lowat = bytes;
	return err;
}

/**
 * shmring_set_spin - how long a wait may spin before it sleeps
 * @r: the ring
 * @ns: nanoseconds at most, of either role; 0 or SHMRING_SPIN_OFF: sleep at once
 *
 * How long it does spin adapts: it doubles when that was worth while, else it
 * is halved, down to a 16th; every 16th wait tries all of it.
 *
 * Context: any thread.
 */
void shmring_set_spin(struct shmring *r, uint32_t ns)
{
	struct ring *ring = ring_of(r);

	if (ns == SHMRING_SPIN_OFF)
		ns = 0;
	__atomic_store_n(&ring->rx.spin_limit, ns, __ATOMIC_RELAXED);
	__atomic_store_n(&ring->tx.spin_limit, ns, __ATOMIC_RELAXED);
}
