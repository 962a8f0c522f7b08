// SPDX-License-Identifier: MIT
/*
 * Messages: the verbs that wait, for exactly what is needed
 */
#include <errno.h>

#include <shmring_message.h>

#include "internal.h"

/** shmring_producer_message_limit - see shmring_message_limit() */
void shmring_producer_message_limit(struct shmring_producer *p, uint32_t bytes)
{
	p->role.message_limit = bytes;
}

/** shmring_consumer_message_limit - see shmring_message_limit() */
void shmring_consumer_message_limit(struct shmring_consumer *c, uint32_t bytes)
{
	c->role.message_limit = bytes;
}

/**
 * shmring_producer_message_wait_space - wait until a message can be sent
 * @p: the producer
 * @n: its length
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Context: the producer's thread; sleeps.
 * Return: 0; -EMSGSIZE; -EINVAL, also not a time; -EPIPE the consumer has gone;
 * -ETIMEDOUT, -EINTR, -EACCES, -EBUSY, -EBADMSG.
 */
int shmring_producer_message_wait_space(struct shmring_producer *p, size_t n,
					const struct timespec *timeout)
{
	int err = shmring_role_carries(&p->role, n);
	int64_t deadline;

	if (!err)
		err = deadline_of(timeout, &deadline);
	if (err)
		return err;
	return role_wait(&p->role, SHMRING_WRITABLE,
			 (uint32_t)SHMRING_MESSAGE_SIZE(n), deadline);
}

/*
 * First for a prefix, then for what it says: what is there only grows, so that
 * is two waits.  A producer that takes bytes back, or has its message grow, could
 * keep this end here for longer than it wanted to stay.
 */
static int message_wait(struct shmring_role *role, int64_t deadline)
{
	uint64_t length, need, had = 0;
	int err, gone = 0;

	for (;;) {
		err = shmring_role_next(role, &length, &need);
		if (err != -EAGAIN)
			return err;
		if (gone)
			return gone;
		if (need <= had || had > SHMRING_MESSAGE_PREFIX)
			return role_taken_back(role);
		err = role_wait(role, SHMRING_READABLE, (uint32_t)need,
				deadline);
		/* What is left then, if anything, is for a last look. */
		if (err == -EPIPE)
			gone = err;
		else if (err)
			return err;
		had = need;
	}
}

/**
 * shmring_consumer_message_wait - wait until a whole message is there
 * @c: the consumer
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Context: the consumer's thread; sleeps.
 * Return: 0; -EPIPE the producer has gone and nothing is left; -EBADMSG, also
 * if it went in the midst of a message; -ETIMEDOUT, -EINTR, -EINVAL, -EMSGSIZE
 * the ring is below 8 bytes; -EACCES, -EBUSY.
 */
int shmring_consumer_message_wait(struct shmring_consumer *c,
				  const struct timespec *timeout)
{
	int64_t deadline;
	int err = deadline_of(timeout, &deadline);

	return err ? err : message_wait(&c->role, deadline);
}

/**
 * shmring_producer_message_send - send a message; wait while there is no space
 * @p: the producer
 * @buf: the payload; not looked at if @n is 0
 * @n: its length
 * @timeout: how long at most; NULL: for ever; 0: only try
 *
 * Context: the producer's thread; sleeps.
 * Return: 0 all of it was sent; else nothing was: as
 * shmring_producer_message_wait_space().
 */
int shmring_producer_message_send(struct shmring_producer *p, const void *buf,
				  size_t n, const struct timespec *timeout)
{
	int err = shmring_role_carries(&p->role, n);
	int64_t deadline;

	if (!err)
		err = deadline_of(timeout, &deadline);
	if (!err && ring_state(ring_of(p->role.ring)) &
		    SHMRING_STATE_CONSUMER_GONE)
		err = -EPIPE;
	if (err)
		return err;
	err = shmring_role_try_send(&p->role, buf, n);
	if (err != -EAGAIN)
		return err;
	err = role_wait(&p->role, SHMRING_WRITABLE,
			(uint32_t)SHMRING_MESSAGE_SIZE(n), deadline);
	if (!err)
		err = shmring_role_try_send(&p->role, buf, n);
	return err == -EAGAIN ? role_taken_back(&p->role) : err;
}

/**
 * shmring_consumer_message_receive - receive a message; wait while there is none
 * @c: the consumer
 * @buf: where to; not looked at for an empty message
 * @n: its size
 * @timeout: how long at most; NULL: for ever; 0: only look
 *
 * Context: the consumer's thread; sleeps.
 * Return: the message's length, also 0; -EMSGSIZE it is longer than @n, and
 * stays; else as shmring_consumer_message_wait().
 */
ssize_t shmring_consumer_message_receive(struct shmring_consumer *c, void *buf,
					 size_t n,
					 const struct timespec *timeout)
{
	ssize_t ret = shmring_consumer_message_wait(c, timeout);

	if (!ret)
		ret = shmring_role_try_receive(&c->role, buf, n);
	return ret == -EAGAIN ? role_taken_back(&c->role) : ret;
}
