/* SPDX-License-Identifier: MIT */
/*
 * shmring - messages: records on the byte ring, whole or not at all
 *
 *	shmring_message_reserve(r, n, &p);	n = shmring_message_peek(r, &p);
 *	... write at p, up to n bytes ...	... read at p, n bytes ...
 *	shmring_message_commit(r, n);		shmring_message_release(r);
 *
 * or, by copy, shmring_message_try_send() and _try_receive().  These never
 * block; _wait(), _wait_space(), _send() and _receive() do.  The format is that
 * of linux/shmring_message.h.
 *
 * A payload in place is one piece, at an address that is a multiple of 8.  That
 * wants a mirrored ring, i.e. a capacity of a page at least; copying works from
 * a capacity of 8 bytes up.
 *
 * All verbs come three times: of a ring, of a producer and of a consumer held
 * by value.  Besides what shmring.h lists they say
 *
 *	-EAGAIN		there is no whole message, or not enough space, yet
 *	-EMSGSIZE	the message is larger than this ring, the limit, or the
 *			buffer; nothing has changed
 *	-EOPNOTSUPP	in place, of a ring that is not mirrored
 *	-EINVAL		this end's position is not a multiple of 8: bytes were
 *			moved that were no messages
 *	-EPIPE		the peer has gone; at the consumer: and no byte is left
 *	-EBADMSG	what stands there cannot be a message, or the producer
 *			went in the midst of one.  The role stops for good
 *
 * The consumer trusts nothing: it reads a prefix once a call, and follows it
 * only if it fits into the ring and the limit.  A payload in place can change
 * as long as it is not released, if its producer wants it to.
 *
 * The verbs of a role do not mix with its bytewise acquire and commit: between
 * a reserve and its commit, or a peek and its release, comes nothing else.
 *
 * In an event loop: shmring_arm_readable() when a verb says -EAGAIN.  It goes by
 * bytes, so half a record, of a producer that commits records in pieces, counts
 * as something to read; shmring_message_wait() sleeps until the rest is there.
 */
#ifndef SHMRING_MESSAGE_H
#define SHMRING_MESSAGE_H

#include <linux/shmring_message.h>
#include <shmring.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Those that wait, and the limit: lib/message.c */
#pragma GCC visibility push(default)
void shmring_producer_message_limit(struct shmring_producer *p, uint32_t bytes);
void shmring_consumer_message_limit(struct shmring_consumer *c, uint32_t bytes);
int shmring_producer_message_wait_space(struct shmring_producer *p, size_t n,
					const struct timespec *timeout);
int shmring_consumer_message_wait(struct shmring_consumer *c,
				  const struct timespec *timeout);
int shmring_producer_message_send(struct shmring_producer *p, const void *buf,
				  size_t n, const struct timespec *timeout);
ssize_t shmring_consumer_message_receive(struct shmring_consumer *c, void *buf,
					 size_t n,
					 const struct timespec *timeout);
#pragma GCC visibility pop

/**
 * shmring_message_max - the longest message that a ring can carry
 * @r: the ring
 *
 * Without regard to shmring_message_limit().
 *
 * Context: any thread.
 * Return: bytes; -EMSGSIZE not even the empty message fits.
 */
static inline int shmring_message_max(const struct shmring *r)
{
	if (r->capacity < SHMRING_MESSAGE_PREFIX)
		return -EMSGSIZE;
	return (int)(r->capacity - SHMRING_MESSAGE_PREFIX);
}

/* Can a role carry messages of @n bytes, wherever it stands? */
static inline int shmring_role_carries(const struct shmring_role *role,
				       uint64_t n)
{
	uint64_t capacity = role->end.capacity;

	if (shmring_unlikely(role->error))
		return (int)role->error;
	if (shmring_unlikely(role->end.pos & (SHMRING_MESSAGE_ALIGN - 1)))
		return -EINVAL;
	if (shmring_unlikely(capacity < SHMRING_MESSAGE_PREFIX ||
			     n > capacity - SHMRING_MESSAGE_PREFIX ||
			     (role->message_limit && n > role->message_limit)))
		return -EMSGSIZE;
	return 0;
}

/* Only then a payload is always one piece. */
static inline int shmring_role_in_place(const struct shmring_role *role)
{
	return role->reach > role->end.capacity;
}

/*
 * Are @need bytes there?  Whether the peer has gone is looked at first, its
 * position after that: it commits, then goes.
 */
static inline int shmring_role_needs(struct shmring_role *role,
				     enum shmring_edge edge, uint64_t need)
{
	uint64_t credit;
	int status;

	if (shmring_likely(shmring_role_look(role) >= need))
		return 0;
	status = shmring_status(role->ring);
	credit = shmring_role_look(role);
	if (status == -EBADMSG && !role->error)
		shmring_role_break(role);
	if (role->error)
		return (int)role->error;
	if (edge == SHMRING_WRITABLE && status)
		return status;
	if (credit >= need)
		return 0;
	if (!status)
		return -EAGAIN;
	if (!credit)
		return status;
	/* The rest of it will never come. */
	shmring_role_break(role);
	return -EBADMSG;
}

/* No message is reserved or peeked at, nor are bytes acquired. */
static inline void shmring_role_close(struct shmring_role *role)
{
	role->message_open = 0;
	role->granted = 0;
}

/*
 * The message of @n bytes that has just been found to fit is to be worked on.
 * Its whole size is granted, so that to move on takes the way of all bytes.
 */
static inline void *shmring_role_open(struct shmring_role *role, uint64_t n)
{
	role->message_open = (uint32_t)n + 1;
	role->granted = SHMRING_MESSAGE_SIZE(n);
	return shmring_role_at(role) + SHMRING_MESSAGE_PREFIX;
}

/* Move on by a message of @n bytes, of those that are granted. */
static inline int shmring_role_pass(struct shmring_role *role, uint64_t n,
				    enum shmring_edge edge)
{
	int err = shmring_role_advance(role, SHMRING_MESSAGE_SIZE(n), edge);

	shmring_role_close(role);
	return err;
}

/* How much of a payload of @n bytes, which begins at @at, comes before the wrap */
static inline size_t shmring_role_first(const struct shmring_role *role,
					size_t n, unsigned char **at)
{
	uint64_t index = (role->end.pos + SHMRING_MESSAGE_PREFIX) &
			 (role->end.capacity - 1);

	*at = role->data + index;
	if (shmring_role_in_place(role) || n <= role->end.capacity - index)
		return n;
	return role->end.capacity - index;
}

static inline int shmring_role_reserve(struct shmring_role *role, size_t n,
				       void **data)
{
	int err = shmring_role_carries(role, n);

	*data = NULL;
	shmring_role_close(role);
	if (shmring_unlikely(err))
		return err;
	if (shmring_unlikely(!shmring_role_in_place(role)))
		return -EOPNOTSUPP;
	err = shmring_role_needs(role, SHMRING_WRITABLE,
				 SHMRING_MESSAGE_SIZE(n));
	if (err)
		return err;
	*data = shmring_role_open(role, n);
	return 0;
}

/* The prefix and the payload become visible by one store. */
static inline int shmring_role_message_commit(struct shmring_role *role,
					      size_t n)
{
	uint64_t length = n;

	if (shmring_unlikely(role->error))
		return (int)role->error;
	/* Bytes that were acquired or moved in between make the latter two so. */
	if (shmring_unlikely(length >= role->message_open ||
			     SHMRING_MESSAGE_SIZE(length) > role->granted ||
			     shmring_role_carries(role, length)))
		return -EINVAL;
	memcpy(shmring_role_at(role), &length, sizeof(length));
	return shmring_role_pass(role, length, SHMRING_READABLE);
}

static inline int shmring_role_try_send(struct shmring_role *role,
					const void *buf, size_t n)
{
	const unsigned char *from = (const unsigned char *)buf;
	int err = shmring_role_carries(role, n);
	uint64_t length = n;
	unsigned char *at;
	size_t first;

	shmring_role_close(role);
	if (shmring_unlikely(err))
		return err;
	err = shmring_role_needs(role, SHMRING_WRITABLE,
				 SHMRING_MESSAGE_SIZE(n));
	if (err)
		return err;
	shmring_role_open(role, n);
	memcpy(shmring_role_at(role), &length, sizeof(length));
	if (n) {
		first = shmring_role_first(role, n, &at);
		memcpy(at, from, first);
		if (shmring_unlikely(first < n))
			memcpy(role->data, from + first, n - first);
	}
	return shmring_role_pass(role, n, SHMRING_READABLE);
}

/*
 * The length of the next message, if it is there as a whole.  The prefix is
 * read once, into a private copy, which is checked against the ring, the limit
 * and what was committed before anybody goes by it.  @need: how many bytes
 * -EAGAIN is about.
 */
static inline int shmring_role_next(struct shmring_role *role, uint64_t *length,
				    uint64_t *need)
{
	int err = shmring_role_carries(role, 0);

	shmring_role_close(role);
	*need = SHMRING_MESSAGE_PREFIX;
	if (shmring_unlikely(err))
		return err;
	err = shmring_role_needs(role, SHMRING_READABLE, *need);
	if (err)
		return err;
	*length = shmring_load((const shmring_word *)(const void *)shmring_role_at(role));
	if (shmring_unlikely(shmring_role_carries(role, *length))) {
		shmring_role_break(role);
		return -EBADMSG;
	}
	*need = SHMRING_MESSAGE_SIZE(*length);
	return shmring_role_needs(role, SHMRING_READABLE, *need);
}

static inline ssize_t shmring_role_length(struct shmring_role *role)
{
	uint64_t length, need;
	int err = shmring_role_next(role, &length, &need);

	return err ? err : (ssize_t)length;
}

static inline ssize_t shmring_role_peek(struct shmring_role *role,
					const void **data)
{
	uint64_t length, need;
	int err = shmring_role_next(role, &length, &need);

	*data = NULL;
	if (shmring_unlikely(err))
		return err;
	if (shmring_unlikely(!shmring_role_in_place(role)))
		return -EOPNOTSUPP;
	*data = shmring_role_open(role, length);
	return (ssize_t)length;
}

/* By the length that the peek has checked, not by what stands there now. */
static inline int shmring_role_message_release(struct shmring_role *role)
{
	uint64_t length = (uint64_t)role->message_open - 1;

	if (shmring_unlikely(role->error))
		return (int)role->error;
	if (shmring_unlikely(!role->message_open ||
			     SHMRING_MESSAGE_SIZE(length) > role->granted))
		return -EINVAL;
	return shmring_role_pass(role, length, SHMRING_WRITABLE);
}

static inline ssize_t shmring_role_try_receive(struct shmring_role *role,
					       void *buf, size_t n)
{
	unsigned char *at, *to = (unsigned char *)buf;
	uint64_t length, need;
	int err = shmring_role_next(role, &length, &need);
	size_t first;

	if (shmring_unlikely(err))
		return err;
	if (shmring_unlikely(length > n))
		return -EMSGSIZE;
	shmring_role_open(role, length);
	if (length) {
		first = shmring_role_first(role, length, &at);
		memcpy(to, at, first);
		if (shmring_unlikely(first < length))
			memcpy(to + first, role->data, length - first);
	}
	err = shmring_role_pass(role, length, SHMRING_WRITABLE);
	return err ? err : (ssize_t)length;
}

/**
 * shmring_producer_message_reserve - take space for a message, to write it there
 * @p: the producer
 * @n: bytes of payload at most
 * @data: filled: @n bytes in one piece, 8-byte aligned
 *
 * Nobody sees any of it before shmring_producer_message_commit(); until then it
 * can be reserved anew, or given up by shmring_producer_message_abort().
 *
 * Context: the producer's thread; never blocks.
 * Return: 0; -EAGAIN, -EMSGSIZE, -EOPNOTSUPP, -EINVAL; -EPIPE there is no space
 * and the consumer has gone; -EACCES, -EBUSY, -EBADMSG.
 */
static inline int
shmring_producer_message_reserve(struct shmring_producer *p, size_t n,
				 void **data)
{
	return shmring_role_reserve(&p->role, n, data);
}

/**
 * shmring_producer_message_commit - publish the message that was written
 * @p: the producer
 * @n: its length, at most what was reserved; the rest was never there
 *
 * Context: the producer's thread.  Ordering: as shmring_write_commit(); prefix
 * and payload become visible together.
 * Return: 0; -EINVAL more than was reserved, or nothing was; -EACCES, -EBUSY,
 * -EBADMSG.
 */
static inline int
shmring_producer_message_commit(struct shmring_producer *p, size_t n)
{
	return shmring_role_message_commit(&p->role, n);
}

/**
 * shmring_producer_message_abort - give up what was reserved
 * @p: the producer
 *
 * Context: the producer's thread.
 */
static inline void shmring_producer_message_abort(struct shmring_producer *p)
{
	shmring_role_close(&p->role);
}

/**
 * shmring_producer_message_try_send - copy a message into the ring
 * @p: the producer
 * @buf: the payload; not looked at if @n is 0
 * @n: its length
 *
 * Context: the producer's thread; never blocks.
 * Return: 0; -EAGAIN, -EMSGSIZE, -EINVAL; -EPIPE there is no space and the
 * consumer has gone; -EACCES, -EBUSY, -EBADMSG.
 */
static inline int
shmring_producer_message_try_send(struct shmring_producer *p, const void *buf,
				  size_t n)
{
	return shmring_role_try_send(&p->role, buf, n);
}

/**
 * shmring_consumer_message_length - how long is the next message?
 * @c: the consumer
 *
 * Works on every ring; for whoever makes a buffer first.
 *
 * Context: the consumer's thread; never blocks.
 * Return: bytes, also 0; -EAGAIN, -EPIPE, -EBADMSG, -EINVAL, -EMSGSIZE the ring
 * is below 8 bytes; -EACCES, -EBUSY.
 */
static inline ssize_t
shmring_consumer_message_length(struct shmring_consumer *c)
{
	return shmring_role_length(&c->role);
}

/**
 * shmring_consumer_message_peek - the next message, where it lies
 * @c: the consumer
 * @data: filled: the payload in one piece, 8-byte aligned, good until the
 *	release
 *
 * Context: the consumer's thread; never blocks.
 * Return: its length, also 0; else as shmring_consumer_message_length(), and
 * -EOPNOTSUPP.
 */
static inline ssize_t
shmring_consumer_message_peek(struct shmring_consumer *c, const void **data)
{
	return shmring_role_peek(&c->role, data);
}

/**
 * shmring_consumer_message_release - give back the message that was peeked at
 * @c: the consumer
 *
 * Context: the consumer's thread.  Ordering: as shmring_read_release().
 * Return: 0; -EINVAL none was; -EACCES, -EBUSY, -EBADMSG.
 */
static inline int
shmring_consumer_message_release(struct shmring_consumer *c)
{
	return shmring_role_message_release(&c->role);
}

/**
 * shmring_consumer_message_try_receive - copy the next message out of the ring
 * @c: the consumer
 * @buf: where to; not looked at for an empty message
 * @n: its size
 *
 * Context: the consumer's thread; never blocks.
 * Return: the message's length, also 0; -EMSGSIZE it is longer than @n, and
 * stays; else as shmring_consumer_message_length().
 */
static inline ssize_t
shmring_consumer_message_try_receive(struct shmring_consumer *c, void *buf,
				     size_t n)
{
	return shmring_role_try_receive(&c->role, buf, n);
}

/**
 * shmring_message_limit - refuse messages that are longer than this
 * @r: the ring
 * @bytes: of payload; 0: whatever fits into the ring
 *
 * The producer says -EMSGSIZE of a longer one, the consumer -EBADMSG: its peer
 * does not keep to what was agreed.  A split takes the limit along.
 *
 * Context: as shmring_split().
 */
static inline void shmring_message_limit(struct shmring *r, uint32_t bytes)
{
	shmring_producer_message_limit(&r->producer, bytes);
	shmring_consumer_message_limit(&r->consumer, bytes);
}

/** shmring_message_reserve - see shmring_producer_message_reserve() */
static inline int shmring_message_reserve(struct shmring *r, size_t n,
					  void **data)
{
	return shmring_producer_message_reserve(&r->producer, n, data);
}

/** shmring_message_commit - see shmring_producer_message_commit() */
static inline int shmring_message_commit(struct shmring *r, size_t n)
{
	return shmring_producer_message_commit(&r->producer, n);
}

/** shmring_message_abort - see shmring_producer_message_abort() */
static inline void shmring_message_abort(struct shmring *r)
{
	shmring_producer_message_abort(&r->producer);
}

/** shmring_message_try_send - see shmring_producer_message_try_send() */
static inline int shmring_message_try_send(struct shmring *r, const void *buf,
					   size_t n)
{
	return shmring_producer_message_try_send(&r->producer, buf, n);
}

/** shmring_message_length - see shmring_consumer_message_length() */
static inline ssize_t shmring_message_length(struct shmring *r)
{
	return shmring_consumer_message_length(&r->consumer);
}

/** shmring_message_peek - see shmring_consumer_message_peek() */
static inline ssize_t shmring_message_peek(struct shmring *r, const void **data)
{
	return shmring_consumer_message_peek(&r->consumer, data);
}

/** shmring_message_release - see shmring_consumer_message_release() */
static inline int shmring_message_release(struct shmring *r)
{
	return shmring_consumer_message_release(&r->consumer);
}

/** shmring_message_try_receive - see shmring_consumer_message_try_receive() */
static inline ssize_t shmring_message_try_receive(struct shmring *r, void *buf,
						  size_t n)
{
	return shmring_consumer_message_try_receive(&r->consumer, buf, n);
}

/** shmring_message_wait_space - see shmring_producer_message_wait_space() */
static inline int
shmring_message_wait_space(struct shmring *r, size_t n,
			   const struct timespec *timeout)
{
	return shmring_producer_message_wait_space(&r->producer, n, timeout);
}

/** shmring_message_wait - see shmring_consumer_message_wait() */
static inline int shmring_message_wait(struct shmring *r,
				       const struct timespec *timeout)
{
	return shmring_consumer_message_wait(&r->consumer, timeout);
}

/** shmring_message_send - see shmring_producer_message_send() */
static inline int shmring_message_send(struct shmring *r, const void *buf,
				       size_t n, const struct timespec *timeout)
{
	return shmring_producer_message_send(&r->producer, buf, n, timeout);
}

/** shmring_message_receive - see shmring_consumer_message_receive() */
static inline ssize_t
shmring_message_receive(struct shmring *r, void *buf, size_t n,
			const struct timespec *timeout)
{
	return shmring_consumer_message_receive(&r->consumer, buf, n, timeout);
}

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_MESSAGE_H */
