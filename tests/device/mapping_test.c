// SPDX-License-Identifier: GPL-2.0-only
/*
 * What becomes of a mapping: moved, cut, forked, advised, written by other ways,
 * and left when its file is closed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "kselftest_harness.h"
#include "tagged.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP	4
#endif

#define RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)

FIXTURE(ring)
{
	struct tagged_ring ring;
};

FIXTURE_VARIANT(ring) TAGGED_VARIANT;
TAGGED_VARIANTS(ring);

FIXTURE_SETUP(ring)
{
	ASSERT_TRUE(tagged_open(&self->ring, variant->bytes, variant->pages));
}

FIXTURE_TEARDOWN(ring)
{
	EXPECT_TRUE(tagged_close(&self->ring));
}

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
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	void *map;

	map = tagged_map(r, r->producer, PAGE_P, 1, PROT_READ);
	EXPECT_TRUE(vm_flags_are(map, "rd sh mr mw ms de dc dd", "wr ex me io pf"));
	munmap(map, page);
	map = tagged_map(r, r->producer, PAGE_C, 2, PROT_READ);
	EXPECT_TRUE(vm_flags_are(map, "rd mr ms de dc dd", "wr ex mw me io pf"));
	munmap(map, 2 * page);
	map = tagged_map(r, r->consumer, PAGE_C, 1, PROT_READ | PROT_WRITE);
	EXPECT_TRUE(vm_flags_are(map, "rd wr sh mr mw ms de dc dd", "ex me io pf"));
	munmap(map, page);
	map = tagged_map(r, r->observer, PAGE_K, 3, PROT_NONE);
	EXPECT_TRUE(vm_flags_are(map, "mr ms de dc dd", "rd wr ex mw me io pf"));
	munmap(map, 3 * page);
}

TEST_F(ring, mremap)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
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

	map = tagged_map(r, r->producer, PAGE_P, 2, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	for (i = 0; i < ARRAY_SIZE(refused); i++) {
		got = mremap(map, refused[i].from, refused[i].to,
			     refused[i].flags);
		EXPECT_EQ(MAP_FAILED, got) {
			TH_LOG("case %zu", i);
		}
		EXPECT_TRUE(errno == EFAULT || errno == EINVAL);
	}
	EXPECT_TRUE(tagged_right(r, map, PAGE_P));

	/* To another place: all goes with it */
	to = mmap(NULL, old, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, to);
	got = mremap(map, old, old, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	ASSERT_EQ(to, got);
	EXPECT_TRUE(tagged_right(r, to, PAGE_P));
	EXPECT_TRUE(tagged_right(r, to + page, PAGE_DATA));
	EXPECT_EQ(-1, mprotect(to, old, RWX));
	*tagged_word(r, to) = TAG + PAGE_P;
	/* What is touched first there, too */
	ASSERT_EQ(0, madvise(to, old, MADV_DONTNEED));
	EXPECT_TRUE(tagged_right(r, to, PAGE_P));
	EXPECT_TRUE(tagged_right(r, to + page, PAGE_DATA));

	/* Half of it: a VMA that begins in the middle of the file */
	got = mremap(to + page, page, page, MREMAP_MAYMOVE | MREMAP_FIXED, map);
	ASSERT_EQ(map, got);
	EXPECT_TRUE(tagged_right(r, map, PAGE_DATA));
	ASSERT_EQ(0, madvise(map, page, MADV_DONTNEED));
	EXPECT_TRUE(tagged_right(r, map, PAGE_DATA));
	munmap(map, page);
	munmap(to, page);

	/* Shrink: what remains is what was there */
	map = tagged_map(r, r->consumer, PAGE_C, 3, PROT_READ);
	ASSERT_NE(NULL, map);
	ASSERT_EQ(map, mremap(map, 3 * page, page, 0));
	EXPECT_TRUE(tagged_right(r, map, PAGE_C));
	EXPECT_EQ(MAP_FAILED, mremap(map, page, 2 * page, 0));
	munmap(map, page);
}

/* It asks ->mmap anew, with other pages and the rights of the old ones. */
TEST_F(ring, remap_file_pages)
{
	struct tagged_ring *r = &self->ring;
#ifdef SYS_remap_file_pages
	size_t page = r->page;
	char *map = tagged_map(r, r->producer, PAGE_P, 2,
			      PROT_READ | PROT_WRITE);
	long ret;

	ASSERT_NE(NULL, map);
	ret = syscall(SYS_remap_file_pages, map, page, 0, PAGE_K, 0);
	EXPECT_EQ(-1, ret);
	ret = syscall(SYS_remap_file_pages, map, page, 0, PAGE_C, 0);
	EXPECT_EQ(-1, ret);
	ret = syscall(SYS_remap_file_pages, map, page, 0, r->total, 0);
	EXPECT_EQ(-1, ret);
	munmap(map, 2 * page);
#endif
}

TEST_F(ring, partial_munmap)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	size_t nr = r->total;
	unsigned char there;
	size_t i, hole;
	char *map;

	for (hole = 0; hole < nr; hole++) {
		map = tagged_map(r, r->consumer, 0, nr, PROT_READ);
		ASSERT_NE(NULL, map);
		ASSERT_EQ(0, munmap(map + hole * page, page));
		for (i = 0; i < nr; i++) {
			if (i == hole) {
				EXPECT_EQ(-1, mincore(map + i * page, page,
						      &there));
				continue;
			}
			EXPECT_TRUE(tagged_right(r, map + i * page, i));
			ASSERT_EQ(0, madvise(map + i * page, page,
					     MADV_DONTNEED));
			EXPECT_TRUE(tagged_right(r, map + i * page, i));
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
	struct tagged_ring *r = &self->ring;
	struct tagged_end *ends[] = { r->producer, r->consumer, r->observer };
	size_t page = r->page;
	char *maps[3], *map;
	size_t e, i;
	pid_t pid;

	for (e = 0; e < 3; e++) {
		maps[e] = tagged_map(r, ends[e], r->arena, TAGGED_ARENA,
				     e < 2 ? PROT_READ | PROT_WRITE : PROT_READ);
		ASSERT_NE(NULL, maps[e]);
	}
	for (i = 0; i < TAGGED_ARENA; i++) {
		*tagged_word(r, maps[i % 2] + i * page) = TAG + 100 + i;
		for (e = 0; e < 3; e++)
			EXPECT_EQ(TAG + 100 + i,
				  *tagged_word(r, maps[e] + i * page));
		*tagged_word(r, maps[0] + i * page) = TAG + r->arena + i;
	}
	for (e = 0; e < 3; e++) {
		ASSERT_EQ(0, madvise(maps[e], TAGGED_ARENA * page,
				     MADV_DONTNEED));
		for (i = 0; i < TAGGED_ARENA; i++)
			EXPECT_TRUE(tagged_right(r, maps[e] + i * page,
						 r->arena + i));
	}
	/* It does not grow, nor reach into anything else */
	EXPECT_EQ(MAP_FAILED, mremap(maps[0], TAGGED_ARENA * page,
				     (TAGGED_ARENA + 1) * page, MREMAP_MAYMOVE));

	pid = fork();
	if (!pid) {
		for (e = 0; e < 3; e++)
			if (!is_hole(maps[e], page))
				_exit(1);
		map = tagged_map(r, r->consumer, r->arena, TAGGED_ARENA,
				 PROT_READ | PROT_WRITE);
		if (!map || !tagged_right(r, map + page, r->arena + 1))
			_exit(2);
		*tagged_word(r, map + page) = TAG + 55;
		/* As to a process, so to a system call */
		if (write_mem("/proc/self/mem", map))
			_exit(3);
		map = tagged_map(r, r->observer, r->arena, 1, PROT_READ);
		if (!map || !write_mem("/proc/self/mem", map))
			_exit(4);
		map[0] = 0;
		_exit(5);
	}
	EXPECT_EQ(256 + SIGSEGV, device_child(pid));
	EXPECT_EQ(TAG + 55, *tagged_word(r, maps[2] + page));

	/* Held by the mapping when the file is gone, and with it the role */
	device_close(&r->producer->fd);
	EXPECT_EQ(-EBUSY, device_end(r->handle, SHMRING_ROLE_PRODUCER));
	EXPECT_TRUE(tagged_right(r, maps[0], r->arena));
	for (e = 0; e < 3; e++)
		munmap(maps[e], TAGGED_ARENA * page);
	/* What stands there is there for the next end */
	r->producer->fd = device_end(r->handle, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, r->producer->fd);
	map = tagged_map(r, r->producer, r->arena, TAGGED_ARENA,
			 PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	EXPECT_TRUE(tagged_right(r, map, r->arena));
	EXPECT_EQ(TAG + 55, *tagged_word(r, map + page));
	munmap(map, TAGGED_ARENA * page);
}

TEST_F(ring, fork_leaves_it_behind)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	char *map = tagged_map(r, r->producer, PAGE_P, 2,
			      PROT_READ | PROT_WRITE);
	pid_t pid;

	ASSERT_NE(NULL, map);
	pid = fork();
	if (!pid) {
		if (!is_hole(map, page) || !is_hole(map + page, page))
			_exit(1);
		/* The file is there, and what it may map */
		map = tagged_map(r, r->producer, PAGE_P, 1, PROT_READ);
		if (!map || !tagged_right(r, map, PAGE_P))
			_exit(2);
		munmap(map, page);
		/* SIGSEGV, not a page of somebody */
		map[1] = 0;
		_exit(3);
	}
	EXPECT_EQ(256 + SIGSEGV, device_child(pid));
	EXPECT_TRUE(tagged_right(r, map, PAGE_P));
	munmap(map, 2 * page);
}

TEST_F(ring, dofork)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	int ready[2], go[2], refused;
	char *c, *p, byte;
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	c = tagged_map(r, r->producer, PAGE_C, 2, PROT_READ);
	p = tagged_map(r, r->producer, PAGE_P, 2, PROT_READ | PROT_WRITE);
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

		for (i = 0; i < ARRAY_SIZE(r->ends); i++)
			device_close(&r->ends[i].fd);
		close(ready[0]);
		close(go[1]);
		if (write(ready[1], "", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(1);
		/* The parent has neither file nor mapping any more */
		if (!tagged_right(r, c, PAGE_C) || !tagged_right(r, c + page, PAGE_K) ||
		    !tagged_right(r, p, PAGE_P))
			_exit(2);
		/* Pages that were not copied, then ones that were thrown away */
		if (madvise(p, 2 * page, MADV_DONTNEED) ||
		    !tagged_right(r, p + page, PAGE_DATA))
			_exit(3);
		if (!mprotect(c, page, PROT_READ | PROT_WRITE))
			_exit(4);
		if (munmap(c, page) || !tagged_right(r, c + page, PAGE_K))
			_exit(5);
		*tagged_word(r, p + page) = TAG + 77;
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
	device_close(&r->producer->fd);
	/* Held by the child's mapping alone */
	EXPECT_EQ(-EBUSY, device_end(r->handle, SHMRING_ROLE_PRODUCER));
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	EXPECT_EQ(-EBUSY, device_end(r->handle, SHMRING_ROLE_PRODUCER));
	c = tagged_map(r, r->consumer, PAGE_DATA, 1, PROT_READ);
	ASSERT_NE(NULL, c);
	EXPECT_EQ(TAG + 77, *tagged_word(r, c));
	munmap(c, page);
	ASSERT_EQ(1, write(go[1], "", 1));
	ASSERT_EQ(0, device_child(pid));

	r->producer->fd = device_end(r->handle, SHMRING_ROLE_PRODUCER);
	EXPECT_LE(0, r->producer->fd);
}

/* Whatever is advised: the pages stay, and what stands in them. */
TEST_F(ring, madvise)
{
	struct tagged_ring *r = &self->ring;
	static const int advices[] = {
		MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED,
		MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK,
		MADV_DOFORK, MADV_MERGEABLE, MADV_UNMERGEABLE, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK,
		MADV_KEEPONFORK, 20 /* COLD */, 21 /* PAGEOUT */,
		22 /* POPULATE_READ */, 23 /* POPULATE_WRITE */,
		24 /* DONTNEED_LOCKED */, 25 /* COLLAPSE */,
	};
	size_t page = r->page;
	size_t nr = r->total;
	size_t e, i, a;
	char *map;

	for (e = 0; r->ends[e].roles; e++) {
		map = tagged_map(r, &r->ends[e], 0, nr, PROT_READ);
		ASSERT_NE(NULL, map);
		for (a = 0; a < ARRAY_SIZE(advices); a++) {
			madvise(map, nr * page, advices[a]);
			for (i = 0; i < nr; i++)
				EXPECT_TRUE(tagged_right(r, map + i * page, i)) {
					TH_LOG("%s: advice %d, page %zu",
					       r->ends[e].name, advices[a], i);
				}
		}
		munmap(map, nr * page);
	}

	/* The two that matter most must be taken, and are */
	map = tagged_map(r, r->producer, PAGE_P, nr - PAGE_P, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	for (i = 0; i < 3; i++) {
		ASSERT_EQ(0, madvise(map, (nr - PAGE_P) * page, MADV_DONTNEED));
		EXPECT_TRUE(tagged_right(r, map, PAGE_P));
		EXPECT_TRUE(tagged_right(r, map + page, PAGE_DATA));
		/* By the kernel's hand, too */
		ASSERT_EQ(0, madvise(map, (nr - PAGE_P) * page, MADV_DONTNEED));
		EXPECT_EQ(1, pread(open("/dev/zero", O_RDONLY), map + page, 1,
				   0));
		*tagged_word(r, map + (nr - PAGE_P - 1) * page) =
			TAG + tagged_page(r, nr - 1);
	}
	ASSERT_EQ(0, madvise(map, (nr - PAGE_P) * page, MADV_DONTDUMP));
	munmap(map, (nr - PAGE_P) * page);
}

TEST_F(ring, mlock)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	size_t nr = r->total;
	char *map = tagged_map(r, r->observer, 0, nr, PROT_READ);
	size_t i;

	ASSERT_NE(NULL, map);
	EXPECT_EQ(0, mlock(map, nr * page));
	for (i = 0; i < nr; i++)
		EXPECT_TRUE(tagged_right(r, map + i * page, i));
	EXPECT_EQ(0, munlock(map + page, page));
	EXPECT_EQ(0, mlockall(MCL_CURRENT | MCL_FUTURE));
	munmap(map, nr * page);
	map = tagged_map(r, r->producer, PAGE_P, 1, PROT_READ | PROT_WRITE);
	ASSERT_NE(NULL, map);
	EXPECT_TRUE(tagged_right(r, map, PAGE_P));
	munlockall();
	munmap(map, page);
}

TEST_F(ring, mirror)
{
	struct tagged_ring *r = &self->ring;
	struct device_map map;
	__u32 i;

	ASSERT_EQ(0, device_map(r->both->fd, &map));
	ASSERT_EQ(r->capacity >= r->page, map.mirrored);
	for (i = 0; i < r->capacity; i++)
		map.data[i] = i * 7;
	for (i = 0; map.mirrored && i < r->capacity; i++) {
		ASSERT_EQ((unsigned char)(i * 7), map.data[r->capacity + i]);
		map.data[r->capacity + i] = i * 5;
		ASSERT_EQ((unsigned char)(i * 5), map.data[i]);
	}
	/* Across the seam in one piece */
	if (map.mirrored) {
		memcpy(map.data + r->capacity - 3, "abcdef", 6);
		EXPECT_EQ(0, memcmp(map.data, "def", 3));
	}
	device_unmap(&map);
}

TEST_F(ring, coherent)
{
	struct tagged_ring *r = &self->ring;
	struct device_map p, c;
	__u32 i;

	ASSERT_EQ(0, device_map(r->producer->fd, &p));
	ASSERT_EQ(0, device_map(r->consumer->fd, &c));
	for (i = 0; i < r->capacity; i++)
		p.data[i] = ~i;
	for (i = 0; i < r->capacity; i++)
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
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	struct shmring_ioc_info info;
	char *a, *b;

	a = tagged_map(r, r->producer, PAGE_P, 2, PROT_READ | PROT_WRITE);
	b = tagged_map(r, r->producer, PAGE_C, 2, PROT_READ);
	ASSERT_NE(NULL, a);
	ASSERT_NE(NULL, b);
	device_close(&r->producer->fd);
	EXPECT_TRUE(tagged_right(r, a, PAGE_P));
	EXPECT_EQ(-EBUSY, device_end(r->handle, SHMRING_ROLE_PRODUCER));
	ASSERT_EQ(0, device_info(r->consumer->fd, &info));
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(getpid(), info.producer_pid);

	/* Each part of it holds the role, to the last page */
	munmap(b, 2 * page);
	munmap(a, page);
	EXPECT_EQ(-EBUSY, device_end(r->handle, SHMRING_ROLE_PRODUCER));
	EXPECT_TRUE(tagged_right(r, a + page, PAGE_DATA));
	munmap(a + page, page);
	ASSERT_EQ(0, device_info(r->consumer->fd, &info));
	EXPECT_EQ(SHMRING_STATE_PRODUCER_GONE, info.state);
	EXPECT_EQ(0, info.producer_pid);
	r->producer->fd = device_end(r->handle, SHMRING_ROLE_PRODUCER);
	EXPECT_LE(0, r->producer->fd);
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
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
	size_t e, i;
	char *map;
	__u64 word;

	for (e = 0; r->ends[e].roles; e++)
		for (i = 0; i < r->total; i++) {
			struct tagged_end *end = &r->ends[e];
			int rights = tagged_rights(end, i, 1);

			/* What it maps for reading, it may be able to write */
			map = tagged_map(r, end, i, 1, PROT_READ);
			ASSERT_NE(NULL, map);
			EXPECT_TRUE(read_mem("/proc/self/mem", map, &word));
			EXPECT_GT(0, write_mem("/proc/self/mem", map + 1024));
			munmap(map, page);
			if (!(rights & PROT_WRITE))
				continue;
			map = tagged_map(r, end, i, 1,
					 PROT_READ | PROT_WRITE);
			ASSERT_NE(NULL, map);
			EXPECT_EQ(0, write_mem("/proc/self/mem", map + 1024));
			EXPECT_EQ(1, *(__u64 *)(map + 1024));
			munmap(map, page);
		}
}

TEST_F(ring, ptrace)
{
	struct tagged_ring *r = &self->ring;
	size_t page = r->page;
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
		maps[0] = tagged_map(r, r->producer, PAGE_C, 2, PROT_READ);
		maps[1] = tagged_map(r, r->producer, PAGE_P, 2,
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
	struct tagged_ring *r = &self->ring;
	char *k = tagged_map(r, r->consumer, PAGE_K, 2, PROT_READ);
	int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

	ASSERT_NE(NULL, k);
	EXPECT_EQ(-1, read(zero, k, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(-1, read(zero, k + r->page, 8));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_TRUE(tagged_right(r, k, PAGE_K));
	close(zero);
	munmap(k, 2 * r->page);
}

TEST_HARNESS_MAIN
