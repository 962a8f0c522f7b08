// SPDX-License-Identifier: MIT
/*
 * Waits that another thread, a signal handler or anything else with an fd can
 * call off
 *
 * What calls off is any fd that poll() reports as readable, or as hung up or in
 * error: an eventfd, to which a thread or a signal handler writes; a signalfd, a
 * timerfd, a pidfd; a pipe whose other end is closed.  It is only ever looked
 * at, so a cancellation stays until its owner takes it away, and one fd can call
 * off any number of waits.
 *
 * Both fds are asked for their level in one poll(), after the arm: whether the
 * cancellation or the peer comes before, during or after it, the poll() ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>

#include "internal.h"

/* 0: not cancelled; -ECANCELED; -EBADF. */
static int verdict(const struct pollfd *cancel)
{
	if (cancel->revents & POLLNVAL)
		return -EBADF;
	return cancel->revents ? -ECANCELED : 0;
}

static int look(int fd)
{
	struct pollfd cancel = { .fd = fd, .events = POLLIN };

	if (fd >= 0 && poll(&cancel, 1, 0) < 0)
		return -errno;
	return verdict(&cancel);
}

/*
 * Sleeps for no longer than until @deadline; spurious wake-ups are allowed, but
 * not beyond it, however often the peer brings them about.
 */
static int sleep_on(struct pollfd fds[2], int64_t deadline)
{
	struct timespec left;

	if (deadline_passed(deadline))
		return -ETIMEDOUT;
	return ppoll(fds, 2, time_left(deadline, &left), NULL) < 0 ? -errno : 0;
}

/* The handles are a role by another name. */
static int arm(struct shmring_role *role, enum shmring_edge edge)
{
	return edge == SHMRING_READABLE ?
	       shmring_consumer_arm((struct shmring_consumer *)role) :
	       shmring_producer_arm((struct shmring_producer *)role);
}

/* What is there counts first: it is the caller's already. */
static int wait_unless(struct shmring_role *role, enum shmring_edge edge,
		       int cancel_fd, int64_t deadline)
{
	struct pollfd fds[2];
	int rc;

	if (role->error)
		return role->error;
	fds[0] = ring_of(role->ring)->backend->pollfd(ring_of(role->ring), edge);
	fds[1] = (struct pollfd){ .fd = cancel_fd, .events = POLLIN };
	for (;;) {
		rc = arm(role, edge);
		if (rc)
			return rc < 0 ? rc : 0;
		rc = look(cancel_fd);
		if (!rc)
			rc = sleep_on(fds, deadline);
		if (rc)
			return rc;
	}
}

/*
 * A writer that finds the ring full looks at once who calls it off: a consumer
 * that keeps up would always give it more to do first.
 *
 * Less than the threshold can be all that is left; and what the device's poll()
 * waits for is the threshold that the kernel knows.
 */
static int stream_wait_unless(struct shmring_role *role, enum shmring_edge edge,
			      size_t left, int cancel_fd, int64_t deadline)
{
	uint32_t lowat = ring_waiter(ring_of(role->ring), edge)->lowat;
	int err = edge == SHMRING_WRITABLE ? look(cancel_fd) : 0;

	if (err)
		return err;
	if (left >= lowat)
		return wait_unless(role, edge, cancel_fd, deadline);
	err = shmring_lowat(role->ring, edge, (uint32_t)left);
	if (!err)
		err = wait_unless(role, edge, cancel_fd, deadline);
	shmring_lowat(role->ring, edge, lowat);
	return err;
}

static int wait_for_unless(struct shmring_role *role, enum shmring_edge edge,
			   int cancel_fd, const struct timespec *timeout)
{
	int64_t deadline;
	int err = deadline_of(timeout, &deadline);

	return err ? err : wait_unless(role, edge, cancel_fd, deadline);
}

/**
 * shmring_consumer_wait_unless - see shmring_wait_readable_unless()
 * @c: the consumer
 * @cancel_fd: what calls it off
 * @timeout: how long at most
 */
int shmring_consumer_wait_unless(struct shmring_consumer *c, int cancel_fd,
				 const struct timespec *timeout)
{
	return wait_for_unless(&c->role, SHMRING_READABLE, cancel_fd, timeout);
}

/**
 * shmring_producer_wait_unless - see shmring_wait_writable_unless()
 * @p: the producer
 * @cancel_fd: what calls it off
 * @timeout: how long at most
 */
int shmring_producer_wait_unless(struct shmring_producer *p, int cancel_fd,
				 const struct timespec *timeout)
{
	return wait_for_unless(&p->role, SHMRING_WRITABLE, cancel_fd, timeout);
}

/**
 * shmring_wait_readable_unless - wait for bytes, or for a cancellation
 * @r: the ring
 * @cancel_fd: calls the wait off when it is readable; never read from; -1: none
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Goes by the threshold of shmring_lowat().  Bytes that are there come before a
 * cancellation: who must stop while more keeps coming looks at a flag as well.
 * What arrives after a cancellation stays in the ring.
 *
 * Context: the consumer's thread; sleeps, and does not spin before that.
 * Return: 0 something is there, or the last bytes are; -ECANCELED; -EPIPE the
 * producer has gone and nothing is left; -ETIMEDOUT; -EINTR; -EBADF
 * @cancel_fd is not open; -EINVAL not a time; -EACCES, -EBUSY, -EBADMSG.
 */
int shmring_wait_readable_unless(struct shmring *r, int cancel_fd,
				 const struct timespec *timeout)
{
	return shmring_consumer_wait_unless(&r->consumer, cancel_fd, timeout);
}

/**
 * shmring_wait_writable_unless - wait for space, or for a cancellation
 * @r: the ring
 * @cancel_fd: calls the wait off when it is readable; never read from; -1: none
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Context: the producer's thread; sleeps, and does not spin before that.
 * Return: as shmring_wait_readable_unless(), but -EPIPE as soon as the consumer
 * has gone.
 */
int shmring_wait_writable_unless(struct shmring *r, int cancel_fd,
				 const struct timespec *timeout)
{
	return shmring_producer_wait_unless(&r->producer, cancel_fd, timeout);
}

/**
 * shmring_read_some_unless - shmring_read_some() that can be called off
 * @r: the ring
 * @buf: where to
 * @n: how many bytes at most, up to SSIZE_MAX
 * @cancel_fd: as of shmring_wait_readable_unless()
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Context: the consumer's thread; sleeps.
 * Return: as shmring_read_some(); -ECANCELED, and nothing was taken; -EBADF.
 */
ssize_t shmring_read_some_unless(struct shmring *r, void *buf, size_t n,
				 int cancel_fd, const struct timespec *timeout)
{
	return stream_read(r, buf, n, timeout, stream_wait_unless, cancel_fd);
}

/**
 * shmring_write_all_unless - shmring_write_all() that can be called off
 * @r: the ring
 * @buf: the bytes
 * @n: how many, up to SSIZE_MAX
 * @cancel_fd: as of shmring_wait_writable_unless(); looked at whenever the ring
 *	is full
 * @timeout: for all of it; NULL: for ever; 0: what there is space for
 *
 * Context: the producer's thread; sleeps.
 * Return: as shmring_write_all(): @n, or fewer bytes if it ended early;
 * -ECANCELED if none had been written; -EBADF likewise.
 */
ssize_t shmring_write_all_unless(struct shmring *r, const void *buf, size_t n,
				 int cancel_fd, const struct timespec *timeout)
{
	return stream_write(r, buf, n, timeout, stream_wait_unless, cancel_fd);
}
