// SPDX-License-Identifier: GPL-2.0-only
/* All the assembler of the headers; and, as a fault, what only one dialect has */
#include <shmring.h>

void all(const void *p);
void all(const void *p)
{
	shmring_full_fence();
	shmring_prefetch_write(p);
#ifdef PLANTED
	__asm__ __volatile__("addl $0, -4(%%rsp)" ::: "memory", "cc");
#endif
}
