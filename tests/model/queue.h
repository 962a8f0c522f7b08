/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The queue over memory whose elements are plain to the checker, so that an
 * access to them that the positions do not order is a data race.
 */
#ifndef SHMRING_MODEL_QUEUE_H
#define SHMRING_MODEL_QUEUE_H

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

template <unsigned capacity>
struct model_queue {
	struct shared {
		shmring_queue_header header;
		cell data[capacity];
	};

	char room[sizeof(shared) + SHMRING_LINE];
	shared *memory = nullptr;

	~model_queue()
	{
		if (memory)
			memory->~shared();
	}

	/* Memory that nobody has written to yet */
	void begin()
	{
		unsigned long at = (unsigned long)room + SHMRING_LINE - 1;
		shmring_word *words;

		memory = new ((void *)(at & ~(SHMRING_LINE - 1UL))) shared;
		words = &memory->header.magic;
		for (unsigned i = 0; i < 6; i++)
			words[i]($) = 0;
		memory->header.wr($) = 0;
		memory->header.rd($) = 0;
	}

	int init(shmring_queue *q)
	{
		return shmring_queue_raw_init(q, memory, sizeof(*memory), capacity,
					      sizeof(cell), 8);
	}

	/* Memory, a queue in it, and its two ends */
	void begin_split(shmring_queue *q, shmring_queue_producer *p,
			 shmring_queue_consumer *c)
	{
		begin();
		RL_ASSERT(!init(q));
		RL_ASSERT(!shmring_queue_split(q, p, c));
	}

	int attach(shmring_queue *q, __u64 align = 8)
	{
		return shmring_queue_raw_attach(q, memory, sizeof(*memory),
						sizeof(cell), align);
	}
};

#endif /* SHMRING_MODEL_QUEUE_H */
