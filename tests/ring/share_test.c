// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passing rings on: by handle, by fd, over fork
 *
 *	register/get/unregister leaves the
 *	ring usable (device)			unregister_leaves_the_ring_usable
 *	errors of the constructors		get_refuses, each_backend_has_its_own_way
 *	a process keeps one role of two		narrow_*
 *	a copy of a ring that is in use		moving
 *	an owner's peer, whatever the mode	join_goes_by_no_mode
 *	killed before the signal (memory)	an_heir_makes_up_for_a_lost_signal
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

/* A ring whose two ends one thread moves, and when that stops */
struct mover {
	struct shmring *r;
	bool stop;
};

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

/* Who may get at handles that are registered says nothing of the owner's peer. */
TEST(join_goes_by_no_mode)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_CONSUMER,
		.mode = 0440,
	};
	struct shmring *in, *out;
	shmring_handle handle;
	struct stat st;
	int status;
	pid_t pid;

	if (backend_missing(SHMRING_BACKEND_DEVICE))
		SKIP(return, "no " SHMRING_DEVICE);
	/* Root may do anything; so somebody else, who needs a right to the device. */
	ASSERT_EQ(0, stat(SHMRING_DEVICE, &st));
	if (chmod(SHMRING_DEVICE, 0666))
		SKIP(return, "not root");
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(1);
		in = shmring_create(4096, &options);
		if (!in || shmring_register(in, &handle))
			_exit(2);
		if (shmring_get(handle, SHMRING_ROLE_PRODUCER) || errno != ENOENT)
			_exit(3);
		out = shmring_join(in, SHMRING_ROLE_PRODUCER);
		if (!out || shmring_write_all(out, "x", 1, NULL) != 1)
			_exit(4);
		_exit(0);
	}
	EXPECT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, chmod(SHMRING_DEVICE, st.st_mode & 07777));
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(0, WEXITSTATUS(status));
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

/* Moves on at both ends until it is told to stop */
static void *move_on(void *arg)
{
	struct mover *m = arg;
	char c = 0;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		shmring_try_write_from(m->r, &c, 1);
		shmring_try_read_into(m->r, &c, 1);
	}
	return NULL;
}

FIXTURE(moving)
{
	struct mover m;
	pthread_t thread;
};

FIXTURE_VARIANT(moving) RING_VARIANT;
RING_VARIANT_ADD(moving, MEMORY, 2, 2);
RING_VARIANT_ADD(moving, MEMORY, 64, 64);
RING_VARIANT_ADD(moving, DEVICE, 2, 2);
RING_VARIANT_ADD(moving, DEVICE, 64, 64);

FIXTURE_SETUP(moving)
{
	RING_SKIP_IF_MISSING(variant->backend);
	self->m.r = ring_both(variant->backend, variant->capacity, 0);
	ASSERT_NE(NULL, self->m.r);
	ASSERT_EQ(0, pthread_create(&self->thread, NULL, move_on, &self->m));
}

FIXTURE_TEARDOWN(moving)
{
	if (!self->m.r)
		return;
	__atomic_store_n(&self->m.stop, true, __ATOMIC_RELAXED);
	pthread_join(self->thread, NULL);
	EXPECT_EQ(0, shmring_status(self->m.r));
	shmring_free(self->m.r);
}

/* Positions that move between the two looks at them are not impossible. */
TEST_F(moving, is_no_corruption)
{
	struct shmring *copy;
	unsigned int i;

	RING_NEEDED(self->m.r);
	for (i = 0; i < 300; i++) {
		if (variant->backend == SHMRING_BACKEND_DEVICE)
			copy = shmring_attach_fd(shmring_fd(self->m.r));
		else
			copy = shmring_join(self->m.r, SHMRING_ROLE_BOTH);
		ASSERT_NE(NULL, copy)
			TH_LOG("%u: %s", i, strerror(errno));
		ASSERT_EQ(0, shmring_narrow(copy, SHMRING_ROLE_OBSERVER));
		shmring_free(copy);
	}
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

static void *read_one(void *arg)
{
	char c;

	return (void *)shmring_read_some(arg, &c, 1, NULL);
}

/*
 * A producer is killed when it has taken the arm away and not yet made the signal;
 * no commit that follows finds an arm.
 */
TEST(an_heir_makes_up_for_a_lost_signal)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	struct shmring_kernel_page *k;
	struct shmring *in, *out;
	pthread_t reader;
	void *got;
	int fds[3];

	in = ring_both(SHMRING_BACKEND_MEMORY, 4096, 0);
	ASSERT_NE(NULL, in);
	ASSERT_EQ(0, shmring_narrow(in, SHMRING_ROLE_CONSUMER));
	ASSERT_EQ(0, shmring_export_fds(in, fds));
	k = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], page);
	ASSERT_NE(MAP_FAILED, k);
	ASSERT_EQ(SHMRING_MAGIC, k->magic);
	ASSERT_EQ(0, pthread_create(&reader, NULL, read_one, in));
	while (!__atomic_load_n(&k->rx.sleeps, __ATOMIC_ACQUIRE))
		usleep(1000);
	__atomic_exchange_n(&k->rx_arm, SHMRING_ARM_NONE, __ATOMIC_SEQ_CST);

	out = shmring_attach_fds(fds, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, out);
	ASSERT_EQ(1, shmring_try_write_from(out, "b", 1));
	ASSERT_EQ(0, pthread_join(reader, &got));
	EXPECT_EQ((void *)1, got);
	munmap(k, page);
	close_fds(fds);
	shmring_free(out);
	shmring_free(in);
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

TEST_HARNESS_MAIN
