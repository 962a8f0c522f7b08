// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue, one function at a time
 *
 * Those that the Rust crate shm-primitives has a test of: for its ring in a
 * region and, with raw_, for its ring over bare pointers
 *
 *	order between two threads		concurrent, raw_concurrent
 *	wrap-around				wraparound, raw_wraparound
 *	full, empty, len, status, WouldBlock	would_block_when_*, len_and_status
 *	split					split
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <kselftest_harness.h>

#include <shmring.h>

#include "queue.h"

struct order {
	uint64_t id;
	char side;
	uint32_t price;
};

SHMRING_QUEUE_DEFINE(orders, struct order);
SHMRING_QUEUE_DEFINE(ids, uint64_t);
SHMRING_QUEUE_DEFINE(bytes, unsigned char);

FIXTURE(queue)
{
	struct shmring_region g;
	struct shmring_queue q;
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	unsigned char *in;
	unsigned char *out;
};

FIXTURE_VARIANT(queue) QUEUE_VARIANT;
QUEUE_VARIANTS(queue);

FIXTURE_SETUP(queue)
{
	uint64_t bytes = shmring_queue_bytes(variant->capacity, variant->size,
					     variant->align);

	ASSERT_LT(0, bytes);
	/* A page: as much as any alignment can be. */
	ASSERT_EQ(0, shmring_region_memfd(&self->g, bytes));
	ASSERT_EQ(0, shmring_queue_init(&self->q, &self->g, 0,
					variant->capacity, variant->size,
					variant->align));
	ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
	self->in = malloc(2 * variant->capacity * variant->size);
	self->out = malloc(2 * variant->capacity * variant->size);
	ASSERT_NE(NULL, self->in);
	ASSERT_NE(NULL, self->out);
}

FIXTURE_TEARDOWN(queue)
{
	free(self->in);
	free(self->out);
	shmring_region_close(&self->g);
}

TEST_F(queue, elements_are_aligned)
{
	void *slots;
	long n;

	n = shmring_queue_reserve(&self->p, &slots, variant->capacity);
	ASSERT_EQ(variant->capacity, n);
	EXPECT_EQ(0, (uintptr_t)slots % variant->align);
	EXPECT_LE(self->q.header + 1, (struct shmring_queue_header *)slots);
	EXPECT_GE((char *)self->g.base + self->g.size,
		  (char *)slots + variant->capacity * variant->size);
}

TEST_F(queue, would_block_when_empty)
{
	const void *slots;

	EXPECT_TRUE(shmring_queue_empty(&self->c));
	EXPECT_EQ(-EAGAIN, shmring_queue_pop(&self->c, self->out));
	EXPECT_EQ(-EAGAIN, shmring_queue_pop_n(&self->c, self->out, 1));
	EXPECT_EQ(-EAGAIN, shmring_queue_peek(&self->c, self->out));
	EXPECT_EQ(-EAGAIN, shmring_queue_front(&self->c, &slots, 1));
	EXPECT_EQ(0, shmring_queue_pop_n(&self->c, self->out, 0));
	EXPECT_EQ(0, shmring_queue_front(&self->c, &slots, 0));
	EXPECT_EQ(0, shmring_queue_release(&self->c, 0));
	EXPECT_EQ(-EINVAL, shmring_queue_release(&self->c, 1));
	EXPECT_EQ(0, shmring_queue_available(&self->c));
	/* It was no error. */
	EXPECT_EQ(0, shmring_queue_push(&self->p, self->in));
	EXPECT_FALSE(shmring_queue_empty(&self->c));
	EXPECT_EQ(0, shmring_queue_pop(&self->c, self->out));
	EXPECT_TRUE(shmring_queue_empty(&self->c));
}

TEST_F(queue, would_block_when_full)
{
	uint64_t i;
	void *slots;

	for (i = 0; i < variant->capacity; i++) {
		EXPECT_FALSE(shmring_queue_full(&self->p));
		EXPECT_EQ(variant->capacity - i, shmring_queue_space(&self->p));
		item_fill(self->in, variant->size, i);
		ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
	}
	EXPECT_TRUE(shmring_queue_full(&self->p));
	EXPECT_EQ(0, shmring_queue_space(&self->p));
	EXPECT_EQ(-EAGAIN, shmring_queue_push(&self->p, self->in));
	EXPECT_EQ(-EAGAIN, shmring_queue_push_n(&self->p, self->in, 1));
	EXPECT_EQ(-EAGAIN, shmring_queue_reserve(&self->p, &slots, 1));
	EXPECT_EQ(0, shmring_queue_push_n(&self->p, self->in, 0));
	EXPECT_EQ(0, shmring_queue_reserve(&self->p, &slots, 0));
	EXPECT_EQ(0, shmring_queue_commit(&self->p, 0));
	EXPECT_EQ(-EINVAL, shmring_queue_commit(&self->p, 1));
	/* One out, one in. */
	for (i = 0; i < 3 * variant->capacity; i++) {
		ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
		EXPECT_TRUE(item_check(self->out, variant->size, i));
		EXPECT_FALSE(shmring_queue_full(&self->p));
		item_fill(self->in, variant->size, i + variant->capacity);
		ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
		ASSERT_EQ(-EAGAIN, shmring_queue_push(&self->p, self->in));
	}
}

TEST_F(queue, len_and_status)
{
	struct shmring_queue_status s;
	uint64_t i;

	for (i = 0; i <= variant->capacity; i++) {
		EXPECT_EQ(i, shmring_queue_len(&self->q));
		EXPECT_EQ(i, shmring_queue_available(&self->c));
		ASSERT_EQ(0, shmring_queue_status(&self->q, &s));
		EXPECT_EQ(i, s.len);
		EXPECT_EQ(i, s.wr);
		EXPECT_EQ(0, s.rd);
		EXPECT_EQ(variant->capacity, s.capacity);
		if (i < variant->capacity)
			ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
	}
	while (i--) {
		if (!i)
			break;
		ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
		EXPECT_EQ(i - 1, shmring_queue_len(&self->q));
	}
	ASSERT_EQ(0, shmring_queue_status(&self->q, &s));
	EXPECT_EQ(variant->capacity, s.rd);
}

/* The handles are what is used; the words follow. */
TEST_F(queue, positions_are_private)
{
	item_fill(self->in, variant->size, 7);
	shmring_store_release(&self->q.header->wr, 12345);
	ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
	EXPECT_EQ(1, shmring_load(&self->q.header->wr));
	shmring_store_release(&self->q.header->rd, 54321);
	ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
	EXPECT_EQ(1, shmring_load(&self->q.header->rd));
	EXPECT_TRUE(item_check(self->out, variant->size, 7));
}

TEST_F(queue, peek_takes_nothing)
{
	item_fill(self->in, variant->size, 1);
	ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
	ASSERT_EQ(0, shmring_queue_peek(&self->c, self->out));
	EXPECT_TRUE(item_check(self->out, variant->size, 1));
	EXPECT_EQ(1, shmring_queue_len(&self->q));
	memset(self->out, 0, variant->size);
	ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
	EXPECT_TRUE(item_check(self->out, variant->size, 1));
	EXPECT_EQ(-EAGAIN, shmring_queue_peek(&self->c, self->out));
}

TEST_F(queue, batches_are_cut_to_what_there_is)
{
	uint64_t cap = variant->capacity, size = variant->size;

	items_fill(self->in, size, 0, 2 * cap);
	EXPECT_EQ(cap, shmring_queue_push_n(&self->p, self->in, 2 * cap));
	EXPECT_EQ(cap, shmring_queue_len(&self->q));
	EXPECT_EQ(cap, shmring_queue_pop_n(&self->c, self->out, 2 * cap));
	EXPECT_TRUE(items_check(self->out, size, 0, cap));

	/* Across the end of the memory */
	ASSERT_EQ(0, shmring_queue_push(&self->p, self->in + cap * size));
	ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
	EXPECT_EQ(cap, shmring_queue_push_n(&self->p, self->in, UINT64_MAX));
	EXPECT_EQ(cap, shmring_queue_pop_n(&self->c, self->out, UINT64_MAX));
	EXPECT_TRUE(items_check(self->out, size, 0, cap));
}

TEST_F(queue, in_place_across_the_end)
{
	uint64_t cap = variant->capacity, size = variant->size, at = cap / 2;
	const void *from = NULL;
	void *to = NULL;
	long n, m;

	if (cap < 2)
		return;
	ASSERT_EQ(at, shmring_queue_push_n(&self->p, self->in, at));
	ASSERT_EQ(at, shmring_queue_pop_n(&self->c, self->out, at));
	n = shmring_queue_reserve(&self->p, &to, cap);
	ASSERT_EQ(cap - at, n);
	items_fill(to, size, 0, n);
	EXPECT_EQ(-EAGAIN, shmring_queue_pop(&self->c, self->out));
	EXPECT_EQ(0, shmring_queue_commit(&self->p, n));
	m = shmring_queue_reserve(&self->p, &to, cap);
	ASSERT_EQ(at, m);
	EXPECT_EQ(self->q.data, to);
	items_fill(to, size, n, m);
	EXPECT_EQ(0, shmring_queue_commit(&self->p, m));

	ASSERT_EQ(n, shmring_queue_front(&self->c, &from, cap));
	EXPECT_TRUE(items_check(from, size, 0, n));
	EXPECT_EQ(cap, shmring_queue_len(&self->q));
	EXPECT_EQ(0, shmring_queue_release(&self->c, n));
	ASSERT_EQ(m, shmring_queue_front(&self->c, &from, cap));
	EXPECT_TRUE(items_check(from, size, n, m));
	EXPECT_EQ(0, shmring_queue_release(&self->c, m));
	EXPECT_EQ(0, shmring_queue_len(&self->q));
}

TEST_F(queue, commit_of_n)
{
	void *slots;

	if (variant->capacity < 4)
		return;
	ASSERT_EQ(3, shmring_queue_reserve(&self->p, &slots, 3));
	EXPECT_EQ(-EINVAL, shmring_queue_commit(&self->p, 4));
	EXPECT_EQ(-EINVAL, shmring_queue_commit(&self->p, UINT64_MAX));
	EXPECT_EQ(0, shmring_queue_len(&self->q));
	EXPECT_EQ(0, shmring_queue_commit(&self->p, 0));
	EXPECT_EQ(0, shmring_queue_commit(&self->p, 2));
	EXPECT_EQ(2, shmring_queue_len(&self->q));
	EXPECT_EQ(-EINVAL, shmring_queue_commit(&self->p, 2));
	EXPECT_EQ(0, shmring_queue_commit(&self->p, 1));
	EXPECT_EQ(-EINVAL, shmring_queue_commit(&self->p, 1));
	EXPECT_EQ(3, shmring_queue_len(&self->q));

	/* A push makes it void. */
	ASSERT_EQ(1, shmring_queue_reserve(&self->p, &slots, 2) > 0);
	ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
	EXPECT_EQ(-EINVAL, shmring_queue_commit(&self->p, 1));
}

TEST_F(queue, release_of_n)
{
	const void *slots;

	if (variant->capacity < 4)
		return;
	ASSERT_EQ(4, shmring_queue_push_n(&self->p, self->in, 4));
	ASSERT_EQ(3, shmring_queue_front(&self->c, &slots, 3));
	EXPECT_EQ(-EINVAL, shmring_queue_release(&self->c, 4));
	EXPECT_EQ(-EINVAL, shmring_queue_release(&self->c, UINT64_MAX));
	EXPECT_EQ(4, shmring_queue_len(&self->q));
	EXPECT_EQ(0, shmring_queue_release(&self->c, 0));
	EXPECT_EQ(0, shmring_queue_release(&self->c, 2));
	EXPECT_EQ(2, shmring_queue_len(&self->q));
	EXPECT_EQ(-EINVAL, shmring_queue_release(&self->c, 2));
	EXPECT_EQ(0, shmring_queue_release(&self->c, 1));

	/* A pop makes it void. */
	ASSERT_EQ(1, shmring_queue_front(&self->c, &slots, 1));
	ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
	EXPECT_EQ(-EINVAL, shmring_queue_release(&self->c, 1));
}

/* Who comes later carries on. */
TEST_F(queue, ends_carry_on)
{
	struct shmring_queue again;

	item_fill(self->in, variant->size, 5);
	ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
	ASSERT_EQ(0, shmring_queue_attach(&again, &self->g, 0, variant->size,
					  variant->align));
	EXPECT_EQ(variant->capacity, again.capacity);
	EXPECT_EQ(self->q.data, again.data);
	EXPECT_EQ(1, shmring_queue_len(&again));
	ASSERT_EQ(0, shmring_queue_split(&again, &self->p, &self->c));
	ASSERT_EQ(0, shmring_queue_pop(&self->c, self->out));
	EXPECT_TRUE(item_check(self->out, variant->size, 5));
	EXPECT_EQ(-EAGAIN, shmring_queue_pop(&self->c, self->out));
	EXPECT_EQ(variant->capacity, shmring_queue_space(&self->p));
}

TEST_F(queue, positions_wrap)
{
	static const uint64_t starts[] = {
		UINT32_MAX, UINT32_MAX - 2ULL, 1ULL << 32, INT64_MAX,
		UINT64_MAX, -3ULL, -1000ULL,
	};
	uint64_t i, n, cap = variant->capacity;

	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		queue_start_at(&self->q, starts[i]);
		ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
		EXPECT_EQ(0, shmring_queue_len(&self->q));
		EXPECT_EQ(cap, shmring_queue_space(&self->p));
		for (n = 0; n < 2 * cap + 5; n++) {
			if (n >= cap) {
				ASSERT_EQ(-EAGAIN, shmring_queue_push(&self->p,
								      self->in));
				ASSERT_EQ(0, shmring_queue_pop(&self->c,
							       self->out));
				ASSERT_TRUE(item_check(self->out, variant->size,
						       n - cap));
			}
			item_fill(self->in, variant->size, n);
			ASSERT_EQ(0, shmring_queue_push(&self->p, self->in));
		}
		EXPECT_EQ(cap, shmring_queue_len(&self->q));
	}
}

/* --- By type, in a region */

TEST(typed)
{
	struct order order = { .id = 1, .side = 'b', .price = 100 }, got;
	struct order many[8] = { { .id = 2 }, { .id = 3 } };
	const struct order *front;
	struct orders_producer p;
	struct orders_consumer c;
	struct shmring_queue_status s;
	struct orders_queue q = { 0 }, again = { 0 };
	struct shmring_region g;
	struct order *slots;

	ASSERT_EQ(0, shmring_region_heap(&g, orders_bytes(4) + 256));
	ASSERT_EQ(0, orders_init(&q, &g, 256, 4));
	ASSERT_EQ(0, orders_attach(&again, &g, 256));
	ASSERT_EQ(0, orders_producer_init(&q, &p));
	ASSERT_EQ(0, orders_consumer_init(&again, &c));
	EXPECT_TRUE(orders_empty(&c));
	EXPECT_EQ(-EAGAIN, orders_pop(&c, &got));

	ASSERT_EQ(0, orders_push(&p, &order));
	ASSERT_EQ(2, orders_push_n(&p, many, 2));
	ASSERT_EQ(1, orders_reserve(&p, &slots, 3));
	slots->id = 4;
	ASSERT_EQ(0, orders_commit(&p, 1));
	EXPECT_TRUE(orders_full(&p));
	EXPECT_EQ(0, orders_space(&p));
	EXPECT_EQ(-EAGAIN, orders_push(&p, &order));
	EXPECT_EQ(4, orders_len(&q));
	EXPECT_EQ(4, orders_available(&c));
	EXPECT_EQ(0, orders_status(&q, &s));
	EXPECT_EQ(4, s.len);

	ASSERT_EQ(0, orders_peek(&c, &got));
	EXPECT_EQ(1, got.id);
	ASSERT_EQ(0, orders_pop(&c, &got));
	EXPECT_EQ(1, got.id);
	EXPECT_EQ('b', got.side);
	EXPECT_EQ(100, got.price);
	ASSERT_EQ(2, orders_pop_n(&c, many, 2));
	EXPECT_EQ(2, many[0].id);
	EXPECT_EQ(3, many[1].id);
	ASSERT_EQ(1, orders_front(&c, &front, 8));
	EXPECT_EQ(4, front->id);
	EXPECT_EQ(0, orders_release(&c, 1));
	EXPECT_TRUE(orders_empty(&c));
	shmring_region_close(&g);
}

TEST(init_refuses)
{
	struct shmring_region g;
	struct shmring_queue q;
	static const struct {
		uint64_t offset, capacity, size, align;
		int err;
	} bad[] = {
		{ 0, 0, 8, 8, -EINVAL }, { 0, 3, 8, 8, -EINVAL },
		{ 0, 1ULL << 31, 8, 8, -EINVAL }, { 0, 1ULL << 63, 8, 8, -EINVAL },
		{ 0, UINT64_MAX, 8, 8, -EINVAL }, { 0, 4, 0, 1, -EINVAL },
		{ 0, 4, 8, 0, -EINVAL }, { 0, 4, 8, 3, -EINVAL },
		{ 0, 4, 12, 8, -EINVAL }, { 0, 4, 4, 8, -EINVAL },
		{ 0, 4, 8192, 8192, -EINVAL }, { 0, 4, (1ULL << 30) + 1, 1, -EINVAL },
		{ 0, 4, UINT64_MAX, 1, -EINVAL },
		{ 64, 4, 8, 8, -EINVAL }, { 1, 4, 8, 8, -EINVAL },
		{ 128, 4, 256, 256, -EINVAL },
		{ 4096, 4, 8, 8, -ERANGE }, { UINT64_MAX, 4, 8, 8, -ERANGE },
		{ -128ULL, 4, 8, 8, -ERANGE }, { 1ULL << 63, 4, 8, 8, -ERANGE },
		{ 0, 1024, 8, 8, -ENOSPC }, { 3968, 1, 1, 1, -ENOSPC },
		{ 0, 1ULL << 30, 1ULL << 30, 1, -ENOSPC },
		{ 128, 512, 8, 8, -ENOSPC }, { 3584, 256, 1, 1, -ENOSPC },
	};
	unsigned int i;

	ASSERT_EQ(0, shmring_region_memfd(&g, 4096));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		EXPECT_EQ(bad[i].err,
			  shmring_queue_init(&q, &g, bad[i].offset,
					     bad[i].capacity, bad[i].size,
					     bad[i].align))
			TH_LOG("number %u", i);
	EXPECT_EQ(0, shmring_queue_init(&q, &g, 3584, 128, 1, 1));
	shmring_region_close(&g);
	EXPECT_EQ(-ERANGE, shmring_queue_init(&q, &g, 0, 4, 8, 8));
	EXPECT_EQ(-ERANGE, shmring_queue_attach(&q, &g, 0, 8, 8));
	EXPECT_EQ(-EINVAL, shmring_queue_raw_init(&q, NULL, 4096, 4, 8, 8));
	EXPECT_EQ(-EINVAL, shmring_queue_raw_attach(&q, NULL, 4096, 8, 8));
}

/* bytes() is exact: one less does not do. */
TEST(bytes_is_what_it_takes)
{
	static const uint64_t capacities[] = { 1, 2, 64, 1024 };
	static const struct { uint64_t size, align; } of[] = {
		{ 1, 1 }, { 7, 1 }, { 8, 8 }, { 64, 64 }, { 65, 1 }, { 128, 128 },
		{ 512, 256 }, { 4096, 4096 },
	};
	struct shmring_region g, less;
	struct shmring_queue q;
	unsigned int i, j;
	uint64_t bytes;

	for (i = 0; i < ARRAY_SIZE(capacities); i++) {
		for (j = 0; j < ARRAY_SIZE(of); j++) {
			bytes = shmring_queue_bytes(capacities[i], of[j].size,
						    of[j].align);
			ASSERT_EQ(0, shmring_region_memfd(&g, bytes));
			ASSERT_EQ(0, shmring_region_raw(&less, g.base, bytes - 1));
			EXPECT_EQ(-ENOSPC,
				  shmring_queue_init(&q, &less, 0, capacities[i],
						     of[j].size, of[j].align));
			EXPECT_EQ(0, shmring_queue_init(&q, &g, 0, capacities[i],
							of[j].size, of[j].align));
			EXPECT_EQ(-ERANGE,
				  shmring_queue_attach(&q, &less, 0, of[j].size,
						       of[j].align));
			EXPECT_EQ(0, shmring_queue_attach(&q, &g, 0, of[j].size,
							  of[j].align));
			shmring_region_close(&g);
		}
	}
	EXPECT_EQ(0, shmring_queue_bytes(3, 8, 8));
	EXPECT_EQ(0, shmring_queue_bytes(4, 9, 8));
}

/* --- The Rust crate's, in meaning */

/* Both ends move elements by @count, spinning. */
static void *produce_ids(void *arg)
{
	struct ids_queue *q = arg;
	struct ids_producer p;
	uint64_t i;

	if (ids_producer_init(q, &p))
		return "no producer";
	for (i = 0; i < 100000; i++)
		while (ids_push(&p, &i) == -EAGAIN)
			sched_yield();
	return NULL;
}

static const char *consume_ids(struct ids_queue *q)
{
	struct ids_consumer c;
	uint64_t i, id = 0;

	if (ids_consumer_init(q, &c))
		return "no consumer";
	for (i = 0; i < 100000; i++) {
		while (ids_pop(&c, &id) == -EAGAIN)
			sched_yield();
		if (id != i)
			return "out of order";
	}
	return ids_pop(&c, &id) == -EAGAIN ? NULL : "too many";
}

TEST(concurrent)
{
	struct shmring_region g;
	struct ids_queue q;
	pthread_t thread;
	void *why;

	ASSERT_EQ(0, shmring_region_heap(&g, 4096));
	ASSERT_EQ(0, ids_init(&q, &g, 0, 4));
	ASSERT_EQ(0, pthread_create(&thread, NULL, produce_ids, &q));
	EXPECT_STREQ("", consume_ids(&q) ?: "");
	ASSERT_EQ(0, pthread_join(thread, &why));
	EXPECT_EQ(NULL, why);
	shmring_region_close(&g);
}

TEST(raw_concurrent)
{
	static _Alignas(128) unsigned char memory[512];
	struct ids_queue q;
	pthread_t thread;
	void *why;

	ASSERT_EQ(0, ids_raw_init(&q, memory, sizeof(memory), 4));
	ASSERT_EQ(0, pthread_create(&thread, NULL, produce_ids, &q));
	EXPECT_STREQ("", consume_ids(&q) ?: "");
	ASSERT_EQ(0, pthread_join(thread, &why));
	EXPECT_EQ(NULL, why);
}

/* Fill, pop one, push one more, drain: 0 1 2 3 4. */
static bool wraps_around(struct ids_queue *q)
{
	struct ids_producer p;
	struct ids_consumer c;
	uint64_t i, id;

	if (ids_split(q, &p, &c))
		return false;
	for (i = 0; i < 4; i++)
		if (ids_push(&p, &i))
			return false;
	if (ids_push(&p, &i) != -EAGAIN)
		return false;
	if (ids_pop(&c, &id) || id != 0 || ids_push(&p, &i))
		return false;
	for (i = 1; i < 5; i++)
		if (ids_pop(&c, &id) || id != i)
			return false;
	return ids_pop(&c, &id) == -EAGAIN;
}

TEST(wraparound)
{
	struct shmring_region g;
	struct ids_queue q;

	ASSERT_EQ(0, shmring_region_heap(&g, 4096));
	ASSERT_EQ(0, ids_init(&q, &g, 0, 4));
	EXPECT_TRUE(wraps_around(&q));
	shmring_region_close(&g);
}

TEST(raw_wraparound)
{
	static _Alignas(128) unsigned char memory[512];
	struct ids_queue q, again;

	ASSERT_EQ(0, ids_raw_init(&q, memory, sizeof(memory), 4));
	EXPECT_TRUE(wraps_around(&q));
	ASSERT_EQ(0, ids_raw_attach(&again, memory, sizeof(memory)));
	EXPECT_TRUE(wraps_around(&again));
}

TEST(split)
{
	static _Alignas(128) unsigned char memory[512];
	struct bytes_producer p;
	struct bytes_consumer c;
	struct bytes_queue q;
	unsigned char b = 9;

	ASSERT_EQ(0, bytes_raw_init(&q, memory, sizeof(memory), 128));
	ASSERT_EQ(0, bytes_split(&q, &p, &c));
	EXPECT_EQ(128, bytes_space(&p));
	EXPECT_EQ(0, bytes_available(&c));
	ASSERT_EQ(0, bytes_push(&p, &b));
	b = 0;
	ASSERT_EQ(0, bytes_pop(&c, &b));
	EXPECT_EQ(9, b);
}

TEST_HARNESS_MAIN
