// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "stress.h"

#define SLOTS_MAX	64
#define BOX		16	/* handles on their way from one to the next */

struct stress_shared {
	uint64_t faults;
	uint64_t done;
	unsigned int ready;
	uint32_t generation[SLOTS_MAX];
	/* stress_race: one handle for each round, and who has come that far */
	uint64_t slot;
	uint64_t won;
	uint64_t round;
	unsigned int arrived;
	/* stress_pass: a ring of handles to each worker */
	struct {
		uint64_t wr, rd;
		uint64_t slots[BOX];
	} box[STRESS_WORKERS_MAX];
};

/* What a slot holds: whose it is, 0 nobody's; then what is passed on */
struct load {
	uint64_t whose;
	uint64_t value;
};

static void fault(struct stress *s)
{
	__atomic_fetch_add(&s->shared->faults, 1, __ATOMIC_RELAXED);
}

static struct load *load_of(struct stress *s, shmring_slot slot)
{
	return shmring_slab_data(&s->place.slab, slot);
}

/* From nobody to @me, or from @from */
static void claim(struct stress *s, shmring_slot slot, uint64_t from, uint64_t to)
{
	if (__atomic_exchange_n(&load_of(s, slot)->whose, to, __ATOMIC_RELAXED) != from)
		fault(s);
}

static int get(struct stress *s, struct shmring_slab_cache *c, uint64_t me, shmring_slot *slot)
{
	uint32_t generation, *last;

	if (shmring_slab_alloc(c, slot))
		return 0;
	claim(s, *slot, 0, me);
	generation = shmring_slot_generation(*slot);
	last = &s->shared->generation[shmring_slot_index(*slot)];
	if (__atomic_exchange_n(last, generation, __ATOMIC_RELAXED) >= generation)
		fault(s);
	return 1;
}

static void done(struct stress *s, uint64_t n)
{
	__atomic_fetch_add(&s->shared->done, n, __ATOMIC_RELAXED);
}

static void alloc_free(struct stress *s, struct shmring_slab_cache *c, unsigned int me)
{
	uint64_t random = me * 7919 + 1, i, n = 0;
	shmring_slot held[8];
	unsigned int held_n = 0, k;
	int err;

	for (i = 0; i < s->rounds; i++) {
		k = slab_random(&random) % 8;
		if (k >= held_n) {
			held_n += get(s, c, me, &held[held_n]);
			n++;
			continue;
		}
		claim(s, held[k], me, 0);
		if (slab_random(&random) & 1)
			err = shmring_slab_free_allocated(c, held[k], NULL);
		else
			err = shmring_slab_mark_in_flight(c, held[k], NULL) ?:
			      shmring_slab_free(c, held[k], NULL);
		if (err)
			fault(s);
		held[k] = held[--held_n];
	}
	while (held_n) {
		claim(s, held[--held_n], me, 0);
		if (shmring_slab_free_allocated(c, held[held_n], NULL))
			fault(s);
	}
	done(s, n);
}

static void exhaust(struct stress *s, struct shmring_slab_cache *c, unsigned int me)
{
	shmring_slot held[SLOTS_MAX];
	unsigned int n;
	uint64_t i, had = 0;

	if (me > 1) {
		alloc_free(s, c, me);
		return;
	}
	for (i = 0; i < s->rounds / s->slots; i++) {
		for (n = 0; n < s->slots && get(s, c, me, &held[n]); n++)
			;
		had += n;
		while (n) {
			claim(s, held[--n], me, 0);
			if (shmring_slab_free_allocated(c, held[n], NULL))
				fault(s);
		}
	}
	done(s, had);
}

/* All wait for all; whoever comes last sets up what follows. */
static int meet(struct stress *s, uint64_t *round)
{
	struct stress_shared *sh = s->shared;
	int last = __atomic_add_fetch(&sh->arrived, 1, __ATOMIC_ACQ_REL) == s->workers;

	if (last)
		return 1;
	while (__atomic_load_n(&sh->round, __ATOMIC_ACQUIRE) == *round)
		sched_yield();
	++*round;
	return 0;
}

static void go_on(struct stress *s, uint64_t *round)
{
	s->shared->arrived = 0;
	__atomic_store_n(&s->shared->round, ++*round, __ATOMIC_RELEASE);
}

/*
 * The last to come allocates, marks every second time, and lets all go.  Then
 * all try to take, free or mark; exactly one wins, who ends it.
 */
static void race(struct stress *s, struct shmring_slab_cache *c, unsigned int me)
{
	struct stress_shared *sh = s->shared;
	uint64_t round = 0, i, n = 0;
	shmring_slot slot;
	int err;

	for (i = 0; i < s->rounds; i++) {
		if (meet(s, &round)) {
			if (i && sh->won != 1)
				fault(s);
			if (!get(s, c, me, &slot)) {
				fault(s);
				slot = 0;
			}
			/* Sent: all may have it.  Not sent: only its owner. */
			if (i & 1 && shmring_slab_mark_in_flight(c, slot, NULL))
				fault(s);
			sh->slot = slot;
			sh->won = 0;
			go_on(s, &round);
		}
		slot = sh->slot;
		switch ((i >> 1) % 3) {
		case 0:
			err = i & 1 ? shmring_slab_free(c, slot, NULL) :
				      shmring_slab_free_allocated(c, slot, NULL);
			if (!err)
				__atomic_exchange_n(&load_of(s, slot)->whose, 0, __ATOMIC_RELAXED);
			break;
		case 1:
			err = i & 1 ? shmring_slab_take(c, slot, NULL) :
				      shmring_slab_mark_in_flight(c, slot, NULL);
			if (err)
				break;
			load_of(s, slot)->whose = 0;
			if (i & 1 ? shmring_slab_free_allocated(c, slot, NULL) :
				    shmring_slab_free(c, slot, NULL))
				fault(s);
			break;
		default:
			/* Some take, some free */
			err = i & 1 && me & 1 ? shmring_slab_take(c, slot, NULL) :
			      i & 1 ? shmring_slab_free(c, slot, NULL) :
				      shmring_slab_free_allocated(c, slot, NULL);
			if (!err)
				__atomic_exchange_n(&load_of(s, slot)->whose, 0, __ATOMIC_RELAXED);
			if (!err && i & 1 && me & 1 &&
			    shmring_slab_free_allocated(c, slot, NULL))
				fault(s);
		}
		if (!err)
			__atomic_fetch_add(&sh->won, 1, __ATOMIC_RELAXED);
		else if (err != -EBADFD && err != -EPERM && err != -ESTALE)
			fault(s);
		n += !err;
		/* Nobody gets the slot again before all have tried. */
		if (meet(s, &round))
			go_on(s, &round);
	}
	done(s, n);
}

static void pass(struct stress *s, struct shmring_slab_cache *c, unsigned int me)
{
	typeof(s->shared->box[0]) *out = &s->shared->box[me - 1];
	typeof(s->shared->box[0]) *in = &s->shared->box[me % s->workers];
	uint64_t sent = 0, got = 0, before;
	shmring_slot slot;

	while (sent < s->rounds || got < s->rounds) {
		before = sent + got;
		if (sent < s->rounds &&
		    sent - __atomic_load_n(&out->rd, __ATOMIC_ACQUIRE) < BOX &&
		    get(s, c, me, &slot)) {
			load_of(s, slot)->value = sent * STRESS_WORKERS_MAX + me;
			if (shmring_slab_mark_in_flight(c, slot, NULL))
				fault(s);
			out->slots[sent % BOX] = slot;
			__atomic_store_n(&out->wr, ++sent, __ATOMIC_RELEASE);
		}
		if (got < __atomic_load_n(&in->wr, __ATOMIC_ACQUIRE)) {
			uint64_t from = me % s->workers + 1;

			slot = in->slots[got % BOX];
			if (got & 1 && shmring_slab_take(c, slot, NULL))
				fault(s);
			if (load_of(s, slot)->value != got * STRESS_WORKERS_MAX + from)
				fault(s);
			claim(s, slot, from, 0);
			if (got & 1 ? shmring_slab_free_allocated(c, slot, NULL) :
				      shmring_slab_free(c, slot, NULL))
				fault(s);
			__atomic_store_n(&in->rd, ++got, __ATOMIC_RELEASE);
		}
		if (sent + got == before)
			sched_yield();
	}
	done(s, got);
}

const struct stress_kind stress_alloc_free = { "alloc_free", alloc_free };
const struct stress_kind stress_exhaust = { "exhaust", exhaust };
const struct stress_kind stress_race = { "race", race };
const struct stress_kind stress_pass = { "pass", pass };

struct worker {
	struct stress *s;
	unsigned int me;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct stress *s = w->s;
	struct shmring_slab_cache c;

	slab_layer_chance = w->me;
	if (shmring_slab_open(&c, &s->place.slab, w->me, getpid(), s->magazine)) {
		fault(s);
		return NULL;
	}
	__atomic_fetch_add(&s->shared->ready, 1, __ATOMIC_RELAXED);
	while (__atomic_load_n(&s->shared->ready, __ATOMIC_RELAXED) < s->workers)
		sched_yield();
	s->kind->work(s, &c, w->me);
	if (shmring_slab_close(&c))
		fault(s);
	return NULL;
}

static void run_threads(struct stress *s)
{
	struct worker workers[STRESS_WORKERS_MAX];
	pthread_t threads[STRESS_WORKERS_MAX];
	unsigned int i;

	for (i = 0; i < s->workers; i++) {
		workers[i] = (struct worker){ s, i + 1 };
		if (pthread_create(&threads[i], NULL, work, &workers[i]))
			abort();
	}
	for (i = 0; i < s->workers; i++)
		pthread_join(threads[i], NULL);
}

static void run_processes(struct stress *s)
{
	pid_t pids[STRESS_WORKERS_MAX];
	unsigned int i;
	int status;

	for (i = 0; i < s->workers; i++) {
		struct worker w = { s, i + 1 };

		pids[i] = fork();
		if (!pids[i]) {
			work(&w);
			_exit(0);
		}
	}
	for (i = 0; i < s->workers; i++)
		if (waitpid(pids[i], &status, 0) != pids[i] || status)
			fault(s);
}

int stress_run(struct stress *s)
{
	int err;

	if (s->slots > SLOTS_MAX || s->workers > STRESS_WORKERS_MAX)
		return -EINVAL;
	err = slab_place_open(&s->place, sizeof(struct load), s->slots, s->workers);
	if (err)
		return err;
	s->shared = mmap(NULL, sizeof(*s->shared), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->shared == MAP_FAILED)
		return -errno;
	slab_layer.fault = s->fault;
	slab_layer.pause = s->pause;
	if (s->processes)
		run_processes(s);
	else
		run_threads(s);
	slab_layer.fault = SLAB_FAULT_NONE;
	slab_layer.pause = 0;
	s->amiss = slab_whole(&s->place.slab, 1);
	s->faults = s->shared->faults;
	s->done = s->shared->done;
	munmap(s->shared, sizeof(*s->shared));
	slab_place_close(&s->place);
	return 0;
}
