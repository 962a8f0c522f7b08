// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue of the library's header, compiled for the kernel: between the caller,
 * who produces, and a thread, who consumes
 */
#include <linux/completion.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "atomic.h"
#include "shmring_queue_raw.h"
#include "test.h"

/* Jiffies in which nothing moves: then nothing will. */
#define PATIENCE	(20 * HZ)

struct queue_test {
	struct shmring_queue q;
	u64 count;
	long err;
	bool stop;
	struct completion done;
};

/* Every third one in place, every third one in a batch of two */
static long queue_put(struct shmring_queue_producer *p, u64 i)
{
	u64 item[2] = { i, i + 1 };
	void *slot;
	long rc;

	switch (i % 3) {
	case 0:
		rc = shmring_queue_push_sized(p, item, sizeof(*item));
		return rc ? rc : 1;
	case 1:
		return shmring_queue_push_n(p, item, 2);
	default:
		rc = shmring_queue_reserve(p, &slot, 1);
		if (rc <= 0)
			return rc;
		*(u64 *)slot = i;
		return shmring_queue_commit(p, 1) ?: 1;
	}
}

static long queue_get(struct shmring_queue_consumer *c, u64 i)
{
	const void *slot;
	u64 item;
	long rc;

	if (i & 1) {
		rc = shmring_queue_pop(c, &item);
		if (rc)
			return rc;
		return item == i ? 1 : -EILSEQ;
	}
	rc = shmring_queue_front(c, &slot, 1);
	if (rc <= 0)
		return rc;
	if (*(const u64 *)slot != i)
		return -EILSEQ;
	return shmring_queue_release(c, 1) ?: 1;
}

static int queue_consume(void *arg)
{
	struct shmring_queue_consumer c;
	struct queue_test *t = arg;
	u64 i = 0;
	long rc;

	rc = shmring_queue_consumer_init(&t->q, &c);
	while (!rc && i < t->count && !READ_ONCE(t->stop)) {
		rc = queue_get(&c, i);
		if (rc > 0) {
			i += rc;
			rc = 0;
		} else if (rc == -EAGAIN) {
			cond_resched();
			rc = 0;
		}
	}
	if (!rc && i < t->count)
		rc = -ETIMEDOUT;
	t->err = rc;
	complete(&t->done);
	return 0;
}

static long queue_produce(struct queue_test *t)
{
	unsigned long until = jiffies + PATIENCE;
	struct shmring_queue_producer p;
	u64 i = 0;
	long rc;

	rc = shmring_queue_producer_init(&t->q, &p);
	while (!rc && i < t->count) {
		rc = queue_put(&p, i);
		if (rc > 0) {
			i += rc;
			until = jiffies + PATIENCE;
			rc = 0;
		} else if (rc == -EAGAIN) {
			cond_resched();
			rc = 0;
			if (time_after(jiffies, until))
				rc = -ETIMEDOUT;
			if (fatal_signal_pending(current))
				rc = -EINTR;
		}
	}
	return rc;
}

/**
 * test_queue - move numbers through a queue
 * @capacity: elements, a power of two
 * @start: where the positions begin
 * @count: how many
 *
 * Return: 0; -EILSEQ out of order; -EBADMSG; -ETIMEDOUT; as of
 * shmring_queue_raw_init(); -ENOMEM.
 */
long test_queue(u32 capacity, u64 start, u64 count)
{
	u64 bytes = shmring_queue_bytes(capacity, sizeof(u64), sizeof(u64));
	struct queue_test t = { .count = count };
	struct task_struct *task;
	void *memory;
	long err;

	/* A page, or more: aligned as the queue wants it. */
	memory = kzalloc(roundup_pow_of_two(max_t(u64, bytes, PAGE_SIZE)), GFP_KERNEL);
	if (!memory)
		return -ENOMEM;
	err = shmring_queue_raw_init(&t.q, memory, bytes, capacity,
				     sizeof(u64), sizeof(u64));
	if (err)
		goto free;
	t.q.header->wr = start;
	t.q.header->rd = start;
	init_completion(&t.done);
	task = kthread_run(queue_consume, &t, "shmring_queue");
	if (IS_ERR(task)) {
		err = PTR_ERR(task);
		goto free;
	}
	err = queue_produce(&t);
	/* What is left is taken out in no time, if all is well. */
	if (err || !wait_for_completion_timeout(&t.done, PATIENCE)) {
		WRITE_ONCE(t.stop, true);
		wait_for_completion(&t.done);
	}
	err = err ?: t.err;
free:
	kfree(memory);
	return err;
}
