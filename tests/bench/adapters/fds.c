// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel has: pipes, sockets, message queues, eventfds, futexes */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "loops.h"

enum way { PIPE, PIPE_1M, UNIX, MQ, EVENTFD, FUTEX };

struct end {
	int to;
	int from;
	uint32_t *word_to;
	uint32_t *word_from;
	uint32_t seen;
	void *pattern;
	void *buffer;
};

struct state {
	struct end end[2] __attribute__((aligned(BENCH_LINE)));
	uint32_t word[2][BENCH_LINE / 4] __attribute__((aligned(BENCH_LINE)));
};

static struct end *fd_p(struct bench_run *run)
{
	return &((struct state *)run->state)->end[0];
}

static struct end *fd_c(struct bench_run *run)
{
	return &((struct state *)run->state)->end[1];
}

/* --- Anything with read() and write(); items are one more, as eventfds want */

static inline bool fd_push(struct end *e, uint64_t item)
{
	item++;
	return write(e->to, &item, sizeof(item)) == sizeof(item);
}

static inline bool fd_pop(struct end *e, uint64_t *item)
{
	bool came = read(e->from, item, sizeof(*item)) == sizeof(*item);

	(*item)--;
	return came;
}

static inline size_t fd_send(struct end *e, const void *from, size_t n)
{
	ssize_t done = write(e->to, from, n);

	return done < 0 ? 0 : (size_t)done;
}

static inline size_t fd_receive(struct end *e, void *to, size_t n)
{
	ssize_t done = read(e->from, to, n);

	return done < 0 ? 0 : (size_t)done;
}

BENCH_BYTE_LOOPS(fd, struct end, struct end)
BENCH_TRIP_LOOPS(fd, struct end)

/* --- Message queues */

#define mq_p fd_p
#define mq_c fd_c

static inline bool mq_push(struct end *e, uint64_t item)
{
	return !mq_send(e->to, (const char *)&item, sizeof(item), 0);
}

static inline bool mq_pop(struct end *e, uint64_t *item)
{
	return mq_receive(e->from, (char *)item, sizeof(*item), NULL) == sizeof(*item);
}

/* mq_send() and mq_receive() are taken */
static inline size_t message_send(struct end *e, const void *from, size_t n)
{
	return mq_send(e->to, from, n, 0) ? 0 : n;
}

static inline size_t message_receive(struct end *e, void *to, size_t n)
{
	ssize_t done = mq_receive(e->from, to, n, NULL);

	return done < 0 ? 0 : (size_t)done;
}

#define message_p fd_p
#define message_c fd_c
BENCH_BYTE_LOOPS(message, struct end, struct end)
BENCH_TRIP_LOOPS(mq, struct end)

static int mq_make(struct bench_run *run)
{
	/* Ten are what an unprivileged process may have. */
	struct mq_attr attributes = {
		.mq_maxmsg = 10,
		.mq_msgsize = run->kind == BENCH_STREAM ? run->size : 8,
	};
	struct rlimit unlimited = { RLIM_INFINITY, RLIM_INFINITY };
	char name[64];
	int fd;

	setrlimit(RLIMIT_MSGQUEUE, &unlimited);
	snprintf(name, sizeof(name), "/shmring-bench-%d", getpid());
	fd = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
	if (fd >= 0)
		mq_unlink(name);
	return fd;
}

/* --- Futexes */

static inline bool futex_push(struct end *e, uint64_t item)
{
	__atomic_store_n(e->word_to, (uint32_t)item + 1, __ATOMIC_RELEASE);
	syscall(SYS_futex, e->word_to, FUTEX_WAKE, 1, NULL, NULL, 0);
	return true;
}

static inline bool futex_pop(struct end *e, uint64_t *item)
{
	uint32_t word;

	while ((word = __atomic_load_n(e->word_from, __ATOMIC_ACQUIRE)) == e->seen)
		syscall(SYS_futex, e->word_from, FUTEX_WAIT, e->seen, NULL, NULL, 0);
	e->seen = word;
	*item = word - 1;
	return true;
}

#define futex_p fd_p
#define futex_c fd_c
BENCH_TRIP_LOOPS(futex, struct end)

/* --- Making them */

/* One direction: fds[0] is read, fds[1] is written. 0 or -errno */
static int make(struct bench_run *run, int fds[2])
{
	int err = 0;

	switch ((enum way)run->variant) {
	case PIPE:
		err = pipe2(fds, O_CLOEXEC);
		break;
	case PIPE_1M:
		err = pipe2(fds, O_CLOEXEC);
		if (!err && fcntl(fds[1], F_SETPIPE_SZ, 1 << 20) < 0)
			return -EOPNOTSUPP;
		break;
	case UNIX:
		err = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds);
		break;
	case MQ:
		fds[0] = mq_make(run);
		fds[1] = fds[0];
		if (fds[0] < 0)
			return -EOPNOTSUPP;
		break;
	case EVENTFD:
		fds[0] = eventfd(0, EFD_CLOEXEC);
		fds[1] = fds[0];
		break;
	case FUTEX:
		return 0;
	}
	return err || fds[0] < 0 ? -errno : 0;
}

static int fd_setup(struct bench_run *run)
{
	struct state *s = bench_shared(sizeof(*s));
	int fds[2] = { -1, -1 }, i, err;

	run->state = s;
	if (!s)
		return -ENOMEM;
	for (i = 0; i < 2; i++) {
		err = make(run, fds);
		if (err)
			return err;
		s->end[i].to = fds[1];
		s->end[!i].from = fds[0];
		s->end[i].word_to = s->word[i];
		s->end[!i].word_from = s->word[i];
	}
	if (run->kind != BENCH_STREAM)
		return 0;
	s->end[0].pattern = bench_pattern(run->size);
	s->end[1].buffer = bench_shared(run->size);
	return s->end[0].pattern && s->end[1].buffer ? 0 : -ENOMEM;
}

/* The process ends, and its descriptors with it. */
static void fd_teardown(struct bench_run *run)
{
	struct state *s = run->state;

	bench_unpattern(s->end[0].pattern, run->size);
	bench_unshare(s->end[1].buffer, run->size);
	bench_unshare(s, sizeof(*s));
}

#define ROW(n, k, v, loops) { \
	.name = n, .kind = k, .variant = v, .flags = BENCH_FORK, \
	.setup = fd_setup, .teardown = fd_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW("pipe", BENCH_STREAM, PIPE, fd_byte),
	ROW("pipe-1M", BENCH_STREAM, PIPE_1M, fd_byte),
	ROW("unix", BENCH_STREAM, UNIX, fd_byte),
	ROW("mq", BENCH_STREAM, MQ, message_byte),
	ROW("pipe", BENCH_TRIP_SLEEP, PIPE, fd_trip),
	ROW("unix", BENCH_TRIP_SLEEP, UNIX, fd_trip),
	ROW("mq", BENCH_TRIP_SLEEP, MQ, mq_trip),
	ROW("eventfd", BENCH_TRIP_SLEEP, EVENTFD, fd_trip),
	ROW("futex", BENCH_TRIP_SLEEP, FUTEX, futex_trip),
	{ .name = NULL }
};
