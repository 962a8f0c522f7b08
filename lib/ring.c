// SPDX-License-Identifier: MIT
/*
 * Making rings, handing their roles on, giving them up
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

static void waiter_init(struct waiter *w, uint32_t spin_limit)
{
	w->lowat = 1;
	w->spin_limit = spin_limit;
	w->spin = spin_limit;
	w->arming = 1;
}

/* A role that does not move; see struct shmring_role. */
static void role_stop(struct ring *r, struct shmring_role *role,
		      struct waiter *w, int error)
{
	memset(role, 0, sizeof(*role));
	role->end.own = &w->none;
	role->end.peer = &w->none;
	role->end.arm = &w->none;
	role->end.peer_arm = &w->none;
	role->end.peer_mode = &w->none;
	role->ring = &r->pub;
	role->error = error;
}

/*
 * Where the last end of a role has left it.  0; -EBADMSG: its peer's position is
 * impossible.
 *
 * Another holder may still be at work, and both ends move between the two looks:
 * then the role is his, and what is found last is as good as anything.
 */
static int role_find(struct shmring_role *role)
{
	int tries = 16;

	do {
		role->end.pos = shmring_load_acquire(role->end.own);
		if (shmring_end_credit(&role->end) != SHMRING_CREDIT_CORRUPT)
			break;
		if (shmring_load(role->end.own) == role->end.pos)
			return -EBADMSG;
	} while (--tries);
	return 0;
}

/* What both roles have in common; the words are the caller's. */
static int role_start(const struct ring *r, struct shmring_role *role)
{
	const struct layout *l = &r->layout;
	int err;

	role->end.capacity = l->capacity;
	err = role_find(role);
	if (err)
		return err;
	role->fences = SHMRING_FENCES;
	role->limit = role->end.pos;
	role->known = role->end.pos;
	role->data = r->base + l->data_offset;
	role->reach = layout_mirrored(l) ? 2ULL * l->capacity : l->capacity;
	role->error = 0;
	return 0;
}

/*
 * ring_alloc - a ring without pages
 *
 * Return: what ring_discard() takes back; NULL with errno.
 */
struct ring *ring_alloc(const struct backend *backend,
			const struct shmring_options *options)
{
	struct ring *r = aligned_alloc(SHMRING_LINE, sizeof(*r));
	uint32_t spin = options->spin_ns;

	if (!r)
		return NULL;
	memset(r, 0, sizeof(*r));
	r->backend = backend;
	r->flags = options->flags;
	r->mode = options->mode;
	r->fd = -1;
	r->event[0] = -1;
	r->event[1] = -1;
	if (!spin)
		spin = SHMRING_SPIN_DEFAULT;
	else if (spin == SHMRING_SPIN_OFF)
		spin = 0;
	waiter_init(&r->rx, spin);
	waiter_init(&r->tx, spin);
	role_stop(r, &r->pub.producer.role, &r->tx, -EACCES);
	role_stop(r, &r->pub.consumer.role, &r->rx, -EACCES);
	return r;
}

/*
 * ring_start - map the pages, take up the roles
 *
 * The fd, the layout and the roles are known.  Positions are carried on from
 * where the pages say; a pair that is impossible is refused.
 *
 * Return: 0 or a negative errno.
 */
int ring_start(struct ring *r)
{
	struct shmring_role *producer = &r->pub.producer.role;
	struct shmring_role *consumer = &r->pub.consumer.role;
	struct shmring_consumer_page *c;
	struct shmring_producer_page *p;
	int err;

	err = ring_map(r);
	if (err)
		return err;
	c = (void *)(r->base + r->layout.consumer_offset);
	p = (void *)(r->base + r->layout.producer_offset);
	r->k = (void *)(r->base + r->layout.kernel_offset);
	r->pub.capacity = r->layout.capacity;
	r->pub.wr = &p->wr;
	r->pub.rd = &c->rd;

	/* Here rather than in a commit; an end that must not stays fenced */
	if (r->backend == &shmring_memory)
		barrier_register();
	if (r->roles & SHMRING_ROLE_PRODUCER) {
		producer->end.own = &p->wr;
		producer->end.peer = &c->rd;
		producer->end.arm = &r->k->tx_arm;
		producer->end.peer_arm = &r->k->rx_arm;
		producer->end.peer_mode = &c->mode;
		producer->end.bias = r->layout.capacity;
		err = role_start(r, producer);
		if (err)
			return err;
	}
	if (r->roles & SHMRING_ROLE_CONSUMER) {
		consumer->end.own = &c->rd;
		consumer->end.peer = &p->wr;
		consumer->end.arm = &r->k->rx_arm;
		consumer->end.peer_arm = &r->k->tx_arm;
		consumer->end.peer_mode = &p->mode;
		err = role_start(r, consumer);
		if (err)
			return err;
	}
	return 0;
}

/*
 * ring_discard - undo whatever was done since ring_alloc()
 *
 * Tells nobody.  Keeps errno.  Return: NULL, for constructors.
 */
struct shmring *ring_discard(struct ring *r)
{
	int saved = errno;

	ring_unmap(r);
	if (r->event[1] >= 0)
		close(r->event[1]);
	if (r->event[0] >= 0)
		close(r->event[0]);
	if (r->fd >= 0)
		close(r->fd);
	free(r);
	errno = saved;
	return NULL;
}

/* arena_check - can an arena have that size? */
int arena_check(uint64_t arena)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	return arena % page || arena > SHMRING_CAPACITY_MAX ? -EINVAL : 0;
}

static int options_check(uint32_t capacity,
			 const struct shmring_options *options)
{
	const uint32_t *reserved = options->reserved;
	uint32_t roles = options->roles;
	size_t i;

	if (capacity < SHMRING_CAPACITY_MIN ||
	    capacity > SHMRING_CAPACITY_MAX || (capacity & (capacity - 1)))
		return -EINVAL;
	if (options->backend > SHMRING_BACKEND_MEMORY)
		return -EINVAL;
	if (roles != SHMRING_ROLE_OBSERVER && (roles & ~SHMRING_ROLE_BOTH))
		return -EINVAL;
	if (options->flags & ~SHMRING_F_PERSIST || options->mode & ~0666U)
		return -EINVAL;
	for (i = 0; i < sizeof(options->reserved) / sizeof(*reserved); i++)
		if (reserved[i])
			return -EINVAL;
	return arena_check(options->arena);
}

/* Is there no device, as opposed to one that may not be used? */
static int no_device(int err)
{
	return err == -ENOENT || err == -ENXIO || err == -ENODEV;
}

static const struct backend *backend_choose(uint32_t wanted, int *fd)
{
	*fd = -1;
	if (wanted == SHMRING_BACKEND_MEMORY)
		return &shmring_memory;
	*fd = device_open(0);
	if (*fd >= 0)
		return &shmring_device;
	if (wanted == SHMRING_BACKEND_ANY && no_device(*fd))
		return &shmring_memory;
	return NULL;
}

/**
 * shmring_create - make a ring
 * @capacity: bytes, a power of two, 2 .. 2^30
 * @options: how; NULL or all zeroes: both roles, on the device if there is
 *	/dev/shmring, else in memory
 *
 * Memory is taken only if there is no device.  One that exists but may not be
 * opened, or is full, is an error.
 *
 * Return: the ring, to be given to shmring_free(); NULL with errno: EINVAL a
 * bad capacity or option; ENOENT the device is asked for and is not there;
 * EACCES no right to it; EOPNOTSUPP a flag of the device in memory; EPERM,
 * EDQUOT, EMFILE, ENFILE, ENOMEM a limit, and EFBIG in memory (RLIMIT_FSIZE, and
 * SIGXFSZ).
 */
struct shmring *shmring_create(uint32_t capacity,
			       const struct shmring_options *options)
{
	static const struct shmring_options defaults;
	const struct backend *backend;
	struct ring *r;
	int fd, err;

	if (!options)
		options = &defaults;
	err = options_check(capacity, options);
	if (err)
		goto fail;
	backend = backend_choose(options->backend, &fd);
	if (!backend) {
		err = fd;
		goto fail;
	}
	r = ring_alloc(backend, options);
	if (!r) {
		err = -ENOMEM;
		goto fail_close;
	}
	r->fd = fd;
	r->roles = options->roles ? options->roles : SHMRING_ROLE_BOTH;
	if (backend == &shmring_device)
		err = device_create(r, capacity, options);
	else
		err = memory_create(r, capacity, options);
	if (!err)
		err = ring_start(r);
	if (!err)
		return &r->pub;

	errno = -err;
	return ring_discard(r);

fail_close:
	if (fd >= 0)
		close(fd);
fail:
	errno = -err;
	return NULL;
}

/**
 * shmring_new - make a ring, both of whose roles are this end's
 * @capacity: bytes, a power of two, 2 .. 2^30
 *
 * Return: as shmring_create() with no options.
 */
struct shmring *shmring_new(uint32_t capacity)
{
	return shmring_create(capacity, NULL);
}

/**
 * shmring_free - give up a ring
 * @r: the ring; NULL does nothing
 *
 * The roles that are held (those that were split off as well) are gone: a peer
 * that waits is woken, may read what was committed, and is told -EPIPE.  On the
 * device the roles belong to the file, so its last copy must be closed; in
 * memory they are gone at once, whoever else inherited them (see
 * shmring_narrow()), and the death of a process without this call is not
 * noticed.
 *
 * A process that inherited a ring of the device over fork() has its fd, but not
 * its mapping: it duplicates the fd, frees the ring before it maps anything
 * else, and carries on with shmring_attach_fd().
 */
void shmring_free(struct shmring *r)
{
	if (!r)
		return;
	ring_of(r)->backend->leave(ring_of(r));
	ring_discard(ring_of(r));
}

/**
 * shmring_narrow - leave a role to the other copy of this ring
 * @r: the ring
 * @roles: SHMRING_ROLE_* to keep, of those that are held; OBSERVER: none
 *
 * After fork() in memory both processes hold both roles.  Each of them keeps
 * one; that the other one is dropped here is not announced to anybody.  The
 * pages that the dropped role writes become read-only.
 *
 * Return: 0; -EINVAL not a set of roles; -EACCES a role to keep is not held;
 * -EBUSY a role to drop was split off; -ENOMEM.
 */
int shmring_narrow(struct shmring *r, unsigned int roles)
{
	struct ring *ring = ring_of(r);
	uint32_t drop, before = ring->roles;
	int err;

	if (!roles || (roles != SHMRING_ROLE_OBSERVER &&
		       (roles & ~SHMRING_ROLE_BOTH)))
		return -EINVAL;
	if (roles & SHMRING_ROLE_BOTH & ~before)
		return -EACCES;
	drop = before & SHMRING_ROLE_BOTH & ~roles;
	if ((drop & SHMRING_ROLE_PRODUCER &&
	     r->producer.role.error == -EBUSY) ||
	    (drop & SHMRING_ROLE_CONSUMER &&
	     r->consumer.role.error == -EBUSY))
		return -EBUSY;

	ring->roles = roles;
	err = ring_protect(ring);
	if (err) {
		ring->roles = before;
		return err;
	}
	if (drop & SHMRING_ROLE_PRODUCER)
		role_stop(ring, &r->producer.role, &ring->tx, -EACCES);
	if (drop & SHMRING_ROLE_CONSUMER)
		role_stop(ring, &r->consumer.role, &ring->rx, -EACCES);
	return 0;
}

/**
 * shmring_split - take roles out of a ring, to be held by value
 * @r: the ring; must outlive the handles
 * @p: filled with the producer's role; NULL: leave it in the ring
 * @c: filled with the consumer's role; NULL: leave it in the ring
 *
 * The ring's own verbs of a role that was split off give nothing (0) and say
 * -EBUSY where they return a status.  shmring_free() ends the handles; what a
 * consumer has read and not flushed by then (shmring_consumer_flush()) the next
 * one reads again.
 *
 * Return: 0; -EACCES a role is not held; -EBUSY it was split off before;
 * -EBADMSG it is corrupt; then nothing was split.
 */
int shmring_split(struct shmring *r, struct shmring_producer *p,
		  struct shmring_consumer *c)
{
	struct ring *ring = ring_of(r);

	if (p && r->producer.role.error)
		return r->producer.role.error;
	if (c && r->consumer.role.error)
		return r->consumer.role.error;
	if (p) {
		*p = r->producer;
		role_stop(ring, &r->producer.role, &ring->tx, -EBUSY);
	}
	if (c) {
		*c = r->consumer;
		role_stop(ring, &r->consumer.role, &ring->rx, -EBUSY);
	}
	return 0;
}
