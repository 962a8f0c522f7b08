/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A producer changes its mode after each commit, while the consumer arms.
 */
#include "model.h"

template <unsigned ops, bool start_fenced>
struct mode : scenario {
	enum { threads = 2 };
	model_ring<2, 4> ring;

	void begin() override
	{
		ring.init(0, start_fenced ? SHMRING_FENCED : SHMRING_UNFENCED);
	}

	/* As lib/mode.c does */
	void change()
	{
		shmring_end *e = &ring.producer;

		e->unfenced = !e->unfenced;
		shmring_change_mode(&ring.wr_mode, e->unfenced);
	}

	void thread(unsigned side) override
	{
		for (unsigned i = 0; i < ops; i++) {
			if (side == 0) {
				ring.commit(1);
				change();
			} else {
				ring.wait_level(&ring.consumer, &ring.readable, 1);
				ring.release(1);
			}
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<mode<2, true>>("fenced, then not, 2 operations a side");
	runs.all<mode<2, false>>("unfenced, then fenced, 2 operations a side");
	runs.random<mode<3, true>>("fenced, not, fenced, 3 operations a side", 200000);
	runs.random<mode<3, false>>("unfenced, fenced, not, 3 operations a side", 200000);
	return runs.end();
}
