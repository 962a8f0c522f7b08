/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A consumer that waits for data and a producer that waits for space do not
 * wait for each other, with thresholds up to half the capacity.
 *
 * Each side moves as much as it has waited for.
 */
#include "model.h"

template <unsigned capacity, unsigned rx_min, unsigned tx_min, unsigned bytes>
struct both : rl::test_suite<both<capacity, rx_min, tx_min, bytes>, 2> {
	model_ring<2, capacity> ring;

	void before()
	{
		model_begin();
		/* The positions wrap in the middle. */
		ring.init(-(__u64)2);
	}

	void thread(unsigned side)
	{
		if (side == 0) {
			for (unsigned i = 0; i < bytes; i += tx_min) {
				ring.wait_level(&ring.producer, &ring.writable, tx_min);
				ring.commit(tx_min);
			}
		} else {
			for (unsigned i = 0; i < bytes; i += rx_min) {
				ring.wait_level(&ring.consumer, &ring.readable, rx_min);
				ring.release(rx_min);
			}
		}
	}

	void after()
	{
		model_all_endings.add();
	}
};

int main()
{
	model_runs runs;

	runs.all<both<2, 1, 1, 3>>("both wait, 3 operations a side, capacity 2, thresholds 1 and 1");
	runs.all<both<2, 2, 2, 6>>("both wait, 3 operations a side, capacity 2, thresholds 2 and 2");
	runs.all<both<2, 2, 1, 4>>("both wait, 2 reads, 4 writes, capacity 2, thresholds 2 and 1");
	runs.all<both<2, 1, 2, 4>>("both wait, 4 reads, 2 writes, capacity 2, thresholds 1 and 2");
	return runs.end();
}
