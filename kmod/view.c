// SPDX-License-Identifier: GPL-2.0-only
/*
 * The data as ends in the kernel see it: twice in a row, as processes do
 *
 *	| D0 D1 D2 D3 | D0 D1 D2 D3 |
 *	         ^^^^^^^^ a span that wraps
 */
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "ring.h"

/**
 * shmring_map_data - show the kernel a ring's data
 * @ring: the ring; its roles_lock is held
 *
 * Made when the first kernel end needs it; kept with the ring.
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int shmring_map_data(struct shmring *ring)
{
	unsigned int nr = ring->data.nr, i;
	struct page **twice;

	if (ring->view)
		return 0;
	if (ring->capacity < PAGE_SIZE) {
		ring->view = page_address(shmring_pages_at(&ring->data, 0));
		return 0;
	}

	twice = kvmalloc_array(nr, 2 * sizeof(*twice),
			       GFP_KERNEL | __GFP_NOWARN);
	if (!twice)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		twice[i] = shmring_pages_at(&ring->data, i);
		twice[i + nr] = twice[i];
	}
	ring->view = vmap(twice, 2 * nr, VM_MAP, PAGE_KERNEL);
	kvfree(twice);
	return ring->view ? 0 : -ENOMEM;
}

/**
 * shmring_unmap_data - undo what the first kernel end did
 * @ring: a ring that nobody holds
 *
 * Context: process, may sleep.
 */
void shmring_unmap_data(struct shmring *ring)
{
	if (ring->capacity >= PAGE_SIZE)
		vunmap(ring->view);
}
