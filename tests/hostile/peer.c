// SPDX-License-Identifier: GPL-2.0-only
/*
 * The hostile peer: one thread moves its end as it should; the other one writes to
 * all that the peer's role can write.  What that is it finds by trying, so that a
 * page or a word which the interface gains is written to as well; by name it knows
 * one word only, its position.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../ring/ring.h"
#include "hostile.h"

#define PAGES_MAX	64
/* An attack is made of strokes, between which it may be over. */
#define STROKE		64

/**
 * struct page - one that the peer can write
 * @at: where it is mapped
 * @offset: in the file
 */
struct page {
	unsigned char *at;
	uint64_t offset;
};

/**
 * struct peer - the hostile process
 * @h: its round
 * @role: of it
 * @random: of the thread that scribbles
 * @fd: the device's file
 * @map: all pages, as the role allows
 * @size: a page's
 * @own: its position
 * @own_offset: where that is in the file
 * @his: the honest end's
 * @pos: where the peer stands, if it is to be believed
 * @heads: how many of @pages come before the data
 * @nr_pages: in @pages
 * @pages: that it can write
 */
struct peer {
	struct hostile *h;
	uint32_t role;
	uint64_t random;
	int fd;
	struct device_map map;
	size_t size;
	__u64 *own;
	uint64_t own_offset;
	const __u64 *his;
	uint64_t pos;
	unsigned int heads;
	unsigned int nr_pages;
	struct page pages[PAGES_MAX];
};

static void try_pages(struct peer *p, uint64_t offset, uint64_t end)
{
	void *at;

	for (; offset < end && p->nr_pages < PAGES_MAX; offset += p->size) {
		at = mmap(NULL, p->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			  p->fd, (off_t)offset);
		if (at == MAP_FAILED)
			continue;
		p->pages[p->nr_pages].at = at;
		p->pages[p->nr_pages++].offset = offset;
	}
}

static bool open_peer(struct peer *p)
{
	struct shmring_ioc_info info;

	p->role = SHMRING_ROLE_BOTH & ~p->h->role;
	p->size = sysconf(_SC_PAGESIZE);
	p->pos = p->h->start;
	p->fd = device_end(p->h->handle, p->role);
	if (p->fd < 0 || device_info(p->fd, &info) ||
	    device_map(p->fd, &p->map))
		return false;
	try_pages(p, 0, info.data_offset);
	p->heads = p->nr_pages;
	try_pages(p, info.arena_offset, info.arena_offset + info.arena_size);
	try_pages(p, info.data_offset, info.map_length);
	if (p->role == SHMRING_ROLE_PRODUCER) {
		p->own = &p->map.p->wr;
		p->own_offset = info.producer_offset +
				offsetof(struct shmring_producer_page, wr);
		p->his = &p->map.c->rd;
	} else {
		p->own = &p->map.c->rd;
		p->own_offset = info.consumer_offset +
				offsetof(struct shmring_consumer_page, rd);
		p->his = &p->map.p->wr;
	}
	return p->heads;
}

static bool is_over(const struct peer *p)
{
	return __atomic_load_n(&p->h->stop, __ATOMIC_ACQUIRE);
}

static struct hostile_view view(const struct peer *p)
{
	return (struct hostile_view) {
		.mine = __atomic_load_n(&p->pos, __ATOMIC_RELAXED),
		.his = device_load(p->his),
		.capacity = p->h->capacity,
		.role = p->role,
	};
}

static void put(struct peer *p, __u64 *word, __u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
	__atomic_fetch_add(&p->h->words, 1, __ATOMIC_RELAXED);
}

static __u64 *word_at(const struct page *page, size_t offset)
{
	return (__u64 *)(page->at + offset);
}

/* Its data is not touched, and goes through the ring as if nothing was. */
static void scribble_beside(struct peer *p)
{
	const struct hostile_view v = view(p);
	unsigned int i;
	size_t at;

	for (i = 0; i < p->heads; i++)
		for (at = 0; at < p->size; at += sizeof(uint64_t))
			if (p->pages[i].offset + at != p->own_offset)
				put(p, word_at(&p->pages[i], at),
				    hostile_value(&v, &p->random));
}

static void scribble_position(struct peer *p)
{
	struct hostile_view v;
	int i;

	for (i = 0; i < STROKE; i++) {
		v = view(p);
		put(p, p->own, random_next(&p->random) % 2048 ?
		    hostile_possible(&v, &p->random) :
		    hostile_border(&v, &p->random));
	}
}

/* Between being looked at and being used a word has become another one. */
static void flip(struct peer *p)
{
	const struct hostile_view v = view(p);
	uint64_t r = random_next(&p->random);
	__u64 *word = p->own;
	uint64_t a, b;
	int i;

	if (r % 8 == 0)
		word = word_at(&p->pages[(r >> 8) % p->heads],
			       (r >> 16) % p->size & ~7ULL);
	a = hostile_possible(&v, &p->random);
	b = (r >> 3) % 16 ? hostile_possible(&v, &p->random) :
			    hostile_value(&v, &p->random);
	for (i = 0; i < STROKE; i++)
		put(p, word, i % 2 ? a : b);
}

/* All of it, in words that may be torn */
static void scribble_anywhere(struct peer *p)
{
	const struct hostile_view v = view(p);
	int i;

	for (i = 0; i < STROKE; i++) {
		uint64_t r = random_next(&p->random);
		struct page *page = &p->pages[r % 2 ? (r >> 1) % p->heads :
						      (r >> 1) % p->nr_pages];
		uint64_t value = hostile_value(&v, &p->random);
		size_t size = 1 << (r >> 16) % 4;
		size_t at = (r >> 24) % p->size & ~(size - 1);

		/* A position seldom survives that */
		if (page->offset + (at & ~7ULL) == p->own_offset && (r >> 40) % 64)
			continue;
		memcpy(page->at + at, &value, size);
		__atomic_fetch_add(&p->h->words, 1, __ATOMIC_RELAXED);
	}
}

static void *scribble(void *arg)
{
	static void (*const strokes[])(struct peer *p) = {
		[HOSTILE_BESIDE] = scribble_beside,
		[HOSTILE_POSITION] = scribble_position,
		[HOSTILE_FLIP] = flip,
		[HOSTILE_ANYWHERE] = scribble_anywhere,
	};
	struct peer *p = arg;

	while (!is_over(p))
		strokes[p->h->mischief](p);
	return NULL;
}

static uint64_t credit(const struct peer *p)
{
	uint64_t his = device_load(p->his);

	return p->role == SHMRING_ROLE_PRODUCER ?
	       his + p->h->capacity - p->pos : his - p->pos;
}

/* Go on by @n bytes at most, which are sent or looked at, from @pos on. */
static void move(struct peer *p, uint64_t n)
{
	uint64_t stream = p->pos - p->h->start;
	uint32_t at = p->pos & (p->h->capacity - 1);

	if (n > p->h->capacity - at)
		n = p->h->capacity - at;
	if (p->role == SHMRING_ROLE_PRODUCER)
		hostile_fill(p->map.data + at, stream, n);
	else if (!hostile_same(p->h, p->map.data + at, stream, n))
		hostile_fail(p->h, "the honest producer sent a wrong byte near %llu",
			     (unsigned long long)stream);
	__atomic_store_n(&p->pos, p->pos + n, __ATOMIC_RELAXED);
	device_store(p->own, p->pos);
}

static void work(struct peer *p, uint64_t seed)
{
	const __u32 edge = p->role == SHMRING_ROLE_PRODUCER ?
			   SHMRING_READABLE : SHMRING_WRITABLE;
	uint64_t random = seed | 1, can;

	while (!is_over(p)) {
		can = credit(p);
		/* The honest end may have gone by what the other thread wrote. */
		if (can && can <= p->h->capacity)
			move(p, 1 + random_next(&random) % can);
		device_kick(p->fd, edge);
		if (random_next(&random) % 8 == 0)
			usleep(random_next(&random) % 1000);
	}
}

void hostile_peer(struct hostile *h, uint64_t seed)
{
	static struct peer p;
	pthread_t thread;

	p.h = h;
	p.random = seed * 3 | 1;
	if (!open_peer(&p)) {
		hostile_fail(h, "the peer cannot attach");
		_exit(1);
	}
	__atomic_fetch_add(&h->ready, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&h->ready, __ATOMIC_ACQUIRE) < 2)
		usleep(100);
	if (pthread_create(&thread, NULL, scribble, &p))
		_exit(1);
	work(&p, seed);
	pthread_join(thread, NULL);
	/* In case that all was possible: this is not. */
	device_store(p.own, device_load(p.his) + (1ULL << 62));
	__atomic_store_n(&h->over, 1, __ATOMIC_RELEASE);
	for (;;)
		pause();
}
