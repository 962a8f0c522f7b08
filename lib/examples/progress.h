/* SPDX-License-Identifier: MIT */
/* What send and recv tell the user on standard error. */
#ifndef PROGRESS_H
#define PROGRESS_H

#include <stdint.h>
#include <stdio.h>
#include <time.h>

#define PROGRESS_EVERY	0.5	/* seconds */

struct progress {
	const char *name;
	double start, next;
	uint64_t bytes, steps;
};

static inline double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static inline void progress_start(struct progress *p, const char *name)
{
	*p = (struct progress){ .name = name, .start = now() };
	p->next = p->start + PROGRESS_EVERY;
}

/* One commit or release of @n bytes; @total: 0 if nobody knows. */
static inline void progress_step(struct progress *p, size_t n, uint64_t total)
{
	double t;

	p->bytes += n;
	/* A look at the clock costs more than a small commit. */
	if (++p->steps & 15)
		return;
	t = now();
	if (t < p->next)
		return;
	p->next = t + PROGRESS_EVERY;
	fprintf(stderr, "%s: ... %.1f", p->name, (double)p->bytes / 1e6);
	if (total)
		fprintf(stderr, " of %.1f", (double)total / 1e6);
	fprintf(stderr, " MB\n");
}

static inline void progress_end(const struct progress *p, const char *step)
{
	fprintf(stderr, "%s: %llu bytes in %llu %s, %.3f s\n", p->name,
		(unsigned long long)p->bytes, (unsigned long long)p->steps,
		step, now() - p->start);
}

#endif /* PROGRESS_H */
