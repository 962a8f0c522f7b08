// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory: what a ring costs the kernel beside its pages, that all of it comes
 * back, and that pages are found however they were to be had
 *
 * Counted by the memory controller, to which all that a ring takes is charged.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>

#include "kselftest_harness.h"
#include "charge.h"
#include "device.h"

/* Pages of a ring beside its data */
#define HEAD	3

#define LIMIT	CHARGE_GROUP "/memory.max"

FIXTURE(memory) {
	long page;
	bool there;
};

FIXTURE_SETUP(memory)
{
	int err;

	ASSERT_TRUE(device_idle());
	self->page = sysconf(_SC_PAGESIZE);
	err = charge_begin();
	self->there = err != -EOPNOTSUPP;
	if (self->there)
		ASSERT_EQ(0, err);
}

FIXTURE_TEARDOWN(memory)
{
	EXPECT_TRUE(device_idle());
	if (self->there)
		EXPECT_EQ(0, charge_end());
}

#define NEEDS_CGROUP \
	do { \
		if (!self->there) \
			SKIP(return, "no memory controller in " CHARGE_ALL); \
	} while (0)

struct sizes {
	__u32 capacity;
	__u64 arena;
	int rings;	/* at once, so that bytes of one show in pages of all */
};

/* What a ring costs beside its pages, in bytes, seen once. */
static int cost_once(const struct sizes *s, long *cost)
{
	long page = sysconf(_SC_PAGESIZE);
	long pages = HEAD + (s->capacity + page - 1) / page + s->arena / page;
	int fds[256], i, err = 0;
	long before, with;

	/* The files are not what is asked for here */
	for (i = 0; i < s->rings; i++)
		fds[i] = device_open(O_RDWR);
	before = charge_settled();
	for (i = 0; i < s->rings && !err; i++)
		err = device_create_arena(fds[i], s->capacity,
					  SHMRING_ROLE_BOTH, s->arena);
	with = charge_now();
	for (i = 0; i < s->rings; i++)
		device_close(&fds[i]);
	*cost = (with - before) / s->rings - pages * page;
	return err;
}

static int by_size(const void *a, const void *b)
{
	const long *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* The median of a few, since others give and take as well. */
static int cost_of(const struct sizes *s, long *cost)
{
	long costs[5];
	size_t i;
	int err;

	for (i = 0; i < ARRAY_SIZE(costs); i++) {
		err = cost_once(s, &costs[i]);
		if (err)
			return err;
	}
	qsort(costs, ARRAY_SIZE(costs), sizeof(*costs), by_size);
	*cost = costs[ARRAY_SIZE(costs) / 2];
	return 0;
}

/* README.md says 1 KiB and a pointer for each 4 MiB; a page counts as a whole. */
TEST_F_TIMEOUT(memory, costs_little_beside_its_pages, 300)
{
	const struct sizes sizes[] = {
		{ 2, 0, 256 },
		{ 4096, 0, 256 },
		{ 4096, 5 * self->page, 128 },
		{ 1 << 20, 0, 64 },
		{ 8 << 20, 0, 16 },
		{ 64 << 20, 0, 4 },
		{ 64, 64 << 20, 4 },
		{ 64, (20 << 20) + self->page, 8 },
	};
	/* Locks that are checked are larger, and so is what stands around them */
	long most = access("/proc/lockdep", F_OK) ? 1024 + 256 : 5 * 1024 + 256;
	size_t i;
	long cost;

	NEEDS_CGROUP;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, cost_of(&sizes[i], &cost));
		TH_LOG("capacity %u, arena %llu: %ld bytes", sizes[i].capacity,
		       sizes[i].arena, cost);
		/* As exact as pages are for so many rings */
		EXPECT_GE(most + self->page / sizes[i].rings, cost);
		EXPECT_LE(-self->page / sizes[i].rings, cost);
	}
}

TEST_F_TIMEOUT(memory, all_of_it_comes_back, 300)
{
	const struct sizes sizes[] = {
		{ 4096, 0, 100 }, { 1 << 20, 3 * self->page, 30 },
		{ 64 << 20, 0, 1 }, { 64, (4 << 20) + self->page, 10 },
	};
	long before, after, cost;
	size_t i;

	NEEDS_CGROUP;
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ASSERT_EQ(0, cost_of(&sizes[i], &cost));
	before = charge_settled();
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		ASSERT_EQ(0, cost_of(&sizes[i], &cost));
	after = charge_settled();
	/* Charged by the page, whatever is in use of it */
	EXPECT_GE(8 * self->page, after - before) {
		TH_LOG("%ld bytes more", after - before);
	}
}

/*
 * --- Every page is found, wherever it came from
 */

/* Each page is told apart, by one mapping, and found again, by another. */
static bool pages_are_apart(int fd, off_t offset, size_t length)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	char *a, *b;
	size_t at;
	bool good = true;

	a = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, offset);
	b = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, offset);
	if (a == MAP_FAILED || b == MAP_FAILED)
		return false;
	for (at = 0; at < length; at += page)
		*(size_t *)(a + at) = at + 1;
	/* This time page by page, not all at once */
	madvise(b, length, MADV_DONTNEED);
	for (at = 0; at < length; at += page)
		good &= *(size_t *)(b + at) == at + 1;
	for (at = 0; at < length; at += page)
		good &= *(size_t *)(a + at) == at + 1;
	munmap(a, length);
	munmap(b, length);
	return good;
}

/* By the kernel's own copying, too. */
static bool data_is_in_order(int fd, __u32 capacity)
{
	const size_t chunk = 1 << 16;
	size_t words[1 << 13], at, i;
	bool good = true;

	for (at = 0; at < capacity; at += chunk) {
		for (i = 0; i < ARRAY_SIZE(words); i++)
			words[i] = at + i;
		good &= write(fd, words, chunk) == (ssize_t)chunk;
	}
	for (at = 0; at < capacity; at += chunk) {
		good &= read(fd, words, chunk) == (ssize_t)chunk;
		for (i = 0; i < ARRAY_SIZE(words); i++)
			good &= words[i] == at + i;
	}
	return good;
}

TEST_F_TIMEOUT(memory, pages_are_found, 300)
{
	const long page = self->page;
	/* A piece, and one page more or less: 4 MiB of them at most */
	const long pages[] = {
		1, 2, 3, 4, 5, 7, 8, 9, 255, 256, 257, 1023, 1024, 1025, 1500,
		2047, 2048, 2049, 3000,
	};
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		fd = device_open(O_RDWR);
		ASSERT_EQ(0, device_create_arena(fd, 64, SHMRING_ROLE_BOTH,
						 pages[i] * page));
		EXPECT_TRUE(pages_are_apart(fd, SHMRING_ARENA_OFFSET,
					    pages[i] * page)) {
			TH_LOG("%ld pages", pages[i]);
		}
		device_close(&fd);
	}
	for (i = 16; i < 25; i++) {
		fd = device_ring(1 << i, SHMRING_ROLE_BOTH);
		ASSERT_LE(0, fd);
		EXPECT_TRUE(pages_are_apart(fd, HEAD * page, 1 << i));
		EXPECT_TRUE(data_is_in_order(fd, 1 << i));
		device_close(&fd);
	}
}

/*
 * Room for the pages, but not for the larger piece that would hold them: what
 * was taken by then has to be cut.
 */
TEST_F_TIMEOUT(memory, pieces_are_cut, 300)
{
	const long page = self->page;
	const long pages[] = { 129, 513, 600, 1024 + 513, 1024 + 600 };
	char text[32];
	long spare, before, had;
	size_t i;
	int fd;

	NEEDS_CGROUP;
	for (i = 0; i < ARRAY_SIZE(pages); i++) {
		fd = device_open(O_RDWR);
		before = charge_now();
		/* Less than what the last piece would have too much, 127 or more */
		for (spare = 16; spare < 120; spare += 8) {
			snprintf(text, sizeof(text), "%ld",
				 before + (pages[i] + HEAD + 1 + spare) * page);
			ASSERT_EQ(0, device_put_text(LIMIT, text));
			had = device_create_arena(fd, 64, SHMRING_ROLE_BOTH,
						  pages[i] * page);
			if (!had)
				break;
			EXPECT_EQ(-ENOMEM, had);
		}
		ASSERT_EQ(0, device_put_text(LIMIT, "max"));
		ASSERT_EQ(0, had) {
			TH_LOG("%ld pages", pages[i]);
		}
		EXPECT_TRUE(pages_are_apart(fd, SHMRING_ARENA_OFFSET,
					    pages[i] * page)) {
			TH_LOG("%ld pages", pages[i]);
		}
		device_close(&fd);
	}
}

/*
 * No two free pages side by side, in all of the machine's memory: a ring is
 * made of single ones.  What it costs then is a pointer for each.
 */
TEST_F_TIMEOUT(memory, fragmented, 300)
{
	const struct sizes ring = { 8 << 20, 0, 1 };
	const struct sizes small = { 1 << 20, 2 * self->page, 1 };
	const long page = self->page;
	struct sysinfo info;
	size_t length, at;
	char *map;
	long cost;
	int fd;

	NEEDS_CGROUP;
	if (!getenv("SHMRING_TEST_LONG"))
		SKIP(return, "takes most of the memory: in the long mode");
	ASSERT_EQ(0, device_put_text(CHARGE_ALL "/cgroup.procs", "0"));
	ASSERT_EQ(0, sysinfo(&info));
	length = info.freeram * info.mem_unit - (96 << 20);
	length -= length % page;
	map = mmap(NULL, length, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, map);
	ASSERT_EQ(0, madvise(map, length, MADV_NOHUGEPAGE));
	for (at = 0; at < length; at += page)
		map[at] = 1;
	for (at = 0; at < length; at += 2 * page)
		madvise(map + at, page, MADV_DONTNEED);

	ASSERT_EQ(0, device_put_text(CHARGE_GROUP "/cgroup.procs", "0"));
	/* What was left in large pieces is used up first */
	fd = device_open(O_RDWR);
	EXPECT_EQ(0, device_create_arena(fd, 128 << 20, SHMRING_ROLE_BOTH,
					 16 << 20));
	EXPECT_TRUE(pages_are_apart(fd, HEAD * page, 128 << 20));
	EXPECT_TRUE(pages_are_apart(fd, SHMRING_ARENA_OFFSET, 16 << 20));
	EXPECT_TRUE(data_is_in_order(fd, 128 << 20));
	ASSERT_EQ(0, cost_of(&ring, &cost));
	TH_LOG("of single pages: %ld bytes", cost);
	EXPECT_LE(4 * page, cost);
	EXPECT_GE((ring.capacity / page) * 8 + 2 * page, cost);
	ASSERT_EQ(0, cost_of(&small, &cost));
	EXPECT_GE(2 * page + 4096, cost);
	device_close(&fd);
	munmap(map, length);
}

TEST_HARNESS_MAIN
