/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shmring - rings with an end in the kernel
 *
 * A driver makes a ring (or is given one by a process), claims a role of it,
 * and then writes or reads with the verbs that processes use:
 *
 *	ring = shmring_alloc(1 << 20, 0, 0);
 *	err = shmring_register(ring, 0600, &handle);
 *	err = shmring_claim_end(&end, ring, SHMRING_ROLE_PRODUCER, NULL);
 *	...
 *	shmring_write_or_drop(&end, record, size);	 any context
 *	...
 *	shmring_drop_end(&end);
 *	shmring_put(ring);
 *
 * One caller at a time may use an end: whoever produces on several CPUs brings
 * a lock, or a ring for each.  The verbs that move bytes never sleep, make no
 * allocation, and take no lock but that of a peer that they wake, where the caller
 * may take locks; a producer may run in any context, NMI included.
 * Whatever stands in a page that a process can write is read once and checked.
 */
#ifndef SHMRING_H
#define SHMRING_H

#include <linux/err.h>
#include <linux/uio.h>
#include <linux/wait.h>

#include "atomic.h"

struct shmring;
struct shmring_side;

/**
 * struct shmring_kernel_end - a role of a ring, held by kernel code
 * @ring: the ring; the end holds a reference
 * @notify: called when what was armed for has come, when the peer has gone or
 *	another has come in its place, and when the ring is found corrupt: with
 *	interrupts off, under a spinlock of the ring's.  Not to use the ring in;
 *	wake a thread or queue work that does.  NULL: nobody is told
 * @private: for @notify
 *
 * The rest is not for callers.
 */
struct shmring_kernel_end {
	struct shmring *ring;
	void (*notify)(struct shmring_kernel_end *end);
	void *private;

	struct shmring_end end;
	struct shmring_side *side;
	u8 *data;
	u64 granted;
	bool mirrored;
	bool corrupt;
	wait_queue_entry_t wait;
};

struct shmring *shmring_alloc(u32 capacity, u32 flags, u64 start);
struct shmring *shmring_lookup(u32 handle, u32 roles);
struct shmring *shmring_from_fd(int fd);
void shmring_put(struct shmring *ring);
u32 shmring_capacity(const struct shmring *ring);

int shmring_register(struct shmring *ring, u32 mode, u32 *handle);
int shmring_unregister(u32 handle);

int shmring_claim_end(struct shmring_kernel_end *end, struct shmring *ring,
		      u32 role,
		      void (*notify)(struct shmring_kernel_end *end));
void shmring_drop_end(struct shmring_kernel_end *end);
int shmring_end_status(const struct shmring_kernel_end *end);

size_t shmring_write_acquire(struct shmring_kernel_end *end, struct kvec p[2]);
int shmring_write_commit(struct shmring_kernel_end *end, size_t n);
size_t shmring_try_write_from(struct shmring_kernel_end *end, const void *buf,
			      size_t n);
bool shmring_write_or_drop(struct shmring_kernel_end *end, const void *buf,
			   size_t n);
void shmring_count_drop(struct shmring_kernel_end *end, size_t n);
bool shmring_write_arm(struct shmring_kernel_end *end, u32 min);

size_t shmring_read_acquire(struct shmring_kernel_end *end, struct kvec p[2]);
int shmring_read_release(struct shmring_kernel_end *end, size_t n);
size_t shmring_try_read_into(struct shmring_kernel_end *end, void *buf,
			     size_t n);
bool shmring_read_arm(struct shmring_kernel_end *end, u32 min);

#endif /* SHMRING_H */
