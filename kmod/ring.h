/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The ring object: its pages, its two sides, who holds it
 */
#ifndef SHMRING_RING_H
#define SHMRING_RING_H

#include <linux/irq_work.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "atomic.h"
#include "pages.h"

struct mm_struct;
struct pid;
struct pid_namespace;

/* Where a page stands in the file; those before the data are shmring.head */
enum {
	SHMRING_PAGE_C,
	SHMRING_PAGE_K,
	SHMRING_PAGE_P,
	SHMRING_PAGE_DATA,
};

/* Where the arena begins in the file, in pages; far behind all of the above */
#define SHMRING_PAGE_ARENA	((unsigned long)(SHMRING_ARENA_OFFSET >> PAGE_SHIFT))

/**
 * struct shmring_side - what the kernel keeps of one role of a ring
 * @ring: the ring
 * @peer: the other side
 * @end: the pointers and the bias of this role; its position is not used, each
 *	call loads that anew from the page, which the process may have moved
 * @role: SHMRING_ROLE_CONSUMER or SHMRING_ROLE_PRODUCER
 * @gone: SHMRING_STATE_* bit that says that this role was given up
 * @ready: the poll events that mean "go on"
 * @hup: the poll events that mean "your peer has gone"
 * @lowat: threshold in bytes, 1 .. capacity / 2
 * @arming: how many are arming this side at this moment, see shmring_end_arm()
 * @mode: where this role's process says whether it fences
 * @counters: in page K
 * @io: one read() or write() at a time copies; held across user copies
 * @wait: everybody who waits in this role
 * @kick: wakes from contexts where that must not be done directly
 * @queue_recheck: queues @recheck, from any context
 * @recheck: looks again for a kernel end that armed where no heavy barrier may
 *	be brought about
 * @mover: the process that moves this side and may do so unfenced; NULL: none;
 *	under @mover_lock
 * @mover_lock: not taken from interrupts
 * @holder: the process that claimed the role, NULL: kernel code or nobody; under
 *	shmring.roles_lock
 */
struct shmring_side {
	struct shmring *ring;
	struct shmring_side *peer;
	struct shmring_end end;
	u32 role;
	u32 gone;
	__poll_t ready;
	__poll_t hup;
	u32 lowat;
	shmring_word arming;
	shmring_word *mode;
	struct shmring_counters *counters;
	struct mutex io;		/* one copier at a time */
	wait_queue_head_t wait;
	struct irq_work kick;
	struct irq_work queue_recheck;
	struct work_struct recheck;
	struct mm_struct *mover;
	spinlock_t mover_lock;		/* mover */
	struct pid *holder;
};

/**
 * struct shmring - a ring
 * @ref: one for each bound file; with SHMRING_F_PERSIST one for each handle too.
 *	Mappings hold the file.
 * @flags: SHMRING_F_*
 * @capacity: bytes of data
 * @nr_map: pages that can be mapped, the mirror included, the arena not
 * @head: pages C, K, P
 * @data: pages of data
 * @arena: pages of the arena
 * @c: page C; what stands there comes from a process
 * @k: page K; only the kernel writes it, so it may be believed
 * @p: page P; what stands there comes from a process
 * @consumer: the side that waits for READABLE
 * @producer: the side that waits for WRITABLE
 * @roles_lock: guards @roles and the holders
 * @roles: SHMRING_ROLE_* that are taken
 * @uid: owner, charged for the memory
 * @gid: owner's group, for a handle's mode bits
 * @pid_ns: where handles of this ring can be seen
 * @view: the data as the kernel sees it, mirrored; NULL until a kernel end needs
 *	it; set under @roles_lock
 * @handles: its handles; under the registry's lock
 * @mortal: among those whose PID namespace may end before them, while it has
 *	handles; under the registry's lock
 * @nr_handles: how many; changes under the registry's lock
 */
struct shmring {
	struct kref ref;
	u32 flags;
	u32 capacity;
	unsigned int nr_map;
	struct shmring_pages head;
	struct shmring_pages data;
	struct shmring_pages arena;
	struct shmring_consumer_page *c;
	struct shmring_kernel_page *k;
	struct shmring_producer_page *p;
	struct shmring_side consumer;
	struct shmring_side producer;
	struct mutex roles_lock;	/* roles, holders */
	u32 roles;
	kuid_t uid;
	kgid_t gid;
	struct pid_namespace *pid_ns;
	u8 *view;
	struct list_head handles;
	struct list_head mortal;
	unsigned int nr_handles;
};

bool shmring_sizes_valid(u32 capacity, u64 arena);
struct shmring *shmring_make(u32 capacity, u32 flags, u64 start, u64 arena);
int shmring_map_data(struct shmring *ring);
void shmring_unmap_data(struct shmring *ring);

/**
 * shmring_tryget - take a reference, unless the ring is being freed
 * @ring: the ring
 */
static inline bool shmring_tryget(struct shmring *ring)
{
	return kref_get_unless_zero(&ring->ref);
}

/**
 * shmring_page - the page at an offset of the file
 * @ring: the ring
 * @pgoff: in pages; below shmring.nr_map, or of the arena
 *
 * The mirror is the same pages once more, so only the index differs.
 */
static inline struct page *shmring_page(const struct shmring *ring,
					unsigned long pgoff)
{
	if (pgoff >= SHMRING_PAGE_ARENA)
		return shmring_pages_at(&ring->arena,
					pgoff - SHMRING_PAGE_ARENA);
	if (pgoff < SHMRING_PAGE_DATA)
		return shmring_pages_at(&ring->head, pgoff);
	pgoff -= SHMRING_PAGE_DATA;
	if (pgoff >= ring->data.nr)
		pgoff -= ring->data.nr;
	return shmring_pages_at(&ring->data, pgoff);
}

/**
 * shmring_state - SHMRING_STATE_* bits
 * @ring: the ring
 *
 * Ordered before what the caller reads next.  Who finds an end gone here, and
 * looks at its position then, misses nothing that it committed.
 */
static inline u32 shmring_state(const struct shmring *ring)
{
	/* Pairs with the fully ordered updates in end.c and notify.c */
	return smp_load_acquire(&ring->k->state);
}

#endif /* SHMRING_RING_H */
