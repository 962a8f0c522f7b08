// SPDX-License-Identifier: GPL-2.0-only
/*
 * A module full of faults: proof that the test machinery notices each of them.
 *
 *	echo FAULT > /sys/kernel/debug/planted
 */
#include <linux/debugfs.h>
#include <linux/irqflags.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/uaccess.h>

static struct dentry *file;

static void hang(void)
{
	local_irq_disable();
	while (file)
		cpu_relax();
}

static ssize_t planted_write(struct file *filp, const char __user *buf,
			     size_t len, loff_t *pos)
{
	char fault[16] = {};

	if (len >= sizeof(fault) || copy_from_user(fault, buf, len))
		return -EINVAL;

	if (sysfs_streq(fault, "warn"))
		WARN_ON(1);
	else if (sysfs_streq(fault, "oops"))
		*(int volatile *)NULL = 0;
	else if (sysfs_streq(fault, "panic"))
		panic("planted");
	else if (sysfs_streq(fault, "leak"))
		__module_get(THIS_MODULE);
	else if (sysfs_streq(fault, "hang"))
		hang();
	else
		return -EINVAL;
	return len;
}

static const struct file_operations planted_ops = {
	.owner = THIS_MODULE,
	.write = planted_write,
};

static int __init planted_init(void)
{
	file = debugfs_create_file("planted", 0200, NULL, NULL, &planted_ops);
	return PTR_ERR_OR_ZERO(file);
}
module_init(planted_init);

static void __exit planted_exit(void)
{
	debugfs_remove(file);
}
module_exit(planted_exit);

MODULE_DESCRIPTION("Planted faults");
MODULE_LICENSE("GPL");
