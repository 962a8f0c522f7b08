/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the byte ring share
 *
 * Each runs on both backends and with capacities on both sides of the page
 * size: below it the ring wraps inside a page and has two spans, from it on the
 * data is mapped twice and has one.
 */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>

#include <shmring.h>

#define KIB		1024U
#define MIB		(1024U * KIB)

/* What both fixtures below vary. */
#define RING_VARIANT							\
	{								\
		uint32_t backend;					\
		uint32_t capacity;					\
	}

#define RING_VARIANT_ADD(fixture, on, name, bytes)			\
	FIXTURE_VARIANT_ADD(fixture, on##_##name) {			\
		.backend = SHMRING_BACKEND_##on,			\
		.capacity = (bytes),					\
	}

#define RING_VARIANTS_SMALL(fixture, on)				\
	RING_VARIANT_ADD(fixture, on, 2, 2);				\
	RING_VARIANT_ADD(fixture, on, 64, 64);				\
	RING_VARIANT_ADD(fixture, on, 512, 512);			\
	RING_VARIANT_ADD(fixture, on, 4096, 4096);			\
	RING_VARIANT_ADD(fixture, on, 1MiB, MIB)

#define RING_VARIANTS(fixture)						\
	RING_VARIANTS_SMALL(fixture, MEMORY);				\
	RING_VARIANTS_SMALL(fixture, DEVICE)

/*
 * For the few that must see a large one, which the emulator copies slowly, and
 * one of half a page, whose single data page is as long as a mirror of it.
 */
#define RING_VARIANTS_LARGE(fixture)					\
	RING_VARIANTS(fixture);						\
	RING_VARIANT_ADD(fixture, MEMORY, 2048, 2048);			\
	RING_VARIANT_ADD(fixture, DEVICE, 2048, 2048);			\
	RING_VARIANT_ADD(fixture, MEMORY, 64MiB, 64 * MIB);		\
	RING_VARIANT_ADD(fixture, DEVICE, 64MiB, 64 * MIB)

/*
 * A fixture whose backend is missing is skipped.  In the harness of 6.1 that
 * does not keep the test itself from running, so each begins with RING_NEEDED.
 */
#define RING_SKIP_IF_MISSING(on)					\
	do {								\
		if (backend_missing(on))				\
			SKIP(return, "no " SHMRING_DEVICE);		\
	} while (0)

#define RING_NEEDED(r)							\
	do {								\
		if (!(r))						\
			return;						\
	} while (0)

bool backend_missing(uint32_t backend);

/* A ring with both roles; its positions begin at @start.  NULL with errno. */
struct shmring *ring_both(uint32_t backend, uint32_t capacity, uint64_t start);

/* The two ends of a ring, as two processes would hold them. */
struct ends {
	struct shmring *in;	/* the consumer's */
	struct shmring *out;	/* the producer's */
};

int ends_open(struct ends *e, uint32_t backend, uint32_t capacity,
	      uint64_t start);
void ends_close(struct ends *e);

/*
 * A stream whose every byte tells where it belongs, so that what is lost, comes
 * twice, is stale or comes from elsewhere shows.
 */
void pattern_fill(void *to, uint64_t pos, size_t n);
/* Returns where the first wrong byte is; @n: nowhere. */
size_t pattern_check(const void *from, uint64_t pos, size_t n);
/* The same for two spans, of which the first @n bytes are meant. */
void pattern_fill_spans(const struct iovec v[2], uint64_t pos, size_t n);
size_t pattern_check_spans(const struct iovec v[2], uint64_t pos, size_t n);

/* xorshift64: the same sequence for the same @state, which is not 0. */
uint64_t random_next(uint64_t *state);
/* Where to begin: SEED of the environment, or what the clock says */
uint64_t random_seed(void);

/* A time for a timeout; static, so good until the second call after it. */
const struct timespec *ms(unsigned int n);
int64_t now_ns(void);

/* Wait until @edge's waiter has slept more than @before times; false: never. */
bool sleeps_more(struct shmring *r, enum shmring_edge edge, uint64_t before);
struct shmring_counters counters(struct shmring *r, enum shmring_edge edge);

/* Is there anything in a poll() for @edge now? Returns the events. */
short polled(struct shmring *r, enum shmring_edge edge);

unsigned int count_fds(void);
unsigned int count_maps(void);

#endif /* RING_H */
