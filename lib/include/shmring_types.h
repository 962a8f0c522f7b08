/* SPDX-License-Identifier: MIT */
/*
 * shmring - the structs that the inline verbs work on
 *
 * They are laid open so that a commit is a handful of instructions in the
 * caller's own loop, not to be read or written by it.
 */
#ifndef SHMRING_TYPES_H
#define SHMRING_TYPES_H

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/shmring.h>
#include <shmring_atomic.h>

/* Names a registered ring; 0 is never valid. */
typedef uint32_t shmring_handle;

struct shmring;

/**
 * struct shmring_role - what one role of a ring keeps to itself
 * @end: position, peer and arms, see shmring_proto.h.  A role that must not
 *	move (not held, split off, corrupt) has a capacity of 0 here: no credit
 *	is small enough then, so the hot verbs need no test of their own for it
 * @limit: the position up to which bytes may be copied without a look at
 *	anything else: the peer has left them to this end, and they are in one
 *	piece.  A position, not a count: a loop then changes one register, not two
 * @known: the position up to which the peer has left them, in one piece or not
 *	and to be published at once or not; where a look has been made
 * @fences: how many commits or releases are to be fenced before the end asks
 *	whether it may do without
 * @granted: bytes of the last acquire that are not committed or released yet
 * @data: the first byte of the data area
 * @reach: bytes from there that can be accessed in one piece: the capacity, or
 *	twice that where the data is mapped twice in a row
 * @ring: where it was taken from
 * @error: why this role does not move: -EACCES not held, -EBUSY split off,
 *	-EBADMSG the peer's position was impossible; 0: it moves
 * @message_limit: longest message, see shmring_message_limit(); 0: none
 * @message_open: length of the message that is reserved or peeked at, and 1; 0:
 *	none is
 */
struct shmring_role {
	struct shmring_end end;
	uint64_t limit;
	uint64_t known;
	uint64_t fences;
	uint64_t granted;
	unsigned char *data;
	uint64_t reach;
	struct shmring *ring;
	int64_t error;
	uint32_t message_limit;
	uint32_t message_open;
};

/**
 * struct shmring_producer - the producer's role, held by value
 * @role: not for callers
 *
 * Taken from a ring by shmring_split(); nothing in it is shared with another
 * thread.  The hot verbs are inline and do not let its address escape: a loop
 * that works on a copy in a local variable keeps it in registers.
 */
struct shmring_producer {
	struct shmring_role role;
};

/**
 * struct shmring_consumer - the consumer's role, held by value
 * @role: not for callers
 */
struct shmring_consumer {
	struct shmring_role role;
};

/**
 * struct shmring - a ring as this process holds it
 * @producer: used by one thread at a time
 * @consumer: used by one thread at a time, which may be another
 * @capacity: bytes
 * @corrupt: set once, by whichever role saw an impossible position
 * @wr: the producer's word, for those who only look
 * @rd: the consumer's word, likewise
 *
 * Only ever allocated by the library, which keeps more behind it.
 */
struct shmring {
	alignas(SHMRING_LINE) struct shmring_producer producer;
	alignas(SHMRING_LINE) struct shmring_consumer consumer;
	alignas(SHMRING_LINE) uint32_t capacity;
	uint32_t corrupt;
	const shmring_word *wr;
	const shmring_word *rd;
};

/* Take the device where there is one, else memory. */
#define SHMRING_BACKEND_ANY	0

/* Sleep at once (struct shmring_options.spin_ns, where 0 is the default). */
#define SHMRING_SPIN_OFF	UINT32_MAX

/**
 * struct shmring_options - how to make a ring; all zeroes is a good answer
 * @backend: SHMRING_BACKEND_ANY, _DEVICE or _MEMORY
 * @roles: SHMRING_ROLE_* that the creator holds; 0: both
 * @flags: SHMRING_F_*; the device only
 * @mode: who may attach by a handle that is registered later, as in chmod: w
 *	to be an end, r to observe; 0: 0600.  The device only
 * @start: where both positions begin
 * @spin_ns: how long a wait may spin before it sleeps, in nanoseconds; 0: about
 *	50000; SHMRING_SPIN_OFF: not at all
 * @reserved: zero
 * @arena: bytes that both ends can write beside the ring, see shmring_arena(): a
 *	multiple of the page size, at most 2^30; 0: none
 */
struct shmring_options {
	uint32_t backend;
	uint32_t roles;
	uint32_t flags;
	uint32_t mode;
	uint64_t start;
	uint32_t spin_ns;
	uint32_t reserved[7];
	uint64_t arena;
};

/**
 * struct shmring_stats - what is known of a ring; see struct shmring_ioc_info
 * @backend: SHMRING_BACKEND_DEVICE or _MEMORY
 * @roles: SHMRING_ROLE_* that this end holds
 * @flags: SHMRING_F_* of the ring
 * @state: SHMRING_STATE_* bits
 * @capacity: bytes
 * @handles: how many handles name the ring; 0 on the memory backend
 * @producer_pid: who holds the role; 0: unknown, as on the memory backend
 * @consumer_pid: likewise
 * @wr: the producer's position, i.e. bytes that were ever committed, and start
 * @rd: the consumer's position
 * @rx: what waking the consumer cost
 * @tx: what waking the producer cost
 * @drops: records that a lossy producer had no room for
 * @drop_bytes: the bytes in them
 * @reserved: zero
 */
struct shmring_stats {
	uint32_t backend;
	uint32_t roles;
	uint32_t flags;
	uint32_t state;
	uint32_t capacity;
	uint32_t handles;
	uint32_t producer_pid;
	uint32_t consumer_pid;
	uint64_t wr;
	uint64_t rd;
	struct shmring_counters rx;
	struct shmring_counters tx;
	uint64_t drops;
	uint64_t drop_bytes;
	uint64_t reserved[4];
};

#endif /* SHMRING_TYPES_H */
