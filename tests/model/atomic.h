/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The atomic layer under shmring_proto.h, for the memory-model checker
 *
 * Where the layers of the kernel and of the library differ, this one has the
 * weaker of the two: an exchange is a seq_cst operation, as in C11, but no
 * fence, and a compare-and-exchange that fails orders nothing, as in the
 * kernel.
 *
 * Every access is announced before it is made, so that search.h knows what the
 * next step of each thread will touch.
 */
#ifndef SHMRING_MODEL_ATOMIC_H
#define SHMRING_MODEL_ATOMIC_H

#include "steps.h"

typedef rl::atomic<__u64> shmring_word;

#define shmring_load(p)			model_load(p, rl::mo_relaxed, $)
#define shmring_load_acquire(p)		model_load(p, rl::mo_acquire, $)
#define shmring_store(p, v)		model_store(p, v, rl::mo_relaxed, $)
#define shmring_store_release(p, v)	model_store(p, v, rl::mo_release, $)
#define shmring_full_fence()		model_fence(rl::mo_seq_cst, $)
#define shmring_light_barrier()		((void)0)
#define shmring_xchg(p, v)		model_xchg(p, v, $)
#define shmring_cmpxchg(p, o, n)	model_cmpxchg(p, o, n, $)
#define shmring_add(p, v)		model_add(p, v, $)

/* What mutations put into these places; the shipped headers do not use it. */
#define shmring_weak_fence()		model_fence(rl::mo_acq_rel, $)
#define shmring_xchg_relaxed(p, v)	model_xchg(p, v, $, rl::mo_relaxed)
#define shmring_cmpxchg_relaxed(p, o, n)	model_cmpxchg(p, o, n, $, rl::mo_relaxed)
#define shmring_add_relaxed(p, v)	model_add(p, v, $, rl::mo_relaxed)
#define shmring_add_apart(p, v)		model_add_apart(p, v, $)
#define shmring_xchg_apart(p, v)	model_xchg_apart(p, v, $)
#define shmring_cmpxchg_apart(p, o, n)	model_cmpxchg_apart(p, o, n, $)

static inline __u64 model_load(const shmring_word *p, rl::memory_order order,
			       rl::debug_info_param info)
{
	model_next(p, false);
	return model_saw(p->load(order, info));
}

static inline void model_store(shmring_word *p, __u64 v, rl::memory_order order,
			       rl::debug_info_param info)
{
	model_next(p, true);
	p->store(v, order, info);
}

static inline void model_fence(rl::memory_order order, rl::debug_info_param info)
{
	model_next(&model_fences, true);
	rl::atomic_thread_fence(order, info);
}

static inline __u64 model_xchg(shmring_word *p, __u64 v, rl::debug_info_param info,
			       rl::memory_order order = rl::mo_seq_cst)
{
	model_next(p, true);
	return model_saw(p->exchange(v, order, info));
}

static inline __u64 model_cmpxchg(shmring_word *p, __u64 old, __u64 v,
				  rl::debug_info_param info,
				  rl::memory_order order = rl::mo_seq_cst)
{
	model_next(p, true);
	p->compare_exchange_strong(old, v, order, info, rl::mo_relaxed, info);
	return model_saw(old);
}

static inline void model_add(shmring_word *p, __u64 v, rl::debug_info_param info,
			     rl::memory_order order = rl::mo_acq_rel)
{
	model_next(p, true);
	model_saw(p->fetch_add(v, order, info));
}

static inline void model_add_apart(shmring_word *p, __u64 v, rl::debug_info_param info)
{
	__u64 seen = model_load(p, rl::mo_acquire, info);

	model_store(p, seen + v, rl::mo_release, info);
}

static inline __u64 model_xchg_apart(shmring_word *p, __u64 v, rl::debug_info_param info)
{
	__u64 seen = model_load(p, rl::mo_acquire, info);

	model_store(p, v, rl::mo_release, info);
	return seen;
}

static inline __u64 model_cmpxchg_apart(shmring_word *p, __u64 old, __u64 v,
					rl::debug_info_param info)
{
	__u64 seen = model_load(p, rl::mo_acquire, info);

	if (seen == old)
		model_store(p, v, rl::mo_release, info);
	return seen;
}

/*
 * The heavy barrier: a full fence in every thread, between two of its steps,
 * whichever they are.  Where it falls matters to each of them.
 */
static inline void model_heavy(void *unused)
{
	(void)unused;
	model_next((const char *)1, ~(size_t)0 - 1, true);
	rl::ctx().sched();
	rl::systemwide_fence($);
}

#include <linux/shmring_proto.h>

#endif /* SHMRING_MODEL_ATOMIC_H */
