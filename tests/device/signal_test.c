// SPDX-License-Identifier: GPL-2.0-only
/*
 * Signals to whoever sleeps on a ring: EINTR or a partial count, a restart
 * where one was asked for, and in no case a byte lost
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

#define CAPACITY	4096U
#define A_WHILE_MS	30
/* Of a stream in a storm, no more than so many go by without a signal. */
#define STORM_BYTES	30000U

static volatile sig_atomic_t signals;

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

/* What happens while the call under test sleeps, each after a while. */
struct meanwhile {
	pthread_t thread, target;
	int signals;
	int fd;			/* then: closed, written to, or read from */
	bool writes;
	size_t n;
};

static void *meanwhile(void *arg)
{
	struct meanwhile *m = arg;
	char buf[CAPACITY];
	int i;

	for (i = 0; i < m->signals; i++) {
		device_sleep_ms(A_WHILE_MS);
		pthread_kill(m->target, SIGUSR1);
	}
	device_sleep_ms(A_WHILE_MS);
	if (m->writes) {
		stream_fill(buf, 0, m->n);
		return (void *)write(m->fd, buf, m->n);
	}
	return m->n ? (void *)read(m->fd, buf, m->n) : NULL;
}

FIXTURE(signals)
{
	struct device_pair pair;
	struct meanwhile m;
	char buf[2 * CAPACITY];
};

FIXTURE_SETUP(signals)
{
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, 0));
}

FIXTURE_TEARDOWN(signals)
{
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

/* @sent signals come, and then @n bytes: to read, or to make space. */
static void begin(FIXTURE_DATA(signals) *self, int flags, int sent,
		  bool writes, size_t n)
{
	struct sigaction act = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &act, NULL);
	signals = 0;
	self->m.target = pthread_self();
	self->m.signals = sent;
	self->m.fd = writes ? self->pair.producer : self->pair.consumer;
	self->m.writes = writes;
	self->m.n = n;
	pthread_create(&self->m.thread, NULL, meanwhile, &self->m);
}

static ssize_t end(FIXTURE_DATA(signals) *self)
{
	void *ret;

	pthread_join(self->m.thread, &ret);
	return (ssize_t)ret;
}

TEST_F(signals, read_is_interrupted)
{
	begin(self, 0, 1, true, 10);
	EXPECT_EQ(-1, read(self->pair.consumer, self->buf, 100));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(1, signals);
	EXPECT_EQ(10, end(self));
	EXPECT_EQ(10, read(self->pair.consumer, self->buf, 100));
	EXPECT_EQ(10, stream_match(self->buf, 0, 10));
}

TEST_F(signals, read_is_restarted)
{
	begin(self, SA_RESTART, 3, true, 10);
	EXPECT_EQ(10, read(self->pair.consumer, self->buf, 100));
	EXPECT_EQ(10, stream_match(self->buf, 0, 10));
	EXPECT_EQ(3, signals);
	EXPECT_EQ(10, end(self));
}

TEST_F(signals, write_is_interrupted)
{
	ASSERT_EQ(CAPACITY, write(self->pair.producer, self->buf, CAPACITY));
	begin(self, 0, 1, false, 0);
	EXPECT_EQ(-1, write(self->pair.producer, self->buf, 1));
	EXPECT_EQ(EINTR, errno);
	EXPECT_EQ(1, signals);
	end(self);
}

/* What has gone in counts, whatever the handler's flags say. */
TEST_F(signals, write_is_interrupted_after_a_part)
{
	stream_fill(self->buf, 0, sizeof(self->buf));
	ASSERT_EQ(96, write(self->pair.producer, self->buf, 96));
	begin(self, SA_RESTART, 1, false, 0);
	EXPECT_EQ(CAPACITY - 96, write(self->pair.producer, self->buf + 96,
				       CAPACITY));
	EXPECT_EQ(1, signals);
	end(self);
	memset(self->buf, 0, sizeof(self->buf));
	EXPECT_EQ(CAPACITY, read(self->pair.consumer, self->buf,
				 sizeof(self->buf)));
	EXPECT_EQ(CAPACITY, stream_match(self->buf, 0, CAPACITY));
}

TEST_F(signals, write_is_restarted)
{
	ASSERT_EQ(CAPACITY, write(self->pair.producer, self->buf, CAPACITY));
	begin(self, SA_RESTART, 2, false, 10);
	EXPECT_EQ(10, write(self->pair.producer, self->buf, 10));
	EXPECT_EQ(2, signals);
	EXPECT_EQ(10, end(self));
}

/* WAIT has a timeout that must not begin anew: it never restarts. */
TEST_F(signals, wait_is_interrupted)
{
	begin(self, SA_RESTART, 1, false, 0);
	EXPECT_EQ(-EINTR, device_wait(self->pair.consumer, SHMRING_READABLE, 1,
				      10000000000LL));
	EXPECT_EQ(1, signals);
	end(self);
}

/* A stop is no signal that a program could see: it goes on sleeping. */
TEST_F(signals, stop_and_go)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	if (!pid) {
		ssize_t n = read(self->pair.consumer, self->buf, 100);

		_exit(n == 10 && stream_match(self->buf, 0, 10) == 10 ? 0 : 1);
	}
	device_sleep_ms(A_WHILE_MS);
	ASSERT_EQ(0, kill(pid, SIGSTOP));
	ASSERT_EQ(pid, waitpid(pid, NULL, WUNTRACED));
	ASSERT_EQ(0, kill(pid, SIGCONT));
	device_sleep_ms(A_WHILE_MS);
	EXPECT_EQ(0, waitpid(pid, NULL, WNOHANG));
	stream_fill(self->buf, 0, 10);
	ASSERT_EQ(10, write(self->pair.producer, self->buf, 10));
	EXPECT_EQ(0, device_child(pid));
}

/*
 * A storm of them: the stream arrives whole.  The reader and the writer take
 * EINTR for what it is, and go on.
 */
TEST_F(signals, storm)
{
	const __u64 total = 300000;
	struct sigaction act = { .sa_handler = on_signal };
	__u64 got = 0;
	pid_t pids[2];
	ssize_t n;
	int i;

	sigaction(SIGUSR1, &act, NULL);
	signals = 0;
	pids[0] = fork();
	ASSERT_LE(0, pids[0]);
	if (!pids[0]) {
		for (got = 0; got < total; got += n > 0 ? n : 0) {
			n = total - got > 7000 ? 7000 : total - got;
			stream_fill(self->buf, got, n);
			n = write(self->pair.producer, self->buf, n);
			if (n < 0 && errno != EINTR)
				_exit(1);
		}
		_exit(0);
	}
	device_unmap(&self->pair.p);
	device_close(&self->pair.producer);
	pids[1] = fork();
	ASSERT_LE(0, pids[1]);
	if (!pids[1]) {
		device_close(&self->pair.consumer);
		for (i = 0; ; i++) {
			kill(i & 1 ? pids[0] : getppid(), SIGUSR1);
			usleep(200);
		}
	}

	while (got < total) {
		/* On a busy machine all could be over before the storm begins */
		while ((__u64)signals * STORM_BYTES < got)
			device_sleep_ms(1);
		n = read(self->pair.consumer, self->buf, 3000);
		if (n < 0) {
			ASSERT_EQ(EINTR, errno);
			continue;
		}
		ASSERT_LT(0, n);
		ASSERT_EQ((size_t)n, stream_match(self->buf, got, n));
		got += n;
	}
	EXPECT_EQ(0, device_child(pids[0]));
	kill(pids[1], SIGKILL);
	EXPECT_EQ(256 + SIGKILL, device_child(pids[1]));
}

TEST_HARNESS_MAIN
