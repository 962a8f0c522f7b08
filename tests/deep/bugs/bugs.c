// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module full of bugs: proof that the kernels of tests/setup/debug-kernel
 * speak up, each about what it is there for.
 *
 *	echo BUG > /dev/bugs
 *
 * /dev/bugs can also be mapped: a page that user space writes.
 */
#include <linux/delay.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>

#define BUG_BYTES	24

/* What races need to be seen, at the rates that tests/vm/init sets */
#define RACE_TIME	(5 * HZ)

static unsigned long page;
static u64 sum;

/* --- KASAN */

static void bug_slab_bounds(void)
{
	char *p = kmalloc(BUG_BYTES, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	if (p)
		p[BUG_BYTES] = 1;
	kfree(p);
}

static void bug_vmalloc_bounds(void)
{
	char *p = vmalloc(BUG_BYTES);

	OPTIMIZER_HIDE_VAR(p);
	if (p)
		p[BUG_BYTES] = 1;
	vfree(p);
}

static void bug_use_after_free(void)
{
	char *p = kmalloc(BUG_BYTES, GFP_KERNEL), *gone = p;

	OPTIMIZER_HIDE_VAR(gone);
	kfree(p);
	if (p)
		WRITE_ONCE(*gone, 1);
}

/* --- UBSAN */

static void bug_shift(void)
{
	unsigned int by = 64;

	OPTIMIZER_HIDE_VAR(by);
	sum += 1ULL << by;
}

static void bug_index(void)
{
	static const u8 few[] = { 1, 2, 3, 4 };
	unsigned int i = ARRAY_SIZE(few);

	OPTIMIZER_HIDE_VAR(i);
	sum += few[i];
}

/* --- What is not allowed with a lock held, or without one */

static DEFINE_MUTEX(one);
static DEFINE_MUTEX(other);

static void bug_inversion(void)
{
	mutex_lock(&one);
	mutex_lock(&other);
	mutex_unlock(&other);
	mutex_unlock(&one);

	mutex_lock(&other);
	mutex_lock(&one);
	mutex_unlock(&one);
	mutex_unlock(&other);
}

static DEFINE_SPINLOCK(spinlock);

static void bug_sleep(void)
{
	spin_lock(&spinlock);
	mutex_lock(&one);
	mutex_unlock(&one);
	spin_unlock(&spinlock);
}

static void bug_rcu(void)
{
	static u64 __rcu *pointer;

	if (rcu_dereference(pointer))
		sum++;
}

static void bug_preemption(void)
{
	sum += smp_processor_id();
}

/* --- Lives */

static void bug_leak(void)
{
	char *p = kmalloc(BUG_BYTES, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	sum += !p;
}

static void timer_expired(struct timer_list *timer)
{
}

static void bug_timer(void)
{
	struct timer_list *timer = kmalloc(sizeof(*timer), GFP_KERNEL);

	if (!timer)
		return;
	timer_setup(timer, timer_expired, 0);
	mod_timer(timer, jiffies + 3600 * HZ);
	kfree(timer);
}

/* --- KCSAN */

static void race(void)
{
	unsigned long end = jiffies + RACE_TIME;

	while (time_before(jiffies, end)) {
		sum++;
		cond_resched();
	}
}

static int racer(void *unused)
{
	race();
	while (!kthread_should_stop())
		msleep(20);
	return 0;
}

static void bug_race(void)
{
	struct task_struct *task = kthread_run(racer, NULL, "racer");

	if (IS_ERR(task))
		return;
	race();
	kthread_stop(task);
}

/* What a compiler may read twice, and a peer may change in between */
static void bug_double_fetch(void)
{
	unsigned long end = jiffies + RACE_TIME;

	while (time_before(jiffies, end)) {
		sum += *(u64 *)page;
		cond_resched();
	}
}

/* The same, as it should be: no bug */
static void bug_none(void)
{
	unsigned long end = jiffies + RACE_TIME;

	while (time_before(jiffies, end)) {
		sum += READ_ONCE(*(u64 *)page);
		cond_resched();
	}
}

static const struct {
	const char *name;
	void (*plant)(void);
} bugs[] = {
	{ "slab-bounds", bug_slab_bounds },
	{ "vmalloc-bounds", bug_vmalloc_bounds },
	{ "use-after-free", bug_use_after_free },
	{ "shift", bug_shift },
	{ "index", bug_index },
	{ "inversion", bug_inversion },
	{ "sleep", bug_sleep },
	{ "rcu", bug_rcu },
	{ "preemption", bug_preemption },
	{ "leak", bug_leak },
	{ "timer", bug_timer },
	{ "race", bug_race },
	{ "double-fetch", bug_double_fetch },
	{ "none", bug_none },
};

static ssize_t bugs_write(struct file *file, const char __user *buf, size_t len,
			  loff_t *pos)
{
	char name[32] = {};
	unsigned int i;

	if (len >= sizeof(name) || copy_from_user(name, buf, len))
		return -EINVAL;
	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (sysfs_streq(name, bugs[i].name)) {
			bugs[i].plant();
			return len;
		}
	}
	return -EINVAL;
}

static int bugs_mmap(struct file *file, struct vm_area_struct *vma)
{
	return vm_insert_page(vma, vma->vm_start, virt_to_page((void *)page));
}

static const struct file_operations bugs_ops = {
	.owner = THIS_MODULE,
	.write = bugs_write,
	.mmap = bugs_mmap,
};

static struct miscdevice bugs_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = "bugs",
	.fops = &bugs_ops,
};

static int __init bugs_init(void)
{
	int err;

	page = get_zeroed_page(GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	err = misc_register(&bugs_device);
	if (err)
		free_page(page);
	return err;
}
module_init(bugs_init);

static void __exit bugs_exit(void)
{
	misc_deregister(&bugs_device);
	free_page(page);
}
module_exit(bugs_exit);

MODULE_DESCRIPTION("Planted bugs");
MODULE_LICENSE("GPL");
