// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fds that claim to be a ring in memory: an errno, never a crash, never a leak
 *
 *	attach_fds with hostile K pages		attach_refuses_pages
 *	wrong roles, wrong fds			attach_refuses_*
 *	a page that changes later		geometry_is_private
 *	fds that are closed			no_wait_goes_on_when_its_fd_was_closed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "hostile.h"
#include "ring.h"

static void close_fds(int fds[3])
{
	int i;

	for (i = 0; i < 3; i++)
		close(fds[i]);
}

FIXTURE(hostile)
{
	struct shmring *r;
	int fds[3];
};

FIXTURE_VARIANT(hostile)
{
	uint32_t capacity;
};

FIXTURE_VARIANT_ADD(hostile, 64) { .capacity = 64 };
FIXTURE_VARIANT_ADD(hostile, 8192) { .capacity = 8192 };

FIXTURE_SETUP(hostile)
{
	self->r = ring_both(SHMRING_BACKEND_MEMORY, variant->capacity, 0);
	ASSERT_NE(NULL, self->r);
	ASSERT_EQ(0, shmring_export_fds(self->r, self->fds));
}

FIXTURE_TEARDOWN(hostile)
{
	close_fds(self->fds);
	shmring_free(self->r);
}

TEST_F(hostile, attach_refuses_wrong_roles)
{
	static const unsigned int bad[] = { 0, 5, 6, 7, 8, UINT32_MAX };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(NULL, shmring_attach_fds(self->fds, bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
}

TEST_F(hostile, attach_refuses_pages)
{
	unsigned int before = count_fds(), maps = count_maps(), i;
	struct hostile_case c;
	struct shmring *r;
	int fds[3] = { -1, self->fds[1], self->fds[2] };

	for (i = 0; hostile_case(i, &c); i++) {
		fds[0] = hostile_memfd(self->fds[0], &c);
		ASSERT_LE(0, fds[0]);
		errno = 0;
		r = shmring_attach_fds(fds, SHMRING_ROLE_BOTH);
		EXPECT_EQ(c.err == 0, r != NULL)
			TH_LOG("%s: attached: %d", c.what, r != NULL);
		EXPECT_EQ(c.err, r ? 0 : errno)
			TH_LOG("%s: errno %d", c.what, errno);
		shmring_free(r);
		close(fds[0]);
	}
	EXPECT_LT(30, i);
	EXPECT_EQ(before, count_fds());
	EXPECT_EQ(maps, count_maps());
}

/* Either role looks for itself whether the positions are possible. */
TEST_F(hostile, attach_refuses_positions)
{
	static const unsigned int roles[] = {
		SHMRING_ROLE_PRODUCER, SHMRING_ROLE_CONSUMER, SHMRING_ROLE_BOTH,
	};
	const struct hostile_case c = {
		.offset = 8192,
		.length = 8,
		.value = variant->capacity + 1,
		.seals = F_SEAL_SHRINK | F_SEAL_GROW,
	};
	int fds[3] = { -1, self->fds[1], self->fds[2] };
	unsigned int i;

	fds[0] = hostile_memfd(self->fds[0], &c);
	ASSERT_LE(0, fds[0]);
	for (i = 0; i < ARRAY_SIZE(roles); i++) {
		errno = 0;
		EXPECT_EQ(NULL, shmring_attach_fds(fds, roles[i]));
		EXPECT_EQ(EBADMSG, errno);
	}
	close(fds[0]);
}

/* All of it fits together, but it is larger than any ring. */
TEST_F(hostile, attach_refuses_a_giant)
{
	const uint64_t page = sysconf(_SC_PAGESIZE), size = 1ULL << 31;
	int fds[3] = { -1, self->fds[1], self->fds[2] };
	struct shmring_kernel_page k;

	ASSERT_EQ(sizeof(k), pread(self->fds[0], &k, sizeof(k), page));
	k.capacity = size;
	k.map_length = 3 * page + 2 * size;
	fds[0] = memfd_create("shmring-giant", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ASSERT_LE(0, fds[0]);
	ASSERT_EQ(sizeof(k), pwrite(fds[0], &k, sizeof(k), page));
	ASSERT_EQ(0, ftruncate(fds[0], 3 * page + size));
	ASSERT_EQ(0, fcntl(fds[0], F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	errno = 0;
	EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
	EXPECT_EQ(EINVAL, errno);
	close(fds[0]);
}

TEST_F(hostile, attach_refuses_fds)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int folder = open("/", O_RDONLY | O_CLOEXEC);
	int blocking = eventfd(0, EFD_CLOEXEC);
	int zero = open("/dev/zero", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int readonly, i, j, pair[2], fds[3];
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fds[0]);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, readonly);
	ASSERT_EQ(0, pipe2(pair, O_CLOEXEC | O_NONBLOCK));
	for (i = 0; i < 3; i++) {
		/* These do not block, but what a wake-up does to them is another matter. */
		const int others[] = { zero, timer, pair[0], pair[1], self->fds[0] };

		for (j = 0; i && j < 5; j++) {
			memcpy(fds, self->fds, sizeof(fds));
			fds[i] = others[j];
			EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
			EXPECT_EQ(EINVAL, errno);
		}
		memcpy(fds, self->fds, sizeof(fds));
		fds[i] = -1;
		EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
		EXPECT_EQ(EBADF, errno);
		fds[i] = null;
		EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
		EXPECT_EQ(EINVAL, errno);
		fds[i] = folder;
		EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
		EXPECT_EQ(EINVAL, errno);
		fds[i] = blocking;
		EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
		EXPECT_EQ(EINVAL, errno);
	}
	memcpy(fds, self->fds, sizeof(fds));
	fds[0] = readonly;
	EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
	EXPECT_EQ(EACCES, errno);
	/* Which is all that an observer needs. */
	shmring_free(self->r);
	self->r = shmring_attach_fds(fds, SHMRING_ROLE_OBSERVER);
	EXPECT_NE(NULL, self->r);
	close(null);
	close(zero);
	close(timer);
	close(pair[0]);
	close(pair[1]);
	close(folder);
	close(blocking);
	close(readonly);
}

/* That is ready at once, and for good. */
TEST_F(hostile, no_wait_goes_on_when_its_fd_was_closed)
{
	int64_t until = now_ns() + 2000000000;
	char path[64], what[64] = "";
	int fd;

	for (fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (readlink(path, what, sizeof(what) - 1) > 0 &&
		    strstr(what, "[eventfd]"))
			close(fd);
	}
	EXPECT_EQ(-EBADF, shmring_wait_readable(self->r, 1, ms(2000)));
	EXPECT_GT(until, now_ns());
}

/* The geometry was taken once; what the page says later is nobody's business. */
TEST_F(hostile, geometry_is_private)
{
	struct shmring_kernel_page *k;
	long page = sysconf(_SC_PAGESIZE);
	unsigned char buf[8192];
	struct iovec v[2];

	k = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, self->fds[0], page);
	ASSERT_NE(MAP_FAILED, k);
	memset(k, 0xff, offsetof(struct shmring_kernel_page, state));
	pattern_fill(buf, 0, variant->capacity);
	EXPECT_EQ(variant->capacity, shmring_cap(self->r));
	ASSERT_EQ(variant->capacity,
		  shmring_try_write_from(self->r, buf, sizeof(buf)));
	ASSERT_EQ(variant->capacity, shmring_read_acquire(self->r, v));
	EXPECT_EQ(variant->capacity, pattern_check_spans(v, 0, variant->capacity));
	ASSERT_EQ(0, shmring_read_release(self->r, variant->capacity));
	munmap(k, page);
}

TEST_HARNESS_MAIN
