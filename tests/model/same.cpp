/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reduced search sees all that Relacy's own full search sees.
 *
 * The ending of an execution is what each thread has read from shared words, in
 * its order.  Where the full search ends in time, both must find the same set.
 */
#include "model.h"

/* Store buffering, and who reads whose store */
struct words : scenario {
	enum { threads = 3 };
	shmring_word a, b;

	void begin() override
	{
		a($) = 0;
		b($) = 0;
	}

	void thread(unsigned which) override
	{
		switch (which) {
		case 0:
			shmring_store_release(&a, 1);
			shmring_full_fence();
			shmring_load(&b);
			break;
		case 1:
			shmring_store(&b, 1);
			shmring_load_acquire(&a);
			shmring_cmpxchg(&a, 1, 2);
			break;
		case 2:
			shmring_load(&a);
			shmring_full_fence();
			shmring_load(&b);
			shmring_xchg(&b, 3);
			break;
		}
	}
};

/* One wait and one wake, with all that belongs to them */
struct one_wait : scenario {
	enum { threads = 2 };
	model_ring<2, 2> ring;

	void begin() override
	{
		ring.init(0);
	}

	void thread(unsigned side) override
	{
		if (side == 0) {
			ring.commit(1);
		} else {
			ring.wait_level(&ring.consumer, &ring.readable, 1);
			ring.release(1);
		}
	}
};

/* A ring that is full in between */
struct two_tries : scenario {
	enum { threads = 2 };
	model_ring<2, 2> ring;

	void begin() override
	{
		ring.init(0);
	}

	void thread(unsigned side) override
	{
		for (unsigned i = 0; i < 2; i++) {
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

	runs.same<words>("three threads on two words");
	runs.same<one_wait>("one wait, one wake");
	runs.same<two_tries>("two tries a side");
	return runs.end();
}
