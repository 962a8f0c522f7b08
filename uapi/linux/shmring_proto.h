/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * shmring - what the two ends of a ring do on its pages
 *
 * This is the only copy of the algorithm.  The kernel module, the library and
 * the memory-model checker compile these lines over an atomic layer of their
 * own, which is included first and gives
 *
 *	shmring_word			a 64-bit word that two ends share
 *	shmring_load(p)			relaxed
 *	shmring_load_acquire(p)
 *	shmring_store_release(p, v)
 *	shmring_full_fence()		orders an earlier store before a later load
 *	shmring_light_barrier()		does so when a peer's heavy barrier falls
 *					between the two; else for the compiler only
 *	shmring_xchg(p, v)		returns the old value; a full fence
 *	shmring_cmpxchg(p, old, new)	returns the value that was found; acquires and
 *					releases if that was @old
 *	shmring_add(p, v)		modulo 2^64; acquires and releases
 *
 * Both directions are one algorithm.  An end moves its own position and looks
 * at its peer's; its *credit* is how far it may go:
 *
 *	consumer:	wr - rd				bytes available
 *	producer:	rd + capacity - wr		bytes of space
 *
 * that is, credit = peer + bias - pos, with a bias of 0 or of the capacity.
 * Positions are free-running and differences modular, so a wrap of the 64 bits
 * is no event at all.
 *
 * The orderings carry letters.  M is the end that moves, W the one that waits,
 * K whoever kicks on behalf of M.
 *
 *	M, advance				W, arm
 *	  P1 store_release pos			  W1 arm := pos + min - bias
 *	  P2 full fence, or, if M is		  W2 full fence; if M is
 *	     unfenced, light barrier		     unfenced, heavy barrier
 *	  P3 load W's arm; reached? kick	  W3 load_acquire M's pos;
 *	K, kick					     enough? go on : sleep
 *	  K1 xchg arm, NONE			M, change of mode
 *	  K2 wake W				  F1 store_release mode
 *						  F2 full fence
 *
 *   P1 is matched by the acquire in W3 (and in every look at the peer).  If it
 *   was missing, the peer could use bytes that are not written yet, or
 *   overwrite bytes that are still being read.
 *
 *   P2 and W2 make the store-buffering shape of P1-P3 and W1-W3 safe: W sees
 *   M's position, or M sees W's arm, or both; never neither.  If one of them
 *   was missing, both loads could run before both stores are seen: M would not
 *   kick, and W would sleep on data.
 *
 *   A full fence in each commit costs many times what the rest of it does, and
 *   only one side has to pay for the pair.  So a busy M leaves it to W, which
 *   seldom arms: W's heavy barrier makes every CPU that M may be running on
 *   execute a full fence, somewhere between two of M's instructions.  If that
 *   is between P1 and P3 it stands for P2; if it is before P1, P3 sees the arm;
 *   if it is after P3, W3 sees the position.
 *
 *   F2 pairs with W2, so that the mode itself cannot be missed: M has made it
 *   SHMRING_UNFENCED and P3 misses the arm, then W sees the mode after W2.
 *   F1 is a release and W's load of the mode an acquire: if W finds M fenced
 *   again, W3 sees all that M has published without a fence.  The mode is M's
 *   word; an M that lies about it lets its peer sleep, as it could by never
 *   committing.
 *
 *   W3 must look again after W1.  If it was missing, a position that M stored
 *   before W armed would wake nobody.
 *
 *   An arm that stands, asks for no more than W does now, and has its W2 behind
 *   it, is as good as a new one: M sees it in each P3, and takes it with a wake
 *   only.  So who looks again and again, as a poll() of many rings does,
 *   interrupts nobody.  Those who are between W1 and the end of W2 count
 *   themselves (A3): who finds an arm (A1, an acquire; W1 is a release), and then
 *   nobody at it (A2, acquire), knows that its W2 is over, and sees all that this
 *   has shown.  If A2 was missing or came first, or W1 released nothing, one W
 *   could sleep on the arm of another who has not fenced yet.
 *
 *   K1 precedes K2.  If W was woken first it could find nothing, arm anew and
 *   sleep, and K1 would then wipe out that new arm.
 *
 * P3 tests a level, not a crossing (as virtio's event index does): an end that
 * dies between P1 and its kick leaves an arm that the next advance, or the
 * release of its role, answers.  Between K1 and K2 only a process can die, with
 * a ring in memory: there whoever takes its role over wakes W first.
 *
 * The shape is virtio's enable_cb and Xen vchan's request_notify; what is added
 * is the position, so that a waiter that needs more is not woken for less.
 */
#ifndef _UAPI_LINUX_SHMRING_PROTO_H
#define _UAPI_LINUX_SHMRING_PROTO_H

#include "shmring.h"

/**
 * struct shmring_end - what one end keeps to itself
 * @own: the word this end moves
 * @peer: the word the peer moves
 * @arm: where this end says that it will sleep
 * @peer_arm: where the peer says so
 * @peer_mode: where the peer says whether it fences
 * @pos: this end's position; never read back from @own by the library
 * @bias: 0 for the consumer, the capacity for the producer
 * @capacity: bytes, a power of two
 * @unfenced: what this end has said of itself: not 0, SHMRING_UNFENCED
 */
struct shmring_end {
	shmring_word *own;
	const shmring_word *peer;
	shmring_word *arm;
	shmring_word *peer_arm;
	const shmring_word *peer_mode;
	__u64 pos;
	__u64 bias;
	__u64 capacity;
	__u64 unfenced;
};

/*
 * What a look at the peer gives when its position is impossible: above every
 * credit, so that one comparison with the capacity finds it.
 */
#define SHMRING_CREDIT_CORRUPT	(~(__u64)0)

/**
 * shmring_end_credit - look at the peer: how many bytes may this end use?
 * @e: this end
 *
 * The peer's position is read once.  Nothing is assumed of it: one that is
 * not within a capacity of this end's own gives SHMRING_CREDIT_CORRUPT.
 *
 * Pairs with P1 of the peer: its bytes are there to be read, or it has read
 * what is there to be overwritten.
 */
static inline __u64 shmring_end_credit(const struct shmring_end *e)
{
	__u64 credit = shmring_load_acquire(e->peer) + e->bias - e->pos;

	return credit <= e->capacity ? credit : SHMRING_CREDIT_CORRUPT;
}

/**
 * shmring_arm_reached - has a position come to where an arm asks for a wake?
 * @pos: position of the end that moves
 * @arm: what was read from its peer's arm word
 */
static inline int shmring_arm_reached(__u64 pos, __u64 arm)
{
	return arm != SHMRING_ARM_NONE && (__s64)(pos - arm) >= 0;
}

/**
 * shmring_end_advance - commit or release: publish that this end has moved
 * @e: this end
 * @n: bytes, at most the credit that was last seen; the caller has checked
 *
 * Return: not 0 if the peer must be kicked.
 */
static inline int shmring_end_advance(struct shmring_end *e, __u64 n)
{
	e->pos += n;
	shmring_store_release(e->own, e->pos);	/* P1: pairs with W3 */
	if (e->unfenced)
		shmring_light_barrier();	/* P2: pairs with W2's heavy one */
	else
		shmring_full_fence();		/* P2: pairs with W2 */
	return shmring_arm_reached(e->pos, shmring_load(e->peer_arm));	/* P3 */
}

/**
 * shmring_change_mode - say from here on, or no longer, that an end fences
 * @own: the end's mode word
 * @mode: SHMRING_FENCED, SHMRING_UNFENCED
 *
 * For M, which then keeps to it, and to struct shmring_end.unfenced.
 */
static inline void shmring_change_mode(shmring_word *own, __u64 mode)
{
	shmring_store_release(own, mode);	/* F1: pairs with W2's load */
	shmring_full_fence();			/* F2: pairs with W2 */
}

/**
 * shmring_arm_lower - ask for a wake at a position, or earlier
 * @arm: this end's arm word
 * @at: position of the peer
 *
 * An arm that stands and is lower is left alone: it wakes all who wait in this
 * direction, and they arm anew.  So waiters with different needs can share the
 * word, and the cost is a wake that comes too early.
 *
 * A position that happens to equal SHMRING_ARM_NONE is asked for a byte early.
 */
static inline void shmring_arm_lower(shmring_word *arm, __u64 at)
{
	__u64 old = shmring_load(arm);
	__u64 seen;

	at -= at == SHMRING_ARM_NONE;
	while (!shmring_arm_reached(at, old)) {
		seen = shmring_cmpxchg(arm, old, at);	/* W1: pairs with P3, A1 */
		if (seen == old)
			break;
		old = seen;
	}
}

/**
 * shmring_end_arm - say that this end is about to sleep, and look again
 * @e: this end
 * @min: bytes that it needs, 1 .. capacity
 * @arming: how many are at this right now, for this end; nobody else's word.  One
 *	more than there are, until an arm has been made, if somebody may have died
 *	in it
 * @heavy: the heavy barrier against the peer; called only if that is unfenced
 * @ctx: for @heavy
 *
 * Whoever may be woken must be on the wait queue, or must have emptied its
 * eventfd, before it calls this.
 *
 * Return: the credit, as shmring_end_credit(); below @min, sleep.  The arm
 * stays set when it is not below: that costs the peer one kick at most.
 */
static inline __u64 shmring_end_arm(struct shmring_end *e, __u64 min,
				    shmring_word *arming,
				    void (*heavy)(void *ctx), void *ctx)
{
	__u64 at = e->pos + min - e->bias;

	if (shmring_arm_reached(at, shmring_load_acquire(e->arm)) &&	/* A1 */
	    !shmring_load_acquire(arming))				/* A2 */
		return shmring_end_credit(e);	/* W3: pairs with P1 */
	shmring_add(arming, 1);			/* A3: pairs with A1 */
	shmring_arm_lower(e->arm, at);
	shmring_full_fence();			/* W2: pairs with P2, F2 */
	if (shmring_load_acquire(e->peer_mode) != SHMRING_FENCED)	/* F1 */
		heavy(ctx);			/* W2: pairs with the light P2 */
	shmring_add(arming, -(__u64)1);	/* A3: pairs with A2 */
	return shmring_end_credit(e);		/* W3: pairs with P1 */
}

/**
 * shmring_arm_kick - answer an arm: take it away, then wake its owner
 * @arm: the arm word of the end to wake
 * @wake: wakes all who wait in that direction; not called if nobody had armed
 * @ctx: for @wake
 *
 * If the arm is gone already then whoever took it wakes.
 *
 * Return: not 0 if @wake was called.
 */
static inline int shmring_arm_kick(shmring_word *arm, void (*wake)(void *ctx),
				   void *ctx)
{
	if (shmring_xchg(arm, SHMRING_ARM_NONE) == SHMRING_ARM_NONE) /* K1 */
		return 0;
	wake(ctx);						/* K2 */
	return 1;
}

/**
 * shmring_end_contiguous - how much of @n bytes lies in one piece from here?
 * @e: this end
 * @n: bytes, at most the capacity
 * @mirrored: the data is mapped twice in a row
 */
static inline __u64 shmring_end_contiguous(const struct shmring_end *e,
					   __u64 n, int mirrored)
{
	__u64 room = e->capacity - (e->pos & (e->capacity - 1));

	return mirrored || n <= room ? n : room;
}

#endif /* _UAPI_LINUX_SHMRING_PROTO_H */
