// SPDX-License-Identifier: GPL-2.0-only
/* A fault for W=1, which a build without it lets pass. */
#include <linux/module.h>

int planted(void)
{
	return 0;
}

MODULE_DESCRIPTION("Planted fault");
MODULE_LICENSE("GPL");
