// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../ring/ring.h"
#include "beside.h"

#define CAPACITY	4096
/* Whoever does nothing for so long hangs. */
#define HANG_S		20

static void produce(struct beside *b)
{
	struct shmring *r = shmring_get(b->handle, SHMRING_ROLE_PRODUCER);
	unsigned char buf[1024];
	ssize_t n;

	while (r && !__atomic_load_n(&b->stop, __ATOMIC_ACQUIRE)) {
		pattern_fill(buf, b->sent, sizeof(buf));
		buf[0] ^= __atomic_exchange_n(&b->plant, 0, __ATOMIC_RELAXED);
		n = shmring_write_all(r, buf, sizeof(buf), ms(100));
		if (n < 0 && n != -ETIMEDOUT && n != -EINTR)
			_exit(1);
		b->sent += n > 0 ? n : 0;
	}
	shmring_free(r);
	_exit(r ? 0 : 1);
}

static void consume(struct beside *b)
{
	struct shmring *r = shmring_get(b->handle, SHMRING_ROLE_CONSUMER);
	unsigned char buf[1024];
	ssize_t n = r ? 1 : -1;
	size_t good;

	while (n > 0 || n == -ETIMEDOUT) {
		n = shmring_read_some(r, buf, sizeof(buf), ms(5000));
		if (n <= 0)
			continue;
		good = pattern_check(buf, b->received, n);
		if (good != (size_t)n && !b->wrong)
			b->wrong = b->received + good + 1;
		b->received += n;
	}
	if (n)
		b->error = (int)n;
	_exit(n ? 1 : 0);
}

/* The child must not write down what fork() has told it: that is shared. */
static pid_t start(struct beside *b, void (*end)(struct beside *b))
{
	pid_t pid = fork();

	if (!pid)
		end(b);
	return pid;
}

bool beside_start(struct beside *b)
{
	if (!device_idle())
		return false;
	b->fd = device_ring(CAPACITY, SHMRING_ROLE_OBSERVER);
	if (b->fd < 0 || device_register(b->fd, 0644, &b->handle))
		return false;
	b->rings = device_param("rings");
	b->pages = device_param("pages");
	b->producer = start(b, produce);
	b->consumer = start(b, consume);
	return b->producer > 0 && b->consumer > 0 && beside_streams(b);
}

bool beside_streams(const struct beside *b)
{
	uint64_t before = __atomic_load_n(&b->received, __ATOMIC_RELAXED);
	long long end = device_now_ns() + HANG_S * 1000000000LL;

	while (__atomic_load_n(&b->received, __ATOMIC_RELAXED) == before) {
		if (device_now_ns() > end)
			return false;
		device_sleep_ms(1);
	}
	return true;
}

void beside_unregister_others(const struct beside *b)
{
	uint32_t last, handle;

	if (device_register(b->fd, 0, &last))
		return;
	for (handle = b->handle + 1; handle != last + 1; handle++)
		device_unregister(b->fd, handle);
}

bool beside_is_alone(const struct beside *b)
{
	return device_param("rings") == b->rings && device_param("pages") == b->pages &&
	       device_param("handles") == 1;
}

bool beside_is_alone_soon(const struct beside *b)
{
	long long end = device_now_ns() + 2000000000LL;

	while (!beside_is_alone(b)) {
		if (device_now_ns() > end)
			return false;
		device_sleep_ms(5);
	}
	return true;
}

void beside_stop(struct beside *b)
{
	__atomic_store_n(&b->stop, 1, __ATOMIC_RELEASE);
	device_child(b->producer);
	device_child(b->consumer);
}

bool beside_was_intact(const struct beside *b)
{
	return !b->error && !b->wrong && b->sent == b->received;
}
