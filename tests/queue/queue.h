/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the queue share
 */
#ifndef QUEUE_H
#define QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include <shmring_queue.h>

/* Sizes of an element, and its alignment: what the variants of a fixture vary. */
#define QUEUE_VARIANT							\
	{								\
		uint64_t capacity;					\
		uint64_t size;						\
		uint64_t align;						\
	}

#define QUEUE_VARIANT_ADD(fixture, n, bytes, aligned)			\
	FIXTURE_VARIANT_ADD(fixture, n##_of_##bytes##_at_##aligned) {	\
		.capacity = (n),					\
		.size = (bytes),					\
		.align = (aligned),					\
	}

#define QUEUE_VARIANTS(fixture)						\
	QUEUE_VARIANT_ADD(fixture, 1, 8, 8);				\
	QUEUE_VARIANT_ADD(fixture, 2, 1, 1);				\
	QUEUE_VARIANT_ADD(fixture, 4, 8, 8);				\
	QUEUE_VARIANT_ADD(fixture, 8, 3, 1);				\
	QUEUE_VARIANT_ADD(fixture, 64, 64, 64);				\
	QUEUE_VARIANT_ADD(fixture, 128, 65, 1);				\
	QUEUE_VARIANT_ADD(fixture, 256, 16, 16);			\
	QUEUE_VARIANT_ADD(fixture, 1024, 8, 8);				\
	QUEUE_VARIANT_ADD(fixture, 16, 128, 128);			\
	QUEUE_VARIANT_ADD(fixture, 32, 4096, 4096);			\
	QUEUE_VARIANT_ADD(fixture, 32, 4096, 8)

/* The element with number @n: its bytes tell which it is. */
void item_fill(void *item, uint64_t size, uint64_t n);
bool item_check(const void *item, uint64_t size, uint64_t n);
void items_fill(void *items, uint64_t size, uint64_t n, uint64_t count);
bool items_check(const void *items, uint64_t size, uint64_t n, uint64_t count);

/* Both positions of a queue that nobody uses yet */
void queue_start_at(struct shmring_queue *q, uint64_t pos);

/* xorshift64: the same sequence for the same @state, which is not 0. */
uint64_t queue_random(uint64_t *state);

#endif /* QUEUE_H */
