// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each exported function promises: rings and roles
 *
 * The ring's other end is the library's, or another one in the kernel.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

#include <kselftest_harness.h>

#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER

FIXTURE(rings)
{
	int control;
	int other;
};

FIXTURE_SETUP(rings)
{
	self->control = control_open();
	self->other = control_open();
	ASSERT_LE(0, self->control);
	ASSERT_LE(0, self->other);
}

FIXTURE_TEARDOWN(rings)
{
	close(self->control);
	close(self->other);
	EXPECT_TRUE(kernel_idle());
}

TEST_F(rings, alloc)
{
	static const __u32 bad[] = { 0, 1, 3, 1000, 4097, 1U << 31 };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_EQ(-EINVAL, CALL(self->control, CALL_ALLOC,
					.capacity = bad[i]));
	EXPECT_EQ(-EINVAL, CALL(self->control, CALL_ALLOC, .capacity = 64,
				.flags = SHMRING_F_PERSIST << 1));
	for (i = 2; i <= 1 << 20; i *= 2) {
		ASSERT_EQ(0, CALL(self->control, CALL_ALLOC, .capacity = i));
		EXPECT_EQ((int)i, CALL(self->control, CALL_CAPACITY));
		EXPECT_EQ(0, CALL(self->control, CALL_PUT));
	}
}

TEST_F(rings, handles)
{
	struct control_args args = { .call = CALL_REGISTER };
	struct shmring *ring;
	int i;

	ASSERT_EQ(0, CALL(self->control, CALL_ALLOC, .capacity = 64));
	EXPECT_EQ(-EINVAL, CALL(self->control, CALL_REGISTER, .flags = 01000));
	ASSERT_EQ(0, control_ioctl(self->control, CONTROL_CALL, &args));
	ASSERT_NE(0, args.handle);
	EXPECT_EQ(-ENOENT, CALL(self->other, CALL_LOOKUP, .handle = 0,
				.role = PRODUCER));
	EXPECT_EQ(-ENOENT, CALL(self->other, CALL_LOOKUP,
				.handle = args.handle + 1, .role = PRODUCER));
	ASSERT_EQ(0, CALL(self->other, CALL_LOOKUP, .handle = args.handle,
			  .role = PRODUCER));
	EXPECT_EQ(64, CALL(self->other, CALL_CAPACITY));

	/* The ring stays with whoever has it; its name does not */
	ring = shmring_get(args.handle, CONSUMER);
	ASSERT_NE(NULL, ring);
	EXPECT_EQ(0, CALL(self->control, CALL_UNREGISTER,
			  .handle = args.handle));
	EXPECT_EQ(-ENOENT, CALL(self->control, CALL_UNREGISTER,
				.handle = args.handle));
	EXPECT_EQ(NULL, shmring_get(args.handle, PRODUCER));
	EXPECT_EQ(0, CALL(self->control, CALL_PUT));
	EXPECT_EQ(0, CALL(self->other, CALL_CLAIM, .role = PRODUCER));
	EXPECT_EQ(3, CALL(self->other, CALL_TRY_WRITE,
			  .buf = (uintptr_t)"abc", .n = 3));
	EXPECT_EQ(3, shmring_available(ring));
	shmring_free(ring);

	/* There is a limit */
	EXPECT_EQ(0, CALL(self->control, CALL_ALLOC, .capacity = 64));
	for (i = 0; i < 64; i++)
		EXPECT_EQ(0, CALL(self->control, CALL_REGISTER));
	EXPECT_EQ(-ENOSPC, CALL(self->control, CALL_REGISTER));
}

/* How many mappings of at least so many bytes shmring.ko has in the kernel */
static int views_of(size_t least)
{
	FILE *file = fopen("/proc/vmallocinfo", "r");
	char line[512];
	size_t bytes;
	int views = 0;

	if (!file)
		return -errno;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%*s %zu", &bytes) == 1 && bytes >= least &&
		    strstr(line, "[shmring]") && strstr(line, " vmap"))
			views++;
	fclose(file);
	return views;
}

/*
 * The kernel's addresses, of which a ring takes twice its capacity, are for who
 * uses them: processes do without, those that call read and write too.
 */
TEST_F(rings, view_is_made_for_kernel_ends)
{
	const struct shmring_options options = { .roles = PRODUCER };
	const __u32 capacity = 4 << 20;
	struct shmring *ring, *in;
	char byte = 1;

	ASSERT_EQ(0, views_of(capacity));
	ring = shmring_create(capacity, &options);
	ASSERT_NE(NULL, ring);
	in = shmring_join(ring, CONSUMER);
	ASSERT_NE(NULL, in);
	EXPECT_EQ(1, shmring_try_write_from(ring, &byte, 1));
	EXPECT_EQ(0, shmring_wait_readable(in, 1, NULL));
	EXPECT_EQ(1, read(shmring_fd(in), &byte, 1));
	EXPECT_EQ(1, write(shmring_fd(ring), &byte, 1));
	EXPECT_EQ(0, views_of(capacity));
	shmring_free(in);

	ASSERT_EQ(0, CALL(self->control, CALL_FROM_FD,
			  .fd = shmring_fd(ring)));
	EXPECT_EQ(0, views_of(capacity));
	ASSERT_EQ(0, CALL(self->control, CALL_CLAIM, .role = CONSUMER));
	EXPECT_EQ(1, views_of(2 * capacity));
	/* Kept, for the next one */
	EXPECT_EQ(0, CALL(self->control, CALL_DROP));
	EXPECT_EQ(1, views_of(2 * capacity));
	EXPECT_EQ(0, CALL(self->control, CALL_PUT));
	shmring_free(ring);
	EXPECT_TRUE(kernel_idle());
	EXPECT_EQ(0, views_of(capacity));
}

/* A handle of another owner, without the right to overrule it */
TEST_F(rings, lookup_asks_for_permission)
{
	struct control_args args = { .call = CALL_REGISTER, .flags = 0604 };

	ASSERT_EQ(0, CALL(self->control, CALL_ALLOC, .capacity = 64));
	ASSERT_EQ(0, control_ioctl(self->control, CONTROL_CALL, &args));
	ASSERT_EQ(0, setresgid(65534, 65534, 65534));
	ASSERT_EQ(0, setresuid(65534, 65534, 65534));
	EXPECT_EQ(-ENOENT, CALL(self->other, CALL_LOOKUP,
				.handle = args.handle, .role = CONSUMER));
	EXPECT_EQ(-EPERM, CALL(self->other, CALL_UNREGISTER,
			       .handle = args.handle));
	EXPECT_EQ(0, CALL(self->other, CALL_LOOKUP, .handle = args.handle,
			  .role = SHMRING_ROLE_OBSERVER));
	EXPECT_EQ(-EPERM, CALL(self->other, CALL_REGISTER));
}

TEST_F(rings, from_fd)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
	};
	struct shmring *ring, *observer;
	shmring_handle handle;
	int fd;

	EXPECT_EQ(-EBADF, CALL(self->control, CALL_FROM_FD, .fd = -1));
	EXPECT_EQ(-EBADF, CALL(self->control, CALL_FROM_FD, .fd = 1000));
	EXPECT_EQ(-EINVAL, CALL(self->control, CALL_FROM_FD,
				.fd = self->other));
	fd = open(SHMRING_DEVICE, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, fd);
	EXPECT_EQ(-ENOTCONN, CALL(self->control, CALL_FROM_FD, .fd = fd));
	close(fd);

	ring = shmring_create(4096, &options);
	ASSERT_NE(NULL, ring);
	ASSERT_EQ(0, shmring_register(ring, &handle));
	observer = shmring_get(handle, SHMRING_ROLE_OBSERVER);
	ASSERT_NE(NULL, observer);
	EXPECT_EQ(-EACCES, CALL(self->control, CALL_FROM_FD,
				.fd = shmring_fd(observer)));
	ASSERT_EQ(0, CALL(self->control, CALL_FROM_FD,
			  .fd = shmring_fd(ring)));
	EXPECT_EQ(4096, CALL(self->control, CALL_CAPACITY));

	/* The reference outlives the file */
	shmring_free(observer);
	shmring_free(ring);
	EXPECT_EQ(4096, CALL(self->control, CALL_CAPACITY));
	EXPECT_EQ(0, CALL(self->control, CALL_CLAIM, .role = CONSUMER));
}

TEST_F(rings, claim)
{
	static const __u32 bad[] = {
		0, SHMRING_ROLE_BOTH, SHMRING_ROLE_OBSERVER,
		SHMRING_ROLE_OBSERVER | PRODUCER, 8,
	};
	struct control_args args = { .call = CALL_REGISTER };
	struct shmring *ring;
	size_t i;

	ASSERT_EQ(0, CALL(self->control, CALL_ALLOC, .capacity = 64));
	ASSERT_EQ(0, control_ioctl(self->control, CONTROL_CALL, &args));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_EQ(-EINVAL, CALL(self->control, CALL_CLAIM,
					.role = bad[i]));

	/* Against a process, and against the kernel */
	ring = shmring_get(args.handle, PRODUCER);
	ASSERT_NE(NULL, ring);
	EXPECT_EQ(-EBUSY, CALL(self->control, CALL_CLAIM, .role = PRODUCER));
	ASSERT_EQ(0, CALL(self->control, CALL_CLAIM, .role = CONSUMER));
	ASSERT_EQ(0, CALL(self->other, CALL_LOOKUP, .handle = args.handle,
			  .role = CONSUMER));
	EXPECT_EQ(-EBUSY, CALL(self->other, CALL_CLAIM, .role = CONSUMER));
	errno = 0;
	EXPECT_EQ(NULL, shmring_get(args.handle, CONSUMER));
	EXPECT_EQ(EBUSY, errno);

	/* What is dropped can be had; the next one goes on from there */
	EXPECT_EQ(5, shmring_try_write_from(ring, "hello", 5));
	EXPECT_EQ(5, CALL(self->control, CALL_READ_ACQUIRE));
	EXPECT_EQ(0, CALL(self->control, CALL_READ_RELEASE, .n = 2));
	EXPECT_EQ(0, CALL(self->control, CALL_DROP));
	EXPECT_EQ(-EPIPE, shmring_status(ring));
	ASSERT_EQ(0, CALL(self->other, CALL_CLAIM, .role = CONSUMER));
	EXPECT_EQ(0, shmring_status(ring));
	EXPECT_EQ(3, CALL(self->other, CALL_READ_ACQUIRE));
	shmring_free(ring);
	EXPECT_EQ(-EPIPE, CALL(self->other, CALL_STATUS));
}

/* Whoever had the role left rubbish, or its peer has. */
TEST_F(rings, claim_of_a_corrupt_ring)
{
	struct kernel_pair pair;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, kernel_pair(&pair, 64, 0, CONSUMER));
		kernel_pair_move(&pair, i ? 65 : -1ULL);
		if (i)
			EXPECT_EQ(0, CALL(pair.control, CALL_DROP));
		shmring_free(pair.ring);
		pair.ring = NULL;
		EXPECT_EQ(0, CALL(self->control, CALL_LOOKUP,
				  .handle = pair.handle, .role = PRODUCER));
		EXPECT_EQ(-EBADMSG, CALL(self->control, CALL_CLAIM,
					 .role = i ? CONSUMER : PRODUCER));
		/* For good, and nobody has the role */
		EXPECT_EQ(-EBADMSG, CALL(self->control, CALL_CLAIM,
					 .role = i ? CONSUMER : PRODUCER));
		if (!i)
			EXPECT_EQ(-EBADMSG, CALL(pair.control, CALL_STATUS));
		EXPECT_EQ(0, CALL(self->control, CALL_PUT));
		kernel_pair_free(&pair);
	}
}

TEST_HARNESS_MAIN
