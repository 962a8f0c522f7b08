/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A consumer whose wakes come without a look by ->poll misses none: multishot
 * polls of io_uring, and eventfds.  It reads until nothing is left, arms, and
 * waits for the next completion.
 */
#include "model.h"

template <unsigned ops>
struct multishot : scenario {
	enum { threads = 2 };
	/* Room for all, so that the producer never waits */
	model_ring<2, 4> ring;

	void begin() override
	{
		ring.init(0);
	}

	void consume()
	{
		unsigned left = ops;

		while (left) {
			if (!ring.sane(shmring_end_credit(&ring.consumer)) &&
			    !ring.arm(&ring.consumer, 1)) {
				ring.readable.sleep($);
				continue;
			}
			ring.release(1);
			left--;
		}
	}

	void thread(unsigned side) override
	{
		if (side == 1) {
			consume();
			return;
		}
		for (unsigned i = 0; i < ops; i++)
			ring.commit(1);
	}
};

int main()
{
	model_runs runs;

	runs.all<multishot<3>>("multishot waiter, 3 operations a side");
	runs.random<multishot<4>>("multishot waiter, 4 operations a side", 200000);
	return runs.end();
}
