// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring under test: the library's, on the device or in memory
 *
 * In memory the ends inherit it; the device's pages do not survive a fork, so
 * the ends find it by its handle, and the watcher keeps it as an observer.
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shmring.h>

#include "hunt.h"

static const unsigned int roles[HUNT_ROLES] = {
	[HUNT_CONSUMER] = SHMRING_ROLE_CONSUMER,
	[HUNT_PRODUCER] = SHMRING_ROLE_PRODUCER,
};

static enum shmring_edge edge_of(const struct hunt_end *e)
{
	return e->role == HUNT_CONSUMER ? SHMRING_READABLE : SHMRING_WRITABLE;
}

static int memory_open(struct hunt *h)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_MEMORY,
		.start = h->start,
	};

	h->ring = shmring_create(h->capacity, &options);
	if (!h->ring)
		return -errno;
	h->rx_arm = (const uint64_t *)h->ring->consumer.role.end.arm;
	h->tx_arm = (const uint64_t *)h->ring->producer.role.end.arm;
	return 0;
}

static int lib_start(struct hunt_end *e)
{
	shmring_set_spin(e->ring, e->hunt->spin_ns);
	if (e->hunt->min == 1)
		return 0;
	return shmring_lowat(e->ring, edge_of(e), e->hunt->min);
}

static int memory_join(struct hunt_end *e)
{
	int err;

	e->ring = e->hunt->ring;
	err = shmring_narrow(e->ring, roles[e->role]);
	return err ? err : lib_start(e);
}

static int device_open(struct hunt *h)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_OBSERVER,
		.start = h->start,
	};
	struct shmring_ioc_info info = { .size = sizeof(info) };
	int err;

	h->ring = shmring_create(h->capacity, &options);
	if (!h->ring)
		return -errno;
	err = shmring_register(h->ring, &h->handle);
	if (err)
		goto fail;
	err = -EIO;
	if (ioctl(shmring_fd(h->ring), SHMRING_IOC_INFO, &info))
		goto fail;
	/* The library gives an observer no arms. */
	h->k = mmap(NULL, sizeof(*h->k), PROT_READ, MAP_SHARED,
		    shmring_fd(h->ring), (off_t)info.kernel_offset);
	if (h->k == MAP_FAILED)
		goto fail;
	h->rx_arm = (const uint64_t *)&h->k->rx_arm;
	h->tx_arm = (const uint64_t *)&h->k->tx_arm;
	return 0;

fail:
	shmring_free(h->ring);
	return err;
}

static int device_join(struct hunt_end *e)
{
	e->ring = shmring_get(e->hunt->handle, roles[e->role]);
	return e->ring ? lib_start(e) : -errno;
}

static ssize_t lib_move(struct hunt_end *e, void *buf, size_t n)
{
	size_t moved = e->role == HUNT_CONSUMER ?
		       shmring_try_read_into(e->ring, buf, n) :
		       shmring_try_write_from(e->ring, buf, n);

	if (!moved && shmring_status(e->ring) == -EBADMSG)
		return -EBADMSG;
	return (ssize_t)moved;
}

static uint64_t lib_credit(struct hunt_end *e)
{
	return e->role == HUNT_CONSUMER ? shmring_available(e->ring) :
					  shmring_space(e->ring);
}

static bool lib_ended(struct hunt_end *e)
{
	return shmring_status(e->ring) == -EPIPE;
}

static uint64_t lib_position(struct hunt_end *e)
{
	return shmring_load_acquire(e->role == HUNT_CONSUMER ? e->ring->rd :
							       e->ring->wr) -
	       e->hunt->start;
}

static void lib_leave(struct hunt_end *e)
{
	shmring_free(e->ring);
}

static void lib_look(struct hunt *h, struct hunt_look *look)
{
	struct shmring_stats stats;

	if (shmring_stats(h->ring, &stats))
		return;
	*look = (struct hunt_look){
		.wr = stats.wr,
		.rd = stats.rd,
		.rx_arm = __atomic_load_n(h->rx_arm, __ATOMIC_RELAXED),
		.tx_arm = __atomic_load_n(h->tx_arm, __ATOMIC_RELAXED),
		.kicks = stats.rx.kicks + stats.tx.kicks,
		.barriers = stats.rx.barriers + stats.tx.barriers,
	};
}

static void memory_close(struct hunt *h)
{
	shmring_free(h->ring);
}

static void device_close(struct hunt *h)
{
	munmap(h->k, sizeof(*h->k));
	shmring_unregister(h->handle);
	shmring_free(h->ring);
}

/* hunt_poll_fd - what a way is to wait for, and for which events of poll(2) */
int hunt_poll_fd(const struct hunt_end *e, short *events)
{
	struct pollfd fd = shmring_pollfd(e->ring, edge_of(e));

	*events = fd.events;
	return fd.fd;
}

/* hunt_arm - 1: go on; 0: armed, now sleep; or a negative errno */
int hunt_arm(struct hunt_end *e)
{
	return e->role == HUNT_CONSUMER ? shmring_arm_readable(e->ring) :
					  shmring_arm_writable(e->ring);
}

/*
 * hunt_must_arm - does a way that reports the level have to arm?
 *
 * The device arms when it is polled; then that is what shall be tested.
 */
bool hunt_must_arm(const struct hunt_end *e)
{
	return e->hunt->kind == &hunt_memory;
}

const struct hunt_ring hunt_memory = {
	.name = "memory",
	.open = memory_open,
	.join = memory_join,
	.move = lib_move,
	.credit = lib_credit,
	.ended = lib_ended,
	.position = lib_position,
	.leave = lib_leave,
	.look = lib_look,
	.close = memory_close,
};

const struct hunt_ring hunt_device = {
	.name = "device",
	.open = device_open,
	.join = device_join,
	.move = lib_move,
	.credit = lib_credit,
	.ended = lib_ended,
	.position = lib_position,
	.leave = lib_leave,
	.look = lib_look,
	.close = device_close,
};
