/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rings whose ends are processes that may be killed, or stopped, at any time
 *
 * An end writes down, in memory that outlives it, where it stands and how far
 * it is about to go.  Its successor begins at what the pages say, which must be
 * between the two: what was committed is there, and nothing else.
 */
#ifndef CHAOS_H
#define CHAOS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct chaos_end - what outlives an end
 * @pos: where it stood last
 * @next: how far it was about to go
 * @stop: it shall end
 */
struct chaos_end {
	uint64_t pos;
	uint64_t next;
	int stop;
};

/**
 * struct chaos_ring - a ring, for all who have to do with it
 * @handle: of it
 * @capacity: bytes
 * @producer: what outlives the producer
 * @consumer: what outlives the consumer
 * @failed: @failure is being written
 * @failure: what an end found wrong
 */
struct chaos_ring {
	uint32_t handle;
	uint32_t capacity;
	struct chaos_end producer;
	struct chaos_end consumer;
	int failed;
	char failure[120];
};

void *chaos_shared(size_t size);

/* Be that end until told to stop, or killed.  Not in the test's own process. */
void chaos_produce(struct chaos_ring *ring, uint64_t seed)
	__attribute__((noreturn));
void chaos_consume(struct chaos_ring *ring, uint64_t seed)
	__attribute__((noreturn));

/* The same in a process of its own */
pid_t chaos_start(struct chaos_ring *ring, unsigned int role, uint64_t seed);

/* The consumer comes further than it is now, within so many seconds. */
bool chaos_moves(const struct chaos_ring *ring, unsigned int seconds);

/* End both processes, the producer first: what it has sent has all arrived. */
bool chaos_stop(struct chaos_ring *ring, pid_t producer, pid_t consumer);

#endif /* CHAOS_H */
