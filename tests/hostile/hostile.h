/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hostile peer, and an honest end that has to live with it
 *
 *	hostile_peer_test.c	rounds: a ring, its two ends, and who watches them
 *	peer.c			the process that writes whatever it can to wherever it can
 *	value.c			what it writes
 *	end.c			the honest end: what it may be told, and what not
 *	end_library.c		by the library's verbs
 *	end_calls.c		by read, write, splice, poll and the ioctls
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <linux/shmring.h>

/* One operation moves no more than that. */
#define HOSTILE_BUFFER	4096

/* What a peer is up to in a round */
enum hostile_mischief {
	HOSTILE_BESIDE,		/* every word of its page but its position */
	HOSTILE_POSITION,	/* its position, now and then to what cannot be */
	HOSTILE_FLIP,		/* a word, between two values, all the time */
	HOSTILE_ANYWHERE,	/* all that it can write, in all sizes */
	HOSTILE_MISCHIEFS,
};

/* What is wrong with the honest end, to see that it is found */
enum hostile_plant {
	HOSTILE_SOUND,
	HOSTILE_UNBOUNDED,	/* takes the peer's word for how much there is */
	HOSTILE_PATIENT,	/* waits for as long as the peer makes no sense */
};

/**
 * struct hostile - a round, for all who take part
 * @handle: of the ring
 * @capacity: bytes
 * @start: where the positions began
 * @role: the honest end's
 * @mischief: what the peer does
 * @plant: what is wrong with the honest end
 * @ready: both ends have attached
 * @stop: the peer shall do its worst, once, and nothing more
 * @over: it has
 * @words: that were written to no good end
 * @calls: of the honest end that came back
 * @moved: its bytes
 * @what: it is doing
 * @failing: @failure is being written
 * @failed: it is
 * @failure: the first thing that must not be
 */
struct hostile {
	uint32_t handle;
	uint32_t capacity;
	uint64_t start;
	uint32_t role;
	enum hostile_mischief mischief;
	enum hostile_plant plant;
	int ready;
	int stop;
	int over;
	uint64_t words;
	uint64_t calls;
	uint64_t moved;
	const char *what;
	int failing;
	int failed;
	char failure[160];
};

void hostile_fail(struct hostile *h, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The stream; its @pos is 0 where the round began. */
void hostile_fill(void *to, uint64_t pos, size_t n);
bool hostile_same(const struct hostile *h, const void *from, uint64_t pos,
		  size_t n);

/* Are the bytes that arrive the ones that were sent? */
bool hostile_intact(const struct hostile *h);

/* Be that until killed, or until it is over.  Not in the test's own process. */
void hostile_peer(struct hostile *h, uint64_t seed) __attribute__((noreturn));
void hostile_end(struct hostile *h, bool by_library, uint64_t seed)
	__attribute__((noreturn));

/**
 * struct hostile_view - what a peer goes by when it makes up a value
 * @mine: its own word, as it should be
 * @his: the honest end's position
 * @capacity: bytes
 * @role: the peer's
 */
struct hostile_view {
	uint64_t mine;
	uint64_t his;
	uint64_t capacity;
	uint32_t role;
};

/* A position that could be the peer's */
uint64_t hostile_possible(const struct hostile_view *v, uint64_t *random);
/* One that is just not, or one at some border */
uint64_t hostile_border(const struct hostile_view *v, uint64_t *random);
uint64_t hostile_value(const struct hostile_view *v, uint64_t *random);

struct shmring;
struct shmring_producer;
struct shmring_consumer;

/**
 * struct end - the honest end
 * @h: its round
 * @random: state of its random numbers
 * @pos: where it stands
 * @fd: the device's file
 * @r: the library's ring; NULL: @fd is used
 * @producer: the library's handle, the ring's own or one that was split off
 * @consumer: likewise
 * @split: it was split off
 * @pipe: to splice from and to
 * @sum: of all bytes, so that each is looked at
 * @buffer: HOSTILE_BUFFER bytes, behind which nothing is accessible
 */
struct end {
	struct hostile *h;
	uint64_t random;
	uint64_t pos;
	int fd;
	struct shmring *r;
	struct shmring_producer *producer;
	struct shmring_consumer *consumer;
	bool split;
	int pipe[2];
	uint64_t sum;
	unsigned char *buffer;
};

/* One operation: bytes moved, 0, or a negative errno */
ssize_t end_by_library(struct end *e);
ssize_t end_by_calls(struct end *e);

bool end_produces(const struct end *e);
uint64_t end_below(struct end *e, uint64_t n);
/* What came out of the ring is judged, and stands at @pos. */
void end_received(struct end *e, const void *from, uint64_t pos, size_t n);
/* A call that was to move @n bytes of @buf has returned @got: returns it, too. */
ssize_t end_moved(struct end *e, const unsigned char *buf, ssize_t got, size_t n);

#endif /* HOSTILE_H */
