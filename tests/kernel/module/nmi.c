// SPDX-License-Identifier: GPL-2.0-only
/*
 * NMIs that are sent to oneself
 *
 * A timer's interrupt sends one to its own CPU, and waits until it has come: so
 * the NMI interrupts a section with interrupts off, and what it leaves to
 * irq_work cannot happen before that section ends.
 */
#include <linux/cpumask.h>
#include <linux/ktime.h>
#include <linux/timekeeping.h>
#include <linux/version.h>

#include "test.h"

#ifdef CONFIG_X86_LOCAL_APIC

#include <asm/apic.h>
#include <asm/nmi.h>

#define NMI_LIMIT_NS	(100 * NSEC_PER_MSEC)

static struct test_job *nmi_job;

static int nmi_handler(unsigned int type, struct pt_regs *regs)
{
	struct test_job *job = READ_ONCE(nmi_job);

	if (!job || job->cpu != smp_processor_id() || !READ_ONCE(job->nmi_wanted))
		return NMI_DONE;
	WRITE_ONCE(job->nmi_wanted, 0);
	WARN_ON_ONCE(!in_nmi());
	WRITE_ONCE(job->nmi_turn, test_job_turn(job));
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

	job->cpu = smp_processor_id();
	WRITE_ONCE(job->nmi_turn, -1);
	WRITE_ONCE(job->nmi_wanted, 1);
	nmi_send(job->cpu);
	while (READ_ONCE(job->nmi_turn) < 0) {
		if (!READ_ONCE(job->nmi_wanted))
			continue;
		if ((s64)(ktime_get_mono_fast_ns() - limit) > 0) {
			job->report.error = -ETIME;
			return TURN_OVER;
		}
		cpu_relax();
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
