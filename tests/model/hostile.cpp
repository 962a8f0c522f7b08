/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An impossible position is noticed and never followed.
 */
#include "model.h"

struct hostile : scenario {
	enum { threads = 2 };
	model_ring<2, 2> ring;

	void begin() override
	{
		ring.init(0);
	}

	void thread(unsigned side) override
	{
		__u64 credit;

		if (side == 0) {
			shmring_store_release(&ring.wr, 3);
			shmring_store_release(&ring.wr, -(__u64)1);
			return;
		}
		for (unsigned i = 0; i < 2; i++) {
			credit = shmring_end_arm(&ring.consumer, 1, &ring.arming[0],
						 model_heavy, NULL);
			RL_ASSERT(credit == 0 || credit == SHMRING_CREDIT_CORRUPT);
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<hostile>("the producer lies about its position");
	return runs.end();
}
