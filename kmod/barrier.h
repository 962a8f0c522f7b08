/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_BARRIER_H
#define SHMRING_BARRIER_H

#include "ring.h"

#define SHMRING_MAY_UNFENCE	IS_ENABLED(CONFIG_X86_64)

int shmring_unfence(struct shmring_side *side);
void shmring_forget_mover(struct shmring_side *side);
void shmring_heavy_barrier(void *side);
void shmring_recheck_later(void *side);
void shmring_init_recheck(struct shmring_side *side);
void shmring_cancel_recheck(struct shmring_side *side);

#endif /* SHMRING_BARRIER_H */
