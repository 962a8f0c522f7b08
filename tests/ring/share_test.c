// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passing rings on, and what comes back when that fails
 *
 *	register/get/unregister leaves the
 *	ring usable (device)			unregister_leaves_the_ring_usable
 *	errors of all constructors		*_refuse*, out_of_*
 *	hostile fds				attach_refuses_*
 *	neither fds nor mappings leak		nothing_leaks, out_of_fds
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
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

TEST(unregister_leaves_the_ring_usable)
{
	shmring_handle handle = 0, second = 0;
	struct shmring *r, *in;
	char c = 0;

	if (backend_missing(SHMRING_BACKEND_DEVICE))
		SKIP(return, "no " SHMRING_DEVICE);
	r = shmring_new_registered(4096, &handle);
	ASSERT_NE(NULL, r);
	EXPECT_NE(0, handle);
	EXPECT_EQ(NULL, shmring_get(handle, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(EBUSY, errno);
	shmring_free(r);

	/* With a role left to get, and two names for it. */
	r = shmring_create(4096, &(struct shmring_options){
				.roles = SHMRING_ROLE_PRODUCER });
	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, shmring_register(r, &handle));
	ASSERT_EQ(0, shmring_register(r, &second));
	EXPECT_NE(0, handle);
	EXPECT_NE(0, second);
	EXPECT_NE(handle, second);
	in = shmring_get(second, SHMRING_ROLE_CONSUMER);
	ASSERT_NE(NULL, in);
	EXPECT_EQ(4096, shmring_cap(in));
	EXPECT_EQ(SHMRING_ROLE_CONSUMER, shmring_roles(in));

	EXPECT_EQ(0, shmring_unregister(handle));
	EXPECT_EQ(-ENOENT, shmring_unregister(handle));
	EXPECT_EQ(NULL, shmring_get(handle, SHMRING_ROLE_OBSERVER));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(0, shmring_unregister(second));
	ASSERT_EQ(1, shmring_write_all(r, "x", 1, NULL));
	EXPECT_EQ(1, shmring_read_some(in, &c, 1, NULL));
	EXPECT_EQ('x', c);
	shmring_free(r);
	EXPECT_EQ(0, shmring_read_some(in, &c, 1, NULL));
	shmring_free(in);
}

TEST(a_handle_keeps_a_persistent_ring)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.flags = SHMRING_F_PERSIST,
	};
	shmring_handle handle;
	struct shmring *r;
	char c = 0;

	if (backend_missing(SHMRING_BACKEND_DEVICE))
		SKIP(return, "no " SHMRING_DEVICE);
	r = shmring_create(512, &options);
	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, shmring_register(r, &handle));
	ASSERT_EQ(1, shmring_try_write_from(r, "p", 1));
	shmring_free(r);
	r = shmring_get(handle, SHMRING_ROLE_BOTH);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(1, shmring_try_read_into(r, &c, 1));
	EXPECT_EQ('p', c);
	EXPECT_EQ(0, shmring_unregister(handle));
	shmring_free(r);
}

TEST(get_refuses)
{
	bool missing = backend_missing(SHMRING_BACKEND_DEVICE);
	shmring_handle handle = 0;
	struct shmring *r;

	EXPECT_EQ(NULL, shmring_get(0x7fffffff, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(NULL, shmring_get(0, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(ENOENT, errno);
	EXPECT_EQ(-ENOENT, shmring_unregister(0x7fffffff));
	if (missing) {
		/* Nothing falls back silently where a handle is asked for. */
		EXPECT_EQ(NULL, shmring_new_registered(4096, &handle));
		EXPECT_EQ(ENOENT, errno);
		return;
	}
	EXPECT_EQ(NULL, shmring_new_registered(3, &handle));
	EXPECT_EQ(EINVAL, errno);
	r = shmring_new_registered(4096, &handle);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(NULL, shmring_get(handle, 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(NULL, shmring_get(handle, 8));
	EXPECT_EQ(EINVAL, errno);
	shmring_free(r);
	/* The ring has died, and its handle with it. */
	EXPECT_EQ(NULL, shmring_get(handle, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(ENOENT, errno);
}

TEST(each_backend_has_its_own_way)
{
	struct shmring *r = ring_both(SHMRING_BACKEND_MEMORY, 4096, 0);
	shmring_handle handle;
	int fds[3];

	ASSERT_NE(NULL, r);
	EXPECT_EQ(-EOPNOTSUPP, shmring_register(r, &handle));
	EXPECT_EQ(-1, shmring_fd(r));
	ASSERT_EQ(0, shmring_export_fds(r, fds));
	EXPECT_EQ(NULL, shmring_attach_fd(fds[0]));
	EXPECT_EQ(ENOTTY, errno);
	close_fds(fds);
	shmring_free(r);
	EXPECT_EQ(NULL, shmring_attach_fd(-1));
	EXPECT_EQ(EBADF, errno);

	if (backend_missing(SHMRING_BACKEND_DEVICE))
		return;
	r = ring_both(SHMRING_BACKEND_DEVICE, 4096, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(-EOPNOTSUPP, shmring_export_fds(r, fds));
	shmring_free(r);
	fds[0] = open(SHMRING_DEVICE, O_RDWR | O_CLOEXEC);
	EXPECT_EQ(NULL, shmring_attach_fd(fds[0]));
	EXPECT_EQ(ENOTCONN, errno);
	close(fds[0]);
}

/* The child has the file, but not the mapping. */
TEST(a_device_fd_is_inherited)
{
	struct shmring *r, *copy;
	int status, fd;
	pid_t pid;
	char c = 0;

	if (backend_missing(SHMRING_BACKEND_DEVICE))
		SKIP(return, "no " SHMRING_DEVICE);
	r = ring_both(SHMRING_BACKEND_DEVICE, 4096, 0);
	ASSERT_NE(NULL, r);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = dup(shmring_fd(r));
		shmring_free(r);
		copy = shmring_attach_fd(fd);
		close(fd);
		if (!copy || shmring_roles(copy) != SHMRING_ROLE_BOTH ||
		    shmring_narrow(copy, SHMRING_ROLE_PRODUCER) ||
		    shmring_write_all(copy, "x", 1, NULL) != 1)
			_exit(1);
		shmring_free(copy);
		_exit(0);
	}
	ASSERT_EQ(0, shmring_narrow(r, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(1, shmring_read_some(r, &c, 1, NULL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	/* The roles are the file's, and that is still open. */
	EXPECT_EQ(0, shmring_status(r));
	shmring_free(r);
}

TEST(fds_make_a_peer)
{
	struct shmring *r, *out;
	int fds[3];
	char c = 0;

	r = ring_both(SHMRING_BACKEND_MEMORY, 4096, 77);
	ASSERT_NE(NULL, r);
	ASSERT_EQ(1, shmring_try_write_from(r, "a", 1));
	ASSERT_EQ(0, shmring_narrow(r, SHMRING_ROLE_CONSUMER));
	ASSERT_EQ(0, shmring_export_fds(r, fds));
	EXPECT_EQ(FD_CLOEXEC, fcntl(fds[0], F_GETFD));
	out = shmring_attach_fds(fds, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, out);
	close_fds(fds);
	ASSERT_EQ(1, shmring_write_all(out, "b", 1, NULL));
	EXPECT_EQ(1, shmring_read_some(r, &c, 1, NULL));
	EXPECT_EQ('a', c);
	EXPECT_EQ(1, shmring_read_some(r, &c, 1, NULL));
	EXPECT_EQ('b', c);
	shmring_free(out);
	EXPECT_EQ(0, shmring_read_some(r, &c, 1, NULL));
	shmring_free(r);
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

TEST_F(hostile, attach_refuses_fds)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int folder = open("/", O_RDONLY | O_CLOEXEC);
	int blocking = eventfd(0, EFD_CLOEXEC);
	char path[64];
	int readonly, i;
	int fds[3];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", self->fds[0]);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, readonly);
	for (i = 0; i < 3; i++) {
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
	close(folder);
	close(blocking);
	close(readonly);
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

TEST(narrow_keeps_a_role)
{
	struct shmring *r = ring_both(SHMRING_BACKEND_MEMORY, 4096, 0);
	struct shmring *out;

	ASSERT_NE(NULL, r);
	EXPECT_EQ(-EINVAL, shmring_narrow(r, 0));
	EXPECT_EQ(-EINVAL, shmring_narrow(r, 5));
	EXPECT_EQ(0, shmring_narrow(r, SHMRING_ROLE_BOTH));
	EXPECT_EQ(0, shmring_narrow(r, SHMRING_ROLE_CONSUMER));
	EXPECT_EQ(SHMRING_ROLE_CONSUMER, shmring_roles(r));
	EXPECT_EQ(-EACCES, shmring_narrow(r, SHMRING_ROLE_PRODUCER));
	EXPECT_EQ(-EACCES, shmring_write_commit(r, 1));
	EXPECT_EQ(0, shmring_try_write_from(r, "x", 1));
	EXPECT_EQ(0, shmring_status(r));

	/* What was dropped is not announced, what is freed is. */
	out = shmring_join(r, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, out);
	EXPECT_EQ(1, shmring_write_all(out, "x", 1, NULL));
	EXPECT_EQ(0, shmring_narrow(r, SHMRING_ROLE_OBSERVER));
	EXPECT_EQ(-EACCES, shmring_read_release(r, 0));
	shmring_free(r);
	EXPECT_EQ(0, shmring_status(out));
	shmring_free(out);
}

TEST_SIGNAL(narrow_takes_the_right_to_write, SIGSEGV)
{
	struct shmring *r = ring_both(SHMRING_BACKEND_MEMORY, 4096, 0);
	struct iovec v[2];

	ASSERT_NE(NULL, r);
	ASSERT_EQ(4096, shmring_write_acquire(r, v));
	*(volatile char *)v[0].iov_base = 'x';
	ASSERT_EQ(0, shmring_narrow(r, SHMRING_ROLE_CONSUMER));
	signal(SIGSEGV, SIG_DFL);
	*(volatile char *)v[0].iov_base = 'y';
}

static void use_once(uint32_t backend)
{
	struct shmring_producer p;
	struct shmring *r = ring_both(backend, 4096, 0), *o;
	char c;

	o = shmring_join(r, SHMRING_ROLE_OBSERVER);
	shmring_write_all(r, "x", 1, NULL);
	shmring_read_some(r, &c, 1, NULL);
	shmring_wait_readable(r, 1, ms(1));
	shmring_split(r, &p, NULL);
	shmring_narrow(r, SHMRING_ROLE_BOTH);
	shmring_free(o);
	shmring_free(r);
}

TEST(nothing_leaks)
{
	static const uint32_t backends[] = {
		SHMRING_BACKEND_MEMORY,
		SHMRING_BACKEND_DEVICE,
	};
	unsigned int fds, maps, b, i;

	for (b = 0; b < ARRAY_SIZE(backends); b++) {
		if (backend_missing(backends[b]))
			continue;
		use_once(backends[b]);
		fds = count_fds();
		maps = count_maps();
		EXPECT_EQ(0, maps);
		for (i = 0; i < 20; i++)
			use_once(backends[b]);
		EXPECT_EQ(fds, count_fds());
		EXPECT_EQ(maps, count_maps());
	}
}

/* Every constructor, with room for one fd more each time. */
TEST(out_of_fds)
{
	struct rlimit limit, old;
	unsigned int before, backend, room;
	struct shmring *r, *peer;
	int fds[3];

	ASSERT_EQ(0, close_range(3, UINT_MAX, 0));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	for (backend = SHMRING_BACKEND_DEVICE;
	     backend <= SHMRING_BACKEND_MEMORY; backend++) {
		if (backend_missing(backend))
			continue;
		before = count_fds();
		for (room = 0; room < 8; room++) {
			limit = old;
			limit.rlim_cur = 3 + room;
			ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
			errno = 0;
			peer = NULL;
			r = ring_both(backend, 4096, 0);
			EXPECT_EQ(room < (backend == SHMRING_BACKEND_MEMORY ? 3 : 1),
				  r == NULL);
			if (r) {
				errno = 0;
				peer = shmring_join(r, SHMRING_ROLE_OBSERVER);
			}
			EXPECT_EQ(r && peer ? 0 : EMFILE, errno);
			if (r && backend == SHMRING_BACKEND_MEMORY && room < 6)
				EXPECT_EQ(-EMFILE, shmring_export_fds(r, fds));
			ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
			shmring_free(peer);
			shmring_free(r);
			EXPECT_EQ(before, count_fds());
		}
		EXPECT_NE(NULL, peer);
	}
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(out_of_addresses)
{
	struct rlimit limit = { 1 << 30, RLIM_INFINITY };
	unsigned int before = count_fds();

	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	errno = 0;
	EXPECT_EQ(NULL, ring_both(SHMRING_BACKEND_MEMORY, 1 << 30, 0));
	EXPECT_EQ(ENOMEM, errno);
	limit.rlim_cur = RLIM_INFINITY;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_EQ(before, count_fds());
	EXPECT_EQ(0, count_maps());
}
#endif

TEST_HARNESS_MAIN
