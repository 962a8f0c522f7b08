// SPDX-License-Identifier: GPL-2.0-only
/*
 * read() and write() with buffers that end in nothing, or in a ring
 *
 * The kernel copies straight between the ring and the caller's buffer.  When
 * that faults half-way, the bytes before it have moved and count; the others
 * have not, and are still to be had.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

/* Larger than the kernel's chunk, so that a fault comes in a later one too. */
#define CAPACITY	(256U << 10)

FIXTURE(buffer)
{
	struct device_pair pair;
	long page;
	size_t good;		/* bytes at @mem that are memory */
	unsigned char *mem;
};

FIXTURE_VARIANT(buffer)
{
	size_t good;
};

FIXTURE_VARIANT_ADD(buffer, a_byte) { 1 };
FIXTURE_VARIANT_ADD(buffer, within_a_page) { 1000 };
FIXTURE_VARIANT_ADD(buffer, pages) { 10000 };
FIXTURE_VARIANT_ADD(buffer, chunks) { 150001 };

/* @good bytes that end where their mapping does. */
FIXTURE_SETUP(buffer)
{
	size_t length;

	self->page = sysconf(_SC_PAGESIZE);
	self->good = variant->good;
	length = (self->good + self->page - 1) & -self->page;
	self->mem = mmap(NULL, length + self->page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->mem);
	ASSERT_EQ(0, munmap(self->mem + length, self->page));
	self->mem += length - self->good;
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0ULL - 77));
}

FIXTURE_TEARDOWN(buffer)
{
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

static __u64 available(const struct device_pair *pair)
{
	return device_load(&pair->p.p->wr) - device_load(&pair->c.c->rd);
}

TEST_F(buffer, write_ends_in_nothing)
{
	static unsigned char bytes[CAPACITY];
	__u64 pos = device_load(&self->pair.p.p->wr);
	ssize_t n;

	stream_fill(self->mem, pos, self->good);
	n = write(self->pair.producer, self->mem, self->good + 100);
	ASSERT_LT(0, n);
	ASSERT_GE((ssize_t)self->good, n);
	ASSERT_EQ((__u64)n, available(&self->pair));

	/* Nothing but bad: nothing is moved, and that is an error */
	EXPECT_EQ(-1, write(self->pair.producer, self->mem + self->good, 10));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ((__u64)n, available(&self->pair));

	/* And it goes on from there */
	stream_fill(self->mem, pos + n, 1);
	ASSERT_EQ(1, write(self->pair.producer, self->mem, 1));
	ASSERT_EQ(n + 1, read(self->pair.consumer, bytes, sizeof(bytes)));
	EXPECT_EQ((size_t)n + 1, stream_match(bytes, pos, n + 1));
}

TEST_F(buffer, read_ends_in_nothing)
{
	static unsigned char bytes[CAPACITY];
	__u64 pos = device_load(&self->pair.p.p->wr);
	ssize_t n;

	stream_fill(bytes, pos, CAPACITY);
	ASSERT_EQ(CAPACITY, write(self->pair.producer, bytes, CAPACITY));

	EXPECT_EQ(-1, read(self->pair.consumer, self->mem + self->good, 10));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(CAPACITY, available(&self->pair));

	n = read(self->pair.consumer, self->mem, self->good + 100);
	ASSERT_LT(0, n);
	ASSERT_GE((ssize_t)self->good, n);
	EXPECT_EQ((size_t)n, stream_match(self->mem, pos, n));
	ASSERT_EQ(CAPACITY - n, available(&self->pair));

	ASSERT_EQ(CAPACITY - n, read(self->pair.consumer, bytes, CAPACITY));
	EXPECT_EQ(CAPACITY - n, stream_match(bytes, pos + n, CAPACITY - n));
}

TEST_F(buffer, a_bad_segment_between_good_ones)
{
	static unsigned char bytes[CAPACITY];
	__u64 pos = device_load(&self->pair.p.p->wr);
	struct iovec v[3] = {
		{ self->mem, self->good },
		{ self->mem + self->good, 50 },
		{ self->mem, self->good },
	};

	/* Segments are whole: exactly the first one moves */
	stream_fill(self->mem, pos, self->good);
	ASSERT_EQ((ssize_t)self->good, writev(self->pair.producer, v, 3));
	ASSERT_EQ(self->good, available(&self->pair));

	stream_fill(bytes, pos + self->good, 60);
	ASSERT_EQ(60, write(self->pair.producer, bytes, 60));
	memset(self->mem, 0, self->good);
	ASSERT_EQ((ssize_t)self->good, readv(self->pair.consumer, v, 3));
	EXPECT_EQ(self->good, stream_match(self->mem, pos, self->good));
	ASSERT_EQ(60, read(self->pair.consumer, bytes, CAPACITY));
	EXPECT_EQ(60, stream_match(bytes, pos + self->good, 60));
}

TEST_F(buffer, read_into_what_cannot_be_written)
{
	char byte = 7;

	ASSERT_EQ(1, write(self->pair.producer, &byte, 1));
	ASSERT_EQ(0, mprotect((void *)((long)self->mem & -self->page),
			      self->good, PROT_READ));
	EXPECT_EQ(-1, read(self->pair.consumer, self->mem, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(1, available(&self->pair));
}

/* --- The ring's own pages as the buffer: the copy faults them in itself */

TEST(the_ring_itself)
{
	int fd = device_ring(CAPACITY, SHMRING_ROLE_BOTH);
	struct device_map map;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_map(fd, &map));

	/* From and to pages that are not mapped in yet */
	stream_fill(map.data, 0, 20000);
	ASSERT_EQ(0, madvise(map.data, CAPACITY, MADV_DONTNEED));
	ASSERT_EQ(20000, write(fd, map.data, 20000));
	ASSERT_EQ(0, madvise(map.data, 2 * CAPACITY, MADV_DONTNEED));
	ASSERT_EQ(20000, read(fd, map.data + 100000, 20000));
	EXPECT_EQ(20000, stream_match(map.data + 100000, 0, 20000));

	/* Of the same bytes through the mirror */
	stream_fill(map.data, 0, CAPACITY);
	ASSERT_EQ(1000, write(fd, map.data + CAPACITY + 20000, 1000));
	ASSERT_EQ(1000, read(fd, map.data + CAPACITY + 20000, 1000));
	EXPECT_EQ(CAPACITY, stream_match(map.data, 0, CAPACITY));

	/* Its control pages can be read, and not be written */
	ASSERT_EQ(64, write(fd, map.k, 64));
	EXPECT_EQ(-1, read(fd, (void *)map.k, 64));
	EXPECT_EQ(EFAULT, errno);
	ASSERT_EQ(64, read(fd, map.data, 64));
	EXPECT_EQ(0, memcmp(map.data, map.k, 64));
	device_unmap(&map);
	close(fd);
	EXPECT_TRUE(device_idle());
}

/* A write that lands on the position it is published by stays in its bounds. */
TEST(its_own_position)
{
	int fd = device_ring(4096, SHMRING_ROLE_BOTH);
	unsigned char buf[64];
	struct device_map map;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_map(fd, &map));
	ASSERT_EQ(64, write(fd, map.data, 64));
	/* rd is overwritten by zeroes, then by what read() makes of it */
	ASSERT_EQ(8, read(fd, map.c, 8));
	EXPECT_EQ(8, device_load(&map.c->rd));
	ASSERT_EQ(56, read(fd, buf, sizeof(buf)));
	device_unmap(&map);
	close(fd);
}

/* From one ring's span straight into another ring: one copy, no buffer. */
TEST(one_ring_to_another)
{
	struct device_pair a, b;
	struct iovec v[2];

	ASSERT_EQ(0, device_pair(&a, 8192, 8000));
	ASSERT_EQ(0, device_pair(&b, 16384, 8000));
	ASSERT_EQ(8192, stream_produce(a.producer, &a.p, 8192, 3000,
				       STREAM_SPANS));
	ASSERT_EQ(8192, stream_spans(&a.c, SHMRING_ROLE_CONSUMER, v));
	ASSERT_EQ(8192, writev(b.producer, v, 2));
	stream_advance(a.consumer, &a.c, SHMRING_ROLE_CONSUMER, 8192);
	ASSERT_EQ(8192, stream_consume(b.consumer, &b.c, 8192, 3000,
				       STREAM_ANY));

	ASSERT_EQ(8192, stream_produce(a.producer, &a.p, 8192, 3000,
				       STREAM_SPANS));
	ASSERT_EQ(16384, stream_spans(&b.p, SHMRING_ROLE_PRODUCER, v));
	ASSERT_EQ(8192, readv(a.consumer, v, 2));
	stream_advance(b.producer, &b.p, SHMRING_ROLE_PRODUCER, 8192);
	ASSERT_EQ(8192, stream_consume(b.consumer, &b.c, 8192, 3000,
				       STREAM_ANY));
	device_pair_free(&a);
	device_pair_free(&b);
	EXPECT_TRUE(device_idle());
}

TEST_HARNESS_MAIN
