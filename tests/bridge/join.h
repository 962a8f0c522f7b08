/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file, two rings, and a bridge of them, with all four ends for the test
 */
#ifndef JOIN_H
#define JOIN_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "../ring/ring.h"

/* Nothing takes so long unless it hangs. */
#define SOON_MS	20000

enum join_file { JOIN_SOCKET, JOIN_TCP, JOIN_PTY, JOIN_PIPES };

/**
 * struct join - what a bridge joins
 * @file: which kind
 * @fd: the bridge's: it reads from [0] and writes to [1]
 * @peer: the other ends: we read from [0] and write to [1]
 * @up: the ring of what we write to the file; @up.out is the bridge's
 * @down: the ring of what we read from the file; @down.in is the bridge's
 */
struct join {
	enum join_file file;
	int fd[2];
	int peer[2];
	struct ends up;
	struct ends down;
};

int join_open(struct join *j, enum join_file file, uint32_t backend,
	      uint32_t capacity);

/* Closes what is still ours; the bridge's is the bridge's. */
void join_close(struct join *j);

/* What the peer says last: it writes no more.  A pty: nothing. */
void join_peer_end(struct join *j);
void join_peer_close(struct join *j);

/**
 * struct mover - moves a stream of the pattern, in a thread of its own
 * @j: through what
 * @total: bytes to write; or to read where no end can be told
 * @pos: how far it came
 * @seed: of its sizes
 * @wrong: a byte was not the one that belongs there
 * @rc: how it ended: 0 or a negative errno
 */
struct mover {
	struct join *j;
	uint64_t total;
	uint64_t pos;
	uint64_t seed;
	bool wrong;
	int rc;
	pthread_t thread;
};

void *file_writer(void *mover);		/* peer -> file, then its end */
void *file_reader(void *mover);		/* file -> peer, until its end */
void *ring_writer(void *mover);		/* -> ring to the file, then free */
void *ring_reader(void *mover);		/* ring from the file, until its end */

#endif /* JOIN_H */
