// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends of a tap while packets flow: its file, its interface, its namespace
 *
 * However it ends, the stream is whole blocks up to its statistics, and nothing
 * is left: no ring here, and no use of the module when the guest unloads it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "tap.h"

#define CAPACITY	262144
#define ROUNDS		200
#define LONG_ROUNDS	2000

FIXTURE(life)
{
	struct tap tap;
	pid_t flood;
};

FIXTURE_SETUP(life)
{
	ASSERT_EQ(0, net_new());
	ASSERT_EQ(0, net_pair());
	self->flood = net_flood("veth0", 100);
	ASSERT_LT(0, self->flood);
}

FIXTURE_TEARDOWN(life)
{
	net_kill(self->flood);
	EXPECT_TRUE(tap_idle());
}

static bool flows(struct tap *tap)
{
	struct shmring_tap_stats stats;
	int tries = 10000;

	while (!tap_stats(tap->fd, &stats) && tries--) {
		if (stats.packets > 10)
			return true;
		tap_sleep_us(1000);
	}
	return false;
}

/* What must be true of a stream that has ended. */
#define EXPECT_WHOLE(tap) do {						\
	struct capture *_c = &(tap)->capture;				\
									\
	EXPECT_TRUE(_c->ended);						\
	EXPECT_EQ(NULL, _c->error);					\
	EXPECT_EQ(_c->accepted, _c->packets + _c->os_drops);		\
} while (0)

TEST_F_TIMEOUT(life, the_file_is_closed, 300)
{
	int rounds = getenv("SHMRING_TEST_LONG") ? LONG_ROUNDS : ROUNDS;
	unsigned int seed = 1;
	int i;

	for (i = 0; i < rounds; i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
		tap_sleep_us(rand_r(&seed) % 3000);
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_WHOLE(&self->tap);
	}
}

/* Its fd may be closed, the tap goes on; nobody can read that ring any more. */
TEST_F(life, the_ring_is_closed)
{
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	shmring_free(self->tap.ring);
	EXPECT_TRUE(flows(&self->tap));
	EXPECT_FALSE(tap_idle_now());
	close(self->tap.fd);
}

TEST_F(life, the_interface_is_deleted)
{
	struct tap second = { 0 };
	struct shmring_tap_stats stats;

	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	ASSERT_EQ(0, tap_start(&second, "veth0", CAPACITY, 0, NULL));
	EXPECT_TRUE(flows(&self->tap));
	ASSERT_EQ(0, net_run("ip link del t0"));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&second));
	EXPECT_WHOLE(&self->tap);
	EXPECT_WHOLE(&second);
	EXPECT_EQ(0, tap_stats(self->tap.fd, &stats));
	EXPECT_EQ(self->tap.capture.accepted, stats.packets);
	EXPECT_EQ(0, tap_stop(&second));
	EXPECT_EQ(0, tap_stop(&self->tap));
}

/* While the file is closed: both want to end the tap. */
TEST_F_TIMEOUT(life, the_interface_is_deleted_and_the_file_closed, 120)
{
	int i;

	for (i = 0; i < 20; i++) {
		ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
		if (fork() == 0)
			_exit(net_run("ip link del t0") ? 1 : 0);
		tap_sleep_us(i * 1000);
		ASSERT_EQ(0, tap_stop(&self->tap));
		EXPECT_WHOLE(&self->tap);
		wait(NULL);
		ASSERT_EQ(0, net_pair());
	}
}

/* A page that its first reader waits for: where its fault is told, or -1 */
static int page_to_serve(void **page)
{
	struct uffdio_register range = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	struct uffdio_api api = { .api = UFFD_API };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	if (fd < 0)
		return -1;
	*page = mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	range.range.start = (uintptr_t)*page;
	range.range.len = sysconf(_SC_PAGESIZE);
	if (*page != MAP_FAILED && !ioctl(fd, UFFDIO_API, &api) &&
	    !ioctl(fd, UFFDIO_REGISTER, &range))
		return fd;
	close(fd);
	return -1;
}

struct slow_start {
	int fd;
	struct shmring_tap_start request;
};

static void *start_slowly(void *arg)
{
	struct slow_start *slow = arg;

	return (void *)(long)tap_ioctl(slow->fd, SHMRING_TAP_IOC_START,
				       &slow->request);
}

/*
 * A filter takes as long to be read as whoever serves its memory likes.  Meanwhile
 * the device can be unregistered, which would wait for all who hold it.
 */
TEST_F(life, the_interface_is_deleted_while_a_filter_is_read)
{
	static struct sock_filter served[65536 / sizeof(struct sock_filter)] = {
		BPF_STMT(BPF_RET | BPF_K, ~0U),
	};
	struct slow_start slow;
	struct uffdio_copy fill;
	struct pollfd poll_for = { .events = POLLIN };
	pthread_t starter;
	void *page, *result;
	pid_t deleter;
	int fault = page_to_serve(&page);

	if (fault < 0)
		SKIP(return, "no userfaultfd");
	slow.fd = tap_open();
	self->tap.ring = tap_ring(CAPACITY);
	ASSERT_NE(NULL, self->tap.ring);
	slow.request = tap_request(self->tap.ring, "t0");
	slow.request.filter = (uintptr_t)page;
	slow.request.filter_len = 1;
	ASSERT_EQ(0, pthread_create(&starter, NULL, start_slowly, &slow));
	poll_for.fd = fault;
	ASSERT_EQ(1, poll(&poll_for, 1, 10000));

	deleter = fork();
	if (!deleter)
		_exit(net_run("ip link del t0") ? 1 : 0);
	poll_for.fd = syscall(SYS_pidfd_open, deleter, 0);
	EXPECT_EQ(1, poll(&poll_for, 1, 10000));
	close(poll_for.fd);

	fill = (struct uffdio_copy){
		.dst = (uintptr_t)page,
		.src = (uintptr_t)served,
		.len = sysconf(_SC_PAGESIZE),
	};
	ASSERT_EQ(0, ioctl(fault, UFFDIO_COPY, &fill));
	ASSERT_EQ(0, pthread_join(starter, &result));
	EXPECT_EQ(-ENODEV, (long)result);
	close(fault);
	close(slow.fd);
	shmring_free(self->tap.ring);
	waitpid(deleter, NULL, 0);
}

TEST_F(life, the_interface_moves)
{
	int pipefd[2];
	pid_t child;
	char byte;

	ASSERT_EQ(0, pipe(pipefd));
	child = fork();
	if (!child) {
		byte = unshare(CLONE_NEWNET);
		if (write(pipefd[1], &byte, 1) == 1)
			pause();
		_exit(1);
	}
	ASSERT_EQ(1, read(pipefd[0], &byte, 1));
	ASSERT_EQ(0, byte);
	ASSERT_EQ(0, tap_start(&self->tap, "t0", CAPACITY, 0, NULL));
	EXPECT_TRUE(flows(&self->tap));
	ASSERT_EQ(0, net_run("ip link set t0 netns %d", child));
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_WHOLE(&self->tap);
	EXPECT_EQ(0, tap_stop(&self->tap));
	net_kill(child);
}

/* The child's namespace goes with it, while we hold the tap that it started. */
TEST_F(life, the_namespace_ends)
{
	struct shmring_tap_start start;
	int status;

	self->tap.fd = tap_open();
	self->tap.ring = tap_ring(CAPACITY);
	ASSERT_NE(NULL, self->tap.ring);
	if (fork() == 0) {
		if (net_new())
			_exit(1);
		start = tap_request(self->tap.ring, "lo");
		_exit(tap_ioctl(self->tap.fd, SHMRING_TAP_IOC_START, &start) ? 2 : 0);
	}
	wait(&status);
	ASSERT_EQ(0, status);
	EXPECT_EQ(-EPIPE, tap_read_to_end(&self->tap));
	EXPECT_WHOLE(&self->tap);
	EXPECT_EQ(0, tap_stop(&self->tap));
}

TEST_HARNESS_MAIN
