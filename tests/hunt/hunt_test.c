// SPDX-License-Identifier: GPL-2.0-only
/*
 * No wake-up is lost, whichever way an end waits
 *
 * Natively through rings in memory, in the guest through the device's.  In
 * `make test` a tenth of the commits of `make test-long`.  To go after one that
 * was found: HUNT_SEED=number, HUNT_WAY=part of the way's name.
 */
#include <unistd.h>

#include <shmring.h>

#include "hunt.h"

#include <kselftest_harness.h>

#define SPIN_DEFAULT	5000

FIXTURE(hunt)
{
};

FIXTURE_VARIANT(hunt)
{
	const struct hunt_way *way;
	bool device_only;	/* these ways go by the device's file */
	uint32_t spin_ns;
	uint32_t min;
	unsigned int share;	/* a part of the commits, 0: all */
};

FIXTURE_SETUP(hunt)
{
}

FIXTURE_TEARDOWN(hunt)
{
}

FIXTURE_VARIANT_ADD(hunt, poll) { .way = &hunt_poll };
FIXTURE_VARIANT_ADD(hunt, select) { .way = &hunt_select };
FIXTURE_VARIANT_ADD(hunt, epoll_level) { .way = &hunt_epoll_level };
FIXTURE_VARIANT_ADD(hunt, epoll_edge) { .way = &hunt_epoll_edge };
FIXTURE_VARIANT_ADD(hunt, epoll_oneshot) { .way = &hunt_epoll_oneshot };
FIXTURE_VARIANT_ADD(hunt, uring_poll) { .way = &hunt_uring_poll };
FIXTURE_VARIANT_ADD(hunt, uring_multishot) { .way = &hunt_uring_multishot };
FIXTURE_VARIANT_ADD(hunt, uring_read_write) {
	.way = &hunt_uring_rw, .device_only = true,
};
FIXTURE_VARIANT_ADD(hunt, read_write) {
	.way = &hunt_rw, .device_only = true,
};
FIXTURE_VARIANT_ADD(hunt, epoll_edge_read_write) {
	.way = &hunt_epoll_edge_rw, .device_only = true,
};
FIXTURE_VARIANT_ADD(hunt, wait_ioctl) {
	.way = &hunt_wait_ioctl, .device_only = true,
};
FIXTURE_VARIANT_ADD(hunt, library_wait) { .way = &hunt_lib_wait };
FIXTURE_VARIANT_ADD(hunt, library_wait_spin) {
	.way = &hunt_lib_wait, .spin_ns = SPIN_DEFAULT,
};
FIXTURE_VARIANT_ADD(hunt, library_stream) {
	.way = &hunt_lib_stream,
};

/* Both ends by a threshold, up to half of the smallest ring */
FIXTURE_VARIANT_ADD(hunt, poll_threshold) {
	.way = &hunt_poll, .min = 32, .share = 2,
};
FIXTURE_VARIANT_ADD(hunt, epoll_edge_threshold) {
	.way = &hunt_epoll_edge, .min = 13, .share = 2,
};
FIXTURE_VARIANT_ADD(hunt, uring_multishot_threshold) {
	.way = &hunt_uring_multishot, .min = 32, .share = 2,
};
FIXTURE_VARIANT_ADD(hunt, library_wait_threshold) {
	.way = &hunt_lib_wait, .min = 7, .share = 2,
};

TEST_F_TIMEOUT(hunt, finds_nothing, 1200)
{
	bool device = !access(SHMRING_DEVICE, F_OK);
	struct hunt h = {
		.way = variant->way,
		.kind = device ? &hunt_device : &hunt_memory,
		.commits = (device ? 100000 : 1000000) *
			   (hunt_long() ? 10 : 1) / hunt_slowness() /
			   (variant->share ? variant->share : 1),
		.min = variant->min,
		.spin_ns = variant->spin_ns,
	};

	if (variant->device_only && !device)
		SKIP(return, "needs the device");
	if (!hunt_wanted(h.way))
		SKIP(return, "not this time");
	hunt_run(&h);
	EXPECT_EQ(0, h.fault);
	EXPECT_EQ(0, h.losses);
	EXPECT_EQ(h.commits, h.done[HUNT_PRODUCER]);
	/* Else nothing was hunted; who spins hardly ever sleeps */
	EXPECT_LE(h.commits / (variant->spin_ns ? 1000 : 200), h.sleeps);
#ifdef __x86_64__
	/*
	 * Both modes were armed against.  Where the kernel moves, it fences, and
	 * so do streams, which arm after nearly each move.
	 */
	if (h.way != &hunt_rw && h.way != &hunt_uring_rw &&
	    h.way != &hunt_epoll_edge_rw && h.way != &hunt_lib_stream)
		EXPECT_LT(0, h.barriers);
#endif
}

TEST_HARNESS_MAIN
