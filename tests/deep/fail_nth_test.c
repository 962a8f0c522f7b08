// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail, each in turn
 *
 * /proc/thread-self/fail-nth makes the n-th of the allocations fail (and of the
 * copies from and to user space) that this thread comes to: n counts up until a
 * call is through before it comes to that many.  Each failure is an errno that
 * says so, leaves nothing behind, and does not keep the same call from success
 * when it is made again.  What the kernel has to say of its own, leaks included,
 * tests/vm looks for in its log.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../device/device.h"
#include "../kernel/kernel.h"
#include "../tap/tap.h"

#include "kselftest_harness.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
#define FAULTS		"/sys/kernel/debug/"

/* Small, mirrored, and more than is allocated at once */
#define SMALL		64
#define MIRRORED	(64 * 1024)
#define LARGE		(16 * 1024 * 1024)

/**
 * struct attempt - what one variant works with
 * @fd: the file whose call fails
 * @peer: of /dev/shmring, the ring's other end or its maker
 * @handle: of the ring
 * @map: of @fd
 * @length: of @map
 * @ring: the tap's
 * @start: its request
 */
struct attempt {
	int fd;
	int peer;
	__u32 handle;
	void *map;
	size_t length;
	struct shmring *ring;
	struct shmring_tap_start start;
};

/* --- What can fail: 0 or more, or -errno */

static int new_file(struct attempt *a)
{
	a->fd = device_open(O_RDWR);
	return a->fd;
}

static int create_small(struct attempt *a)
{
	return device_create(a->fd, SMALL, SHMRING_ROLE_BOTH);
}

static int create_mirrored(struct attempt *a)
{
	return device_create(a->fd, MIRRORED, SHMRING_ROLE_BOTH);
}

static int create_large(struct attempt *a)
{
	return device_create(a->fd, LARGE, SHMRING_ROLE_BOTH);
}

static int prepare_file(struct attempt *a)
{
	return new_file(a);
}

static int prepare_ring(struct attempt *a)
{
	int ret = new_file(a);

	return ret < 0 ? ret : create_mirrored(a);
}

static int register_handle(struct attempt *a)
{
	return device_register(a->fd, 0, &a->handle);
}

static int prepare_attach(struct attempt *a)
{
	a->peer = device_ring(MIRRORED, SHMRING_ROLE_CONSUMER);
	if (a->peer < 0)
		return a->peer;
	return device_register(a->peer, 0, &a->handle) ?: new_file(a);
}

static int attach(struct attempt *a)
{
	return device_attach(a->fd, a->handle, SHMRING_ROLE_PRODUCER);
}

static int map_all(struct attempt *a)
{
	a->length = 3 * sysconf(_SC_PAGESIZE) + 2 * MIRRORED;
	a->map = mmap(NULL, a->length, PROT_READ, MAP_SHARED, a->fd, 0);
	return a->map == MAP_FAILED ? -errno : 0;
}

/* The first of these makes the kernel's view of the data. */
static int write_bytes(struct attempt *a)
{
	ssize_t n = write(a->fd, "abc", 3);

	return n < 0 ? -errno : 0;
}

static int info(struct attempt *a)
{
	struct shmring_ioc_info info;

	return device_info(a->fd, &info);
}

static int open_control(struct attempt *a)
{
	a->fd = control_open();
	return a->fd;
}

static int kernel_alloc(struct attempt *a)
{
	return CALL(a->fd, CALL_ALLOC, .capacity = MIRRORED);
}

static int prepare_kernel_ring(struct attempt *a)
{
	int ret = open_control(a);

	return ret < 0 ? ret : kernel_alloc(a);
}

static int kernel_register(struct attempt *a)
{
	return CALL(a->fd, CALL_REGISTER);
}

static int kernel_claim(struct attempt *a)
{
	return CALL(a->fd, CALL_CLAIM, .role = SHMRING_ROLE_PRODUCER,
		    .flags = CLAIM_NOTIFY);
}

static int prepare_lookup(struct attempt *a)
{
	a->peer = device_ring(MIRRORED, SHMRING_ROLE_CONSUMER);
	if (a->peer < 0)
		return a->peer;
	return device_register(a->peer, 0, &a->handle) ?: open_control(a);
}

static int kernel_lookup(struct attempt *a)
{
	return CALL(a->fd, CALL_LOOKUP, .handle = a->handle,
		    .role = SHMRING_ROLE_PRODUCER);
}

static int prepare_tap(struct attempt *a)
{
	a->ring = tap_ring(MIRRORED);
	if (!a->ring)
		return -errno;
	a->start = tap_request(a->ring, "lo");
	a->fd = tap_open();
	return a->fd;
}

static int open_tap(struct attempt *a)
{
	a->fd = tap_open();
	return a->fd;
}

static int start_tap(struct attempt *a)
{
	struct sock_filter all[] = { BPF_STMT(BPF_RET | BPF_K, ~0U) };

	a->start.filter_len = 1;
	a->start.filter = (uintptr_t)all;
	return tap_ioctl(a->fd, SHMRING_TAP_IOC_START, &a->start);
}

static void undo(struct attempt *a)
{
	if (a->map && a->map != MAP_FAILED)
		munmap(a->map, a->length);
	if (a->fd >= 0)
		close(a->fd);
	if (a->peer >= 0)
		close(a->peer);
	if (a->ring)
		shmring_free(a->ring);
}

/* --- One after the other */

FIXTURE(fail_nth) {
	int control;
	struct attempt a;
};

FIXTURE_VARIANT(fail_nth) {
	int (*prepare)(struct attempt *a);
	int (*call)(struct attempt *a);
	/* The call has done its work when an output is what could not be copied */
	bool done_when_efault;
	/* The allocations and copies that it comes to, at least */
	unsigned int faults;
};

FIXTURE_VARIANT_ADD(fail_nth, open)
{
	.call = new_file,
	.faults = 3,
};

FIXTURE_VARIANT_ADD(fail_nth, create_small)
{
	.prepare = prepare_file,
	.call = create_small,
	.faults = 5,
};

FIXTURE_VARIANT_ADD(fail_nth, create_mirrored)
{
	.prepare = prepare_file,
	.call = create_mirrored,
	.faults = 5,
};

FIXTURE_VARIANT_ADD(fail_nth, create_large)
{
	.prepare = prepare_file,
	.call = create_large,
	.faults = 6,
};

FIXTURE_VARIANT_ADD(fail_nth, register)
{
	.prepare = prepare_ring,
	.call = register_handle,
	.faults = 2,
};

FIXTURE_VARIANT_ADD(fail_nth, attach)
{
	.prepare = prepare_attach,
	.call = attach,
	.faults = 1,
};

FIXTURE_VARIANT_ADD(fail_nth, mmap)
{
	.prepare = prepare_ring,
	.call = map_all,
	.faults = 3,
};

FIXTURE_VARIANT_ADD(fail_nth, write)
{
	.prepare = prepare_ring,
	.call = write_bytes,
	.faults = 1,
};

FIXTURE_VARIANT_ADD(fail_nth, info)
{
	.prepare = prepare_ring,
	.call = info,
	.faults = 1,
};

FIXTURE_VARIANT_ADD(fail_nth, kernel_alloc)
{
	.prepare = open_control,
	.call = kernel_alloc,
	.done_when_efault = true,
	.faults = 6,
};

FIXTURE_VARIANT_ADD(fail_nth, kernel_register)
{
	.prepare = prepare_kernel_ring,
	.call = kernel_register,
	.done_when_efault = true,
	.faults = 2,
};

FIXTURE_VARIANT_ADD(fail_nth, kernel_claim)
{
	.prepare = prepare_kernel_ring,
	.call = kernel_claim,
	.done_when_efault = true,
	.faults = 3,
};

FIXTURE_VARIANT_ADD(fail_nth, kernel_lookup)
{
	.prepare = prepare_lookup,
	.call = kernel_lookup,
	.done_when_efault = true,
	.faults = 2,
};

FIXTURE_VARIANT_ADD(fail_nth, tap_open)
{
	.call = open_tap,
	.faults = 2,
};

FIXTURE_VARIANT_ADD(fail_nth, tap_start)
{
	.prepare = prepare_tap,
	.call = start_tap,
	.faults = 6,
};

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -EIO : 0;
}

/* All of them shall fail, and quietly: a stack of each is no finding. */
FIXTURE_SETUP(fail_nth)
{
	self->control = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (self->control < 0)
		return;
	ASSERT_EQ(0, put(FAULTS "failslab/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, put(FAULTS "fail_page_alloc/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, put(FAULTS "fail_page_alloc/ignore-gfp-highmem", "N"));
	ASSERT_EQ(0, put(FAULTS "fail_page_alloc/min-order", "0"));
	ASSERT_EQ(0, put(FAULTS "failslab/verbose", "0"));
	ASSERT_EQ(0, put(FAULTS "fail_page_alloc/verbose", "0"));
	ASSERT_EQ(0, put(FAULTS "fail_usercopy/verbose", "0"));
	ASSERT_EQ(0, put(FAULTS "fail_futex/verbose", "0"));
	/* Page faults of our own allocate, too. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
}

FIXTURE_TEARDOWN(fail_nth)
{
	close(self->control);
}

static int fail_nth(int control, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	return pwrite(control, text, length, 0) == length ? 0 : -errno;
}

/*
 * Disarm.  How many were left until one would have failed; 0: one did.  To ask
 * and to disarm are copies that count, and fail, themselves: but once.
 */
static int fail_nth_end(int control)
{
	char text[16] = "";
	int left = 1;

	if (pread(control, text, sizeof(text) - 1, 0) > 0 &&
	    sscanf(text, "%d", &left) != 1)
		return -EIO;
	if (fail_nth(control, 0) && fail_nth(control, 0))
		return -EIO;
	return left;
}

struct counts {
	unsigned long rings;
	unsigned long pages;
	unsigned long handles;
};

static struct counts count(void)
{
	struct counts c = {};

	device_param("rings", &c.rings);
	device_param("pages", &c.pages);
	device_param("handles", &c.handles);
	return c;
}

TEST_F_TIMEOUT(fail_nth, each, 600)
{
	unsigned int n, failures = 0, survived = 0;
	struct counts before, after;
	int ret, left = 0;

	if (self->control < 0)
		SKIP(return, "no " FAIL_NTH);

	for (n = 1; !left; n++) {
		self->a = (struct attempt){ .fd = -1, .peer = -1 };
		if (variant->prepare)
			ASSERT_LE(0, variant->prepare(&self->a));
		before = count();

		ASSERT_EQ(0, fail_nth(self->control, n));
		ret = variant->call(&self->a);
		left = fail_nth_end(self->control);
		ASSERT_LE(0, left);

		if (ret >= 0) {
			survived++;
		} else {
			ASSERT_EQ(0, left);
			ASSERT_TRUE(ret == -ENOMEM || ret == -EFAULT) {
				TH_LOG("failure %u: errno %d", n, -ret);
			}
			failures++;
			if (ret == -ENOMEM || !variant->done_when_efault) {
				after = count();
				ASSERT_EQ(before.rings, after.rings);
				ASSERT_EQ(before.pages, after.pages);
				ASSERT_EQ(before.handles, after.handles);
				ret = variant->call(&self->a);
				ASSERT_LE(0, ret) {
					TH_LOG("after failure %u: errno %d", n, -ret);
				}
			}
		}
		undo(&self->a);
		ASSERT_TRUE(device_idle());
	}
	survived--;
	TH_LOG("%u calls failed, %u survived a failure", failures, survived);
	EXPECT_LE(1, failures);
	EXPECT_LE(variant->faults, failures + survived);
}

TEST_HARNESS_MAIN
