// SPDX-License-Identifier: GPL-2.0-only
/*
 * The slab over regions, and messages of which only the handle is passed on
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <shmring.h>
#include <shmring_slab.h>

#define SLOT	4096U
#define COUNT	20U

TEST(init_and_attach_and_their_errors)
{
	uint64_t length = shmring_slab_raw_length(64, 10, 3);
	struct shmring_slab s, t;
	struct shmring_region g;
	unsigned int i;

	ASSERT_EQ(0, shmring_region_heap(&g, 8192));
	ASSERT_GT(8192 - 256, length);
	EXPECT_EQ(-ERANGE, shmring_slab_init(&s, &g, 8192, 64, 10, 3));
	EXPECT_EQ(-ERANGE, shmring_slab_init(&s, &g, UINT64_MAX - 127, 64, 10, 3));
	EXPECT_EQ(-ERANGE, shmring_slab_init(&s, &g, 0, 4096, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_init(&s, &g, 64, 64, 10, 3));
	EXPECT_EQ(-EINVAL, shmring_slab_init(&s, &g, 0, 0, 10, 3));
	EXPECT_EQ(-E2BIG, shmring_slab_init(&s, &g, 0, 64, 1 << 24, 3));
	EXPECT_EQ(-EBADMSG, shmring_slab_attach(&t, &g, 256));
	ASSERT_EQ(0, shmring_slab_init(&s, &g, 256, 64, 10, 3));
	EXPECT_EQ(-EBADMSG, shmring_slab_attach(&t, &g, 128));
	EXPECT_EQ(-EINVAL, shmring_slab_attach(&t, &g, 8));
	EXPECT_EQ(-ERANGE, shmring_slab_attach(&t, &g, 8192 - 128));
	EXPECT_EQ(-ERANGE, shmring_slab_attach(&t, &g, UINT64_MAX - 127));
	ASSERT_EQ(0, shmring_slab_attach(&t, &g, 256));
	EXPECT_EQ(0, memcmp(&s, &t, sizeof(s)));
	for (i = 0; i < 10; i++)
		EXPECT_EQ((unsigned char *)g.base + 256 + length - 72 * (10 - i) + 8,
			  shmring_slab_data(&t, i));
	shmring_region_close(&g);
}

FIXTURE(pass)
{
	struct shmring_region region;
	struct shmring *ring;
};

FIXTURE_VARIANT(pass)
{
	int memfd;
	uint32_t magazine;
};

FIXTURE_VARIANT_ADD(pass, heap_magazine_0) { .magazine = 0 };
FIXTURE_VARIANT_ADD(pass, heap_magazine_8) { .magazine = 8 };
FIXTURE_VARIANT_ADD(pass, memfd_magazine_0) { .memfd = 1, .magazine = 0 };
FIXTURE_VARIANT_ADD(pass, memfd_magazine_8) { .memfd = 1, .magazine = 8 };

FIXTURE_SETUP(pass)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_MEMORY,
		.roles = variant->memfd ? SHMRING_ROLE_CONSUMER : SHMRING_ROLE_BOTH,
	};
	uint64_t length = shmring_slab_raw_length(SLOT, COUNT, 2);
	struct shmring_slab slab;

	self->ring = shmring_create(4096, &options);
	ASSERT_NE(NULL, self->ring);
	ASSERT_EQ(0, variant->memfd ? shmring_region_memfd(&self->region, length) :
				      shmring_region_heap(&self->region, length));
	ASSERT_EQ(0, shmring_slab_init(&slab, &self->region, 0, SLOT, COUNT, 2));
}

FIXTURE_TEARDOWN(pass)
{
	shmring_free(self->ring);
	shmring_region_close(&self->region);
}

/* How long one waits for the other before that is a failure */
static const struct timespec patience = { .tv_sec = 20 };

static uint64_t word_of(uint64_t message, unsigned int i)
{
	return (message + 1) * 0x9e3779b97f4a7c15ULL ^ i;
}

/* alloc -> fill -> mark_in_flight -> push; returns 0 if all was as it should be */
static int send_all(const struct shmring_region *g, struct shmring *ring, uint32_t magazine,
		    uint64_t messages)
{
	struct shmring_slab_cache c;
	struct shmring_slab slab;
	shmring_slot slot;
	uint64_t m, *data;
	unsigned int i;
	int err = 0;

	if (shmring_slab_attach(&slab, g, 0) || shmring_slab_open(&c, &slab, 1, 1, magazine))
		return 1;
	for (m = 0; m < messages; m++) {
		for (i = 0; i < 1 << 24; i++) {
			err = shmring_slab_alloc(&c, &slot);
			if (err != -ENOSPC)
				break;
			sched_yield();
		}
		if (err)
			return 2;
		data = shmring_slab_data(&slab, slot);
		for (i = 0; i < SLOT / 8; i++)
			data[i] = word_of(m, i);
		if (shmring_slab_mark_in_flight(&c, slot, NULL))
			return 3;
		if (shmring_write_all(ring, &slot, sizeof(slot), &patience) != sizeof(slot))
			return 4;
	}
	return shmring_slab_close(&c) ? 5 : 0;
}

/* pop -> take -> read -> free_allocated, or pop -> read -> free */
static int receive_all(const struct shmring_region *g, struct shmring *ring, uint32_t magazine,
		       uint64_t messages)
{
	struct shmring_slab_cache c;
	struct shmring_slab slab;
	shmring_slot slot;
	uint64_t m, *data;
	unsigned int i;
	int err;

	if (shmring_slab_attach(&slab, g, 0) || shmring_slab_open(&c, &slab, 2, 2, magazine))
		return 1;
	for (m = 0; m < messages; m++) {
		/* Handles are written whole, and the capacity is a multiple of them. */
		if (shmring_read_some(ring, &slot, sizeof(slot), &patience) != sizeof(slot))
			return 2;
		if (m & 1 && shmring_slab_take(&c, slot, NULL))
			return 3;
		data = shmring_slab_data(&slab, slot);
		for (i = 0; data && i < SLOT / 8; i++)
			if (data[i] != word_of(m, i))
				return 4;
		if (m & 1 ? shmring_slab_free_allocated(&c, slot, NULL) :
			    shmring_slab_free(&c, slot, NULL))
			return 5;
		/* It cannot be given back twice, even if its sender has it again. */
		err = shmring_slab_free(&c, slot, NULL);
		if (err != -EBADFD && err != -ESTALE)
			return 6;
	}
	if (shmring_slab_close(&c))
		return 7;
	return 0;
}

struct sender {
	struct shmring_region *region;
	struct shmring *ring;
	uint32_t magazine;
	uint64_t messages;
	int result;
};

static void *send_thread(void *arg)
{
	struct sender *s = arg;

	s->result = send_all(s->region, s->ring, s->magazine, s->messages);
	return NULL;
}

TEST_F_TIMEOUT(pass, handles_only, 300)
{
	uint64_t messages = getenv("SHMRING_TEST_LONG") ? 1000000 : 5000;
	struct sender s = { &self->region, self->ring, variant->magazine, messages, -1 };
	struct shmring_region other;
	struct shmring *out;
	struct shmring_slab slab;
	pthread_t thread;
	int status;
	pid_t pid;

	if (!variant->memfd) {
		ASSERT_EQ(0, pthread_create(&thread, NULL, send_thread, &s));
		EXPECT_EQ(0, receive_all(&self->region, self->ring, variant->magazine, messages));
		pthread_join(thread, NULL);
		EXPECT_EQ(0, s.result);
	} else {
		pid = fork();
		if (!pid) {
			/* It maps the memfd anew, elsewhere. */
			out = shmring_join(self->ring, SHMRING_ROLE_PRODUCER);
			if (!out || shmring_region_attach(&other, self->region.fd))
				_exit(99);
			_exit(send_all(&other, out, variant->magazine, messages));
		}
		EXPECT_EQ(0, receive_all(&self->region, self->ring, variant->magazine, messages));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
	ASSERT_EQ(0, shmring_slab_attach(&slab, &self->region, 0));
	EXPECT_EQ(COUNT, shmring_slab_free_count(&slab));
}

TEST_HARNESS_MAIN
