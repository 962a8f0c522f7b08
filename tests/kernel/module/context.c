// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who gives a job its turns
 *
 * In interrupts a timer does, on the CPU of the process that has started the
 * job; while the job rests, the timer goes on and looks whether it was told, as
 * notify on another CPU must not take the turns there.
 */
#include <linux/kthread.h>
#include <linux/sched.h>

#include "compat.h"
#include "test.h"

/* A turn in an interrupt; false: that was the last one. */
static bool context_turn(struct test_job *job)
{
	enum test_turn turn;

	if (READ_ONCE(job->stop))
		return false;
	if (test_job_resting(job))
		return true;
	turn = job->args.context == CONTEXT_NMI ? test_nmi_turn(job) :
						  test_job_turn(job);
	return test_job_settle(job, turn) != TURN_OVER;
}

static u64 context_next_ns(struct test_job *job)
{
	return job->report.waits ? job->args.rest_ns : test_job_pause_ns(job);
}

static enum hrtimer_restart context_timer(struct hrtimer *timer)
{
	struct test_job *job = container_of(timer, struct test_job, timer);

	if (job->args.context == CONTEXT_SOFTIRQ) {
		tasklet_schedule(&job->tasklet);
		return HRTIMER_NORESTART;
	}
	if (!context_turn(job))
		return HRTIMER_NORESTART;
	hrtimer_forward_now(timer, ns_to_ktime(context_next_ns(job)));
	return HRTIMER_RESTART;
}

static void context_tasklet(struct tasklet_struct *tasklet)
{
	struct test_job *job = from_tasklet(job, tasklet, tasklet);

	if (context_turn(job))
		hrtimer_start(&job->timer, ns_to_ktime(context_next_ns(job)),
			      HRTIMER_MODE_REL_PINNED_HARD);
}

static void context_work(struct work_struct *work)
{
	struct test_job *job = container_of(work, struct test_job, work);
	enum test_turn turn = TURN_AGAIN;

	/* It may be told once more after its last turn, as that its ring is corrupt */
	if (completion_done(&job->done) || test_job_resting(job))
		return;
	while (turn == TURN_AGAIN && !READ_ONCE(job->stop)) {
		turn = test_job_settle(job, test_job_turn(job));
		cond_resched();
	}
}

static bool context_told(struct test_job *job)
{
	return READ_ONCE(job->told) || kthread_should_stop();
}

static int context_kthread(void *data)
{
	struct test_job *job = data;
	enum test_turn turn = TURN_AGAIN;

	while (!kthread_should_stop() && turn != TURN_OVER) {
		if (turn == TURN_REST) {
			wait_event_interruptible(job->wait, context_told(job));
			test_job_resting(job);
		}
		turn = test_job_settle(job, test_job_turn(job));
		cond_resched();
	}
	wait_event_interruptible(job->wait, kthread_should_stop());
	return 0;
}

static struct task_struct *context_thread(struct test_job *job)
{
	struct task_struct *task;

	task = kthread_create(context_kthread, job, "shmring_test");
	if (IS_ERR(task))
		return task;
	/* Where the process may run, its thread may */
	set_cpus_allowed_ptr(task, current->cpus_ptr);
	wake_up_process(task);
	return task;
}

/**
 * test_context_start - let a job have its turns
 * @job: the job
 *
 * Return: 0, -EOPNOTSUPP no such context here, -EBUSY it is taken, -ENOMEM.
 */
int test_context_start(struct test_job *job)
{
	int err;

	shmring_hrtimer_setup(&job->timer, context_timer, CLOCK_MONOTONIC,
			      HRTIMER_MODE_REL_PINNED_HARD);
	tasklet_setup(&job->tasklet, context_tasklet);
	INIT_WORK(&job->work, context_work);

	switch (job->args.context) {
	case CONTEXT_KTHREAD:
		job->task = context_thread(job);
		return PTR_ERR_OR_ZERO(job->task);
	case CONTEXT_WORK:
		queue_work(system_unbound_wq, &job->work);
		return 0;
	case CONTEXT_NMI:
		err = test_nmi_start(job);
		if (err)
			return err;
	}
	hrtimer_start(&job->timer, ns_to_ktime(1000),
		      HRTIMER_MODE_REL_PINNED_HARD);
	return 0;
}

/**
 * test_context_wake - the job was told
 * @job: the job
 *
 * Context: interrupts off, under a spinlock.
 */
void test_context_wake(struct test_job *job)
{
	switch (job->args.context) {
	case CONTEXT_KTHREAD:
		wake_up(&job->wait);
		break;
	case CONTEXT_WORK:
		queue_work(system_unbound_wq, &job->work);
		break;
	}
}

/**
 * test_context_stop - no more turns when this returns
 * @job: a job, of which nobody is told any more, with @stop set
 */
void test_context_stop(struct test_job *job)
{
	switch (job->args.context) {
	case CONTEXT_KTHREAD:
		kthread_stop(job->task);
		break;
	case CONTEXT_WORK:
		cancel_work_sync(&job->work);
		break;
	default:
		/* Each starts the other, until it sees @stop */
		hrtimer_cancel(&job->timer);
		tasklet_kill(&job->tasklet);
		hrtimer_cancel(&job->timer);
		tasklet_kill(&job->tasklet);
		test_nmi_stop(job);
	}
}
