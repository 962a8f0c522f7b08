// SPDX-License-Identifier: MIT
/*
 * Rings of /dev/shmring: the kernel owns the pages, keeps the arms and wakes
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "internal.h"

/*
 * device_open - an unbound file of the device, for ends with @roles
 *
 * Return: the fd or a negative errno.
 */
int device_open(uint32_t roles)
{
	int access = roles == SHMRING_ROLE_OBSERVER ? O_RDONLY : O_RDWR;
	int fd = open(SHMRING_DEVICE, access | O_CLOEXEC);

	return fd >= 0 ? fd : -errno;
}

/* device_ioctl - ioctl() with the errno in the return value */
int device_ioctl(int fd, unsigned long request, void *arg)
{
	int rc = ioctl(fd, request, arg);

	return rc >= 0 ? rc : -errno;
}

/* Nothing that is mapped may lie outside of what is reserved for it. */
static int layout_check(const struct layout *l)
{
	uint64_t page = l->page_size;
	uint64_t data = l->capacity < page ? page : l->capacity;

	if (page != (uint64_t)sysconf(_SC_PAGESIZE) || !l->capacity ||
	    (l->capacity & (l->capacity - 1)))
		return -EINVAL;
	if (l->consumer_offset + page > l->kernel_offset ||
	    l->kernel_offset + page > l->producer_offset ||
	    l->producer_offset + page > l->data_offset ||
	    l->data_offset + data > l->map_length)
		return -EINVAL;
	return arena_check(l->arena_size);
}

/*
 * device_describe - what is the ring that @r->fd is bound to?
 *
 * Fills the layout, the roles, the flags and the thresholds.
 *
 * Return: 0 or a negative errno.
 */
int device_describe(struct ring *r)
{
	struct shmring_ioc_info info = { .size = sizeof(info) };
	int err = device_ioctl(r->fd, SHMRING_IOC_INFO, &info);

	if (err)
		return err;
	r->layout = (struct layout){
		.page_size = info.page_size,
		.capacity = info.capacity,
		.consumer_offset = info.consumer_offset,
		.kernel_offset = info.kernel_offset,
		.producer_offset = info.producer_offset,
		.data_offset = info.data_offset,
		.map_length = info.map_length,
		.arena_offset = info.arena_offset,
		.arena_size = info.arena_size,
	};
	r->roles = info.roles;
	r->flags = info.flags;
	r->rx.lowat = info.rx_lowat ? info.rx_lowat : 1;
	r->tx.lowat = info.tx_lowat ? info.tx_lowat : 1;
	return layout_check(&r->layout);
}

/*
 * device_create - make a ring behind @r->fd, an unbound file
 *
 * Return: 0 or a negative errno.
 */
int device_create(struct ring *r, uint32_t capacity,
		  const struct shmring_options *options)
{
	struct shmring_ioc_create create = {
		.size = sizeof(create),
		.flags = options->flags,
		.capacity = capacity,
		.roles = r->roles,
		.start = options->start,
		.arena = options->arena,
	};
	int err = device_ioctl(r->fd, SHMRING_IOC_CREATE, &create);

	return err ? err : device_describe(r);
}

static void device_kick(struct ring *r, enum shmring_edge edge)
{
	struct shmring_ioc_kick kick = { .size = sizeof(kick), .edge = edge };

	/* Fails on a wrong argument only; the bytes are published anyway. */
	device_ioctl(r->fd, SHMRING_IOC_KICK, &kick);
}

static int device_unfence(struct ring *r, enum shmring_edge edge)
{
	struct shmring_ioc_unfence unfence = {
		.size = sizeof(unfence),
		.edge = edge,
	};
	int *may = &r->may_unfence[edge_index(edge)];

	if (!*may && !device_ioctl(r->fd, SHMRING_IOC_UNFENCE, &unfence))
		*may = 1;
	return *may ? 0 : -EOPNOTSUPP;
}

static int64_t device_arm(struct ring *r, struct shmring_role *role,
			  enum shmring_edge edge, uint32_t min)
{
	struct shmring_ioc_arm arm = {
		.size = sizeof(arm),
		.edge = edge,
		.min = min,
	};

	(void)role;
	return device_ioctl(r->fd, SHMRING_IOC_ARM, &arm);
}

static int64_t device_wait(struct ring *r, struct shmring_role *role,
			   enum shmring_edge edge, uint32_t min,
			   int64_t deadline)
{
	struct shmring_ioc_wait wait = {
		.size = sizeof(wait),
		.edge = edge,
		.min = min,
		.timeout_ns = -1,
	};

	(void)role;
	if (deadline != INT64_MAX) {
		wait.timeout_ns = deadline - clock_now();
		if (wait.timeout_ns < 0)
			wait.timeout_ns = 0;
	}
	return device_ioctl(r->fd, SHMRING_IOC_WAIT, &wait);
}

static int device_lowat(struct ring *r, enum shmring_edge edge, uint32_t bytes)
{
	struct shmring_ioc_lowat lowat = {
		.size = sizeof(lowat),
		.edge = edge,
		.bytes = bytes,
	};

	return device_ioctl(r->fd, SHMRING_IOC_LOWAT, &lowat);
}

static int device_stats(const struct ring *r, struct shmring_stats *out)
{
	struct shmring_ioc_info info = { .size = sizeof(info) };
	int err = device_ioctl(r->fd, SHMRING_IOC_INFO, &info);

	if (err)
		return err;
	out->flags = info.flags;
	out->state = info.state;
	out->handles = info.handles;
	out->producer_pid = info.producer_pid;
	out->consumer_pid = info.consumer_pid;
	out->wr = info.wr;
	out->rd = info.rd;
	out->rx = info.rx;
	out->tx = info.tx;
	out->drops = info.drops;
	out->drop_bytes = info.drop_bytes;
	return 0;
}

static struct pollfd device_pollfd(const struct ring *r, enum shmring_edge edge)
{
	return (struct pollfd){
		.fd = r->fd,
		.events = edge == SHMRING_READABLE ? POLLIN : POLLOUT,
	};
}

/* The kernel tells the peer when the file is released. */
static void device_leave(struct ring *r)
{
	(void)r;
}

const struct backend shmring_device = {
	.number = SHMRING_BACKEND_DEVICE,
	.kick = device_kick,
	.unfence = device_unfence,
	.arm = device_arm,
	.wait = device_wait,
	.lowat = device_lowat,
	.stats = device_stats,
	.pollfd = device_pollfd,
	.leave = device_leave,
};
