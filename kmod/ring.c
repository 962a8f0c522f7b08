// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring's memory, from the first page to the last reference
 */
#include <linux/cred.h>
#include <linux/export.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>

#include "barrier.h"
#include "notify.h"
#include "quota.h"
#include "registry.h"
#include "ring.h"
#include "shmring.h"

static void shmring_init_side(struct shmring *ring, struct shmring_side *side,
			      struct shmring_side *peer)
{
	side->ring = ring;
	side->peer = peer;
	side->lowat = 1;
	side->end.capacity = ring->capacity;
	mutex_init(&side->io);
	init_waitqueue_head(&side->wait);
	init_irq_work(&side->kick, shmring_kick_work);
	shmring_init_recheck(side);
}

static void shmring_init_sides(struct shmring *ring)
{
	struct shmring_side *consumer = &ring->consumer;
	struct shmring_side *producer = &ring->producer;

	shmring_init_side(ring, consumer, producer);
	consumer->role = SHMRING_ROLE_CONSUMER;
	consumer->gone = SHMRING_STATE_CONSUMER_GONE;
	consumer->ready = EPOLLIN | EPOLLRDNORM;
	consumer->hup = EPOLLHUP | EPOLLRDHUP;
	consumer->counters = &ring->k->rx;
	consumer->end.own = &ring->c->rd;
	consumer->end.peer = &ring->p->wr;
	consumer->end.arm = &ring->k->rx_arm;
	consumer->end.peer_arm = &ring->k->tx_arm;
	consumer->end.peer_mode = &ring->p->mode;
	consumer->mode = &ring->c->mode;
	consumer->end.bias = 0;

	shmring_init_side(ring, producer, consumer);
	producer->role = SHMRING_ROLE_PRODUCER;
	producer->gone = SHMRING_STATE_PRODUCER_GONE;
	producer->ready = EPOLLOUT | EPOLLWRNORM;
	producer->hup = EPOLLHUP;
	producer->counters = &ring->k->tx;
	producer->end.own = &ring->p->wr;
	producer->end.peer = &ring->c->rd;
	producer->end.arm = &ring->k->tx_arm;
	producer->end.peer_arm = &ring->k->rx_arm;
	producer->end.peer_mode = &ring->c->mode;
	producer->mode = &ring->p->mode;
	producer->end.bias = ring->capacity;
}

static void shmring_init_pages(struct shmring *ring, u64 start)
{
	struct shmring_kernel_page *k;

	ring->c = page_address(shmring_page(ring, SHMRING_PAGE_C));
	ring->p = page_address(shmring_page(ring, SHMRING_PAGE_P));
	k = page_address(shmring_page(ring, SHMRING_PAGE_K));
	ring->k = k;

	ring->c->rd = start;
	ring->p->wr = start;

	k->magic = SHMRING_MAGIC;
	k->version = SHMRING_ABI_VERSION;
	k->page_size = PAGE_SIZE;
	k->backend = SHMRING_BACKEND_DEVICE;
	k->capacity = ring->capacity;
	k->consumer_offset = SHMRING_PAGE_C * PAGE_SIZE;
	k->kernel_offset = SHMRING_PAGE_K * PAGE_SIZE;
	k->producer_offset = SHMRING_PAGE_P * PAGE_SIZE;
	k->data_offset = SHMRING_PAGE_DATA * PAGE_SIZE;
	k->map_length = (u64)ring->nr_map * PAGE_SIZE;
	if (ring->arena.nr)
		k->arena_offset = SHMRING_ARENA_OFFSET;
	k->arena_size = (u64)ring->arena.nr * PAGE_SIZE;
	k->fence = !SHMRING_MAY_UNFENCE;
	k->rx_arm = SHMRING_ARM_NONE;
	k->tx_arm = SHMRING_ARM_NONE;
}

/**
 * shmring_sizes_valid - can there be a ring like that at all?
 * @capacity: bytes of data
 * @arena: bytes of the arena, 0: none
 */
bool shmring_sizes_valid(u32 capacity, u64 arena)
{
	return is_power_of_2(capacity) && capacity >= SHMRING_CAPACITY_MIN &&
	       capacity <= SHMRING_CAPACITY_MAX &&
	       PAGE_ALIGNED(arena) && arena <= SHMRING_CAPACITY_MAX;
}

static void shmring_free_pages(struct shmring *ring)
{
	shmring_pages_free(&ring->arena);
	shmring_pages_free(&ring->data);
	shmring_pages_free(&ring->head);
}

/**
 * shmring_make - make a ring, maybe with an arena
 * @capacity: as of shmring_alloc()
 * @flags: as of shmring_alloc()
 * @start: as of shmring_alloc()
 * @arena: bytes, whole pages, 0 .. SHMRING_CAPACITY_MAX
 *
 * Context, return: as of shmring_alloc().
 */
struct shmring *shmring_make(u32 capacity, u32 flags, u64 start, u64 arena)
{
	unsigned int nr_data = DIV_ROUND_UP(capacity, PAGE_SIZE);
	unsigned int nr_arena = arena >> PAGE_SHIFT;
	unsigned int nr_pages = SHMRING_PAGE_DATA + nr_data + nr_arena;
	struct shmring *ring;
	int err;

	if (flags & ~SHMRING_F_PERSIST || !shmring_sizes_valid(capacity, arena))
		return ERR_PTR(-EINVAL);

	err = shmring_quota_charge(current_euid(), nr_pages);
	if (err)
		return ERR_PTR(err);

	err = -ENOMEM;
	ring = kzalloc(sizeof(*ring), GFP_KERNEL_ACCOUNT);
	if (!ring)
		goto uncharge;

	kref_init(&ring->ref);
	mutex_init(&ring->roles_lock);
	INIT_LIST_HEAD(&ring->handles);
	INIT_LIST_HEAD(&ring->mortal);
	ring->flags = flags;
	ring->capacity = capacity;
	ring->nr_map = SHMRING_PAGE_DATA + nr_data;
	if (capacity >= PAGE_SIZE)
		ring->nr_map += nr_data;

	err = shmring_pages_alloc(&ring->head, SHMRING_PAGE_DATA) ?:
	      shmring_pages_alloc(&ring->data, nr_data) ?:
	      shmring_pages_alloc(&ring->arena, nr_arena);
	if (err)
		goto free;

	shmring_init_pages(ring, start);
	shmring_init_sides(ring);
	ring->uid = current_euid();
	ring->gid = current_egid();
	ring->pid_ns = get_pid_ns(task_active_pid_ns(current));
	return ring;

free:
	shmring_free_pages(ring);
	kfree(ring);
uncharge:
	shmring_quota_uncharge(current_euid(), nr_pages);
	return ERR_PTR(err);
}

/**
 * shmring_alloc - make a ring
 * @capacity: bytes, a power of two, SHMRING_CAPACITY_MIN .. SHMRING_CAPACITY_MAX
 * @flags: SHMRING_F_*
 * @start: where both positions begin
 *
 * Context: process, may sleep.
 * The memory is charged to the calling task's cgroup and user.
 *
 * Return: a ring with one reference and no roles taken, or -EINVAL, -ENOMEM,
 * -EDQUOT, -EINTR when the caller is being killed.
 */
struct shmring *shmring_alloc(u32 capacity, u32 flags, u64 start)
{
	return shmring_make(capacity, flags, start, 0);
}
EXPORT_SYMBOL_GPL(shmring_alloc);

static void shmring_release(struct kref *ref)
{
	struct shmring *ring = container_of(ref, struct shmring, ref);
	unsigned int nr_pages = ring->head.nr + ring->data.nr + ring->arena.nr;
	kuid_t uid = ring->uid;

	shmring_registry_forget(ring);
	shmring_cancel_recheck(&ring->consumer);
	shmring_cancel_recheck(&ring->producer);
	/* Nobody queues a kick any more; one may still be on its way */
	irq_work_sync(&ring->consumer.kick);
	irq_work_sync(&ring->producer.kick);
	shmring_unmap_data(ring);
	put_pid_ns(ring->pid_ns);
	shmring_free_pages(ring);
	kfree(ring);
	shmring_quota_uncharge(uid, nr_pages);
}

/**
 * shmring_put - give a reference back; the last one frees the ring
 * @ring: the ring
 *
 * Context: process, may sleep; not under the registry's lock.
 */
void shmring_put(struct shmring *ring)
{
	kref_put(&ring->ref, shmring_release);
}
EXPORT_SYMBOL_GPL(shmring_put);

/**
 * shmring_capacity - how many bytes a ring holds
 * @ring: the ring
 *
 * Context: any.
 */
u32 shmring_capacity(const struct shmring *ring)
{
	return ring->capacity;
}
EXPORT_SYMBOL_GPL(shmring_capacity);
