/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_QUOTA_H
#define SHMRING_QUOTA_H

#include <linux/types.h>
#include <linux/uidgid.h>

int shmring_quota_charge(kuid_t uid, unsigned long pages);
void shmring_quota_uncharge(kuid_t uid, unsigned long pages);
int shmring_quota_capacity(u32 capacity, u64 arena);

#endif /* SHMRING_QUOTA_H */
