// SPDX-License-Identifier: GPL-2.0-only
/* A queue in memory that says what it likes; nothing around it may be touched */
#include <stdlib.h>
#include <string.h>

#include <shmring_queue.h>

#include "target.h"

#define SIZE	16
#define ALIGN	8

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	unsigned char element[SIZE] = { 1 };
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	struct shmring_queue q;
	unsigned char *memory;
	int i;

	memory = target_memory(input, n);
	if (shmring_queue_raw_attach(&q, memory, n, SIZE, ALIGN))
		goto free;
	if (q.capacity > n / SIZE)
		target_wrong("a capacity that has no room");
	if (shmring_queue_len(&q) > (long)q.capacity)
		target_wrong("more elements than fit");
	if (!shmring_queue_producer_init(&q, &p))
		for (i = 0; i < 8; i++)
			shmring_queue_push(&p, element);
	/* Or whatever it comes to: the positions are anybody's */
	if (n & 1)
		shmring_store(&q.header->wr, input[n - 1]);
	if (!shmring_queue_consumer_init(&q, &c))
		for (i = 0; i < 8; i++)
			shmring_queue_pop(&c, element);
free:
	free(memory);
	return 0;
}
