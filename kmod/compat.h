/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What changed in the kernel since 6.1, in one place
 */
#ifndef SHMRING_COMPAT_H
#define SHMRING_COMPAT_H

#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/splice.h>
#include <linux/version.h>

/* 6.3: bc292ab00f6c, vm_flags are changed through helpers */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 3, 0)
static inline void shmring_vma_flags(struct vm_area_struct *vma,
				     unsigned long set, unsigned long clear)
{
	vm_flags_mod(vma, set, clear);
}
#else
static inline void shmring_vma_flags(struct vm_area_struct *vma,
				     unsigned long set, unsigned long clear)
{
	vma->vm_flags = (vma->vm_flags | set) & ~clear;
}
#endif

/*
 * 6.5: c6585011bc1d, generic_file_splice_read() went.  Both read through
 * ->read_iter into pages of the pipe's own.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 5, 0)
#define shmring_splice_read	copy_splice_read
#else
#define shmring_splice_read	generic_file_splice_read
#endif

/* 6.13: 908a1d775422, the function is set together with the clock */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)
#define shmring_hrtimer_setup	hrtimer_setup
#else
static inline void
shmring_hrtimer_setup(struct hrtimer *timer,
		      enum hrtimer_restart (*function)(struct hrtimer *),
		      clockid_t clock, enum hrtimer_mode mode)
{
	hrtimer_init(timer, clock, mode);
	timer->function = function;
}
#endif

/*
 * The largest order that can be asked for.  6.4: 23baf831a32c, MAX_ORDER was one
 * more before; 6.8: 5e0a760b4441, it got another name.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 8, 0)
#define SHMRING_MAX_ORDER	MAX_PAGE_ORDER
#elif LINUX_VERSION_CODE >= KERNEL_VERSION(6, 4, 0)
#define SHMRING_MAX_ORDER	MAX_ORDER
#else
#define SHMRING_MAX_ORDER	(MAX_ORDER - 1)
#endif

#endif /* SHMRING_COMPAT_H */
