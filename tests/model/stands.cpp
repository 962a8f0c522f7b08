/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Waiters of one end who find the arm of another, or their own of before, and
 * leave it at that
 */
#include "model.h"

/* Two who need the same; the arm is taken away once without cause, or never. */
template <unsigned kicks, __u64 producer_mode>
struct stands : scenario {
	enum { threads = 3 };
	model_ring<3, 4> ring;
	shmring_end other;

	void begin() override
	{
		ring.init(0, producer_mode);
		other = ring.consumer;
	}

	void thread(unsigned which) override
	{
		switch (which) {
		case 0:
			for (unsigned i = 0; i < kicks; i++)
				shmring_arm_kick(&ring.rx_arm, ring.wake_readers, &ring);
			ring.commit(1);
			break;
		case 1:
			ring.wait_level(&ring.consumer, &ring.readable, 1);
			break;
		case 2:
			ring.wait_level(&other, &ring.readable, 1);
			break;
		}
	}
};

/* One who arms again, and then for less */
template <__u64 producer_mode>
struct again : scenario {
	enum { threads = 2 };
	model_ring<2, 4> ring;

	void begin() override
	{
		ring.init(0, producer_mode);
	}

	void thread(unsigned side) override
	{
		if (side == 0) {
			ring.commit(1);
			return;
		}
		ring.readable.enqueue($);
		ring.arm(&ring.consumer, 2);
		ring.arm(&ring.consumer, 2);
		ring.wait_level(&ring.consumer, &ring.readable, 1);
		ring.release(1);
	}
};

int main()
{
	model_runs runs;

	runs.all<again<SHMRING_FENCED>>("arms again and again");
	runs.all<again<SHMRING_UNFENCED>>("unfenced, arms again and again");
	runs.all<stands<0, SHMRING_FENCED>>("two find one arm");
	runs.bound<stands<0, SHMRING_UNFENCED>>("unfenced, two find one arm", 4);
	runs.bound<stands<1, SHMRING_FENCED>>("two find one arm, a kick without cause", 3);
	runs.bound<stands<1, SHMRING_UNFENCED>>("unfenced, two find one arm, a kick without cause", 3);
	return runs.end();
}
