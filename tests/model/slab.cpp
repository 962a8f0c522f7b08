/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slab: no slot is had twice, what is written to it is seen by who has it
 * next, its generation rises, and one wins each race for a slot in flight.
 */
#include "slab.h"

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
