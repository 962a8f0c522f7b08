// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: numbers by which rings are found
 *
 * A handle is looked up once, when an end attaches, so one mutex does.  Numbers
 * are handed out in turn over all 32 bits: the upper bits are the generation,
 * and a stale handle names nothing until four thousand million have come after
 * it.
 */
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/stat.h>
#include <linux/user_namespace.h>
#include <linux/xarray.h>

#include "param.h"
#include "registry.h"
#include "ring.h"
#include "shmring.h"

/* More names than this for one ring is a loop that went wrong. */
#define SHMRING_HANDLES_MAX	64

struct shmring_handle {
	struct shmring *ring;
	struct list_head list;
	u32 id;
	u32 mode;
};

static DEFINE_XARRAY_FLAGS(registry, XA_FLAGS_ALLOC1 | XA_FLAGS_ACCOUNT);
static DEFINE_MUTEX(registry_lock);
static u32 registry_next;

/* Under registry_lock */
static ulong handles;
module_param_cb(handles, &shmring_count_ops, &handles, 0444);
MODULE_PARM_DESC(handles, "Handles that exist now");

/* Rings that are mortal, while they have handles; under registry_lock. */
static LIST_HEAD(mortals);

/* More than one, so that they become fewer as rings are made. */
#define SHMRING_REAP	4

/* Is it only its handles, and the life of a PID namespace, that keep a ring? */
static bool shmring_is_mortal(const struct shmring *ring)
{
	return ring->flags & SHMRING_F_PERSIST &&
	       ring->pid_ns != &init_pid_ns;
}

/* The ring's owner, or who may overrule owners where the ring was made. */
static bool shmring_is_owner(const struct shmring *ring)
{
	return uid_eq(current_euid(), ring->uid) ||
	       ns_capable(ring->pid_ns->user_ns, CAP_IPC_OWNER);
}

static bool shmring_may_attach(const struct shmring_handle *h, u32 roles)
{
	u32 want = roles & SHMRING_ROLE_BOTH ? 2 : 4;
	u32 bits = h->mode;

	if (uid_eq(current_euid(), h->ring->uid))
		bits >>= 6;
	else if (in_egroup_p(h->ring->gid))
		bits >>= 3;
	return bits & want ||
	       ns_capable(h->ring->pid_ns->user_ns, CAP_IPC_OWNER);
}

/* Called with registry_lock held. */
static struct shmring_handle *shmring_find(u32 id)
{
	struct shmring_handle *h = xa_load(&registry, id);

	if (h && h->ring->pid_ns == task_active_pid_ns(current))
		return h;
	return NULL;
}

/* Called with registry_lock held.  The ring may be gone afterwards. */
static void shmring_erase(struct shmring_handle *h)
{
	struct shmring *ring = h->ring;
	unsigned int left = ring->nr_handles - 1;

	xa_erase(&registry, h->id);
	list_del(&h->list);
	if (!left)
		list_del_init(&ring->mortal);
	WRITE_ONCE(handles, handles - 1);
	kfree(h);
	/* Pairs with shmring_registry_forget(), whose caller frees it */
	smp_store_release(&ring->nr_handles, left);
}

/* Called with registry_lock held.  Returns how many there were. */
static unsigned int shmring_erase_all(struct shmring *ring)
{
	unsigned int nr = ring->nr_handles;
	struct shmring_handle *h, *next;

	list_for_each_entry_safe(h, next, &ring->handles, list)
		shmring_erase(h);
	return nr;
}

/*
 * Called with registry_lock held.  Returns the ring, if the handle was what kept
 * it, for shmring_let_go() when the lock has been given up.
 */
static struct shmring *shmring_remove(struct shmring_handle *h)
{
	struct shmring *kept = h->ring->flags & SHMRING_F_PERSIST ? h->ring : NULL;

	shmring_erase(h);
	return kept;
}

/* Not under registry_lock, which the last reference takes. */
static void shmring_let_go(struct shmring *persistent)
{
	if (!persistent)
		return;
	shmring_put(persistent);
	module_put(THIS_MODULE);
}

/*
 * Look at one ring, in turn.  Remove its handles if only they keep it, though
 * nobody is left, or will ever be, who can see them: the processes of its PID
 * namespace have gone for good.
 */
static void shmring_reap_one(void)
{
	unsigned int removed = 0;
	struct shmring *ring;

	mutex_lock(&registry_lock);
	ring = list_first_entry_or_null(&mortals, struct shmring, mortal);
	if (ring && READ_ONCE(ring->pid_ns->pid_allocated) & PIDNS_ADDING)
		list_move_tail(&ring->mortal, &mortals);
	else if (ring)
		removed = shmring_erase_all(ring);
	mutex_unlock(&registry_lock);
	while (removed--)
		shmring_let_go(ring);
}

/**
 * shmring_reap - remove persistent rings of PID namespaces that are no more
 *
 * For before a ring is made or a handle removed, so that they do not add up: a few
 * at a time, as whoever pays for it did not make them.
 *
 * Context: process, may sleep.
 */
void shmring_reap(void)
{
	unsigned int looks;

	for (looks = 0; looks < SHMRING_REAP && !list_empty(&mortals); looks++)
		shmring_reap_one();
}

/**
 * shmring_register - give a ring a handle
 * @ring: the ring; the caller holds a reference
 * @mode: who may attach, 0 or bits of 0666
 * @handle: returned
 *
 * With SHMRING_F_PERSIST the handle keeps the ring, and the module, alive.
 *
 * Context: process, may sleep.
 * Return: 0, -EINVAL, -EPERM not the owner, -ENOSPC, -ENOMEM.
 */
int shmring_register(struct shmring *ring, u32 mode, u32 *handle)
{
	struct shmring_handle *h;
	int err;

	if (mode & ~0666)
		return -EINVAL;
	if (!shmring_is_owner(ring))
		return -EPERM;

	h = kzalloc(sizeof(*h), GFP_KERNEL_ACCOUNT);
	if (!h)
		return -ENOMEM;
	h->ring = ring;
	h->mode = mode ?: 0600;

	mutex_lock(&registry_lock);
	err = -ENOSPC;
	if (ring->nr_handles >= SHMRING_HANDLES_MAX)
		goto unlock;
	err = xa_alloc_cyclic(&registry, &h->id, h, xa_limit_32b,
			      &registry_next, GFP_KERNEL_ACCOUNT);
	if (err < 0)
		goto unlock;
	err = 0;
	list_add(&h->list, &ring->handles);
	ring->nr_handles++;
	WRITE_ONCE(handles, handles + 1);
	if (shmring_is_mortal(ring) && list_empty(&ring->mortal))
		list_add_tail(&ring->mortal, &mortals);
	*handle = h->id;
	if (ring->flags & SHMRING_F_PERSIST) {
		kref_get(&ring->ref);
		__module_get(THIS_MODULE);
	}
unlock:
	mutex_unlock(&registry_lock);
	if (err)
		kfree(h);
	return err == -EBUSY ? -ENOSPC : err;
}
EXPORT_SYMBOL_GPL(shmring_register);

/**
 * shmring_unregister - remove a handle; the ring stays with whoever has it
 * @handle: in the caller's PID namespace
 *
 * Context: process, may sleep.
 * Return: 0, -ENOENT unknown or not permitted, -EPERM not the owner.
 */
int shmring_unregister(u32 handle)
{
	struct shmring *persistent = NULL;
	struct shmring_handle *h;
	int err = 0;

	shmring_reap();
	mutex_lock(&registry_lock);
	h = shmring_find(handle);
	if (!h) {
		err = -ENOENT;
	} else if (!shmring_is_owner(h->ring)) {
		err = shmring_may_attach(h, SHMRING_ROLE_BOTH) ||
		      shmring_may_attach(h, SHMRING_ROLE_OBSERVER) ?
		      -EPERM : -ENOENT;
	} else {
		persistent = shmring_remove(h);
	}
	mutex_unlock(&registry_lock);
	shmring_let_go(persistent);
	return err;
}
EXPORT_SYMBOL_GPL(shmring_unregister);

/**
 * shmring_withdraw - undo shmring_register(), whatever namespace the caller is in
 * @ring: the ring
 * @handle: as shmring_register() returned it
 *
 * Context: process, may sleep.
 */
void shmring_withdraw(struct shmring *ring, u32 handle)
{
	struct shmring *persistent = NULL;
	struct shmring_handle *h;

	mutex_lock(&registry_lock);
	h = xa_load(&registry, handle);
	if (h && h->ring == ring)
		persistent = shmring_remove(h);
	mutex_unlock(&registry_lock);
	shmring_let_go(persistent);
}

/**
 * shmring_lookup - find a ring by its handle
 * @handle: in the caller's PID namespace
 * @roles: SHMRING_ROLE_* that the caller is after
 *
 * Context: process, may sleep.
 * Return: the ring with a reference of the caller's own, or -ENOENT: what may
 * not be used is not there, so that handles cannot be probed.
 */
struct shmring *shmring_lookup(u32 handle, u32 roles)
{
	struct shmring *ring = ERR_PTR(-ENOENT);
	struct shmring_handle *h;

	mutex_lock(&registry_lock);
	h = shmring_find(handle);
	if (h && shmring_may_attach(h, roles) && shmring_tryget(h->ring))
		ring = h->ring;
	mutex_unlock(&registry_lock);
	return ring;
}
EXPORT_SYMBOL_GPL(shmring_lookup);

/**
 * shmring_nr_handles - how many handles name a ring now
 * @ring: the ring
 *
 * Context: process, may sleep.
 */
u32 shmring_nr_handles(struct shmring *ring)
{
	u32 nr;

	mutex_lock(&registry_lock);
	nr = ring->nr_handles;
	mutex_unlock(&registry_lock);
	return nr;
}

/**
 * shmring_registry_forget - remove what handles a dying ring still has
 * @ring: a ring that nobody holds
 *
 * Context: process, may sleep.
 */
void shmring_registry_forget(struct shmring *ring)
{
	/*
	 * Nobody adds one any more, and without one no exit waits for the others'
	 * handles.  Pairs with shmring_erase(): whoever has removed the last one
	 * has done with the ring.
	 */
	if (!smp_load_acquire(&ring->nr_handles))
		return;
	mutex_lock(&registry_lock);
	shmring_erase_all(ring);
	mutex_unlock(&registry_lock);
}
