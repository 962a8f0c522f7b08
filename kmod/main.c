// SPDX-License-Identifier: GPL-2.0-only
/*
 * shmring - single-producer, single-consumer byte rings whose pages both ends map
 */
#include <linux/miscdevice.h>
#include <linux/module.h>

#include "file.h"

/*
 * The data is mapped twice in a row, by processes and by the kernel, and the
 * kernel reads it by yet another address: no two of them may be cached apart.
 */
#if defined(CONFIG_ARCH_HAS_CPU_CACHE_ALIASING) || defined(CONFIG_SPARC64) || \
	defined(CONFIG_PARISC) || defined(CONFIG_MIPS)
#error "shmring needs caches that know a page by its physical address"
#endif

static struct miscdevice shmring_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "shmring",
	.fops	= &shmring_fops,
};

static int __init shmring_init(void)
{
	BUILD_BUG_ON(sizeof(struct shmring_kernel_page) > PAGE_SIZE);
	BUILD_BUG_ON(sizeof(atomic64_t) != sizeof(u64));
	/* Positions are read and written in one piece, and the layout is 64-bit */
	BUILD_BUG_ON(sizeof(long) != sizeof(u64));

	return misc_register(&shmring_misc);
}

static void __exit shmring_exit(void)
{
	misc_deregister(&shmring_misc);
}

module_init(shmring_init);
module_exit(shmring_exit);

MODULE_DESCRIPTION("Shared-memory byte rings with poll, handles and crash clean-up");
MODULE_LICENSE("GPL");
