// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmring_example - a driver that hands samples to a process: copy and change
 *
 * An hrtimer stands for the interrupt of a device.  A process finds the ring by
 * the module's parameter "handle"; lib/examples/samples.c is that process.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/module.h>

#include "compat.h"
#include "shmring.h"

struct sample {
	u64 time_ns;
	u64 number;
};

static u32 handle;
module_param(handle, uint, 0444);
MODULE_PARM_DESC(handle, "Of the ring, for shmring_get()");

static ulong period_ns = NSEC_PER_MSEC;
module_param(period_ns, ulong, 0444);

static struct shmring *ring;
static struct shmring_kernel_end producer;
static struct hrtimer timer;

static enum hrtimer_restart take_sample(struct hrtimer *t)
{
	static u64 number;
	struct sample sample = {
		.time_ns = ktime_get_ns(),
		.number = number++,
	};

	/* What does not fit is counted, see "drops" of the ring */
	shmring_write_or_drop(&producer, &sample, sizeof(sample));
	hrtimer_forward_now(t, ns_to_ktime(period_ns));
	return HRTIMER_RESTART;
}

static int __init example_init(void)
{
	int err;

	/* With less the timer is all that its CPU does; more is not a time */
	if (period_ns < NSEC_PER_USEC || period_ns > KTIME_MAX)
		return -EINVAL;
	ring = shmring_alloc(1 << 16, 0, 0);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = shmring_claim_end(&producer, ring, SHMRING_ROLE_PRODUCER, NULL);
	if (err)
		goto put;
	err = shmring_register(ring, 0600, &handle);
	if (err)
		goto drop;
	shmring_hrtimer_setup(&timer, take_sample, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL);
	hrtimer_start(&timer, ns_to_ktime(period_ns), HRTIMER_MODE_REL);
	return 0;
drop:
	shmring_drop_end(&producer);
put:
	shmring_put(ring);
	return err;
}

static void __exit example_exit(void)
{
	hrtimer_cancel(&timer);
	shmring_drop_end(&producer);	/* the process reads on to the end */
	shmring_put(ring);		/* the handle goes with the last holder */
}

module_init(example_init);
module_exit(example_exit);
MODULE_DESCRIPTION("Example of a kernel producer");
MODULE_LICENSE("GPL");
