// SPDX-License-Identifier: GPL-2.0-only
/*
 * Processes killed at random instants, with many rings alive
 *
 *	nothing that was committed is lost, or comes twice	chaos.c
 *	whoever is killed is known to have gone			told()
 *	no wake-up is lost by a death: all rings move in the end
 *	nothing is left: rings, pages, handles, charged memory
 *	none of these checks is blind				kill.sees_*
 *
 *	kill_test [KILLS]	that many, or pairs of them, instead of 300
 *	SEED=N kill_test	with the same random numbers
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../ring/ring.h"
#include "chaos.h"

#include <kselftest_harness.h>

#define RINGS		64
#define ATTACHERS	4
#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER
#define CGROUP		"/sys/fs/cgroup"
#define OURS		CGROUP "/shmring-kill-test"

static unsigned int kills = 300;

/**
 * struct lives - all that live beside the test
 * @rings: shared with them
 * @fds: observers, this process' own
 * @producers: processes
 * @consumers: processes
 * @attachers: processes
 * @owner: makes rings, and handles, and goes
 * @random: state of the test's random numbers
 * @pages: of the rings that all have to do with
 */
struct lives {
	struct chaos_ring *rings;
	int fds[RINGS];
	pid_t producers[RINGS];
	pid_t consumers[RINGS];
	pid_t attachers[ATTACHERS];
	pid_t owner;
	uint64_t random;
	unsigned long pages;
};

FIXTURE(kill)
{
	struct lives lives;
	bool cgroup;
	__u32 first;
};

/* Makes the rings, tells their handles, and is killed: the handles keep them. */
static void make_rings(struct chaos_ring *rings)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.flags = SHMRING_F_PERSIST,
		.roles = SHMRING_ROLE_OBSERVER,
	};
	struct shmring *r;
	int i;

	for (i = 0; i < RINGS; i++) {
		rings[i].capacity = 16U << i % 14;
		r = shmring_create(rings[i].capacity, &options);
		if (!r || shmring_register(r, &rings[i].handle))
			_exit(1);
	}
	kill(getpid(), SIGKILL);
}

/* Comes to a ring for a moment, as if by mistake, and goes */
static void attach_and_go(const struct chaos_ring *rings, uint64_t random)
{
	static const unsigned int roles[] = {
		SHMRING_ROLE_OBSERVER, PRODUCER, CONSUMER, SHMRING_ROLE_BOTH,
	};
	struct shmring *r;

	random |= 1;
	for (;;) {
		r = shmring_get(rings[random_next(&random) % RINGS].handle,
				roles[random_next(&random) % 4]);
		if (!r && errno != EBUSY)
			_exit(1);
		usleep(random_next(&random) % 2000);
		shmring_free(r);
	}
}

/* Owns rings of its own, some of which live on when it is killed */
static void own(uint64_t random)
{
	struct shmring_options options = { .backend = SHMRING_BACKEND_DEVICE };
	shmring_handle handle;
	struct shmring *r;

	random |= 1;
	for (;;) {
		options.flags = random_next(&random) % 2 ? SHMRING_F_PERSIST : 0;
		r = shmring_create(2U << random_next(&random) % 16, &options);
		if (!r || shmring_register(r, &handle))
			_exit(1);
		shmring_try_write_from(r, &handle, sizeof(handle));
		usleep(random_next(&random) % 2000);
		if (random_next(&random) % 2) {
			shmring_free(r);
			r = NULL;
		}
		if (options.flags || r)
			shmring_unregister(handle);
		shmring_free(r);
	}
}

static void start_end(struct lives *l, int i, unsigned int role)
{
	pid_t pid = chaos_start(&l->rings[i], role, random_next(&l->random));

	if (role == PRODUCER)
		l->producers[i] = pid;
	else
		l->consumers[i] = pid;
}

static void be_ordinary(void)
{
	close_range(3, ~0U, 0);
	setpriority(PRIO_PROCESS, 0, 0);
}

static void start_attacher(struct lives *l, int i)
{
	uint64_t random = random_next(&l->random);

	l->attachers[i] = fork();
	if (l->attachers[i])
		return;
	be_ordinary();
	attach_and_go(l->rings, random);
}

static void start_owner(struct lives *l)
{
	uint64_t random = random_next(&l->random);

	l->owner = fork();
	if (l->owner)
		return;
	be_ordinary();
	own(random);
}

/* Many others want the CPU on which it is to die. */
static bool kill_one(pid_t pid)
{
	setpriority(PRIO_PROCESS, pid, -20);
	kill(pid, SIGKILL);
	return device_child(pid) == 256 + SIGKILL;
}

FIXTURE_SETUP(kill)
{
	struct lives *l = &self->lives;
	int fd, i;

	ASSERT_TRUE(device_idle());
	l->random = random_seed() | 1;
	TH_LOG("SEED=%llu", (unsigned long long)l->random);
	l->rings = chaos_shared(RINGS * sizeof(*l->rings));
	ASSERT_NE(NULL, l->rings);

	/* All that is charged from here on is charged here. */
	self->cgroup = !device_put_text(CGROUP "/cgroup.subtree_control",
					"+memory");
	if (self->cgroup) {
		rmdir(OURS);
		ASSERT_EQ(0, mkdir(OURS, 0755));
		ASSERT_EQ(0, device_put_text(OURS "/cgroup.procs", "0"));
	}

	fd = device_ring(2, SHMRING_ROLE_OBSERVER);
	ASSERT_EQ(0, device_register(fd, 0, &self->first));
	device_close(&fd);

	pid_t pid = fork();

	if (!pid)
		make_rings(l->rings);
	ASSERT_EQ(256 + SIGKILL, device_child(pid));
	ASSERT_EQ(RINGS, device_param("rings"));
	ASSERT_EQ(RINGS, device_param("handles"));
	l->pages = device_param("pages");
	for (i = 0; i < RINGS; i++) {
		l->fds[i] = device_end(l->rings[i].handle,
				       SHMRING_ROLE_OBSERVER);
		ASSERT_LE(0, l->fds[i]);
	}
	for (i = 0; i < RINGS; i++) {
		start_end(l, i, PRODUCER);
		start_end(l, i, CONSUMER);
	}
	for (i = 0; i < ATTACHERS; i++)
		start_attacher(l, i);
	start_owner(l);
	ASSERT_EQ(0, setpriority(PRIO_PROCESS, 0, -19));
}

/* Handles of the killed keep rings: all that there ever was are removed. */
static bool unregister_all(__u32 after)
{
	__u32 last, handle;
	int fd = device_ring(2, SHMRING_ROLE_OBSERVER);

	if (device_register(fd, 0, &last))
		return false;
	for (handle = after + 1; handle != last + 1; handle++)
		device_unregister(fd, handle);
	device_close(&fd);
	return true;
}

FIXTURE_TEARDOWN(kill)
{
	struct lives *l = &self->lives;
	long bytes;
	int i;

	for (i = 0; i < ATTACHERS; i++)
		EXPECT_TRUE(kill_one(l->attachers[i]));
	EXPECT_TRUE(kill_one(l->owner));
	for (i = 0; i < RINGS; i++)
		device_close(&l->fds[i]);
	EXPECT_TRUE(unregister_all(self->first));
	EXPECT_TRUE(device_idle())
		TH_LOG("rings %lu, pages %lu, handles %lu", device_param("rings"),
		       device_param("pages"), device_param("handles"));
	if (!self->cgroup)
		return;
	ASSERT_EQ(0, device_put_text(CGROUP "/cgroup.procs", "0"));
	/* What is left is the kernel's stock, and this process' pages. */
	bytes = device_get_number(OURS "/memory.current", NULL);
	TH_LOG("%ld KiB are still charged, the rings were %lu KiB",
	       bytes >> 10, l->pages * sysconf(_SC_PAGESIZE) >> 10);
	EXPECT_GT((long)l->pages * sysconf(_SC_PAGESIZE) / 2, bytes);
	EXPECT_EQ(0, rmdir(OURS));
}

/* It has gone, and everybody can see that; or there is somebody else. */
static bool told(struct lives *l, int i, unsigned int role, pid_t dead)
{
	const __u32 gone = role == PRODUCER ? SHMRING_STATE_PRODUCER_GONE :
					      SHMRING_STATE_CONSUMER_GONE;
	struct shmring_ioc_info info;
	__u32 holder;

	if (device_info(l->fds[i], &info))
		return false;
	holder = role == PRODUCER ? info.producer_pid : info.consumer_pid;
	return holder != (__u32)dead && (info.state & gone || holder) &&
	       !(info.state & SHMRING_STATE_CORRUPT) &&
	       info.wr - info.rd <= info.capacity;
}

static bool kill_end(struct lives *l, int i, unsigned int role)
{
	pid_t pid = role == PRODUCER ? l->producers[i] : l->consumers[i];

	return kill_one(pid) && told(l, i, role, pid);
}

/* Somebody, or both ends of a ring */
static bool kill_any(struct lives *l)
{
	int i = random_next(&l->random) % RINGS, what = random_next(&l->random) % 32;
	bool well = true;

	if (!what) {
		well = kill_one(l->owner);
		start_owner(l);
	} else if (what < 4) {
		i %= ATTACHERS;
		well = kill_one(l->attachers[i]);
		start_attacher(l, i);
	} else {
		if (what < 20)
			well = kill_end(l, i, PRODUCER);
		if (what >= 16)
			well &= kill_end(l, i, CONSUMER);
		if (what < 20)
			start_end(l, i, PRODUCER);
		if (what >= 16)
			start_end(l, i, CONSUMER);
	}
	return well && !l->rings[i].failed;
}

TEST_F_TIMEOUT(kill, anybody_anytime, 3600)
{
	struct lives *l = &self->lives;
	unsigned int n, i;

	for (n = 0; n < kills; n++) {
		usleep(random_next(&l->random) % 3000);
		if (!kill_any(l))
			break;
	}
	EXPECT_EQ(kills, n);
	for (i = 0; i < RINGS; i++)
		EXPECT_TRUE(chaos_moves(&l->rings[i], 60))
			TH_LOG("ring %u stands still", i);
	for (i = 0; i < RINGS; i++)
		EXPECT_TRUE(chaos_stop(&l->rings[i], l->producers[i],
				       l->consumers[i]))
			TH_LOG("ring %u: sent %llu, received %llu; %s", i,
			       (unsigned long long)l->rings[i].producer.pos,
			       (unsigned long long)l->rings[i].consumer.pos,
			       l->rings[i].failure);
}

/* A producer goes, and bytes turn up that it never sent. */
TEST_F_TIMEOUT(kill, sees_a_false_byte, 300)
{
	struct lives *l = &self->lives;
	struct chaos_ring *ring = &l->rings[0];
	struct device_map map;
	int fd, i;

	/* Whoever comes to that ring is right to find it impossible: nobody shall. */
	for (i = 0; i < ATTACHERS; i++) {
		ASSERT_TRUE(kill_one(l->attachers[i]));
		l->attachers[i] = fork();
		while (!l->attachers[i])
			pause();
	}
	ASSERT_TRUE(kill_end(l, 0, CONSUMER));
	ASSERT_TRUE(kill_end(l, 0, PRODUCER));
	do {
		fd = device_end(ring->handle, PRODUCER);
	} while (fd == -EBUSY);
	ASSERT_EQ(0, device_map(fd, &map));
	device_store(&map.p->wr, ring->producer.next + 1);
	device_unmap(&map);
	device_close(&fd);
	start_end(l, 0, PRODUCER);
	EXPECT_EQ(1, device_child(l->producers[0]));
	EXPECT_EQ(1, ring->failed);
	for (i = 1; i < RINGS; i++)
		EXPECT_TRUE(chaos_stop(&l->rings[i], l->producers[i],
				       l->consumers[i]));
}

int main(int argc, char **argv)
{
	if (argc > 1)
		kills = strtoul(argv[1], NULL, 10) ?: 1;
	return test_harness_run(argc, argv);
}
