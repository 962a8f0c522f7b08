// SPDX-License-Identifier: MIT
/*
 * Passing a ring on to a peer: by the fds of one without the device, or over
 * fork(), whatever backs it
 *
 * Whatever comes in is checked before it is used: the file cannot change its
 * size, it has the one size that fits, and the page that describes it says what
 * this library would have written there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "internal.h"

/**
 * shmring_export_fds - the fds that make up a ring in memory
 * @r: the ring
 * @fds: filled with duplicates that the caller closes: the pages, what the
 *	consumer is woken by, what the producer is woken by
 *
 * To be sent by SCM_RIGHTS, or inherited; for shmring_attach_fds().
 *
 * Context: any thread.
 * Return: 0; -EOPNOTSUPP a ring of the device; -EMFILE.
 */
int shmring_export_fds(struct shmring *r, int fds[3])
{
	const struct ring *ring = ring_of(r);
	const int own[3] = { ring->fd, ring->event[0], ring->event[1] };
	int i, err;

	if (ring->backend != &shmring_memory)
		return -EOPNOTSUPP;
	for (i = 0; i < 3; i++) {
		fds[i] = fcntl(own[i], F_DUPFD_CLOEXEC, 0);
		if (fds[i] < 0)
			goto fail;
	}
	return 0;

fail:
	err = -errno;
	while (i--)
		close(fds[i]);
	return err;
}

/* Fills the layout from the one copy of the kernel page that is looked at. */
static int memory_describe(struct ring *r)
{
	struct shmring_kernel_page k;
	struct layout *l = &r->layout;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	int err = memfd_check(r->fd);
	struct stat st;

	if (err)
		return err;
	if (fstat(r->fd, &st))
		return -errno;
	if (pread(r->fd, &k, sizeof(k), (off_t)page) != sizeof(k))
		return -EINVAL;

	if (k.magic != SHMRING_MAGIC || k.version != SHMRING_ABI_VERSION ||
	    k.backend != SHMRING_BACKEND_MEMORY || k.page_size != page)
		return -EINVAL;
	if (k.capacity < SHMRING_CAPACITY_MIN ||
	    k.capacity > SHMRING_CAPACITY_MAX ||
	    (k.capacity & (k.capacity - 1)))
		return -EINVAL;

	if (arena_check(k.arena_size))
		return -EINVAL;

	memory_layout(l, (uint32_t)k.capacity, k.arena_size);
	if ((uint64_t)st.st_size != memory_size(l) ||
	    k.consumer_offset != l->consumer_offset ||
	    k.kernel_offset != l->kernel_offset ||
	    k.producer_offset != l->producer_offset ||
	    k.data_offset != l->data_offset ||
	    k.map_length != l->map_length || k.arena_offset != l->arena_offset)
		return -EINVAL;
	return 0;
}

/*
 * A wake-up must never block whoever sends or resets it, raise a signal, or be
 * ready for good.  Where there is no /proc, a file's word that it does not block
 * must do.
 */
static int event_check(int fd)
{
	static const char want[] = "anon_inode:[eventfd]";
	int flags = fcntl(fd, F_GETFL);
	char path[32], what[sizeof(want)];
	ssize_t n;

	if (flags < 0)
		return -errno;
	if (!(flags & O_NONBLOCK))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, what, sizeof(what));
	if (n < 0)
		return 0;
	return n == sizeof(want) - 1 && !memcmp(what, want, sizeof(want) - 1) ?
	       0 : -EINVAL;
}

/**
 * shmring_attach_fds - become an end of a ring in memory
 * @fds: as from shmring_export_fds(); duplicated, they stay the caller's
 * @roles: SHMRING_ROLE_*; OBSERVER stands alone
 *
 * The positions are carried on from where the last end with that role left
 * them, and the role is no longer gone.  That nobody else has the role is the
 * caller's affair: there is no kernel here to see to it.
 *
 * Return: the ring; NULL with errno: EINVAL not a set of roles, or these fds
 * are not those of a ring that is fit to be mapped; EBADMSG its positions are
 * impossible; EPERM it is sealed against writing; EBADF, EACCES, EMFILE, ENOMEM.
 */
struct shmring *shmring_attach_fds(const int fds[3], unsigned int roles)
{
	static const struct shmring_options defaults;
	struct ring *r;
	int err;

	if (!roles || (roles != SHMRING_ROLE_OBSERVER &&
		       (roles & ~SHMRING_ROLE_BOTH))) {
		errno = EINVAL;
		return NULL;
	}
	r = ring_alloc(&shmring_memory, &defaults);
	if (!r)
		return NULL;
	r->roles = roles;
	r->fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
	if (r->fd < 0)
		return ring_discard(r);
	r->event[0] = fcntl(fds[1], F_DUPFD_CLOEXEC, 0);
	if (r->event[0] < 0)
		return ring_discard(r);
	r->event[1] = fcntl(fds[2], F_DUPFD_CLOEXEC, 0);
	if (r->event[1] < 0)
		return ring_discard(r);

	err = event_check(r->event[0]);
	if (!err)
		err = event_check(r->event[1]);
	if (!err)
		err = memory_describe(r);
	if (!err)
		err = ring_start(r);
	if (err) {
		errno = -err;
		return ring_discard(r);
	}

	memory_arrive(r);
	return &r->pub;
}

/*
 * A handle for no longer than it takes, and for the owner alone: the mode of the
 * ring is for others, and may leave its owner fewer roles, or none.
 */
static struct shmring *device_join(const struct ring *r, unsigned int roles)
{
	struct shmring *joined;
	shmring_handle handle;
	int saved, err;

	err = handle_add(r->fd, 0, &handle);
	if (err) {
		errno = -err;
		return NULL;
	}
	joined = shmring_get(handle, roles);
	saved = errno;
	/* Not by a file of its own, which may not be to be had */
	handle_remove(r->fd, handle);
	errno = saved;
	return joined;
}

/**
 * shmring_join - become a further end of a ring
 * @r: the ring, held in any role; may have been inherited over fork()
 * @roles: SHMRING_ROLE_* that nobody has; OBSERVER stands alone
 *
 * What a child does that is to be the peer of its parent: on the device it gets
 * a file and a mapping of its own, so that its end is told apart from the
 * parent's.  It does not free the ring that it inherited: in memory the parent's
 * role would be gone as well (see shmring_free()), and on the device what is
 * mapped at its addresses may be the new end.  Its exit does no harm.
 *
 * On the device it has a copy of the parent's file, too, and the parent's roles
 * are not gone before that is closed: to be told of the parent's death the child
 * says close(shmring_fd(@r)) when it has joined, which does nothing in memory, and
 * does not use @r any more.
 *
 * Return: the new end; NULL with errno, as of shmring_attach_fds() in memory, of
 * shmring_register() and shmring_get() on the device.
 */
struct shmring *shmring_join(struct shmring *r, unsigned int roles)
{
	const struct ring *ring = ring_of(r);
	const int fds[3] = { ring->fd, ring->event[0], ring->event[1] };

	if (ring->backend == &shmring_device)
		return device_join(ring, roles);
	return shmring_attach_fds(fds, roles);
}
