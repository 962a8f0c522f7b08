// SPDX-License-Identifier: GPL-2.0-only
/* What it costs to make a way, attach to it, and destroy it */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include <shmring.h>

#include "adapter.h"

enum way { SHMRING, SHMRING_JOIN, SHMRING_USE, PIPE, UNIX };

/* As the engine's count of what went wrong: it has no item to compare. */
static void wrong(struct bench_run *run, bool failed)
{
	if (failed)
		bench_wrong(run->producer, run->producer->next, (uint64_t)errno);
}

/* A peer by its descriptors, in this process */
static void attach(struct bench_run *run, struct shmring *r)
{
	struct shmring *peer;
	int fds[3], i;

	if (shmring_narrow(r, SHMRING_ROLE_PRODUCER) || shmring_export_fds(r, fds)) {
		wrong(run, true);
		return;
	}
	peer = shmring_attach_fds(fds, SHMRING_ROLE_CONSUMER);
	for (i = 0; i < 3; i++)
		close(fds[i]);
	wrong(run, !peer);
	if (peer)
		shmring_free(peer);
}

static void one(struct bench_run *run)
{
	struct shmring_options o = { .backend = SHMRING_BACKEND_MEMORY };
	uint64_t item = run->producer->next, came = 0;
	struct shmring *r;
	int fds[2];

	switch ((enum way)run->variant) {
	case SHMRING:
	case SHMRING_JOIN:
	case SHMRING_USE:
		r = shmring_create(run->capacity, &o);
		wrong(run, !r);
		if (!r)
			return;
		if (run->variant == SHMRING_JOIN)
			attach(run, r);
		if (run->variant == SHMRING_USE) {
			shmring_try_write_from(r, &item, sizeof(item));
			shmring_try_read_into(r, &came, sizeof(came));
			bench_check(run->producer, item, came);
		}
		shmring_free(r);
		break;
	case PIPE:
	case UNIX:
		wrong(run, run->variant == PIPE ? pipe2(fds, O_CLOEXEC) :
		      socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
		close(fds[0]);
		close(fds[1]);
		break;
	}
}

static void life_produce(struct bench_run *run, uint64_t n)
{
	for (; n; n--, run->producer->next++)
		one(run);
}

/* Of this process, each page divided by how often it is mapped */
static uint64_t memory_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Pss: %lu kB", &kib) == 1)
			break;
	}
	if (f)
		fclose(f);
	return (uint64_t)kib << 10;
}

#define RINGS	64

static void memory_produce(struct bench_run *run, uint64_t n)
{
	struct shmring_options o = { .backend = SHMRING_BACKEND_MEMORY };
	struct shmring *rings[RINGS];
	uint64_t before = memory_bytes();
	struct iovec v[2];
	size_t bytes;
	int i;

	for (i = 0; i < RINGS; i++) {
		rings[i] = shmring_create(run->capacity, &o);
		wrong(run, !rings[i]);
		if (!rings[i])
			return;
		bytes = shmring_write_acquire(rings[i], v);
		memset(v[0].iov_base, 1, bytes);
	}
	run->producer->own_ns += n * (memory_bytes() - before - RINGS * run->capacity) / RINGS;
	for (i = 0; i < RINGS; i++)
		shmring_free(rings[i]);
	run->producer->next += n;
}

static int life_setup(struct bench_run *run)
{
	/* They have one size. */
	return run->variant >= PIPE && run->capacity > 65536 ? -EOPNOTSUPP : 0;
}

static void life_teardown(struct bench_run *run)
{
	(void)run;
}

#define ROW(n, v) { \
	.name = n, .kind = BENCH_LIFE, .variant = v, \
	.setup = life_setup, .produce = life_produce, .teardown = life_teardown, \
}

BENCH_ADAPTERS = {
	ROW("shmring", SHMRING), ROW("shmring-attach", SHMRING_JOIN),
	ROW("shmring-use", SHMRING_USE), ROW("pipe", PIPE), ROW("unix", UNIX),
	{
		.name = "shmring", .kind = BENCH_MEMORY, .setup = life_setup,
		.produce = memory_produce, .teardown = life_teardown,
	},
	{ .name = NULL }
};
