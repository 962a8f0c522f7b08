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

#define SHMRING_SMALL		64	/* bytes, a line */

/*
 * The copies are made for the sizes that callers know, and for handles in
 * registers, both of which is lost where a compiler thinks a call cheaper.
 */
#define SHMRING_FLAT		__attribute__((__always_inline__))

#define shmring_likely(x)	__builtin_expect(!!(x), 1)
#define shmring_unlikely(x)	__builtin_expect(!!(x), 0)

#ifdef __cplusplus
extern "C" {
#endif

/*
 * How many commits an end fences after it was made, and after each kick.  That
 * many fences, of some 5 to 100 ns, cost about what one heavy barrier does, so
 * that for each arm that was answered the two ends together pay at most twice the
 * least that was possible.
 */
#ifndef SHMRING_FENCES
#define SHMRING_FENCES		256
#endif

/* Out of line, for the verbs below only. */
#pragma GCC visibility push(default)
void shmring_kick(struct shmring *r, enum shmring_edge edge);
int shmring_unfence(struct shmring *r, enum shmring_edge edge);
#pragma GCC visibility pop

/*
 * Stop a role for good: its peer's position was impossible.  From here on its
 * credit is 0, and every verb that returns a status says -EBADMSG.
 */
static inline void shmring_role_break(struct shmring_role *role)
{
	role->end.capacity = 0;
	role->limit = role->end.pos;
	role->known = role->end.pos;
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
	return credit;
}

static inline unsigned char *shmring_role_at(const struct shmring_role *role)
{
	return role->data + (role->end.pos & (role->end.capacity - 1));
}

/* How many of the next @n bytes are in one piece */
static inline uint64_t shmring_role_piece(const struct shmring_role *role,
					  uint64_t n)
{
	return shmring_end_contiguous(&role->end, n,
				      role->reach > role->end.capacity);
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

	first = shmring_role_piece(role, credit);
	p[0].iov_base = shmring_role_at(role);
	p[0].iov_len = first;
	if (shmring_unlikely(first < credit)) {
		p[1].iov_base = role->data;
		p[1].iov_len = credit - first;
	}
	return credit;
}

/*
 * P1 to P3 of shmring_proto.h, and the kick that they may ask for.  An end
 * fences for a while after each kick, since the peer will arm again, and stops
 * when the peer has not for long enough.
 */
static inline SHMRING_FLAT void
shmring_role_move(struct shmring_role *role, uint64_t n, enum shmring_edge edge)
{
	if (shmring_unlikely(shmring_end_advance(&role->end, n))) {
		role->end.unfenced = 0;
		role->fences = SHMRING_FENCES;
		shmring_kick(role->ring, edge);
	} else if (shmring_unlikely(!role->end.unfenced) && !--role->fences) {
		role->end.unfenced = (__u64)shmring_unfence(role->ring, edge);
	}
}

/*
 * Small pieces are copied so fast that a loop would wait for each line of the
 * data to come over from the peer's CPU.  So it asks for lines that are this
 * much ahead; but only if the bytes there are its own to use already, for a line
 * that the peer still works on would go back and forth.
 *
 * Large ones are copied, and published, in pieces: the peer copies the first
 * while this end is at the second.
 */
#define SHMRING_AHEAD		1024
#define SHMRING_PIECE		4096

/* Compilers leave it out for x86 unless told that the CPU has it; who has not
 * takes it for nothing.
 */
static inline void shmring_prefetch_write(const void *p)
{
#if defined(__x86_64__)
	__asm__ __volatile__("prefetchw %0" : : "m" (*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/* Ask for the lines of the @n bytes that are ahead, if they are this end's own. */
static inline SHMRING_FLAT void
shmring_role_look_ahead(const struct shmring_role *role, uint64_t n,
			enum shmring_edge edge)
{
	const unsigned char *ahead = shmring_role_at(role) + SHMRING_AHEAD;
	uint64_t i;

	if (role->known - role->end.pos < SHMRING_AHEAD + n)
		return;
	for (i = 0; i < n; i += SHMRING_SMALL) {
		if (edge == SHMRING_READABLE)
			shmring_prefetch_write(ahead + i);
		else
			__builtin_prefetch(ahead + i);
	}
}

static inline int shmring_role_advance(struct shmring_role *role, size_t n,
				       enum shmring_edge edge)
{
	/* One comparison for 0 and for too much. */
	if (shmring_unlikely((uint64_t)n - 1 >= role->granted)) {
		if (role->error)
			return (int)role->error;
		return n ? -EINVAL : 0;
	}
	role->granted -= n;
	shmring_role_move(role, n, edge);
	role->limit = role->end.pos;
	role->known = role->end.pos + role->granted;
	shmring_role_look_ahead(role, n < SHMRING_AHEAD ? n : SHMRING_AHEAD, edge);
	return 0;
}

/*
 * The slow part of a copy: look at the peer, and note how far the copies to come
 * need not, which is at most @most bytes.
 */
static inline uint64_t shmring_role_refill(struct shmring_role *role,
					   uint64_t most)
{
	uint64_t credit = shmring_role_look(role);

	role->known = role->end.pos + credit;
	role->limit = role->end.pos +
		      shmring_role_piece(role, credit < most ? credit : most);
	return credit;
}

/* Publish what was released and is not published yet. */
static inline void shmring_role_flush(struct shmring_role *role,
				      enum shmring_edge edge)
{
	if (shmring_load(role->end.own) != role->end.pos)
		shmring_role_move(role, 0, edge);
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

/* Copy in, at most a piece. */
static inline SHMRING_FLAT size_t
shmring_role_put(struct shmring_role *role, const unsigned char *from, size_t n)
{
	unsigned char small[SHMRING_SMALL];
	uint64_t credit, first;

	if (!n)
		return 0;
	role->granted = 0;
	if (shmring_unlikely(role->limit - role->end.pos < n)) {
		credit = shmring_role_refill(role, role->end.capacity);
		if (shmring_unlikely(role->limit - role->end.pos < n)) {
			/* Lest a variable has to have an address for this */
			if (__builtin_constant_p(n) && n <= sizeof(small))
				from = (unsigned char *)memcpy(small, from, n);
			if (n > credit)
				n = credit;
			if (!n)
				return 0;
			first = shmring_role_piece(role, n);
			memcpy(shmring_role_at(role), from, first);
			memcpy(role->data, from + first, n - first);
			role->limit = role->end.pos + n;
			shmring_role_move(role, n, SHMRING_READABLE);
			return n;
		}
	}
	shmring_role_look_ahead(role, n, SHMRING_READABLE);
	memcpy(shmring_role_at(role), from, n);
	shmring_role_move(role, n, SHMRING_READABLE);
	return n;
}

/** shmring_producer_try_write_from - see shmring_try_write_from() */
static inline SHMRING_FLAT size_t
shmring_producer_try_write_from(struct shmring_producer *p, const void *buf,
				size_t n)
{
	const unsigned char *from = (const unsigned char *)buf;
	size_t done = 0, piece, got;

	if (n <= SHMRING_PIECE)
		return shmring_role_put(&p->role, from, n);
	do {
		piece = n - done < SHMRING_PIECE ? n - done : SHMRING_PIECE;
		got = shmring_role_put(&p->role, from + done, piece);
		done += got;
	} while (got == piece && done < n);
	return done;
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

/**
 * shmring_consumer_flush - publish what was read, and not published yet
 * @c: the consumer
 *
 * For a consumer that stops reading for a while and does not wait, or that hands
 * the ring on: see shmring_consumer_try_read_into().
 *
 * Context: the consumer's thread.
 */
static inline void shmring_consumer_flush(struct shmring_consumer *c)
{
	shmring_role_flush(&c->role, SHMRING_WRITABLE);
}

/*
 * Release what was copied out; with a @lag, publish it only if the producer
 * waits for it.
 */
static inline void shmring_role_leave(struct shmring_role *role, size_t n,
				      uint64_t lag)
{
	if (!lag) {
		shmring_role_move(role, n, SHMRING_WRITABLE);
		return;
	}
	role->end.pos += n;
	if (shmring_unlikely(shmring_load(role->end.peer_arm) !=
			     SHMRING_ARM_NONE))
		shmring_role_flush(role, SHMRING_WRITABLE);
}

/*
 * Copy out, at most a piece.  With a @lag, what was read before is published first
 * if this piece and that would be more than @lag.
 */
static inline SHMRING_FLAT size_t
shmring_role_take_piece(struct shmring_role *role, unsigned char *to, size_t n,
			uint64_t lag)
{
	uint64_t credit, first, most;

	if (!n)
		return 0;
	role->granted = 0;
	if (shmring_unlikely(role->limit - role->end.pos < n)) {
		most = role->end.capacity;
		if (lag) {
			shmring_role_flush(role, SHMRING_WRITABLE);
			most = n < lag ? lag : n;
		}
		credit = shmring_role_refill(role, most);
		if (shmring_unlikely(role->limit - role->end.pos < n)) {
			if (n > credit)
				n = credit;
			if (!n)
				return 0;
			first = shmring_role_piece(role, n);
			memcpy(to, shmring_role_at(role), first);
			memcpy(to + first, role->data, n - first);
			role->limit = role->end.pos + n;
			shmring_role_leave(role, n, lag);
			return n;
		}
	}
	shmring_role_look_ahead(role, n, SHMRING_WRITABLE);
	memcpy(to, shmring_role_at(role), n);
	shmring_role_leave(role, n, lag);
	return n;
}

/* Copy out. */
static inline SHMRING_FLAT size_t
shmring_role_take(struct shmring_role *role, void *buf, size_t n, uint64_t lag)
{
	unsigned char *to = (unsigned char *)buf;
	size_t done = 0, piece, got;

	if (n <= SHMRING_PIECE)
		return shmring_role_take_piece(role, to, n, lag);
	do {
		piece = n - done < SHMRING_PIECE ? n - done : SHMRING_PIECE;
		got = shmring_role_take_piece(role, to + done, piece, lag);
		done += got;
	} while (got == piece && done < n);
	return done;
}

/**
 * shmring_consumer_try_read_into - copy bytes out, as many as are available
 * @c: the consumer
 * @buf: where to
 * @n: how many at most
 *
 * As shmring_try_read_into(), but the producer is told of the space later: at once
 * if it waits for some, else by the next call with which more than a quarter of
 * the capacity would have been read, or more than was known to be there.  So it is
 * not told of a quarter and a byte at most, or of SHMRING_PIECE bytes if they were
 * copied by one call.  Each telling costs both ends a cache miss.  Waits, arms and
 * releases tell it, too; a consumer that stops reading without any of these calls
 * shmring_consumer_flush().
 *
 * Context: the consumer's thread; never blocks.
 * Return: the bytes that were read, 0 .. n.
 */
static inline SHMRING_FLAT size_t
shmring_consumer_try_read_into(struct shmring_consumer *c, void *buf, size_t n)
{
	return shmring_role_take(&c->role, buf, n,
				 c->role.end.capacity / 4 + 1);
}

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_ROLE_H */
