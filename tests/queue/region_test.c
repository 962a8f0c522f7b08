// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: where they come from, what is refused, and offsets that lie
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include <shmring.h>
#include <shmring_region.h>

#define SEALED	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

static bool is_empty(const struct shmring_region *g)
{
	return !g->base && !g->size && g->fd == -1 &&
	       g->kind == SHMRING_REGION_EMPTY;
}

static bool is_zero(const struct shmring_region *g)
{
	const unsigned char *p = g->base;
	size_t i;

	for (i = 0; i < g->size; i++)
		if (p[i])
			return false;
	return true;
}

static int memfd(off_t size, int seals)
{
	int fd = memfd_create("region-test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && !ftruncate(fd, size) && !fcntl(fd, F_ADD_SEALS, seals))
		return fd;
	return -1;
}

TEST(raw)
{
	struct shmring_region g;
	char memory[8];

	ASSERT_EQ(0, shmring_region_raw(&g, memory, sizeof(memory)));
	EXPECT_EQ(&memory[0], g.base);
	EXPECT_EQ(sizeof(memory), g.size);
	EXPECT_EQ(-1, g.fd);
	memory[7] = 7;
	shmring_region_close(&g);
	EXPECT_TRUE(is_empty(&g));
	EXPECT_EQ(7, memory[7]);
}

TEST(raw_refuses)
{
	const uintptr_t last = UINTPTR_MAX;
	struct shmring_region g;
	char c;

	EXPECT_EQ(-EINVAL, shmring_region_raw(&g, NULL, 1));
	EXPECT_TRUE(is_empty(&g));
	EXPECT_EQ(-EINVAL, shmring_region_raw(&g, &c, 0));
	EXPECT_EQ(-EINVAL, shmring_region_raw(&g, &c, (size_t)PTRDIFF_MAX + 1));
	EXPECT_EQ(-EINVAL, shmring_region_raw(&g, &c, SIZE_MAX));
	EXPECT_EQ(-EINVAL, shmring_region_raw(&g, (void *)last, 2));
	EXPECT_TRUE(is_empty(&g));
	/* Never looked at, so never a fault. */
	EXPECT_EQ(0, shmring_region_raw(&g, (void *)last, 1));
	EXPECT_EQ(0, shmring_region_raw(&g, (void *)(last - 7), 8));
}

TEST(heap)
{
	static const size_t sizes[] = { 1, 63, 64, 4096, 100001 };
	struct shmring_region g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		ASSERT_EQ(0, shmring_region_heap(&g, sizes[i]));
		EXPECT_EQ(sizes[i], g.size);
		EXPECT_EQ(0, (uintptr_t)g.base % SHMRING_LINE);
		EXPECT_TRUE(is_zero(&g));
		memset(g.base, 0xaa, g.size);
		shmring_region_close(&g);
		EXPECT_TRUE(is_empty(&g));
	}
	shmring_region_close(&g);
}

TEST(heap_refuses)
{
	struct shmring_region g;

	EXPECT_EQ(-EINVAL, shmring_region_heap(&g, 0));
	EXPECT_EQ(-EINVAL, shmring_region_heap(&g, SIZE_MAX));
	EXPECT_TRUE(is_empty(&g));
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	/* The sanitizers' allocators end the program instead. */
	EXPECT_EQ(-ENOMEM, shmring_region_heap(&g, PTRDIFF_MAX));
	EXPECT_TRUE(is_empty(&g));
#endif
}

TEST(memfd_is_shared)
{
	struct shmring_region a, b;
	int status;
	pid_t pid;

	ASSERT_EQ(0, shmring_region_memfd(&a, 10000));
	EXPECT_EQ(10000, a.size);
	EXPECT_TRUE(is_zero(&a));
	EXPECT_LE(0, a.fd);
	EXPECT_EQ(FD_CLOEXEC, fcntl(a.fd, F_GETFD));
	EXPECT_EQ(SEALED, fcntl(a.fd, F_GET_SEALS));

	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		if (shmring_region_attach(&b, a.fd))
			_exit(1);
		memset(b.base, 0x55, b.size);
		_exit(b.size != 10000);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(0x55, ((char *)a.base)[0]);
	EXPECT_EQ(0x55, ((char *)a.base)[9999]);

	/* A duplicate is attached: the fd stays its owner's. */
	ASSERT_EQ(0, shmring_region_attach(&b, a.fd));
	EXPECT_NE(a.fd, b.fd);
	EXPECT_NE(a.base, b.base);
	shmring_region_close(&a);
	EXPECT_TRUE(is_empty(&a));
	EXPECT_EQ(0x55, ((char *)b.base)[9999]);
	shmring_region_close(&b);
}

/* Who has the fd cannot take pages away from under a mapping. */
TEST(memfd_cannot_shrink)
{
	struct shmring_region g;

	ASSERT_EQ(0, shmring_region_memfd(&g, 8192));
	EXPECT_EQ(-1, ftruncate(g.fd, 4096));
	EXPECT_EQ(EPERM, errno);
	EXPECT_EQ(-1, ftruncate(g.fd, 0));
	EXPECT_EQ(-1, ftruncate(g.fd, 16384));
	/* A hole is read as zeroes; it is no fault. */
	((char *)g.base)[4096] = 1;
	EXPECT_EQ(0, fallocate(g.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			       0, 8192));
	EXPECT_EQ(0, ((char *)g.base)[4096]);
	shmring_region_close(&g);
}

TEST(memfd_refuses)
{
	struct rlimit old, none;
	struct shmring_region g;
	int fd;

	EXPECT_EQ(-EINVAL, shmring_region_memfd(&g, 0));
	EXPECT_EQ(-EINVAL, shmring_region_memfd(&g, SIZE_MAX));
	/* A file that no address space has room for */
	EXPECT_GT(0, shmring_region_memfd(&g, PTRDIFF_MAX));
	EXPECT_TRUE(is_empty(&g));

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 0;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, shmring_region_memfd(&g, 4096));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_TRUE(is_empty(&g));

	signal(SIGXFSZ, SIG_IGN);
	ASSERT_EQ(0, getrlimit(RLIMIT_FSIZE, &old));
	none = old;
	none.rlim_cur = 4096;
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &none));
	fd = dup(0);
	EXPECT_EQ(-EFBIG, shmring_region_memfd(&g, 8192));
	EXPECT_TRUE(is_empty(&g));
	/* The next one is the same: nothing was left open. */
	close(fd);
	EXPECT_EQ(fd, dup(0));
	close(fd);
	ASSERT_EQ(0, setrlimit(RLIMIT_FSIZE, &old));
}

/* Their pages can be taken away from under a mapping: who fills a hole again? */
TEST(attach_refuses_huge_pages)
{
	const off_t size = 16 << 20;	/* whole ones, whatever their size here */
	struct shmring_region g;
	int fd;

	fd = memfd_create("region-test", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_HUGETLB);
	if (fd < 0 || ftruncate(fd, size))
		SKIP(return, "no huge pages");
	ASSERT_EQ(0, fcntl(fd, F_ADD_SEALS, SEALED));
	EXPECT_EQ(-EINVAL, shmring_region_attach(&g, fd));
	EXPECT_TRUE(is_empty(&g));
	close(fd);
}

TEST(attach_refuses)
{
	const struct {
		int fd;
		int err;
	} bad[] = {
		{ -1, -EBADF },
		{ open("/dev/null", O_RDWR | O_CLOEXEC), -EINVAL },
		{ open("/", O_RDONLY | O_CLOEXEC), -EINVAL },
		{ memfd(4096, 0), -EINVAL },
		{ memfd(4096, F_SEAL_SHRINK), -EINVAL },
		{ memfd(4096, F_SEAL_GROW), -EINVAL },
		{ memfd(0, SEALED), -EINVAL },
		{ memfd(4096, SEALED | F_SEAL_WRITE), -EPERM },
	};
	struct shmring_region g;
	struct rlimit old, none;
	char path[64];
	unsigned int i;
	int fd, readonly;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_TRUE(i == 0 || bad[i].fd >= 0);
		EXPECT_EQ(bad[i].err, shmring_region_attach(&g, bad[i].fd))
			TH_LOG("number %u", i);
		EXPECT_TRUE(is_empty(&g));
		close(bad[i].fd);
	}

	fd = memfd(4096, SEALED);
	ASSERT_LE(0, fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, readonly);
	EXPECT_EQ(-EACCES, shmring_region_attach(&g, readonly));

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	none = old;
	none.rlim_cur = 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, shmring_region_attach(&g, fd));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
	EXPECT_EQ(0, shmring_region_attach(&g, fd));
	EXPECT_EQ(4096, g.size);
	shmring_region_close(&g);
	close(readonly);
	close(fd);
}

TEST(arena)
{
	struct shmring_options options = {
		.backend = SHMRING_BACKEND_MEMORY,
		.arena = 8192,
	};
	struct shmring_region g;
	struct shmring *r;

	r = shmring_create(4096, &options);
	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, shmring_region_arena(&g, r));
	EXPECT_EQ(shmring_arena(r, NULL), g.base);
	EXPECT_EQ(8192, g.size);
	EXPECT_TRUE(is_zero(&g));
	shmring_region_close(&g);
	EXPECT_TRUE(is_empty(&g));
	*(char *)shmring_arena(r, NULL) = 1;
	shmring_free(r);

	options.arena = 0;
	r = shmring_create(4096, &options);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(-ENODATA, shmring_region_arena(&g, r));
	EXPECT_TRUE(is_empty(&g));
	shmring_free(r);
}

TEST(offset_to_pointer)
{
	struct shmring_region g;
	char *base;

	ASSERT_EQ(0, shmring_region_heap(&g, 1000));
	base = g.base;
	EXPECT_EQ(base, shmring_region_at(&g, 0, 1000, 64));
	EXPECT_EQ(base + 999, shmring_region_at(&g, 999, 1, 1));
	EXPECT_EQ(base + 192, shmring_region_at(&g, 192, 808, 64));
	shmring_region_close(&g);
}

TEST(offset_out_of_range)
{
	static const struct {
		uint64_t offset;
		size_t length;
		size_t align;
		int err;
	} bad[] = {
		{ 0, 1001, 1, ERANGE }, { 1, 1000, 1, ERANGE },
		{ 999, 2, 1, ERANGE }, { 1000, 1, 1, ERANGE },
		{ 1001, 1, 1, ERANGE },
		{ 0, SIZE_MAX, 1, ERANGE }, { 1, SIZE_MAX, 1, ERANGE },
		{ 2, SIZE_MAX, 1, ERANGE }, { 8, SIZE_MAX - 7, 8, ERANGE },
		{ UINT64_MAX, 1, 1, ERANGE }, { UINT64_MAX, 2, 1, ERANGE },
		{ -8ULL, 8, 8, ERANGE }, { -8ULL, 16, 8, ERANGE },
		{ 1ULL << 63, 1, 1, ERANGE }, { 1ULL << 63, SIZE_MAX / 2 + 1, 1, ERANGE },
		{ 1ULL << 32, 8, 8, ERANGE },
		{ 0, 0, 1, EINVAL }, { 1000, 0, 1, EINVAL },
		{ 0, 1, 0, EINVAL }, { 0, 1, 3, EINVAL }, { 0, 1, SIZE_MAX, EINVAL },
		{ 1, 1, 2, EINVAL }, { 4, 8, 8, EINVAL }, { 32, 8, 64, EINVAL },
	};
	struct shmring_region g;
	unsigned int i;

	ASSERT_EQ(0, shmring_region_heap(&g, 1000));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(NULL, shmring_region_at(&g, bad[i].offset,
						  bad[i].length, bad[i].align));
		EXPECT_EQ(bad[i].err, errno)
			TH_LOG("number %u", i);
	}
	shmring_region_close(&g);
	EXPECT_EQ(NULL, shmring_region_at(&g, 0, 1, 1));
	EXPECT_EQ(ERANGE, errno);
}

/* Alignment is that of the address; a raw region may begin anywhere. */
TEST(alignment_is_of_the_address)
{
	_Alignas(64) char memory[128];
	struct shmring_region g;

	ASSERT_EQ(0, shmring_region_raw(&g, memory + 1, 127));
	EXPECT_EQ(NULL, shmring_region_at(&g, 0, 8, 8));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(memory + 8, shmring_region_at(&g, 7, 8, 8));
	EXPECT_EQ(memory + 64, shmring_region_at(&g, 63, 64, 64));
}

TEST(pointer_to_offset)
{
	struct shmring_region g;
	char memory[100], *base = memory + 10;

	ASSERT_EQ(0, shmring_region_raw(&g, base, 80));
	EXPECT_EQ(0, shmring_region_offset(&g, base, 80));
	EXPECT_EQ(79, shmring_region_offset(&g, base + 79, 1));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base - 1, 1));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base - 1, 81));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base + 80, 1));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base + 79, 2));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base, 81));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base, SIZE_MAX));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, NULL, 1));
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, (void *)UINTPTR_MAX, 1));
	EXPECT_EQ(-EINVAL, shmring_region_offset(&g, base, 0));
	shmring_region_close(&g);
	EXPECT_EQ(-ERANGE, shmring_region_offset(&g, base, 1));
}

TEST_HARNESS_MAIN
