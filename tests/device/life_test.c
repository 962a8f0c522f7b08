// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGKILL at a random moment, on either side, in whatever the victim does
 *
 * In each round the survivor is told, at once; finds every byte that was
 * committed, in order; takes the dead end's role by the ring's handle and goes
 * on with it; and nothing of the round is left in the kernel.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

/* Each of six variants; 102 and 1,002 in all. */
#define ROUNDS		17
#define LONG_ROUNDS	167

#define KILL_WITHIN_US	3000
#define NEVER_MS	5000

/*
 * The survivor must know this long after the victim is no more.  From kill()
 * on it would be the scheduler's time, too: on an emulated machine a signal may
 * find its target late.  The role is given up before the process can be reaped.
 *
 * Even so a loaded machine may let nobody run for that long.  So a thread
 * beside the survivor waits for the victim's end of a pipe: when that is late
 * too, it is not the ring's doing.
 */
#define TOLD_WITHIN_NS	100000000LL

enum { SPANS, COPY, ASLEEP };

FIXTURE(killed)
{
	struct device_map map;
	__u32 handle;
	__u32 capacity;
	__u32 role;		/* the survivor's */
	int fd;
	unsigned int seed;
	bool *ready;		/* shared with the victim */
	bool back;		/* the survivor is, from where it waited */
	pthread_t survivor;
	pid_t victim;
	int status;
	int pipe[2];		/* the victim holds the end to write to */
	long long killed_at, reaped_at, told_at, pipe_told_at;
	long long told[LONG_ROUNDS];
	int rounds;
};

FIXTURE_VARIANT(killed)
{
	__u32 role;		/* the victim's */
	int doing;
};

FIXTURE_VARIANT_ADD(killed, producer_by_spans) {
	SHMRING_ROLE_PRODUCER, SPANS
};

FIXTURE_VARIANT_ADD(killed, producer_by_write) {
	SHMRING_ROLE_PRODUCER, COPY
};

FIXTURE_VARIANT_ADD(killed, producer_asleep) {
	SHMRING_ROLE_PRODUCER, ASLEEP
};

FIXTURE_VARIANT_ADD(killed, consumer_by_spans) {
	SHMRING_ROLE_CONSUMER, SPANS
};

FIXTURE_VARIANT_ADD(killed, consumer_by_read) {
	SHMRING_ROLE_CONSUMER, COPY
};

FIXTURE_VARIANT_ADD(killed, consumer_asleep) {
	SHMRING_ROLE_CONSUMER, ASLEEP
};

static void do_nothing(int sig)
{
	(void)sig;
}

FIXTURE_SETUP(killed)
{
	/* No SA_RESTART: what it interrupts comes to an end */
	const struct sigaction act = { .sa_handler = do_nothing };

	self->role = SHMRING_ROLE_BOTH & ~variant->role;
	self->rounds = getenv("SHMRING_TEST_LONG") ? LONG_ROUNDS : ROUNDS;
	self->seed = device_now_ns();
	self->ready = mmap(NULL, sizeof(*self->ready), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->ready);
	self->survivor = pthread_self();
	ASSERT_EQ(0, sigaction(SIGUSR1, &act, NULL));
	ASSERT_TRUE(device_idle());
}

FIXTURE_TEARDOWN(killed)
{
	/* After a failure; else there is no such handle any more */
	device_unregister(self->fd, self->handle);
	device_unmap(&self->map);
	device_close(&self->fd);
	EXPECT_TRUE(device_idle());
}

/* --- The victim */

static void sleep_on(int fd, __u32 role, int way)
{
	bool produces = role == SHMRING_ROLE_PRODUCER;
	struct epoll_event event = { .events = EPOLLET };
	struct pollfd pfd = { .fd = fd };
	char byte = 0;
	int ep;

	pfd.events = produces ? POLLOUT : POLLIN;
	event.events |= pfd.events;
	switch (way) {
	case 0:
		device_wait(fd, produces ? SHMRING_WRITABLE : SHMRING_READABLE,
			    1, -1);
		break;
	case 1:
		poll(&pfd, 1, -1);
		break;
	case 2:
		ep = epoll_create1(EPOLL_CLOEXEC);
		epoll_ctl(ep, EPOLL_CTL_ADD, fd, &event);
		epoll_wait(ep, &event, 1, -1);
		break;
	default:
		if (produces ? write(fd, &byte, 1) : read(fd, &byte, 1))
			break;
	}
}

/* Never returns, and should not come to an end by itself. */
static void be_victim(FIXTURE_DATA(killed) *self, __u32 role, int doing)
{
	__u64 forever = (1ULL << 60) + rand_r(&self->seed);
	enum stream_way way = doing == SPANS ? STREAM_SPANS : STREAM_COPY;
	size_t piece = 1 + rand_r(&self->seed) % 10000;
	struct device_map map;
	int fd;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(self->fd);
	close(self->pipe[0]);
	fd = device_end(self->handle, role);
	if (fd < 0 || device_map(fd, &map))
		_exit(1);
	if (doing == ASLEEP) {
		if (role == SHMRING_ROLE_PRODUCER)
			stream_produce(fd, &map, self->capacity, piece, way);
		__atomic_store_n(self->ready, true, __ATOMIC_SEQ_CST);
		sleep_on(fd, role, rand_r(&self->seed) % 4);
		_exit(2);
	}
	__atomic_store_n(self->ready, true, __ATOMIC_SEQ_CST);
	if (role == SHMRING_ROLE_PRODUCER)
		stream_produce(fd, &map, forever, piece, way);
	else
		stream_consume(fd, &map, forever, piece, way);
	_exit(3);
}

static void *kill_victim(void *arg)
{
	FIXTURE_DATA(killed) *self = arg;
	long long limit = device_now_ns() + NEVER_MS * 1000000LL;

	while (!__atomic_load_n(self->ready, __ATOMIC_SEQ_CST) &&
	       device_now_ns() < limit)
		usleep(100);
	usleep(rand_r(&self->seed) % KILL_WITHIN_US);
	self->killed_at = device_now_ns();
	kill(self->victim, SIGKILL);
	self->status = device_child(self->victim);
	self->reaped_at = device_now_ns();

	/* Who is never told is fetched back, to report it */
	limit = device_now_ns() + NEVER_MS * 1000000LL;
	while (!__atomic_load_n(&self->back, __ATOMIC_SEQ_CST)) {
		usleep(1000);
		if (device_now_ns() > limit)
			pthread_kill(self->survivor, SIGUSR1);
	}
	return NULL;
}

static void *wait_for_pipe(void *arg)
{
	FIXTURE_DATA(killed) *self = arg;
	char byte;

	if (!read(self->pipe[0], &byte, 1))
		self->pipe_told_at = device_now_ns();
	return NULL;
}

/* --- The survivor */

/* Move what can be moved, by the mapping; false: a byte was not the right one. */
static bool work(FIXTURE_DATA(killed) *self)
{
	bool produces = self->role == SHMRING_ROLE_PRODUCER;
	__u64 pos = device_load(produces ? &self->map.p->wr :
					   &self->map.c->rd);
	struct iovec v[2];
	int i;

	if (!stream_spans(&self->map, self->role, v))
		return true;
	for (i = 0; i < 2; pos += v[i++].iov_len) {
		if (produces)
			stream_fill(v[i].iov_base, pos, v[i].iov_len);
		else if (stream_match(v[i].iov_base, pos, v[i].iov_len) !=
			 v[i].iov_len)
			return false;
	}
	stream_advance(self->fd, &self->map, self->role,
		       v[0].iov_len + v[1].iov_len);
	return true;
}

/* In read(), write() and WAIT by turns, until one of them says so. */
static bool survive_in_calls(FIXTURE_DATA(killed) *self)
{
	long long moved;

	if (self->role == SHMRING_ROLE_PRODUCER)
		moved = stream_produce(self->fd, &self->map, 1ULL << 60, 5000,
				       STREAM_ANY);
	else
		moved = stream_consume(self->fd, &self->map, 1ULL << 60, 5000,
				       STREAM_ANY);
	self->told_at = device_now_ns();
	return moved >= 0;
}

static bool survive(FIXTURE_DATA(killed) *self, bool idle)
{
	struct pollfd pfd = { .fd = self->fd };

	if (!idle && rand_r(&self->seed) & 1)
		return survive_in_calls(self);
	/* Who lets the victim sleep waits for no more than its death */
	if (!idle)
		pfd.events = self->role == SHMRING_ROLE_PRODUCER ? POLLOUT :
								    POLLIN;
	while (poll(&pfd, 1, NEVER_MS) == 1) {
		if (pfd.revents & POLLHUP) {
			self->told_at = device_now_ns();
			return true;
		}
		if (!work(self))
			return false;
	}
	return false;
}

/* The dead end's role, taken up where it fell. */
static void carry_on(struct __test_metadata *_metadata,
		     FIXTURE_DATA(killed) *self, __u32 role)
{
	bool produces = role == SHMRING_ROLE_PRODUCER;
	__u64 wr = device_load(&self->map.p->wr);
	__u64 rd = device_load(&self->map.c->rd);
	struct shmring_ioc_info info;
	struct device_map map;
	__u64 left;
	int fd;

	fd = device_end(self->handle, role);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_map(fd, &map));
	ASSERT_EQ(0, device_info(fd, &info));
	EXPECT_EQ(0, info.state);
	ASSERT_EQ(wr, info.wr);
	ASSERT_EQ(rd, info.rd);
	left = wr - rd;
	ASSERT_GE(self->capacity, left);

	/* What is there, whoever of the two is new */
	ASSERT_EQ((long long)left,
		  produces ? stream_consume(self->fd, &self->map, left, 5000,
					    STREAM_ANY) :
			     stream_consume(fd, &map, left, 5000, STREAM_ANY));
	/* And a ringful more */
	left = self->capacity;
	ASSERT_EQ((long long)left,
		  produces ? stream_produce(fd, &map, left, 5000, STREAM_ANY) :
			     stream_produce(self->fd, &self->map, left, 5000,
					    STREAM_ANY));
	ASSERT_EQ((long long)left,
		  produces ? stream_consume(self->fd, &self->map, left, 5000,
					    STREAM_ANY) :
			     stream_consume(fd, &map, left, 5000, STREAM_ANY));
	device_unmap(&map);
	close(fd);
}

/* How long after it was due, unless everybody was late. */
static long long late(const FIXTURE_DATA(killed) *self)
{
	if (self->pipe_told_at - self->reaped_at > TOLD_WITHIN_NS)
		return 0;
	return self->told_at - self->reaped_at;
}

static int by_value(const void *a, const void *b)
{
	const long long *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

TEST_F_TIMEOUT(killed, at_a_random_moment, 120)
{
	static const __u32 capacities[] = { 64, 2048, 4096, 65536 };
	long long latest = -NEVER_MS * 1000000LL;
	pthread_t killer, other;
	bool survived;
	__u64 start;
	int i;

	for (i = 0; i < self->rounds; i++) {
		bool persist = rand_r(&self->seed) & 1;

		start = rand_r(&self->seed) % 100000 - 50000ULL;
		self->capacity = capacities[rand_r(&self->seed) % 4];
		self->fd = device_open(O_RDWR);
		ASSERT_LE(0, self->fd);
		ASSERT_EQ(0, device_create_full(self->fd, self->capacity,
						self->role, persist ?
						SHMRING_F_PERSIST : 0, start));
		ASSERT_EQ(0, device_register(self->fd, 0, &self->handle));
		ASSERT_EQ(0, device_map(self->fd, &self->map));
		*self->ready = false;
		self->back = false;

		ASSERT_EQ(0, pipe2(self->pipe, O_CLOEXEC));
		self->victim = fork();
		ASSERT_LE(0, self->victim);
		if (!self->victim)
			be_victim(self, variant->role, variant->doing);
		close(self->pipe[1]);
		ASSERT_EQ(0, pthread_create(&killer, NULL, kill_victim, self));
		ASSERT_EQ(0, pthread_create(&other, NULL, wait_for_pipe, self));
		survived = survive(self, variant->doing == ASLEEP);
		__atomic_store_n(&self->back, true, __ATOMIC_SEQ_CST);
		pthread_join(killer, NULL);
		pthread_join(other, NULL);
		close(self->pipe[0]);

		ASSERT_TRUE(survived);
		ASSERT_TRUE(*self->ready);
		ASSERT_EQ(256 + SIGKILL, self->status);
		self->told[i] = self->told_at - self->killed_at;
		ASSERT_GE(TOLD_WITHIN_NS, late(self));
		if (latest < self->told_at - self->reaped_at)
			latest = self->told_at - self->reaped_at;

		carry_on(_metadata, self, variant->role);
		device_unmap(&self->map);
		if (persist)
			ASSERT_EQ(0, device_unregister(self->fd, self->handle));
		device_close(&self->fd);
		ASSERT_TRUE(device_idle());
	}
	qsort(self->told, i, sizeof(self->told[0]), by_value);
	ksft_print_msg("told after kill(): median %lld us, most %lld us\n",
		       self->told[i / 2] / 1000, self->told[i - 1] / 1000);
	ksft_print_msg("told after it was reaped: most %lld us\n",
		       latest / 1000);
	fflush(stdout);
}

TEST_HARNESS_MAIN
