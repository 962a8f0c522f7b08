// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each of the two processes does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "hunt.h"

static int fail(struct hunt_end *e, const char *what, int error)
{
	struct hunt_report *r = e->report;

	r->error_at = e->pos;
	snprintf(r->error_what, sizeof(r->error_what), "%s", what);
	r->error = error;
	return error;
}

/* The watcher takes whoever is between these two for asleep. */
static void wait_begins(struct hunt_end *e)
{
	e->report->waits++;
	__atomic_store_n(&e->report->calls, e->report->calls + 1,
			 __ATOMIC_RELEASE);
}

static void wait_ends(struct hunt_end *e)
{
	__atomic_store_n(&e->report->calls, e->report->calls + 1,
			 __ATOMIC_RELEASE);
}

/*
 * Move by a way that waits and moves in one; 0: the peer has gone.  It may be
 * interrupted after a loss, and then not say what it has moved before.
 */
static ssize_t move_in_one(struct hunt_end *e, void *buf, size_t n)
{
	ssize_t moved;

	do {
		wait_begins(e);
		moved = e->hunt->way->move(e, buf, n);
		wait_ends(e);
		if (moved == -EINTR)
			moved = e->hunt->kind->position(e) - e->pos;
		else if (!moved || moved == -EPIPE)
			return 0;
	} while (!moved);
	return moved;
}

/*
 * Move what can be moved, and wait if that is less than the threshold.  A way
 * that reports edges is called with nothing left only, or with as little.
 */
static ssize_t move_or_wait(struct hunt_end *e, void *buf, size_t n)
{
	const struct hunt_ring *kind = e->hunt->kind;
	ssize_t moved;
	int err;

	for (;;) {
		moved = 0;
		if (e->gone || e->hunt->min == 1 ||
		    kind->credit(e) >= e->hunt->min)
			moved = kind->move(e, buf, n);
		if (moved || e->gone)
			return moved;
		/* Once more after this: its last bytes precede its going. */
		e->gone = kind->ended(e);
		if (e->gone)
			continue;
		wait_begins(e);
		err = e->hunt->way->wait(e);
		wait_ends(e);
		if (err && err != -EINTR && err != -EPIPE)
			return fail(e, "wait", err);
	}
}

static ssize_t move(struct hunt_end *e, void *buf, size_t n)
{
	ssize_t moved;

	moved = e->hunt->way->move ? move_in_one(e, buf, n) :
				     move_or_wait(e, buf, n);
	if (moved < 0 && !e->report->error)
		return fail(e, "move", (int)moved);
	if ((size_t)moved > n)
		return fail(e, "moved more than was asked for", -EOVERFLOW);
	return moved;
}

static int produce(struct hunt_end *e)
{
	size_t n = 0;
	ssize_t moved;

	while (e->report->moves < e->hunt->commits) {
		/* What did not fit in goes on, unless fate wants else. */
		if (!n)
			n = hunt_size(e);
		moved = move(e, hunt_pattern(e->pos), n);
		if (moved < 0)
			return (int)moved;
		if (!moved)
			return fail(e, "the consumer has gone", -EPIPE);
		e->pos += moved;
		n -= moved;
		e->report->moves++;
		hunt_pause(e);
	}
	return 0;
}

static int consume(struct hunt_end *e)
{
	unsigned char buf[HUNT_CAPACITY_MAX];
	ssize_t moved;

	for (;;) {
		moved = move(e, buf, hunt_size(e));
		if (moved <= 0)
			return (int)moved;
		if (memcmp(buf, hunt_pattern(e->pos), moved))
			return fail(e, "a wrong byte", -EILSEQ);
		e->pos += moved;
		e->report->moves++;
		hunt_pause(e);
	}
}

/* The watcher's signal: its sleeper gets an EINTR. */
static void interrupted(int signal)
{
	(void)signal;
}

/* One end to each of two CPUs, if there are two. */
static void pin(enum hunt_role role)
{
	cpu_set_t allowed, one;
	int cpu, nth = role;

	if (sched_getaffinity(0, sizeof(allowed), &allowed) ||
	    CPU_COUNT(&allowed) < HUNT_ROLES)
		return;
	CPU_ZERO(&one);
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &allowed) || nth--)
			continue;
		CPU_SET(cpu, &one);
		break;
	}
	sched_setaffinity(0, sizeof(one), &one);
}

/* hunt_end_run - be an end of @h until all is sent; 0 or a negative errno */
int hunt_end_run(struct hunt *h, enum hunt_role role)
{
	struct sigaction action = { .sa_handler = interrupted };
	struct hunt_end e = {
		.hunt = h,
		.role = role,
		.report = &h->reports[role],
		.random = (h->seed ^ h->capacity) * 2 + role + 1,
		.fd = -1,
	};
	struct rusage usage;
	int err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (h->apart)
		pin(role);
	sigaction(SIGUSR1, &action, NULL);

	err = h->kind->run ? h->kind->run(&e) : 1;
	if (err <= 0)
		return err ? fail(&e, "run", err) : 0;
	err = h->kind->join(&e);
	if (err)
		return fail(&e, "join", err);
	if (h->way->init)
		err = h->way->init(&e);
	if (err)
		return fail(&e, "init", err);
	err = role == HUNT_PRODUCER ? produce(&e) : consume(&e);
	if (h->way->fini)
		h->way->fini(&e);
	h->kind->leave(&e);

	getrusage(RUSAGE_SELF, &usage);
	e.report->sleeps = usage.ru_nvcsw;
	return err;
}
