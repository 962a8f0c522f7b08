/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring that has nothing to do with what happens beside it: its ends are two
 * processes, and every byte is checked; it is, too, all that shall be left
 */
#ifndef BESIDE_H
#define BESIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct beside - the ring and its ends; in shared memory, all zeroes
 * @fd: an observer, which keeps the ring
 * @handle: of it
 * @producer: a process
 * @consumer: a process
 * @rings: that exist when nobody else has one
 * @pages: in them
 * @stop: the producer shall go
 * @plant: it shall send a wrong byte
 * @sent: bytes
 * @received: bytes, all right
 * @wrong: where the first wrong one was; 0: nowhere
 * @error: what ended an end early
 */
struct beside {
	int fd;
	uint32_t handle;
	pid_t producer;
	pid_t consumer;
	unsigned long rings;
	unsigned long pages;
	int stop;
	int plant;
	uint64_t sent;
	uint64_t received;
	uint64_t wrong;
	int error;
};

/* Make it; when that is done its first bytes have arrived. */
bool beside_start(struct beside *b);
/* Have more bytes arrived, before too long? */
bool beside_streams(const struct beside *b);
/* Handles that nobody took back keep persistent rings: remove them. */
void beside_unregister_others(const struct beside *b);
/* Is it the only ring? A file's last reference may go a little after its owner. */
bool beside_is_alone(const struct beside *b);
bool beside_is_alone_soon(const struct beside *b);
/* End both processes; has all arrived that was sent, and nothing else? */
void beside_stop(struct beside *b);
bool beside_was_intact(const struct beside *b);

#endif /* BESIDE_H */
