// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls that sleep themselves: the device's, and the library's
 */
#include <errno.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shmring.h>

#include "hunt.h"

ssize_t hunt_rw_move(struct hunt_end *e, void *buf, size_t n)
{
	int fd = shmring_fd(e->ring);
	ssize_t moved = e->role == HUNT_CONSUMER ? read(fd, buf, n) :
						   write(fd, buf, n);

	return moved < 0 ? -errno : moved;
}

/* Every second wait says how much it wants, the others leave it to LOWAT. */
static int ioctl_wait(struct hunt_end *e)
{
	struct shmring_ioc_wait wait = {
		.size = sizeof(wait),
		.edge = e->role == HUNT_CONSUMER ? SHMRING_READABLE :
						   SHMRING_WRITABLE,
		.min = e->report->waits & 1 ? e->hunt->min : 0,
		.timeout_ns = -1,
	};

	return ioctl(shmring_fd(e->ring), SHMRING_IOC_WAIT, &wait) < 0 ?
	       -errno : 0;
}

static int lib_wait(struct hunt_end *e)
{
	return e->role == HUNT_CONSUMER ?
	       shmring_wait_readable(e->ring, e->hunt->min, NULL) :
	       shmring_wait_writable(e->ring, e->hunt->min, NULL);
}

static ssize_t lib_stream(struct hunt_end *e, void *buf, size_t n)
{
	return e->role == HUNT_CONSUMER ?
	       shmring_read_some(e->ring, buf, n, NULL) :
	       shmring_write_all(e->ring, buf, n, NULL);
}

const struct hunt_way hunt_rw = { .name = "read/write", .move = hunt_rw_move };
const struct hunt_way hunt_wait_ioctl = { .name = "WAIT", .wait = ioctl_wait };
const struct hunt_way hunt_lib_wait = {
	.name = "library wait",
	.wait = lib_wait,
};
const struct hunt_way hunt_lib_stream = {
	.name = "library write_all/read_some",
	.move = lib_stream,
};
