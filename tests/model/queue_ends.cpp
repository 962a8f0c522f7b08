/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue: whoever attaches finds all of it or nothing, an end carries on where
 * the one before it was, and who asks for the status gets one that can be.
 */
#include "queue.h"

/* One makes it and puts an element in, the other attaches meanwhile. */
struct attach : scenario {
	enum { threads = 2 };
	model_queue<2> shared;

	void begin() override
	{
		shared.begin();
	}

	void thread(unsigned side) override
	{
		shmring_queue_producer p = {};
		shmring_queue_consumer c = {};
		shmring_queue q;
		element e;
		int err;

		e.value = 7;
		if (!side) {
			RL_ASSERT(!shared.init(&q));
			RL_ASSERT(!shmring_queue_producer_init(&q, &p));
			RL_ASSERT(!shmring_queue_push(&p, &e));
			return;
		}
		err = shared.attach(&q);
		RL_ASSERT(!err || err == -EAGAIN);
		if (err)
			return;
		RL_ASSERT(!shmring_queue_consumer_init(&q, &c));
		err = shmring_queue_pop(&c, &e);
		RL_ASSERT(err == -EAGAIN || (!err && e.value == 7));
	}
};

/* What is not a queue, or not this one, is refused. */
template <bool align>
struct refuse : scenario {
	enum { threads = 2 };
	model_queue<2> shared;
	shmring_queue q;

	void begin() override
	{
		shared.begin();
		RL_ASSERT(!shared.init(&q));
		if (!align)
			shared.memory->header.version($) = SHMRING_QUEUE_VERSION + 1;
	}

	void thread(unsigned side) override
	{
		if (side)
			return;
		if (align)
			RL_ASSERT(shared.attach(&q, 4) == -EPROTOTYPE);
		else
			RL_ASSERT(shared.attach(&q) == -EPROTO);
	}
};

/*
 * Of one end the second half is done by somebody else, who knows from the position
 * alone that the first half has been done: what the first one did is then before
 * what the peer sees of the second one.
 */
template <bool producer>
struct successor : scenario {
	enum { threads = 3, capacity = 2 };
	model_queue<capacity> shared;
	shmring_queue q;
	shmring_queue_producer p;
	shmring_queue_consumer c;

	void begin() override
	{
		element e;

		shared.begin_split(&q, &p, &c);
		for (e.value = 0; !producer && e.value < capacity; e.value++)
			RL_ASSERT(!shmring_queue_push(&p, &e));
	}

	void step()
	{
		element e;

		if (producer) {
			e.value = (unsigned)p.role.pos;
			RL_ASSERT(!shmring_queue_push(&p, &e));
		} else {
			unsigned at = (unsigned)c.role.pos;

			RL_ASSERT(!shmring_queue_pop(&c, &e));
			RL_ASSERT(e.value == at);
		}
	}

	/* All at once, so that it looks at the second one's position only */
	void answer()
	{
		element e[2];

		e[0].value = capacity;
		e[1].value = capacity + 1;
		if (producer && shmring_queue_available(&c) == capacity) {
			RL_ASSERT(shmring_queue_pop_n(&c, e, 2) == 2);
			RL_ASSERT(e[0].value == 0 && e[1].value == 1);
		}
		if (!producer && shmring_queue_space(&p) == capacity)
			RL_ASSERT(shmring_queue_push_n(&p, e, 2) == 2);
	}

	void thread(unsigned which) override
	{
		shmring_queue_header *h = q.header;

		if (which == 0) {
			step();
		} else if (which == 2) {
			answer();
		} else if (shmring_load(producer ? &h->wr : &h->rd) == 1) {
			RL_ASSERT(!(producer ? shmring_queue_producer_init(&q, &p) :
				    shmring_queue_consumer_init(&q, &c)));
			step();
		}
	}
};

/*
 * Who comes after the other one has moved, and knows that from its position alone,
 * finds nothing impossible, though the peer had to move before it.
 */
template <bool producer>
struct heir : scenario {
	enum { threads = 3, capacity = 1 };
	model_queue<capacity> shared;
	shmring_queue q;
	shmring_queue_producer p;
	shmring_queue_consumer c;

	void begin() override
	{
		element e;

		e.value = 0;
		shared.begin_split(&q, &p, &c);
		if (producer)
			RL_ASSERT(!shmring_queue_push(&p, &e));
	}

	void thread(unsigned which) override
	{
		shmring_queue_header *h = q.header;
		shmring_queue_producer next_p;
		shmring_queue_consumer next_c;
		element e;

		e.value = 1;
		if (which == 0 || which == 2) {
			if (producer == (which == 0))
				shmring_queue_push(&p, &e);
			else
				shmring_queue_pop(&c, &e);
		} else if (producer) {
			if (shmring_load(&h->wr) == 2)
				RL_ASSERT(!shmring_queue_producer_init(&q, &next_p));
		} else {
			if (shmring_load(&h->rd) == 1)
				RL_ASSERT(!shmring_queue_consumer_init(&q, &next_c));
		}
	}
};

/* One who has both ends moves them in turn while another asks. */
template <unsigned capacity, unsigned moves>
struct status : scenario {
	enum { threads = 2 };
	model_queue<capacity> shared;
	shmring_queue q;
	shmring_queue_producer p;
	shmring_queue_consumer c;

	void begin() override
	{
		shared.begin_split(&q, &p, &c);
	}

	void thread(unsigned which) override
	{
		struct shmring_queue_status s;
		element e;
		int err;

		if (which) {
			err = shmring_queue_status(&q, &s);
			RL_ASSERT(err == -EAGAIN || (!err && s.len <= capacity));
			return;
		}
		e.value = 0;
		for (unsigned i = 0; i < moves; i++) {
			RL_ASSERT(!shmring_queue_push(&p, &e));
			RL_ASSERT(!shmring_queue_pop(&c, &e));
		}
	}
};

int main()
{
	model_runs runs;

	runs.all<attach>("attach while it is made");
	runs.all<refuse<false>>("attach to another version");
	runs.all<refuse<true>>("attach to other elements");
	runs.all<successor<true>>("one producer after the other");
	runs.all<successor<false>>("one consumer after the other");
	runs.all<heir<true>>("a producer's heir, while the consumer moves");
	runs.all<heir<false>>("a consumer's heir, while the producer moves");
	runs.all<status<1, 4>>("status, 4 elements, capacity 1");
	runs.all<status<2, 4>>("status, 4 elements, capacity 2");
	return runs.end();
}
