// SPDX-License-Identifier: MIT
/*
 * Writing and reading as to a pipe: copy, wait where there is no more room
 */
#include <errno.h>
#include <limits.h>

#include "internal.h"

/* A threshold that is above what is left to do would never be asked for. */
static int stream_wait_plain(struct shmring_role *role, enum shmring_edge edge,
			     size_t left, int cancel_fd, int64_t deadline)
{
	uint32_t lowat = ring_waiter(ring_of(role->ring), edge)->lowat;

	(void)cancel_fd;
	return role_wait(role, edge, left < lowat ? (uint32_t)left : lowat,
			 deadline);
}

/* stream_write - shmring_write_all(), waiting by @wait */
ssize_t stream_write(struct shmring *r, const void *buf, size_t n,
		     const struct timespec *timeout, stream_wait *wait,
		     int cancel_fd)
{
	struct shmring_role *role = &r->producer.role;
	struct ring *ring = ring_of(r);
	const unsigned char *from = buf;
	size_t done = 0, put;
	int64_t deadline;
	int waited = 0;
	int err;

	if (role->error)
		return role->error;
	if (n > SSIZE_MAX)
		return -EINVAL;
	err = deadline_of(timeout, &deadline);
	if (err)
		return err;
	while (done < n) {
		if (ring_state(ring) & SHMRING_STATE_CONSUMER_GONE) {
			err = -EPIPE;
			break;
		}
		put = shmring_try_write_from(r, from + done, n - done);
		done += put;
		if (done == n)
			break;
		/* A wait that has succeeded is good for a byte at least. */
		err = waited && !put ? role_taken_back(role) :
				       wait(role, SHMRING_WRITABLE, n - done,
					    cancel_fd, deadline);
		if (err)
			break;
		waited = 1;
	}
	return done ? (ssize_t)done : err;
}

/* stream_read - shmring_read_some(), waiting by @wait */
ssize_t stream_read(struct shmring *r, void *buf, size_t n,
		    const struct timespec *timeout, stream_wait *wait,
		    int cancel_fd)
{
	struct shmring_role *role = &r->consumer.role;
	int64_t deadline;
	size_t done;
	int err;

	if (role->error)
		return role->error;
	if (n > SSIZE_MAX)
		return -EINVAL;
	err = deadline_of(timeout, &deadline);
	if (err || !n)
		return err;
	done = shmring_try_read_into(r, buf, n);
	if (done)
		return (ssize_t)done;
	err = wait(role, SHMRING_READABLE, n, cancel_fd, deadline);
	if (err && err != -EPIPE)
		return err;
	/* On -EPIPE fewer bytes than the threshold may be left, or none. */
	done = shmring_try_read_into(r, buf, n);
	if (done)
		return (ssize_t)done;
	/* Only a producer that has gone makes an end. */
	return err ? role->error : role_taken_back(role);
}

/**
 * shmring_write_all - write, and wait for space as often as that takes
 * @r: the ring
 * @buf: the bytes
 * @n: how many, up to SSIZE_MAX
 * @timeout: for all of it; NULL: for ever; 0: what there is space for
 *
 * Sleeps until there is as much space as shmring_lowat() says, or as it still
 * needs if that is less; a threshold of half the capacity costs the fewest
 * wake-ups.
 *
 * Context: the producer's thread; sleeps.
 *
 * Return: @n; fewer if time ran out, a signal came, the consumer has gone or
 * its position is impossible after some bytes had been written (the next call
 * tells what it was); if none had been: -ETIMEDOUT, -EINTR, -EPIPE, -EBADMSG;
 * -EINVAL, -EACCES, -EBUSY.
 */
ssize_t shmring_write_all(struct shmring *r, const void *buf, size_t n,
			  const struct timespec *timeout)
{
	return stream_write(r, buf, n, timeout, stream_wait_plain, -1);
}

/**
 * shmring_read_some - read what there is; wait if there is nothing
 * @r: the ring
 * @buf: where to
 * @n: how many bytes at most, up to SSIZE_MAX
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Whatever is there is taken at once; if nothing is, sleeps until there is as
 * much as shmring_lowat() says, or @n bytes if that is less.
 *
 * Context: the consumer's thread; sleeps.
 *
 * Return: the bytes that were read; 0 at the end: the producer has gone and all
 * has been read (or @n is 0); -ETIMEDOUT, -EINTR, -EBADMSG, -EINVAL, -EACCES,
 * -EBUSY.
 */
ssize_t shmring_read_some(struct shmring *r, void *buf, size_t n,
			  const struct timespec *timeout)
{
	return stream_read(r, buf, n, timeout, stream_wait_plain, -1);
}
