/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What stands at a site of a header that tests/model/mutable has copied: the
 * operation, or one of its changes if that is the mutant which MUTANT names by
 * its number.  The first change has number n, the next one n + 1.
 */
#ifndef SHMRING_MODEL_SITE_H
#define SHMRING_MODEL_SITE_H

#include <relacy.h>

inline const int mutant = getenv("MUTANT") ? atoi(getenv("MUTANT")) : 0;

/* load_acquire: relaxed */
#define site_load_acquire(n, p) \
	(mutant == n ? shmring_load(p) : shmring_load_acquire(p))

/* store_release: relaxed */
#define site_store_release(n, p, v) \
	(mutant == n ? shmring_store(p, v) : shmring_store_release(p, v))

/* full_fence: removed weak */
#define site_full_fence(n) \
	(mutant == n ? (void)0 : \
	 mutant == n + 1 ? shmring_weak_fence() : shmring_full_fence())

/* light_barrier: removed */
#define site_light_barrier(n) \
	(mutant == n ? (void)0 : shmring_light_barrier())

/* heavy: removed */
#define site_heavy(n, ctx) \
	(mutant == n ? (void)0 : heavy(ctx))

/* xchg: relaxed apart */
#define site_xchg(n, p, v) \
	(mutant == n ? shmring_xchg_relaxed(p, v) : \
	 mutant == n + 1 ? shmring_xchg_apart(p, v) : shmring_xchg(p, v))

/* cmpxchg: relaxed apart */
#define site_cmpxchg(n, p, o, v) \
	(mutant == n ? shmring_cmpxchg_relaxed(p, o, v) : \
	 mutant == n + 1 ? shmring_cmpxchg_apart(p, o, v) : shmring_cmpxchg(p, o, v))

/* add: relaxed apart */
#define site_add(n, p, v) \
	(mutant == n ? shmring_add_relaxed(p, v) : \
	 mutant == n + 1 ? shmring_add_apart(p, v) : shmring_add(p, v))

/* check: ignored */
#define site_check(n, ...) \
	((__VA_ARGS__) && mutant != n)

#endif /* SHMRING_MODEL_SITE_H */
