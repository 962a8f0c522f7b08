// SPDX-License-Identifier: GPL-2.0-only
#include "queue.h"

/* No period that a capacity divides */
static unsigned char item_byte(uint64_t n, uint64_t i)
{
	return (n * 0x9e3779b97f4a7c15 >> 56) + n + i;
}

void item_fill(void *item, uint64_t size, uint64_t n)
{
	unsigned char *p = item, first = item_byte(n, 0);
	uint64_t i;

	for (i = 0; i < size; i++)
		p[i] = first + i;
}

bool item_check(const void *item, uint64_t size, uint64_t n)
{
	const unsigned char *p = item;
	unsigned char first = item_byte(n, 0), wrong = 0;
	uint64_t i;

	for (i = 0; i < size; i++)
		wrong |= p[i] ^ (unsigned char)(first + i);
	return !wrong;
}

void items_fill(void *items, uint64_t size, uint64_t n, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		item_fill((char *)items + i * size, size, n + i);
}

bool items_check(const void *items, uint64_t size, uint64_t n, uint64_t count)
{
	uint64_t i;

	for (i = 0; i < count; i++)
		if (!item_check((const char *)items + i * size, size, n + i))
			return false;
	return true;
}

void queue_start_at(struct shmring_queue *q, uint64_t pos)
{
	shmring_store_release(&q->header->wr, pos);
	shmring_store_release(&q->header->rd, pos);
}

uint64_t queue_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
