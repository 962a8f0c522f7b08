// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <sys/wait.h>

#include "death.h"

#define SLOTS	12U
#define DEAD	2U
#define HEIR	3U

/* A life in which all happens that can happen to a slot */
static void live(const struct shmring_slab *s, uint32_t magazine)
{
	struct shmring_slab_cache c;
	shmring_slot slots[SLOTS];
	unsigned int i, n = 0;

	if (shmring_slab_open(&c, s, DEAD, getpid(), magazine))
		_exit(2);
	while (n < SLOTS - 2 && !shmring_slab_alloc(&c, &slots[n]))
		n++;
	for (i = 0; i < n; i++)
		if (i % 3)
			shmring_slab_mark_in_flight(&c, slots[i], NULL);
	for (i = 0; i < n; i++) {
		if (i % 3 == 0) {
			shmring_slab_free_allocated(&c, slots[i], NULL);
		} else if (i % 3 == 1) {
			shmring_slab_free(&c, slots[i], NULL);
		} else {
			shmring_slab_take(&c, slots[i], NULL);
			shmring_slab_free_allocated(&c, slots[i], NULL);
		}
	}
	for (i = 0; i < 3; i++)
		shmring_slab_alloc(&c, &slots[i]);
	shmring_slab_free_allocated(&c, slots[0], NULL);
	shmring_slab_mark_in_flight(&c, slots[1], NULL);
	shmring_slab_free_allocated(&c, slots[2], NULL);
	shmring_slab_free(&c, slots[1], NULL);
	shmring_slab_close(&c);
}

/* So that the head no longer says what the dead did last */
static int use(struct shmring_slab_cache *c)
{
	shmring_slot slots[3];
	int i, n = 0, err = 0;

	while (n < 3 && !shmring_slab_alloc(c, &slots[n]))
		n++;
	for (i = 0; i < n; i++)
		err |= shmring_slab_free_allocated(c, slots[i], NULL);
	return err;
}

/* Returns 1 if the child came to its end, 0 if it died; sets @amiss. */
static int one(struct death *d, unsigned int at, const char **amiss)
{
	struct shmring_slab_cache heir;
	struct slab_place p;
	int status, n;
	pid_t pid;

	if (slab_place_open(&p, 8, SLOTS, HEIR))
		return -EIO;
	slab_layer.fault = d->fault;
	slab_layer.pending = &p.slab.records[DEAD - 1].pending;
	slab_layer.ack = &p.slab.records[DEAD - 1].ack;
	pid = fork();
	if (!pid) {
		slab_layer.die_at = at;
		live(&p.slab, d->magazine);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -errno;
	if (WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status) != SIGKILL)
		return -EIO;
	*amiss = NULL;
	if (shmring_slab_open(&heir, &p.slab, HEIR, getpid(), d->magazine))
		return -EIO;
	if (d->others && use(&heir))
		*amiss = "the slab is of no use to others";
	n = shmring_slab_reclaim(&heir, DEAD, pid);
	/* Nothing, if it died before it was there, or after it had gone */
	if (n < 0 && n != -ESRCH)
		*amiss = "what it had cannot be reclaimed";
	if (n > 0)
		d->reclaimed += n;
	if (shmring_slab_close(&heir))
		*amiss = "the heir cannot go";
	slab_layer.fault = SLAB_FAULT_NONE;
	if (!*amiss)
		*amiss = slab_whole(&p.slab, 1);
	slab_place_close(&p);
	return WIFEXITED(status);
}

int death_run(struct death *d)
{
	const char *amiss;
	int ended;

	for (;;) {
		ended = one(d, d->deaths + 1, &amiss);
		if (ended < 0)
			return ended;
		if (amiss && !d->amiss) {
			d->amiss = amiss;
			d->amiss_at = d->deaths + 1;
		}
		if (ended)
			return 0;
		d->deaths++;
	}
}
