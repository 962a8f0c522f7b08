// SPDX-License-Identifier: GPL-2.0-only
/*
 * The heavy barrier: who arms pays for the fence that its peer leaves out
 *
 * An unfenced end has only a light barrier between its store of the position
 * (P1) and its load of the peer's arm (P3).  The peer, between its store of the
 * arm (W1) and its load of the position (W3), interrupts every CPU on which the
 * end may be running; the interrupt is a full fence there:
 *
 *	the end, a process		the peer, in ->poll, WAIT or read
 *
 *	P1 pos				W1 arm
 *	<-- interrupt, smp_mb() --	W2 smp_mb(), heavy barrier
 *	P3 load arm: reached		W3 load pos
 *
 * If the interrupt comes before P1, P3 sees W1; if after P3, W3 sees P1.  An end
 * that does not run has been switched out since P1 or will be switched in before
 * P3, and a switch is a full fence, too.
 *
 * Which CPUs: those in the mm_cpumask of the one process that has asked.  x86
 * sets a CPU's bit, by a locked operation, before it runs the process, and clears
 * it later, if at all, which is what its TLB shootdowns rest on.  Not all
 * architectures do, and the scheduler's own membarrier() is not for modules; so
 * elsewhere all ends fence.  So the CPUs are those that the end's own process has
 * been on, which is wider than those it is on: since 6.13 a bit stays until a
 * shootdown finds the process gone.
 */
#include <linux/mm_types.h>
#include <linux/sched/isolation.h>
#include <linux/sched/mm.h>
#include <linux/smp.h>

#include "barrier.h"
#include "notify.h"

static void shmring_fence_here(void *unused)
{
	smp_mb();	/* P2: pairs with W2; the interrupted end has the other half */
}

/**
 * shmring_heavy_barrier - have the peer of a side fence, wherever it runs
 * @ctx: the side, struct shmring_side, which has armed
 *
 * Context: process, interrupts on; waits for the CPUs, does not sleep.
 */
void shmring_heavy_barrier(void *ctx)
{
	struct shmring_side *side = ctx;
	struct shmring_side *peer = side->peer;
	struct mm_struct *mm;

	spin_lock(&peer->mover_lock);
	mm = peer->mover;
	if (mm)
		mmgrab(mm);
	spin_unlock(&peer->mover_lock);
	/* Nobody may be unfenced: the word in the page says what it likes */
	if (!mm)
		return;

	shmring_count(&side->counters->barriers);
	preempt_disable();
	smp_call_function_many(mm_cpumask(mm), shmring_fence_here, NULL, true);
	preempt_enable();
	mmdrop(mm);
}

static void shmring_set_mover(struct shmring_side *side, struct mm_struct *mm)
{
	struct mm_struct *old;

	spin_lock(&side->mover_lock);
	old = side->mover;
	side->mover = mm;
	spin_unlock(&side->mover_lock);
	if (old)
		mmdrop(old);
}

/* Is the caller where the machine's owner wants no interrupts? */
static bool shmring_isolated(void)
{
	int cpu = raw_smp_processor_id();

	return !housekeeping_test_cpu(cpu, HK_TYPE_DOMAIN) ||
	       !housekeeping_test_cpu(cpu, HK_TYPE_TICK);
}

/**
 * shmring_unfence - from here on the calling process may move a side unfenced
 * @side: the side, whose role the process has
 *
 * Who is on an isolated CPU (isolcpus=, nohz_full=) goes on fencing, and is not
 * interrupted.  An end asks again after each kick, so one that comes to such a
 * CPU, or leaves it, is heard of.
 *
 * Context: process.
 * Return: 0; -EOPNOTSUPP where no heavy barrier can be had, or is unwise.
 */
int shmring_unfence(struct shmring_side *side)
{
	if (!SHMRING_MAY_UNFENCE || !current->mm || shmring_isolated())
		return -EOPNOTSUPP;
	mmgrab(current->mm);
	shmring_set_mover(side, current->mm);
	return 0;
}

/**
 * shmring_forget_mover - a side is given up, or taken by somebody else
 * @side: the side
 *
 * Context: process.
 */
void shmring_forget_mover(struct shmring_side *side)
{
	shmring_set_mover(side, NULL);
}

static void shmring_recheck(struct work_struct *work)
{
	struct shmring_side *side = container_of(work, struct shmring_side,
						 recheck);

	shmring_heavy_barrier(side);
	if (!(shmring_state(side->ring) & SHMRING_STATE_CORRUPT))
		shmring_kick_if_reached(side);
}

static void shmring_queue_recheck(struct irq_work *work)
{
	struct shmring_side *side = container_of(work, struct shmring_side,
						 queue_recheck);

	schedule_work(&side->recheck);
}

/**
 * shmring_recheck_later - the heavy barrier of those who cannot wait for it
 * @ctx: the side, struct shmring_side, which has armed
 *
 * For a kernel end, which arms in any context: what the barrier might show is
 * looked for behind its back, and answered as its peer would have.
 *
 * Context: any, NMI included.
 */
void shmring_recheck_later(void *ctx)
{
	struct shmring_side *side = ctx;

	irq_work_queue(&side->queue_recheck);
}

void shmring_init_recheck(struct shmring_side *side)
{
	spin_lock_init(&side->mover_lock);
	init_irq_work(&side->queue_recheck, shmring_queue_recheck);
	INIT_WORK(&side->recheck, shmring_recheck);
}

/* Nobody arms any more; what is under way may still kick. */
void shmring_cancel_recheck(struct shmring_side *side)
{
	irq_work_sync(&side->queue_recheck);
	cancel_work_sync(&side->recheck);
}
