// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rings that are freed while a kick is on its way
 *
 *	CPU that frees			another CPU, in an interrupt
 *
 *					write: the reader has armed, so a
 *					irq_work is queued, which cannot run yet
 *	drop both ends			wait for that, and linger
 *	put: must wait			...
 *					leave the interrupt; the irq_work runs
 *	... and return
 */
#include <linux/cpu.h>
#include <linux/sched/signal.h>
#include <linux/smp.h>

#include "test.h"

/* Loops, of which none is empty; a second or so */
#define LINGER_MOST	1000000000

/**
 * struct pending - one time
 * @producer: an end
 * @consumer: that has armed
 * @linger: loops to stay in the interrupt while the ring is put
 * @written: the kick is on its way
 * @dropped: the ends are
 * @left: it still was, just before the interrupt was left
 */
struct pending {
	struct shmring_kernel_end producer;
	struct shmring_kernel_end consumer;
	unsigned int linger;
	bool written;
	bool dropped;
	bool left;
};

static void pending_notify(struct shmring_kernel_end *end)
{
}

static void pending_write(void *info)
{
	unsigned int loops = LINGER_MOST;
	struct pending *p = info;

	shmring_write_or_drop(&p->producer, "kick", 4);
	/* Pairs with the acquire in pending_once() */
	smp_store_release(&p->written, true);
	while (!READ_ONCE(p->dropped) && --loops)
		;
	for (loops = 0; loops < p->linger; loops++)
		barrier();
	/* Likewise: nothing of *p is used after this */
	smp_store_release(&p->left, true);
}

static long pending_free(struct pending *p, struct shmring *ring, int cpu,
			 u64 *hits)
{
	bool early;
	int err;

	err = smp_call_function_single(cpu, pending_write, p, false);
	if (err) {
		shmring_drop_end(&p->consumer);
		shmring_drop_end(&p->producer);
		shmring_put(ring);
		return err;
	}
	/* What was written is pending */
	while (!smp_load_acquire(&p->written))
		cpu_relax();
	shmring_drop_end(&p->consumer);
	shmring_drop_end(&p->producer);
	WRITE_ONCE(p->dropped, true);
	/* Nor is the interrupt over */
	if (!smp_load_acquire(&p->left))
		++*hits;
	shmring_put(ring);
	/* Now it must be */
	early = !smp_load_acquire(&p->left);

	/* Else the stack is still in use */
	while (!smp_load_acquire(&p->left))
		cpu_relax();
	return early ? -EINPROGRESS : 0;
}

static long pending_once(int cpu, unsigned int linger, u64 *hits)
{
	struct pending p = { .linger = linger };
	struct shmring *ring = shmring_alloc(64, 0, 0);
	long err;

	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = shmring_claim_end(&p.producer, ring, SHMRING_ROLE_PRODUCER, NULL);
	if (err)
		goto put;
	err = shmring_claim_end(&p.consumer, ring, SHMRING_ROLE_CONSUMER,
				pending_notify);
	if (err)
		goto drop;
	err = -EIO;
	if (shmring_read_arm(&p.consumer, 1))
		return pending_free(&p, ring, cpu, hits);
	shmring_drop_end(&p.consumer);
drop:
	shmring_drop_end(&p.producer);
put:
	shmring_put(ring);
	return err;
}

/**
 * test_free_pending - free rings while a kick is on its way
 * @times: how many
 * @hits: returned: how many times one was, when the last reference was put
 *
 * Return: 0; -EINPROGRESS a put did not wait; -EOPNOTSUPP only one CPU.
 */
long test_free_pending(u64 times, u64 *hits)
{
	long err = 0;
	int here, other;

	*hits = 0;
	cpus_read_lock();
	while (times-- && !err && !fatal_signal_pending(current)) {
		migrate_disable();
		here = smp_processor_id();
		other = cpumask_any_but(cpu_online_mask, here);
		err = other < nr_cpu_ids ?
		      pending_once(other, times % 64 * 64, hits) : -EOPNOTSUPP;
		migrate_enable();
		cond_resched();
	}
	cpus_read_unlock();
	return err;
}
