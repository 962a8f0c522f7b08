// SPDX-License-Identifier: MIT
/*
 * Asking a ring about itself
 */
#include <errno.h>
#include <string.h>

#include "internal.h"

/**
 * shmring_backend - what backs a ring
 * @r: the ring
 *
 * Context: any thread.
 * Return: SHMRING_BACKEND_DEVICE or SHMRING_BACKEND_MEMORY.
 */
unsigned int shmring_backend(const struct shmring *r)
{
	return ring_of(r)->backend->number;
}

/**
 * shmring_roles - the roles that this end holds
 * @r: the ring
 *
 * Return: SHMRING_ROLE_* bits, those that were split off included.
 */
unsigned int shmring_roles(const struct shmring *r)
{
	return ring_of(r)->roles;
}

/**
 * shmring_status - is all well with a ring?
 * @r: the ring
 *
 * Context: any thread.
 * Return: 0; -EBADMSG an impossible position was seen, here or by the kernel;
 * -EPIPE the peer of a role that is held here has gone (an observer: either);
 * what it had committed can still be read.
 */
int shmring_status(const struct shmring *r)
{
	const struct ring *ring = ring_of(r);
	uint32_t state = ring_state(ring);
	uint32_t peers = 0;

	if (state & SHMRING_STATE_CORRUPT ||
	    __atomic_load_n(&r->corrupt, __ATOMIC_RELAXED))
		return -EBADMSG;
	if (!(ring->roles & SHMRING_ROLE_PRODUCER))
		peers |= SHMRING_STATE_PRODUCER_GONE;
	if (!(ring->roles & SHMRING_ROLE_CONSUMER))
		peers |= SHMRING_STATE_CONSUMER_GONE;
	return state & peers ? -EPIPE : 0;
}

/**
 * shmring_stats - positions, peers, and what waking cost
 * @r: the ring
 * @out: filled
 *
 * Counted where wake-ups pass: on the device in the kernel, in memory by the
 * ends.  Hot calls count nothing.
 *
 * Context: any thread.
 * Return: 0 or a negative errno.
 */
int shmring_stats(const struct shmring *r, struct shmring_stats *out)
{
	const struct ring *ring = ring_of(r);

	memset(out, 0, sizeof(*out));
	out->backend = ring->backend->number;
	out->roles = ring->roles;
	out->capacity = r->capacity;
	return ring->backend->stats(ring, out);
}

/**
 * shmring_fd - the device's fd
 * @r: the ring
 *
 * It stays the ring's.
 *
 * Return: the fd; -1 on the memory backend.
 */
int shmring_fd(const struct shmring *r)
{
	const struct ring *ring = ring_of(r);

	return ring->backend == &shmring_device ? ring->fd : -1;
}

/**
 * shmring_pollfd - what to wait for in an event loop
 * @r: the ring
 * @edge: SHMRING_READABLE of the consumer, SHMRING_WRITABLE of the producer
 *
 * Use what there is until nothing is left; shmring_arm_readable() or
 * _writable(); on 0 wait for this fd and these events; begin again.  A wake-up
 * is a hint: there may be nothing.  The fd stays the ring's.
 *
 * The device's fd reports the level, for which poll() and level-triggered
 * epoll need no arm; a memory ring's eventfd is silent until its end arms.
 *
 * Return: fd and events; the fd is -1 if the role is not held here.
 */
struct pollfd shmring_pollfd(const struct shmring *r, enum shmring_edge edge)
{
	const struct ring *ring = ring_of(r);
	uint32_t role = edge == SHMRING_READABLE ? SHMRING_ROLE_CONSUMER :
						   SHMRING_ROLE_PRODUCER;

	if (!(ring->roles & role))
		return (struct pollfd){ .fd = -1 };
	return ring->backend->pollfd(ring, edge);
}

/**
 * shmring_arena - what both ends can write beside the ring
 * @r: the ring, held in any role
 * @size: filled with its bytes, 0 if there is none; may be NULL
 *
 * Made with struct shmring_options.arena, zeroed, and mapped once for as long as
 * @r lives: writable for whoever holds a role, read-only for an observer.  Who
 * may touch what, and when, is for the two ends to agree on, by a slab or a
 * queue in it or by the bytes in the ring.  A peer can change any of it at any
 * time: copy what is parsed, then check the copy.
 *
 * Context: any thread.
 * Return: its first byte, on a page of its own; NULL if there is none.
 */
void *shmring_arena(const struct shmring *r, size_t *size)
{
	const struct ring *ring = ring_of(r);

	if (size)
		*size = ring->layout.arena_size;
	return ring->arena;
}
