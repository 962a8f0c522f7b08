// SPDX-License-Identifier: GPL-2.0-only
/* The honest end by calls: the kernel moves it, and puts nothing elsewhere */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../device/device.h"
#include "hostile.h"

static __u32 edge(const struct end *e)
{
	return end_produces(e) ? SHMRING_WRITABLE : SHMRING_READABLE;
}

static ssize_t result(ssize_t ret)
{
	return ret < 0 ? -errno : ret;
}

static ssize_t by_copy(struct end *e)
{
	size_t n = 1 + end_below(e, HOSTILE_BUFFER);
	unsigned char *buf = e->buffer + HOSTILE_BUFFER - n;

	if (!end_produces(e))
		return end_moved(e, buf, result(read(e->fd, buf, n)), n);
	hostile_fill(buf, e->pos - e->h->start, n);
	return end_moved(e, buf, result(write(e->fd, buf, n)), n);
}

static ssize_t by_pieces(struct end *e)
{
	size_t n = 2 + end_below(e, HOSTILE_BUFFER - 1), first = 1 + end_below(e, n - 1);
	unsigned char *buf = e->buffer + HOSTILE_BUFFER - n;
	struct iovec v[2] = { { buf, first }, { buf + first, n - first } };

	if (!end_produces(e))
		return end_moved(e, buf, result(readv(e->fd, v, 2)), n);
	hostile_fill(buf, e->pos - e->h->start, n);
	return end_moved(e, buf, result(writev(e->fd, v, 2)), n);
}

/* The pipe is empty before and after. */
static ssize_t by_pipe(struct end *e)
{
	size_t n = 1 + end_below(e, HOSTILE_BUFFER);
	unsigned char *buf = e->buffer + HOSTILE_BUFFER - n;
	ssize_t got;

	if (!end_produces(e)) {
		got = result(end_below(e, 4) ?
			     splice(e->fd, NULL, e->pipe[1], NULL, n, 0) :
			     sendfile(e->pipe[1], e->fd, NULL, n));
		if (got > 0 && read(e->pipe[0], buf, n) != got)
			hostile_fail(e->h, "%s: other bytes in the pipe than %zd",
				     e->h->what, got);
		return end_moved(e, buf, got, n);
	}
	hostile_fill(buf, e->pos - e->h->start, n);
	if (write(e->pipe[1], buf, n) != (ssize_t)n)
		return -EAGAIN;
	got = result(splice(e->pipe[0], NULL, e->fd, NULL, n, 0));
	while (read(e->pipe[0], buf, n) > 0)
		;
	return end_moved(e, buf, got, n);
}

static ssize_t wait_some(struct end *e)
{
	__u32 min = end_below(e, e->h->capacity + 1);
	ssize_t ret;

	ret = device_wait(e->fd, edge(e), min, end_below(e, 4) ? 1000000 : -1);
	if (ret > e->h->capacity)
		hostile_fail(e->h, "%s: %zd bytes", e->h->what, ret);
	return ret > 0 ? 0 : ret;
}

static ssize_t look(struct end *e)
{
	struct pollfd p = { .fd = e->fd, .events = (short)end_below(e, 65536) };
	struct shmring_ioc_info info;
	ssize_t ret;

	ret = device_info(e->fd, &info) ?:
	      device_lowat(e->fd, edge(e), 1 + end_below(e, e->h->capacity / 2));
	if (ret)
		return ret;
	ret = device_kick(e->fd, SHMRING_READABLE + SHMRING_WRITABLE - edge(e));
	if (ret < 0)
		return ret;
	ret = device_arm(e->fd, edge(e), end_below(e, e->h->capacity + 1));
	if (ret > e->h->capacity)
		hostile_fail(e->h, "%s: %zd bytes", e->h->what, ret);
	if (ret < 0)
		return ret;
	return poll(&p, 1, 1) < 0 ? -errno : 0;
}

static ssize_t set_flags(struct end *e)
{
	return result(fcntl(e->fd, F_SETFL, end_below(e, 2) ? O_NONBLOCK : 0));
}

ssize_t end_by_calls(struct end *e)
{
	static const struct {
		const char *what;
		ssize_t (*once)(struct end *e);
	} ways[] = {
		{ "read or write", by_copy }, { "read or write", by_copy },
		{ "readv or writev", by_pieces }, { "splice", by_pipe },
		{ "splice", by_pipe }, { "WAIT", wait_some }, { "look", look },
		{ "fcntl", set_flags },
	};
	unsigned int way = end_below(e, 8);

	e->h->what = ways[way].what;
	return ways[way].once(e);
}
