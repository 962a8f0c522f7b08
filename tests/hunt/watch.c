// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who sleeps although what it waits for is there?
 *
 * The ends sleep without a timeout of their own: nothing but a wake-up, or the
 * signal that is sent here after a loss, gets them going.  An end that was woken
 * and has no CPU yet is not asleep, however long that takes: /proc knows.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "hunt.h"

#define LOSS_AFTER	1.0	/* seconds */
#define LOOK_EVERY	50000	/* microseconds */
#define LOOKS_AT_LEAST	10

/**
 * struct seen - an end, as it was when something of it changed last
 * @pid: its process; 0: has ended
 * @calls: see struct hunt_report
 * @pos: its position
 * @peer_pos: its peer's
 * @since: when
 * @looks: how often it has been seen like this
 * @counted: its loss has been
 */
struct seen {
	pid_t pid;
	uint64_t calls;
	uint64_t pos;
	uint64_t peer_pos;
	double since;
	unsigned int looks;
	bool counted;
};

static bool asleep(pid_t pid)
{
	char path[32], line[256];
	const char *state;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	state = fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	fclose(f);
	return state && (state[2] == 'S' || state[2] == 'D');
}

static bool end_asleep(struct hunt *h, int role, pid_t pid)
{
	int known = h->kind->asleep ? h->kind->asleep(h, role) : -1;

	return known < 0 ? asleep(pid) : known;
}

static uint64_t credit(const struct hunt *h, const struct hunt_look *look,
		       int role)
{
	uint64_t filled = look->wr - look->rd;

	return role == HUNT_CONSUMER ? filled : h->capacity - filled;
}

static const char *role_name(int role)
{
	return role == HUNT_CONSUMER ? "consumer" : "producer";
}

static void describe(const struct hunt *h, const struct hunt_look *look,
		     const char *what, int role)
{
	printf("# %s: %s, %s, %s of a ring of %u bytes, seed %llu: wr %llu rd %llu, rx_arm %lld tx_arm %lld, threshold %u\n",
	       what, h->kind->name, h->way->name, role_name(role), h->capacity,
	       (unsigned long long)h->seed, (unsigned long long)look->wr,
	       (unsigned long long)look->rd, (long long)look->rx_arm,
	       (long long)look->tx_arm, h->min);
	fflush(stdout);
}

/* Has @s been asleep, and nothing about it changed, for long enough? */
static bool sleeps(struct hunt *h, struct seen *s, int role,
		   const struct hunt_look *look, double now)
{
	uint64_t calls = __atomic_load_n(&h->reports[role].calls,
					 __ATOMIC_ACQUIRE);
	uint64_t pos = role == HUNT_PRODUCER ? look->wr : look->rd;

	if (!s->pid)
		return false;
	if (!(calls & 1) || calls != s->calls || pos != s->pos ||
	    !end_asleep(h, role, s->pid)) {
		if (calls != s->calls || pos != s->pos)
			s->counted = false;
		s->calls = calls;
		s->pos = pos;
		s->peer_pos = role == HUNT_PRODUCER ? look->rd : look->wr;
		s->since = now;
		s->looks = 0;
		return false;
	}
	s->looks++;
	return s->looks >= LOOKS_AT_LEAST && now - s->since >= LOSS_AFTER;
}

/*
 * @s sleeps.  Is what it waits for there, and is its peer done with the waking?
 * A peer that has not moved and does not sleep may be about to.
 */
static bool is_lost(struct hunt *h, struct seen *s, const struct seen *peer,
		    int role, const struct hunt_look *look)
{
	uint64_t peer_pos = role == HUNT_PRODUCER ? look->rd : look->wr;

	if (!peer->pid)
		return true;
	if (credit(h, look, role) < h->min)
		return false;
	return peer_pos != s->peer_pos || end_asleep(h, !role, peer->pid);
}

/* Reap who has ended; the number of those who have not. */
static int reap(struct hunt *h, struct seen *seen)
{
	int role, status, left = 0;

	for (role = 0; role < HUNT_ROLES; role++) {
		if (!seen[role].pid)
			continue;
		if (waitpid(seen[role].pid, &status, WNOHANG) == 0) {
			left++;
			continue;
		}
		seen[role].pid = 0;
		seen[!role].since = hunt_now();
		seen[!role].looks = 0;
		if (WIFSIGNALED(status)) {
			printf("# the %s was killed by signal %d\n",
			       role_name(role), WTERMSIG(status));
			h->fault = -EINTR;
		} else if (status) {
			printf("# the %s ended at %llu: %s: %s\n",
			       role_name(role),
			       (unsigned long long)h->reports[role].error_at,
			       h->reports[role].error_what,
			       strerror(-h->reports[role].error));
			h->fault = -EIO;
		}
	}
	return left;
}

static void stop(struct seen *seen)
{
	int role;

	for (role = 0; role < HUNT_ROLES; role++) {
		if (!seen[role].pid)
			continue;
		kill(seen[role].pid, SIGKILL);
		waitpid(seen[role].pid, NULL, 0);
	}
}

/*
 * hunt_watch - count losses until both ends have ended
 *
 * Ends them itself after a fault, after h->max_losses, and at @limit.
 */
void hunt_watch(struct hunt *h, const pid_t pids[HUNT_ROLES], double limit)
{
	struct seen seen[HUNT_ROLES] = {
		{ .pid = pids[0] }, { .pid = pids[1] },
	};
	bool still[HUNT_ROLES];
	struct hunt_look look;
	double now;
	int role;

	while (reap(h, seen) && !h->fault) {
		usleep(LOOK_EVERY);
		now = hunt_now();
		h->kind->look(h, &look);
		for (role = 0; role < HUNT_ROLES; role++)
			still[role] = sleeps(h, &seen[role], role, &look, now);

		for (role = 0; role < HUNT_ROLES; role++) {
			if (!still[role] || !is_lost(h, &seen[role],
						     &seen[!role], role, &look))
				continue;
			still[!role] = false;	/* it is not to blame */
			if (!seen[role].counted) {
				describe(h, &look, "lost wake-up", role);
				h->losses++;
			}
			seen[role].counted = true;
			kill(seen[role].pid, SIGUSR1);
		}
		if (still[0] && still[1] && !seen[0].counted &&
		    !seen[1].counted) {
			describe(h, &look, "both ends asleep", HUNT_CONSUMER);
			h->deadlocks++;
			h->fault = -EDEADLK;
		}
		if (h->losses >= h->max_losses)
			break;
		if (now > limit) {
			describe(h, &look, "too slow", HUNT_CONSUMER);
			h->fault = -ETIMEDOUT;
		}
	}
	stop(seen);
}
