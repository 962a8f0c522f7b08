// SPDX-License-Identifier: GPL-2.0-only
/*
 * Parameters: numbers that are read and set through sysfs under a lock of its
 * own, while the module changes and reads them under other locks or none
 *
 * The kernel's own parameters are plain accesses, which would be data races here.
 */
#include <linux/kernel.h>
#include <linux/mm.h>

#include "param.h"

static int shmring_param_get(char *buffer, const struct kernel_param *param)
{
	const unsigned long *value = param->arg;

	return scnprintf(buffer, PAGE_SIZE, "%lu\n", READ_ONCE(*value));
}

static int shmring_param_set(const char *text, const struct kernel_param *param)
{
	unsigned long *value = param->arg;
	unsigned long wanted;
	int err = kstrtoul(text, 0, &wanted);

	if (!err)
		WRITE_ONCE(*value, wanted);
	return err;
}

/* Files without a "w" are not asked, but the command line of insmod is. */
static int shmring_param_refuse(const char *text,
				const struct kernel_param *param)
{
	return -EPERM;
}

const struct kernel_param_ops shmring_count_ops = {
	.get = shmring_param_get,
	.set = shmring_param_refuse,
};

const struct kernel_param_ops shmring_limit_ops = {
	.get = shmring_param_get,
	.set = shmring_param_set,
};
