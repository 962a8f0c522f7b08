// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends that are kept from running, or whose CPU is taken away
 *
 *	a peer that is stopped: the other end's waits end in time, and all goes
 *	on when it continues						stop.*
 *	a CPU goes and comes back while bytes flow, fences left out	stop.hotplug
 *	the oom killer takes an end, for want of a cgroup's memory, or of
 *	the machine's							stop.out_of_memory*
 *	a ring that cannot be had costs nobody else anything		stop.more_than_there_is
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../ring/ring.h"
#include "chaos.h"

#include <kselftest_harness.h>

#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER
#define RINGS		4
#define CPU1		"/sys/devices/system/cpu/cpu1/online"
#define CGROUP		"/sys/fs/cgroup"
#define OURS		CGROUP "/shmring-stop-test"

FIXTURE(stop)
{
	struct chaos_ring *rings;
	int fds[RINGS];
	pid_t producers[RINGS];
	pid_t consumers[RINGS];
};

FIXTURE_SETUP(stop)
{
	int i;

	ASSERT_TRUE(device_idle());
	self->rings = chaos_shared(RINGS * sizeof(*self->rings));
	ASSERT_NE(NULL, self->rings);
	for (i = 0; i < RINGS; i++) {
		self->rings[i].capacity = 64U << 4 * i;
		self->fds[i] = device_ring(self->rings[i].capacity,
					   SHMRING_ROLE_OBSERVER);
		ASSERT_LE(0, self->fds[i]);
		ASSERT_EQ(0, device_register(self->fds[i], 0,
					     &self->rings[i].handle));
		self->producers[i] = chaos_start(&self->rings[i], PRODUCER,
						 2 * i + 1);
		self->consumers[i] = chaos_start(&self->rings[i], CONSUMER,
						 2 * i + 2);
	}
	for (i = 0; i < RINGS; i++)
		ASSERT_TRUE(chaos_moves(&self->rings[i], 30));
}

FIXTURE_TEARDOWN(stop)
{
	int i;

	for (i = 0; i < RINGS; i++) {
		EXPECT_TRUE(chaos_moves(&self->rings[i], 30));
		EXPECT_TRUE(chaos_stop(&self->rings[i], self->producers[i],
				       self->consumers[i]))
			TH_LOG("ring %d: %s", i, self->rings[i].failure);
		device_close(&self->fds[i]);
	}
	EXPECT_TRUE(device_idle());
}

/* The consumer, or the producer, sleeps for as long as it was told, no longer. */
static void waits_end(struct __test_metadata *_metadata,
		      FIXTURE_DATA(stop) *self, int i, unsigned int role)
{
	pid_t *pid = role == PRODUCER ? &self->producers[i] :
					&self->consumers[i];
	pid_t peer = role == PRODUCER ? self->consumers[i] : self->producers[i];
	const __u32 edge = role == PRODUCER ? SHMRING_WRITABLE :
					      SHMRING_READABLE;
	unsigned char buf[4096];
	struct shmring *r;
	long long start;
	ssize_t n;
	int k;

	/* This process takes the role; who had it has to go first. */
	ASSERT_EQ(0, kill(*pid, SIGKILL));
	ASSERT_EQ(256 + SIGKILL, device_child(*pid));
	r = shmring_get(self->rings[i].handle, role);
	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, kill(peer, SIGSTOP));
	while (waitpid(peer, NULL, WUNTRACED) != peer)
		;
	/* To where there is nothing to do: empty, or full */
	if (role == CONSUMER) {
		do {
			struct iovec v[2];
			size_t had = shmring_read_acquire(r, v);

			EXPECT_EQ(had, pattern_check_spans(v,
					self->rings[i].consumer.pos, had));
			self->rings[i].consumer.pos += had;
			self->rings[i].consumer.next = self->rings[i].consumer.pos;
			n = had;
			EXPECT_EQ(0, shmring_read_release(r, had));
		} while (n);
	} else {
		struct shmring_stats stats;

		ASSERT_EQ(0, shmring_stats(r, &stats));
		do {
			pattern_fill(buf, stats.wr, sizeof(buf));
			n = shmring_try_write_from(r, buf, sizeof(buf));
			stats.wr += n;
		} while (n);
		self->rings[i].producer.pos = stats.wr;
		self->rings[i].producer.next = stats.wr;
	}
	for (k = 0; k < 3; k++) {
		start = device_now_ns();
		EXPECT_EQ(-ETIMEDOUT, edge == SHMRING_READABLE ?
			  shmring_wait_readable(r, 1, ms(50)) :
			  shmring_wait_writable(r, 1, ms(50)));
		EXPECT_LE(50000000, device_now_ns() - start);
		EXPECT_GT(5000000000LL, device_now_ns() - start);
	}
	ASSERT_EQ(0, kill(peer, SIGCONT));
	EXPECT_EQ(0, edge == SHMRING_READABLE ?
		  shmring_wait_readable(r, 1, ms(30000)) :
		  shmring_wait_writable(r, 1, ms(30000)));
	shmring_free(r);
	*pid = chaos_start(&self->rings[i], role, 7);
}

TEST_F_TIMEOUT(stop, producer_stopped, 300)
{
	int i;

	for (i = 0; i < RINGS; i++)
		waits_end(_metadata, self, i, CONSUMER);
}

TEST_F_TIMEOUT(stop, consumer_stopped, 300)
{
	int i;

	for (i = 0; i < RINGS; i++)
		waits_end(_metadata, self, i, PRODUCER);
}

TEST_F_TIMEOUT(stop, both_at_random, 300)
{
	uint64_t random = 88172645463325252ULL;
	int k, i;

	for (k = 0; k < 100; k++) {
		pid_t *who = random_next(&random) % 2 ? self->producers :
							self->consumers;

		i = random_next(&random) % RINGS;
		kill(who[i], SIGSTOP);
		usleep(random_next(&random) % 20000);
		kill(who[i], SIGCONT);
	}
}

TEST_F_TIMEOUT(stop, hotplug, 300)
{
	int k, i;

	if (access(CPU1, W_OK))
		SKIP(return, "no second CPU that could go");
	for (k = 0; k < 10; k++) {
		ASSERT_EQ(0, device_put_text(CPU1, "0"));
		for (i = 0; i < RINGS; i++)
			EXPECT_TRUE(chaos_moves(&self->rings[i], 30));
		ASSERT_EQ(0, device_put_text(CPU1, "1"));
		for (i = 0; i < RINGS; i++)
			EXPECT_TRUE(chaos_moves(&self->rings[i], 30));
	}
}

/* Takes more than there is; a consumer in the same group is what must go. */
static void take_memory(void)
{
	const size_t step = 1 << 20;
	char *at;
	int i;

	device_put_text("/proc/self/oom_score_adj", "-1000");
	for (i = 0; i < 256; i++) {
		at = mmap(NULL, step, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			break;
		memset(at, 1, step);
	}
	_exit(0);
}

/* Whom the killer prefers to all others, and who has enough to give */
static pid_t start_victim(struct chaos_ring *ring, const char *cgroup)
{
	const size_t ballast = cgroup ? MIB : 32 * MIB;
	pid_t pid = fork();
	void *at;

	if (pid)
		return pid;
	if (cgroup)
		device_put_text(cgroup, "0");
	device_put_text("/proc/self/oom_score_adj", "1000");
	at = mmap(NULL, ballast, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		_exit(1);
	memset(at, 1, ballast);
	close_range(3, ~0U, 0);
	chaos_consume(ring, 5);
}

/* The killer shows its stack as a warning, which is nobody's fault. */
static long hide_warnings(void)
{
	long level = device_get_number("/proc/sys/kernel/printk", NULL);

	device_put_text("/proc/sys/kernel/printk", "4");
	return level;
}

static void show_warnings(long level)
{
	char text[24];

	snprintf(text, sizeof(text), "%ld", level);
	device_put_text("/proc/sys/kernel/printk", text);
}

TEST_F_TIMEOUT(stop, out_of_memory, 300)
{
	struct shmring_ioc_info info;
	pid_t pid, victim;
	int status;
	long level;

	if (device_put_text(CGROUP "/cgroup.subtree_control", "+memory"))
		SKIP(return, "there is no memory controller in " CGROUP);
	rmdir(OURS);
	ASSERT_EQ(0, mkdir(OURS, 0755));
	ASSERT_EQ(0, device_put_text(OURS "/memory.max", "16777216"));
	ASSERT_EQ(0, kill(self->consumers[0], SIGKILL));
	ASSERT_EQ(256 + SIGKILL, device_child(self->consumers[0]));
	victim = start_victim(&self->rings[0], OURS "/cgroup.procs");
	ASSERT_TRUE(chaos_moves(&self->rings[0], 30));
	level = hide_warnings();
	pid = fork();
	if (!pid) {
		device_put_text(OURS "/cgroup.procs", "0");
		take_memory();
	}
	/* It is the consumer that goes, and everybody is told. */
	ASSERT_EQ(victim, waitpid(victim, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	ASSERT_EQ(0, device_info(self->fds[0], &info));
	EXPECT_EQ(SHMRING_STATE_CONSUMER_GONE, info.state);
	EXPECT_LT(0, device_get_number(OURS "/memory.events", "oom_kill "));
	kill(pid, SIGKILL);
	device_child(pid);
	show_warnings(level);
	self->consumers[0] = chaos_start(&self->rings[0], CONSUMER, 6);
	EXPECT_EQ(0, rmdir(OURS));
}

static long kills(void)
{
	return device_get_number("/proc/vmstat", "\noom_kill ");
}

/* Takes all there is, in smaller steps towards the end, until somebody is killed. */
static void take_all_memory(void)
{
	const long before = kills();
	struct sysinfo info;
	size_t step;
	char *at;

	device_put_text("/proc/self/oom_score_adj", "-1000");
	do {
		if (sysinfo(&info))
			_exit(1);
		step = info.freeram * info.mem_unit > 64 * MIB ? MIB : 64 * KIB;
		at = mmap(NULL, step, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (at == MAP_FAILED)
			_exit(1);
		memset(at, 1, step);
	} while (step == MIB || kills() == before);
	_exit(0);
}

TEST_F_TIMEOUT(stop, out_of_memory_everywhere, 300)
{
	struct shmring_ioc_info info;
	pid_t pid, victim;
	long level;
	int fd;

	ASSERT_LE(0, kills());
	ASSERT_EQ(0, kill(self->consumers[0], SIGKILL));
	ASSERT_EQ(256 + SIGKILL, device_child(self->consumers[0]));
	victim = start_victim(&self->rings[0], NULL);
	ASSERT_TRUE(chaos_moves(&self->rings[0], 30));
	level = hide_warnings();
	pid = fork();
	if (!pid)
		take_all_memory();
	EXPECT_EQ(256 + SIGKILL, device_child(victim));
	EXPECT_EQ(0, device_child(pid));
	show_warnings(level);
	ASSERT_EQ(0, device_info(self->fds[0], &info));
	EXPECT_EQ(SHMRING_STATE_CONSUMER_GONE, info.state);
	self->consumers[0] = chaos_start(&self->rings[0], CONSUMER, 6);
	/* All is there again */
	fd = device_ring(64 * MIB, SHMRING_ROLE_BOTH);
	EXPECT_LE(0, fd);
	device_close(&fd);
}

/* A ring that there can be no memory for is refused, and nobody is killed for it. */
TEST_F_TIMEOUT(stop, more_than_there_is, 300)
{
	struct shmring_ioc_create r = {
		.size = sizeof(r),
		.capacity = SHMRING_CAPACITY_MAX,
		.roles = SHMRING_ROLE_BOTH,
		.arena = SHMRING_CAPACITY_MAX,
	};
	const long before = kills();
	struct sysinfo info;
	int fd, i;

	ASSERT_EQ(0, sysinfo(&info));
	if (info.totalram * info.mem_unit > r.arena + r.capacity)
		SKIP(return, "too much memory");
	fd = device_open(O_RDWR);
	ASSERT_LE(0, fd);
	for (i = 0; i < 10; i++)
		EXPECT_EQ(-ENOMEM, device_ioctl(fd, SHMRING_IOC_CREATE, &r));
	device_close(&fd);
	EXPECT_EQ(before, kills());
}

TEST_HARNESS_MAIN
