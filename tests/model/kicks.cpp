/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Whoever kicks without cause takes no arm away without a wake: any thread that has
 * the file can do so at any time, and what releases a role does.
 */
#include "model.h"

template <unsigned ops, unsigned kicks>
struct kicked : scenario {
	enum { threads = 3 };
	model_ring<3, 4> ring;

	void begin() override
	{
		ring.init(0);
	}

	void thread(unsigned which) override
	{
		switch (which) {
		case 0:
			for (unsigned i = 0; i < ops; i++)
				ring.commit(1);
			break;
		case 1:
			for (unsigned i = 0; i < ops; i++) {
				ring.wait_level(&ring.consumer, &ring.readable, 1);
				ring.release(1);
			}
			break;
		case 2:
			for (unsigned i = 0; i < kicks; i++)
				shmring_arm_kick(&ring.rx_arm, ring.wake_readers, &ring);
			break;
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<kicked<1, 2>>("kicks without cause, 1 operation a side");
	runs.bound<kicked<2, 1>>("kicks without cause, 2 operations a side", 3);
	return runs.end();
}
