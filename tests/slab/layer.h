/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The shipped slab over an atomic layer that can pause, die and err
 *
 * All that changes shared memory passes here.  With nothing asked for it is the
 * library's layer.
 */
#ifndef SLAB_LAYER_H
#define SLAB_LAYER_H

#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include <shmring_atomic.h>

enum slab_fault {
	SLAB_FAULT_NONE,
	SLAB_FAULT_NO_TAG,	/* the head carries an index only */
	SLAB_FAULT_TORN,	/* compare, then store */
	SLAB_FAULT_NO_PENDING,	/* nothing is written down for a death */
	SLAB_FAULT_NO_ACK,	/* nothing is confirmed */
};

struct slab_layer {
	enum slab_fault fault;
	shmring_word *head;		/* which word is the head */
	uint64_t index_mask;		/* and what of it is the index */
	shmring_word *pending;		/* of the owner that will die */
	shmring_word *ack;
	unsigned int pause;		/* yield once in so many exchanges */
	unsigned int die_at;		/* SIGKILL before the nth change; 0: never */
	void (*meanwhile)(void);	/* happens just before the next exchange */
};

extern struct slab_layer slab_layer;
extern __thread uint64_t slab_layer_chance;

static inline void slab_layer_step(void)
{
	if (slab_layer.die_at && !--slab_layer.die_at)
		kill(getpid(), SIGKILL);
}

static inline void slab_layer_pause(void)
{
	if (!slab_layer.pause)
		return;
	slab_layer_chance = slab_layer_chance * 6364136223846793005ULL + 1442695040888963407ULL;
	if ((slab_layer_chance >> 33) % slab_layer.pause == 0)
		sched_yield();
}

static inline void slab_layer_others(void)
{
	void (*meanwhile)(void) = slab_layer.meanwhile;

	if (!meanwhile)
		return;
	slab_layer.meanwhile = NULL;
	meanwhile();
}

static inline __u64 slab_layer_cmpxchg(shmring_word *p, __u64 old, __u64 val)
{
	__u64 seen;

	slab_layer_step();
	slab_layer_pause();
	slab_layer_others();
	if (slab_layer.fault == SLAB_FAULT_NO_TAG && p == slab_layer.head)
		val &= slab_layer.index_mask;
	if (slab_layer.fault == SLAB_FAULT_NO_ACK && p == slab_layer.ack)
		return old;
	if (slab_layer.fault != SLAB_FAULT_TORN)
		return shmring_cmpxchg(p, old, val);
	seen = shmring_load(p);
	if (seen == old) {
		slab_layer_pause();
		shmring_store(p, val);
	}
	return seen;
}

static inline void slab_layer_store(shmring_word *p, __u64 val, int release)
{
	slab_layer_step();
	if (slab_layer.fault == SLAB_FAULT_NO_PENDING && p == slab_layer.pending)
		return;
	if (release)
		shmring_store_release(p, val);
	else
		shmring_store(p, val);
}

/* From here on the slab's headers are written over the above. */
#undef shmring_store
#undef shmring_store_release
#define shmring_store(p, v)		slab_layer_store(p, v, 0)
#define shmring_store_release(p, v)	slab_layer_store(p, v, 1)
#define shmring_cmpxchg(p, o, n)	slab_layer_cmpxchg(p, o, n)

#include <shmring_slab_raw.h>

#endif /* SLAB_LAYER_H */
