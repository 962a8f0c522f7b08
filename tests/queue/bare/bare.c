// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue without a libc: pushes, pops, and ends with 0 if all was well
 */
#include <shmring_atomic.h>
#include <shmring_queue_raw.h>

static __attribute__((__aligned__(128))) unsigned char memory[4096];

/* What a freestanding compiler may call */
void *memcpy(void *to, const void *from, unsigned long n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	while (n--)
		*(volatile unsigned char *)t++ = *f++;
	return to;
}

static int work(void)
{
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	struct shmring_queue made, q;
	__u64 i, lap, item;

	if (shmring_queue_raw_init(&made, memory, sizeof(memory), 64, 8, 8) ||
	    shmring_queue_raw_attach(&q, memory, sizeof(memory), 8, 8) ||
	    shmring_queue_producer_init(&made, &p) ||
	    shmring_queue_consumer_init(&q, &c))
		return 1;
	for (lap = 0; lap < 10; lap++) {
		for (i = 0; i < 64; i++)
			if (shmring_queue_push(&p, &i))
				return 2;
		if (shmring_queue_push(&p, &i) != -EAGAIN)
			return 3;
		for (i = 0; i < 64; i++)
			if (shmring_queue_pop_sized(&c, &item, 8) || item != i)
				return 4;
		if (shmring_queue_pop(&c, &item) != -EAGAIN)
			return 5;
	}
	return 0;
}

void _start(void)
{
	int status = work();

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
