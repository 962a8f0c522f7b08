/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each thread is about to do, and what it has seen
 */
#ifndef SHMRING_MODEL_STEPS_H
#define SHMRING_MODEL_STEPS_H

#include <relacy.h>

enum { MODEL_THREADS_MAX = 4 };

/* The step before which a thread stands; no object: a step of its own only. */
struct model_step {
	const char *object;
	size_t size;
	bool write;
};

inline model_step model_steps[MODEL_THREADS_MAX];

/* What each thread has seen so far in this execution, as a hash */
inline __u64 model_seen[MODEL_THREADS_MAX];

/* The object that full fences write */
inline char model_fences;

/*
 * A thread that is mortal may die before each of its steps: this is thrown.  What
 * it has done up to then is done.
 */
struct model_death {
};

inline bool model_mortal[MODEL_THREADS_MAX];

static inline void model_next(const void *object, size_t size, bool write)
{
	bool *mortal = &model_mortal[rl::ctx().threadx_->index_];

	if (*mortal && rl::rand(2)) {
		*mortal = false;
		throw model_death();
	}
	model_steps[rl::ctx().threadx_->index_] = { (const char *)object, size, write };
}

template <class type>
static inline void model_next(const type *object, bool write)
{
	model_next(object, sizeof(*object), write);
}

static inline __u64 model_saw(__u64 value)
{
	__u64 *seen = &model_seen[rl::ctx().threadx_->index_];

	*seen = (*seen ^ value) * 0x9e3779b97f4a7c15 + 1;
	*seen ^= *seen >> 29;
	return value;
}

#endif /* SHMRING_MODEL_STEPS_H */
