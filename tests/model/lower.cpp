/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Two waiters that need different amounts share the arm word.
 *
 * The producer goes on only when the waiter that needs less has seen what it
 * needs, so a wake that this one lost ends in a deadlock.
 */
#include "model.h"

template <unsigned ops>
struct lower : scenario {
	enum { threads = 3 };
	model_ring<3, 4> ring;
	wait_queue<3> answers;
	shmring_end other;

	void begin() override
	{
		ring.init(0);
		other = ring.consumer;
	}

	void produce()
	{
		for (unsigned i = 1; i <= ops; i++) {
			ring.commit(1);
			if (i < ops)
				answers.sleep($);
		}
	}

	/* Needs a byte more each time */
	void wait_for_each()
	{
		for (unsigned i = 1; i < ops; i++) {
			ring.wait_level(&ring.consumer, &ring.readable, i);
			answers.wake($);
		}
	}

	/* Needs all */
	void wait_for_all()
	{
		ring.wait_level(&other, &ring.readable, ops);
		ring.read(ops, $);
	}

	void thread(unsigned which) override
	{
		switch (which) {
		case 0:
			produce();
			break;
		case 1:
			wait_for_each();
			break;
		case 2:
			wait_for_all();
			break;
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<lower<2>>("two waiters share an arm, 2 commits");
	/* Three threads with three operations do not end in minutes. */
	runs.bound<lower<3>>("two waiters share an arm, 3 commits", 2);
	runs.random<lower<3>>("two waiters share an arm, 3 commits", 500000);
	return runs.end();
}
