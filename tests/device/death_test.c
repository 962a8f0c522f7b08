// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends that go in less plain ways than by a closed file, and those that only
 * seem to: what holds a role, and what holds the module
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "module.h"
#include "send.h"
#include "stream.h"

#define CAPACITY	16384U
#define A_WHILE_MS	30
#define SOON_MS		5000

/* Seen by parent and child. */
struct shared {
	bool ready;
	__u32 handle;
};

/* This process is the consumer; the producer is somebody who dies. */
FIXTURE(death)
{
	struct device_pair pair;
	struct shared *shared;
};

FIXTURE_SETUP(death)
{
	self->shared = mmap(NULL, sizeof(*self->shared), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->shared);
	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0));
}

FIXTURE_TEARDOWN(death)
{
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

static void close_producer(struct device_pair *pair)
{
	device_unmap(&pair->p);
	device_close(&pair->producer);
}

static bool told(FIXTURE_DATA(death) *self, unsigned int ms)
{
	struct pollfd pfd = { .fd = self->pair.consumer };

	return poll(&pfd, 1, ms) == 1 && pfd.revents & POLLHUP;
}

/* The producer lives: nobody says otherwise, and its role is taken. */
static bool alive(FIXTURE_DATA(death) *self)
{
	return !told(self, A_WHILE_MS) &&
	       device_end(self->pair.handle, SHMRING_ROLE_PRODUCER) == -EBUSY;
}

/* It has gone: that is said, and its role is free. */
static bool gone(FIXTURE_DATA(death) *self)
{
	int fd;

	if (!told(self, SOON_MS))
		return false;
	fd = device_end(self->pair.handle, SHMRING_ROLE_PRODUCER);
	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static void say_ready(FIXTURE_DATA(death) *self)
{
	__atomic_store_n(&self->shared->ready, true, __ATOMIC_SEQ_CST);
}

static bool wait_ready(FIXTURE_DATA(death) *self)
{
	int i;

	for (i = 0; i < SOON_MS; i++) {
		if (__atomic_load_n(&self->shared->ready, __ATOMIC_SEQ_CST))
			return true;
		device_sleep_ms(1);
	}
	return false;
}

/* A child without the consumer's file, and whom this process takes along. */
static pid_t child(FIXTURE_DATA(death) *self)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		device_close(&self->pair.consumer);
	}
	return pid;
}

static int end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	return device_child(pid);
}

/* --- What holds a role */

TEST_F(death, of_a_mapping_only)
{
	struct device_map map;
	__u64 left;
	pid_t pid;

	pid = child(self);
	ASSERT_LE(0, pid);
	if (!pid) {
		/* No file, hence no kicks: a peer that sleeps would go on so */
		if (device_map(self->pair.producer, &map))
			_exit(1);
		device_close(&self->pair.producer);
		for (;;) {
			stream_produce(-1, &map, 64, 64, STREAM_SPANS);
			say_ready(self);
		}
	}
	close_producer(&self->pair);
	ASSERT_TRUE(wait_ready(self));
	EXPECT_TRUE(alive(self));
	EXPECT_EQ(256 + SIGKILL, end_child(pid));
	EXPECT_TRUE(gone(self));
	left = device_load(&self->pair.c.p->wr);
	EXPECT_LT(0, left);
	EXPECT_EQ((long long)left, stream_consume(self->pair.consumer,
						  &self->pair.c, left, 1000,
						  STREAM_ANY));
}

TEST_F(death, of_a_parent_whose_child_goes_on)
{
	pid_t pid, grandchild;

	pid = child(self);
	ASSERT_LE(0, pid);
	if (!pid) {
		grandchild = fork();
		if (!grandchild)
			pause();
		self->shared->handle = grandchild;
		say_ready(self);
		pause();
	}
	close_producer(&self->pair);
	ASSERT_TRUE(wait_ready(self));
	EXPECT_EQ(256 + SIGKILL, end_child(pid));
	EXPECT_TRUE(alive(self));
	kill(self->shared->handle, SIGKILL);
	EXPECT_TRUE(gone(self));
}

TEST_F(death, by_exec)
{
	pid_t pid = child(self);

	ASSERT_LE(0, pid);
	if (!pid) {
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close_producer(&self->pair);
	EXPECT_TRUE(gone(self));
	/* The process is well, it only has no end any more */
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	EXPECT_EQ(256 + SIGKILL, end_child(pid));
}

TEST_F(death, not_by_exec_if_the_file_is_to_stay)
{
	pid_t pid = child(self);

	ASSERT_LE(0, pid);
	if (!pid) {
		fcntl(self->pair.producer, F_SETFD, 0);
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close_producer(&self->pair);
	EXPECT_TRUE(alive(self));
	EXPECT_EQ(256 + SIGKILL, end_child(pid));
	EXPECT_TRUE(gone(self));
}

/* A stopped process is slow, not dead. */
TEST_F(death, not_by_sigstop)
{
	pid_t pid = stream_child(self->pair.producer, SHMRING_ROLE_PRODUCER,
				 100000, 1000, STREAM_ANY);

	close_producer(&self->pair);
	ASSERT_EQ(50000, stream_consume(self->pair.consumer, &self->pair.c,
					50000, 1000, STREAM_ANY));
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	EXPECT_TRUE(alive(self));
	ASSERT_EQ(0, kill(pid, SIGCONT));
	EXPECT_EQ(50000, stream_consume(self->pair.consumer, &self->pair.c,
					50000, 1000, STREAM_ANY));
	EXPECT_EQ(0, device_child(pid));
	EXPECT_TRUE(gone(self));
}

/* An end on its way through a socket is nobody's, but not gone. */
TEST_F(death, of_a_message_that_nobody_took)
{
	int sockets[2];

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets));
	ASSERT_EQ(0, send_fd(sockets[0], self->pair.producer));
	close_producer(&self->pair);
	EXPECT_TRUE(alive(self));
	close(sockets[0]);
	EXPECT_TRUE(alive(self));
	close(sockets[1]);
	EXPECT_TRUE(gone(self));
}

/* --- What holds a ring */

/* A child that makes a ring, names it, fills a part of it, and is killed. */
static void leave_ring(struct __test_metadata *_metadata,
		       FIXTURE_DATA(death) *self, __u32 flags)
{
	struct device_map map;
	pid_t pid;
	int fd;

	pid = child(self);
	ASSERT_LE(0, pid);
	if (!pid) {
		fd = device_open(O_RDWR);
		if (device_create_full(fd, 4096, SHMRING_ROLE_BOTH, flags, 0) ||
		    device_register(fd, 0, &self->shared->handle) ||
		    device_map(fd, &map) ||
		    stream_produce(fd, &map, 1000, 1000, STREAM_ANY) != 1000)
			_exit(1);
		say_ready(self);
		pause();
	}
	device_pair_free(&self->pair);
	ASSERT_TRUE(wait_ready(self));
	ASSERT_EQ(256 + SIGKILL, end_child(pid));
}

TEST_F(death, of_a_ring_with_its_only_process)
{
	leave_ring(_metadata, self, 0);
	EXPECT_TRUE(device_idle());
	EXPECT_EQ(-ENOENT, device_end(self->shared->handle,
				      SHMRING_ROLE_CONSUMER));
}

TEST_F(death, not_of_a_persistent_ring)
{
	struct device_map map;
	char byte;
	int fd;

	leave_ring(_metadata, self, SHMRING_F_PERSIST);
	EXPECT_EQ(1, device_param("rings"));
	fd = device_end(self->shared->handle, SHMRING_ROLE_CONSUMER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_map(fd, &map));
	EXPECT_EQ(1000, stream_consume(fd, &map, 1000, 1000, STREAM_ANY));
	EXPECT_EQ(0, read(fd, &byte, 1));
	device_unmap(&map);
	EXPECT_EQ(1, device_param("rings"));
	EXPECT_EQ(0, device_unregister(fd, self->shared->handle));
	close(fd);
}

/* Killed, or told by the other one's death before the signal came. */
static bool died(pid_t pid)
{
	int status = device_child(pid);

	return status == 256 + SIGKILL || status == STREAM_SHORT;
}

TEST_F(death, of_both_ends_at_once)
{
	unsigned int seed = device_now_ns();
	pid_t pids[2];
	int i;

	for (i = 0; i < 20; i++) {
		device_pair_free(&self->pair);
		ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0));
		pids[0] = stream_child(self->pair.producer,
				       SHMRING_ROLE_PRODUCER, 1ULL << 40, 5000,
				       STREAM_ANY);
		pids[1] = stream_child(self->pair.consumer,
				       SHMRING_ROLE_CONSUMER, 1ULL << 40, 5000,
				       STREAM_ANY);
		device_pair_free(&self->pair);
		usleep(rand_r(&seed) % 10000);
		kill(pids[i & 1], SIGKILL);
		kill(pids[~i & 1], SIGKILL);
		ASSERT_TRUE(died(pids[0]));
		ASSERT_TRUE(died(pids[1]));
		ASSERT_TRUE(device_idle());
	}
}

/* Killed anywhere between open() and the end of everything. */
TEST_F(death, in_the_middle_of_setting_up)
{
	unsigned int seed = device_now_ns();
	pid_t pid;
	int i;

	device_pair_free(&self->pair);
	for (i = 0; i < 50; i++) {
		pid = child(self);
		ASSERT_LE(0, pid);
		while (!pid) {
			struct device_pair pair;

			if (device_pair(&pair, 1 << 20, 0))
				_exit(1);
			device_unregister(pair.producer, pair.handle);
			device_pair_free(&pair);
		}
		usleep(rand_r(&seed) % 5000);
		ASSERT_EQ(256 + SIGKILL, end_child(pid));
		ASSERT_TRUE(device_idle());
	}
}

/* --- What holds the module */

/* rmmod(8) looks before it asks, and says "in use". */
static bool module_in_use(void)
{
	return module_unload("shmring") == -EWOULDBLOCK;
}

TEST_F(death, not_of_the_module_in_use)
{
	__u32 handle;
	int fd, i;

	EXPECT_TRUE(module_in_use());
	close_producer(&self->pair);
	device_close(&self->pair.consumer);
	/* A mapping is left */
	EXPECT_TRUE(module_in_use());
	EXPECT_EQ(0, device_load(&self->pair.c.c->rd));
	device_unmap(&self->pair.c);

	fd = device_open(O_RDWR);
	ASSERT_LE(0, fd);
	EXPECT_TRUE(module_in_use());
	ASSERT_EQ(0, device_create_full(fd, 4096, SHMRING_ROLE_BOTH,
					SHMRING_F_PERSIST, 0));
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	close(fd);
	/* A handle is left */
	EXPECT_TRUE(module_in_use());
	fd = device_open(O_RDWR);
	EXPECT_EQ(0, device_unregister(fd, handle));
	close(fd);
	EXPECT_TRUE(device_idle());
	/* Nothing is, when the last close has come to an end */
	for (i = 0; i < 100 && module_users(); i++)
		device_sleep_ms(10);
	EXPECT_EQ(0, module_users());
}

TEST_HARNESS_MAIN
