// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mapping a ring's pages: all that a process can ask for, against a model of
 * what it may have
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

#include "kselftest_harness.h"
#include "tagged.h"

#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE	0x03
#endif
#ifndef MAP_SYNC
#define MAP_SYNC		0x080000
#endif

#define RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)

FIXTURE(ring)
{
	struct tagged_ring ring;
	bool noexec;	/* is the device's file system */
	int faults;
};

FIXTURE_VARIANT(ring) TAGGED_VARIANT;
TAGGED_VARIANTS(ring);

FIXTURE_SETUP(ring)
{
	struct statvfs fs;

	ASSERT_EQ(0, statvfs(SHMRING_DEVICE, &fs));
	self->noexec = fs.f_flag & ST_NOEXEC;
	ASSERT_TRUE(tagged_open(&self->ring, variant->bytes, variant->pages));
}

FIXTURE_TEARDOWN(ring)
{
	EXPECT_TRUE(tagged_close(&self->ring));
}

/*
 * --- The model
 */

/* Are all of these pages there, in one of the two stretches of the file? */
static bool in_the_file(const struct tagged_ring *r, const struct tagged_end *e,
			size_t first, size_t nr)
{
	if (first + nr <= r->total)
		return true;
	return e != r->both && first >= r->arena &&
	       first + nr <= r->arena + TAGGED_ARENA;
}

/* Reasons to refuse; if there are several, any may be named. */
enum {
	NOT_BOUND	= 1,
	NO_RIGHT	= 2,
	NO_SENSE	= 4,
	NO_EXEC_MOUNT	= 8,
};

static int expected(const struct _test_data_ring *self,
		    const struct tagged_end *e, size_t first, size_t nr,
		    int prot, int flags)
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
	if (!in_the_file(&self->ring, e, first, nr))
		reasons |= NO_SENSE;
	else if (prot & ~tagged_rights(e, first, nr))
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
		    struct _test_data_ring *self, const struct tagged_end *e,
		    size_t first, size_t nr, int prot, int flags)
{
	const struct tagged_ring *r = &self->ring;
	int reasons = expected(self, e, first, nr, prot, flags);
	size_t i;
	char *map;
	int err;

	errno = 0;
	map = mmap(NULL, nr * r->page, prot, flags, e->fd, first * r->page);
	err = map == MAP_FAILED ? errno : 0;
	if (!is_expected(reasons, err))
		FAULT("%s: pages %zu + %zu, prot %d, flags %#x: %s, reasons to refuse: %#x",
		      e->name, first, nr, prot, flags, strerror(err), reasons);
	if (err)
		return;
	for (i = 0; prot & PROT_READ && i < nr; i++)
		if (!tagged_right(r, map + i * r->page, first + i))
			FAULT("%s: pages %zu + %zu: another page at %zu",
			      e->name, first, nr, i);
	for (i = 0; prot & PROT_WRITE && i < nr; i++)
		*tagged_word(r, map + i * r->page) =
			TAG + tagged_page(r, first + i);
	munmap(map, nr * r->page);
}

/* All that can be asked for of these pages, and of up to that many from each. */
static void try_maps(struct __test_metadata *_metadata,
		     struct _test_data_ring *self, size_t from, size_t to,
		     size_t most)
{
	const struct tagged_ring *r = &self->ring;
	static const int types[] = {
		MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE
	};
	size_t first, nr, i, type;
	int prot;

	for (i = 0; i < ARRAY_SIZE(r->ends); i++)
		for (first = from; first < to; first++)
			for (nr = 1; nr <= most; nr++)
				for (prot = 0; prot <= RWX; prot++)
					for (type = 0; type < 3; type++)
						try_map(_metadata, self,
							&r->ends[i], first,
							nr, prot, types[type]);
}

TEST_F_TIMEOUT(ring, mmap_matrix, 200)
{
	struct tagged_ring *r = &self->ring;

	try_maps(_metadata, self, 0, r->total + 2, r->total + 2);
	ASSERT_EQ(0, self->faults);
}

TEST_F_TIMEOUT(ring, arena_mmap_matrix, 200)
{
	struct tagged_ring *r = &self->ring;

	try_maps(_metadata, self, r->arena - 2, r->arena + TAGGED_ARENA + 2,
		 TAGGED_ARENA + 4);
	ASSERT_EQ(0, self->faults);
}

/* What mmap gave, mprotect cannot raise above the role. */
static void try_protect(struct __test_metadata *_metadata,
			struct _test_data_ring *self, const struct tagged_end *e,
			size_t first, size_t nr, int from)
{
	const struct tagged_ring *r = &self->ring;
	int rights = tagged_rights(e, first, nr);
	char *map;
	int to, err;

	if (from & ~rights)
		return;
	map = tagged_map(r, e, first, nr, from);
	if (!map) {
		FAULT("%s: pages %zu + %zu, prot %d: %s", e->name, first, nr,
		      from, strerror(errno));
		return;
	}
	for (to = 0; to <= RWX; to++) {
		err = mprotect(map, nr * r->page, to) ? errno : 0;
		if (err != (to & ~rights ? EACCES : 0))
			FAULT("%s: pages %zu + %zu, mprotect from %d to %d: %s",
			      e->name, first, nr, from, to, strerror(err));
		/* A part of it is no other thing */
		err = mprotect(map, r->page, to) ? errno : 0;
		if (err != (to & ~rights ? EACCES : 0))
			FAULT("%s: first of pages %zu + %zu, mprotect to %d: %s",
			      e->name, first, nr, to, strerror(err));
	}
	munmap(map, nr * r->page);
}

TEST_F(ring, mprotect_matrix)
{
	struct tagged_ring *r = &self->ring;
	size_t first, nr, i;
	int from;

	for (i = 0; i < ARRAY_SIZE(r->ends); i++)
		for (first = 0; first < r->total; first++)
			for (nr = 1; first + nr <= r->total; nr++)
				for (from = 0; from < PROT_EXEC; from++)
					if (r->ends[i].roles)
						try_protect(_metadata, self,
							    &r->ends[i],
							    first, nr, from);
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, arena_mprotect)
{
	struct tagged_ring *r = &self->ring;
	size_t first, i;
	int from;

	for (i = 0; r->ends[i].roles; i++)
		for (first = 0; first < TAGGED_ARENA; first++)
			for (from = 0; from < PROT_EXEC; from++)
				if (&r->ends[i] != r->both)
					try_protect(_metadata, self,
						    &r->ends[i],
						    r->arena + first,
						    TAGGED_ARENA - first, from);
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, other_flags)
{
	struct tagged_ring *r = &self->ring;
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

	for (i = 0; r->ends[i].roles; i++)
		for (c = 0; c < ARRAY_SIZE(cases); c++)
			for (first = 0; first < r->total; first++) {
				int prot = tagged_rights(&r->ends[i], first, 1);

				map = mmap(NULL, r->page, prot,
					   cases[c].flags, r->ends[i].fd,
					   first * r->page);
				err = map == MAP_FAILED ? errno : 0;
				if (err != cases[c].err)
					FAULT("%s: page %zu, flags %#x: %s",
					      r->ends[i].name, first,
					      cases[c].flags, strerror(err));
				if (err)
					continue;
				if (!tagged_right(r, map, first))
					FAULT("another page");
				munmap(map, r->page);
			}
	ASSERT_EQ(0, self->faults);
}

TEST_F(ring, fixed_address)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	char *at, *map;

	at = mmap(NULL, 4 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		  0);
	ASSERT_NE(MAP_FAILED, at);
	map = mmap(at + page, page, PROT_READ, MAP_SHARED | MAP_FIXED,
		   r->observer->fd, PAGE_P * page);
	ASSERT_EQ(at + page, map);
	EXPECT_TRUE(tagged_right(r, map, PAGE_P));
	/* One over the other: the older goes, its counts are right */
	map = mmap(at + page, 2 * page, PROT_READ, MAP_SHARED | MAP_FIXED,
		   r->producer->fd, PAGE_C);
	ASSERT_EQ(at + page, map);
	EXPECT_TRUE(tagged_right(r, map, PAGE_C));
	EXPECT_TRUE(tagged_right(r, map + page, PAGE_K));
	/* What is refused leaves nothing of itself there */
	map = mmap(at + page, page, PROT_READ | PROT_WRITE,
		   MAP_SHARED | MAP_FIXED, r->producer->fd, PAGE_K * page);
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
	struct tagged_ring *r = &self->ring;
	const __u64 page = r->page;
	const __u64 all = r->total * page;
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

	for (i = 0; r->ends[i].roles; i++)
		for (c = 0; c < ARRAY_SIZE(cases); c++) {
			map = mmap_by_number(r->ends[i].fd,
					     cases[c].offset,
					     cases[c].length);
			err = map == MAP_FAILED ? errno : 0;
			if (err != cases[c].err &&
			    !(cases[c].or_err && err == cases[c].or_err))
				FAULT("%s: offset %#llx, length %#llx: %s",
				      r->ends[i].name, cases[c].offset,
				      cases[c].length, strerror(err));
			if (!err)
				munmap(map, cases[c].length);
		}
	ASSERT_EQ(0, self->faults);
}

TEST_HARNESS_MAIN
