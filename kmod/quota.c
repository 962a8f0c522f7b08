// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much each user may hold: rings are memory that no process' own limits see
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "param.h"
#include "quota.h"
#include "ring.h"

static ulong max_capacity = SHMRING_CAPACITY_MAX;
module_param_cb(max_capacity, &shmring_limit_ops, &max_capacity, 0644);
MODULE_PARM_DESC(max_capacity, "Largest ring, and largest arena, in bytes, but for CAP_SYS_RESOURCE");

static ulong max_user_rings = 1024;
module_param_cb(max_user_rings, &shmring_limit_ops, &max_user_rings, 0644);
MODULE_PARM_DESC(max_user_rings, "Rings a user may hold, but for CAP_SYS_RESOURCE");

static ulong max_user_bytes = 512UL << 20;
module_param_cb(max_user_bytes, &shmring_limit_ops, &max_user_bytes, 0644);
MODULE_PARM_DESC(max_user_bytes, "Bytes in a user's rings, but for CAP_SYS_RESOURCE");

/* What there is in all, so that a leak can be seen; under quotas_lock. */
static ulong rings;
module_param_cb(rings, &shmring_count_ops, &rings, 0444);
MODULE_PARM_DESC(rings, "Rings that exist now");

static ulong pages;
module_param_cb(pages, &shmring_count_ops, &pages, 0444);
MODULE_PARM_DESC(pages, "Pages in the rings that exist now");

struct shmring_quota {
	unsigned long rings;
	unsigned long pages;
};

/* One entry for each user who has a ring, by uid in the initial namespace. */
static DEFINE_XARRAY_FLAGS(quotas, XA_FLAGS_ACCOUNT);
static DEFINE_MUTEX(quotas_lock);

/**
 * shmring_quota_capacity - may the caller have a ring that large at all?
 * @capacity: bytes
 * @arena: bytes
 *
 * Return: 0, or -EPERM if either is above max_capacity.
 */
int shmring_quota_capacity(u32 capacity, u64 arena)
{
	if (max_t(u64, capacity, arena) > READ_ONCE(max_capacity) &&
	    !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	return 0;
}

static bool shmring_quota_fits(const struct shmring_quota *quota,
			       unsigned long more)
{
	unsigned long max = READ_ONCE(max_user_bytes) / PAGE_SIZE;

	return quota->rings < READ_ONCE(max_user_rings) &&
	       more <= max && quota->pages <= max - more;
}

/**
 * shmring_quota_charge - take a ring's share from its owner
 * @uid: the owner
 * @more: pages of the ring
 *
 * Context: process, may sleep.
 * Return: 0, -EDQUOT, -ENOMEM.
 */
int shmring_quota_charge(kuid_t uid, unsigned long more)
{
	unsigned long index = __kuid_val(uid);
	struct shmring_quota *quota;
	int err = 0;

	mutex_lock(&quotas_lock);
	quota = xa_load(&quotas, index);
	if (!quota) {
		err = -ENOMEM;
		quota = kzalloc(sizeof(*quota), GFP_KERNEL_ACCOUNT);
		if (!quota)
			goto unlock;
		err = xa_err(xa_store(&quotas, index, quota, GFP_KERNEL_ACCOUNT));
		if (err) {
			kfree(quota);
			goto unlock;
		}
	}
	if (shmring_quota_fits(quota, more) || capable(CAP_SYS_RESOURCE)) {
		quota->rings++;
		quota->pages += more;
		WRITE_ONCE(rings, rings + 1);
		WRITE_ONCE(pages, pages + more);
	} else {
		err = -EDQUOT;
		if (!quota->rings)
			kfree(xa_erase(&quotas, index));
	}
unlock:
	mutex_unlock(&quotas_lock);
	return err;
}

/**
 * shmring_quota_uncharge - give a ring's share back
 * @uid: the owner
 * @less: what was charged
 *
 * Context: process, may sleep.
 */
void shmring_quota_uncharge(kuid_t uid, unsigned long less)
{
	unsigned long index = __kuid_val(uid);
	struct shmring_quota *quota;

	mutex_lock(&quotas_lock);
	quota = xa_load(&quotas, index);
	quota->pages -= less;
	WRITE_ONCE(pages, pages - less);
	WRITE_ONCE(rings, rings - 1);
	if (!--quota->rings)
		kfree(xa_erase(&quotas, index));
	mutex_unlock(&quotas_lock);
}
