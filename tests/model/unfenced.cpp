/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ends that leave the fence to their peer's heavy barrier lose no wake-up
 * either.
 */
#include "both.h"
#include "edge.h"

/* A level-triggered consumer, or one that gets its wakes without a look */
template <unsigned ops, bool look>
struct unfenced : scenario {
	enum { threads = 2 };
	model_ring<2, 4> ring;

	void begin() override
	{
		ring.init(0, SHMRING_UNFENCED);
	}

	void thread(unsigned side) override
	{
		for (unsigned i = 0; i < ops; i++) {
			if (side == 0) {
				ring.commit(1);
				continue;
			}
			if (look)
				ring.wait_level(&ring.consumer, &ring.readable, 1);
			while (!look && !ring.arm(&ring.consumer, 1))
				ring.readable.sleep($);
			ring.release(1);
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<unfenced<3, true>>("unfenced, level waiter, 3 operations a side");
	runs.all<unfenced<3, false>>("unfenced, multishot waiter, 3 operations a side");
	runs.all<edge<3, true, true, SHMRING_UNFENCED>>("unfenced, edge waiter, 3 operations a side");
	runs.random<edge<4, true, true, SHMRING_UNFENCED>>("unfenced, edge waiter, 4 operations a side", 200000);
	runs.all<both<2, 1, 1, 2, SHMRING_UNFENCED>>("unfenced, both wait, 2 bytes through 2");
	runs.random<both<2, 1, 1, 4, SHMRING_UNFENCED>>("unfenced, both wait, 4 bytes through 2", 200000);
	return runs.end();
}
