// SPDX-License-Identifier: GPL-2.0-only
/*
 * No wake-up is lost between a process and the kernel, whichever way the
 * process waits, and from whatever context the kernel moves its end
 *
 * Each way to wait and each context comes in both directions, not each with
 * each.  HUNT_SEED and HUNT_WAY as in tests/hunt.
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

#include <kselftest_harness.h>

FIXTURE(kernel_hunt)
{
};

FIXTURE_VARIANT(kernel_hunt)
{
	enum hunt_role role;	/* the kernel's */
	enum control_context context;
	const struct hunt_way *way;
	uint32_t min;
	unsigned int share;	/* a part of the commits, 0: all */
};

FIXTURE_SETUP(kernel_hunt)
{
}

FIXTURE_TEARDOWN(kernel_hunt)
{
}

FIXTURE_VARIANT_ADD(kernel_hunt, hardirq_to_poll) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_HARDIRQ,
	.way = &hunt_poll,
};

FIXTURE_VARIANT_ADD(kernel_hunt, hardirq_to_wait) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_HARDIRQ,
	.way = &hunt_wait_ioctl,
	.share = 4,
};

FIXTURE_VARIANT_ADD(kernel_hunt, softirq_to_epoll_edge) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_SOFTIRQ,
	.way = &hunt_epoll_edge,
};

FIXTURE_VARIANT_ADD(kernel_hunt, nmi_to_read) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_NMI,
	.way = &hunt_rw,
};

FIXTURE_VARIANT_ADD(kernel_hunt, nmi_to_epoll_edge) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_NMI,
	.way = &hunt_epoll_edge,
	.share = 4,
};

FIXTURE_VARIANT_ADD(kernel_hunt, kthread_to_wait) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_KTHREAD,
	.way = &hunt_wait_ioctl,
};

FIXTURE_VARIANT_ADD(kernel_hunt, work_to_poll_threshold) {
	.role = HUNT_PRODUCER,
	.context = CONTEXT_WORK,
	.way = &hunt_poll,
	.min = 16,
	.share = 4,
};

FIXTURE_VARIANT_ADD(kernel_hunt, write_to_work) {
	.role = HUNT_CONSUMER,
	.context = CONTEXT_WORK,
	.way = &hunt_rw,
};

FIXTURE_VARIANT_ADD(kernel_hunt, poll_to_kthread) {
	.role = HUNT_CONSUMER,
	.context = CONTEXT_KTHREAD,
	.way = &hunt_poll,
};

FIXTURE_VARIANT_ADD(kernel_hunt, epoll_edge_to_hardirq) {
	.role = HUNT_CONSUMER,
	.context = CONTEXT_HARDIRQ,
	.way = &hunt_epoll_edge,
	.share = 4,
};

FIXTURE_VARIANT_ADD(kernel_hunt, wait_to_softirq) {
	.role = HUNT_CONSUMER,
	.context = CONTEXT_SOFTIRQ,
	.way = &hunt_wait_ioctl,
	.share = 4,
};

FIXTURE_VARIANT_ADD(kernel_hunt, poll_to_nmi) {
	.role = HUNT_CONSUMER,
	.context = CONTEXT_NMI,
	.way = &hunt_poll,
	.share = 4,
};

FIXTURE_VARIANT_ADD(kernel_hunt, epoll_edge_to_work_threshold) {
	.role = HUNT_CONSUMER,
	.context = CONTEXT_WORK,
	.way = &hunt_epoll_edge,
	.min = 13,
	.share = 4,
};

/* Can the kernel get into that context here? */
static int context_there(enum control_context context)
{
	int control = control_open();
	int err;

	if (control < 0)
		return control;
	err = CALL(control, CALL_ALLOC, .capacity = 64) ?:
	      CALL(control, CALL_CLAIM, .role = SHMRING_ROLE_PRODUCER,
		   .flags = CLAIM_NOTIFY) ?:
	      control_start(control, context, 0, 1, 1, 1) ?:
	      control_ioctl(control, CONTROL_WAIT, NULL);
	close(control);
	return err;
}

TEST_F_TIMEOUT(kernel_hunt, finds_nothing, 1200)
{
	struct hunt_kernel kernel = {
		.role = variant->role,
		.context = variant->context,
	};
	struct hunt h = {
		.way = variant->way,
		.kind = &hunt_kernel,
		.kernel = &kernel,
		.commits = (hunt_long() ? 1000000 : 100000) / hunt_slowness() /
			   (variant->share ? variant->share : 1),
		.min = variant->min,
	};
	int err = context_there(variant->context);

	if (err == -EOPNOTSUPP || err == -ETIME)
		SKIP(return, "%s: %s", control_context_name(variant->context),
		     err == -ETIME ? "does not arrive" :
				     "cannot be had on this machine");
	ASSERT_EQ(0, err);
	if (!hunt_wanted(h.way))
		SKIP(return, "not this time");
	printf("# the kernel %s, %s:\n", variant->role == HUNT_PRODUCER ?
	       "produces" : "consumes", control_context_name(variant->context));
	fflush(stdout);
	hunt_run(&h);
	EXPECT_EQ(0, h.fault);
	EXPECT_EQ(0, h.losses);
	EXPECT_EQ(h.commits, h.done[HUNT_PRODUCER]);
	/* Else nothing was hunted */
	EXPECT_LE(h.commits / 100, h.waits);
}

TEST_HARNESS_MAIN
