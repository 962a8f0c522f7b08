/* SPDX-License-Identifier: MIT */
/*
 * The atomic layer under shmring_proto.h, for processes
 *
 * The compilers' __atomic builtins rather than stdatomic.h: the same lines
 * serve C and C++, and the words are plain __u64 in a page that others map.
 */
#ifndef SHMRING_ATOMIC_H
#define SHMRING_ATOMIC_H

/* Positions are words that one instruction loads; two mappings of 1 GiB must fit. */
#if __SIZEOF_POINTER__ < 8
#error "shmring is for 64-bit programs only"
#endif

#include <linux/types.h>

typedef __u64 shmring_word;

#define shmring_load(p)			__atomic_load_n(p, __ATOMIC_RELAXED)
#define shmring_load_acquire(p)		__atomic_load_n(p, __ATOMIC_ACQUIRE)
#define shmring_store(p, v)		__atomic_store_n(p, v, __ATOMIC_RELAXED)
#define shmring_store_release(p, v)	__atomic_store_n(p, v, __ATOMIC_RELEASE)
#define shmring_xchg(p, v)		__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST)
#define shmring_add(p, v)		__atomic_fetch_add(p, v, __ATOMIC_ACQ_REL)

/*
 * A locked add on the stack is a full fence, at a third of what the mfence
 * that clang makes of a seq_cst fence costs.  ThreadSanitizer knows neither;
 * the words it would check here are all atomic.
 */
static inline void shmring_full_fence(void)
{
#if defined(__x86_64__)
	__asm__ __volatile__("lock; {addl $0, -4(%%rsp)|add DWORD PTR [rsp-4], 0}"
			     ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/* What an unfenced end has of the fence: the rest is done to it (lib/mode.c). */
static inline void shmring_light_barrier(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static inline __u64 shmring_cmpxchg(shmring_word *p, __u64 old, __u64 val)
{
	__atomic_compare_exchange_n(p, &old, val, 0, __ATOMIC_SEQ_CST,
				    __ATOMIC_SEQ_CST);
	return old;
}

#include <linux/shmring_proto.h>

#endif /* SHMRING_ATOMIC_H */
