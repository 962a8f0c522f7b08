// SPDX-License-Identifier: MIT
/*
 * Finding rings of the device: by handle, or by an fd that was passed on
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "internal.h"

/* Both handle functions below end here: @r->fd is bound. */
static struct shmring *device_attached(struct ring *r)
{
	int err = device_describe(r);

	if (!err)
		err = ring_start(r);
	if (!err)
		return &r->pub;
	errno = -err;
	return ring_discard(r);
}

/**
 * shmring_new_registered - make a ring of the device and give it a handle
 * @capacity: bytes, a power of two, 2 .. 2^30
 * @out: the handle
 *
 * Never falls back to memory, where there are no handles.
 *
 * Return: the ring, both of whose roles are this end's; NULL with errno, as of
 * shmring_create() and shmring_register().
 */
struct shmring *shmring_new_registered(uint32_t capacity, shmring_handle *out)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
	};
	struct shmring *r = shmring_create(capacity, &options);
	int err;

	if (!r)
		return NULL;
	err = shmring_register(r, out);
	if (!err)
		return r;
	shmring_free(r);
	errno = -err;
	return NULL;
}

/*
 * handle_add - give the ring that @fd is bound to a handle; @mode 0: 0600
 *
 * Return: as shmring_register().
 */
int handle_add(int fd, uint32_t mode, shmring_handle *out)
{
	struct shmring_ioc_register reg = {
		.size = sizeof(reg),
		.mode = mode,
	};
	int err = device_ioctl(fd, SHMRING_IOC_REGISTER, &reg);

	if (!err)
		*out = reg.handle;
	return err;
}

/**
 * shmring_register - give a ring a handle
 * @r: a ring of the device, held in any role
 * @out: the handle; its permissions are struct shmring_options.mode, 0600 if
 *	the ring was not made here
 *
 * A ring can have several.  They stay until they are unregistered or the ring
 * dies; with SHMRING_F_PERSIST they keep it alive.
 *
 * Context: any thread.
 * Return: 0; -EOPNOTSUPP a ring in memory; -EPERM not the ring's owner;
 * -ENOSPC too many handles; -ENOMEM.
 */
int shmring_register(struct shmring *r, shmring_handle *out)
{
	const struct ring *ring = ring_of(r);

	if (ring->backend != &shmring_device)
		return -EOPNOTSUPP;
	return handle_add(ring->fd, ring->mode, out);
}

/**
 * shmring_get - become an end of the ring that a handle names
 * @handle: from shmring_register(), in the same PID namespace
 * @roles: SHMRING_ROLE_*; OBSERVER stands alone
 *
 * The positions are carried on from where the last end with that role left
 * them.
 *
 * Return: the ring; NULL with errno: ENOENT no such handle, not permitted, or
 * no device; EBUSY a role is taken; EINVAL not a set of roles; EACCES no right
 * to the device; EBADMSG the positions are impossible; EMFILE, ENOMEM.
 */
struct shmring *shmring_get(shmring_handle handle, unsigned int roles)
{
	static const struct shmring_options defaults;
	struct shmring_ioc_attach attach = {
		.size = sizeof(attach),
		.handle = handle,
		.roles = roles,
	};
	struct ring *r = ring_alloc(&shmring_device, &defaults);
	int err;

	if (!r)
		return NULL;
	err = device_open(roles);
	if (err >= 0) {
		r->fd = err;
		err = device_ioctl(r->fd, SHMRING_IOC_ATTACH, &attach);
	}
	if (!err)
		return device_attached(r);
	errno = -err;
	return ring_discard(r);
}

/*
 * handle_remove - remove a handle through a file of the device, bound or not
 *
 * Return: as shmring_unregister().
 */
int handle_remove(int fd, shmring_handle handle)
{
	struct shmring_ioc_unregister unregister = {
		.size = sizeof(unregister),
		.handle = handle,
	};

	return device_ioctl(fd, SHMRING_IOC_UNREGISTER, &unregister);
}

/**
 * shmring_unregister - remove a handle; whoever has the ring keeps it
 * @handle: from shmring_register(), in the same PID namespace
 *
 * Context: any thread.
 * Return: 0; -ENOENT no such handle, not permitted, or no device; -EPERM not
 * the ring's owner; -EACCES no right to the device; -EMFILE, -ENOMEM.
 */
int shmring_unregister(shmring_handle handle)
{
	int fd = device_open(0);
	int err;

	if (fd < 0)
		return fd;
	err = handle_remove(fd, handle);
	close(fd);
	return err;
}

/**
 * shmring_attach_fd - use a file of the device that was inherited or received
 * @fd: a bound file of /dev/shmring; it is duplicated and stays the caller's
 *
 * The roles belong to the file: the ring has them all, shmring_narrow() leaves
 * some to another process that has the same file.  One that has not narrowed yet
 * and goes on moving is not disturbed, as long as this ring does not use the
 * role.  They are gone when the file's last copy is closed.
 *
 * Return: the ring; NULL with errno: EBADF, ENOTTY not a file of the device;
 * ENOTCONN it is not bound; EBADMSG the positions are impossible; EMFILE,
 * ENOMEM.
 */
struct shmring *shmring_attach_fd(int fd)
{
	static const struct shmring_options defaults;
	struct ring *r = ring_alloc(&shmring_device, &defaults);

	if (!r)
		return NULL;
	r->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (r->fd < 0)
		return ring_discard(r);
	return device_attached(r);
}
