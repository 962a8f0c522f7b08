/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an adapter is: a way from one CPU to another, in four functions
 *
 * An adapter is one file, in C or C++, that becomes a shared object of its own.
 * README.md says how to write one; loops.h has the loops that most of them need.
 */
#ifndef BENCH_ADAPTER_H
#define BENCH_ADAPTER_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_ABI	1

/* Words that different CPUs write stand this far apart. */
#define BENCH_LINE	128

/**
 * enum bench_kind - what the two sides do, and what one of @n is
 * @BENCH_ITEMS: a u64, one at a time; both sides spin
 * @BENCH_BATCH: a u64, @batch at a time, written and read where they stand
 * @BENCH_BYTES: a message of @size bytes, copied in and copied out; both spin
 * @BENCH_TRIP: a u64 to the other side and back; both spin
 * @BENCH_TRIP_SLEEP: the same; both sleep each time, at once
 * @BENCH_TRIP_BLOCK: the same, as the library waits if nothing is said
 * @BENCH_STREAM: a message of @size bytes; both sides sleep when they must
 * @BENCH_EPOLL: a u64 through one of @rings rings, whose other side sleeps in
 *	one epoll set
 * @BENCH_SLAB: memory of @size bytes taken and given back, @batch at a time;
 *	each side for itself, from one allocator
 * @BENCH_SLAB_CROSS: the same, but the consumer gives back
 * @BENCH_LIFE: a ring of @capacity bytes made and destroyed; producer only
 * @BENCH_MEMORY: a ring's memory beyond its capacity, all of it written to; own_ns
 *	is not time but bytes
 * @BENCH_KINDS: how many there are
 */
enum bench_kind {
	BENCH_ITEMS,
	BENCH_BATCH,
	BENCH_BYTES,
	BENCH_TRIP,
	BENCH_TRIP_SLEEP,
	BENCH_TRIP_BLOCK,
	BENCH_STREAM,
	BENCH_EPOLL,
	BENCH_SLAB,
	BENCH_SLAB_CROSS,
	BENCH_LIFE,
	BENCH_MEMORY,
	BENCH_KINDS
};

/* The two sides may be processes: all that they share is there before fork(). */
#define BENCH_FORK	0x1U

/* Not a peer but a bound: what the machine itself can do */
#define BENCH_BOUND	0x2U

/* Of a histogram: 16 for each power of two of nanoseconds */
#define BENCH_BUCKETS	640

/**
 * struct bench_side - what a side knows about itself
 * @next: number of the item that it sends or expects next
 * @bad: items that were not what they should be
 * @bad_at: the number that the first of them should have had
 * @bad_value: what it was
 * @own_ns: time that the adapter has measured itself; 0: the engine's counts
 * @lap: when the last round trip ended, in ticks; 0: they are not timed one by one
 * @laps: how many took how long
 */
struct bench_side {
	uint64_t next;
	uint64_t bad;
	uint64_t bad_at;
	uint64_t bad_value;
	uint64_t own_ns;
	uint64_t lap;
	uint32_t laps[BENCH_BUCKETS];
} __attribute__((aligned(BENCH_LINE)));

/**
 * struct bench_carrier - what brings allocations to the other side; the same for
 *	all (BENCH_SLAB_CROSS)
 * @wr: tokens that were sent
 * @rd: tokens that were taken
 * @tokens: 0 is none
 */
struct bench_carrier {
	uint64_t wr __attribute__((aligned(BENCH_LINE)));
	uint64_t rd __attribute__((aligned(BENCH_LINE)));
	uint64_t tokens[1024] __attribute__((aligned(BENCH_LINE)));
};

/**
 * struct bench_run - one measurement
 * @kind: what the sides do
 * @capacity: items (BENCH_ITEMS, BENCH_BATCH) or bytes that fit; a power of two
 * @batch: items at a time
 * @size: bytes of a message, a multiple of 64; of an allocation
 * @rings: how many
 * @sides: 1 if there is no consumer
 * @processes: the sides are processes, not threads
 * @producer: its own
 * @consumer: its own
 * @carrier: for BENCH_SLAB_CROSS
 * @state: the adapter's
 * @adapter: which
 * @variant: of a table of adapters that share functions
 */
struct bench_run {
	enum bench_kind kind;
	uint32_t capacity;
	uint32_t batch;
	uint32_t size;
	uint32_t rings;
	uint32_t sides;
	bool processes;
	struct bench_side *producer;
	struct bench_side *consumer;
	struct bench_carrier *carrier;
	void *state;
	const struct bench_adapter *adapter;
	unsigned int variant;
};

/**
 * struct bench_adapter - how to do one kind of thing
 * @name: of the row in the table; the same for the same peer in all kinds
 * @note: one line about it, or NULL
 * @kind: what it can do; one struct for each kind
 * @flags: BENCH_FORK, BENCH_BOUND
 * @variant: for the adapter
 * @setup: make what @produce and @consume need.  Return 0; -EOPNOTSUPP not here,
 *	which leaves the row out; any other errno is a failure
 * @produce: send @n more items, numbered on from run->producer->next, and
 *	wait as long as it takes.  BENCH_TRIP: also take them back
 * @consume: take @n more items, and check each (bench_check).  BENCH_TRIP:
 *	send it back
 * @teardown: undo @setup; the sides have ended
 *
 * All are called in one process of their own for each measurement, @produce and
 * @consume on a CPU each and several times.  @consume may be NULL where the
 * kind needs none.
 */
struct bench_adapter {
	const char *name;
	const char *note;
	enum bench_kind kind;
	unsigned int flags;
	unsigned int variant;
	int (*setup)(struct bench_run *run);
	void (*produce)(struct bench_run *run, uint64_t n);
	void (*consume)(struct bench_run *run, uint64_t n);
	void (*teardown)(struct bench_run *run);
};

/* What the shared object shows: the adapters, behind the last one no name */
#pragma GCC visibility push(default)
extern const unsigned int bench_abi;
extern const struct bench_adapter bench_adapters[];
#pragma GCC visibility pop

#define BENCH_ADAPTERS \
	const unsigned int bench_abi = BENCH_ABI; \
	const struct bench_adapter bench_adapters[]

/* --- For adapters */

/* Between two tries; the same for all who spin */
static inline void bench_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ __volatile__("yield");
#else
	__asm__ __volatile__("" ::: "memory");
#endif
}

/* Zeroes that a fork() shares, aligned to a page; NULL if there are none */
static inline void *bench_shared(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static inline void bench_unshare(void *p, size_t bytes)
{
	if (p)
		munmap(p, bytes);
}

__attribute__((noinline, cold, unused))
static void bench_wrong(struct bench_side *side, uint64_t want, uint64_t got)
{
	if (!side->bad++) {
		side->bad_at = want;
		side->bad_value = got;
	}
}

/* An item has come: is it the one that is due? */
static inline void bench_check(struct bench_side *side, uint64_t want,
			       uint64_t got)
{
	if (__builtin_expect(got != want, 0))
		bench_wrong(side, want, got);
}

/*
 * Messages.  Word w of message k is BENCH_WORD(8 * (k % BENCH_SHIFTS) + w): no
 * two neighbours are alike in any word, and the words of one message are
 * numbered, so that whatever is old, torn, moved or lost shows.  The sender
 * keeps all of them in one pattern that it never writes again: message k begins
 * k % BENCH_SHIFTS lines further on.  The receiver computes what is due, and
 * compares every byte.
 */
#define BENCH_SHIFTS	61
#define BENCH_WORD(i)	(0x0101010101010101ULL + (uint64_t)(i))

static inline void *bench_pattern(uint32_t size)
{
	size_t words = ((size_t)size + 64 * BENCH_SHIFTS) / 8, i;
	uint64_t *p = (uint64_t *)bench_shared(words * 8);

	for (i = 0; p && i < words; i++)
		p[i] = BENCH_WORD(i);
	return p;
}

static inline void bench_unpattern(void *pattern, uint32_t size)
{
	bench_unshare(pattern, (size_t)size + 64 * BENCH_SHIFTS);
}

static inline const void *bench_message(const void *pattern, uint64_t number)
{
	return (const char *)pattern + 64 * (number % BENCH_SHIFTS);
}

/* Two words at a time on any x86-64; other CPUs' compilers know theirs. */
typedef uint64_t bench_words __attribute__((vector_size(16), may_alias,
					    aligned(8)));

/* A message has come: is each of its bytes right? */
static inline void bench_check_message(struct bench_side *side, uint64_t number,
				       const void *buf, uint32_t size)
{
	const bench_words *p = (const bench_words *)buf;
	uint64_t first = BENCH_WORD(8 * (number % BENCH_SHIFTS));
	bench_words due = { first, first + 1 };
	bench_words wrong = { 0, 0 };
	const bench_words two = { 2, 2 }, four = { 4, 4 }, six = { 6, 6 };
	const bench_words eight = { 8, 8 };
	uint32_t i;

	for (i = 0; i < size / 64; i++, p += 4) {
		wrong |= (p[0] ^ due) | (p[1] ^ (due + two)) |
			 (p[2] ^ (due + four)) | (p[3] ^ (due + six));
		due += eight;
	}
	if (__builtin_expect((wrong[0] | wrong[1]) != 0, 0))
		bench_wrong(side, number, *(const uint64_t *)buf);
}

/* BENCH_TRIP: a round trip has ended. */
__attribute__((visibility("default")))
void bench_lap_end(struct bench_side *side);

static inline void bench_lap(struct bench_side *side)
{
	if (__builtin_expect(side->lap != 0, 0))
		bench_lap_end(side);
}

/* Nanoseconds, of a clock that never steps back */
__attribute__((visibility("default")))
uint64_t bench_now(void);

#ifdef __cplusplus
}
#endif

#endif /* BENCH_ADAPTER_H */
