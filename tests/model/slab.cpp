/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slab: no slot is had twice, what is written to it is seen by who has it
 * next, its generation rises, and one wins each race for a slot in flight.
 *
 * What the slots hold is plain to the checker, so that two who have one, or one
 * who has it too early, are a data race.
 */
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
			records[i].holder($) = SHMRING_SLAB_HELD;
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

/* Each allocates and frees a number of times. */
template <unsigned count, unsigned magazine, unsigned times>
struct alloc_free : scenario {
	enum { threads = 2 };
	model_slab<count, 2> s;

	void begin() override
	{
		s.init(magazine);
	}

	void thread(unsigned me) override
	{
		shmring_slot slot;

		for (unsigned i = 0; i < times; i++)
			if (s.alloc(me, &slot))
				s.free_allocated(me, slot);
	}
};

/*
 * The shape of ABA: one is about to pop the first slot; the other pops two, and
 * pushes the first one back, while it has the second.
 */
struct aba : scenario {
	enum { threads = 2 };
	model_slab<3, 2> s;

	void begin() override
	{
		s.init(0);
	}

	void thread(unsigned me) override
	{
		shmring_slot a, b;

		if (me) {
			if (s.alloc(me, &a))
				s.look(a);
			if (s.alloc(me, &b))
				s.look(b);
			return;
		}
		if (!s.alloc(me, &a))
			return;
		bool had = s.alloc(me, &b);
		s.free_allocated(me, a);
		if (had)
			s.look(b);
	}
};

/* A slot that is marked while the other wants to take it */
struct mark : scenario {
	enum { threads = 2 };
	model_slab<2, 2> s;
	shmring_slot slot;

	void begin() override
	{
		s.init(0);
		slot = s.give(0, 1, SHMRING_SLAB_ALLOCATED);
		/* Only what the owner writes now counts. */
		s.data[0]($) = 0U;
	}

	void thread(unsigned me) override
	{
		int err;

		if (!me) {
			s.data[0]($) = 1U;
			RL_ASSERT(!shmring_slab_mark_in_flight(&s.caches[0], slot, nullptr));
			return;
		}
		RL_ASSERT(shmring_slab_mark_in_flight(&s.caches[1], slot, nullptr) < 0);
		err = shmring_slab_take(&s.caches[1], slot, nullptr);
		RL_ASSERT(!err || err == -EBADFD);
		if (!err)
			s.free_allocated(1, slot);
	}
};

/* A slot in flight that both want to take, or to free; then it is had anew. */
template <bool first_takes, bool second_takes>
struct race : scenario {
	enum { threads = 2 };
	model_slab<1, 2> s;
	shmring_slot slot;
	unsigned won = 0, ended = 0;

	void begin() override
	{
		s.init(0);
		slot = s.give(0, 1, SHMRING_SLAB_IN_FLIGHT);
	}

	void thread(unsigned me) override
	{
		shmring_slot next;
		int err;

		if (me ? second_takes : first_takes) {
			err = shmring_slab_take(&s.caches[me], slot, nullptr);
			if (!err)
				s.free_allocated(me, slot);
		} else {
			err = shmring_slab_free(&s.caches[me], slot, nullptr);
		}
		RL_ASSERT(!err || err == -EBADFD || err == -ESTALE);
		won += !err;
		if (s.alloc(me, &next)) {
			RL_ASSERT(next == slot + ((__u64)1 << 32));
			s.look(next);
		}
		if (++ended == threads)
			RL_ASSERT(won == 1);
	}
};

/* One frees the only slot while the other asks for it again and again. */
struct exhaust : scenario {
	enum { threads = 2 };
	model_slab<1, 2> s;
	shmring_slot slot;

	void begin() override
	{
		s.init(0);
		slot = s.give(0, 1, SHMRING_SLAB_ALLOCATED);
	}

	void thread(unsigned me) override
	{
		shmring_slot next;

		if (!me) {
			s.free_allocated(0, slot);
			return;
		}
		for (unsigned i = 0; i < 2; i++) {
			if (s.alloc(me, &next)) {
				s.free_allocated(me, next);
				return;
			}
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<alloc_free<2, 0, 1>>("alloc and free, 2 slots");
	runs.all<alloc_free<1, 0, 2>>("alloc and free twice, 1 slot");
	runs.all<alloc_free<2, 1, 2>>("alloc and free twice, 2 slots, a magazine of 1");
	runs.all<mark>("mark in flight");
	runs.all<race<true, true>>("take or take");
	runs.all<race<true, false>>("take or free");
	runs.all<race<false, false>>("free or free");
	runs.all<exhaust>("exhaust while freeing");
	runs.bound<aba>("ABA", 4);
	runs.random<alloc_free<2, 0, 3>>("alloc and free 3 times, 2 slots", 20000);
	return runs.end();
}
