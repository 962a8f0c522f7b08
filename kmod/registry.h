/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_REGISTRY_H
#define SHMRING_REGISTRY_H

#include <linux/types.h>

struct shmring;

void shmring_reap(void);
void shmring_withdraw(struct shmring *ring, u32 handle);
u32 shmring_nr_handles(struct shmring *ring);
void shmring_registry_forget(struct shmring *ring);

#endif /* SHMRING_REGISTRY_H */
