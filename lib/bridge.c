// SPDX-License-Identifier: MIT
/*
 * A file that poll() knows, joined to two rings
 *
 * Edge-triggered: a direction moves until its file says EAGAIN, or its ring has
 * armed, or its budget is spent.  In the first two cases it is blocked on one
 * fd, and an event of that fd, whose edge cannot have come before it was
 * exhausted, ends that.
 *
 * A budget for each pass is what vhost learnt from CVE-2019-3900: a side that is
 * fed as fast as it is emptied keeps whoever serves it for ever.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shmring_bridge.h>

#include "internal.h"

/* What an epoll event tells of. */
enum source {
	READ_FD		= 1,
	WRITE_FD	= 2,
	FROM_RING	= 4,
	TO_RING		= 8,
};

/**
 * struct flow - a direction
 * @ring: the end of the ring that is ours; NULL: the direction has ended
 * @edge: that the ring's end waits for
 * @blocked: the source of the event that it waits for; 0: it can be tried
 * @stats: for the user
 */
struct flow {
	struct shmring *ring;
	enum shmring_edge edge;
	unsigned int blocked;
	struct shmring_bridge_flow stats;
};

/**
 * struct shmring_bridge - a bridge
 * @epoll: all that it waits for
 * @read_fd: -1: closed
 * @write_fd: may be @read_fd; -1: closed
 * @read_socket: it is one
 * @write_socket: it is one
 * @tty: a hang-up of @read_fd is EIO, and its end
 * @budget: bytes
 * @from: from the file into the ring
 * @to: from the ring to the file
 */
struct shmring_bridge {
	int epoll;
	int read_fd;
	int write_fd;
	int read_socket;
	int write_socket;
	int tty;
	uint32_t budget;
	struct flow from;
	struct flow to;
};

static int is_socket(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISSOCK(st.st_mode);
}

static int watch(struct shmring_bridge *b, int fd, uint32_t events,
		 unsigned int source)
{
	struct epoll_event event = {
		.events = events | EPOLLET,
		.data.u32 = source,
	};

	return epoll_ctl(b->epoll, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int watch_ring(struct shmring_bridge *b, struct flow *f,
		      unsigned int source)
{
	struct pollfd p = shmring_pollfd(f->ring, f->edge);

	return watch(b, p.fd, (uint32_t)p.events, source);
}

/* The events of a file that another one may have open as well end here only. */
static void unwatch(struct shmring_bridge *b, int fd)
{
	epoll_ctl(b->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void free_ring(struct shmring_bridge *b, struct flow *f)
{
	unwatch(b, shmring_pollfd(f->ring, f->edge).fd);
	shmring_free(f->ring);
	f->ring = NULL;
}

/* A file that is one fd for both directions stays open until the bridge goes. */
static void close_fd(struct shmring_bridge *b, int *fd, int *other)
{
	if (*fd == *other)
		return;
	unwatch(b, *fd);
	close(*fd);
	*fd = -1;
}

/* Nothing more is read: the ring's consumer is told, or has gone itself. */
static void end_from(struct shmring_bridge *b, int error)
{
	b->from.stats.ended = 1;
	b->from.stats.error = error;
	free_ring(b, &b->from);
	if (b->read_fd < 0)
		return;
	if (b->read_socket)
		shutdown(b->read_fd, SHUT_RD);
	close_fd(b, &b->read_fd, &b->write_fd);
}

/* Nothing more is written: the file is told, or has failed itself. */
static void end_to(struct shmring_bridge *b, int error)
{
	b->to.stats.ended = 1;
	b->to.stats.error = error;
	free_ring(b, &b->to);
	if (b->write_socket)
		shutdown(b->write_fd, SHUT_WR);
	close_fd(b, &b->write_fd, &b->read_fd);
}

/* The first @limit bytes of two spans; returns how many spans that makes. */
static int spans_limit(struct iovec v[2], size_t limit)
{
	if (v[0].iov_len > limit)
		v[0].iov_len = limit;
	if (v[1].iov_len > limit - v[0].iov_len)
		v[1].iov_len = limit - v[0].iov_len;
	return v[1].iov_len ? 2 : 1;
}

/* A socket's peer may have gone: no signal for that. */
static ssize_t write_spans(struct shmring_bridge *b, struct iovec *v, int n)
{
	struct msghdr msg = { .msg_iov = v, .msg_iovlen = (size_t)n };

	if (b->write_socket)
		return sendmsg(b->write_fd, &msg, MSG_NOSIGNAL);
	return writev(b->write_fd, v, n);
}

/*
 * One piece from the file.  Bytes that were moved; 0: blocked, ended, or only
 * to be tried again.
 */
static size_t step_from(struct shmring_bridge *b, size_t limit)
{
	struct flow *f = &b->from;
	struct iovec v[2];
	ssize_t n;
	int rc;

	if (!shmring_write_acquire(f->ring, v)) {
		rc = shmring_arm_writable(f->ring);
		if (rc < 0)
			end_from(b, rc);
		else if (!rc)
			f->blocked = FROM_RING;
		return 0;
	}
	n = readv(b->read_fd, v, spans_limit(v, limit));
	if (n > 0) {
		rc = shmring_write_commit(f->ring, (size_t)n);
		if (rc)
			end_from(b, rc);
		return rc ? 0 : (size_t)n;
	}
	if (!n || (errno == EIO && b->tty))
		end_from(b, 0);
	else if (errno == EAGAIN)
		f->blocked = READ_FD;
	else if (errno != EINTR)
		end_from(b, -errno);
	return 0;
}

/* One piece to the file, likewise. */
static size_t step_to(struct shmring_bridge *b, size_t limit)
{
	struct flow *f = &b->to;
	struct iovec v[2];
	ssize_t n;
	int rc;

	if (!shmring_read_acquire(f->ring, v)) {
		rc = shmring_arm_readable(f->ring);
		if (rc < 0)
			end_to(b, rc == -EPIPE ? 0 : rc);
		else if (!rc)
			f->blocked = TO_RING;
		return 0;
	}
	n = write_spans(b, v, spans_limit(v, limit));
	if (n >= 0) {
		rc = shmring_read_release(f->ring, (size_t)n);
		if (rc)
			end_to(b, rc);
		return rc ? 0 : (size_t)n;
	}
	if (errno == EAGAIN)
		f->blocked = WRITE_FD;
	else if (errno != EINTR)
		end_to(b, -errno);
	return 0;
}

/*
 * Until blocked, ended or out of budget.  A step that moves nothing costs one of
 * a few tries, so that no peer's comings and goings make it endless.
 *
 * Return: not 0 if there is more to do.
 */
static int run_flow(struct shmring_bridge *b, struct flow *f,
		    size_t (*step)(struct shmring_bridge *b, size_t limit))
{
	size_t moved = 0, n;
	int tries = 16;

	while (f->ring && !f->blocked && moved < b->budget && tries) {
		n = step(b, b->budget - moved);
		moved += n;
		tries -= !n;
	}
	if (moved) {
		f->stats.bytes += moved;
		f->stats.passes++;
		if (moved > f->stats.most)
			f->stats.most = moved;
	}
	return f->ring && !f->blocked;
}

/* A ring's other end may go while we wait for the file. */
static int ring_deserted(const struct flow *f)
{
	int status = shmring_status(f->ring);

	return status < 0 ? status : 0;
}

static void handle(struct shmring_bridge *b, const struct epoll_event *event)
{
	unsigned int source = event->data.u32;
	int status;

	if (b->from.blocked & source)
		b->from.blocked = 0;
	if (b->to.blocked & source)
		b->to.blocked = 0;
	if (source == FROM_RING && b->from.ring) {
		status = ring_deserted(&b->from);
		if (status)
			end_from(b, status);
	}
	/* Nobody will read what we have not even got yet. */
	if (source & WRITE_FD && event->events & (EPOLLERR | EPOLLHUP) &&
	    b->to.ring)
		end_to(b, -EPIPE);
}

/**
 * shmring_bridge_pass - move what can be moved, up to a budget
 * @b: the bridge
 *
 * Context: one thread at a time; never blocks, if the files do not.
 * Return: 1 there is more to do: call it again; 0 now wait for
 * shmring_bridge_fd(); -EPIPE both directions have ended, see
 * shmring_bridge_stats().
 */
int shmring_bridge_pass(struct shmring_bridge *b)
{
	struct epoll_event events[4];
	int i, n, more;

	n = epoll_wait(b->epoll, events, 4, 0);
	for (i = 0; i < n; i++)
		handle(b, &events[i]);
	more = run_flow(b, &b->from, step_from);
	more |= run_flow(b, &b->to, step_to);
	if (!b->from.ring && !b->to.ring)
		return -EPIPE;
	return more;
}

/* The first thing that went wrong, if any did. */
static int outcome(const struct shmring_bridge *b)
{
	return b->from.stats.error ? b->from.stats.error : b->to.stats.error;
}

/**
 * shmring_bridge_run - pass after pass, and sleep in between
 * @b: the bridge
 * @cancel_fd: ends it when it is readable; never read from; -1: none
 * @timeout: how long at most; NULL: for ever
 *
 * What was not moved yet stays where it is; it can be called again.
 *
 * Context: one thread at a time; sleeps.
 * Return: 0 both directions have ended well; what has ended one of them
 * otherwise, once both have; -ECANCELED, -ETIMEDOUT, -EINTR; -EBADF
 * @cancel_fd is not open; -EINVAL not a time.
 */
int shmring_bridge_run(struct shmring_bridge *b, int cancel_fd,
		       const struct timespec *timeout)
{
	struct pollfd fds[2] = {
		{ .fd = b->epoll, .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	int64_t deadline;
	struct timespec left;
	int rc, n;

	rc = deadline_of(timeout, &deadline);
	if (rc)
		return rc;
	for (;;) {
		rc = shmring_bridge_pass(b);
		if (rc < 0)
			return outcome(b);
		/* A look at the other fd is due even if there is more to do. */
		n = ppoll(fds, 2, time_left(rc ? 0 : deadline, &left), NULL);
		if (n < 0)
			return -errno;
		if (fds[1].revents)
			return fds[1].revents & POLLNVAL ? -EBADF : -ECANCELED;
		if (deadline_passed(deadline))
			return -ETIMEDOUT;
	}
}

/* @was: what the file's flags were; -1: not known, and not changed */
static int set_nonblocking(int fd, int *was)
{
	*was = fcntl(fd, F_GETFL);
	if (*was < 0)
		return -errno;
	if (fcntl(fd, F_SETFL, *was | O_NONBLOCK)) {
		*was = -1;
		return -errno;
	}
	return 0;
}

static int watch_all(struct shmring_bridge *b)
{
	int err;

	if (b->read_fd == b->write_fd) {
		err = watch(b, b->read_fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP,
			    READ_FD | WRITE_FD);
	} else {
		err = watch(b, b->read_fd, EPOLLIN | EPOLLRDHUP, READ_FD);
		if (!err)
			err = watch(b, b->write_fd, EPOLLOUT, WRITE_FD);
	}
	if (!err)
		err = watch_ring(b, &b->from, FROM_RING);
	if (!err)
		err = watch_ring(b, &b->to, TO_RING);
	return err;
}

/**
 * shmring_bridge_new - join a file and two rings
 * @read_fd: bytes come from it
 * @write_fd: bytes go to it; may be @read_fd
 * @from: the ring that they go into; its producer's role is held here, and no
 *	other
 * @to: the ring that they come from; its consumer's role is held here, and no
 *	other
 * @options: NULL: as of zeroes
 *
 * The bridge makes the files non-blocking and owns them and both rings from now
 * on, unless it fails: then all is as it was.  A pipe that nobody reads any more
 * raises SIGPIPE, as with write(), unless that is ignored; a socket does not.
 *
 * Return: the bridge; NULL with errno: EINVAL an option, or not these roles;
 * EPERM a file that cannot be waited for; EBADF, EMFILE, ENOMEM.
 */
struct shmring_bridge *
shmring_bridge_new(int read_fd, int write_fd, struct shmring *from,
		   struct shmring *to,
		   const struct shmring_bridge_options *options)
{
	static const struct shmring_bridge_options defaults;
	int i, err, read_was = -1, write_was = -1;
	struct shmring_bridge *b;

	if (!options)
		options = &defaults;
	for (i = 0; i < 7; i++) {
		if (options->reserved[i]) {
			errno = EINVAL;
			return NULL;
		}
	}
	if (shmring_roles(from) != SHMRING_ROLE_PRODUCER ||
	    shmring_roles(to) != SHMRING_ROLE_CONSUMER ||
	    from->producer.role.error == -EBUSY ||
	    to->consumer.role.error == -EBUSY) {
		errno = EINVAL;
		return NULL;
	}
	b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	b->read_fd = read_fd;
	b->write_fd = write_fd;
	b->read_socket = is_socket(read_fd);
	b->write_socket = is_socket(write_fd);
	b->tty = isatty(read_fd);
	b->budget = options->budget ? options->budget : SHMRING_BRIDGE_BUDGET;
	b->from.ring = from;
	b->from.edge = SHMRING_WRITABLE;
	b->to.ring = to;
	b->to.edge = SHMRING_READABLE;
	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	err = b->epoll < 0 ? -errno : set_nonblocking(read_fd, &read_was);
	if (!err)
		err = set_nonblocking(write_fd, &write_was);
	if (!err)
		err = watch_all(b);
	if (!err)
		return b;
	/* The first one last: both may be one file. */
	if (write_was >= 0)
		fcntl(write_fd, F_SETFL, write_was);
	if (read_was >= 0)
		fcntl(read_fd, F_SETFL, read_was);
	if (b->epoll >= 0)
		close(b->epoll);
	free(b);
	errno = -err;
	return NULL;
}

/**
 * shmring_bridge_free - take a bridge down
 * @b: the bridge; NULL does nothing
 *
 * Frees the rings and closes the files that are still open: both other ends see
 * an end, what was under way in the rings can be read or is lost with them.
 */
void shmring_bridge_free(struct shmring_bridge *b)
{
	if (!b)
		return;
	if (b->from.ring)
		free_ring(b, &b->from);
	if (b->to.ring)
		free_ring(b, &b->to);
	if (b->write_fd >= 0 && b->write_fd != b->read_fd)
		close(b->write_fd);
	if (b->read_fd >= 0)
		close(b->read_fd);
	close(b->epoll);
	free(b);
}

/**
 * shmring_bridge_fd - what to wait for in an event loop
 * @b: the bridge
 *
 * Return: an fd that is readable when shmring_bridge_pass() has something to
 * do, provided that its last call returned 0.  It stays the bridge's.
 */
int shmring_bridge_fd(const struct shmring_bridge *b)
{
	return b->epoll;
}

/**
 * shmring_bridge_stats - what has been moved, and what has ended
 * @b: the bridge
 * @out: filled
 *
 * Context: the bridge's thread.
 */
void shmring_bridge_stats(const struct shmring_bridge *b,
			  struct shmring_bridge_stats *out)
{
	out->from = b->from.stats;
	out->to = b->to.stats;
}
