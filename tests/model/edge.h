/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An edge-triggered epoll: its entry stays on the wait queue, a wake makes it
 * ready, and epoll_wait() takes that back and asks ->poll whether it is true.
 * The consumer reads until nothing is left, arms, and calls epoll_wait().
 */
#ifndef SHMRING_MODEL_EDGE_H
#define SHMRING_MODEL_EDGE_H

#include "model.h"

template <unsigned ops, bool poll_arms, bool user_arms,
	  __u64 mode = SHMRING_FENCED>
struct edge : scenario {
	enum { threads = 2 };
	/* Room for all, so that the producer never waits */
	model_ring<2, 4> ring;

	void begin() override
	{
		ring.init(0, mode);
	}

	/* ->poll as epoll_wait() calls it: there is no queue to get onto. */
	bool poll()
	{
		if (ring.sane(shmring_end_credit(&ring.consumer)))
			return true;
		return poll_arms && ring.arm(&ring.consumer, 1);
	}

	void epoll_wait()
	{
		do
			ring.readable.sleep($);
		while (!poll());
	}

	void consume()
	{
		__u64 credit;
		unsigned left = ops;

		/* EPOLL_CTL_ADD: ->poll with a queue; ready at once? */
		ring.readable.enqueue($);
		if (!ring.arm(&ring.consumer, 1))
			epoll_wait();
		while (left) {
			credit = ring.sane(shmring_end_credit(&ring.consumer));
			if (!credit && user_arms)
				credit = ring.arm(&ring.consumer, 1);
			if (!credit) {
				epoll_wait();
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

#endif /* SHMRING_MODEL_EDGE_H */
