/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_END_H
#define SHMRING_END_H

#include "ring.h"

int shmring_claim(struct shmring *ring, u32 roles, struct pid *holder);
void shmring_drop(struct shmring *ring, u32 roles);
u32 shmring_holder(struct shmring_side *side);

#endif /* SHMRING_END_H */
