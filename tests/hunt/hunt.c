// SPDX-License-Identifier: GPL-2.0-only
/*
 * Starting the two processes, and saying what came out
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "hunt.h"

/*
 * Below a page a ring wraps inside it, from a page up it is mirrored.  The
 * smaller it is the more often its ends sleep, and the fewer commits a second
 * does it see.
 *
 * On two CPUs an end is on its way to sleep while the other one commits.  Left
 * alone, the scheduler likes to put two that wake each other on one CPU, where
 * they take turns: that is what most rings see, and finds next to nothing.
 */
static const struct {
	uint32_t capacity;
	unsigned int percent;	/* of the commits */
	bool apart;
} rounds[] = {
	{ 64, 10, true },
	{ 256, 20, true },
	{ 1024, 25, true },
	{ 4096, 35, true },
	{ 256, 10, false },
};

#define ROUNDS	(sizeof(rounds) / sizeof(rounds[0]))

/* Of one round; what is that slow hangs. */
#define ROUND_LIMIT	600.0

double hunt_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

bool hunt_long(void)
{
	const char *s = getenv("SHMRING_TEST_LONG");

	return s && strcmp(s, "0");
}

unsigned int hunt_slowness(void)
{
	const char *s = getenv("SHMRING_TEST_SLOWNESS");
	unsigned long slowness = s ? strtoul(s, NULL, 10) : 1;

	return slowness ?: 1;
}

bool hunt_wanted(const struct hunt_way *way)
{
	const char *s = getenv("HUNT_WAY");

	return !s || strstr(way->name, s);
}

/* HUNT_SEED repeats a hunt, as far as two processes can be repeated. */
uint64_t hunt_seed(void)
{
	const char *s = getenv("HUNT_SEED");
	struct timespec ts;

	if (s)
		return strtoull(s, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)(ts.tv_sec * 1000000 + ts.tv_nsec / 1000 + getpid());
}

static void add_up(struct hunt *h)
{
	struct hunt_look look;
	int role;

	h->kind->look(h, &look);
	h->kicks += look.kicks;
	h->barriers += look.barriers;
	for (role = 0; role < HUNT_ROLES; role++) {
		h->done[role] += h->reports[role].moves;
		h->waits += h->reports[role].waits;
		h->sleeps += h->reports[role].sleeps;
	}
}

static void run_round(struct hunt *h)
{
	pid_t pids[HUNT_ROLES] = { 0 };
	int role;

	memset(h->reports, 0, HUNT_ROLES * sizeof(*h->reports));
	/* So that the positions wrap on the way */
	h->start = -(h->commits * 8);
	h->fault = h->kind->open(h);
	if (h->fault) {
		printf("# %s: cannot make a ring: %s\n", h->kind->name,
		       strerror(-h->fault));
		return;
	}
	fflush(stdout);
	for (role = 0; role < HUNT_ROLES; role++) {
		pids[role] = fork();
		if (!pids[role])
			_exit(hunt_end_run(h, role) ? 1 : 0);
		if (pids[role] < 0) {
			h->fault = -errno;
			pids[role] = 0;
		}
	}
	hunt_watch(h, pids, hunt_now() + ROUND_LIMIT);
	add_up(h);
	h->kind->close(h);
}

/*
 * hunt_run - hunt through rings of several sizes
 *
 * Fills the lower part of @h, and prints it.
 */
void hunt_run(struct hunt *h)
{
	uint64_t commits = h->commits;
	double start = hunt_now();
	size_t i;

	if (!h->seed)
		h->seed = hunt_seed();
	if (!h->min)
		h->min = 1;
	if (!h->max_losses)
		h->max_losses = 5;
	/* A way that moves too has a longer way to go before it sleeps */
	h->unit = hunt_unit() * (h->way->move ? 4 : 1);
	h->reports = mmap(NULL, HUNT_ROLES * sizeof(*h->reports),
			  PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			  -1, 0);
	if (h->reports == MAP_FAILED) {
		h->fault = -errno;
		return;
	}
	hunt_pattern_init(h->seed);

	for (i = 0; i < ROUNDS && !h->fault; i++) {
		if (h->losses >= h->max_losses)
			break;
		h->capacity = rounds[i].capacity;
		h->apart = rounds[i].apart;
		h->commits = commits / 100 * rounds[i].percent;
		run_round(h);
	}
	h->commits = commits;
	munmap(h->reports, HUNT_ROLES * sizeof(*h->reports));
	h->seconds = hunt_now() - start;

	printf("# %s, %s%s: %llu commits, %llu releases, %llu waits, %llu sleeps, %llu kicks, %llu barriers, %u lost, %.1f s (seed %llu, unit %u)\n",
	       h->kind->name, h->way->name, h->min > 1 ? " by threshold" : "",
	       (unsigned long long)h->done[HUNT_PRODUCER],
	       (unsigned long long)h->done[HUNT_CONSUMER],
	       (unsigned long long)h->waits, (unsigned long long)h->sleeps,
	       (unsigned long long)h->kicks,
	       (unsigned long long)h->barriers, h->losses, h->seconds,
	       (unsigned long long)h->seed, h->unit);
	fflush(stdout);
}
