// SPDX-License-Identifier: GPL-2.0-only
/*
 * A queue whose memory says what it likes: an errno, never a crash, never more
 * than what is there
 *
 *	each field of the header corrupted	attach_refuses_fields
 *	memory that is too short, or shrinks	attach_refuses_*
 *	a header that changes after the attach	geometry_is_private
 *	positions that are impossible		*_is_bad_for_good
 *	positions that go back			*_goes_back
 *	all of it rubbish			rubbish
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "queue.h"

#define CAPACITY	64ULL
#define BYTES		(sizeof(struct shmring_queue_header) + CAPACITY * 8)

FIXTURE(hostile)
{
	struct shmring_region g;
	struct shmring_queue q;
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	struct shmring_queue_header *h;
	uint64_t id;
};

FIXTURE_SETUP(hostile)
{
	ASSERT_EQ(BYTES, shmring_queue_bytes(CAPACITY, 8, 8));
	ASSERT_EQ(0, shmring_region_memfd(&self->g, BYTES));
	ASSERT_EQ(0, shmring_queue_init(&self->q, &self->g, 0, CAPACITY, 8, 8));
	ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
	self->h = self->q.header;
}

FIXTURE_TEARDOWN(hostile)
{
	shmring_region_close(&self->g);
}

#define FIELD(f, v, e)							\
	{ offsetof(struct shmring_queue_header, f), (v), (e), #f " " #v }

TEST_F(hostile, attach_refuses_fields)
{
	static const struct {
		size_t offset;
		uint64_t value;
		int err;
		const char *what;
	} bad[] = {
		FIELD(magic, 0, -EAGAIN), FIELD(magic, 1, -EPROTO),
		FIELD(magic, ~SHMRING_QUEUE_MAGIC, -EPROTO),
		FIELD(version, 0, -EPROTO), FIELD(version, 2, -EPROTO),
		FIELD(version, 1ULL << 32 | 1, -EPROTO),
		FIELD(size, 0, -EPROTOTYPE), FIELD(size, 4, -EPROTOTYPE),
		FIELD(size, 16, -EPROTOTYPE),
		FIELD(size, 1ULL << 32 | 8, -EPROTOTYPE),
		FIELD(size, UINT64_MAX, -EPROTOTYPE),
		FIELD(align, 0, -EPROTOTYPE), FIELD(align, 4, -EPROTOTYPE),
		FIELD(align, 16, -EPROTOTYPE), FIELD(align, UINT64_MAX, -EPROTOTYPE),
		FIELD(capacity, 0, -ERANGE), FIELD(capacity, 3, -ERANGE),
		FIELD(capacity, 63, -ERANGE), FIELD(capacity, 128, -ERANGE),
		FIELD(capacity, 1ULL << 30, -ERANGE),
		FIELD(capacity, 1ULL << 31, -ERANGE),
		FIELD(capacity, 1ULL << 61, -ERANGE),
		FIELD(capacity, 1ULL << 63, -ERANGE),
		FIELD(capacity, UINT64_MAX, -ERANGE),
		FIELD(data, 0, -ERANGE), FIELD(data, 128, -ERANGE),
		FIELD(data, 376, -ERANGE), FIELD(data, 385, -ERANGE),
		FIELD(data, 388, -ERANGE), FIELD(data, 392, -ERANGE),
		FIELD(data, BYTES, -ERANGE), FIELD(data, BYTES + 8, -ERANGE),
		FIELD(data, 1ULL << 63, -ERANGE), FIELD(data, -8ULL, -ERANGE),
		FIELD(data, -512ULL, -ERANGE), FIELD(data, UINT64_MAX, -ERANGE),
	};
	struct shmring_queue q;
	uint64_t *field, good;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		field = (uint64_t *)((char *)self->h + bad[i].offset);
		good = *field;
		*field = bad[i].value;
		EXPECT_EQ(bad[i].err, shmring_queue_attach(&q, &self->g, 0, 8, 8))
			TH_LOG("%s", bad[i].what);
		*field = good;
	}
	EXPECT_EQ(0, shmring_queue_attach(&q, &self->g, 0, 8, 8));
	/* Less than there is room for, and elsewhere, is no harm. */
	self->h->capacity = 32;
	self->h->data = 384 + 256;
	EXPECT_EQ(0, shmring_queue_attach(&q, &self->g, 0, 8, 8));
	EXPECT_EQ(32, q.capacity);
}

TEST_F(hostile, attach_refuses_other_elements)
{
	struct shmring_queue q;

	EXPECT_EQ(-EPROTOTYPE, shmring_queue_attach(&q, &self->g, 0, 4, 4));
	EXPECT_EQ(-EPROTOTYPE, shmring_queue_attach(&q, &self->g, 0, 8, 4));
	EXPECT_EQ(-EPROTOTYPE, shmring_queue_attach(&q, &self->g, 0, 16, 8));
	EXPECT_EQ(-EINVAL, shmring_queue_attach(&q, &self->g, 0, 0, 8));
	EXPECT_EQ(-EINVAL, shmring_queue_attach(&q, &self->g, 0, 8, 0));
	EXPECT_EQ(-EINVAL, shmring_queue_attach(&q, &self->g, 0, 8, 16));
	EXPECT_EQ(-EINVAL, shmring_queue_attach(&q, &self->g, 0, 24, 24));
}

TEST_F(hostile, attach_refuses_offsets)
{
	struct shmring_queue q;

	EXPECT_EQ(-EINVAL, shmring_queue_attach(&q, &self->g, 8, 8, 8));
	EXPECT_EQ(-EINVAL, shmring_queue_attach(&q, &self->g, 64, 8, 8));
	EXPECT_EQ(-ERANGE, shmring_queue_attach(&q, &self->g, BYTES, 8, 8));
	EXPECT_EQ(-ERANGE, shmring_queue_attach(&q, &self->g, -128ULL, 8, 8));
	EXPECT_EQ(-ENOSPC, shmring_queue_attach(&q, &self->g, 640, 8, 8));
	EXPECT_EQ(-EAGAIN, shmring_queue_attach(&q, &self->g, 512, 8, 8));
}

TEST_F(hostile, attach_refuses_short_memory)
{
	struct shmring_queue q;
	uint64_t length;

	for (length = 0; length < BYTES; length++)
		ASSERT_EQ(length < sizeof(*self->h) ? -ENOSPC : -ERANGE,
			  shmring_queue_raw_attach(&q, self->h, length, 8, 8));
	EXPECT_EQ(0, shmring_queue_raw_attach(&q, self->h, BYTES, 8, 8));
}

/* A file that may shrink is not mapped in the first place. */
TEST_F(hostile, attach_refuses_a_file_that_may_shrink)
{
	int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct shmring_region g;

	ASSERT_LE(0, fd);
	ASSERT_EQ(BYTES, pwrite(fd, self->h, BYTES, 0));
	EXPECT_EQ(-EINVAL, shmring_region_attach(&g, fd));
	ASSERT_EQ(0, ftruncate(fd, 400));
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW));
	ASSERT_EQ(0, shmring_region_attach(&g, fd));
	/* Shrunk before the seals: the header promises more than there is. */
	EXPECT_EQ(-ERANGE, shmring_queue_attach(&self->q, &g, 0, 8, 8));
	shmring_region_close(&g);
	close(fd);
}

TEST_F(hostile, geometry_is_private)
{
	uint64_t i;

	memset(self->h, 0xff, offsetof(struct shmring_queue_header, wr));
	for (i = 0; i < CAPACITY; i++)
		ASSERT_EQ(0, shmring_queue_push(&self->p, &i));
	EXPECT_EQ(-EAGAIN, shmring_queue_push(&self->p, &i));
	EXPECT_EQ(CAPACITY, shmring_queue_len(&self->q));
	for (i = 0; i < CAPACITY; i++) {
		ASSERT_EQ(0, shmring_queue_pop(&self->c, &self->id));
		EXPECT_EQ(i, self->id);
	}
}

static const uint64_t impossible[] = {
	CAPACITY + 11, 1ULL << 32, INT64_MAX, 1ULL << 63, UINT64_MAX, 9, 0,
};

/* Ten were pushed and popped, and then wr lies. */
TEST_F(hostile, wr_is_bad_for_good)
{
	const void *slots;
	unsigned int i, k;
	uint64_t many[CAPACITY];

	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		queue_start_at(&self->q, 10);
		ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
		self->h->wr = impossible[i];
		EXPECT_EQ(-EBADMSG, shmring_queue_len(&self->q));
		EXPECT_EQ(-EBADMSG, shmring_queue_pop(&self->c, &self->id));
		for (k = 0; k < 2; k++) {
			EXPECT_EQ(-EBADMSG, shmring_queue_pop(&self->c, &self->id));
			EXPECT_EQ(-EBADMSG, shmring_queue_pop_n(&self->c, many, 2));
			EXPECT_EQ(-EBADMSG, shmring_queue_pop_n(&self->c, many, 0));
			EXPECT_EQ(-EBADMSG, shmring_queue_peek(&self->c, &self->id));
			EXPECT_EQ(-EBADMSG, shmring_queue_front(&self->c, &slots, 1));
			EXPECT_EQ(-EBADMSG, shmring_queue_release(&self->c, 1));
			EXPECT_EQ(-EBADMSG, shmring_queue_release(&self->c, 0));
			EXPECT_EQ(-EBADMSG, shmring_queue_available(&self->c));
			EXPECT_TRUE(shmring_queue_empty(&self->c));
			EXPECT_EQ(10, self->h->rd);
			/* What it says later is of no account. */
			self->h->wr = 12;
		}
	}
}

TEST_F(hostile, rd_is_bad_for_good)
{
	unsigned int i, k;
	uint64_t many[CAPACITY] = { 0 };
	void *slots;

	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		queue_start_at(&self->q, CAPACITY + 10);
		self->h->rd = 10;	/* full */
		ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
		EXPECT_EQ(-EAGAIN, shmring_queue_push(&self->p, many));
		self->h->rd = impossible[i];
		EXPECT_EQ(-EBADMSG, shmring_queue_push(&self->p, many));
		for (k = 0; k < 2; k++) {
			EXPECT_EQ(-EBADMSG, shmring_queue_push(&self->p, many));
			EXPECT_EQ(-EBADMSG, shmring_queue_push_n(&self->p, many, 2));
			EXPECT_EQ(-EBADMSG, shmring_queue_push_n(&self->p, many, 0));
			EXPECT_EQ(-EBADMSG, shmring_queue_reserve(&self->p, &slots, 1));
			EXPECT_EQ(-EBADMSG, shmring_queue_commit(&self->p, 1));
			EXPECT_EQ(-EBADMSG, shmring_queue_commit(&self->p, 0));
			EXPECT_EQ(-EBADMSG, shmring_queue_space(&self->p));
			EXPECT_TRUE(shmring_queue_full(&self->p));
			EXPECT_EQ(CAPACITY + 10, self->h->wr);
			self->h->rd = CAPACITY;
		}
	}
}

/* What was granted before the peer lied is void as well. */
TEST_F(hostile, a_grant_does_not_outlive_the_error)
{
	const void *from;
	void *to;

	ASSERT_EQ(2, shmring_queue_reserve(&self->p, &to, 2));
	self->h->rd = 5000;
	EXPECT_EQ(-EBADMSG, shmring_queue_space(&self->p));
	EXPECT_EQ(-EBADMSG, shmring_queue_commit(&self->p, 1));
	EXPECT_EQ(0, self->h->wr);

	self->h->wr = 3;
	ASSERT_EQ(2, shmring_queue_front(&self->c, &from, 2));
	self->h->wr = 5000;
	EXPECT_EQ(-EBADMSG, shmring_queue_available(&self->c));
	EXPECT_EQ(-EBADMSG, shmring_queue_release(&self->c, 1));
}

/* More than the queue has, with guard pages where the elements end */
#define MANY		(4 * CAPACITY)

FIXTURE(guarded)
{
	long page;
	char *base;
	struct shmring_queue q;
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	struct shmring_queue_header *h;
	uint64_t *many;
};

FIXTURE_SETUP(guarded)
{
	self->page = sysconf(_SC_PAGESIZE);
	self->base = mmap(NULL, 3 * self->page, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->base);
	ASSERT_EQ(0, mprotect(self->base + self->page, self->page,
			      PROT_READ | PROT_WRITE));
	self->h = (void *)(self->base + 2 * self->page - BYTES);
	ASSERT_EQ(0, shmring_queue_raw_init(&self->q, self->h, BYTES, CAPACITY,
					    8, 8));
	queue_start_at(&self->q, CAPACITY);
	ASSERT_EQ(0, shmring_queue_split(&self->q, &self->p, &self->c));
	self->many = calloc(MANY, sizeof(*self->many));
	ASSERT_NE(NULL, self->many);
}

FIXTURE_TEARDOWN(guarded)
{
	free(self->many);
	munmap(self->base, 3 * self->page);
}

/*
 * Back to where it may have been, but was not when it was last seen.  What was
 * granted then must not take this end beyond what it may use now.
 */
TEST_F(guarded, wr_goes_back)
{
	const void *slots;

	self->h->wr += 8;
	ASSERT_EQ(8, shmring_queue_front(&self->c, &slots, 8));
	self->h->wr -= 6;
	EXPECT_EQ(-EBADMSG, shmring_queue_available(&self->c));
	EXPECT_EQ(-EBADMSG, shmring_queue_release(&self->c, 8));
	EXPECT_EQ(-EBADMSG, shmring_queue_pop_n(&self->c, self->many, MANY));
	EXPECT_EQ(-EBADMSG, shmring_queue_pop(&self->c, self->many));
	EXPECT_EQ(CAPACITY, self->h->rd);
}

TEST_F(guarded, rd_goes_back)
{
	void *slots;

	ASSERT_EQ(8, shmring_queue_reserve(&self->p, &slots, 8));
	self->h->rd -= CAPACITY - 2;
	EXPECT_EQ(-EBADMSG, shmring_queue_space(&self->p));
	EXPECT_EQ(-EBADMSG, shmring_queue_commit(&self->p, 8));
	EXPECT_EQ(-EBADMSG, shmring_queue_push_n(&self->p, self->many, MANY));
	EXPECT_EQ(-EBADMSG, shmring_queue_push(&self->p, self->many));
	EXPECT_EQ(CAPACITY, self->h->wr);
}

/* Seen by a batch that wants more than was there */
TEST_F(guarded, either_goes_back_below_a_batch)
{
	uint64_t *many = self->many;

	self->h->wr += 8;
	ASSERT_EQ(0, shmring_queue_pop(&self->c, many));
	self->h->wr -= 1;
	EXPECT_EQ(-EBADMSG, shmring_queue_pop_n(&self->c, many, CAPACITY));

	queue_start_at(&self->q, CAPACITY);
	ASSERT_EQ(0, shmring_queue_push(&self->p, many));
	self->h->rd -= 2;
	EXPECT_EQ(-EBADMSG, shmring_queue_push_n(&self->p, many, CAPACITY));
}

/* An end that begins anew has seen nothing yet. */
TEST_F(guarded, a_new_end_follows)
{
	self->h->wr += 8;
	ASSERT_EQ(8, shmring_queue_available(&self->c));
	self->h->wr -= 6;
	ASSERT_EQ(0, shmring_queue_consumer_init(&self->q, &self->c));
	EXPECT_EQ(2, shmring_queue_pop_n(&self->c, self->many, MANY));
}

TEST_F(hostile, ends_refuse_positions)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(impossible); i++) {
		queue_start_at(&self->q, 10);
		self->h->wr = impossible[i];
		EXPECT_EQ(-EBADMSG, shmring_queue_producer_init(&self->q, &self->p));
		EXPECT_EQ(-EBADMSG, shmring_queue_consumer_init(&self->q, &self->c));
		EXPECT_EQ(-EBADMSG, shmring_queue_split(&self->q, &self->p,
							&self->c));
	}
}

/* Random bytes there, with guard pages around: what passes can be worked with. */
TEST_F(hostile, rubbish)
{
	const long page = sysconf(_SC_PAGESIZE);
	struct shmring_queue_producer p;
	struct shmring_queue_consumer c;
	uint64_t random = 88172645463325252, item[512], passed = 0, n;
	struct shmring_queue q;
	uint64_t *words;
	unsigned int i, k;
	char *base;

	base = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, base);
	ASSERT_EQ(0, mprotect(base + page, page, PROT_READ | PROT_WRITE));
	words = (uint64_t *)(base + page);
	for (i = 0; i < 20000; i++) {
		ASSERT_EQ(0, shmring_queue_raw_init(&q, words, page, 256, 8, 8));
		for (k = queue_random(&random) % 4; k; k--) {
			n = queue_random(&random) % 9;
			/* wr and rd are words 16 and 32. */
			n = n == 6 ? 16 : n == 7 ? 32 : n == 8 ? 17 : n;
			words[n] = queue_random(&random) >>
				   (queue_random(&random) & 63);
		}
		if (shmring_queue_raw_attach(&q, words, page, 8, 8) ||
		    shmring_queue_split(&q, &p, &c))
			continue;
		passed++;
		for (k = 0; k < 20; k++) {
			n = queue_random(&random) % ARRAY_SIZE(item);
			if (k & 1)
				shmring_queue_push_n(&p, item, n);
			else
				shmring_queue_pop_n(&c, item, n);
			if (!(queue_random(&random) & 7))
				words[k & 2 ? 16 : 32] = queue_random(&random) & 511;
		}
	}
	/* Neither all nor none of it was refused. */
	EXPECT_LT(1000, passed);
	EXPECT_GT(19000, passed);
	munmap(base, 3 * page);
}

TEST_HARNESS_MAIN
