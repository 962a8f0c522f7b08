// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device under random calls of several threads on the same files
 *
 *	no errno that is not documented, no value that cannot be	fuzz.calls
 *	nothing left when all is closed					fuzz.calls
 *	a ring beside them carries its bytes as ever			fuzz.calls
 *	none of these checks is blind					fuzz.sees_*
 *
 *	device_fuzz_test [SECONDS]	for so long, instead of 1
 *	SEED=N device_fuzz_test		repeats a run, as far as threads can be
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>

#include <shmring.h>

#include "../device/device.h"
#include "../ring/ring.h"
#include "beside.h"
#include "fuzz.h"

#include <kselftest_harness.h>

#define USER		1000
/* A thread that does nothing for so long hangs. */
#define HANG_S		20
/* For each request to succeed at least once, on however slow a machine */
#define ALL_S		20

static unsigned int seconds = 1;

FIXTURE(fuzz)
{
	struct fuzz *fuzz;
	struct beside *beside;
	unsigned long max_user_bytes;
	unsigned long max_user_rings;
};

static void *shared(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

/* Does this machine let an end leave its fences out? */
static bool may_unfence(int fd)
{
	struct device_map map;
	bool may;

	if (device_map(fd, &map))
		return false;
	may = !map.k->fence;
	device_unmap(&map);
	return may;
}

FIXTURE_SETUP(fuzz)
{
	self->fuzz = shared(sizeof(*self->fuzz));
	ASSERT_NE(MAP_FAILED, (void *)self->fuzz);
	self->beside = shared(sizeof(*self->beside));
	ASSERT_NE(MAP_FAILED, (void *)self->beside);
	self->fuzz->seed = random_seed();
	TH_LOG("SEED=%llu", (unsigned long long)self->fuzz->seed);

	self->max_user_bytes = device_param("max_user_bytes");
	self->max_user_rings = device_param("max_user_rings");
	ASSERT_EQ(0, chmod(SHMRING_DEVICE, 0666));
	ASSERT_EQ(0, device_set_param("max_user_bytes", 32 << 20));
	ASSERT_EQ(0, device_set_param("max_user_rings", 64));

	ASSERT_TRUE(fuzz_cover_share());
	ASSERT_TRUE(beside_start(self->beside));
	self->fuzz->keep = self->beside->handle;
	self->fuzz->can_succeed = fuzz_requests(may_unfence(self->beside->fd));
}

FIXTURE_TEARDOWN(fuzz)
{
	device_close(&self->beside->fd);
	EXPECT_EQ(0, device_set_param("max_user_bytes", self->max_user_bytes));
	EXPECT_EQ(0, device_set_param("max_user_rings", self->max_user_rings));
	EXPECT_EQ(0, chmod(SHMRING_DEVICE, 0600));
	EXPECT_TRUE(device_idle());
	munmap(self->fuzz, sizeof(*self->fuzz));
	munmap(self->beside, sizeof(*self->beside));
}

static void no_matter(int signal)
{
	(void)signal;
}

static void *run_thread(void *arg)
{
	fuzz_thread_run(arg);
	return NULL;
}

/* Has it been tried for long enough, or for longer than a success can take? */
static bool is_over(struct fuzz *fuzz, long long ns, unsigned int s)
{
	bool all = __atomic_load_n(&fuzz->succeeded, __ATOMIC_RELAXED) ==
		   fuzz->can_succeed;

	return __atomic_load_n(&fuzz->stop, __ATOMIC_RELAXED) ||
	       ns >= (all ? s : s + ALL_S) * 1000000000LL;
}

/* Interrupt whoever sleeps, until the time is up; then there must be an end. */
static void watch(struct fuzz *fuzz, struct fuzz_thread *threads, unsigned int s)
{
	const long long start = device_now_ns();
	long long moved[FUZZ_THREADS], now;
	uint64_t calls[FUZZ_THREADS] = { 0 }, n;
	int i;

	for (i = 0; i < FUZZ_THREADS; i++)
		moved[i] = start;
	do {
		usleep(5000);
		now = device_now_ns();
		for (i = 0; i < FUZZ_THREADS; i++) {
			pthread_kill(threads[i].thread, SIGALRM);
			n = __atomic_load_n(&threads[i].calls, __ATOMIC_RELAXED);
			if (n != calls[i])
				moved[i] = now;
			calls[i] = n;
			if (now - moved[i] < HANG_S * 1000000000LL)
				continue;
			fuzz_fail(&threads[i], "%s: hangs", threads[i].what);
			_exit(2);
		}
	} while (!is_over(fuzz, now - start, s));
}

static void join(struct fuzz_thread *t)
{
	long long end = device_now_ns() + HANG_S * 1000000000LL;

	while (pthread_tryjoin_np(t->thread, NULL)) {
		if (device_now_ns() > end) {
			fuzz_fail(t, "%s: does not end", t->what);
			_exit(2);
		}
		pthread_kill(t->thread, SIGALRM);
		usleep(1000);
	}
}

static void fuzz_process(struct fuzz *fuzz, unsigned int s, int keep)
{
	const struct device_user user = { .uid = USER, .gid = USER, .keep = keep };
	const struct sigaction interrupt = { .sa_handler = no_matter };
	static struct fuzz_thread threads[FUZZ_THREADS];
	pthread_t thread;
	int i;

	if (close_range(3, ~0U, 0))
		_exit(3);
	for (i = 0; i < FUZZ_THREADS; i++)
		fuzz_cover_open(i);
	if (device_become(&user) ||
	    sigaction(SIGALRM, &interrupt, NULL))
		_exit(3);
	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < FUZZ_THREADS; i++) {
		threads[i].fuzz = fuzz;
		threads[i].number = i;
		if (!fuzz_thread_open(&threads[i]))
			_exit(3);
	}
	for (i = 0; i < FUZZ_THREADS; i++) {
		if (pthread_create(&thread, NULL, run_thread, &threads[i]))
			_exit(3);
		threads[i].thread = thread;
	}
	watch(fuzz, threads, s);
	__atomic_store_n(&fuzz->stop, 1, __ATOMIC_RELAXED);
	for (i = 0; i < FUZZ_THREADS; i++)
		join(&threads[i]);
	_exit(0);
}

static int run(struct fuzz *fuzz, unsigned int s, int keep)
{
	pid_t pid = fork();

	if (!pid)
		fuzz_process(fuzz, s, keep);
	return device_child(pid);
}

static void all_calls(struct __test_metadata *_metadata,
		      FIXTURE_DATA(fuzz) *self, int keep)
{
	struct fuzz *fuzz = self->fuzz;
	uint64_t before;

	before = __atomic_load_n(&self->beside->received, __ATOMIC_RELAXED);
	EXPECT_EQ(0, run(fuzz, seconds, keep));
	EXPECT_EQ(0, fuzz->failed)
		TH_LOG("SEED=%llu: %s", (unsigned long long)fuzz->seed,
		       fuzz->failure);
	EXPECT_EQ(fuzz->can_succeed, fuzz->succeeded);
	/* Where the module tells, it tells */
	EXPECT_EQ(!access("/sys/kernel/debug/kcov", F_OK),
		  fuzz_cover_report() > 0);
	beside_unregister_others(self->beside);
	EXPECT_TRUE(beside_is_alone_soon(self->beside))
		TH_LOG("rings %lu, pages %lu, handles %lu", device_param("rings"),
		       device_param("pages"), device_param("handles"));
	/* It has moved meanwhile, and does so now */
	EXPECT_LT(before, self->beside->received);
	EXPECT_TRUE(beside_streams(self->beside));
	beside_stop(self->beside);
	EXPECT_TRUE(beside_was_intact(self->beside))
		TH_LOG("sent %llu, received %llu, wrong at %llu, error %d",
		       (unsigned long long)self->beside->sent,
		       (unsigned long long)self->beside->received,
		       (unsigned long long)self->beside->wrong,
		       self->beside->error);
	TH_LOG("%llu calls, %llu of them successful; %llu bytes beside them",
	       (unsigned long long)fuzz->calls,
	       (unsigned long long)fuzz->successes,
	       (unsigned long long)self->beside->received);
}

TEST_F_TIMEOUT(fuzz, calls, 3600)
{
	all_calls(_metadata, self, -1);
}

/* Who may use, and unregister, what others have made */
TEST_F_TIMEOUT(fuzz, calls_of_the_mighty, 3600)
{
	all_calls(_metadata, self, CAP_IPC_OWNER);
}

TEST_F_TIMEOUT(fuzz, sees_an_errno, 60)
{
	self->fuzz->forbidden = ENOTCONN;
	EXPECT_EQ(0, run(self->fuzz, 10, -1));
	EXPECT_EQ(1, self->fuzz->failed);
	EXPECT_NE(NULL, strstr(self->fuzz->failure, strerror(ENOTCONN)))
		TH_LOG("%s", self->fuzz->failure);
	beside_unregister_others(self->beside);
	beside_stop(self->beside);
}

TEST_F_TIMEOUT(fuzz, sees_a_leak, 60)
{
	int fd = device_ring(4096, SHMRING_ROLE_BOTH);
	__u32 handle;

	EXPECT_FALSE(beside_is_alone(self->beside));
	device_close(&fd);
	EXPECT_TRUE(beside_is_alone_soon(self->beside));
	ASSERT_EQ(0, device_register(self->beside->fd, 0, &handle));
	EXPECT_FALSE(beside_is_alone(self->beside));
	beside_unregister_others(self->beside);
	EXPECT_TRUE(beside_is_alone_soon(self->beside));
	beside_stop(self->beside);
}

TEST_F_TIMEOUT(fuzz, sees_a_wrong_byte, 60)
{
	EXPECT_FALSE(self->beside->wrong);
	__atomic_store_n(&self->beside->plant, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&self->beside->plant, __ATOMIC_RELAXED))
		device_sleep_ms(1);
	beside_stop(self->beside);
	EXPECT_FALSE(beside_was_intact(self->beside));
	EXPECT_LT(0, self->beside->wrong);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		seconds = strtoul(argv[1], NULL, 10) ?: 1;
	/* make test-long */
	if (getenv("SHMRING_TEST_LONG"))
		seconds *= 10;
	return test_harness_run(argc, argv);
}
