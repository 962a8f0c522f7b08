// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmring_bench - one producer for every way from the kernel to a process
 *
 * All of them offer the same records at the same times, through one indirect
 * call for each record.
 */
#include <linux/hrtimer.h>
#include <linux/ktime.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "bench.h"

static const struct bench_ops *const bench_kinds[] = {
	[BENCH_SHMRING] = &bench_ring,
	[BENCH_SHMRING_BATCH] = &bench_ring_batch,
	[BENCH_BPF] = &bench_bpf,
	[BENCH_RELAY] = &bench_relay,
	[BENCH_FIFO] = &bench_fifo,
};

static void bench_sign(u8 *record, u32 bytes, u64 number)
{
	u64 tail = number ^ BENCH_TAIL;

	memcpy(record, &number, sizeof(number));
	if (bytes >= sizeof(number) + sizeof(tail))
		memcpy(record + bytes - sizeof(tail), &tail, sizeof(tail));
}

/* Until a lossless run's record is written, or time is over */
static bool bench_retry(struct bench *b, struct bench_run *r, u64 end)
{
	int i;

	do {
		r->stalls++;
		/* Leave the consumer's line alone for a while */
		for (i = 0; i < 64; i++)
			cpu_relax();
		cond_resched();
		if (ktime_get_ns() >= end || signal_pending(current))
			return false;
	} while (!b->ops->write(b, b->record, r->bytes));
	return true;
}

static void bench_burst(struct bench *b, struct bench_run *r, u64 end)
{
	u32 n = min_t(u64, r->burst, r->limit - r->offered);
	u64 begin = ktime_get_ns();

	while (n--) {
		bench_sign(b->record, r->bytes, r->offered++);
		if (b->ops->write(b, b->record, r->bytes) ||
		    (r->flags & BENCH_LOSSLESS && bench_retry(b, r, end)))
			r->written++;
		else
			r->dropped++;
	}
	r->busy_ns += ktime_get_ns() - begin;
}

static void bench_sleep_until(u64 ns)
{
	ktime_t when = ns_to_ktime(ns);

	set_current_state(TASK_INTERRUPTIBLE);
	schedule_hrtimeout(&when, HRTIMER_MODE_ABS);
}

static long bench_run(struct bench *b, struct bench_run *r)
{
	u64 start, end, next;

	if (!b->ops)
		return -ENOTCONN;
	if (r->flags & ~BENCH_LOSSLESS || r->reserved || !r->burst ||
	    r->bytes < BENCH_BYTES_MIN || r->bytes > BENCH_BYTES_MAX)
		return -EINVAL;
	r->offered = 0;
	r->written = 0;
	r->dropped = 0;
	r->stalls = 0;
	r->busy_ns = 0;
	b->kicks = 0;
	memset(b->record, BENCH_FILL, r->bytes);

	start = ktime_get_ns();
	end = start + r->duration_ns;
	next = start;
	while (r->offered < r->limit && ktime_get_ns() < end &&
	       !signal_pending(current)) {
		bench_burst(b, r, end);
		next += r->interval_ns;
		if (r->interval_ns && ktime_get_ns() < next)
			bench_sleep_until(next);
		cond_resched();
	}
	r->ns = ktime_get_ns() - start;
	if (b->ops->end)
		b->ops->end(b);
	r->kicks = b->kicks;
	return 0;
}

static long bench_open_kind(struct bench *b, struct bench_open *o)
{
	int err;

	if (b->ops)
		return -EBUSY;
	if (o->kind >= ARRAY_SIZE(bench_kinds) || !is_power_of_2(o->capacity) ||
	    o->capacity < PAGE_SIZE)
		return -EINVAL;
	err = bench_kinds[o->kind]->open(b, o);
	if (!err)
		b->ops = bench_kinds[o->kind];
	return err;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct bench *b = file->private_data;
	void __user *user = (void __user *)arg;
	union {
		struct bench_open open;
		struct bench_run run;
	} req;
	long err;

	if (cmd != BENCH_OPEN && cmd != BENCH_RUN)
		return -ENOTTY;
	if (copy_from_user(&req, user, _IOC_SIZE(cmd)))
		return -EFAULT;
	mutex_lock(&b->lock);
	if (cmd == BENCH_OPEN)
		err = bench_open_kind(b, &req.open);
	else
		err = bench_run(b, &req.run);
	mutex_unlock(&b->lock);
	if (!err && copy_to_user(user, &req, _IOC_SIZE(cmd)))
		err = -EFAULT;
	return err;
}

/* The fifo's consumer reads the device itself, while a run has the lock. */
static ssize_t bench_read(struct file *file, char __user *to, size_t n,
			  loff_t *pos)
{
	struct bench *b = file->private_data;

	return READ_ONCE(b->ops) == &bench_fifo ? bench_fifo_read(b, to, n) :
						  -EINVAL;
}

static __poll_t bench_poll(struct file *file, poll_table *pt)
{
	struct bench *b = file->private_data;

	return READ_ONCE(b->ops) == &bench_fifo ?
	       bench_fifo_poll(b, file, pt) : EPOLLERR;
}

static int bench_open(struct inode *inode, struct file *file)
{
	struct bench *b = kzalloc(sizeof(*b), GFP_KERNEL);

	if (!b)
		return -ENOMEM;
	b->record = kmalloc(BENCH_BYTES_MAX, GFP_KERNEL);
	if (!b->record) {
		kfree(b);
		return -ENOMEM;
	}
	mutex_init(&b->lock);
	init_waitqueue_head(&b->wait);
	file->private_data = b;
	return nonseekable_open(inode, file);
}

static int bench_release(struct inode *inode, struct file *file)
{
	struct bench *b = file->private_data;

	if (b->ops)
		b->ops->close(b);
	mutex_destroy(&b->lock);
	kfree(b->record);
	kfree(b);
	return 0;
}

static const struct file_operations bench_fops = {
	.owner		= THIS_MODULE,
	.open		= bench_open,
	.release	= bench_release,
	.read		= bench_read,
	.poll		= bench_poll,
	.unlocked_ioctl	= bench_ioctl,
};

static struct miscdevice bench_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shmring_bench",
	.mode	= 0600,
	.fops	= &bench_fops,
};

module_misc_device(bench_misc);

MODULE_DESCRIPTION("Benchmark of ways from the kernel to a process");
MODULE_LICENSE("GPL");
