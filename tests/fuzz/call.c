// SPDX-License-Identifier: GPL-2.0-only
/* All calls on files but ioctl and mmap */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/shmring.h>

#include "../device/send.h"
#include "fuzz.h"

/* Of read, write and splice alike; EINVAL where a mapping or a pipe is no use */
static const int move_errors[] = {
	EAGAIN, EACCES, ENOTCONN, EBADMSG, EPIPE, EFAULT, EINTR, EINVAL, 0
};

#define JUDGE(t, ret, ...)						\
	fuzz_judge(t, (ret) < 0 ? -errno : 0, (const int []) { __VA_ARGS__, 0 })

/* A file with a number that nobody closes, for a moment */
static int fresh(struct fuzz_thread *t)
{
	static const int modes[] = {
		O_RDWR, O_RDWR, O_RDWR, O_RDWR, O_RDWR | O_NONBLOCK,
		O_RDWR | O_NONBLOCK, O_RDONLY, O_WRONLY,
	};
	int fd;

	t->what = "open";
	fd = open(SHMRING_DEVICE, modes[fuzz_below(t, 8)] | O_CLOEXEC);
	JUDGE(t, fd, ENOMEM, EINTR);
	return fd;
}

/* To one of the numbers; what has it is closed */
static void place(struct fuzz_thread *t, int fd)
{
	if (fd < 0)
		return;
	t->what = "dup3";
	/* EBUSY: another thread is just opening that number */
	JUDGE(t, dup3(fd, fuzz_file(t), O_CLOEXEC), EBUSY, EINTR);
	close(fd);
}

static void replace(struct fuzz_thread *t)
{
	place(t, fresh(t));
}

static void close_one(struct fuzz_thread *t)
{
	t->what = "close";
	JUDGE(t, close(fuzz_file(t)), EINTR);
}

static void duplicate(struct fuzz_thread *t)
{
	t->what = "dup";
	place(t, dup(fuzz_file(t)));
}

static void set_flags(struct fuzz_thread *t)
{
	t->what = "fcntl";
	JUDGE(t, fcntl(fuzz_file(t), F_SETFL, fuzz_chance(t, 2) ? O_NONBLOCK : 0),
	      EINVAL);
}

/* Bytes, most of the time; more than there are; or none at all */
static struct iovec room(struct fuzz_thread *t)
{
	struct iovec v = { .iov_base = t->buffer };

	switch (fuzz_below(t, 16)) {
	case 0:
		v.iov_base = NULL;
		v.iov_len = fuzz_below(t, 4096);
		break;
	case 1:
		v.iov_base = (void *)fuzz_random(t);
		v.iov_len = fuzz_number(t) >> 1;
		break;
	case 2:		/* into what is not accessible */
		v.iov_base = t->buffer + FUZZ_BUFFER - fuzz_below(t, 4096);
		v.iov_len = 8192;
		break;
	case 3:
		v.iov_len = fuzz_below(t, FUZZ_BUFFER);
		break;
	default:
		v.iov_len = fuzz_below(t, 256);
	}
	return v;
}

static void move(struct fuzz_thread *t)
{
	struct iovec v[2] = { room(t), room(t) };
	int fd = fuzz_file(t);
	ssize_t ret;

	switch (fuzz_below(t, 4)) {
	case 0:
		t->what = "read";
		ret = read(fd, v->iov_base, v->iov_len);
		break;
	case 1:
		t->what = "write";
		ret = write(fd, v->iov_base, v->iov_len);
		break;
	case 2:
		t->what = "readv";
		ret = readv(fd, v, 2);
		break;
	default:
		t->what = "writev";
		ret = writev(fd, v, 2);
	}
	if (fuzz_judge(t, ret < 0 ? -errno : ret, move_errors) &&
	    ret > SHMRING_CAPACITY_MAX)
		fuzz_fail(t, "%s: %zd bytes", t->what, ret);
}

static void through_a_pipe(struct fuzz_thread *t)
{
	unsigned int flags = fuzz_chance(t, 2) ? SPLICE_F_NONBLOCK : 0;
	size_t n = fuzz_chance(t, 4) ? fuzz_number(t) >> 1 : fuzz_below(t, 8192);
	int fd = fuzz_file(t);
	ssize_t ret;

	t->what = "splice";
	if (fuzz_chance(t, 3)) {
		t->what = "sendfile";
		ret = sendfile(t->pipe[1], fd, NULL, n);
	} else if (fuzz_chance(t, 2)) {
		ret = splice(fd, NULL, t->pipe[1], NULL, n, flags);
	} else {
		if (fuzz_chance(t, 2) &&
		    write(t->pipe[1], t->buffer, fuzz_below(t, 4096)) < 0)
			return;
		ret = splice(t->pipe[0], NULL, fd, NULL, n, flags);
	}
	if (ret < 0 && (errno == ENOMEM || errno == ESPIPE))
		return;
	fuzz_judge(t, ret < 0 ? -errno : ret, move_errors);
}

static void seek(struct fuzz_thread *t)
{
	t->what = "lseek";
	if (JUDGE(t, lseek(fuzz_file(t), (off_t)fuzz_number(t), SEEK_SET),
		  ESPIPE, EINVAL))
		fuzz_fail(t, "lseek: there is no place to go");
	t->what = "pread";
	if (JUDGE(t, pread(fuzz_file(t), t->buffer, 1, 0), ESPIPE))
		fuzz_fail(t, "pread: there is no place to read from");
	t->what = "fsync";
	JUDGE(t, fsync(fuzz_file(t)), EINVAL);
	t->what = "ftruncate";
	JUDGE(t, ftruncate(fuzz_file(t), 4096), EINVAL);
	t->what = "fallocate";
	JUDGE(t, fallocate(fuzz_file(t), 0, 0, 4096), EINVAL, ENODEV, ESPIPE);
}

static void look(struct fuzz_thread *t)
{
	struct pollfd fds[3];
	int i, n;

	for (i = 0; i < 3; i++) {
		fds[i].fd = fuzz_file(t);
		fds[i].events = (short)fuzz_random(t);
	}
	t->what = "poll";
	n = poll(fds, 1 + fuzz_below(t, 3), (int)fuzz_below(t, 3));
	JUDGE(t, n, EINTR);
}

static void look_by_epoll(struct fuzz_thread *t)
{
	struct epoll_event event = { .events = (uint32_t)fuzz_random(t) };
	struct epoll_event out[8];

	t->what = "epoll_ctl";
	JUDGE(t, epoll_ctl(t->epoll, 1 + (int)fuzz_below(t, 3), fuzz_file(t),
			   &event), EEXIST, ENOENT, EINVAL, ENOMEM, ENOSPC);
	t->what = "epoll_wait";
	JUDGE(t, epoll_wait(t->epoll, out, 8, (int)fuzz_below(t, 2)), EINTR);
}

/* By a socket: taken out and put to another number, or lost on the way */
static void pass(struct fuzz_thread *t)
{
	int sockets[2], fd;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets))
		return;
	t->what = "sendmsg";
	if (JUDGE(t, send_fd(sockets[0], fuzz_file(t)), ENOBUFS, EINTR,
		  ETOOMANYREFS) && fuzz_chance(t, 2)) {
		t->what = "recvmsg";
		fd = receive_fd(sockets[1]);
		if (fd == -EMFILE || JUDGE(t, fd, EINTR))
			place(t, fd);
	}
	close(sockets[0]);
	close(sockets[1]);
}

/* A child with all files and no mapping, which goes by itself or is killed */
static void in_a_child(struct fuzz_thread *t)
{
	const struct itimerval soon = { { 0, 5000 }, { 0, 5000 } };
	unsigned int calls = (unsigned int)fuzz_below(t, 40);
	bool killed = fuzz_chance(t, 2);
	int status;
	pid_t pid;

	if (t->is_child || !fuzz_chance(t, 16))
		return;
	t->what = "fork";
	pid = fork();
	if (!pid) {
		t->is_child = true;
		memset(t->maps, 0, sizeof(t->maps));
		/* So that nothing is waited for without end */
		setitimer(ITIMER_REAL, &soon, NULL);
		while (calls-- || killed)
			fuzz_once(t);
		_exit(0);
	}
	if (!JUDGE(t, pid, EAGAIN, ENOMEM))
		return;
	if (killed) {
		usleep((useconds_t)fuzz_below(t, 5000));
		kill(pid, SIGKILL);
	}
	t->what = "a child";
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && !(killed && WTERMSIG(status) == SIGKILL))
		fuzz_fail(t, "a child was killed by signal %d", WTERMSIG(status));
}

void fuzz_call(struct fuzz_thread *t)
{
	static void (*const calls[])(struct fuzz_thread *t) = {
		replace, replace, close_one, duplicate, set_flags, move, move,
		move, move, through_a_pipe, seek, look, look_by_epoll, pass,
		in_a_child,
	};

	calls[fuzz_below(t, sizeof(calls) / sizeof(calls[0]))](t);
}
