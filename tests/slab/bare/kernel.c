// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slab in the kernel, over the kernel's atomic layer: it loads if all is well
 */
#include <linux/cache.h>
#include <linux/module.h>

#include "atomic.h"
#include "life.h"

static u8 memory[8192] __aligned(SHMRING_SLAB_ALIGN);

static int __init slab_bare_init(void)
{
	int step = slab_life(memory, sizeof(memory));

	if (!step)
		return 0;
	pr_err("slab_bare: step %d\n", step);
	return -EIO;
}

static void __exit slab_bare_exit(void)
{
}

module_init(slab_bare_init);
module_exit(slab_bare_exit);
MODULE_DESCRIPTION("shmring's slab in the kernel");
MODULE_LICENSE("GPL");
