// SPDX-License-Identifier: GPL-2.0-only
/*
 * Streams through read() and write(): every capacity, every way to move bytes,
 * every place where a position or an offset wraps, and shared files
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

#define NEAR_32		((1ULL << 32) - 3)
#define NEAR_64		(0ULL - 5)

/* --- Any capacity, any mix of ways, from a start that is about to wrap */

FIXTURE(stream)
{
	struct device_pair pair;
};

FIXTURE_VARIANT(stream)
{
	__u32 capacity;
	__u64 start;
	__u64 bytes;
	size_t piece;		/* larger than some of the capacities */
};

#define STREAM_VARIANT(name_, ...) \
	FIXTURE_VARIANT_ADD(stream, name_) { __VA_ARGS__ }

/* Small rings cost a sleep for each capacity's worth: few bytes do. */
STREAM_VARIANT(capacity_2, 2, 0, 800, 5);
STREAM_VARIANT(capacity_2_near_64, 2, NEAR_64, 800, 5);
STREAM_VARIANT(capacity_64, 64, NEAR_64, 15000, 150);
STREAM_VARIANT(capacity_2048_near_32, 2048, NEAR_32, 100000, 3000);
STREAM_VARIANT(capacity_4096, 4096, NEAR_64, 200000, 9000);
STREAM_VARIANT(capacity_8192_near_32, 8192, NEAR_32, 300000, 20000);
STREAM_VARIANT(capacity_64K, 65536, NEAR_64, 600000, 100000);
STREAM_VARIANT(capacity_1M, 1 << 20, NEAR_32, 2500000, 250000);

FIXTURE_SETUP(stream)
{
	ASSERT_EQ(0, device_pair(&self->pair, variant->capacity,
				 variant->start));
}

FIXTURE_TEARDOWN(stream)
{
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

/* One end in a child; this process' share of that file is closed. */
static pid_t fork_end(struct device_pair *pair, __u32 role, __u64 n,
		      size_t piece, enum stream_way way)
{
	bool producer = role == SHMRING_ROLE_PRODUCER;
	int *fd = producer ? &pair->producer : &pair->consumer;
	pid_t pid = stream_child(*fd, role, n, piece, way);

	device_unmap(producer ? &pair->p : &pair->c);
	device_close(fd);
	return pid;
}

static void stream_through(struct __test_metadata *_metadata,
			   struct device_pair *pair, __u64 n, size_t piece,
			   enum stream_way in, enum stream_way out)
{
	char byte;
	pid_t pid;

	if (getenv("SHMRING_TEST_LONG"))
		n *= 10;
	pid = fork_end(pair, SHMRING_ROLE_PRODUCER, n, piece, in);
	ASSERT_LT(0, pid);
	ASSERT_EQ((long long)n,
		  stream_consume(pair->consumer, &pair->c, n, piece, out));
	EXPECT_EQ(0, device_child(pid));
	EXPECT_EQ(0, read(pair->consumer, &byte, 1));
}

TEST_F_TIMEOUT(stream, write_to_read, 120)
{
	stream_through(_metadata, &self->pair, variant->bytes, variant->piece,
		       STREAM_COPY, STREAM_COPY);
}

TEST_F_TIMEOUT(stream, writev_to_readv, 120)
{
	stream_through(_metadata, &self->pair, variant->bytes, variant->piece,
		       STREAM_VECTOR, STREAM_VECTOR);
}

TEST_F_TIMEOUT(stream, write_to_spans, 120)
{
	stream_through(_metadata, &self->pair, variant->bytes, variant->piece,
		       STREAM_COPY, STREAM_SPANS);
}

TEST_F_TIMEOUT(stream, spans_to_read, 120)
{
	stream_through(_metadata, &self->pair, variant->bytes, variant->piece,
		       STREAM_SPANS, STREAM_COPY);
}

TEST_F_TIMEOUT(stream, all_ways_in_turn, 120)
{
	stream_through(_metadata, &self->pair, variant->bytes, variant->piece,
		       STREAM_ANY, STREAM_ANY);
}

/* --- Every offset and length across the wrap */

static void across_wrap(struct __test_metadata *_metadata, __u32 capacity,
			__u32 from, __u32 lengths)
{
	unsigned char buf[16384];
	__u32 at, n, i;

	for (at = 0; at < from * 2; at++) {
		struct device_pair pair;

		/* The last @from bytes before the wrap, and the first behind */
		ASSERT_EQ(0, device_pair(&pair, capacity,
					 (__u64)capacity * 3 - from + at));
		for (i = 0; i < lengths; i++) {
			__u64 pos = device_load(&pair.p.p->wr);
			struct iovec v[2];

			n = lengths <= capacity ? capacity - i : i + 1;
			stream_fill(buf, pos, n);
			ASSERT_EQ(n, write(pair.producer, buf, n));

			/* The mapping shows what was written where it belongs */
			ASSERT_EQ(n, stream_spans(&pair.c, SHMRING_ROLE_CONSUMER,
						  v));
			ASSERT_EQ(v[0].iov_len, stream_match(v[0].iov_base, pos,
							     v[0].iov_len));
			ASSERT_EQ(v[1].iov_len,
				  stream_match(v[1].iov_base,
					       pos + v[0].iov_len,
					       v[1].iov_len));

			memset(buf, 0, n);
			ASSERT_EQ(n, read(pair.consumer, buf, sizeof(buf)));
			ASSERT_EQ(n, stream_match(buf, pos, n));
		}
		device_pair_free(&pair);
	}
}

TEST(across_the_wrap_below_a_page)
{
	across_wrap(_metadata, 2, 2, 2);
	across_wrap(_metadata, 16, 16, 16);
	across_wrap(_metadata, 2048, 3, 5);
}

TEST(across_the_wrap_above_a_page)
{
	across_wrap(_metadata, 4096, 5, 5);
	across_wrap(_metadata, 16384, 5, 5);
}

/* --- Files that several threads share */

#define RECORDS		20000
#define SHARERS		2

struct sharer {
	int fd;
	__u32 first;		/* writers: this record and every second one */
	unsigned char *seen;
	unsigned int count;
	int error;
};

/* Positions move by whole records only, so every read gives whole ones. */
static void *shared_reader(void *arg)
{
	struct sharer *s = arg;
	__u64 buf[9], last = 0;
	ssize_t n;
	int i;

	while ((n = read(s->fd, buf, sizeof(buf))) > 0) {
		if (n % sizeof(buf[0]))
			s->error = 1;
		for (i = 0; i < n / (int)sizeof(buf[0]); i++) {
			if (buf[i] >= RECORDS || buf[i] + 1 <= last)
				s->error = 2;
			else
				__atomic_add_fetch(&s->seen[buf[i]], 1,
						   __ATOMIC_RELAXED);
			last = buf[i] + 1;
			s->count++;
		}
	}
	if (n < 0)
		s->error = 3;
	return NULL;
}

static void *shared_writer(void *arg)
{
	struct sharer *s = arg;
	__u64 i;

	for (i = s->first; i < RECORDS && !s->error; i += SHARERS)
		if (write(s->fd, &i, sizeof(i)) != sizeof(i))
			s->error = 4;
	return NULL;
}

TEST(two_readers_share_one_file)
{
	static unsigned char seen[RECORDS];
	struct sharer reader[SHARERS] = {};
	struct device_pair pair;
	pthread_t thread[SHARERS];
	__u64 buf[16];
	__u32 i, k;

	ASSERT_EQ(0, device_pair(&pair, 256, NEAR_64 & ~7ULL));
	for (i = 0; i < SHARERS; i++) {
		reader[i].fd = pair.consumer;
		reader[i].seen = seen;
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, shared_reader,
					    &reader[i]));
	}
	for (i = 0; i < RECORDS; i += k) {
		for (k = 0; k < 1 + i % 16 && i + k < RECORDS; k++)
			buf[k] = i + k;
		ASSERT_EQ(k * sizeof(buf[0]),
			  write(pair.producer, buf, k * sizeof(buf[0])));
	}
	device_unmap(&pair.p);
	device_close(&pair.producer);

	for (i = 0; i < SHARERS; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, reader[i].error);
	}
	EXPECT_EQ(RECORDS, reader[0].count + reader[1].count);
	for (i = 0; i < RECORDS; i++)
		ASSERT_EQ(1, seen[i]);
	device_pair_free(&pair);
}

TEST(two_writers_share_one_file)
{
	static unsigned char seen[RECORDS];
	struct sharer writer[SHARERS] = {};
	struct device_pair pair;
	pthread_t thread[SHARERS];
	__u64 buf[8], next[SHARERS] = { 0, 1 };
	__u32 i, got = 0;
	ssize_t n;

	ASSERT_EQ(0, device_pair(&pair, 128, 0));
	for (i = 0; i < SHARERS; i++) {
		writer[i].fd = pair.producer;
		writer[i].first = i;
		ASSERT_EQ(0, pthread_create(&thread[i], NULL, shared_writer,
					    &writer[i]));
	}
	while (got < RECORDS) {
		n = read(pair.consumer, buf, sizeof(buf));
		ASSERT_LT(0, n);
		for (i = 0; i < n / sizeof(buf[0]); i++, got++) {
			ASSERT_GT(RECORDS, buf[i]);
			seen[buf[i]]++;
			/* Each writer's own come in its order */
			ASSERT_EQ(next[buf[i] % SHARERS], buf[i]);
			next[buf[i] % SHARERS] += SHARERS;
		}
	}
	for (i = 0; i < SHARERS; i++) {
		pthread_join(thread[i], NULL);
		EXPECT_EQ(0, writer[i].error);
	}
	for (i = 0; i < RECORDS; i++)
		ASSERT_EQ(1, seen[i]);
	device_pair_free(&pair);
}

TEST_HARNESS_MAIN
