/* SPDX-License-Identifier: MIT */
/*
 * shmring - a byte ring in shared memory with one producer and one consumer
 *
 *	struct shmring *r = shmring_new(1 << 20);
 *
 *	n = shmring_write_acquire(r, v);	n = shmring_read_acquire(r, v);
 *	... fill v[0], then v[1] ...		... use v[0], then v[1] ...
 *	shmring_write_commit(r, n);		shmring_read_release(r, n);
 *
 * Constructors return NULL and set errno.  Everything else returns a count, 0,
 * or a negative errno, and leaves errno undefined:
 *
 *	-EACCES		this end does not have the role that the call is about
 *	-EBUSY		the role was split off (shmring_split)
 *	-EINVAL		an argument out of its range
 *	-EPIPE		the peer has gone
 *	-EBADMSG	the peer's position is impossible; it stays so
 *	-ETIMEDOUT, -EINTR, -ECANCELED	of calls that wait
 *
 * A role belongs to one thread at a time.  Two threads, one per role, may use
 * the same struct shmring: they share nothing that either of them writes in
 * passing.  Construction, shmring_free(), _narrow() and _split() want the ring
 * for themselves.  No call is safe in a signal handler that interrupts a call
 * of the same role.
 *
 * What was committed before a peer looked is what it sees: a commit is a
 * release, an acquire an acquire, in the sense of the C11 memory model.
 */
#ifndef SHMRING_H
#define SHMRING_H

#include <poll.h>
#include <sys/types.h>
#include <time.h>

#include <shmring_types.h>
#include <shmring_role.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Exported from the .so, which is built with all else hidden. */
#pragma GCC visibility push(default)

/* Making rings, sharing them, giving them up: lib/ring.c */

struct shmring *shmring_new(uint32_t capacity);
struct shmring *shmring_create(uint32_t capacity,
			       const struct shmring_options *options);
void shmring_free(struct shmring *r);
int shmring_narrow(struct shmring *r, unsigned int roles);
int shmring_split(struct shmring *r, struct shmring_producer *p,
		  struct shmring_consumer *c);

/* By handle, or by the device's fd: lib/handle.c */

struct shmring *shmring_new_registered(uint32_t capacity, shmring_handle *out);
int shmring_register(struct shmring *r, shmring_handle *out);
struct shmring *shmring_get(shmring_handle handle, unsigned int roles);
int shmring_unregister(shmring_handle handle);
struct shmring *shmring_attach_fd(int fd);

/* By the fds of a ring without the device, or as its peer: lib/share.c */

int shmring_export_fds(struct shmring *r, int fds[3]);
struct shmring *shmring_attach_fds(const int fds[3], unsigned int roles);
struct shmring *shmring_join(struct shmring *r, unsigned int roles);

/* Asking: lib/ask.c */

unsigned int shmring_backend(const struct shmring *r);
unsigned int shmring_roles(const struct shmring *r);
int shmring_status(const struct shmring *r);
/* A struct and a function of one name, as of stat(): to g++ that is a shadow. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
int shmring_stats(const struct shmring *r, struct shmring_stats *out);
#pragma GCC diagnostic pop
int shmring_fd(const struct shmring *r);
struct pollfd shmring_pollfd(const struct shmring *r, enum shmring_edge edge);
void *shmring_arena(const struct shmring *r, size_t *size);

/* Waiting: lib/wait.c */

int shmring_wait_readable(struct shmring *r, uint32_t min_bytes,
			  const struct timespec *timeout);
int shmring_wait_writable(struct shmring *r, uint32_t min_bytes,
			  const struct timespec *timeout);
int shmring_arm_readable(struct shmring *r);
int shmring_arm_writable(struct shmring *r);
int shmring_consumer_wait(struct shmring_consumer *c, uint32_t min_bytes,
			  const struct timespec *timeout);
int shmring_producer_wait(struct shmring_producer *p, uint32_t min_bytes,
			  const struct timespec *timeout);
int shmring_consumer_arm(struct shmring_consumer *c);
int shmring_producer_arm(struct shmring_producer *p);
int shmring_lowat(struct shmring *r, enum shmring_edge edge, uint32_t bytes);
void shmring_set_spin(struct shmring *r, uint32_t ns);

/* Copying and waiting: lib/stream.c */

ssize_t shmring_write_all(struct shmring *r, const void *buf, size_t n,
			  const struct timespec *timeout);
ssize_t shmring_read_some(struct shmring *r, void *buf, size_t n,
			  const struct timespec *timeout);

/* The same, until an fd says that they are called off: lib/cancel.c */

int shmring_wait_readable_unless(struct shmring *r, int cancel_fd,
				 const struct timespec *timeout);
int shmring_wait_writable_unless(struct shmring *r, int cancel_fd,
				 const struct timespec *timeout);
int shmring_consumer_wait_unless(struct shmring_consumer *c, int cancel_fd,
				 const struct timespec *timeout);
int shmring_producer_wait_unless(struct shmring_producer *p, int cancel_fd,
				 const struct timespec *timeout);
ssize_t shmring_read_some_unless(struct shmring *r, void *buf, size_t n,
				 int cancel_fd, const struct timespec *timeout);
ssize_t shmring_write_all_unless(struct shmring *r, const void *buf, size_t n,
				 int cancel_fd, const struct timespec *timeout);

#pragma GCC visibility pop

/**
 * shmring_cap - the ring's capacity in bytes
 * @r: the ring
 *
 * Context: any thread.
 */
static inline uint32_t shmring_cap(const struct shmring *r)
{
	return r->capacity;
}

/*
 * The credit that the end with the word @own has, seen from anywhere.  An
 * impossible one may only mean that the end moved between the two loads; whoever
 * makes that look so for ever is not followed for ever.
 */
static inline uint32_t shmring_snapshot(const struct shmring *r,
					const shmring_word *own,
					const shmring_word *peer, uint64_t bias)
{
	uint64_t pos, credit, again = shmring_load_acquire(own);
	int tries = 16;

	do {
		pos = again;
		credit = shmring_load_acquire(peer) + bias - pos;
		if (shmring_likely(credit <= r->capacity))
			break;
		again = shmring_load_acquire(own);
	} while (again != pos && --tries);

	if (shmring_unlikely(credit > r->capacity ||
			     __atomic_load_n(&r->corrupt, __ATOMIC_RELAXED)))
		return 0;
	return (uint32_t)credit;
}

/**
 * shmring_available - bytes that are committed and not yet released
 * @r: the ring, held in any role
 *
 * Context: any thread.  For the consumer's it is a lower bound of what
 * shmring_read_acquire() will give, for all others a snapshot.  A consumer that
 * was split off has read more than it has told, by how much at most see
 * shmring_consumer_try_read_into(); what it has left shmring_consumer_available()
 * says.
 *
 * Return: 0 .. capacity; 0 also if the positions are impossible.
 */
static inline uint32_t shmring_available(const struct shmring *r)
{
	return shmring_snapshot(r, r->rd, r->wr, 0);
}

/**
 * shmring_space - bytes that can be committed before the ring is full
 * @r: the ring, held in any role
 *
 * Context: any thread.  For the producer's it is a lower bound of what
 * shmring_write_acquire() will give, for all others a snapshot.
 *
 * Return: 0 .. capacity; 0 also if the positions are impossible.
 */
static inline uint32_t shmring_space(const struct shmring *r)
{
	return shmring_snapshot(r, r->wr, r->rd, r->capacity);
}

/**
 * shmring_write_acquire - take all the space there is, as spans to write to
 * @r: the ring
 * @p: filled: p[0] comes before p[1] in the stream; p[1] is {NULL, 0} when the
 *	space is one piece, as it always is from a capacity of one page up
 *
 * Nothing is reserved: the spans hold until the next acquire, commit or
 * try_write_from of this role, and a commit of fewer bytes leaves the rest of
 * them to commit.
 *
 * Context: the producer's thread.  Ordering: pairs with the consumer's release
 * (P1 of shmring_proto.h); what it has read may be overwritten.
 *
 * Return: the spans' bytes together; 0 if there are none, if the role is not
 * held here, or if the consumer's position is impossible.
 */
static inline size_t shmring_write_acquire(struct shmring *r,
					   struct iovec p[2])
{
	return shmring_producer_acquire(&r->producer, p);
}

/**
 * shmring_write_commit - publish bytes that were written to the spans
 * @r: the ring
 * @n: how many, from the beginning of p[0] on; 0: only say whether the role moves
 *
 * Wakes the consumer if it sleeps and now has what it waits for.
 *
 * Context: the producer's thread.  Ordering: release (P1); before it looks whether
 * the consumer sleeps a full fence, but only as long as this end fences (P2).
 *
 * Return: 0; -EINVAL more than the last acquire gave and is left of it, nothing
 * is published; -EACCES, -EBUSY, -EBADMSG as at the top of this file.
 */
static inline int shmring_write_commit(struct shmring *r, size_t n)
{
	return shmring_producer_commit(&r->producer, n);
}

/**
 * shmring_read_acquire - take all the bytes there are, as spans to read from
 * @r: the ring
 * @p: filled, as by shmring_write_acquire()
 *
 * Context: the consumer's thread.  Ordering: pairs with the producer's commit
 * (P1); what it wrote before is there.
 *
 * Return: the spans' bytes together; 0 if there are none, if the role is not
 * held here, or if the producer's position is impossible.
 */
static inline size_t shmring_read_acquire(struct shmring *r, struct iovec p[2])
{
	return shmring_consumer_acquire(&r->consumer, p);
}

/**
 * shmring_read_release - give bytes of the spans back to the producer
 * @r: the ring
 * @n: how many, from the beginning of p[0] on; 0: only say whether the role moves
 *
 * Wakes the producer if it sleeps and now has what it waits for.
 *
 * Context: the consumer's thread.  Ordering and return: as
 * shmring_write_commit().
 */
static inline int shmring_read_release(struct shmring *r, size_t n)
{
	return shmring_consumer_release(&r->consumer, n);
}

/**
 * shmring_try_write_from - copy bytes into the ring, as many as there is space for
 * @r: the ring
 * @buf: where they are
 * @n: how many
 *
 * Acquire, copy and commit in one.  An acquire that stood is void.
 *
 * Context: the producer's thread; never blocks.
 * Return: the bytes that were written, 0 .. n.
 */
static inline size_t shmring_try_write_from(struct shmring *r, const void *buf,
					    size_t n)
{
	return shmring_producer_try_write_from(&r->producer, buf, n);
}

/**
 * shmring_try_read_into - copy bytes out of the ring, as many as are available
 * @r: the ring
 * @buf: where to
 * @n: how many at most
 *
 * Acquire, copy and release in one.  An acquire that stood is void.
 *
 * Context: the consumer's thread; never blocks.
 * Return: the bytes that were read, 0 .. n.
 */
static inline size_t shmring_try_read_into(struct shmring *r, void *buf,
					   size_t n)
{
	return shmring_role_take(&r->consumer.role, buf, n, 0);
}

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_H */
