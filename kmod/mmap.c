// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping a ring's pages
 *
 * What a mapping may do follows from the role of the file, never from the call.
 * No state hangs on a VMA: it holds the file, the file holds the ring, and the
 * page tables hold the pages.  So fork, splits and MADV_DOFORK, on which others
 * have lost count, have nothing to unbalance.
 */
#include <linux/mm.h>

#include "compat.h"
#include "file.h"

/* How many pages to map before other tasks get their turn. */
#define SHMRING_MAP_BATCH	32UL

/* Does [first, first + nr) lie within [from, from + length)? */
static bool shmring_within(unsigned long first, unsigned long nr,
			   unsigned long from, unsigned long length)
{
	return first >= from && first - from < length &&
	       nr <= length - (first - from);
}

static bool shmring_in_arena(const struct shmring *ring, unsigned long first,
			     unsigned long nr)
{
	return shmring_within(first, nr, SHMRING_PAGE_ARENA, ring->arena.nr);
}

static bool shmring_has_pages(const struct shmring *ring, unsigned long first,
			      unsigned long nr)
{
	return shmring_within(first, nr, 0, ring->nr_map) ||
	       shmring_in_arena(ring, first, nr);
}

static vm_fault_t shmring_fault(struct vm_fault *vmf)
{
	struct shmring_file *f = vmf->vma->vm_file->private_data;

	/* All was mapped at once; this is for who threw it away */
	if (!shmring_has_pages(f->ring, vmf->pgoff, 1))
		return VM_FAULT_SIGBUS;
	vmf->page = shmring_page(f->ring, vmf->pgoff);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct shmring_vm_ops = {
	.fault = shmring_fault,
};

static bool shmring_may_write(const struct shmring_file *f,
			      unsigned long first, unsigned long nr)
{
	if (shmring_in_arena(f->ring, first, nr))
		return f->roles & SHMRING_ROLE_BOTH;
	if (f->roles & SHMRING_ROLE_CONSUMER &&
	    shmring_within(first, nr, SHMRING_PAGE_C, 1))
		return true;
	return f->roles & SHMRING_ROLE_PRODUCER &&
	       shmring_within(first, nr, SHMRING_PAGE_P,
			      f->ring->nr_map - SHMRING_PAGE_P);
}

static int shmring_insert(struct shmring *ring, struct vm_area_struct *vma)
{
	struct page *pages[SHMRING_MAP_BATCH];
	unsigned long addr = vma->vm_start;
	unsigned long pgoff = vma->vm_pgoff;
	int err;

	while (addr < vma->vm_end) {
		unsigned long nr = (vma->vm_end - addr) >> PAGE_SHIFT;
		unsigned long left, i;

		nr = min(nr, SHMRING_MAP_BATCH);
		for (i = 0; i < nr; i++)
			pages[i] = shmring_page(ring, pgoff++);
		left = nr;
		err = vm_insert_pages(vma, addr, pages, &left);
		if (err)
			return err;
		addr += nr << PAGE_SHIFT;
		cond_resched();
	}
	return 0;
}

int shmring_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct shmring_file *f = file->private_data;
	struct shmring *ring = shmring_file_ring(f);
	unsigned long clear = VM_MAYEXEC;

	if (!ring)
		return -ENOTCONN;
	/* Not VM_SHARED: a file that is open for reading only has lost that */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (!shmring_has_pages(ring, vma->vm_pgoff, vma_pages(vma)))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	if (!shmring_may_write(f, vma->vm_pgoff, vma_pages(vma))) {
		if (vma->vm_flags & VM_WRITE)
			return -EACCES;
		clear |= VM_MAYWRITE;
	}
	shmring_vma_flags(vma, VM_DONTEXPAND | VM_DONTCOPY | VM_DONTDUMP, clear);
	vma->vm_ops = &shmring_vm_ops;
	return shmring_insert(ring, vma);
}
