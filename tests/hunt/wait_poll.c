// SPDX-License-Identifier: GPL-2.0-only
/*
 * poll and select
 */
#include <errno.h>
#include <poll.h>
#include <sys/select.h>

#include "hunt.h"

static int poll_wait(struct hunt_end *e)
{
	struct pollfd fd = { 0 };
	int armed;

	if (hunt_must_arm(e)) {
		armed = hunt_arm(e);
		if (armed)
			return armed < 0 ? armed : 0;
	}
	fd.fd = hunt_poll_fd(e, &fd.events);
	return poll(&fd, 1, -1) < 0 ? -errno : 0;
}

static int select_wait(struct hunt_end *e)
{
	short events;
	int fd = hunt_poll_fd(e, &events);
	fd_set set;
	int armed;

	if (hunt_must_arm(e)) {
		armed = hunt_arm(e);
		if (armed)
			return armed < 0 ? armed : 0;
	}
	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, events & POLLIN ? &set : NULL,
		      events & POLLOUT ? &set : NULL, NULL, NULL) < 0 ?
	       -errno : 0;
}

const struct hunt_way hunt_poll = { .name = "poll", .wait = poll_wait };
const struct hunt_way hunt_select = { .name = "select", .wait = select_wait };
