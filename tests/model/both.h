/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A consumer that waits for data and a producer that waits for space do not
 * wait for each other, as long as what the one leaves is enough for the other.
 *
 * Each side moves as much as it has waited for.
 */
#ifndef SHMRING_MODEL_BOTH_H
#define SHMRING_MODEL_BOTH_H

#include "model.h"

template <unsigned capacity, unsigned rx_min, unsigned tx_min, unsigned bytes,
	  __u64 mode = SHMRING_FENCED>
struct both : scenario {
	enum { threads = 2 };
	model_ring<2, capacity> ring;

	void begin() override
	{
		/* The positions wrap in the middle. */
		ring.init(-(__u64)2, mode);
	}

	void thread(unsigned side) override
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
};

#endif /* SHMRING_MODEL_BOTH_H */
