// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arm, sleep, kick: the kernel's half of the protocol in shmring_proto.h
 *
 * Why a waiter does not sleep on data, whoever calls:
 *
 *	producer's process		waiter, in ->poll, WAIT or read
 *
 *	P1 wr := pos			   enqueue, under side->wait.lock
 *	P2 fence			W1 arm := rd + min
 *	P3 load arm			W2 fence (and that of barrier.c)
 *	   reached: ioctl(KICK)		W3 load wr: enough? go on
 *	K1   xchg(arm, NONE)		   else sleep
 *	K2   wake, under wait.lock
 *
 * This CAN happen and is safe: P3 reads the arm of an earlier wait, K1 takes
 * away the arm that W1 has set in the meantime, and K2 wakes a waiter whose
 * bytes are not there yet.  It arms anew.
 *
 * This CANNOT happen: P3 reads NONE, W3 reads the old wr (the two fences), or
 * P3 reads W1's arm and K2 comes before the enqueueing (then the enqueueing
 * follows K2 in the order of wait.lock, W1 follows it, and K1 took some other
 * arm).
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>

#include "barrier.h"
#include "notify.h"

/*
 * An end may move while another thread of its process polls.  One that has
 * moved on at every one of so many looks is awake.
 */
#define SHMRING_LOOKS	4

/**
 * shmring_count - add one to a counter in page K
 * @counter: only the kernel writes it
 *
 * Context: any.
 */
void shmring_count(u64 *counter)
{
	atomic64_inc((atomic64_t *)counter);
}

/*
 * All who wait, those too who do so exclusively (EPOLLEXCLUSIVE): the peer's end
 * is news for each of them, and the next bytes are for the consumer, not for an
 * observer who came to the queue before it.
 */
static void shmring_wake_waiters(struct shmring_side *side, __poll_t events)
{
	__wake_up(&side->wait, TASK_NORMAL, 0, poll_to_key(events));
}

static void shmring_wake(void *ctx)
{
	struct shmring_side *side = ctx;

	shmring_wake_waiters(side, side->ready);
}

/**
 * shmring_wake_all - wake a side, armed or not
 * @side: the side that is to look again
 * @why: poll events besides its readiness
 *
 * Context: any but NMI; takes side->wait.lock.
 */
void shmring_wake_all(struct shmring_side *side, __poll_t why)
{
	/* K1 precedes K2: an arm that is set from now on is a new one */
	shmring_xchg(side->end.arm, SHMRING_ARM_NONE);
	shmring_wake_waiters(side, side->ready | why);
}

/**
 * shmring_kick - answer a side's arm, if it has armed
 * @side: the side to wake
 *
 * Context: any but NMI; takes side->wait.lock.
 * Return: true if it was woken.
 */
bool shmring_kick(struct shmring_side *side)
{
	if (!shmring_arm_kick(side->end.arm, shmring_wake, side))
		return false;
	shmring_count(&side->counters->kicks);
	return true;
}

/**
 * shmring_kick_if_reached - answer a side's arm, if its peer has come that far
 * @side: the side to wake
 *
 * For a peer that is a process: its position is read from its page.  It paid
 * the fence (P2) before it entered the kernel; a liar wakes its peer early or
 * lets it sleep, as it could by never committing.
 *
 * Context: any but NMI; takes side->wait.lock.
 * Return: true if it was woken.
 */
bool shmring_kick_if_reached(struct shmring_side *side)
{
	u64 pos = shmring_load_acquire(side->end.peer);

	return shmring_arm_reached(pos, shmring_load(side->end.arm)) &&
	       shmring_kick(side);
}

/**
 * shmring_kick_work - what shmring_kick_any() leaves to irq_work
 * @work: of the side to wake
 *
 * Context: hard interrupt (a thread with PREEMPT_RT).
 */
void shmring_kick_work(struct irq_work *work)
{
	struct shmring_side *side = container_of(work, struct shmring_side, kick);

	if (shmring_state(side->ring) & SHMRING_STATE_CORRUPT)
		shmring_wake_all(side, EPOLLERR);
	else
		shmring_kick(side);
}

/**
 * shmring_kick_any - answer a side's arm from wherever the caller is
 * @side: the side to wake
 *
 * With interrupts off the caller may hold any lock, a runqueue's included, or be
 * an NMI, so the wake is left to irq_work.  With PREEMPT_RT the waiters' lock can
 * sleep, which no atomic caller may.
 *
 * Context: any, NMI included.
 */
void shmring_kick_any(struct shmring_side *side)
{
	if (in_nmi() || irqs_disabled() ||
	    (IS_ENABLED(CONFIG_PREEMPT_RT) && !preemptible()))
		irq_work_queue(&side->kick);
	else
		shmring_kick(side);
}

/**
 * shmring_corrupt - the ring is beyond repair: say so for good, and to all
 * @ring: the ring
 *
 * Context: any, NMI included.
 * Return: -EBADMSG, for callers to pass on.
 */
s64 shmring_corrupt(struct shmring *ring)
{
	atomic_t *state = (atomic_t *)&ring->k->state;
	u32 old = atomic_fetch_or(SHMRING_STATE_CORRUPT, state);

	if (!(old & SHMRING_STATE_CORRUPT)) {
		irq_work_queue(&ring->consumer.kick);
		irq_work_queue(&ring->producer.kick);
	}
	return -EBADMSG;
}

/*
 * Look at both positions.  Each comes from a process: it is read once and
 * checked.  This end's own may be moved by its process while we look, which
 * makes the pair impossible though neither is wrong, hence the second look.
 */
static s64 shmring_look(struct shmring_side *side, u64 min, bool arm)
{
	struct shmring_end end = side->end;
	int looks = SHMRING_LOOKS;
	u64 credit;

	while (looks--) {
		end.pos = shmring_load_acquire(end.own);
		credit = arm ? shmring_end_arm(&end, min, &side->arming,
					       shmring_heavy_barrier, side) :
			       shmring_end_credit(&end);
		if (credit != SHMRING_CREDIT_CORRUPT)
			goto out;
		if (shmring_load(end.own) == end.pos)
			return shmring_corrupt(side->ring);
	}
	return min;

out:
	/*
	 * Whoever goes to sleep first sees to it that its peer does not sleep
	 * on what is there: the peer's kicker may have died on the way.
	 */
	if (arm && credit < min &&
	    shmring_arm_reached(end.pos, shmring_load(end.peer_arm)))
		shmring_kick(side->peer);
	return credit;
}

static s64 shmring_check(struct shmring_side *side, u64 min, bool arm)
{
	/*
	 * Before the positions: an end commits, then goes.  Read the other way
	 * round, its last bytes could be missed.
	 */
	u32 state = shmring_state(side->ring);
	bool gone = state & side->peer->gone;
	s64 credit;

	if (state & SHMRING_STATE_CORRUPT)
		return -EBADMSG;
	credit = shmring_look(side, min, arm);
	if (credit < 0)
		return credit;
	/* Space that nobody reads from is no use; bytes that are left are */
	if (gone && side->role == SHMRING_ROLE_PRODUCER)
		return -EPIPE;
	if (credit >= min)
		return credit;
	if (gone)
		return credit ?: -EPIPE;
	return 0;
}

/**
 * shmring_ready - what may a side do now?
 * @side: the side
 * @min: bytes it wants, 1 .. capacity
 *
 * Context: any.
 * Return: its credit in bytes if that is @min or more; fewer if the producer
 * has gone and these are the last; 0 if there is less; -EPIPE if the consumer
 * has gone, or the producer and nothing is left; -EBADMSG if the ring is
 * corrupt.
 */
s64 shmring_ready(struct shmring_side *side, u64 min)
{
	return shmring_check(side, min, false);
}

/**
 * shmring_arm - arm a side, and look again
 * @side: the side
 * @min: bytes it wants, 1 .. capacity
 *
 * Who is to be woken must be on @side->wait already.
 *
 * Context: process, interrupts on; does not sleep.
 * Return: as shmring_ready(); 0: armed, now sleep.
 */
s64 shmring_arm(struct shmring_side *side, u64 min)
{
	shmring_count(&side->counters->arms);
	return shmring_check(side, min, true);
}

/**
 * shmring_wait - sleep until a side may go on
 * @side: the side
 * @min: bytes it wants; 0: its threshold, as it is at each look
 * @most: no more than that, 1 .. capacity
 * @timeout_ns: 0: do not sleep; negative: no limit
 *
 * Context: process, sleeps.
 * Return: as shmring_ready(), but never 0; -ETIMEDOUT; -ERESTARTSYS when a
 * signal is pending.
 */
s64 shmring_wait(struct shmring_side *side, u64 min, u64 most, s64 timeout_ns)
{
	ktime_t *limit = NULL;
	ktime_t expires;
	DEFINE_WAIT(wait);
	bool in_time = true;
	s64 ret;

	ret = shmring_ready(side, shmring_wanted(side, min, most));
	if (ret)
		return ret;
	if (!timeout_ns)
		return -ETIMEDOUT;
	if (timeout_ns > 0) {
		expires = ktime_add_safe(ktime_get(), ns_to_ktime(timeout_ns));
		limit = &expires;
	}

	for (;;) {
		prepare_to_wait(&side->wait, &wait, TASK_INTERRUPTIBLE);
		/* After the enqueueing: a new threshold is seen, or wakes */
		ret = shmring_arm(side, shmring_wanted(side, min, most));
		if (ret)
			break;
		ret = -ETIMEDOUT;
		if (!in_time)
			break;
		ret = -ERESTARTSYS;
		if (signal_pending(current))
			break;
		shmring_count(&side->counters->sleeps);
		in_time = schedule_hrtimeout(limit, HRTIMER_MODE_ABS) != 0;
		/* The kick took the arm: no new one unless it is needed */
		ret = shmring_ready(side, shmring_wanted(side, min, most));
		if (ret)
			break;
	}
	finish_wait(&side->wait, &wait);
	return ret;
}

/**
 * shmring_poll_side - the poll events of a side
 * @side: the side
 * @arm: arm it if it is not ready
 *
 * Context: process, interrupts on.
 */
__poll_t shmring_poll_side(struct shmring_side *side, bool arm)
{
	u64 min = READ_ONCE(side->lowat);
	__poll_t mask = 0;
	s64 ret;

	ret = shmring_ready(side, min);
	if (!ret && arm)
		ret = shmring_arm(side, min);
	if (ret)
		mask |= side->ready;
	if (ret == -EBADMSG)
		mask |= EPOLLERR;
	if (shmring_state(side->ring) & side->peer->gone)
		mask |= side->ready | side->hup;
	return mask;
}
