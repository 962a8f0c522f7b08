// SPDX-License-Identifier: GPL-2.0-only
/*
 * io_uring: POLL_ADD once and for all, read and write
 */
#include <errno.h>
#include <liburing.h>
#include <stdlib.h>

#include <shmring.h>

#include "hunt.h"

enum request {
	REQUEST_NONE,
	REQUEST_MAIN,
	REQUEST_CANCEL,
};

/**
 * struct uring - an end's io_uring
 * @ring: it
 * @polled: a POLL_ADD is under way, and will report
 */
struct uring {
	struct io_uring ring;
	bool polled;
};

static int init(struct hunt_end *e)
{
	struct uring *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	err = io_uring_queue_init(8, &u->ring, 0);
	if (err) {
		free(u);
		return err;
	}
	e->way_data = u;
	return 0;
}

static void fini(struct hunt_end *e)
{
	struct uring *u = e->way_data;

	io_uring_queue_exit(&u->ring);
	free(u);
}

static int submit_poll(struct hunt_end *e, bool multishot)
{
	struct uring *u = e->way_data;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	short events;
	int fd, rc;

	if (!sqe)
		return -EBUSY;
	fd = hunt_poll_fd(e, &events);
	if (multishot)
		io_uring_prep_poll_multishot(sqe, fd, (uint16_t)events);
	else
		io_uring_prep_poll_add(sqe, fd, (uint16_t)events);
	rc = io_uring_submit(&u->ring);
	if (rc < 0)
		return rc;
	u->polled = true;
	return 0;
}

/* Sleep for one report at least, take all. */
static int reap_polls(struct uring *u)
{
	struct io_uring_cqe *cqe;
	int rc = io_uring_wait_cqe(&u->ring, &cqe);

	while (!rc) {
		if (!(cqe->flags & IORING_CQE_F_MORE))
			u->polled = false;
		rc = cqe->res < 0 ? cqe->res : 0;
		io_uring_cqe_seen(&u->ring, cqe);
		if (!rc && io_uring_peek_cqe(&u->ring, &cqe))
			break;
	}
	return rc;
}

static int poll_wait(struct hunt_end *e)
{
	struct uring *u = e->way_data;
	int rc = hunt_must_arm(e) ? hunt_arm(e) : 0;

	if (rc)
		return rc < 0 ? rc : 0;
	/* After an interrupted wait one is under way still */
	rc = u->polled ? 0 : submit_poll(e, false);
	return rc ? rc : reap_polls(u);
}

/*
 * Reports come from the wakes alone: ->poll is not asked, and nobody but us
 * arms.  All is drained when this is called.
 */
static int multishot_wait(struct hunt_end *e)
{
	struct uring *u = e->way_data;
	int rc = u->polled ? 0 : submit_poll(e, true);

	if (!rc)
		rc = hunt_arm(e);
	if (rc)
		return rc < 0 ? rc : 0;
	return reap_polls(u);
}

static int submit(struct uring *u, struct io_uring_sqe *sqe,
		  enum request request)
{
	int rc;

	io_uring_sqe_set_data64(sqe, request);
	do
		rc = io_uring_submit(&u->ring);
	while (rc == -EINTR);
	return rc < 0 ? rc : 0;
}

/* The watcher's signal: take the request back, unless it is done by now. */
static int cancel(struct uring *u)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);

	if (!sqe)
		return -EBUSY;
	io_uring_prep_cancel64(sqe, REQUEST_MAIN, 0);
	return submit(u, sqe, REQUEST_CANCEL);
}

static ssize_t rw_move(struct hunt_end *e, void *buf, size_t n)
{
	struct uring *u = e->way_data;
	struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
	int fd = shmring_fd(e->ring);
	bool canceled = false, done = false;
	struct io_uring_cqe *cqe;
	ssize_t moved = 0;
	int rc, pending = 1;

	if (!sqe)
		return -EBUSY;
	if (e->role == HUNT_CONSUMER)
		io_uring_prep_read(sqe, fd, buf, n, -1);
	else
		io_uring_prep_write(sqe, fd, buf, n, -1);
	rc = submit(u, sqe, REQUEST_MAIN);
	while (!rc && pending) {
		rc = io_uring_wait_cqe(&u->ring, &cqe);
		if (rc == -EINTR) {
			rc = 0;
			if (!canceled) {
				rc = cancel(u);
				canceled = true;
				pending++;
			}
			continue;
		}
		if (rc)
			break;
		if (io_uring_cqe_get_data64(cqe) == REQUEST_MAIN) {
			moved = cqe->res;
			done = true;
		}
		pending--;
		io_uring_cqe_seen(&u->ring, cqe);
	}
	if (rc || !done)
		return rc ? rc : -EIO;
	return moved == -ECANCELED ? -EINTR : moved;
}

const struct hunt_way hunt_uring_poll = {
	.name = "io_uring poll",
	.init = init,
	.wait = poll_wait,
	.fini = fini,
};

const struct hunt_way hunt_uring_multishot = {
	.name = "io_uring poll, multishot",
	.init = init,
	.wait = multishot_wait,
	.fini = fini,
};

const struct hunt_way hunt_uring_rw = {
	.name = "io_uring read/write",
	.init = init,
	.move = rw_move,
	.fini = fini,
};
