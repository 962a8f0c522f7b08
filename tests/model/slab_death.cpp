/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slab: whoever dies loses no slot, wherever it dies.
 *
 * One may die before any of its steps.  Another, who has seen its end, reclaims
 * what it held, and then must find each slot once that nobody has.
 */
#include "model.h"
#include "slab.h"

enum { DEAD, RECLAIMER, OTHER };

/* What one of them does to the slab */
enum what { NOTHING, ALLOC, FREE, CHAIN, CONFIRM };

template <unsigned count, what dead, what reclaimer, what other = NOTHING>
struct death : scenario {
	enum { threads = 3 };
	model_slab<count, 4> s;
	wait_queue<3> died, ended;
	shmring_slot given[3];
	__u64 first;
	unsigned held = 0, found = 0;

	void begin() override
	{
		unsigned used = 0;

		s.init(dead == CHAIN ? 4 : 0);
		for (unsigned me = 0; me < 3; me++)
			if (of(me) == FREE)
				given[me] = s.give(used++, me + 1, SHMRING_SLAB_ALLOCATED);
	}

	static what of(unsigned me)
	{
		return me == DEAD ? dead : me == RECLAIMER ? reclaimer : other;
	}

	void work(unsigned me)
	{
		shmring_slot slot;

		switch (of(me)) {
		case NOTHING:
			break;
		case ALLOC:
			held += s.alloc(me, &slot) && me != DEAD;
			break;
		case FREE:
			s.free_allocated(me, given[me]);
			break;
		case CHAIN:
			if (s.alloc(me, &slot))
				s.free_allocated(me, slot);
			RL_ASSERT(!shmring_slab_close(&s.caches[me]));
			break;
		case CONFIRM:
			shmring_slab_confirm(&s.slab, me + 1, first);
			break;
		}
	}

	void reclaim(unsigned me)
	{
		unsigned had = 0;
		shmring_slot slot;
		int n = shmring_slab_reclaim(&s.caches[me], DEAD + 1, DEAD + 1);

		/* It has closed: it came to its end. */
		RL_ASSERT(n >= 0 || (dead == CHAIN && n == -ESRCH));
		ended.sleep($);
		while (s.alloc(me, &slot)) {
			RL_ASSERT(!(had & 1U << shmring_slot_index(slot)));
			had |= 1U << shmring_slot_index(slot);
			found++;
		}
		RL_ASSERT(found + held == count);
	}

	void thread(unsigned me) override
	{
		if (me == DEAD) {
			try {
				model_mortal[me] = true;
				work(me);
			} catch (model_death) {
			}
			model_mortal[me] = false;
			died.wake($);
			return;
		}
		work(me);
		if (me == OTHER) {
			ended.wake($);
			return;
		}
		died.sleep($);
		reclaim(me);
	}
};

/*
 * Who has made the head has made it before; that one is confirmed while it makes
 * the next one, which somebody else confirms.
 */
struct late : death<3, ALLOC, ALLOC, CONFIRM> {
	void begin() override
	{
		shmring_slot slot;

		death::begin();
		s.alloc(DEAD, &slot);
		first = shmring_load(s.slab.head);
	}
};

int main()
{
	model_runs runs;

	runs.all<death<3, CHAIN, NOTHING>>("dies with a chain, nobody else works");
	runs.all<death<2, ALLOC, NOTHING, ALLOC>>("dies at a pop, another pops");
	runs.all<death<2, ALLOC, NOTHING, FREE>>("dies at a pop, another pushes");
	runs.all<death<2, FREE, NOTHING, ALLOC>>("dies at a push, another pops");
	runs.all<death<2, FREE, NOTHING, FREE>>("dies at a push, another pushes");
	runs.all<late>("dies at its second pop, the first one is confirmed late");
	return runs.end();
}
