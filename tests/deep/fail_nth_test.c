// SPDX-License-Identifier: GPL-2.0-only
/*
 * Allocations that fail, each in turn
 *
 * /proc/thread-self/fail-nth makes the n-th of the allocations fail (and of the
 * copies from and to user space) that this thread comes to: n counts up until a
 * call is through before it comes to that many.  Each failure is an errno that
 * says so, leaves nothing behind, and does not keep the same call from success
 * when it is made again.  Since much survives a single failure, by a second try
 * or a smaller piece, all after the n-th fail, too, in a second round.  What the kernel has to say of its own, leaks included,
 * tests/vm looks for in its log.
 *
 *	fail_nth_test [REPEATS]		of each failure, to see whether pages leak
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../device/charge.h"
#include "../device/device.h"
#include "../kernel/kernel.h"
#include "../tap/tap.h"

#include "kselftest_harness.h"

#define FAIL_NTH	"/proc/thread-self/fail-nth"
/* Once the n-th has failed: all do, with a probability that is 100 here */
#define MAKE_IT_FAIL	"/proc/thread-self/make-it-fail"

/* Small, mirrored, and more than is allocated at once */
#define SMALL		64
#define MIRRORED	(64 * 1024)
#define LARGE		(16 * 1024 * 1024)
#define ARENA		(64 * 1024)

/*
 * A page that a failure leaves behind does not tell: others give and take some
 * meanwhile.  So many of them, in so many failures, do.
 */
#define PAGES_MOST	6
static unsigned int repeats = 2 * PAGES_MOST;

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

static int create_arena(struct attempt *a)
{
	return device_create_arena(a->fd, SMALL, SHMRING_ROLE_BOTH, LARGE);
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

/* Its handle holds the ring, and the module. */
static int prepare_persistent(struct attempt *a)
{
	int ret = new_file(a);

	return ret < 0 ? ret :
	       device_create_full(a->fd, MIRRORED, SHMRING_ROLE_BOTH,
				  SHMRING_F_PERSIST, 0);
}

static int prepare_arena(struct attempt *a)
{
	int ret = new_file(a);

	return ret < 0 ? ret :
	       device_create_arena(a->fd, SMALL, SHMRING_ROLE_BOTH, ARENA);
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

/* Where there are no page tables yet, and two of each level are needed. */
static int map(struct attempt *a, int fd, size_t length, int prot, off_t offset)
{
	void *at = (void *)((1UL << 40) - sysconf(_SC_PAGESIZE));

	a->length = length;
	a->map = mmap(at, length, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		      offset);
	return a->map == MAP_FAILED ? -errno : 0;
}

static int map_all(struct attempt *a)
{
	return map(a, a->fd, 3 * sysconf(_SC_PAGESIZE) + 2 * MIRRORED,
		   PROT_READ, 0);
}

static int map_arena(struct attempt *a)
{
	return map(a, a->fd, ARENA, PROT_READ | PROT_WRITE,
		   SHMRING_ARENA_OFFSET);
}

/* The producer of a file says that it does not fence. */
static int say_unfenced(struct attempt *a, int fd)
{
	struct shmring_producer_page *p;
	struct shmring_ioc_info info;
	int err;

	err = device_info(fd, &info) ?:
	      map(a, fd, info.page_size, PROT_READ | PROT_WRITE,
		  info.producer_offset);
	if (err)
		return err;
	p = a->map;
	__atomic_store_n(&p->mode, SHMRING_UNFENCED, __ATOMIC_RELEASE);
	return 0;
}

static int prepare_unfence(struct attempt *a)
{
	return prepare_ring(a) ?: say_unfenced(a, a->fd);
}

static int unfence(struct attempt *a)
{
	return device_unfence(a->fd, SHMRING_READABLE);
}

static int arm(struct attempt *a)
{
	return device_arm(a->fd, SHMRING_READABLE, 1);
}

/* An arm that does without the heavy barrier is not the one that is meant. */
static int prepare_arm(struct attempt *a)
{
	struct shmring_ioc_info info;
	int err;

	err = prepare_unfence(a) ?: unfence(a) ?: arm(a) ?:
	      device_info(a->fd, &info);
	return err ?: info.rx.barriers == 1 ? 0 : -EPROTO;
}

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

static int prepare_large_kernel_ring(struct attempt *a)
{
	int ret = open_control(a);

	return ret < 0 ? ret : CALL(a->fd, CALL_ALLOC, .capacity = LARGE);
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

static int prepare_from_fd(struct attempt *a)
{
	a->peer = device_ring(MIRRORED, SHMRING_ROLE_CONSUMER);
	return a->peer < 0 ? a->peer : open_control(a);
}

static int kernel_from_fd(struct attempt *a)
{
	return CALL(a->fd, CALL_FROM_FD, .fd = a->peer);
}

/* The kernel consumes; its barrier is left to a work item. */
static int prepare_kernel_arm(struct attempt *a)
{
	int ret;

	a->peer = device_ring(MIRRORED, SHMRING_ROLE_PRODUCER);
	if (a->peer < 0)
		return a->peer;
	ret = say_unfenced(a, a->peer) ?:
	      device_unfence(a->peer, SHMRING_READABLE);
	if (ret)
		return ret;
	ret = open_control(a);
	if (ret < 0)
		return ret;
	return kernel_from_fd(a) ?:
	       CALL(a->fd, CALL_CLAIM, .role = SHMRING_ROLE_CONSUMER,
		    .flags = CLAIM_NOTIFY);
}

static int kernel_arm(struct attempt *a)
{
	return CALL(a->fd, CALL_READ_ARM, .n = 1);
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
	if (a->handle)
		device_unregister(a->fd, a->handle);
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
	int others;
	bool lasting;
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

FIXTURE_VARIANT_ADD(fail_nth, create_arena)
{
	.prepare = prepare_file,
	.call = create_arena,
	.faults = 8,
};

FIXTURE_VARIANT_ADD(fail_nth, register)
{
	.prepare = prepare_ring,
	.call = register_handle,
	.faults = 2,
};

FIXTURE_VARIANT_ADD(fail_nth, register_persistent)
{
	.prepare = prepare_persistent,
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
	.faults = 7,
};

FIXTURE_VARIANT_ADD(fail_nth, mmap_arena)
{
	.prepare = prepare_arena,
	.call = map_arena,
	.faults = 7,
};

FIXTURE_VARIANT_ADD(fail_nth, unfence)
{
	.prepare = prepare_unfence,
	.call = unfence,
	.faults = 1,
};

FIXTURE_VARIANT_ADD(fail_nth, arm)
{
	.prepare = prepare_arm,
	.call = arm,
	.faults = 1,
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

FIXTURE_VARIANT_ADD(fail_nth, kernel_claim_large)
{
	.prepare = prepare_large_kernel_ring,
	.call = kernel_claim,
	.done_when_efault = true,
	.faults = 3,
};

FIXTURE_VARIANT_ADD(fail_nth, kernel_from_fd)
{
	.prepare = prepare_from_fd,
	.call = kernel_from_fd,
	.done_when_efault = true,
	.faults = 1,
};

FIXTURE_VARIANT_ADD(fail_nth, kernel_arm)
{
	.prepare = prepare_kernel_arm,
	.call = kernel_arm,
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

static int set(const char *fault, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/kernel/debug/%s", fault);
	return device_put_text(path, value);
}

/* All of them shall fail, and quietly: a stack of each is no finding. */
FIXTURE_SETUP(fail_nth)
{
	self->control = open(FAIL_NTH, O_RDWR | O_CLOEXEC);
	if (self->control < 0)
		return;
	self->others = open(MAKE_IT_FAIL, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, self->others);
	ASSERT_EQ(0, set("failslab/task-filter", "Y"));
	ASSERT_EQ(0, set("fail_page_alloc/task-filter", "Y"));
	ASSERT_EQ(0, set("failslab/times", "-1"));
	ASSERT_EQ(0, set("fail_page_alloc/times", "-1"));
	ASSERT_EQ(0, set("failslab/probability", "100"));
	ASSERT_EQ(0, set("fail_page_alloc/probability", "100"));
	ASSERT_EQ(0, set("failslab/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set("fail_page_alloc/ignore-gfp-wait", "N"));
	ASSERT_EQ(0, set("fail_page_alloc/ignore-gfp-highmem", "N"));
	ASSERT_EQ(0, set("fail_page_alloc/min-order", "0"));
	ASSERT_EQ(0, set("failslab/verbose", "0"));
	ASSERT_EQ(0, set("fail_page_alloc/verbose", "0"));
	ASSERT_EQ(0, set("fail_usercopy/verbose", "0"));
	ASSERT_EQ(0, set("fail_futex/verbose", "0"));
	ASSERT_EQ(0, charge_begin());
	/* Page faults of our own allocate, too. */
	ASSERT_EQ(0, mlockall(MCL_CURRENT));
}

FIXTURE_TEARDOWN(fail_nth)
{
	if (self->control < 0)
		return;
	EXPECT_EQ(0, charge_end());
	close(self->others);
	close(self->control);
}

static int put_number(int fd, unsigned int n)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%u", n);

	return pwrite(fd, text, length, 0) == length ? 0 : -errno;
}

static int arm_failure(FIXTURE_DATA(fail_nth) *self, unsigned int n)
{
	return put_number(self->others, self->lasting) ?:
	       put_number(self->control, n);
}

/*
 * Disarm.  How many were left until one would have failed; 0: one did.  To ask
 * and to disarm are copies that count, and fail, themselves: but once.
 */
static int disarm(FIXTURE_DATA(fail_nth) *self)
{
	char text[16] = "";
	int left = 1;

	if (pread(self->control, text, sizeof(text) - 1, 0) > 0 &&
	    sscanf(text, "%d", &left) != 1)
		return -EIO;
	if (put_number(self->control, 0) && put_number(self->control, 0))
		return -EIO;
	return put_number(self->others, 0) ?: left;
}

struct counts {
	unsigned long rings;
	unsigned long pages;
	unsigned long handles;
};

static struct counts count(void)
{
	return (struct counts) {
		.rings = device_param("rings"),
		.pages = device_param("pages"),
		.handles = device_param("handles"),
	};
}

/* The n-th failure once more; false: it could not be brought about. */
static bool again(FIXTURE_DATA(fail_nth) *self,
		  const FIXTURE_VARIANT(fail_nth) *variant, unsigned int n)
{
	bool good;

	self->a = (struct attempt){ .fd = -1, .peer = -1 };
	good = (!variant->prepare || variant->prepare(&self->a) >= 0) &&
	       !arm_failure(self, n);
	if (good) {
		variant->call(&self->a);
		good = disarm(self) >= 0;
	}
	undo(&self->a);
	return good;
}

/* How many pages have many such failures left behind? */
static bool pages_kept(FIXTURE_DATA(fail_nth) *self,
		       const FIXTURE_VARIANT(fail_nth) *variant, unsigned int n,
		       long *kept)
{
	long before = charge_settled();
	unsigned int i;

	for (i = 0; i < repeats; i++)
		if (!again(self, variant, n))
			return false;
	*kept = (charge_settled() - before) / sysconf(_SC_PAGESIZE);
	return true;
}

static void all_in_turn(struct __test_metadata *_metadata,
			FIXTURE_DATA(fail_nth) *self,
			const FIXTURE_VARIANT(fail_nth) *variant)
{
	unsigned int n, failures = 0, survived = 0;
	struct counts before, after;
	int ret, left = 0;
	long kept, most = 0;

	for (n = 1;; n++) {
		self->a = (struct attempt){ .fd = -1, .peer = -1 };
		if (variant->prepare)
			ASSERT_LE(0, variant->prepare(&self->a));
		before = count();

		ASSERT_EQ(0, arm_failure(self, n));
		ret = variant->call(&self->a);
		left = disarm(self);
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
		if (left)
			break;
		ASSERT_TRUE(pages_kept(self, variant, n, &kept));
		ASSERT_GE(PAGES_MOST, kept) {
			TH_LOG("failure %u leaves pages behind", n);
		}
		most = kept > most ? kept : most;
	}
	survived--;
	TH_LOG("%u calls failed, %u survived a failure, %ld pages more at most",
	       failures, survived, most);
	EXPECT_LE(1, failures);
	EXPECT_LE(variant->faults, failures + survived);
}

TEST_F_TIMEOUT(fail_nth, each, 600)
{
	if (self->control < 0)
		SKIP(return, "no " FAIL_NTH);
	all_in_turn(_metadata, self, variant);
}

TEST_F_TIMEOUT(fail_nth, each_and_all_after, 600)
{
	if (self->control < 0)
		SKIP(return, "no " FAIL_NTH);
	self->lasting = true;
	all_in_turn(_metadata, self, variant);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		repeats = strtoul(argv[1], NULL, 10);
	return test_harness_run(argc, argv);
}
