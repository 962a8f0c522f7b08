/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The reduced search sees all that Relacy's own full search sees.
 *
 * The ending of an execution is what each thread has read from shared words, in
 * its order.  Where the full search ends in time, both must find the same set.
 */
#include "model.h"

/* Store buffering, and who reads whose store */
struct words : rl::test_suite<words, 3> {
	shmring_word a, b;

	void before()
	{
		model_begin();
		a($) = 0;
		b($) = 0;
	}

	void thread(unsigned which)
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

	void after()
	{
		model_all_endings.add();
	}
};

/* One wait and one wake, with all that belongs to them */
struct one_wait : rl::test_suite<one_wait, 2> {
	model_ring<2, 2> ring;

	void before()
	{
		model_begin();
		ring.init(0);
	}

	void thread(unsigned side)
	{
		if (side == 0) {
			ring.commit(1);
		} else {
			ring.wait_level(&ring.consumer, &ring.readable, 1);
			ring.release(1);
		}
	}

	void after()
	{
		model_all_endings.add();
	}
};

/* A ring that is full in between */
struct two_tries : rl::test_suite<two_tries, 2> {
	model_ring<2, 2> ring;

	void before()
	{
		model_begin();
		ring.init(0);
	}

	void thread(unsigned side)
	{
		for (unsigned i = 0; i < 2; i++) {
			if (side == 0 && ring.sane(shmring_end_credit(&ring.producer)))
				ring.commit(1);
			if (side == 1 && ring.sane(shmring_end_credit(&ring.consumer)))
				ring.release(1);
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

	runs.same<words>("three threads on two words");
	runs.same<one_wait>("one wait, one wake");
	runs.same<two_tries>("two tries a side");
	return runs.end();
}
