/* SPDX-License-Identifier: MIT */
/*
 * shmring_bridge - a file that poll() knows, joined to two rings
 *
 *	 peer's ring end	  bridge		a socket, a pty, pipes
 *	 consumer  <---- from ---- producer  <--- readv --- read_fd
 *	 producer  ----  to  ----> consumer  --- writev ---> write_fd
 *
 * Bytes go from the file straight into the spans of a ring, and out of them,
 * without a copy in between.
 *
 *	b = shmring_bridge_new(fd, fd, from, to, NULL);
 *	shmring_bridge_run(b, -1, NULL);	until both directions have ended
 *	shmring_bridge_free(b);
 *
 * or, in an event loop, shmring_bridge_pass() whenever shmring_bridge_fd() is
 * readable, and again for as long as it returns 1.
 *
 * Fairness: a pass moves up to a budget of bytes in each direction, so that
 * however fast one direction is fed, the other one has its turn.
 *
 * Back-pressure: what a full ring has no space for is left in the file, what a
 * file does not take is left in the ring.
 *
 * The end: when read_fd ends, @from is freed, and its consumer comes to the end
 * of the stream after the last byte.  When @to ends, write_fd is told: shut down
 * for writing if it is a socket, closed if it is not read_fd as well.  When a
 * ring's other end goes, or write_fd fails, the direction ends the other way
 * round.  One direction can go on when the other one has ended.
 */
#ifndef SHMRING_BRIDGE_H
#define SHMRING_BRIDGE_H

#include <shmring.h>

#ifdef __cplusplus
extern "C" {
#endif

struct shmring_bridge;

/* Bytes a pass, in each direction, unless told otherwise. */
#define SHMRING_BRIDGE_BUDGET	65536

/**
 * struct shmring_bridge_options - all zeroes is a good answer
 * @budget: bytes that a pass moves in a direction at most; 0:
 *	SHMRING_BRIDGE_BUDGET
 * @reserved: zero
 */
struct shmring_bridge_options {
	uint32_t budget;
	uint32_t reserved[7];
};

/**
 * struct shmring_bridge_flow - what has become of a direction
 * @bytes: moved so far
 * @passes: passes that moved any
 * @most: bytes that a single pass has moved at most
 * @ended: not 0: it has ended
 * @error: why; 0: its source came to an end, and all of it was passed on
 */
struct shmring_bridge_flow {
	uint64_t bytes;
	uint64_t passes;
	uint64_t most;
	int32_t ended;
	int32_t error;
};

/**
 * struct shmring_bridge_stats - both directions
 * @from: from the file into the ring
 * @to: from the ring to the file
 */
struct shmring_bridge_stats {
	struct shmring_bridge_flow from;
	struct shmring_bridge_flow to;
};

#pragma GCC visibility push(default)
struct shmring_bridge *
shmring_bridge_new(int read_fd, int write_fd, struct shmring *from,
		   struct shmring *to,
		   const struct shmring_bridge_options *options);
void shmring_bridge_free(struct shmring_bridge *b);
int shmring_bridge_fd(const struct shmring_bridge *b);
int shmring_bridge_pass(struct shmring_bridge *b);
int shmring_bridge_run(struct shmring_bridge *b, int cancel_fd,
		       const struct timespec *timeout);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
void shmring_bridge_stats(const struct shmring_bridge *b,
			  struct shmring_bridge_stats *out);
#pragma GCC diagnostic pop
#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* SHMRING_BRIDGE_H */
