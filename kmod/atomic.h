/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The atomic layer under shmring_proto.h, for the kernel
 */
#ifndef SHMRING_ATOMIC_H
#define SHMRING_ATOMIC_H

#include <linux/atomic.h>
#include <linux/types.h>
#include <asm/barrier.h>

typedef u64 shmring_word;

#define shmring_load(p)			READ_ONCE(*(p))
#define shmring_store(p, v)		WRITE_ONCE(*(p), v)
/* What each is paired with is said where shmring_proto.h uses it. */
#define shmring_load_acquire(p)		smp_load_acquire(p)
/* Likewise. */
#define shmring_store_release(p, v)	smp_store_release(p, v)
/* Likewise. */
#define shmring_full_fence()		smp_mb()
/* Kernel ends are always fenced. */
#define shmring_light_barrier()		barrier()
#define shmring_xchg(p, v)		xchg(p, v)
#define shmring_cmpxchg(p, o, n)	cmpxchg(p, o, n)
#define shmring_add(p, v)		atomic64_add_return(v, (atomic64_t *)(p))

#include <linux/shmring_proto.h>

#endif /* SHMRING_ATOMIC_H */
