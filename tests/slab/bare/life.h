/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of some slots, without a libc: every call of shmring_slab_raw.h.
 * What includes this has included an atomic layer.
 */
#ifndef SLAB_LIFE_H
#define SLAB_LIFE_H

#include <shmring_slab_raw.h>

#define LIFE_SLOTS	40U

/* Returns 0, or which step failed; @memory is aligned to 128 and all its own. */
static int slab_life(void *memory, __u64 length)
{
	static struct shmring_slab_cache a, b;
	struct shmring_slab_error err;
	struct shmring_slab made, s;
	shmring_slot slots[LIFE_SLOTS], slot;
	__u32 lap, i, holder;

	if (shmring_slab_raw_length(64, LIFE_SLOTS, 3) > length ||
	    shmring_slab_raw_init(&made, memory, length, 64, LIFE_SLOTS, 3) ||
	    shmring_slab_raw_attach(&s, memory, length) ||
	    shmring_slab_slot_size(&s) != 64 || shmring_slab_count(&s) != LIFE_SLOTS)
		return 1;
	if (shmring_slab_open(&a, &made, 0, 11, 8) || shmring_slab_open(&b, &s, 3, 33, 0) ||
	    shmring_slab_holder(&s, 1, &holder) || holder != 11)
		return 2;
	for (lap = 1; lap < 10; lap++) {
		for (i = 0; i < LIFE_SLOTS; i++) {
			if (shmring_slab_alloc(&a, &slots[i]) ||
			    shmring_slot_generation(slots[i]) != lap)
				return 3;
			*(__u32 *)shmring_slab_data(&made, slots[i]) = lap;
		}
		if (shmring_slab_alloc(&a, &slot) != -ENOSPC || shmring_slab_free_count(&s))
			return 4;
		for (i = 0; i < LIFE_SLOTS; i++) {
			if (shmring_slab_free_allocated(&b, slots[i], &err) != -EPERM ||
			    shmring_slab_mark_in_flight(&a, slots[i], &err))
				return 5;
			if (*(__u32 *)shmring_slab_data(&s, slots[i]) != lap)
				return 6;
			if (i & 1 ? shmring_slab_free(&a, slots[i], &err) :
				    shmring_slab_take(&b, slots[i], &err) ||
				    shmring_slab_free_allocated(&b, slots[i], &err))
				return 7;
		}
		/* So that each is had once again in the next lap */
		for (i = 0; a.n; i++)
			if (shmring_slab_drain(&a, 1))
				return 8;
	}
	if (shmring_slab_alloc(&a, &slot) || shmring_slab_reclaim(&b, 1, 11) < 1 ||
	    shmring_slab_close(&b) || shmring_slab_free_count(&s) != LIFE_SLOTS)
		return 9;
	return 0;
}

#endif /* SLAB_LIFE_H */
