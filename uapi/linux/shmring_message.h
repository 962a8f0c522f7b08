/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * shmring - messages in a ring: the format
 *
 * A ring carries bytes.  Two ends that agree on it may carry records instead,
 * one behind the other, each of
 *
 *	+----------------+-----------------------+-----------------+
 *	| __u64 length   | length bytes          | 0 to 7 bytes    |
 *	| in native      | of payload            | of any content  |
 *	| byte order     |                       |                 |
 *	+----------------+-----------------------+-----------------+
 *	 multiple of 8    multiple of 8
 *
 * A record begins at a position that is a multiple of 8, and so does the next
 * one; a length of 0 is a message like any other.  The prefix never lies across
 * the wrap.  A record that does not fit into the ring does not exist.
 *
 * Whoever writes a record commits all of it at once, so that its reader never
 * has to wait in the midst of it.  An end in the kernel builds the record and
 * calls shmring_write_or_drop() with its size, or acquires, checks that the
 * spans hold SHMRING_MESSAGE_SIZE() bytes, fills them in order and commits so
 * many.
 */
#ifndef _UAPI_LINUX_SHMRING_MESSAGE_H
#define _UAPI_LINUX_SHMRING_MESSAGE_H

#include <linux/types.h>

/* Where records and payloads begin is a multiple of this */
#define SHMRING_MESSAGE_ALIGN	8ULL

/* Bytes before the payload */
#define SHMRING_MESSAGE_PREFIX	sizeof(__u64)

/* Bytes that a message of @length, below 2^63, takes in the ring */
#define SHMRING_MESSAGE_SIZE(length)					\
	(SHMRING_MESSAGE_PREFIX +					\
	 (((__u64)(length) + SHMRING_MESSAGE_ALIGN - 1) &		\
	  ~(SHMRING_MESSAGE_ALIGN - 1)))

#endif /* _UAPI_LINUX_SHMRING_MESSAGE_H */
