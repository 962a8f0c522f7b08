// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two whose records are read with read(): a character device, and relay
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "bench.h"

#define CHUNK		(64U << 10)

struct reader {
	int fd;
	uint8_t chunk[CHUNK];
};

static int reader_open(struct consumer *c, int fd)
{
	struct reader *r = malloc(sizeof(*r));

	if (!r || fd < 0) {
		free(r);
		return fd < 0 ? -errno : -ENOMEM;
	}
	r->fd = fd;
	c->state = r;
	return 0;
}

static void reader_drain(struct consumer *c)
{
	struct reader *r = c->state;
	ssize_t n;

	while (c->reads++, (n = read(r->fd, r->chunk, CHUNK)) > 0)
		consumer_take_many(c, r->chunk, n);
}

static void reader_wait(struct consumer *c, int ms)
{
	struct reader *r = c->state;
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	poll(&p, 1, ms);
}

static int fifo_open(struct consumer *c)
{
	struct bench_open o = { .kind = BENCH_FIFO };
	int err = consumer_device(c, &o);

	return err ? err : reader_open(c, c->device);
}

static void fifo_close(struct consumer *c)
{
	free(c->state);
	close(c->device);
}

/* The kicks are in what BENCH_RUN returns. */
static uint64_t fifo_kicks(struct consumer *c)
{
	(void)c;
	return 0;
}

static int relay_open(struct consumer *c)
{
	struct bench_open o = { .kind = BENCH_RELAY };
	int err = consumer_device(c, &o);
	char name[80];

	if (err)
		return err;
	snprintf(name, sizeof(name), "/sys/kernel/debug/%s/cpu%d",
		 BENCH_RELAY_FOLDER, producer_cpu());
	err = reader_open(c, open(name, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
	if (err)
		close(c->device);
	return err;
}

static void relay_close(struct consumer *c)
{
	struct reader *r = c->state;

	close(r->fd);
	fifo_close(c);
}

const struct transport by_read = {
	.name = "read",
	.note = "kfifo, and read() of a character device",
	.open = fifo_open,
	.drain = reader_drain,
	.wait = reader_wait,
	.kicks = fifo_kicks,
	.close = fifo_close,
};

const struct transport by_relay = {
	.name = "relay",
	.note = "relay channel, sub-buffers of 32 KiB; wakes when one is full",
	.flags = INEXACT,
	.open = relay_open,
	.drain = reader_drain,
	.wait = reader_wait,
	.close = relay_close,
};
