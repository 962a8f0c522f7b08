/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue: elements arrive whole and in order, and none is overwritten before
 * it is read; one at a time, in batches and in place.
 *
 * Both sides try a number of times, and go on with what they get.
 */
#include "queue.h"

enum way { ONE, BATCH, PLACE };

template <unsigned capacity, unsigned tries, way put, way get>
struct queue : scenario {
	enum { threads = 2 };

	model_queue<capacity> shared;
	shmring_queue_producer p;
	shmring_queue_consumer c;

	/* The positions wrap in the middle. */
	void begin() override
	{
		shmring_queue made, q;

		shared.begin();
		RL_ASSERT(!shared.init(&made));
		shared.memory->header.wr($) = -(__u64)1;
		shared.memory->header.rd($) = -(__u64)1;
		RL_ASSERT(!shared.attach(&q));
		RL_ASSERT(!shmring_queue_split(&q, &p, &c));
	}

	long produce()
	{
		element e[2];
		void *slots = nullptr;
		long n;

		e[0].value = (unsigned)p.role.pos;
		e[1].value = (unsigned)p.role.pos + 1;
		if (put == ONE)
			return shmring_queue_push(&p, e);
		if (put == BATCH)
			return shmring_queue_push_n(&p, e, 2);
		n = shmring_queue_reserve(&p, &slots, 1);
		if (n <= 0)
			return n;
		model_put(slots, e, sizeof(cell), $);
		return shmring_queue_commit(&p, n);
	}

	long consume()
	{
		unsigned at = (unsigned)c.role.pos;
		const void *slots = nullptr;
		element e[2];
		long n;

		if (get == ONE) {
			n = shmring_queue_pop(&c, e);
			RL_ASSERT(n || e[0].value == at);
		} else if (get == BATCH) {
			n = shmring_queue_pop_n(&c, e, 2);
			for (unsigned i = 0; n > 0 && i < n; i++)
				RL_ASSERT(e[i].value == at + i);
		} else {
			n = shmring_queue_front(&c, &slots, 1);
			if (n <= 0)
				return n;
			model_get(e, slots, sizeof(cell), $);
			RL_ASSERT(e[0].value == at);
			n = shmring_queue_release(&c, n);
		}
		return n;
	}

	void thread(unsigned side) override
	{
		for (unsigned i = 0; i < tries; i++) {
			long rc = side ? consume() : produce();

			/* Nobody lies here. */
			RL_ASSERT(rc >= 0 || rc == -EAGAIN);
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<queue<2, 5, ONE, ONE>>("push and pop, 5 tries a side, capacity 2");
	runs.all<queue<1, 5, ONE, ONE>>("push and pop, 5 tries a side, capacity 1");
	runs.all<queue<2, 5, BATCH, BATCH>>("batches of 2, 5 tries a side, capacity 2");
	runs.all<queue<2, 5, PLACE, PLACE>>("in place, 5 tries a side, capacity 2");
	runs.all<queue<2, 5, BATCH, PLACE>>("batches in, in place out, 5 tries a side, capacity 2");
	return runs.end();
}
