/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes arrive whole and in order, and none is overwritten before it is read.
 *
 * Both sides try a number of times, and go on with what they get.
 */
#include "model.h"

template <unsigned capacity, unsigned tries>
struct spsc : scenario {
	enum { threads = 2 };
	model_ring<2, capacity> ring;

	void begin() override
	{
		/* The positions wrap in the middle. */
		ring.init(-(__u64)1);
	}

	void thread(unsigned side) override
	{
		for (unsigned i = 0; i < tries; i++) {
			if (side == 0 && ring.sane(shmring_end_credit(&ring.producer)))
				ring.commit(1);
			if (side == 1 && ring.sane(shmring_end_credit(&ring.consumer)))
				ring.release(1);
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<spsc<2, 3>>("order and data, 3 tries a side, capacity 2");
	runs.all<spsc<4, 3>>("order and data, 3 tries a side, capacity 4");
	runs.all<spsc<2, 4>>("order and data, 4 tries a side, capacity 2");
	return runs.end();
}
