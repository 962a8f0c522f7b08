// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs
 *
 * A timer's interrupt sends one to another CPU, and waits until it is over.  The
 * process that is the peer should run there: the NMI interrupts whatever it does
 * in the kernel, with the locks that it holds.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <linux/version.h>

#include "test.h"

#ifdef CONFIG_X86_LOCAL_APIC

#include <asm/apic.h>
#include <asm/nmi.h>

/* An emulated CPU may have to wait for a real one. */
#define NMI_LIMIT_NS	(5ULL * NSEC_PER_SEC)
#define NMI_LOOPS	100000

static struct test_job *nmi_job;

static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	struct test_job *job = READ_ONCE(nmi_job);

	if (!job || job->cpu != smp_processor_id())
		return NMI_DONE;
	/* Pairs with test_nmi_turn(): the end as that CPU has left it */
	if (!smp_load_acquire(&job->nmi_wanted))
		return NMI_DONE;
	WRITE_ONCE(job->nmi_wanted, 0);
	WARN_ON_ONCE(!in_nmi());
	/* Likewise, and back */
	smp_store_release(&job->nmi_turn, test_job_turn(job));
	return NMI_HANDLED;
}

static void nmi_send(int cpu)
{
	/* 6.5: 28b82352c0bf, the APIC's functions are called statically */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
	__apic_send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
#else
	apic->send_IPI_mask(cpumask_of(cpu), NMI_VECTOR);
#endif
}

/**
 * test_nmi_turn - a turn in an NMI
 * @job: the job
 *
 * Context: hard interrupt.
 */
enum test_turn test_nmi_turn(struct test_job *job)
{
	u64 limit = ktime_get_mono_fast_ns() + NMI_LIMIT_NS;
	unsigned int loops = 0;

	job->cpu = cpumask_any_but(cpu_online_mask, smp_processor_id());
	if (job->cpu >= nr_cpu_ids)
		job->cpu = smp_processor_id();
	WRITE_ONCE(job->nmi_turn, -1);
	/* Pairs with nmi_handler() */
	smp_store_release(&job->nmi_wanted, 1);
	nmi_send(job->cpu);
	/* Likewise */
	while (smp_load_acquire(&job->nmi_turn) < 0) {
		/* Asking the clock is no small matter either */
		if (++loops % NMI_LOOPS || !READ_ONCE(job->nmi_wanted))
			continue;
		if ((s64)(ktime_get_mono_fast_ns() - limit) > 0) {
			job->report.error = -ETIME;
			return TURN_OVER;
		}
	}
	return job->nmi_turn;
}

int test_nmi_start(struct test_job *job)
{
	int err;

	if (cmpxchg(&nmi_job, NULL, job))
		return -EBUSY;
	err = register_nmi_handler(NMI_LOCAL, nmi_handler, 0, "shmring_test");
	if (err)
		WRITE_ONCE(nmi_job, NULL);
	return err;
}

void test_nmi_stop(struct test_job *job)
{
	if (READ_ONCE(nmi_job) != job)
		return;
	WRITE_ONCE(job->nmi_wanted, 0);
	unregister_nmi_handler(NMI_LOCAL, "shmring_test");
	WRITE_ONCE(nmi_job, NULL);
}

#else /* no way to send one */

enum test_turn test_nmi_turn(struct test_job *job)
{
	return TURN_OVER;
}

int test_nmi_start(struct test_job *job)
{
	return -EOPNOTSUPP;
}

void test_nmi_stop(struct test_job *job)
{
}

#endif
