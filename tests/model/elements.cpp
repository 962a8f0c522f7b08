/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue: elements arrive whole and in order, and none is overwritten before
 * it is read; one at a time, in batches and in place.
 *
 * Both sides try a number of times, and go on with what they get.  What is in
 * shared memory is plain to the checker, so that an access to it that the
 * positions do not order is a data race.
 */
#include "atomic.h"
#include "run.h"

typedef rl::var<unsigned> cell;

/* An element as its copy: what is behind the first word is nobody's business. */
union element {
	unsigned value;
	char room[sizeof(cell)];
};

static inline void model_put(void *to, const void *from, __u64 bytes,
			     rl::debug_info_param info)
{
	for (__u64 i = 0; i < bytes / sizeof(cell); i++)
		((cell *)to)[i](info) = ((const element *)from)[i].value;
}

static inline void model_get(void *to, const void *from, __u64 bytes,
			     rl::debug_info_param info)
{
	for (__u64 i = 0; i < bytes / sizeof(cell); i++)
		((element *)to)[i].value = ((cell *)from)[i](info).load();
}

#define shmring_queue_put(to, from, bytes)	model_put(to, from, bytes, $)
#define shmring_queue_get(to, from, bytes)	model_get(to, from, bytes, $)
#define shmring_queue_prefetch(p)		((void)(p))
#define shmring_queue_prefetch_write(p)		((void)(p))

#include <shmring_queue_raw.h>

enum way { ONE, BATCH, PLACE };

template <unsigned capacity, unsigned tries, way put, way get>
struct queue : scenario {
	enum { threads = 2 };

	struct shared {
		shmring_queue_header header;
		cell data[capacity];
	};

	char room[sizeof(shared) + SHMRING_LINE];
	shared *memory = nullptr;
	shmring_queue_producer p;
	shmring_queue_consumer c;

	~queue() override
	{
		if (memory)
			memory->~shared();
	}

	/* The positions wrap in the middle. */
	void begin() override
	{
		unsigned long at = (unsigned long)room + SHMRING_LINE - 1;
		shmring_queue made, q;

		memory = new ((void *)(at & ~(SHMRING_LINE - 1UL))) shared;
		RL_ASSERT(!shmring_queue_raw_init(&made, memory, sizeof(*memory),
						  capacity, sizeof(cell), 8));
		memory->header.wr($) = -(__u64)1;
		memory->header.rd($) = -(__u64)1;
		RL_ASSERT(!shmring_queue_raw_attach(&q, memory, sizeof(*memory),
						    sizeof(cell), 8));
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
