/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * shmring_test - ends in the kernel, led by test programs
 *
 *	main.c		the control file
 *	call.c		one exported function at a time
 *	pending.c	rings that are freed while a kick is on its way
 *	queue.c		a queue between two threads
 *	job.c		what a job does when it has its turn
 *	context.c	who gives it its turn: interrupts, threads, work
 *	nmi.c		NMIs that are sent to another CPU
 */
#ifndef TEST_H
#define TEST_H

#include <linux/completion.h>
#include <linux/hrtimer.h>
#include <linux/interrupt.h>
#include <linux/mutex.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include "control.h"
#include "shmring.h"

/* What came of a turn */
enum test_turn {
	TURN_AGAIN,	/* there may be more to do */
	TURN_REST,	/* nothing can be moved */
	TURN_OVER,	/* the job is done */
};

/**
 * struct test_job - a job
 * @end: the claimed end
 * @args: as asked for
 * @pattern: a copy of the stream's bytes
 * @buf: for what is read; the turns of a job never overlap
 * @random: state of its random numbers
 * @left: bytes of a piece that did not fit
 * @stop: no more turns
 * @told: notified since it armed
 * @report: for the program; @waits there is set between an arm and the next turn
 * @done: @report.error is valid
 * @timer: gives the turns in interrupts
 * @tasklet: in softirq
 * @task: in a thread
 * @wait: where the thread sleeps
 * @work: the work item
 * @cpu: where the NMI is sent
 * @nmi_wanted: one was sent
 * @nmi_turn: enum test_turn, -1: it has not come yet
 */
struct test_job {
	struct shmring_kernel_end *end;
	struct control_job args;
	u8 *pattern;
	u8 *buf;
	u64 random;
	size_t left;
	bool stop;
	bool told;
	struct control_report report;
	struct completion done;
	struct hrtimer timer;
	struct tasklet_struct tasklet;
	struct task_struct *task;
	wait_queue_head_t wait;
	struct work_struct work;
	int cpu;
	int nmi_wanted;
	int nmi_turn;
};

/**
 * struct test_file - an open control file
 * @lock: one call at a time, but for CONTROL_WAIT, _RESUME and _REPORT
 * @ring: allocated, looked up, or from a file
 * @end: claimed if @claimed
 * @claimed: it is
 * @spans: as acquired last
 * @notified: calls of @end.notify
 * @job: under way, or done and not stopped yet
 */
struct test_file {
	struct mutex lock;	/* calls */
	struct shmring *ring;
	struct shmring_kernel_end end;
	bool claimed;
	struct kvec spans[2];
	atomic_t notified;
	struct test_job *job;
};

/* call.c */
long test_call(struct test_file *f, struct control_args *a);
void test_call_undo(struct test_file *f);

/* pending.c */
long test_free_pending(u64 times, u64 *hits);

/* queue.c */
long test_queue(u32 capacity, u64 start, u64 count);

/* job.c */
int test_job_start(struct test_file *f, const struct control_job *args);
void test_job_stop(struct test_file *f);
void test_job_notify(struct test_job *job);
enum test_turn test_job_turn(struct test_job *job);
enum test_turn test_job_settle(struct test_job *job, enum test_turn turn);
bool test_job_resting(struct test_job *job);
u64 test_job_pause_ns(struct test_job *job);

/* context.c */
int test_context_start(struct test_job *job);
void test_context_wake(struct test_job *job);
void test_context_stop(struct test_job *job);

/* nmi.c */
int test_nmi_start(struct test_job *job);
enum test_turn test_nmi_turn(struct test_job *job);
void test_nmi_stop(struct test_job *job);

#endif /* TEST_H */
