// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control file
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "test.h"

static int test_open(struct inode *inode, struct file *file)
{
	struct test_file *f;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	f = kzalloc(sizeof(*f), GFP_KERNEL);
	if (!f)
		return -ENOMEM;
	mutex_init(&f->lock);
	file->private_data = f;
	return 0;
}

static int test_release(struct inode *inode, struct file *file)
{
	struct test_file *f = file->private_data;

	test_job_stop(f);
	test_call_undo(f);
	kfree(f);
	return 0;
}

/* The job stays until CONTROL_STOP or the release; neither may overlap these. */
static long test_with_job(struct test_file *f, unsigned int cmd,
			  void __user *user)
{
	struct test_job *job = smp_load_acquire(&f->job); /* pairs with start */
	struct control_report report;
	bool done;

	if (!job)
		return -ENOENT;
	switch (cmd) {
	case CONTROL_WAIT:
		if (wait_for_completion_interruptible(&job->done))
			return -EINTR;
		return job->report.error;
	case CONTROL_RESUME:
		WRITE_ONCE(job->told, true);
		test_context_wake(job);
		return 0;
	default:
		done = completion_done(&job->done);
		/* Pairs with complete_all(): how it has ended */
		smp_rmb();
		/* Numbers that rise while it runs: each is near enough */
		report = data_race(job->report);
		report.done = done;
		report.waits = READ_ONCE(job->report.waits) &&
			       !READ_ONCE(job->told);
		return copy_to_user(user, &report, sizeof(report)) ? -EFAULT : 0;
	}
}

static long test_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct test_file *f = file->private_data;
	void __user *user = (void __user *)arg;
	struct control_args args;
	struct control_job job;
	long ret;

	switch (cmd) {
	case CONTROL_CALL:
		if (copy_from_user(&args, user, sizeof(args)))
			return -EFAULT;
		mutex_lock(&f->lock);
		ret = f->job ? -EBUSY : test_call(f, &args);
		mutex_unlock(&f->lock);
		if (copy_to_user(user, &args, sizeof(args)))
			return -EFAULT;
		return ret;
	case CONTROL_START:
		if (copy_from_user(&job, user, sizeof(job)))
			return -EFAULT;
		mutex_lock(&f->lock);
		ret = f->job ? -EBUSY : test_job_start(f, &job);
		mutex_unlock(&f->lock);
		return ret;
	case CONTROL_STOP:
		mutex_lock(&f->lock);
		test_job_stop(f);
		mutex_unlock(&f->lock);
		return 0;
	case CONTROL_WAIT:
	case CONTROL_RESUME:
	case CONTROL_REPORT:
		return test_with_job(f, cmd, user);
	default:
		return -ENOTTY;
	}
}

static const struct file_operations test_fops = {
	.owner		= THIS_MODULE,
	.open		= test_open,
	.release	= test_release,
	.unlocked_ioctl	= test_ioctl,
};

static struct miscdevice test_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shmring_test",
	.fops	= &test_fops,
};

module_misc_device(test_misc);

MODULE_DESCRIPTION("Ends of shmring in the kernel, for its tests");
MODULE_LICENSE("GPL");
