// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ring.h"

bool backend_missing(uint32_t backend)
{
	return backend == SHMRING_BACKEND_DEVICE &&
	       access(SHMRING_DEVICE, F_OK) != 0;
}

struct shmring *ring_both(uint32_t backend, uint32_t capacity, uint64_t start)
{
	const struct shmring_options options = {
		.backend = backend,
		.start = start,
	};

	return shmring_create(capacity, &options);
}

int ends_open(struct ends *e, uint32_t backend, uint32_t capacity,
	      uint64_t start)
{
	const struct shmring_options options = {
		.backend = backend,
		.roles = SHMRING_ROLE_CONSUMER,
		.start = start,
	};

	e->out = NULL;
	e->in = shmring_create(capacity, &options);
	if (!e->in)
		return -errno;
	e->out = shmring_join(e->in, SHMRING_ROLE_PRODUCER);
	return e->out ? 0 : -errno;
}

void ends_close(struct ends *e)
{
	shmring_free(e->out);
	shmring_free(e->in);
	e->in = NULL;
	e->out = NULL;
}

static unsigned char pattern_at(uint64_t pos)
{
	/* No power of two is a period of it that is shorter than 2^56. */
	return (unsigned char)((pos * 0x9e3779b97f4a7c15ULL) >> 56);
}

void pattern_fill(void *to, uint64_t pos, size_t n)
{
	unsigned char *byte = to;
	size_t i;

	for (i = 0; i < n; i++)
		byte[i] = pattern_at(pos + i);
}

size_t pattern_check(const void *from, uint64_t pos, size_t n)
{
	const unsigned char *byte = from;
	size_t i;

	for (i = 0; i < n; i++)
		if (byte[i] != pattern_at(pos + i))
			break;
	return i;
}

void pattern_fill_spans(const struct iovec v[2], uint64_t pos, size_t n)
{
	size_t first = n < v[0].iov_len ? n : v[0].iov_len;

	pattern_fill(v[0].iov_base, pos, first);
	pattern_fill(v[1].iov_base, pos + first, n - first);
}

size_t pattern_check_spans(const struct iovec v[2], uint64_t pos, size_t n)
{
	size_t first = n < v[0].iov_len ? n : v[0].iov_len;
	size_t good = pattern_check(v[0].iov_base, pos, first);

	if (good < first)
		return good;
	return first + pattern_check(v[1].iov_base, pos + first, n - first);
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

uint64_t random_seed(void)
{
	const char *s = getenv("SEED");
	struct timespec now;

	if (s)
		return strtoull(s, NULL, 0);
	clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * 1000000ULL + now.tv_nsec / 1000;
}

const struct timespec *ms(unsigned int n)
{
	static __thread struct timespec ts[2];
	static __thread unsigned int turn;

	turn = !turn;
	ts[turn].tv_sec = n / 1000;
	ts[turn].tv_nsec = n % 1000 * 1000000L;
	return &ts[turn];
}

int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000LL + ts.tv_nsec;
}

struct shmring_counters counters(struct shmring *r, enum shmring_edge edge)
{
	struct shmring_stats stats;

	if (shmring_stats(r, &stats))
		memset(&stats, 0xff, sizeof(stats));
	return edge == SHMRING_READABLE ? stats.rx : stats.tx;
}

bool sleeps_more(struct shmring *r, enum shmring_edge edge, uint64_t before)
{
	int tries;

	for (tries = 0; tries < 10000; tries++) {
		if (counters(r, edge).sleeps > before)
			return true;
		usleep(1000);
	}
	return false;
}

short polled(struct shmring *r, enum shmring_edge edge)
{
	struct pollfd fd = shmring_pollfd(r, edge);

	return poll(&fd, 1, 0) > 0 ? fd.revents : 0;
}

unsigned int count_fds(void)
{
	unsigned int n = 0;
	DIR *dir = opendir("/proc/self/fd");

	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

unsigned int count_maps(void)
{
	unsigned int n = 0;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "re");

	/*
	 * Only ours: malloc and the sanitizers map what they like.  And only
	 * rings: this program may lie in a folder of that name.
	 */
	while (fgets(line, sizeof(line), maps))
		n += strstr(line, " /memfd:shmring") ||
		     strstr(line, " " SHMRING_DEVICE);
	fclose(maps);
	return n;
}
