// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random numbers, sizes, pauses, and the bytes that are sent
 */
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/syscall.h>

#include "hunt.h"

/* A prime: bytes of one lap of a ring never equal those of the next. */
#define PATTERN_PERIOD	65521

#define PHASE_SHIFT	14

static unsigned char pattern[PATTERN_PERIOD + HUNT_CAPACITY_MAX];

/* xorshift64* */
uint64_t hunt_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL >> 16;
}

void hunt_pattern_init(uint64_t seed)
{
	uint64_t state = seed | 1;
	size_t i;

	for (i = 0; i < PATTERN_PERIOD; i++)
		pattern[i] = (unsigned char)hunt_random(&state);
	memcpy(pattern + PATTERN_PERIOD, pattern, HUNT_CAPACITY_MAX);
}

/* What the stream holds from @pos on, up to HUNT_CAPACITY_MAX bytes of it. */
unsigned char *hunt_pattern(uint64_t pos)
{
	return pattern + pos % PATTERN_PERIOD;
}

/* 1 .. capacity, small ones more often: they leave more states to be in. */
size_t hunt_size(struct hunt_end *e)
{
	uint64_t r = hunt_random(&e->random);
	uint32_t most = e->hunt->capacity;

	switch (r % 16) {
	case 0:
		break;
	case 1 ... 3:
		most /= 8;
		break;
	default:
		most = 16;
	}
	return 1 + (r >> 8) % most;
}

static void spin(uint64_t loops)
{
	while (loops--)
		__asm__ __volatile__("" ::: "memory");
}

/*
 * Wait until the peer has done all it can, and is on its way to sleep.  Not
 * for ever: it may be in a pause of its own.
 */
static void chase(struct hunt_end *e)
{
	struct hunt *h = e->hunt;
	uint64_t tries = 64;

	while (tries-- && h->kind->credit(e) < h->capacity)
		spin(h->unit / 32);
}

/*
 * The peer goes to sleep in about a unit of time.  It shall be met awake,
 * asleep, and above all in between.  On one stretch of the stream both ends
 * make pauses, on the next the producer alone, then the consumer alone, so that
 * the ring runs empty and full in turns.
 */
void hunt_pause(struct hunt_end *e)
{
	uint64_t r = hunt_random(&e->random);
	unsigned int unit = e->hunt->unit;

	if ((e->pos >> PHASE_SHIFT) % 3 == 1u + (e->role == HUNT_PRODUCER))
		return;
	switch (r % 64) {
	case 0 ... 1:
		spin((r >> 8) % (unit / 8));
		break;
	case 2 ... 3:
		spin((r >> 8) % unit);
		break;
	case 4 ... 8:
		chase(e);
		spin((r >> 8) % (unit + unit / 2));
		break;
	case 9:
		/* Long enough for the peer to be fast asleep. */
		if ((r >> 8) % 8 == 0)
			spin((r >> 16) % (16 * unit));
		break;
	default:
		break;
	}
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

/*
 * How many of our loops take as long as falling asleep?  That is measured in
 * system calls, of which it takes one and a little: what is cheap or dear to
 * this machine, or to an emulated one, is so for both.  The fastest of some
 * tries counts.
 */
unsigned int hunt_unit(void)
{
	double call = 1, loop = 1, t;
	int i, try;

	for (try = 0; try < 10; try++) {
		t = seconds();
		for (i = 0; i < 200; i++)
			syscall(SYS_getppid);
		t = (seconds() - t) / 200;
		call = t < call ? t : call;

		t = seconds();
		spin(20000);
		t = (seconds() - t) / 20000;
		loop = t < loop ? t : loop;
	}
	/* No number at all, if a coarse clock has never moved meanwhile */
	t = 10 * call / loop;
	return !(t >= 64) ? 64 : t > 1e6 ? 1000000 : (unsigned int)t;
}
