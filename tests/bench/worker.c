// SPDX-License-Identifier: GPL-2.0-only
/*
 * One measurement, in a process of its own
 *
 * So nothing that an adapter leaves behind disturbs the next one, and one that
 * crashes, or waits for ever for what got lost, is a row that failed and not the
 * end of all.
 *
 * Both sides are pinned to a CPU each, measure the cache line, run until it is
 * known how many items a measurement takes, and meet before and after each step.
 */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine.h"

/*
 * Of the sides; the parent's is above, to stop one that hangs. Others who spin
 * at the common 50 give way: two pairs of equals would each hold a CPU for ever.
 */
#define PRIORITY	70

/**
 * struct shared - what the worker's sides and the parent share
 * @line: one for each time
 * @side: their own
 * @carrier: between them
 * @arrived: sides that have come to a meeting, over all meetings
 * @n: items of the next step; whoever says it is the producer
 * @begin: when each side began the last step
 * @end: when it ended it
 * @line_ns: round trips of the line, before and after
 * @ns: that the timed step took
 * @timed: items that it had
 * @fifo: the side got SCHED_FIFO
 * @error: -errno
 * @ready: setup() is over
 * @done: all is over
 */
struct shared {
	struct line line[2];
	struct bench_side side[2];
	struct bench_carrier carrier;
	uint64_t arrived __attribute__((aligned(BENCH_LINE)));
	uint64_t n __attribute__((aligned(BENCH_LINE)));
	uint64_t begin[2];
	uint64_t end[2];
	double line_ns[2];
	double ns;
	uint64_t timed;
	bool fifo[2];
	int error;
	bool ready;
	bool done;
};

static struct shared *shared;
static struct bench_run run;

static void pin(unsigned int side)
{
	cpu_set_t set;

	if (options.cpus[1] < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(options.cpus[side], &set);
	sched_setaffinity(0, sizeof(set), &set);
	shared->fifo[side] = sched_getscheduler(0) == SCHED_FIFO;
}

/* Wait for the other side. @meetings: how many this side has come to */
static void meet(uint64_t *meetings)
{
	uint64_t all = ++*meetings * run.sides;
	unsigned int tries = 0;

	__atomic_fetch_add(&shared->arrived, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&shared->arrived, __ATOMIC_ACQUIRE) < all) {
		bench_pause();
		if (options.cpus[1] < 0 || ++tries % 65536 == 0)
			sched_yield();
	}
}

static void go(unsigned int side, uint64_t n)
{
	if (side)
		run.adapter->consume(&run, n);
	else
		run.adapter->produce(&run, n);
}

/* Both sides do what the producer has said last. Returns how many items. */
static uint64_t step(unsigned int side, uint64_t *meetings)
{
	uint64_t n;

	meet(meetings);
	n = shared->n;
	shared->begin[side] = bench_now();
	go(side, n);
	shared->end[side] = bench_now();
	meet(meetings);
	return n;
}

/* How long the last step took, from the first side's begin to the last's end */
static double step_ns(void)
{
	uint64_t begin = shared->begin[0], end = shared->end[0];

	if (shared->side[0].own_ns || shared->side[1].own_ns)
		return (double)(shared->side[0].own_ns + shared->side[1].own_ns);
	if (run.sides == 2) {
		if (shared->begin[1] < begin)
			begin = shared->begin[1];
		if (shared->end[1] > end)
			end = shared->end[1];
	}
	return end > begin ? (double)(end - begin) : 1;
}

/* Items that fill all there is, so that no page is new to the timed step */
static uint64_t lap_items(void)
{
	switch (run.kind) {
	case BENCH_ITEMS:
	case BENCH_BATCH:
		return run.capacity;
	case BENCH_BYTES:
	case BENCH_STREAM:
		return run.capacity / run.size;
	default:
		return 0;
	}
}

/* Whole batches, so that nobody has the rest of one to move */
static void say(uint64_t n)
{
	uint64_t whole = run.batch ? run.batch : 1;

	shared->n = (n + whole - 1) / whole * whole;
	shared->side[0].own_ns = 0;
	shared->side[1].own_ns = 0;
}

static void measure_line(unsigned int side, unsigned int which)
{
	if (run.sides < 2)
		return;
	if (side)
		line_pong(&shared->line[which]);
	else
		shared->line_ns[which] = line_ping(&shared->line[which]);
}

/* How many items take as long as a measurement should? */
static uint64_t find_n(unsigned int side, uint64_t *meetings)
{
	const double target = options.ms * 1e6;
	uint64_t n;

	if (!side)
		say(16);
	do {
		n = step(side, meetings);
		if (!side && step_ns() < target / 16)
			say(4 * n);
		meet(meetings);
	} while (shared->n != n);
	return (uint64_t)((double)n * target / step_ns()) + 1;
}

static void drive(unsigned int side)
{
	uint64_t meetings = 0, n;

	pin(side);
	meet(&meetings);
	if (options.items) {
		if (!side)
			say(options.items);
		n = step(side, &meetings);
		if (!side)
			shared->timed = n;
		return;
	}
	measure_line(side, 0);
	n = find_n(side, &meetings);
	meet(&meetings);
	if (!side)
		say(n / 8 > lap_items() ? n / 8 : lap_items());
	step(side, &meetings);
	if (!side)
		say(n);
	n = step(side, &meetings);
	if (!side) {
		shared->timed = n;
		shared->ns = step_ns();
	}
	meet(&meetings);
	measure_line(side, 1);

	if (run.kind < BENCH_TRIP || run.kind > BENCH_TRIP_BLOCK)
		return;
	if (!side) {
		say(n / 8 + 1);
		shared->side[0].lap = 1;
	}
	step(side, &meetings);
}

static void *consumer_thread(void *unused)
{
	(void)unused;
	drive(1);
	return NULL;
}

/* Run the sides; -errno */
static int run_sides(void)
{
	pthread_t thread;
	int status, err;
	pid_t pid;

	if (run.sides < 2) {
		drive(0);
		return 0;
	}
	if (!run.processes) {
		err = pthread_create(&thread, NULL, consumer_thread, NULL);
		if (err)
			return -err;
		drive(0);
		return -pthread_join(thread, NULL);
	}
	pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		drive(1);
		_exit(0);
	}
	drive(0);
	if (waitpid(pid, &status, 0) < 0 || status)
		return -ECHILD;
	return 0;
}

__attribute__((noreturn))
static void worker(const struct bench_case *c, const struct loaded *row)
{
	struct sched_param p = { .sched_priority = PRIORITY };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	if (options.realtime)
		sched_setscheduler(0, SCHED_FIFO, &p);
	run.kind = c->kind;
	run.capacity = c->capacity;
	run.batch = c->batch;
	run.size = c->size;
	run.rings = c->rings;
	run.sides = c->sides;
	run.processes = row->processes;
	run.producer = &shared->side[0];
	run.consumer = &shared->side[1];
	run.carrier = &shared->carrier;
	run.adapter = row->adapter;
	run.variant = row->adapter->variant;
	shared->error = run.adapter->setup(&run);
	if (!shared->error) {
		shared->ready = true;
		shared->error = run_sides();
		run.adapter->teardown(&run);
	}
	shared->done = true;
	_exit(0);
}

/* --- The parent's part */

/*
 * One benchmark at a time on this machine: a name that the kernel gives to one,
 * and takes back from whoever dies.
 */
static int exclude_others(void)
{
	static const struct sockaddr_un name = {
		.sun_family = AF_UNIX, .sun_path = "\0shmring-bench",
	};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	while (fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof(name)) &&
	       errno == EADDRINUSE)
		usleep(5000);
	return fd;
}

/* Returns the worker's status; -ETIMEDOUT, and it has been killed */
static int await(pid_t pid)
{
	struct pollfd p = { .events = POLLIN };
	int status, n;

	p.fd = (int)syscall(SYS_pidfd_open, pid, 0);
	n = poll(&p, 1, (int)options.timeout * 1000);
	/* All of its group, and itself if it has not got so far */
	if (n <= 0) {
		kill(-pid, SIGKILL);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	kill(-pid, SIGKILL);
	close(p.fd);
	return n > 0 ? status : -ETIMEDOUT;
}

/* What there is to complain of, into @why; NULL: nothing */
static bool complain(int status, char *why, size_t size)
{
	const struct bench_side *bad = &shared->side[0];
	int n = 0;

	if (!bad->bad)
		bad = &shared->side[1];
	if (bad->bad) {
		n = snprintf(why, size,
			     "item %llu came as %#llx, and %llu more were wrong",
			     (unsigned long long)bad->bad_at,
			     (unsigned long long)bad->bad_value,
			     (unsigned long long)bad->bad - 1);
		if (n > 0 && (size_t)n < size && status)
			snprintf(why + n, size - (size_t)n, "; then it %s",
				 status < 0 ? "hung" : "died");
	} else if (status == -ETIMEDOUT) {
		snprintf(why, size, "hung for %u seconds%s", options.timeout,
			 shared->ready ? ": an item got lost?" : " in its setup");
	} else if (status < 0) {
		snprintf(why, size, "waitpid: %s", strerror(-status));
	} else if (WIFSIGNALED(status)) {
		snprintf(why, size, "killed by signal %d", WTERMSIG(status));
	} else if (!shared->done) {
		snprintf(why, size, "exit status %d in the midst of it",
			 WEXITSTATUS(status));
	} else if (shared->error == -ECHILD) {
		snprintf(why, size, "the consumer died");
	} else if (shared->error && (shared->ready || shared->error != -EOPNOTSUPP)) {
		snprintf(why, size, "%s: %s", shared->ready ? "run" : "setup",
			 strerror(-shared->error));
	} else {
		return false;
	}
	return true;
}

void measure(const struct bench_case *c, const struct loaded *row,
	     struct measure *m)
{
	int status, turn = options.items ? -1 : exclude_others();
	pid_t pid;

	memset(m, 0, sizeof(*m));
	if (!shared)
		shared = bench_shared(sizeof(*shared));
	if (!shared) {
		perror("mmap");
		exit(1);
	}
	memset(shared, 0, sizeof(*shared));
	fflush(NULL);
	pid = fork();
	if (!pid)
		worker(c, row);
	status = pid < 0 ? -errno : await(pid);

	m->outcome = OUTCOME_OK;
	if (complain(status, m->why, sizeof(m->why)))
		m->outcome = OUTCOME_FAILED;
	else if (shared->error == -EOPNOTSUPP)
		m->outcome = OUTCOME_ABSENT;
	m->n = shared->timed;
	m->ns = shared->ns;
	m->before = shared->line_ns[0];
	m->after = shared->line_ns[1];
	m->state = line_state(m->before, m->after);
	m->realtime = shared->fifo[0] && (c->sides < 2 || shared->fifo[1]);
	memcpy(m->laps, shared->side[0].laps, sizeof(m->laps));
	if (turn >= 0)
		close(turn);
}
