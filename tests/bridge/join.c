// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include "join.h"

#define PIECE	3000

static int tcp_pair(int fd[2])
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t length = sizeof(at);
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = -EIO;

	fd[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (!bind(server, (struct sockaddr *)&at, length) &&
	    !listen(server, 1) &&
	    !getsockname(server, (struct sockaddr *)&at, &length) &&
	    !connect(fd[0], (struct sockaddr *)&at, length)) {
		fd[1] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		err = fd[1] < 0 ? -errno : 0;
	} else {
		err = -errno;
	}
	close(server);
	return err;
}

static int pty_pair(int fd[2])
{
	struct termios raw;

	memset(&raw, 0, sizeof(raw));
	cfmakeraw(&raw);
	raw.c_cflag |= CREAD | CS8;
	raw.c_cc[VMIN] = 1;
	return openpty(&fd[0], &fd[1], NULL, &raw, NULL) ? -errno : 0;
}

static int files_open(struct join *j)
{
	int pair[2], other[2], err;

	switch (j->file) {
	case JOIN_SOCKET:
		err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) ?
		      -errno : 0;
		break;
	case JOIN_TCP:
		err = tcp_pair(pair);
		break;
	case JOIN_PTY:
		err = pty_pair(pair);
		break;
	default:
		if (pipe2(pair, O_CLOEXEC) || pipe2(other, O_CLOEXEC))
			return -errno;
		j->fd[0] = pair[0];
		j->peer[1] = pair[1];
		j->peer[0] = other[0];
		j->fd[1] = other[1];
		return 0;
	}
	if (err)
		return err;
	j->fd[0] = pair[0];
	j->fd[1] = pair[0];
	j->peer[0] = pair[1];
	j->peer[1] = dup(pair[1]);
	return j->peer[1] < 0 ? -errno : 0;
}

int join_open(struct join *j, enum join_file file, uint32_t backend,
	      uint32_t capacity)
{
	int err;

	memset(j, 0, sizeof(*j));
	j->file = file;
	err = files_open(j);
	if (!err)
		err = ends_open(&j->up, backend, capacity, 0);
	if (!err)
		err = ends_open(&j->down, backend, capacity, 0);
	return err;
}

void join_peer_close(struct join *j)
{
	int i;

	for (i = 0; i < 2; i++) {
		if (j->peer[i] >= 0)
			close(j->peer[i]);
		j->peer[i] = -1;
	}
}

void join_peer_end(struct join *j)
{
	if (j->file == JOIN_PIPES) {
		close(j->peer[1]);
		j->peer[1] = -1;
	} else if (j->file != JOIN_PTY) {
		shutdown(j->peer[1], SHUT_WR);
	}
}

void join_close(struct join *j)
{
	join_peer_close(j);
	shmring_free(j->down.out);
	shmring_free(j->up.in);
}

static size_t piece(struct mover *m)
{
	return 1 + random_next(&m->seed) % PIECE;
}

void *file_writer(void *arg)
{
	unsigned char buf[PIECE];
	struct mover *m = arg;
	size_t n;
	ssize_t rc;

	while (m->pos < m->total) {
		n = piece(m);
		if (n > m->total - m->pos)
			n = m->total - m->pos;
		pattern_fill(buf, m->pos, n);
		rc = write(m->j->peer[1], buf, n);
		if (rc < 0) {
			m->rc = -errno;
			return NULL;
		}
		m->pos += rc;
	}
	join_peer_end(m->j);
	return NULL;
}

/* A pty says EIO where others say 0. */
void *file_reader(void *arg)
{
	unsigned char buf[PIECE];
	struct mover *m = arg;
	ssize_t rc;

	while (m->j->file != JOIN_PTY || m->pos < m->total) {
		rc = read(m->j->peer[0], buf, piece(m));
		if (rc <= 0) {
			m->rc = rc && errno != EIO ? -errno : 0;
			return NULL;
		}
		if (pattern_check(buf, m->pos, rc) != (size_t)rc)
			m->wrong = true;
		m->pos += rc;
	}
	return NULL;
}

void *ring_writer(void *arg)
{
	unsigned char buf[PIECE];
	struct mover *m = arg;
	size_t n;
	ssize_t rc;

	while (m->pos < m->total) {
		n = piece(m);
		if (n > m->total - m->pos)
			n = m->total - m->pos;
		pattern_fill(buf, m->pos, n);
		rc = shmring_write_all(m->j->down.out, buf, n, ms(SOON_MS));
		if (rc < 0) {
			m->rc = rc;
			break;
		}
		m->pos += rc;
	}
	shmring_free(m->j->down.out);
	m->j->down.out = NULL;
	return NULL;
}

void *ring_reader(void *arg)
{
	unsigned char buf[PIECE];
	struct mover *m = arg;
	ssize_t rc;

	for (;;) {
		rc = shmring_read_some(m->j->up.in, buf, piece(m), ms(SOON_MS));
		if (rc <= 0) {
			m->rc = rc;
			return NULL;
		}
		if (pattern_check(buf, m->pos, rc) != (size_t)rc)
			m->wrong = true;
		/* The test may look how far it is. */
		__atomic_store_n(&m->pos, m->pos + rc, __ATOMIC_RELAXED);
	}
}
