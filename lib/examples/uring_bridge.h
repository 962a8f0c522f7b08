/* SPDX-License-Identifier: MIT */
/*
 * A file joined to two rings by io_uring: what shmring_bridge.h does by epoll
 *
 * In each direction one request is under way: a readv or writev of spans, or,
 * where the ring has armed, a poll of it.  io_uring itself waits for the file.
 * A request moves @budget bytes at most, and the two directions complete in
 * turn, so neither starves the other.
 *
 * The spans belong to the request until it has completed: nothing else acquires
 * in the meantime.  That a ring's reader has gone is noticed with the next bytes
 * from the file, as by whoever sleeps in read().
 */
#ifndef URING_BRIDGE_H
#define URING_BRIDGE_H

#include <errno.h>
#include <liburing.h>
#include <shmring.h>
#include <sys/socket.h>

/**
 * struct uring_flow - a direction
 * @ring: our end; NULL: the direction has ended
 * @fd: the file
 * @edge: SHMRING_WRITABLE: from the file into the ring; _READABLE: to the file
 * @polls: the request that is under way is a poll of the ring
 * @v: the spans of the request
 * @bytes: moved so far
 * @most: moved by one request
 * @error: why it ended; 0: its source came to an end
 */
struct uring_flow {
	struct shmring *ring;
	int fd;
	enum shmring_edge edge;
	int polls;
	struct iovec v[2];
	uint64_t bytes;
	uint64_t most;
	int error;
};

static inline void uring_flow_end(struct uring_flow *f, int error)
{
	f->error = error;
	shmring_free(f->ring);
	f->ring = NULL;
	/* A socket hears of it at once, others when they are closed. */
	shutdown(f->fd, f->edge == SHMRING_READABLE ? SHUT_WR : SHUT_RD);
}

/* Ask for the next step; 0, or a negative errno: there is none. */
static inline int uring_flow_submit(struct io_uring *queue,
				    struct uring_flow *f, size_t budget)
{
	int in = f->edge == SHMRING_WRITABLE, rc = 1, n;
	struct io_uring_sqe *sqe;
	struct pollfd p = shmring_pollfd(f->ring, f->edge);

	f->polls = 0;
	while (!(in ? shmring_write_acquire(f->ring, f->v) :
		      shmring_read_acquire(f->ring, f->v))) {
		rc = in ? shmring_arm_writable(f->ring) :
			  shmring_arm_readable(f->ring);
		if (rc <= 0)
			break;
	}
	if (rc < 0)
		return rc;
	sqe = io_uring_get_sqe(queue);
	if (!sqe)
		return -EBUSY;
	if (!rc) {
		io_uring_prep_poll_add(sqe, p.fd, (unsigned int)p.events);
		f->polls = 1;
	} else {
		if (f->v[0].iov_len > budget)
			f->v[0].iov_len = budget;
		if (f->v[1].iov_len > budget - f->v[0].iov_len)
			f->v[1].iov_len = budget - f->v[0].iov_len;
		n = f->v[1].iov_len ? 2 : 1;
		/* -1: from where the file stands, as by read() */
		if (in)
			io_uring_prep_readv(sqe, f->fd, f->v, n, (__u64)-1);
		else
			io_uring_prep_writev(sqe, f->fd, f->v, n, (__u64)-1);
	}
	io_uring_sqe_set_data(sqe, f);
	return 0;
}

/* What a request came to; 0: go on, 1: the end of the source. */
static inline int uring_flow_complete(struct uring_flow *f, int res)
{
	int in = f->edge == SHMRING_WRITABLE;

	if (f->polls || res == -EINTR || res == -EAGAIN)
		return 0;
	/* A pty whose other end was closed says EIO. */
	if (in && (!res || res == -EIO))
		return 1;
	if (res < 0)
		return res;
	f->bytes += (uint64_t)res;
	if ((uint64_t)res > f->most)
		f->most = (uint64_t)res;
	return in ? shmring_write_commit(f->ring, (size_t)res) :
		    shmring_read_release(f->ring, (size_t)res);
}

static inline void uring_flow_next(struct io_uring *queue, struct uring_flow *f,
				   size_t budget)
{
	int rc = uring_flow_submit(queue, f, budget);

	if (rc)
		uring_flow_end(f, rc == -EPIPE && f->edge == SHMRING_READABLE ?
			       0 : rc);
}

/*
 * Until both directions have ended; @fd blocks.  Takes the rings over.  Returns
 * 0 or what went wrong with the queue.
 */
static inline int uring_bridge_run(struct io_uring *queue,
				   struct uring_flow *from,
				   struct uring_flow *to, size_t budget)
{
	struct io_uring_cqe *cqe;
	struct uring_flow *f;
	int rc, res;

	uring_flow_next(queue, from, budget);
	uring_flow_next(queue, to, budget);
	while (from->ring || to->ring) {
		rc = io_uring_submit_and_wait(queue, 1);
		if (rc < 0 && rc != -EINTR)
			return rc;
		while (!io_uring_peek_cqe(queue, &cqe)) {
			f = io_uring_cqe_get_data(cqe);
			res = cqe->res;
			io_uring_cqe_seen(queue, cqe);
			rc = uring_flow_complete(f, res);
			if (rc)
				uring_flow_end(f, rc == 1 ? 0 : rc);
			else
				uring_flow_next(queue, f, budget);
		}
	}
	return 0;
}

#endif /* URING_BRIDGE_H */
