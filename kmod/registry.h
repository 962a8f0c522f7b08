/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_REGISTRY_H
#define SHMRING_REGISTRY_H

#include <linux/types.h>

struct shmring;

int shmring_register(struct shmring *ring, u32 mode, u32 *handle);
int shmring_unregister(u32 handle);
struct shmring *shmring_lookup(u32 handle, u32 roles);
void shmring_reap(void);
u32 shmring_nr_handles(struct shmring *ring);
void shmring_registry_forget(struct shmring *ring);

#endif /* SHMRING_REGISTRY_H */
