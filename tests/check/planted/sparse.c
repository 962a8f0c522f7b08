// SPDX-License-Identifier: GPL-2.0-only
/* A fault for sparse: a user's pointer is followed as if it were the kernel's. */
#include <linux/module.h>

static int planted(const int __user *p)
{
	return *p;
}

static int __init planted_init(void)
{
	return planted(NULL);
}
module_init(planted_init);

MODULE_DESCRIPTION("Planted fault");
MODULE_LICENSE("GPL");
