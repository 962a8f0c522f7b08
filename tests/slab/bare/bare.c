// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slab without a libc: ends with 0 if all was well
 */
#include <shmring_atomic.h>

#include "life.h"

static __attribute__((__aligned__(128))) unsigned char memory[8192];

/* What a freestanding compiler may call */
void *memcpy(void *to, const void *from, unsigned long n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (n--)
		*(volatile unsigned char *)t++ = *f++;
	return to;
}

/* The kernel enters here with a stack that is aligned as a function's is not. */
#if defined(__x86_64__)
__attribute__((__force_align_arg_pointer__))
#endif
void _start(void)
{
	int status = slab_life(memory, sizeof(memory));

#ifdef PLANTED
	extern int printf(const char *format, ...);

	printf("%d\n", status);
#endif
#if defined(__x86_64__)
	__asm__ __volatile__("syscall" : : "a" (231), "D" (status));
#elif defined(__aarch64__)
	register long number __asm__("x8") = 94;
	register long value __asm__("x0") = status;

	__asm__ __volatile__("svc 0" : : "r" (number), "r" (value));
#endif
	for (;;)
		;
}
