// SPDX-License-Identifier: MIT
/*
 * Making regions, and giving them up
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <shmring_region.h>

#include "internal.h"

#define SEALS	(F_SEAL_SHRINK | F_SEAL_GROW)

static void region_set(struct shmring_region *g, enum shmring_region_kind kind,
		       void *base, size_t size, int fd)
{
	g->base = base;
	g->size = size;
	g->kind = kind;
	g->fd = fd;
}

static int region_fail(struct shmring_region *g, int err)
{
	region_set(g, SHMRING_REGION_EMPTY, NULL, 0, -1);
	return err;
}

/**
 * shmring_region_raw - memory that somebody else looks after
 * @g: filled
 * @base: valid for @size bytes as long as the region is used
 * @size: bytes, at least 1
 *
 * Return: 0; -EINVAL @base is NULL, @size is 0 or above PTRDIFF_MAX, or the
 * addresses wrap.
 */
int shmring_region_raw(struct shmring_region *g, void *base, size_t size)
{
	if (!base || !size || size > PTRDIFF_MAX ||
	    size - 1 > UINTPTR_MAX - (uintptr_t)base)
		return region_fail(g, -EINVAL);
	region_set(g, SHMRING_REGION_RAW, base, size, -1);
	return 0;
}

/**
 * shmring_region_heap - memory of this process
 * @g: filled
 * @size: bytes, at least 1
 *
 * It is zeroed, and begins on a boundary of SHMRING_LINE bytes.
 *
 * Return: 0; -EINVAL @size is 0 or above PTRDIFF_MAX; -ENOMEM.
 */
int shmring_region_heap(struct shmring_region *g, size_t size)
{
	void *base;

	if (!size || size > PTRDIFF_MAX)
		return region_fail(g, -EINVAL);
	if (posix_memalign(&base, SHMRING_LINE, size))
		return region_fail(g, -ENOMEM);
	memset(base, 0, size);
	region_set(g, SHMRING_REGION_HEAP, base, size, -1);
	return 0;
}

/* Takes @fd over, also if it fails. */
static int region_map(struct shmring_region *g, int fd, size_t size)
{
	void *base;
	int err;

	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (base == MAP_FAILED) {
		err = -errno;
		close(fd);
		return region_fail(g, err);
	}
	region_set(g, SHMRING_REGION_MEMFD, base, size, fd);
	return 0;
}

/**
 * shmring_region_memfd - memory for several processes
 * @g: filled; @g->fd is for shmring_region_attach(), by SCM_RIGHTS or fork()
 * @size: bytes, at least 1
 *
 * It is zeroed, begins on a page, and its size is sealed.
 *
 * Return: 0; -EINVAL @size is 0 or above PTRDIFF_MAX; -EMFILE, -ENFILE,
 * -ENOMEM, -EFBIG (RLIMIT_FSIZE, and SIGXFSZ).
 */
int shmring_region_memfd(struct shmring_region *g, size_t size)
{
	int fd, err;

	if (!size || size > PTRDIFF_MAX)
		return region_fail(g, -EINVAL);
	fd = memfd_create("shmring-region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return region_fail(g, -errno);
	if (ftruncate(fd, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, SEALS | F_SEAL_SEAL)) {
		err = -errno;
		close(fd);
		return region_fail(g, err);
	}
	return region_map(g, fd, size);
}

/*
 * memfd_check - is that a memfd, and are its pages there for good?
 *
 * Huge pages are not: they come from a pool that can be empty when a hole which
 * a peer has punched is to be filled again, and the access then is a SIGBUS.
 *
 * Return: 0; -EINVAL; or what the fd is refused with.
 */
int memfd_check(int fd)
{
	struct statfs fs;
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0)
		return -errno;
	if ((seals & SEALS) != SEALS)
		return -EINVAL;
	if (fstatfs(fd, &fs))
		return -errno;
	return (uint32_t)fs.f_type == HUGETLBFS_MAGIC ? -EINVAL : 0;
}

/**
 * shmring_region_attach - the region that somebody made with a memfd
 * @g: filled, with a duplicate of @fd
 * @fd: stays the caller's; need not be trusted.  Any memfd will do that can
 *	neither shrink nor grow any more, but for one of huge pages
 *
 * What is in it can change at any time, and is to be checked by whoever reads
 * it; that it can be read and written does not change.
 *
 * Return: 0; -EINVAL not a memfd, not sealed, empty, or of huge pages, which a
 * peer can take away; -EBADF; -EACCES @fd was opened without the right to read
 * and write; -EPERM it is sealed against writing; -EMFILE, -ENOMEM.
 */
int shmring_region_attach(struct shmring_region *g, int fd)
{
	int err = memfd_check(fd);
	struct stat st;

	if (err)
		return region_fail(g, err);
	/* Final from here on: the size is asked for after the seals. */
	if (fstat(fd, &st))
		return region_fail(g, -errno);
	if (st.st_size <= 0)
		return region_fail(g, -EINVAL);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return region_fail(g, -errno);
	return region_map(g, fd, (size_t)st.st_size);
}

/**
 * shmring_region_arena - the arena of a ring
 * @g: filled; closing it leaves the arena alone, which ends with the ring
 * @r: the ring, held in any role; an observer's arena can only be read
 *
 * Return: 0; -ENODATA the ring was made without an arena.
 */
int shmring_region_arena(struct shmring_region *g, const struct shmring *r)
{
	size_t size;
	void *base = shmring_arena(r, &size);

	if (!base)
		return region_fail(g, -ENODATA);
	return shmring_region_raw(g, base, size);
}

/**
 * shmring_region_close - give a region up
 * @g: the region, or an empty one; is empty afterwards
 *
 * Whatever lies in it must not be used any more, by this process or, on the
 * heap, by this thread's fellows; another process' mapping is not affected.
 */
void shmring_region_close(struct shmring_region *g)
{
	switch (g->kind) {
	case SHMRING_REGION_EMPTY:
	case SHMRING_REGION_RAW:
		break;
	case SHMRING_REGION_HEAP:
		free(g->base);
		break;
	case SHMRING_REGION_MEMFD:
		munmap(g->base, g->size);
		close(g->fd);
		break;
	}
	region_fail(g, 0);
}
