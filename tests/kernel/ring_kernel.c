// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ring under test: the device's, with one of its ends in the kernel
 *
 * The process that would be that end starts the job, sleeps until it is done,
 * and gets it going after a loss.  It is never moved itself.
 */
#include <errno.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

static const __u32 roles[HUNT_ROLES] = {
	[HUNT_CONSUMER] = SHMRING_ROLE_CONSUMER,
	[HUNT_PRODUCER] = SHMRING_ROLE_PRODUCER,
};

/* The role is taken before the other end can miss it. */
static int kernel_open(struct hunt *h)
{
	struct hunt_kernel *k = h->kernel;
	int err = hunt_device.open(h);

	if (err)
		return err;
	k->control = control_claim(h->handle, roles[k->role]);
	if (k->control >= 0)
		return 0;
	hunt_device.close(h);
	return k->control;
}

static void kernel_close(struct hunt *h)
{
	struct hunt_kernel *k = h->kernel;

	close(k->control);
	hunt_device.close(h);
}

static void add_report(struct hunt_end *e, const struct control_report *r)
{
	e->report->moves = r->moves;
	e->report->waits = r->arms;
	e->pos = r->bytes;
}

static int kernel_run(struct hunt_end *e)
{
	struct hunt *h = e->hunt;
	struct hunt_kernel *k = h->kernel;
	struct control_report report;
	int err;

	if (e->role != k->role)
		return 1;
	/* It waits, all the time, as far as the watcher is concerned */
	e->report->calls = 1;
	err = control_start(k->control, k->context, 0, h->commits, h->min,
			    h->seed ^ h->capacity);
	if (err)
		return err;
	do {
		err = control_ioctl(k->control, CONTROL_WAIT, NULL);
		if (err == -EINTR)
			control_ioctl(k->control, CONTROL_RESUME, NULL);
	} while (err == -EINTR);
	control_ioctl(k->control, CONTROL_REPORT, &report);
	add_report(e, &report);
	control_ioctl(k->control, CONTROL_STOP, NULL);
	CALL(k->control, CALL_DROP);
	return err;
}

static int kernel_asleep(struct hunt *h, enum hunt_role role)
{
	struct hunt_kernel *k = h->kernel;
	struct control_report report;

	if (role != k->role)
		return -1;
	if (control_ioctl(k->control, CONTROL_REPORT, &report))
		return 0;
	return report.waits && !report.done;
}

static int device_join(struct hunt_end *e)
{
	return hunt_device.join(e);
}

static ssize_t device_move(struct hunt_end *e, void *buf, size_t n)
{
	return hunt_device.move(e, buf, n);
}

static uint64_t device_credit(struct hunt_end *e)
{
	return hunt_device.credit(e);
}

static bool device_ended(struct hunt_end *e)
{
	return hunt_device.ended(e);
}

static uint64_t device_position(struct hunt_end *e)
{
	return hunt_device.position(e);
}

static void device_leave(struct hunt_end *e)
{
	hunt_device.leave(e);
}

static void device_look(struct hunt *h, struct hunt_look *look)
{
	hunt_device.look(h, look);
}

const struct hunt_ring hunt_kernel = {
	.name = "kernel",
	.open = kernel_open,
	.join = device_join,
	.move = device_move,
	.credit = device_credit,
	.ended = device_ended,
	.position = device_position,
	.leave = device_leave,
	.look = device_look,
	.close = kernel_close,
	.run = kernel_run,
	.asleep = kernel_asleep,
};
