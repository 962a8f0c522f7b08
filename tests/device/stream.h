/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stream whose every byte is known from its position
 *
 * What comes out of a ring is then checked without knowing who put it in, when,
 * or in how many pieces; a lost, doubled or stale byte does not match.  Positions
 * are the ring's own, so a stream can be taken up where another end left it.
 */
#ifndef STREAM_H
#define STREAM_H

#include <sys/uio.h>

#include "device.h"

/* Differs at distances of every power of two, so that laps show. */
static inline unsigned char stream_byte(__u64 pos)
{
	return pos * 0x9e3779b97f4a7c15ULL >> 56;
}

void stream_fill(void *buf, __u64 pos, size_t n);

/* How many bytes, from the first one on, are those of @pos? */
size_t stream_match(const void *buf, __u64 pos, size_t n);

/* How an end moves its bytes. */
enum stream_way {
	STREAM_COPY,		/* read(), write() */
	STREAM_VECTOR,		/* readv(), writev() in uneven pieces */
	STREAM_SPANS,		/* in the mapping; WAIT when there is nothing */
	STREAM_ANY,		/* each in turn, at random */
};

/*
 * Move bytes by the mapping as an end should: take the positions from the
 * pages, publish, and kick a peer that has armed.  Unlike the library's, these
 * keep no position to themselves, and so mix with read() and write().
 */
size_t stream_spans(const struct device_map *map, __u32 role, struct iovec v[2]);
void stream_advance(int fd, struct device_map *map, __u32 role, size_t n);

/*
 * Move @n bytes, or until the peer has gone; each piece is at most @piece.
 * Return how many were moved, or -errno; -EILSEQ: a byte did not match.
 */
long long stream_produce(int fd, struct device_map *map, __u64 n, size_t piece,
			 enum stream_way way);
long long stream_consume(int fd, struct device_map *map, __u64 n, size_t piece,
			 enum stream_way way);

/* What a child exits with when its peer went before all was moved. */
#define STREAM_SHORT	1

/*
 * In a child: produce, or consume.  It is killed when its parent is, has no
 * other fd than @fd, and exits with 0 if all went as asked.
 */
pid_t stream_child(int fd, __u32 role, __u64 n, size_t piece,
		   enum stream_way way);

#endif /* STREAM_H */
