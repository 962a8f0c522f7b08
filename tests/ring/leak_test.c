// SPDX-License-Identifier: GPL-2.0-only
/*
 * Neither fds nor mappings are left behind, by what works and by what fails
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "ring.h"

static void use_once(uint32_t backend)
{
	struct shmring_producer p;
	struct shmring *r = ring_both(backend, 4096, 0), *o;
	char c;

	o = shmring_join(r, SHMRING_ROLE_OBSERVER);
	shmring_write_all(r, "x", 1, NULL);
	shmring_read_some(r, &c, 1, NULL);
	shmring_wait_readable(r, 1, ms(1));
	shmring_split(r, &p, NULL);
	shmring_narrow(r, SHMRING_ROLE_BOTH);
	shmring_free(o);
	shmring_free(r);
}

TEST(nothing_leaks)
{
	static const uint32_t backends[] = {
		SHMRING_BACKEND_MEMORY,
		SHMRING_BACKEND_DEVICE,
	};
	unsigned int fds, maps, b, i;

	for (b = 0; b < ARRAY_SIZE(backends); b++) {
		if (backend_missing(backends[b]))
			continue;
		use_once(backends[b]);
		fds = count_fds();
		maps = count_maps();
		EXPECT_EQ(0, maps);
		for (i = 0; i < 20; i++)
			use_once(backends[b]);
		EXPECT_EQ(fds, count_fds());
		EXPECT_EQ(maps, count_maps());
	}
}

static uint64_t address_space(void)
{
	unsigned long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");

	if (fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (uint64_t)pages * sysconf(_SC_PAGESIZE);
}

/* What is reserved before a page can be mapped, and then none can. */
TEST(a_mapping_that_fails)
{
	struct shmring *r = ring_both(SHMRING_BACKEND_MEMORY, MIB, 0);
	uint64_t before;
	char path[64];
	int fds[3], i, readonly;

	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, shmring_export_fds(r, fds));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fds[0]);
	readonly = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, readonly);
	ASSERT_EQ(fds[0], dup3(readonly, fds[0], O_CLOEXEC));
	before = address_space();
	ASSERT_LT(0, before);
	for (i = 0; i < 100; i++)
		EXPECT_EQ(NULL, shmring_attach_fds(fds, SHMRING_ROLE_BOTH));
	EXPECT_EQ(EACCES, errno);
	EXPECT_GT(100 * MIB, address_space() - before);
	shmring_free(r);
	close(readonly);
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

/* Every constructor, with room for one fd more each time. */
TEST(out_of_fds)
{
	struct rlimit limit, old;
	unsigned int before, backend, room;
	struct shmring *r, *peer;
	int fds[3];

	ASSERT_EQ(0, close_range(3, UINT_MAX, 0));
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	for (backend = SHMRING_BACKEND_DEVICE;
	     backend <= SHMRING_BACKEND_MEMORY; backend++) {
		if (backend_missing(backend))
			continue;
		before = count_fds();
		for (room = 0; room < 8; room++) {
			limit = old;
			limit.rlim_cur = 3 + room;
			ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
			errno = 0;
			peer = NULL;
			r = ring_both(backend, 4096, 0);
			EXPECT_EQ(room < (backend == SHMRING_BACKEND_MEMORY ? 3 : 1),
				  r == NULL);
			if (r) {
				errno = 0;
				peer = shmring_join(r, SHMRING_ROLE_OBSERVER);
			}
			EXPECT_EQ(r && peer ? 0 : EMFILE, errno);
			if (r && backend == SHMRING_BACKEND_MEMORY && room < 6)
				EXPECT_EQ(-EMFILE, shmring_export_fds(r, fds));
			ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
			shmring_free(peer);
			shmring_free(r);
			EXPECT_EQ(before, count_fds());
		}
		EXPECT_NE(NULL, peer);
	}
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(out_of_addresses)
{
	struct rlimit limit = { 1 << 30, RLIM_INFINITY };
	unsigned int before = count_fds();

	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	errno = 0;
	EXPECT_EQ(NULL, ring_both(SHMRING_BACKEND_MEMORY, 1 << 30, 0));
	EXPECT_EQ(ENOMEM, errno);
	limit.rlim_cur = RLIM_INFINITY;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	EXPECT_EQ(before, count_fds());
	EXPECT_EQ(0, count_maps());
}
#endif

TEST_HARNESS_MAIN
