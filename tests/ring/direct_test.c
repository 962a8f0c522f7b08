// SPDX-License-Identifier: GPL-2.0-only
/*
 * O_DIRECT on spans: a disk's bytes land in the ring, and leave from it, with no
 * page of the page cache in between
 *
 * The guest's own file system refuses it, or copies all the same: there is a disk
 * in memory for it, unless the kernel is one that has no disks.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

/* See tests/vm/init: nothing of anybody's is on it. */
#define DISK		"/dev/scratch"

/* A page or more on each machine, and pieces of whole blocks on each disk. */
#define CAPACITY	(64 * KIB)
#define PIECE		(12 * KIB)
#define TOTAL		(21 * PIECE)

FIXTURE(direct)
{
	struct ends e;
	unsigned char *buf;
	int disk;
};

FIXTURE_VARIANT(direct) RING_VARIANT;
RING_VARIANT_ADD(direct, MEMORY, 64KiB, CAPACITY);
RING_VARIANT_ADD(direct, DEVICE, 64KiB, CAPACITY);

static int open_disk(void)
{
	int fd = open(DISK, O_RDWR | O_DIRECT | O_CLOEXEC);

	if (fd < 0)
		fd = open(".", O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, 0600);
	return fd;
}

FIXTURE_SETUP(direct)
{
	self->disk = open_disk();
	RING_SKIP_IF_MISSING(variant->backend);
	if (self->disk < 0)
		SKIP(return, "no file takes O_DIRECT");
	ASSERT_EQ(0, posix_memalign((void **)&self->buf, CAPACITY, TOTAL));
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
}

FIXTURE_TEARDOWN(direct)
{
	ends_close(&self->e);
	free(self->buf);
	close(self->disk);
}

/*
 * Both ways, and across the wrap, which a mirrored span does not notice; with
 * pages that are mapped, and every other time with some that the disk's driver
 * has to have faulted in.
 */
TEST_F(direct, into_and_out_of_spans)
{
	struct iovec v[2], data[2];
	size_t at;

	RING_NEEDED(self->e.in);
	ASSERT_EQ(CAPACITY, shmring_write_acquire(self->e.out, data));
	pattern_fill(self->buf, 0, TOTAL);
	ASSERT_EQ(TOTAL, pwrite(self->disk, self->buf, TOTAL, 0));
	for (at = 0; at < TOTAL; at += PIECE) {
		if (at / PIECE % 2)
			ASSERT_EQ(0, madvise(data[0].iov_base, 2 * CAPACITY,
					     MADV_DONTNEED));
		ASSERT_EQ(CAPACITY, shmring_write_acquire(self->e.out, v));
		ASSERT_EQ(PIECE, pread(self->disk, v[0].iov_base, PIECE, at)) {
			TH_LOG("%s", strerror(errno));
		}
		ASSERT_EQ(0, shmring_write_commit(self->e.out, PIECE));

		ASSERT_EQ(PIECE, shmring_read_acquire(self->e.in, v));
		ASSERT_EQ(PIECE, pwrite(self->disk, v[0].iov_base, PIECE,
					TOTAL + at)) {
			TH_LOG("%s", strerror(errno));
		}
		EXPECT_EQ(PIECE, pattern_check(v[0].iov_base, at, PIECE));
		ASSERT_EQ(0, shmring_read_release(self->e.in, PIECE));
	}
	memset(self->buf, 0, TOTAL);
	ASSERT_EQ(TOTAL, pread(self->disk, self->buf, TOTAL, TOTAL));
	EXPECT_EQ(TOTAL, pattern_check(self->buf, 0, TOTAL));
}

TEST_HARNESS_MAIN
