// SPDX-License-Identifier: GPL-2.0-only
/*
 * Two ends that run at the same time: every element once, in order, whole
 *
 * Both move elements in all ways there are, in batches of random size, between
 * two threads and between two processes; the positions wrap at 2^32 or at 2^64
 * soon after the start.  tests/queue/planted runs this with faults in the queue.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "queue.h"

#define START32		(UINT32_MAX - 1000ULL)
#define START64		(UINT64_MAX - 1000ULL)
/* Seconds in which nothing moves: then nothing will. */
#ifndef PATIENCE
#define PATIENCE	20
#endif

/**
 * struct stress - what both ends know
 * @q: the queue
 * @size: bytes of an element
 * @capacity: elements
 * @count: elements to move
 * @failed: one of them gave up
 */
struct stress {
	struct shmring_queue q;
	uint64_t size;
	uint64_t capacity;
	uint64_t count;
	int failed;
};

/* Called when nothing could be moved; false: for too long now. */
static bool wait_a_little(const struct stress *s, time_t *since)
{
	struct timespec now;

	sched_yield();
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!*since)
		*since = now.tv_sec;
	return now.tv_sec - *since < PATIENCE &&
	       !__atomic_load_n(&s->failed, __ATOMIC_RELAXED);
}

static uint64_t batch(uint64_t *random, uint64_t capacity, uint64_t left)
{
	uint64_t most = queue_random(random) & 3 && capacity > 4 ? 4 : capacity;
	uint64_t n = queue_random(random) % most + 1;

	return n < left ? n : left;
}

/* Element @i on, up to @n: what is returned, as by the queue. */
static long put(const struct stress *s, struct shmring_queue_producer *p,
		unsigned char *buf, uint64_t *random, uint64_t i, uint64_t n)
{
	void *slots = NULL;
	long rc;

	switch (queue_random(random) % 3) {
	case 0:
		item_fill(buf, s->size, i);
		rc = shmring_queue_push(p, buf);
		return rc ? rc : 1;
	case 1:
		items_fill(buf, s->size, i, n);
		return shmring_queue_push_n(p, buf, n);
	default:
		rc = shmring_queue_reserve(p, &slots, n);
		if (rc <= 0)
			return rc;
		items_fill(slots, s->size, i, rc);
		return shmring_queue_commit(p, rc) ?: rc;
	}
}

static long get(const struct stress *s, struct shmring_queue_consumer *c,
		unsigned char *buf, uint64_t *random, uint64_t i, uint64_t n)
{
	const void *slots = NULL;
	long rc;

	switch (queue_random(random) % 4) {
	case 0:
		rc = shmring_queue_pop(c, buf);
		if (!rc)
			rc = item_check(buf, s->size, i) ? 1 : -EILSEQ;
		return rc;
	case 1:
		rc = shmring_queue_pop_n(c, buf, n);
		if (rc > 0 && !items_check(buf, s->size, i, rc))
			rc = -EILSEQ;
		return rc;
	case 2:
		rc = shmring_queue_peek(c, buf);
		if (rc)
			return rc;
		if (!item_check(buf, s->size, i))
			return -EILSEQ;
		rc = shmring_queue_pop(c, buf);
		if (!rc)
			rc = item_check(buf, s->size, i) ? 1 : -EILSEQ;
		return rc;
	default:
		rc = shmring_queue_front(c, &slots, n);
		if (rc <= 0)
			return rc;
		if (!items_check(slots, s->size, i, rc))
			return -EILSEQ;
		return shmring_queue_release(c, rc) ?: rc;
	}
}

/* 0 or a negative errno */
static long produce(struct stress *s)
{
	unsigned char *buf = malloc(s->capacity * s->size);
	struct shmring_queue_producer p;
	uint64_t random = 7, i = 0;
	time_t since = 0;
	long rc = buf ? shmring_queue_producer_init(&s->q, &p) : -ENOMEM;

	while (!rc && i < s->count) {
		rc = put(s, &p, buf, &random, i,
			 batch(&random, s->capacity, s->count - i));
		if (rc > 0) {
			i += rc;
			since = 0;
			rc = 0;
		} else if (rc == -EAGAIN) {
			rc = wait_a_little(s, &since) ? 0 : -ETIMEDOUT;
		}
	}
	if (rc)
		__atomic_store_n(&s->failed, 1, __ATOMIC_RELAXED);
	free(buf);
	return rc;
}

static long consume(struct stress *s)
{
	unsigned char *buf = malloc(s->capacity * s->size);
	struct shmring_queue_consumer c;
	uint64_t random = 11, i = 0;
	time_t since = 0;
	long rc = buf ? shmring_queue_consumer_init(&s->q, &c) : -ENOMEM;

	while (!rc && i < s->count) {
		rc = get(s, &c, buf, &random, i,
			 batch(&random, s->capacity, s->count - i));
		if (rc > 0) {
			i += rc;
			since = 0;
			rc = 0;
		} else if (rc == -EAGAIN) {
			rc = wait_a_little(s, &since) ? 0 : -ETIMEDOUT;
		}
	}
	if (!rc && shmring_queue_pop(&c, buf) != -EAGAIN)
		rc = -EOVERFLOW;	/* more than there were */
	if (rc)
		__atomic_store_n(&s->failed, 1, __ATOMIC_RELAXED);
	free(buf);
	return rc;
}

static void *produce_thread(void *arg)
{
	return (void *)produce(arg);
}

FIXTURE(stress)
{
	struct shmring_region g;
	struct stress s;
};

FIXTURE_VARIANT(stress) QUEUE_VARIANT;
QUEUE_VARIANTS(stress);

FIXTURE_SETUP(stress)
{
	struct stress *s = &self->s;

	ASSERT_EQ(0, shmring_region_memfd(&self->g,
					  shmring_queue_bytes(variant->capacity,
							      variant->size,
							      variant->align)));
	ASSERT_EQ(0, shmring_queue_init(&s->q, &self->g, 0, variant->capacity,
					variant->size, variant->align));
	s->size = variant->size;
	s->capacity = variant->capacity;
	s->count = variant->size > 100 || variant->capacity < 4 ? 5000 : 50000;
	if (getenv("SHMRING_TEST_LONG"))
		s->count *= 100;
	else if (getenv("SHMRING_TEST_SHORT"))
		s->count /= 5;
}

FIXTURE_TEARDOWN(stress)
{
	shmring_region_close(&self->g);
}

TEST_F_TIMEOUT(stress, two_threads, 300)
{
	pthread_t thread;
	void *produced;
	long consumed;

	queue_start_at(&self->s.q, START32);
	ASSERT_EQ(0, pthread_create(&thread, NULL, produce_thread, &self->s));
	consumed = consume(&self->s);
	ASSERT_EQ(0, pthread_join(thread, &produced));
	EXPECT_EQ(0, consumed);
	EXPECT_EQ(0, (long)produced);
}

TEST_F_TIMEOUT(stress, two_processes, 300)
{
	struct shmring_region g;
	long consumed;
	int status;
	pid_t pid;

	queue_start_at(&self->s.q, START64);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		/* A mapping of its own, at another address */
		if (shmring_region_attach(&g, self->g.fd) ||
		    shmring_queue_attach(&self->s.q, &g, 0, variant->size,
					 variant->align))
			_exit(1);
		_exit(produce(&self->s) ? 2 : 0);
	}
	consumed = consume(&self->s);
	EXPECT_EQ(0, consumed);
	if (consumed)
		kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

TEST_HARNESS_MAIN
