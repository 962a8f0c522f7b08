/* SPDX-License-Identifier: MIT */
/*
 * shmring - the hot verbs, once for both roles
 *
 * Acquire, move on, copy: the same for the producer, whose credit is space,
 * and for the consumer, whose credit is what is available.  All are for the
 * one thread that has the role, take no lock, never block, and make a system
 * call only to wake a peer that sleeps.
 *
 * The handles of shmring_split() come last; a ring's own verbs (shmring.h)
 * are those of the handles that it embeds.
 */
#ifndef SHMRING_ROLE_H
#define SHMRING_ROLE_H

#include <errno.h>
#include <string.h>

#include <shmring_types.h>

#define shmring_likely(x)	__builtin_expect(!!(x), 1)
#define shmring_unlikely(x)	__builtin_expect(!!(x), 0)

#ifdef __cplusplus
extern "C" {
#endif

/* Out of line: wakes whoever armed for @edge.  For the verbs below only. */
#pragma GCC visibility push(default)
void shmring_kick(struct shmring *r, enum shmring_edge edge);
#pragma GCC visibility pop

/*
 * Stop a role for good: its peer's position was impossible.  From here on its
 * credit is 0, and every verb that returns a status says -EBADMSG.
 */
static inline void shmring_role_break(struct shmring_role *role)
{
	role->end.capacity = 0;
	role->credit = 0;
	role->granted = 0;
	role->error = -EBADMSG;
	__atomic_store_n(&role->ring->corrupt, 1, __ATOMIC_RELAXED);
}

/*
 * Look at the peer, once.  Also 0: the role does not move, or has just been
 * stopped.
 */
static inline uint64_t shmring_role_look(struct shmring_role *role)
{
	uint64_t credit = shmring_end_credit(&role->end);

	if (shmring_unlikely(credit == SHMRING_CREDIT_CORRUPT)) {
		if (!role->error)
			shmring_role_break(role);
		credit = 0;
	}
	role->credit = credit;
	return credit;
}

static inline unsigned char *shmring_role_at(const struct shmring_role *role)
{
	return role->data + (role->end.pos & (role->end.capacity - 1));
}

static inline size_t shmring_role_acquire(struct shmring_role *role,
					  struct iovec p[2])
{
	uint64_t credit = shmring_role_look(role);
	uint64_t first;

	role->granted = credit;
	p[0].iov_base = NULL;
	p[0].iov_len = 0;
	p[1].iov_base = NULL;
	p[1].iov_len = 0;
	if (!credit)
		return 0;

	first = shmring_end_contiguous(&role->end, credit, role->mirrored);
	p[0].iov_base = shmring_role_at(role);
	p[0].iov_len = first;
	if (shmring_unlikely(first < credit)) {
		p[1].iov_base = role->data;
		p[1].iov_len = credit - first;
	}
	return credit;
}

/* P1 to P3 of shmring_proto.h, and the kick that they may ask for. */
static inline void shmring_role_move(struct shmring_role *role, uint64_t n,
				     enum shmring_edge edge)
{
	role->credit -= n;
	if (shmring_unlikely(shmring_end_advance(&role->end, n)))
		shmring_kick(role->ring, edge);
}

static inline int shmring_role_advance(struct shmring_role *role, size_t n,
				       enum shmring_edge edge)
{
	/* One comparison for 0 and for too much. */
	if (shmring_unlikely((uint64_t)n - 1 >= role->granted)) {
		if (role->error)
			return role->error;
		return n ? -EINVAL : 0;
	}
	role->granted -= n;
	shmring_role_move(role, n, edge);
	return 0;
}

/*
 * How many of @n bytes can be copied now?  The peer is looked at only when
 * what it is known to have left does not suffice.
 */
static inline size_t shmring_role_room(struct shmring_role *role, size_t n)
{
	uint64_t credit = role->credit;

	if (shmring_unlikely(credit < n))
		credit = shmring_role_look(role);
	role->granted = 0;
	return credit < n ? (size_t)credit : n;
}

/**
 * shmring_producer_space - bytes that can be written now
 * @p: the producer
 *
 * Context: the producer's thread.  Return: 0 .. capacity; 0 also if the
 * consumer's position is impossible.
 */
static inline uint32_t shmring_producer_space(struct shmring_producer *p)
{
	return (uint32_t)shmring_role_look(&p->role);
}

/** shmring_producer_acquire - see shmring_write_acquire() */
static inline size_t shmring_producer_acquire(struct shmring_producer *p,
					      struct iovec v[2])
{
	return shmring_role_acquire(&p->role, v);
}

/** shmring_producer_commit - see shmring_write_commit() */
static inline int shmring_producer_commit(struct shmring_producer *p, size_t n)
{
	return shmring_role_advance(&p->role, n, SHMRING_READABLE);
}

/** shmring_producer_try_write_from - see shmring_try_write_from() */
static inline size_t
shmring_producer_try_write_from(struct shmring_producer *p, const void *buf,
				size_t n)
{
	struct shmring_role *role = &p->role;
	const unsigned char *from = (const unsigned char *)buf;
	size_t first;

	n = shmring_role_room(role, n);
	if (!n)
		return 0;
	first = shmring_end_contiguous(&role->end, n, role->mirrored);
	memcpy(shmring_role_at(role), from, first);
	if (shmring_unlikely(first < n))
		memcpy(role->data, from + first, n - first);
	shmring_role_move(role, n, SHMRING_READABLE);
	return n;
}

/**
 * shmring_consumer_available - bytes that can be read now
 * @c: the consumer
 *
 * Context: the consumer's thread.  Return: 0 .. capacity; 0 also if the
 * producer's position is impossible.
 */
static inline uint32_t shmring_consumer_available(struct shmring_consumer *c)
{
	return (uint32_t)shmring_role_look(&c->role);
}

/** shmring_consumer_acquire - see shmring_read_acquire() */
static inline size_t shmring_consumer_acquire(struct shmring_consumer *c,
					      struct iovec v[2])
{
	return shmring_role_acquire(&c->role, v);
}

/** shmring_consumer_release - see shmring_read_release() */
static inline int shmring_consumer_release(struct shmring_consumer *c, size_t n)
{
	return shmring_role_advance(&c->role, n, SHMRING_WRITABLE);
}

/** shmring_consumer_try_read_into - see shmring_try_read_into() */
static inline size_t
shmring_consumer_try_read_into(struct shmring_consumer *c, void *buf, size_t n)
{
	struct shmring_role *role = &c->role;
	unsigned char *to = (unsigned char *)buf;
	size_t first;

	n = shmring_role_room(role, n);
	if (!n)
		return 0;
	first = shmring_end_contiguous(&role->end, n, role->mirrored);
	memcpy(to, shmring_role_at(role), first);
	if (shmring_unlikely(first < n))
		memcpy(to + first, role->data, n - first);
	shmring_role_move(role, n, SHMRING_WRITABLE);
	return n;
}

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_ROLE_H */
