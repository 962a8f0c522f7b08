// SPDX-License-Identifier: GPL-2.0-only
/*
 * epoll: level, edge, one-shot; and edge with nothing but read and write
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "hunt.h"

/* poll's events have the same numbers. */
static struct epoll_event event_of(const struct hunt_end *e, int *fd,
				   uint32_t flags)
{
	short events;

	*fd = hunt_poll_fd(e, &events);
	return (struct epoll_event){ .events = (uint16_t)events | flags };
}

static int init(struct hunt_end *e, uint32_t flags)
{
	struct epoll_event event;
	int fd;

	event = event_of(e, &fd, flags);
	e->fd = epoll_create1(EPOLL_CLOEXEC);
	if (e->fd < 0 || epoll_ctl(e->fd, EPOLL_CTL_ADD, fd, &event))
		return -errno;
	return 0;
}

static int level_init(struct hunt_end *e)
{
	return init(e, 0);
}

static int edge_init(struct hunt_end *e)
{
	return init(e, EPOLLET);
}

static int oneshot_init(struct hunt_end *e)
{
	return init(e, EPOLLONESHOT);
}

static int sleep_on(struct hunt_end *e)
{
	struct epoll_event event;

	return epoll_wait(e->fd, &event, 1, -1) < 0 ? -errno : 0;
}

static int level_wait(struct hunt_end *e)
{
	int armed = hunt_must_arm(e) ? hunt_arm(e) : 0;

	if (armed)
		return armed < 0 ? armed : 0;
	return sleep_on(e);
}

/* All is drained when this is called: arm, then wait for the next edge. */
static int edge_wait(struct hunt_end *e)
{
	int armed = hunt_arm(e);

	if (armed)
		return armed < 0 ? armed : 0;
	return sleep_on(e);
}

static int oneshot_wait(struct hunt_end *e)
{
	struct epoll_event event;
	int armed, fd;

	if (hunt_must_arm(e)) {
		armed = hunt_arm(e);
		if (armed)
			return armed < 0 ? armed : 0;
	}
	event = event_of(e, &fd, EPOLLONESHOT);
	if (epoll_ctl(e->fd, EPOLL_CTL_MOD, fd, &event))
		return -errno;
	return sleep_on(e);
}

static int edge_rw_init(struct hunt_end *e)
{
	short events;

	if (fcntl(hunt_poll_fd(e, &events), F_SETFL, O_NONBLOCK))
		return -errno;
	return edge_init(e);
}

/*
 * Nobody arms but the calls themselves, when they say -EAGAIN, or have moved less
 * than was wanted: then the next thing to do is to wait.
 */
static ssize_t edge_rw_move(struct hunt_end *e, void *buf, size_t n)
{
	ssize_t moved = e->way_data ? -EAGAIN : hunt_rw_move(e, buf, n);
	int err;

	while (moved == -EAGAIN) {
		e->way_data = NULL;
		err = sleep_on(e);
		if (err)
			return err;
		moved = hunt_rw_move(e, buf, n);
	}
	if (moved > 0 && (size_t)moved < n)
		e->way_data = e;
	return moved;
}

static void fini(struct hunt_end *e)
{
	close(e->fd);
}

const struct hunt_way hunt_epoll_level = {
	.name = "epoll level",
	.init = level_init,
	.wait = level_wait,
	.fini = fini,
};

const struct hunt_way hunt_epoll_edge = {
	.name = "epoll edge",
	.init = edge_init,
	.wait = edge_wait,
	.fini = fini,
};

const struct hunt_way hunt_epoll_edge_rw = {
	.name = "epoll edge, read/write",
	.init = edge_rw_init,
	.move = edge_rw_move,
	.fini = fini,
};

const struct hunt_way hunt_epoll_oneshot = {
	.name = "epoll one-shot",
	.init = oneshot_init,
	.wait = oneshot_wait,
	.fini = fini,
};
