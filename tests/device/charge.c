// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "charge.h"
#include "device.h"

#define GRACE_MS	20

int charge_begin(void)
{
	cpu_set_t one;

	if (device_put_text(CHARGE_ALL "/cgroup.subtree_control", "+memory"))
		return -EOPNOTSUPP;
	rmdir(CHARGE_GROUP);
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (mkdir(CHARGE_GROUP, 0755) || sched_setaffinity(0, sizeof(one), &one))
		return -errno;
	return device_put_text(CHARGE_GROUP "/cgroup.procs", "0");
}

int charge_end(void)
{
	int err = device_put_text(CHARGE_ALL "/cgroup.procs", "0");

	if (!err && rmdir(CHARGE_GROUP))
		err = -errno;
	return err;
}

long charge_now(void)
{
	return device_get_number(CHARGE_GROUP "/memory.stat", "\nkernel ");
}

long charge_settled(void)
{
	device_sleep_ms(GRACE_MS);
	return charge_now();
}
