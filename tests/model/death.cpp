/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A producer that dies between P1 and its kick leaves nobody asleep.
 *
 * Either its role is released, which says so and wakes whoever is on the queue
 * whether armed or not; or somebody carries on where it stopped, and the next
 * commit answers the arm.
 */
#include "model.h"

template <unsigned ops, bool successor>
struct death : scenario {
	enum { threads = 2 };
	model_ring<2, 4> ring;
	/* The state word in the kernel's page; not 0: the producer has gone */
	shmring_word state;

	void begin() override
	{
		ring.init(0);
		state($) = 0;
	}

	void produce()
	{
		shmring_end *e = &ring.producer;

		for (unsigned i = 0; i < ops - 1 - successor; i++)
			ring.commit(1);
		ring.write(1, $);
		e->pos++;
		shmring_store_release(e->own, e->pos);	/* P1, and no more */
		if (successor) {
			ring.commit(1);
			return;
		}
		shmring_store_release(&state, 1);
		ring.readable.wake($);
	}

	void consume()
	{
		__u64 credit, left = ops;

		while (left) {
			ring.readable.enqueue($);
			for (;;) {
				credit = ring.arm(&ring.consumer, 1);
				if (credit)
					break;
				/* Who has gone has committed before. */
				if (!successor && shmring_load_acquire(&state)) {
					credit = ring.sane(shmring_end_credit(&ring.consumer));
					RL_ASSERT(credit == left);
					break;
				}
				ring.readable.sleep($);
			}
			ring.release(credit);
			left -= credit;
		}
	}

	void thread(unsigned side) override
	{
		if (side == 0)
			produce();
		else
			consume();
	}
};

int main()
{
	model_runs runs;

	runs.all<death<3, false>>("producer dies before its kick, its role is released, 3 commits");
	runs.all<death<3, true>>("producer dies before its kick, another carries on, 3 commits");
	return runs.end();
}
