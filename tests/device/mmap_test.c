// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping a ring's pages: all that a process can ask for, against a model of
 * what it may have
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "device.h"

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE	0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC		0x080000
#endif
#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

#define TAG	0x7461670000000000ULL
#define RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)

/* What stands in the file, from its beginning. */
enum { C, K, P, DATA };

/* Pages of the arena, which all rings but that of both have. */
#define ARENA_PAGES	3

struct end {
	const char *name;
	__u32 roles;	/* 0: unbound */
	int mode;
	int fd;
};

FIXTURE(ring) {
	size_t page;
	__u32 capacity;
	size_t data;	/* pages of it */
	size_t total;	/* pages that can be mapped, before the arena */
	size_t arena;	/* where that begins */
	struct end ends[8];
	struct end *producer, *consumer, *both, *observer;
	__u32 handle;
	bool noexec;
	int faults;
};

FIXTURE_VARIANT(ring) {
	__u32 bytes;
	__u32 pages;
};

FIXTURE_VARIANT_ADD(ring, two_bytes) { .bytes = 2 };
FIXTURE_VARIANT_ADD(ring, below_a_page) { .bytes = 2048 };
FIXTURE_VARIANT_ADD(ring, one_page) { .pages = 1 };
FIXTURE_VARIANT_ADD(ring, four_pages) { .pages = 4 };

/* Which page of the ring is behind a page of the file? */
static size_t fold(const struct _test_data_ring *self, size_t page)
{
	if (page >= self->arena)
		return page;
	return page < DATA + self->data ? page : page - self->data;
}

static void *map_pages(const struct _test_data_ring *self, const struct end *e,
		       size_t first, size_t nr, int prot)
{
	void *map = mmap(NULL, nr * self->page, prot, MAP_SHARED, e->fd,
			 first * self->page);

	return map == MAP_FAILED ? NULL : map;
}

/* The last word of a page says which it is. */
static __u64 *tag_of(const struct _test_data_ring *self, void *page)
{
	return (__u64 *)((char *)page + self->page) - 1;
}

static bool tag_pages(const struct _test_data_ring *self, const struct end *e,
		      size_t first, size_t nr)
{
	char *map = map_pages(self, e, first, nr, PROT_READ | PROT_WRITE);
	size_t i;

	if (!map)
		return false;
	for (i = 0; i < nr; i++)
		*tag_of(self, map + i * self->page) = TAG + first + i;
	munmap(map, nr * self->page);
	return true;
}

/* Is it the page that belongs at that place of the file? */
static bool right_page(const struct _test_data_ring *self, char *map, size_t page)
{
	if (page == K)
		return *(__u32 *)map == SHMRING_MAGIC &&
		       *tag_of(self, map) == 0;
	return *tag_of(self, map) == TAG + fold(self, page);
}

FIXTURE_SETUP(ring)
{
	static const struct end ends[] = {
		{ "producer", SHMRING_ROLE_PRODUCER, O_RDWR, -1 },
		{ "consumer", SHMRING_ROLE_CONSUMER, O_RDWR, -1 },
		{ "both", SHMRING_ROLE_BOTH, O_RDWR, -1 },
		{ "observer", SHMRING_ROLE_OBSERVER, O_RDWR, -1 },
		{ "observer, read-only", SHMRING_ROLE_OBSERVER, O_RDONLY, -1 },
		{ "unbound", 0, O_RDWR, -1 },
		{ "unbound, read-only", 0, O_RDONLY, -1 },
		{ "unbound, write-only", 0, O_WRONLY, -1 },
	};
	struct shmring_ioc_info info;
	struct statvfs fs;
	size_t i;
	int err;

	self->page = sysconf(_SC_PAGESIZE);
	self->capacity = variant->bytes ?: variant->pages * self->page;
	self->data = variant->pages ?: 1;
	self->total = DATA + (variant->pages ? 2 * variant->pages : 1);
	self->arena = SHMRING_ARENA_OFFSET / self->page;
	ASSERT_EQ(0, statvfs(SHMRING_DEVICE, &fs));
	self->noexec = fs.f_flag & ST_NOEXEC;

	ASSERT_TRUE(device_idle());
	memcpy(self->ends, ends, sizeof(ends));
	self->producer = &self->ends[0];
	self->consumer = &self->ends[1];
	self->both = &self->ends[2];
	self->observer = &self->ends[3];
	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		struct end *e = &self->ends[i];

		e->fd = device_open(e->mode);
		ASSERT_LE(0, e->fd);
		if (!e->roles)
			continue;
		if (e == self->producer)
			err = device_create_arena(e->fd, self->capacity,
						  e->roles,
						  ARENA_PAGES * self->page);
		else if (e == self->both)
			err = device_create(e->fd, self->capacity, e->roles);
		else
			err = device_attach(e->fd, self->handle, e->roles);
		ASSERT_EQ(0, err);
		if (e == self->producer)
			ASSERT_EQ(0, device_register(e->fd, 0, &self->handle));
	}

	ASSERT_EQ(0, device_info(self->producer->fd, &info));
	ASSERT_EQ(self->page, info.page_size);
	ASSERT_EQ(self->total * self->page, info.map_length);

	ASSERT_TRUE(tag_pages(self, self->producer, P, 1 + self->data));
	ASSERT_TRUE(tag_pages(self, self->consumer, C, 1));
	ASSERT_TRUE(tag_pages(self, self->consumer, self->arena, ARENA_PAGES));
	ASSERT_TRUE(tag_pages(self, self->both, P, 1 + self->data));
	ASSERT_TRUE(tag_pages(self, self->both, C, 1));
}

FIXTURE_TEARDOWN(ring)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(self->ends); i++)
		device_close(&self->ends[i].fd);
	EXPECT_TRUE(device_idle());
}

/*
 * --- The model
 */

/* Who writes which page; everybody who has a role reads all of them. */
static __u32 writer_of(size_t page)
{
	if (page >= SHMRING_ARENA_OFFSET / sysconf(_SC_PAGESIZE))
		return SHMRING_ROLE_BOTH;
	switch (page) {
	case C:
		return SHMRING_ROLE_CONSUMER;
	case K:
		return 0;
	default:
		return SHMRING_ROLE_PRODUCER;
	}
}

/* The rights that an end has to all of these pages. */
static int rights_to(const struct end *e, size_t first, size_t nr)
{
	int rights = PROT_READ | PROT_WRITE;
	size_t i;

	for (i = first; i < first + nr; i++)
		if (!(e->roles & writer_of(i)))
			rights &= ~PROT_WRITE;
	return rights;
}

/* Are all of these pages there, in one of the two stretches of the file? */
static bool in_the_file(const struct _test_data_ring *self, const struct end *e,
			size_t first, size_t nr)
{
	if (first + nr <= self->total)
		return true;
	return e != self->both && first >= self->arena &&
	       first + nr <= self->arena + ARENA_PAGES;
}

/* Reasons to refuse; if there are several, any may be named. */
enum {
	NOT_BOUND	= 1,
	NO_RIGHT	= 2,
	NO_SENSE	= 4,
	NO_EXEC_MOUNT	= 8,
};

static int expected(const struct _test_data_ring *self, const struct end *e,
		    size_t first, size_t nr, int prot, int flags)
{
	int reasons = 0;

	if (!e->roles)
		reasons |= NOT_BOUND;
	if (e->mode == O_WRONLY)
		reasons |= NO_RIGHT;
	if ((flags & MAP_TYPE) == MAP_PRIVATE)
		reasons |= NO_SENSE;
	else if (prot & PROT_WRITE && e->mode != O_RDWR)
		reasons |= NO_RIGHT;
	if (prot & PROT_EXEC)
		reasons |= NO_RIGHT | (self->noexec ? NO_EXEC_MOUNT : 0);
	if (!in_the_file(self, e, first, nr))
		reasons |= NO_SENSE;
	else if (prot & ~rights_to(e, first, nr))
		reasons |= NO_RIGHT;
	return reasons;
}

static bool is_expected(int reasons, int err)
{
	switch (err) {
	case 0:
		return !reasons;
	case ENOTCONN:
		return reasons & NOT_BOUND;
	case EACCES:
		return reasons & NO_RIGHT;
	case EINVAL:
		return reasons & NO_SENSE;
	case EPERM:
		return reasons & NO_EXEC_MOUNT;
	default:
		return false;
	}
}

/*
 * --- The matrix
 */

#define FAULT(fmt, ...) do { \
	if (self->faults++ < 20) \
		TH_LOG(fmt, ##__VA_ARGS__); \
} while (0)

static void try_map(struct __test_metadata *_metadata,
		    struct _test_data_ring *self, const struct end *e,
		    size_t first, size_t nr, int prot, int flags)
{
	int reasons = expected(self, e, first, nr, prot, flags);
	size_t i;
	char *map;
	int err;

	errno = 0;
	map = mmap(NULL, nr * self->page, prot, flags, e->fd,
		   first * self->page);
	err = map == MAP_FAILED ? errno : 0;
	if (!is_expected(reasons, err))
		FAULT("%s: pages %zu + %zu, prot %d, flags %#x: %s, reasons to refuse: %#x",
		      e->name, first, nr, prot, flags, strerror(err), reasons);
	if (err)
		return;
	for (i = 0; prot & PROT_READ && i < nr; i++)
		if (!right_page(self, map + i * self->page, first + i))
			FAULT("%s: pages %zu + %zu: another page at %zu",
			      e->name, first, nr, i);
	for (i = 0; prot & PROT_WRITE && i < nr; i++)
		*tag_of(self, map + i * self->page) =
			TAG + fold(self, first + i);
	munmap(map, nr * self->page);
}

/* All that can be asked for of these pages, and of up to that many from each. */
static void try_maps(struct __test_metadata *_metadata,
		     struct _test_data_ring *self, size_t from, size_t to,
		     size_t most)
{
	static const int types[] = {
		MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE
	};
	size_t first, nr, i, type;
	int prot;

	for (i = 0; i < ARRAY_SIZE(self->ends); i++)
		for (first = from; first < to; first++)
			for (nr = 1; nr <= most; nr++)
				for (prot = 0; prot <= RWX; prot++)
					for (type = 0; type < 3; type++)
						try_map(_metadata, self,
							&self->ends[i], first,
							nr, prot, types[type]);
}

TEST_F_TIMEOUT(ring, mmap_matrix, 200)
{
	try_maps(_metadata, self, 0, self->total + 2, self->total + 2);
	ASSERT_EQ(0, self->faults);
}

TEST_F_TIMEOUT(ring, arena_mmap_matrix, 200)
{
	try_maps(_metadata, self, self->arena - 2, self->arena + ARENA_PAGES + 2,
		 ARENA_PAGES + 4);
	ASSERT_EQ(0, self->faults);
}

/* What mmap gave, mprotect cannot raise above the role. */
static void try_protect(struct __test_metadata *_metadata,
			struct _test_data_ring *self, const struct end *e,
			size_t first, size_t nr, int from)
{
	int rights = rights_to(e, first, nr);
	char *map;
	int to, err;

	if (from & ~rights)
		return;
	map = map_pages(self, e, first, nr, from);
	if (!map) {
		FAULT("%s: pages %zu + %zu, prot %d: %s", e->name, first, nr,
		      from, strerror(errno));
		return;
	}
	for (to = 0; to <= RWX; to++) {
		err = mprotect(map, nr * self->page, to) ? errno : 0;
		if (err != (to & ~rights ? EACCES : 0))
			FAULT("%s: pages %zu + %zu, mprotect from %d to %d: %s",
			      e->name, first, nr, from, to, strerror(err));
		/* A part of it is no other thing */
		err = mprotect(map, self->page, to) ? errno : 0;
		if (err != (to & ~rights ? EACCES : 0))
			FAULT("%s: first of pages %zu + %zu, mprotect to %d: %s",
			      e->name, first, nr, to, strerror(err));
	}
	munmap(map, nr * self->page);
}

TEST_F(ring, mprotect_matrix)
{
	size_t first, nr, i;
	int from;

	for (i = 0; i < ARRAY_SIZE(self->ends); i++)
		for (first = 0; first < self->total; first++)
			for (nr = 1; first + nr <= self->total; nr++)
				for (from = 0; from < PROT_EXEC; from++)
					if (self->ends[i].roles)
						try_protect(_metadata, self,
							    &self->ends[i],
							    first, nr, from);
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, arena_mprotect)
{
	size_t first, i;
	int from;

	for (i = 0; self->ends[i].roles; i++)
		for (first = 0; first < ARENA_PAGES; first++)
			for (from = 0; from < PROT_EXEC; from++)
				if (&self->ends[i] != self->both)
					try_protect(_metadata, self,
						    &self->ends[i],
						    self->arena + first,
						    ARENA_PAGES - first, from);
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, other_flags)
{
	static const struct {
		int flags;
		int err;
	} cases[] = {
		{ MAP_SHARED | MAP_POPULATE, 0 },
		{ MAP_SHARED | MAP_POPULATE | MAP_NONBLOCK, 0 },
		{ MAP_SHARED | MAP_LOCKED, 0 },
		{ MAP_SHARED | MAP_NORESERVE, 0 },
		{ MAP_SHARED | MAP_STACK, 0 },
		{ MAP_SHARED | MAP_DENYWRITE, 0 },
		{ MAP_SHARED | MAP_EXECUTABLE, 0 },
		/* Else it could grow down, from page P into page K */
		{ MAP_SHARED | MAP_GROWSDOWN, EINVAL },
		{ MAP_SHARED | MAP_HUGETLB, EINVAL },
		{ MAP_SHARED_VALIDATE | MAP_SYNC, EOPNOTSUPP },
		{ MAP_PRIVATE | MAP_POPULATE, EINVAL },
		{ MAP_PRIVATE | MAP_LOCKED, EINVAL },
		{ MAP_PRIVATE | MAP_NORESERVE, EINVAL },
		{ 0, EINVAL },
		{ MAP_TYPE, EINVAL },
	};
	size_t i, c, first;
	char *map;
	int err;

	for (i = 0; self->ends[i].roles; i++)
		for (c = 0; c < ARRAY_SIZE(cases); c++)
			for (first = 0; first < self->total; first++) {
				int prot = rights_to(&self->ends[i], first, 1);

				map = mmap(NULL, self->page, prot,
					   cases[c].flags, self->ends[i].fd,
					   first * self->page);
				err = map == MAP_FAILED ? errno : 0;
				if (err != cases[c].err)
					FAULT("%s: page %zu, flags %#x: %s",
					      self->ends[i].name, first,
					      cases[c].flags, strerror(err));
				if (err)
					continue;
				if (!right_page(self, map, first))
					FAULT("another page");
				munmap(map, self->page);
			}
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, fixed_address)
{
	size_t page = self->page;
	char *at, *map;

	at = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	ASSERT_NE(MAP_FAILED, at);
	map = mmap(at + page, page, PROT_READ, MAP_SHARED | MAP_FIXED,
		   self->observer->fd, P * page);
	ASSERT_EQ(at + page, map);
	EXPECT_TRUE(right_page(self, map, P));
	/* One over the other: the older goes, its counts are right */
	map = mmap(at + page, 2 * page, PROT_READ, MAP_SHARED | MAP_FIXED,
		   self->producer->fd, C);
	ASSERT_EQ(at + page, map);
	EXPECT_TRUE(right_page(self, map, C));
	EXPECT_TRUE(right_page(self, map + page, K));
	/* What is refused leaves nothing of itself there */
	map = mmap(at + page, page, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, self->producer->fd, K * page);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(EACCES, errno);
	munmap(at, 4 * page);
}

/* The C library has checks of its own. */
static void *mmap_by_number(int fd, __u64 offset, __u64 length)
{
#ifdef __s390x__
	/* Six arguments are one too many for this machine's registers */
	unsigned long args[] = { 0, length, PROT_READ, MAP_SHARED, fd, offset };

	return (void *)syscall(SYS_mmap, args);
#else
	return (void *)syscall(SYS_mmap, NULL, length, PROT_READ, MAP_SHARED,
			       fd, offset);
#endif
}

TEST_F(ring, offsets_and_lengths)
{
	const __u64 page = self->page;
	const __u64 all = self->total * page;
	const __u64 ulong = sizeof(long) == 8 ? ~0ULL : ~0U;
	const struct {
		__u64 offset;
		__u64 length;
		int err;
		int or_err;		/* before the module is asked */
	} cases[] = {
		{ 0, 0, EINVAL, 0 },
		{ page, 0, EINVAL, 0 },
		{ 0, 1, 0, 0 },
		{ 0, page - 1, 0, 0 },
		{ 0, page + 1, 0, 0 },
		{ 0, all - 1, 0, 0 },
		{ 0, all, 0, 0 },
		{ 0, all + 1, EINVAL, 0 },
		{ 0, all + page, EINVAL, 0 },
		{ all - page, page, 0, 0 },
		{ all - page, page + 1, EINVAL, 0 },
		{ all, 1, EINVAL, 0 },
		{ all, page, EINVAL, 0 },
		{ all + page, page, EINVAL, 0 },
		{ 1, page, EINVAL, 0 },
		{ page / 2, page, EINVAL, 0 },
		{ page + 8, page, EINVAL, 0 },
		/* Offsets that are small when bits are lost */
		{ 1ULL << 31, page, EINVAL, 0 },
		{ 1ULL << 32, page, EINVAL, 0 },
		{ (1ULL << 32) - page, 2 * page, EINVAL, 0 },
		{ (1ULL << 32) * page, page, EINVAL, 0 },
		{ ((1ULL << 32) - 1) * page, 2 * page, EINVAL, 0 },
		{ (1ULL << 62), page, EINVAL, 0 },
		{ (1ULL << 63) - page, page, EINVAL, 0 },
		{ (1ULL << 63) - page, 2 * page, EINVAL, 0 },
		{ (1ULL << 63), page, EINVAL, 0 },
		{ -page, page, EINVAL, EOVERFLOW },
		{ -page, 2 * page, EINVAL, EOVERFLOW },
		{ -2 * page, page, EINVAL, EOVERFLOW },
		{ -page, all + page, EINVAL, EOVERFLOW },
		{ -all, all, EINVAL, EOVERFLOW },
		/* Lengths likewise */
		{ 0, 1ULL << 32, EINVAL, 0 },
		{ 0, (1ULL << 32) + page, EINVAL, 0 },
		{ page, (1ULL << 32) - page, EINVAL, 0 },
		{ page, 1ULL << 32, EINVAL, 0 },
		{ 0, 1ULL << 44, EINVAL, ENOMEM },
		{ 0, (1ULL << 44) + page, EINVAL, ENOMEM },
		{ 0, 1ULL << 62, EINVAL, ENOMEM },
		{ 0, 1ULL << 63, EINVAL, ENOMEM },
		{ 0, ulong, EINVAL, ENOMEM },
		{ page, ulong - page + 1, EINVAL, ENOMEM },
		{ all - page, -all + 2 * page, EINVAL, ENOMEM },
		{ -page, ulong, EINVAL, ENOMEM },
	};
	size_t i, c;
	void *map;
	int err;

	for (i = 0; self->ends[i].roles; i++)
		for (c = 0; c < ARRAY_SIZE(cases); c++) {
			map = mmap_by_number(self->ends[i].fd,
					     cases[c].offset,
					     cases[c].length);
			err = map == MAP_FAILED ? errno : 0;
			if (err != cases[c].err &&
			    !(cases[c].or_err && err == cases[c].or_err))
				FAULT("%s: offset %#llx, length %#llx: %s",
				      self->ends[i].name, cases[c].offset,
				      cases[c].length, strerror(err));
			if (!err)
				munmap(map, cases[c].length);
		}
	ASSERT_EQ(0, self->faults);
}

/*
 * --- A mapping's life
 */

/* Does a line of /proc/self/smaps, that of a mapping, name all these flags? */
static bool vm_flags_are(void *map, const char *yes, const char *no)
{
	char line[512], word[4];
	unsigned long from, to;
	bool here = false;
	bool right = false;
	size_t i;
	FILE *f = fopen("/proc/self/smaps", "re");

	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &from, &to) == 2)
			here = from == (unsigned long)map;
		if (!here || strncmp(line, "VmFlags:", 8))
			continue;
		right = true;
		for (i = 0; i + 1 < strlen(yes); i += 3) {
			snprintf(word, sizeof(word), " %.2s", yes + i);
			right = right && strstr(line, word);
		}
		for (i = 0; i + 1 < strlen(no); i += 3) {
			snprintf(word, sizeof(word), " %.2s", no + i);
			right = right && !strstr(line, word);
		}
		if (!right)
			printf("# %s# expected %s, without %s\n", line, yes, no);
	}
	fclose(f);
	return right;
}

TEST_F(ring, vm_flags)
{
	size_t page = self->page;
	void *map;

	map = map_pages(self, self->producer, P, 1, PROT_READ);
	EXPECT_TRUE(vm_flags_are(map, "rd sh mr mw ms de dc dd", "wr ex me io pf"));
	munmap(map, page);
	map = map_pages(self, self->producer, C, 2, PROT_READ);
	EXPECT_TRUE(vm_flags_are(map, "rd mr ms de dc dd", "wr ex mw me io pf"));
	munmap(map, 2 * page);
	map = map_pages(self, self->consumer, C, 1, PROT_READ | PROT_WRITE);
	EXPECT_TRUE(vm_flags_are(map, "rd wr sh mr mw ms de dc dd", "ex me io pf"));
	munmap(map, page);
	map = map_pages(self, self->observer, K, 3, PROT_NONE);
	EXPECT_TRUE(vm_flags_are(map, "mr ms de dc dd", "rd wr ex mw me io pf"));
	munmap(map, 3 * page);
}

TEST_F(ring, mremap)
{
	size_t page = self->page;
	size_t i, old = 2 * page;
	char *map, *to, *got;
	const struct {
		size_t from;
		size_t to;
		int flags;
	} refused[] = {
		{ old, 3 * page, 0 },
		{ old, 3 * page, MREMAP_MAYMOVE },
		{ old, 1 << 30, MREMAP_MAYMOVE },
		{ page, old, MREMAP_MAYMOVE },
		/* The same pages a second time */
		{ 0, page, MREMAP_MAYMOVE },
		{ 0, old, MREMAP_MAYMOVE },
		{ 0, 64 * page, MREMAP_MAYMOVE },
		{ old, old, MREMAP_MAYMOVE | MREMAP_DONTUNMAP },
	};

	map = map_pages(self, self->producer, P, 2, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		got = mremap(map, refused[i].from, refused[i].to,
			     refused[i].flags);
		EXPECT_EQ(MAP_FAILED, got) {
			TH_LOG("case %zu", i);
		}
		EXPECT_TRUE(errno == EFAULT || errno == EINVAL);
	}
	EXPECT_TRUE(right_page(self, map, P));

	/* To another place: all goes with it */
	to = mmap(NULL, old, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, to);
	got = mremap(map, old, old, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, got);
	EXPECT_TRUE(right_page(self, to, P));
	EXPECT_TRUE(right_page(self, to + page, DATA));
	EXPECT_EQ(-1, mprotect(to, old, RWX));
	*tag_of(self, to) = TAG + P;
	/* What is touched first there, too */
	ASSERT_EQ(0, madvise(to, old, MADV_DONTNEED));
	EXPECT_TRUE(right_page(self, to, P));
	EXPECT_TRUE(right_page(self, to + page, DATA));

	/* Half of it: a VMA that begins in the middle of the file */
	got = mremap(to + page, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, map);
	ASSERT_EQ(map, got);
	EXPECT_TRUE(right_page(self, map, DATA));
	ASSERT_EQ(0, madvise(map, page, MADV_DONTNEED));
	EXPECT_TRUE(right_page(self, map, DATA));
	munmap(map, page);
	munmap(to, page);

	/* Shrink: what remains is what was there */
	map = map_pages(self, self->consumer, C, 3, PROT_READ);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(map, mremap(map, 3 * page, page, 0));
	EXPECT_TRUE(right_page(self, map, C));
	EXPECT_EQ(MAP_FAILED, mremap(map, page, 2 * page, 0));
	munmap(map, page);
}

/* It asks ->mmap anew, with other pages and the rights of the old ones. */
TEST_F(ring, remap_file_pages)
{
#ifdef SYS_remap_file_pages
	size_t page = self->page;
	char *map = map_pages(self, self->producer, P, 2,
			      PROT_READ | PROT_WRITE);
	long ret;

	ASSERT_NE(NULL, map);
	ret = syscall(SYS_remap_file_pages, map, page, 0, K, 0);
	EXPECT_EQ(-1, ret);
	ret = syscall(SYS_remap_file_pages, map, page, 0, C, 0);
	EXPECT_EQ(-1, ret);
	ret = syscall(SYS_remap_file_pages, map, page, 0, self->total, 0);
	EXPECT_EQ(-1, ret);
	munmap(map, 2 * page);
#endif
}

TEST_F(ring, partial_munmap)
{
	size_t page = self->page;
	size_t nr = self->total;
	unsigned char there;
	size_t i, hole;
	char *map;

	for (hole = 0; hole < nr; hole++) {
		map = map_pages(self, self->consumer, 0, nr, PROT_READ);
		ASSERT_NE(NULL, map);
		ASSERT_EQ(0, munmap(map + hole * page, page));
		for (i = 0; i < nr; i++) {
			if (i == hole) {
				EXPECT_EQ(-1, mincore(map + i * page, page,
						      &there));
				continue;
			}
			EXPECT_TRUE(right_page(self, map + i * page, i));
			ASSERT_EQ(0, madvise(map + i * page, page,
					     MADV_DONTNEED));
			EXPECT_TRUE(right_page(self, map + i * page, i));
			EXPECT_EQ(-1, mprotect(map + i * page, page,
					       PROT_READ | PROT_WRITE));
		}
		munmap(map, nr * page);
	}
}

/* Is nothing mapped there? */
static bool is_hole(void *at, size_t page)
{
	unsigned char there;

	return mincore(at, page, &there) && errno == ENOMEM;
}

static int write_mem(const char *path, void *at)
{
	__u64 word = 1;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	int err;

	if (fd < 0)
		return -errno;
	err = pwrite(fd, &word, sizeof(word), (off_t)at) < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* One arena for all ends, which comes back after it was thrown away. */
TEST_F(ring, arena)
{
	struct end *ends[] = { self->producer, self->consumer, self->observer };
	size_t page = self->page;
	char *maps[3], *map;
	size_t e, i;
	pid_t pid;

	for (e = 0; e < 3; e++) {
		maps[e] = map_pages(self, ends[e], self->arena, ARENA_PAGES,
				    e < 2 ? PROT_READ | PROT_WRITE : PROT_READ);
		ASSERT_NE(NULL, maps[e]);
	}
	for (i = 0; i < ARENA_PAGES; i++) {
		*tag_of(self, maps[i % 2] + i * page) = TAG + 100 + i;
		for (e = 0; e < 3; e++)
			EXPECT_EQ(TAG + 100 + i,
				  *tag_of(self, maps[e] + i * page));
		*tag_of(self, maps[0] + i * page) = TAG + self->arena + i;
	}
	for (e = 0; e < 3; e++) {
		ASSERT_EQ(0, madvise(maps[e], ARENA_PAGES * page,
				     MADV_DONTNEED));
		for (i = 0; i < ARENA_PAGES; i++)
			EXPECT_TRUE(right_page(self, maps[e] + i * page,
					       self->arena + i));
	}
	/* It does not grow, nor reach into anything else */
	EXPECT_EQ(MAP_FAILED, mremap(maps[0], ARENA_PAGES * page,
				     (ARENA_PAGES + 1) * page, MREMAP_MAYMOVE));

	pid = fork();
	if (!pid) {
		for (e = 0; e < 3; e++)
			if (!is_hole(maps[e], page))
				_exit(1);
		map = map_pages(self, self->consumer, self->arena, ARENA_PAGES,
				PROT_READ | PROT_WRITE);
		if (!map || !right_page(self, map + page, self->arena + 1))
			_exit(2);
		*tag_of(self, map + page) = TAG + 55;
		/* As to a process, so to a system call */
		if (write_mem("/proc/self/mem", map))
			_exit(3);
		map = map_pages(self, self->observer, self->arena, 1, PROT_READ);
		if (!map || !write_mem("/proc/self/mem", map))
			_exit(4);
		map[0] = 0;
		_exit(5);
	}
	EXPECT_EQ(256 + SIGSEGV, device_child(pid));
	EXPECT_EQ(TAG + 55, *tag_of(self, maps[2] + page));

	/* Held by the mapping when the file is gone, and with it the role */
	device_close(&self->producer->fd);
	EXPECT_EQ(-EBUSY, device_end(self->handle, SHMRING_ROLE_PRODUCER));
	EXPECT_TRUE(right_page(self, maps[0], self->arena));
	for (e = 0; e < 3; e++)
		munmap(maps[e], ARENA_PAGES * page);
	/* What stands there is there for the next end */
	self->producer->fd = device_end(self->handle, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, self->producer->fd);
	map = map_pages(self, self->producer, self->arena, ARENA_PAGES,
			PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	EXPECT_TRUE(right_page(self, map, self->arena));
	EXPECT_EQ(TAG + 55, *tag_of(self, map + page));
	munmap(map, ARENA_PAGES * page);
}

TEST_F(ring, fork_leaves_it_behind)
{
	size_t page = self->page;
	char *map = map_pages(self, self->producer, P, 2,
			      PROT_READ | PROT_WRITE);
	pid_t pid;

	ASSERT_NE(NULL, map);
	pid = fork();
	if (!pid) {
		if (!is_hole(map, page) || !is_hole(map + page, page))
			_exit(1);
		/* The file is there, and what it may map */
		map = map_pages(self, self->producer, P, 1, PROT_READ);
		if (!map || !right_page(self, map, P))
			_exit(2);
		munmap(map, page);
		/* SIGSEGV, not a page of somebody */
		map[1] = 0;
		_exit(3);
	}
	EXPECT_EQ(256 + SIGSEGV, device_child(pid));
	EXPECT_TRUE(right_page(self, map, P));
	munmap(map, 2 * page);
}

TEST_F(ring, dofork)
{
	size_t page = self->page;
	int ready[2], go[2], refused;
	char *c, *p, byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	c = map_pages(self, self->producer, C, 2, PROT_READ);
	p = map_pages(self, self->producer, P, 2, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, c);
	ASSERT_NE(NULL, p);
	/* Newer kernels refuse what a driver has said of its pages. */
	refused = madvise(c, 2 * page, MADV_DOFORK);
	if (refused && errno == EINVAL) {
		EXPECT_EQ(-1, madvise(p, 2 * page, MADV_DOFORK));
		munmap(c, 2 * page);
		munmap(p, 2 * page);
		SKIP(return, "no child is given such pages here");
	}
	ASSERT_EQ(0, refused);
	ASSERT_EQ(0, madvise(p, 2 * page, MADV_DOFORK));

	pid = fork();
	if (!pid) {
		size_t i;

		for (i = 0; i < ARRAY_SIZE(self->ends); i++)
			device_close(&self->ends[i].fd);
		close(ready[0]);
		close(go[1]);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		/* The parent has neither file nor mapping any more */
		if (!right_page(self, c, C) || !right_page(self, c + page, K) ||
		    !right_page(self, p, P))
			_exit(2);
		/* Pages that were not copied, then ones that were thrown away */
		if (madvise(p, 2 * page, MADV_DONTNEED) ||
		    !right_page(self, p + page, DATA))
			_exit(3);
		if (!mprotect(c, page, PROT_READ | PROT_WRITE))
			_exit(4);
		if (munmap(c, page) || !right_page(self, c + page, K))
			_exit(5);
		*tag_of(self, p + page) = TAG + 77;
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(6);
		_exit(0);
	}
	/* A child that ends early is heard of */
	close(ready[1]);
	close(go[0]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	munmap(c, 2 * page);
	munmap(p, 2 * page);
	device_close(&self->producer->fd);
	/* Held by the child's mapping alone */
	EXPECT_EQ(-EBUSY, device_end(self->handle, SHMRING_ROLE_PRODUCER));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(-EBUSY, device_end(self->handle, SHMRING_ROLE_PRODUCER));
	c = map_pages(self, self->consumer, DATA, 1, PROT_READ);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(TAG + 77, *tag_of(self, c));
	munmap(c, page);
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(0, device_child(pid));

	self->producer->fd = device_end(self->handle, SHMRING_ROLE_PRODUCER);
	EXPECT_LE(0, self->producer->fd);
}

/* Whatever is advised: the pages stay, and what stands in them. */
TEST_F(ring, madvise)
{
	static const int advices[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK,
		MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK,
		MADV_KEEPONFORK, 20 /* COLD */, 21 /* PAGEOUT */,
		22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */,
		24 /* DONTNEED_LOCKED */, 25 /* COLLAPSE */,
	};
	size_t page = self->page;
	size_t nr = self->total;
	size_t e, i, a;
	char *map;

	for (e = 0; self->ends[e].roles; e++) {
		map = map_pages(self, &self->ends[e], 0, nr, PROT_READ);
		ASSERT_NE(NULL, map);
		for (a = 0; a < ARRAY_SIZE(advices); a++) {
			madvise(map, nr * page, advices[a]);
			for (i = 0; i < nr; i++)
				if (!right_page(self, map + i * page, i))
					FAULT("%s: advice %d, page %zu",
					      self->ends[e].name, advices[a],
					      i);
		}
		munmap(map, nr * page);
	}
	ASSERT_EQ(0, self->faults);

	/* The two that matter most must be taken, and are */
	map = map_pages(self, self->producer, P, nr - P, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, madvise(map, (nr - P) * page, MADV_DONTNEED));
		EXPECT_TRUE(right_page(self, map, P));
		EXPECT_TRUE(right_page(self, map + page, DATA));
		/* By the kernel's hand, too */
		ASSERT_EQ(0, madvise(map, (nr - P) * page, MADV_DONTNEED));
		EXPECT_EQ(1, pread(open("/dev/zero", O_RDONLY), map + page, 1,
				   0));
		*tag_of(self, map + (nr - P - 1) * page) =
			TAG + fold(self, nr - 1);
	}
	ASSERT_EQ(0, madvise(map, (nr - P) * page, MADV_DONTDUMP));
	munmap(map, (nr - P) * page);
}

TEST_F(ring, mlock)
{
	size_t page = self->page;
	size_t nr = self->total;
	char *map = map_pages(self, self->observer, 0, nr, PROT_READ);
	size_t i;

	ASSERT_NE(NULL, map);
	EXPECT_EQ(0, mlock(map, nr * page));
	for (i = 0; i < nr; i++)
		EXPECT_TRUE(right_page(self, map + i * page, i));
	EXPECT_EQ(0, munlock(map + page, page));
	EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	munmap(map, nr * page);
	map = map_pages(self, self->producer, P, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	EXPECT_TRUE(right_page(self, map, P));
	munlockall();
	munmap(map, page);
}

TEST_F(ring, mirror)
{
	struct device_map map;
	__u32 i;

	ASSERT_EQ(0, device_map(self->both->fd, &map));
	ASSERT_EQ(self->capacity >= self->page, map.mirrored);
	for (i = 0; i < self->capacity; i++)
		map.data[i] = i * 7;
	for (i = 0; map.mirrored && i < self->capacity; i++) {
		ASSERT_EQ((unsigned char)(i * 7), map.data[self->capacity + i]);
		map.data[self->capacity + i] = i * 5;
		ASSERT_EQ((unsigned char)(i * 5), map.data[i]);
	}
	/* Across the seam in one piece */
	if (map.mirrored) {
		memcpy(map.data + self->capacity - 3, "abcdef", 6);
		EXPECT_EQ(0, memcmp(map.data, "def", 3));
	}
	device_unmap(&map);
}

TEST_F(ring, coherent)
{
	struct device_map p, c;
	__u32 i;

	ASSERT_EQ(0, device_map(self->producer->fd, &p));
	ASSERT_EQ(0, device_map(self->consumer->fd, &c));
	for (i = 0; i < self->capacity; i++)
		p.data[i] = ~i;
	for (i = 0; i < self->capacity; i++)
		ASSERT_EQ((unsigned char)~i, c.data[i]);
	device_store(&p.p->wr, 12345);
	EXPECT_EQ(12345U, device_load(&c.p->wr));
	device_store(&c.c->rd, 12344);
	EXPECT_EQ(12344, device_load(&p.c->rd));
	EXPECT_EQ(SHMRING_MAGIC, p.k->magic);
	device_unmap(&p);
	device_unmap(&c);
}

TEST_F(ring, outlives_its_file)
{
	size_t page = self->page;
	struct shmring_ioc_info info;
	char *a, *b;

	a = map_pages(self, self->producer, P, 2, PROT_READ | PROT_WRITE);
	b = map_pages(self, self->producer, C, 2, PROT_READ);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	device_close(&self->producer->fd);
	EXPECT_TRUE(right_page(self, a, P));
	EXPECT_EQ(-EBUSY, device_end(self->handle, SHMRING_ROLE_PRODUCER));
	ASSERT_EQ(0, device_info(self->consumer->fd, &info));
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(getpid(), info.producer_pid);

	/* Each part of it holds the role, to the last page */
	munmap(b, 2 * page);
	munmap(a, page);
	EXPECT_EQ(-EBUSY, device_end(self->handle, SHMRING_ROLE_PRODUCER));
	EXPECT_TRUE(right_page(self, a + page, DATA));
	munmap(a + page, page);
	ASSERT_EQ(0, device_info(self->consumer->fd, &info));
	EXPECT_EQ(SHMRING_STATE_PRODUCER_GONE, info.state);
	EXPECT_EQ(0, info.producer_pid);
	self->producer->fd = device_end(self->handle, SHMRING_ROLE_PRODUCER);
	EXPECT_LE(0, self->producer->fd);
}

/*
 * --- Other ways to write to a page
 */

static bool read_mem(const char *path, void *at, __u64 *word)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = pread(fd, word, sizeof(*word), (off_t)at);

	close(fd);
	return n == sizeof(*word);
}

TEST_F(ring, proc_mem)
{
	size_t page = self->page;
	size_t e, i;
	char *map;
	__u64 word;

	for (e = 0; self->ends[e].roles; e++)
		for (i = 0; i < self->total; i++) {
			struct end *end = &self->ends[e];
			int rights = rights_to(end, i, 1);

			/* What it maps for reading, it may be able to write */
			map = map_pages(self, end, i, 1, PROT_READ);
			ASSERT_NE(NULL, map);
			EXPECT_TRUE(read_mem("/proc/self/mem", map, &word));
			EXPECT_GT(0, write_mem("/proc/self/mem", map + 1024));
			munmap(map, page);
			if (!(rights & PROT_WRITE))
				continue;
			map = map_pages(self, end, i, 1,
					PROT_READ | PROT_WRITE);
			ASSERT_NE(NULL, map);
			EXPECT_EQ(0, write_mem("/proc/self/mem", map + 1024));
			EXPECT_EQ(1, *(__u64 *)(map + 1024));
			munmap(map, page);
		}
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, ptrace)
{
	size_t page = self->page;
	char *map = mmap(NULL, 2 * sizeof(char *), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	char **maps = (char **)map;
	struct iovec local, remote;
	__u64 word = 99;
	int status, i;
	pid_t pid;

	ASSERT_NE(MAP_FAILED, map);
	pid = fork();
	if (!pid) {
		maps[0] = map_pages(self, self->producer, C, 2, PROT_READ);
		maps[1] = map_pages(self, self->producer, P, 2,
				    PROT_READ | PROT_WRITE);
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSTOPPED(status));

	local = (struct iovec){ &word, sizeof(word) };
	for (i = 0; i < 2; i++) {
		char *at = maps[0] + i * page + 2048;

		errno = 0;
		EXPECT_EQ(0, ptrace(PTRACE_PEEKDATA, pid, at, 0));
		EXPECT_EQ(0, errno);
		EXPECT_EQ(-1, ptrace(PTRACE_POKEDATA, pid, at, 1));
		EXPECT_EQ(-1, ptrace(PTRACE_POKETEXT, pid, at, 1));
		remote = (struct iovec){ at, sizeof(word) };
		EXPECT_EQ(-1, process_vm_writev(pid, &local, 1, &remote, 1, 0));
		EXPECT_EQ(0, ptrace(PTRACE_PEEKDATA, pid, at, 0));
	}
	/* What the process itself may write, its tracer may */
	EXPECT_EQ(0, ptrace(PTRACE_POKEDATA, pid, maps[1] + 1024, 1));
	remote = (struct iovec){ maps[1] + page + 1024, sizeof(word) };
	EXPECT_EQ(8, process_vm_writev(pid, &local, 1, &remote, 1, 0));
	ptrace(PTRACE_CONT, pid, 0, 0);
	EXPECT_EQ(0, device_child(pid));
	munmap(map, 2 * sizeof(char *));
}

/* The kernel's own copies obey the same rights. */
TEST_F(ring, system_calls_write_no_more)
{
	char *k = map_pages(self, self->consumer, K, 2, PROT_READ);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	ASSERT_NE(NULL, k);
	EXPECT_EQ(-1, read(zero, k, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(zero, k + self->page, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(right_page(self, k, K));
	close(zero);
	munmap(k, 2 * self->page);
}

TEST_HARNESS_MAIN
