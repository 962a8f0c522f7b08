// SPDX-License-Identifier: GPL-2.0-only
/* The two ends of a ring, by the library's verbs and by read and write */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../ring/ring.h"
#include "chaos.h"

#define BUFFER		4096
#define PAUSE_US	100000
/* Whoever waits for longer than that has been forgotten. */
#define HANG_S		30

/**
 * struct worker - an end at work
 * @ring: of it
 * @end: its own
 * @role: of it
 * @random: state of its random numbers
 * @r: the library's ring; NULL: @fd is used
 * @fd: the device's file
 * @pos: where it stands
 */
struct worker {
	struct chaos_ring *ring;
	struct chaos_end *end;
	unsigned int role;
	uint64_t random;
	struct shmring *r;
	int fd;
	uint64_t pos;
};

static unsigned char buffer[BUFFER];

void *chaos_shared(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

__attribute__((format(printf, 2, 3), noreturn))
static void fail(const struct worker *w, const char *format, ...)
{
	struct chaos_ring *ring = w->ring;
	va_list args;
	int n;

	if (!__atomic_exchange_n(&ring->failed, 1, __ATOMIC_SEQ_CST)) {
		n = snprintf(ring->failure, sizeof(ring->failure), "%s at %llu: ",
			     w->role == SHMRING_ROLE_PRODUCER ? "producer" :
								"consumer",
			     (unsigned long long)w->pos);
		va_start(args, format);
		vsnprintf(ring->failure + n, sizeof(ring->failure) - n, format,
			  args);
		va_end(args);
	}
	_exit(1);
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_ACQUIRE);
}

static void store(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

static bool stopped(const struct worker *w)
{
	return __atomic_load_n(&w->end->stop, __ATOMIC_ACQUIRE);
}

/* A role may be somebody else's for a moment, who only looks at the ring. */
static int attach(struct worker *w, bool by_library)
{
	if (!by_library) {
		w->fd = device_end(w->ring->handle, w->role);
		return w->fd < 0 ? w->fd : 0;
	}
	w->r = shmring_get(w->ring->handle, w->role);
	if (!w->r)
		return -errno;
	w->fd = shmring_fd(w->r);
	return 0;
}

static void begin(struct worker *w, struct chaos_ring *ring, unsigned int role,
		  uint64_t seed)
{
	long long limit = device_now_ns() + HANG_S * 1000000000LL;
	struct shmring_ioc_info info;
	int err;

	w->ring = ring;
	w->role = role;
	w->end = role == SHMRING_ROLE_PRODUCER ? &ring->producer :
						 &ring->consumer;
	w->random = seed | 1;
	do {
		err = attach(w, random_next(&w->random) % 4);
		if (err == -EBUSY)
			device_sleep_ms(1);
	} while (err == -EBUSY && device_now_ns() < limit);
	if (err)
		fail(w, "cannot attach: %s", strerror(-err));
	err = device_info(w->fd, &info);
	if (err)
		fail(w, "no information: %s", strerror(-err));
	w->pos = role == SHMRING_ROLE_PRODUCER ? info.wr : info.rd;
	if (w->pos < load(&w->end->pos) || w->pos > load(&w->end->next))
		fail(w, "the predecessor came from %llu and went for %llu",
		     (unsigned long long)load(&w->end->pos),
		     (unsigned long long)load(&w->end->next));
}

static size_t some(struct worker *w)
{
	size_t most = w->ring->capacity < BUFFER ? w->ring->capacity : BUFFER;

	return 1 + random_next(&w->random) % most;
}

/* What was asked for may be had, or only some of it */
static void intend(struct worker *w, size_t n)
{
	store(&w->end->next, w->pos + n);
}

static void moved(struct worker *w, size_t n)
{
	w->pos += n;
	store(&w->end->pos, w->pos);
}

/* For ever, or not long: both must come to an end */
static const struct timespec *patience(struct worker *w)
{
	return random_next(&w->random) % 4 ? NULL : ms(20);
}

static ssize_t put_spans(struct worker *w)
{
	struct iovec v[2];
	size_t n = shmring_write_acquire(w->r, v), want = some(w);

	if (!n) {
		int err = shmring_wait_writable(w->r, 1, patience(w));

		return err < 0 ? err : 0;
	}
	n = n < want ? n : want;
	pattern_fill_spans(v, w->pos, n);
	intend(w, n);
	return shmring_write_commit(w->r, n) ?: (ssize_t)n;
}

static ssize_t put(struct worker *w)
{
	size_t n = some(w);
	ssize_t ret;

	if (w->r && random_next(&w->random) % 2)
		return put_spans(w);
	pattern_fill(buffer, w->pos, n);
	intend(w, n);
	if (w->r)
		return shmring_write_all(w->r, buffer, n, patience(w));
	ret = write(w->fd, buffer, n);
	return ret < 0 ? -errno : ret;
}

/* Looks before it releases, so that a killed consumer takes nothing unseen. */
static ssize_t take_spans(struct worker *w)
{
	struct iovec v[2];
	size_t n = shmring_read_acquire(w->r, v), want = some(w);

	n = n < want ? n : want;
	if (!n)
		return -EAGAIN;
	if (pattern_check_spans(v, w->pos, n) != n)
		fail(w, "a wrong byte in %zu", n);
	intend(w, n);
	return shmring_read_release(w->r, n) ?: (ssize_t)n;
}

static ssize_t take(struct worker *w)
{
	size_t n = some(w);
	ssize_t ret;

	if (w->r && random_next(&w->random) % 4) {
		ret = take_spans(w);
		if (ret != -EAGAIN)
			return ret;
	}
	intend(w, n);
	ret = w->r ? shmring_read_some(w->r, buffer, n, patience(w)) :
		     read(w->fd, buffer, n);
	if (!w->r && ret < 0)
		ret = -errno;
	if (ret > 0 && pattern_check(buffer, w->pos, ret) != (size_t)ret)
		fail(w, "a wrong byte in %zd", ret);
	return ret ?: -EPIPE;
}

/* A peer that has gone will have a successor; who was stopped is interrupted. */
static void work(struct worker *w, ssize_t (*once)(struct worker *w))
{
	const bool producer = w->role == SHMRING_ROLE_PRODUCER;
	ssize_t ret;

	for (;;) {
		if (producer && stopped(w))
			break;
		/* Many share the CPUs; and a peer shall find nobody at times */
		if (!(random_next(&w->random) % 4))
			usleep(random_next(&w->random) % PAUSE_US);
		ret = once(w);
		if (ret > 0) {
			moved(w, ret);
		} else if (ret == -EPIPE) {
			if (stopped(w))
				break;
			device_sleep_ms(1);
		} else if (ret && ret != -ETIMEDOUT && ret != -EINTR) {
			fail(w, "%s", strerror((int)-ret));
		}
	}
	_exit(0);
}

void chaos_produce(struct chaos_ring *ring, uint64_t seed)
{
	struct worker w = { 0 };

	begin(&w, ring, SHMRING_ROLE_PRODUCER, seed);
	work(&w, put);
	_exit(0);
}

void chaos_consume(struct chaos_ring *ring, uint64_t seed)
{
	struct worker w = { 0 };

	begin(&w, ring, SHMRING_ROLE_CONSUMER, seed);
	work(&w, take);
	_exit(0);
}

pid_t chaos_start(struct chaos_ring *ring, unsigned int role, uint64_t seed)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	close_range(3, ~0U, 0);
	setpriority(PRIO_PROCESS, 0, 0);
	if (role == SHMRING_ROLE_PRODUCER)
		chaos_produce(ring, seed);
	chaos_consume(ring, seed);
}

bool chaos_moves(const struct chaos_ring *ring, unsigned int seconds)
{
	long long limit = device_now_ns() + seconds * 1000000000LL;
	uint64_t before = load(&ring->consumer.pos);

	while (load(&ring->consumer.pos) == before) {
		if (device_now_ns() > limit)
			return false;
		device_sleep_ms(1);
	}
	return true;
}

static bool ends_well(pid_t pid)
{
	long long limit = device_now_ns() + HANG_S * 1000000000LL;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (device_now_ns() > limit) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return false;
		}
		device_sleep_ms(1);
	}
	return WIFEXITED(status) && !WEXITSTATUS(status);
}

bool chaos_stop(struct chaos_ring *ring, pid_t producer, pid_t consumer)
{
	bool well;

	__atomic_store_n(&ring->producer.stop, 1, __ATOMIC_RELEASE);
	well = ends_well(producer);
	__atomic_store_n(&ring->consumer.stop, 1, __ATOMIC_RELEASE);
	return ends_well(consumer) && well && !ring->failed &&
	       ring->consumer.pos == ring->producer.pos;
}
