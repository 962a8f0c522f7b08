/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_NOTIFY_H
#define SHMRING_NOTIFY_H

#include "ring.h"

s64 shmring_ready(struct shmring_side *side, u64 min);
s64 shmring_arm(struct shmring_side *side, u64 min);
s64 shmring_wait(struct shmring_side *side, u64 min, u64 most, s64 timeout_ns);
bool shmring_kick(struct shmring_side *side);
void shmring_kick_any(struct shmring_side *side);
void shmring_kick_work(struct irq_work *work);
void shmring_count(u64 *counter);
s64 shmring_corrupt(struct shmring *ring);
bool shmring_kick_if_reached(struct shmring_side *side);
void shmring_wake_all(struct shmring_side *side, __poll_t why);
__poll_t shmring_poll_side(struct shmring_side *side, bool arm);

/**
 * shmring_wanted - how many bytes would do for a side?
 * @side: the side
 * @min: bytes; 0: its threshold, which another thread may change
 * @most: no more than that
 */
static inline u64 shmring_wanted(const struct shmring_side *side, u64 min,
				 u64 most)
{
	return min_t(u64, min ?: READ_ONCE(side->lowat), most);
}

#endif /* SHMRING_NOTIFY_H */
