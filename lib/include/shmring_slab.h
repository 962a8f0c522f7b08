/* SPDX-License-Identifier: MIT */
/*
 * shmring - slots of a fixed size in a region
 *
 *	struct shmring_slab slab;	init by one, attach by the others
 *	struct shmring_slab_cache c;	one a thread: open, ..., close
 *
 *	sender				receiver
 *	  shmring_slab_alloc		  ... pop the handle ...
 *	  ... fill shmring_slab_data	  shmring_slab_take
 *	  shmring_slab_mark_in_flight	  ... read shmring_slab_data ...
 *	  ... push the handle ...	  shmring_slab_free_allocated
 *
 * Here is what has to do with regions.  All else, with the states of a slot and
 * the errors, is in shmring_slab_raw.h.
 */
#ifndef SHMRING_SLAB_H
#define SHMRING_SLAB_H

#include <shmring_atomic.h>
#include <shmring_region.h>
#include <shmring_slab_raw.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * shmring_slab_init - make a slab in a region
 * @s: filled in; it stays good as long as the region is open
 * @g: the region
 * @offset: where in it; the memory there must be aligned to 128, and nobody's yet
 * @slot_size: see shmring_slab_raw_length(), which also says how much it takes
 * @count: likewise
 * @owners: likewise
 *
 * Return: 0; -ERANGE it would not all be in the region; -EINVAL an argument out
 * of its range, or not aligned; -E2BIG too many slots for so many owners.
 */
static inline int shmring_slab_init(struct shmring_slab *s, const struct shmring_region *g,
				    uint64_t offset, uint64_t slot_size, uint64_t count,
				    uint64_t owners)
{
	struct shmring_slab_layout l;
	int err = shmring_slab_lay_out(slot_size, count, owners, &l);
	void *base;

	if (err)
		return err;
	base = shmring_region_at(g, offset, l.length, SHMRING_SLAB_ALIGN);
	/* A compiler that cannot know that errno is set then warns of an @s that is not */
	if (!base)
		return errno > 0 ? -errno : -ERANGE;
	return shmring_slab_raw_init(s, base, l.length, slot_size, count, owners);
}

/**
 * shmring_slab_attach - use a slab that somebody has made in a region
 * @s: filled in; it stays good as long as the region is open
 * @g: the region, or another mapping of it
 * @offset: where in it
 *
 * Return: 0; -ERANGE no slab fits there; -EINVAL the memory there is not aligned;
 * -EBADMSG, -EPROTONOSUPPORT or -ENOSPC, see shmring_slab_raw_attach().
 */
static inline int shmring_slab_attach(struct shmring_slab *s, const struct shmring_region *g,
				      uint64_t offset)
{
	void *base = shmring_region_at(g, offset, sizeof(struct shmring_slab_header),
				       SHMRING_SLAB_ALIGN);

	if (!base)
		return errno > 0 ? -errno : -ERANGE;
	return shmring_slab_raw_attach(s, base, g->size - offset);
}

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_SLAB_H */
