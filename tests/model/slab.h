/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slab over memory of which what the slots hold is plain to the checker, so
 * that two who have one, or one who has it too early, are a data race.
 */
#ifndef SHMRING_MODEL_SLAB_H
#define SHMRING_MODEL_SLAB_H

#include "atomic.h"
#include "run.h"

#include <shmring_slab_raw.h>

template <unsigned count, unsigned owners>
struct model_slab {
	shmring_word head;
	shmring_slab_record records[owners];
	shmring_word states[count];
	shmring_word links[count];
	rl::var<unsigned> data[count];
	shmring_slab slab;
	shmring_slab_cache caches[owners];

	/* All slots free, all owners there */
	void init(__u32 magazine)
	{
		slab.head = &head;
		slab.records = records;
		slab.states = reinterpret_cast<unsigned char *>(states);
		slab.stride = sizeof(states[0]);
		slab.links = links;
		slab.data = nullptr;
		slab.count = count;
		slab.owners = owners;
		slab.index_bits = shmring_slab_bits(count - 1);
		slab.tag_shift = slab.index_bits + shmring_slab_bits(owners - 1);
		for (unsigned i = 0; i < owners; i++) {
			records[i].pending($) = 0;
			records[i].holder($) = i + 1;
			records[i].ack($) = 0;
			caches[i].slab = slab;
			caches[i].owner = i + 1;
			caches[i].limit = magazine;
			caches[i].n = 0;
		}
		for (unsigned i = 0; i < count; i++) {
			states[i]($) = SHMRING_SLAB_FREE;
			links[i]($) = i + 1 < count ? i + 1 : shmring_slab_none(&slab);
			data[i]($) = 0U;
		}
		head($) = 0;
	}

	/* Slot @i is @owner's, of generation 1; the stack begins with the next one. */
	shmring_slot give(unsigned i, __u32 owner, __u32 state)
	{
		shmring_slot slot = (__u64)1 << 32 | i;

		states[i]($) = shmring_slab_word(slot, owner, state);
		head($) = i + 1 < count ? i + 1 : shmring_slab_none(&slab);
		data[i]($) = 1U;
		return slot;
	}

	/* Owner 1 has died when it had popped slot 0, before S3. */
	void die_at_pop()
	{
		shmring_slot slot;

		alloc(0, &slot);
		states[0]($) = SHMRING_SLAB_FREE;
		data[0]($) = 0U;
		records[0].pending($) = shmring_slab_pending(&slab, 0, 0, 1,
							     SHMRING_SLAB_POP);
	}

	/* Its data are its generation: the last user's is one less. */
	bool alloc(unsigned me, shmring_slot *slot)
	{
		int err = shmring_slab_alloc(&caches[me], slot);

		RL_ASSERT(!err || err == -ENOSPC);
		if (err)
			return false;
		unsigned i = shmring_slot_index(*slot);
		RL_ASSERT(i < count);
		RL_ASSERT(data[i]($).load() + 1 == shmring_slot_generation(*slot));
		data[i]($) = shmring_slot_generation(*slot);
		return true;
	}

	void look(shmring_slot slot)
	{
		RL_ASSERT(data[shmring_slot_index(slot)]($).load() ==
			  shmring_slot_generation(slot));
	}

	void free_allocated(unsigned me, shmring_slot slot)
	{
		look(slot);
		RL_ASSERT(!shmring_slab_free_allocated(&caches[me], slot, nullptr));
	}
};

#endif /* SHMRING_MODEL_SLAB_H */
