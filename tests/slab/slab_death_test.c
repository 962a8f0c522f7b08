// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever dies, by SIGKILL and wherever it stands, leaves nothing that cannot be
 * found and given back
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/wait.h>
#include <time.h>

#include <kselftest_harness.h>

#include "death.h"

FIXTURE(death)
{
};

FIXTURE_VARIANT(death)
{
	uint32_t magazine;
	int others;
};

FIXTURE_VARIANT_ADD(death, magazine_0) { .magazine = 0 };
FIXTURE_VARIANT_ADD(death, magazine_1) { .magazine = 1 };
FIXTURE_VARIANT_ADD(death, magazine_4) { .magazine = 4 };
FIXTURE_VARIANT_ADD(death, magazine_32) { .magazine = 32 };
FIXTURE_VARIANT_ADD(death, magazine_0_others) { .magazine = 0, .others = 1 };
FIXTURE_VARIANT_ADD(death, magazine_1_others) { .magazine = 1, .others = 1 };
FIXTURE_VARIANT_ADD(death, magazine_4_others) { .magazine = 4, .others = 1 };
FIXTURE_VARIANT_ADD(death, magazine_32_others) { .magazine = 32, .others = 1 };

FIXTURE_SETUP(death)
{
}

FIXTURE_TEARDOWN(death)
{
}

TEST_F_TIMEOUT(death, before_each_change, 120)
{
	struct death d = { .magazine = variant->magazine, .others = variant->others };

	ASSERT_EQ(0, death_run(&d));
	EXPECT_EQ(NULL, d.amiss)
		TH_LOG("death %u: %s", d.amiss_at, d.amiss);
	EXPECT_LT(50, d.deaths);
	EXPECT_LT(d.deaths, d.reclaimed);
}

/* Works until it is killed, among others who go on */
static void work(const struct shmring_slab *s, uint32_t owner, uint32_t magazine)
{
	struct shmring_slab_cache c;
	shmring_slot held[6];
	uint64_t random = getpid();
	unsigned int n = 0, k;

	if (shmring_slab_open(&c, s, owner, getpid(), magazine))
		_exit(2);
	for (;;) {
		k = slab_random(&random) % 6;
		if (k >= n) {
			n += !shmring_slab_alloc(&c, &held[n]);
		} else {
			if (random & 1024) {
				if (shmring_slab_mark_in_flight(&c, held[k], NULL) ||
				    shmring_slab_free(&c, held[k], NULL))
					_exit(3);
			} else if (shmring_slab_free_allocated(&c, held[k], NULL)) {
				_exit(4);
			}
			held[k] = held[--n];
		}
	}
}

TEST_F_TIMEOUT(death, at_any_moment, 300)
{
	unsigned int rounds = slab_long() ? 2000 : 40, i, j;
	struct shmring_slab_cache heir;
	struct slab_place p;
	uint64_t random = 12345;
	pid_t pids[3], pid;
	int status, n = 0, got;

	/* The others are the other two who work. */
	if (variant->others)
		return;
	ASSERT_EQ(0, slab_place_open(&p, 8, 40, 5));
	ASSERT_EQ(0, shmring_slab_open(&heir, &p.slab, 5, getpid(), variant->magazine));
	for (j = 0; j < 3; j++) {
		pids[j] = fork();
		if (!pids[j])
			work(&p.slab, j + 1, variant->magazine);
	}
	for (i = 0; i < rounds; i++) {
		usleep(slab_random(&random) % 2000);
		j = i % 3;
		ASSERT_EQ(0, kill(pids[j], SIGKILL));
		pid = waitpid(pids[j], &status, 0);
		ASSERT_EQ(pids[j], pid);
		ASSERT_TRUE(WIFSIGNALED(status));
		got = shmring_slab_reclaim(&heir, j + 1, pid);
		/* It may have died before it was there. */
		ASSERT_TRUE(got >= 0 || got == -ESRCH);
		n += got > 0 ? got : 0;
		/* That its magazine is another's changes nothing. */
		pids[j] = fork();
		if (!pids[j])
			work(&p.slab, j + 1, variant->magazine);
	}
	for (j = 0; j < 3; j++) {
		kill(pids[j], SIGKILL);
		waitpid(pids[j], &status, 0);
		EXPECT_TRUE(WIFSIGNALED(status));
		shmring_slab_reclaim(&heir, j + 1, pids[j]);
	}
	EXPECT_LT(0, n);
	ASSERT_EQ(0, shmring_slab_close(&heir));
	EXPECT_EQ(NULL, slab_whole(&p.slab, 1));
	slab_place_close(&p);
}

TEST_HARNESS_MAIN
