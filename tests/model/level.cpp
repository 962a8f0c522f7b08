/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A consumer that looks again before each sleep does not sleep on data.
 */
#include "model.h"

template <unsigned ops>
struct level : scenario {
	enum { threads = 2 };
	/* Room for all, so that the producer never waits */
	model_ring<2, 4> ring;

	void begin() override
	{
		ring.init(0);
	}

	void thread(unsigned side) override
	{
		for (unsigned i = 0; i < ops; i++) {
			if (side == 0) {
				ring.commit(1);
			} else {
				ring.wait_level(&ring.consumer, &ring.readable, 1);
				ring.release(1);
			}
		}
	}
};

/* The same where an arm would have to be SHMRING_ARM_NONE, and after it */
template <unsigned ops>
struct level_wrap : level<ops> {
	void begin() override
	{
		this->ring.init(-(__u64)2);
	}
};

int main()
{
	model_runs runs;

	runs.all<level<3>>("level waiter, 3 operations a side");
	runs.all<level_wrap<3>>("level waiter, 3 operations a side, positions wrap");
	runs.random<level<4>>("level waiter, 4 operations a side", 200000);
	return runs.end();
}
