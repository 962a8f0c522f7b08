// SPDX-License-Identifier: GPL-2.0-only
/*
 * Roles: who is the producer, who the consumer, and how the other one learns
 * that it has gone, or that another has come in its place
 */
#include <linux/pid.h>
#include <linux/sched.h>

#include "barrier.h"
#include "end.h"
#include "notify.h"

static void shmring_claim_side(struct shmring_side *side, struct pid *holder)
{
	side->holder = get_pid(holder);
	WRITE_ONCE(side->lowat, 1);
	/* Whoever had the role before may have left another mode behind */
	shmring_store_release(side->mode, SHMRING_FENCED);
	/* Who was told that this role is gone may wait again */
	if (atomic_fetch_andnot(side->gone, (atomic_t *)&side->ring->k->state) &
	    side->gone)
		shmring_wake_all(side->peer, 0);
}

static void shmring_drop_side(struct shmring_side *side)
{
	put_pid(side->holder);
	side->holder = NULL;
	shmring_forget_mover(side);

	/* Nobody sleeps in this role any more; spare the peer the kick */
	shmring_xchg(side->end.arm, SHMRING_ARM_NONE);

	/*
	 * Fully ordered: what this end has committed is seen by whoever sees
	 * that it has gone.  Pairs with shmring_state().
	 */
	atomic_fetch_or(side->gone, (atomic_t *)&side->ring->k->state);
	shmring_wake_all(side->peer, side->peer->hup);
}

/**
 * shmring_claim - take roles of a ring
 * @ring: the ring
 * @roles: SHMRING_ROLE_*; OBSERVER is free for all
 * @holder: the process; NULL: kernel code
 *
 * The new end goes on from the positions in the pages.
 *
 * Context: process, may sleep.
 * Return: 0, or -EBUSY and no role is taken.
 */
int shmring_claim(struct shmring *ring, u32 roles, struct pid *holder)
{
	int err = 0;

	roles &= SHMRING_ROLE_BOTH;
	mutex_lock(&ring->roles_lock);
	if (ring->roles & roles) {
		err = -EBUSY;
		goto unlock;
	}
	ring->roles |= roles;
	if (roles & SHMRING_ROLE_CONSUMER)
		shmring_claim_side(&ring->consumer, holder);
	if (roles & SHMRING_ROLE_PRODUCER)
		shmring_claim_side(&ring->producer, holder);
unlock:
	mutex_unlock(&ring->roles_lock);
	return err;
}

/**
 * shmring_drop - give roles back, and tell the peers
 * @ring: the ring
 * @roles: SHMRING_ROLE_* that the caller has claimed
 *
 * Context: process, may sleep.
 */
void shmring_drop(struct shmring *ring, u32 roles)
{
	roles &= SHMRING_ROLE_BOTH;
	mutex_lock(&ring->roles_lock);
	if (roles & SHMRING_ROLE_CONSUMER)
		shmring_drop_side(&ring->consumer);
	if (roles & SHMRING_ROLE_PRODUCER)
		shmring_drop_side(&ring->producer);
	ring->roles &= ~roles;
	mutex_unlock(&ring->roles_lock);
}

/**
 * shmring_holder - the process that claimed a role, as the caller sees it
 * @side: the role's side
 *
 * Context: process, may sleep.
 * Return: its number in the caller's PID namespace; 0: none, or not visible.
 */
u32 shmring_holder(struct shmring_side *side)
{
	u32 nr;

	mutex_lock(&side->ring->roles_lock);
	nr = pid_vnr(side->holder);
	mutex_unlock(&side->ring->roles_lock);
	return nr;
}
