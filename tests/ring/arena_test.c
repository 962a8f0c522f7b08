// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arena: memory beside the ring that both ends can write
 *
 *	an arena of any whole pages, or none	sizes, none_unless_asked_for
 *	found by whoever comes by handle, by
 *	fds, by an inherited fd, by a join	every_end_finds_it, found_by_*
 *	an observer only looks			observers_only_look
 *	hostile descriptions			attach_refuses_*
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "hostile.h"
#include "ring.h"

static struct shmring *arena_ring(uint32_t backend, uint32_t capacity,
				  uint32_t roles, uint64_t arena)
{
	const struct shmring_options options = {
		.backend = backend,
		.roles = roles,
		.arena = arena,
	};

	return shmring_create(capacity, &options);
}

FIXTURE(arena)
{
	struct shmring *in, *out;
	unsigned char *in_arena, *out_arena;
	size_t page, size;
	unsigned int fds, maps;
};

FIXTURE_VARIANT(arena) RING_VARIANT;
RING_VARIANTS_SMALL(arena, MEMORY);
RING_VARIANTS_SMALL(arena, DEVICE);

FIXTURE_SETUP(arena)
{
	size_t size;

	RING_SKIP_IF_MISSING(variant->backend);
	self->page = sysconf(_SC_PAGESIZE);
	self->size = 5 * self->page;
	self->fds = count_fds();
	self->maps = count_maps();
	self->in = arena_ring(variant->backend, variant->capacity,
			      SHMRING_ROLE_CONSUMER, self->size);
	ASSERT_NE(NULL, self->in);
	self->out = shmring_join(self->in, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, self->out);
	self->in_arena = shmring_arena(self->in, &size);
	ASSERT_NE(NULL, self->in_arena);
	ASSERT_EQ(self->size, size);
	self->out_arena = shmring_arena(self->out, &size);
	ASSERT_NE(NULL, self->out_arena);
	ASSERT_EQ(self->size, size);
}

FIXTURE_TEARDOWN(arena)
{
	if (!self->page)
		return;
	shmring_free(self->out);
	shmring_free(self->in);
	EXPECT_EQ(self->fds, count_fds());
	EXPECT_EQ(self->maps, count_maps());
}

TEST_F(arena, every_end_finds_it)
{
	size_t size = self->size, i;

	RING_NEEDED(self->in);
	EXPECT_NE(self->in_arena, self->out_arena);
	EXPECT_EQ(0, (uintptr_t)self->in_arena % self->page);
	for (i = 0; i < size; i++)
		if (self->in_arena[i])
			break;
	EXPECT_EQ(size, i);

	/* Each end writes what the other one reads */
	pattern_fill(self->out_arena, 0, size / 2);
	pattern_fill(self->in_arena + size / 2, size / 2, size - size / 2);
	EXPECT_EQ(size, pattern_check(self->in_arena, 0, size));
	EXPECT_EQ(size, pattern_check(self->out_arena, 0, size));
	/* The size is not everybody's concern */
	EXPECT_EQ(self->in_arena, shmring_arena(self->in, NULL));
}

/* Neither of them reaches into the other. */
TEST_F(arena, ring_and_arena_are_apart)
{
	struct iovec v[2];
	uint64_t pos = 0;
	size_t n, i;

	RING_NEEDED(self->in);
	pattern_fill(self->out_arena, 1000, self->size);
	for (i = 0; i < 3; i++) {
		n = shmring_write_acquire(self->out, v);
		ASSERT_EQ(variant->capacity, n);
		pattern_fill_spans(v, pos, n);
		ASSERT_EQ(0, shmring_write_commit(self->out, n));
		EXPECT_EQ(self->size,
			  pattern_check(self->in_arena, 1000, self->size));
		memset(self->in_arena, 0xee, self->size);
		n = shmring_read_acquire(self->in, v);
		ASSERT_EQ(variant->capacity, n);
		EXPECT_EQ(n, pattern_check_spans(v, pos, n));
		ASSERT_EQ(0, shmring_read_release(self->in, n));
		pattern_fill(self->in_arena, 1000, self->size);
		pos += n;
	}
}

/* A child that must die of a write to there, but can read. */
static bool only_looks(const struct shmring *r, unsigned char first)
{
	volatile unsigned char *arena = shmring_arena(r, NULL);
	int status;
	pid_t pid = fork();

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		if (arena[0] == first)
			arena[0] = 0;
		_exit(0);
	}
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) &&
	       WTERMSIG(status) == SIGSEGV && arena[0] == first;
}

TEST_F(arena, observers_only_look)
{
	struct shmring *observer;
	unsigned char *arena;
	size_t size;

	RING_NEEDED(self->in);
	observer = shmring_join(self->in, SHMRING_ROLE_OBSERVER);
	ASSERT_NE(NULL, observer);
	arena = shmring_arena(observer, &size);
	ASSERT_EQ(self->size, size);
	self->out_arena[0] = 42;
	self->in_arena[size - 1] = 43;
	EXPECT_EQ(42, arena[0]);
	EXPECT_EQ(43, arena[size - 1]);
	EXPECT_TRUE(only_looks(observer, 42));
	/* On the device for good; a memfd is everybody's who has it */
	EXPECT_EQ(variant->backend == SHMRING_BACKEND_DEVICE ? -1 : 0,
		  mprotect(arena, size, PROT_READ | PROT_WRITE));
	shmring_free(observer);

	/* Who keeps a role keeps the right, who keeps none does not */
	ASSERT_EQ(0, shmring_narrow(self->out, SHMRING_ROLE_PRODUCER));
	self->out_arena[0] = 44;
	ASSERT_EQ(0, shmring_narrow(self->out, SHMRING_ROLE_OBSERVER));
	EXPECT_TRUE(only_looks(self->out, 44));
}

/* Another process, which dies; what it wrote stays for its successor. */
TEST_F(arena, found_by_another_process)
{
	struct shmring *peer;
	unsigned char *arena;
	int status;
	pid_t pid;
	char c = 0;

	RING_NEEDED(self->in);
	shmring_free(self->out);
	self->out = NULL;
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		peer = shmring_join(self->in, SHMRING_ROLE_PRODUCER);
		arena = peer ? shmring_arena(peer, NULL) : NULL;
		if (!arena)
			_exit(1);
		pattern_fill(arena, 7, self->size);
		if (shmring_write_all(peer, "x", 1, NULL) != 1)
			_exit(2);
		raise(SIGKILL);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(1, shmring_read_some(self->in, &c, 1, ms(10000)));
	EXPECT_EQ('x', c);
	EXPECT_EQ(self->size, pattern_check(self->in_arena, 7, self->size));

	self->out = shmring_join(self->in, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, self->out);
	EXPECT_EQ(self->size, pattern_check(shmring_arena(self->out, NULL), 7,
					    self->size));
}

TEST_F(arena, found_by_handle_and_by_fd)
{
	shmring_handle handle;
	struct shmring *r;
	size_t size = 0;
	int fds[3], i;

	RING_NEEDED(self->in);
	self->in_arena[self->size - 1] = 9;
	shmring_free(self->out);
	if (variant->backend == SHMRING_BACKEND_DEVICE) {
		ASSERT_EQ(0, shmring_register(self->in, &handle));
		self->out = shmring_get(handle, SHMRING_ROLE_PRODUCER);
		EXPECT_EQ(0, shmring_unregister(handle));
		r = shmring_attach_fd(shmring_fd(self->in));
	} else {
		ASSERT_EQ(0, shmring_export_fds(self->in, fds));
		self->out = shmring_attach_fds(fds, SHMRING_ROLE_PRODUCER);
		r = shmring_attach_fds(fds, SHMRING_ROLE_OBSERVER);
		for (i = 0; i < 3; i++)
			close(fds[i]);
	}
	ASSERT_NE(NULL, self->out);
	ASSERT_NE(NULL, r);
	self->out_arena = shmring_arena(self->out, &size);
	ASSERT_EQ(self->size, size);
	EXPECT_EQ(9, self->out_arena[size - 1]);
	self->out_arena[0] = 8;
	EXPECT_EQ(8, *(unsigned char *)shmring_arena(r, &size));
	EXPECT_EQ(self->size, size);
	shmring_free(r);
}

TEST_F(arena, none_unless_asked_for)
{
	struct shmring *r;
	size_t size = 1;

	RING_NEEDED(self->in);
	r = arena_ring(variant->backend, variant->capacity, 0, 0);
	ASSERT_NE(NULL, r);
	EXPECT_EQ(NULL, shmring_arena(r, &size));
	EXPECT_EQ(0, size);
	shmring_free(r);
}

TEST_F(arena, sizes)
{
	const uint64_t page = self->page;
	const uint64_t bad[] = {
		1, page - 1, page + 1, page / 2, (1 << 30) + page, 1ULL << 31,
		1ULL << 32, 1ULL << 63, -page, UINT64_MAX,
	};
	const uint64_t good[] = { page, 2 * page, 7 * page, 3 * MIB };
	struct shmring *r;
	unsigned char *at;
	size_t size, i;

	RING_NEEDED(self->in);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		errno = 0;
		EXPECT_EQ(NULL, arena_ring(variant->backend, variant->capacity,
					   0, bad[i]));
		EXPECT_EQ(EINVAL, errno);
	}
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		r = arena_ring(variant->backend, variant->capacity, 0, good[i]);
		ASSERT_NE(NULL, r);
		at = shmring_arena(r, &size);
		EXPECT_EQ(good[i], size);
		at[0] = 1;
		at[size - 1] = 1;
		shmring_free(r);
	}
}

/* All of it fits together, but it is no arena. */
static struct shmring *attach_to(const int good[3], struct hostile_case *c)
{
	int fds[3] = { hostile_memfd(good[0], c), good[1], good[2] };
	struct shmring *r = shmring_attach_fds(fds, SHMRING_ROLE_BOTH);

	close(fds[0]);
	return r;
}

TEST_F(arena, attach_refuses_hostile_arenas)
{
	struct hostile_case c = {
		.length = 8,
		.seals = F_SEAL_SHRINK | F_SEAL_GROW,
	};
	const struct {
		size_t field;
		int64_t more;	/* than was there */
		int64_t grow;
		int err;
	} cases[] = {
#define FIELD(name)	offsetof(struct shmring_kernel_page, name)
		{ FIELD(arena_size), 0, 0, 0 },
		{ FIELD(arena_size), self->page, self->page, 0 },
		{ FIELD(arena_size), 1, 1, EINVAL },
		{ FIELD(arena_size), self->page, 0, EINVAL },
		{ FIELD(arena_size), -self->page, 0, EINVAL },
		{ FIELD(arena_size), 0, self->page, EINVAL },
		{ FIELD(arena_size), 0, -self->page, EINVAL },
		{ FIELD(arena_size), 1 << 30, 1 << 30, EINVAL },
		{ FIELD(arena_offset), 0, 0, 0 },
		{ FIELD(arena_offset), self->page, 0, EINVAL },
		{ FIELD(arena_offset), -self->page, 0, EINVAL },
		{ FIELD(arena_offset), self->page, self->page, EINVAL },
		{ FIELD(arena_offset), 1, 1, EINVAL },
#undef FIELD
	};
	struct shmring_kernel_page k;
	struct shmring *r;
	int fds[3];
	size_t i;

	RING_NEEDED(self->in);
	if (variant->backend != SHMRING_BACKEND_MEMORY)
		return;
	ASSERT_EQ(0, shmring_export_fds(self->in, fds));
	ASSERT_EQ(sizeof(k), pread(fds[0], &k, sizeof(k), self->page));
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		c.offset = self->page + cases[i].field;
		c.value = *(__u64 *)((char *)&k + cases[i].field) +
			  cases[i].more;
		c.grow = cases[i].grow;
		errno = 0;
		r = attach_to(fds, &c);
		EXPECT_EQ(cases[i].err == 0, r != NULL)
			TH_LOG("case %zu", i);
		EXPECT_EQ(cases[i].err, r ? 0 : errno)
			TH_LOG("case %zu: errno %d", i, errno);
		shmring_free(r);
	}
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

TEST_HARNESS_MAIN
