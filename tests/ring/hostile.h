/* SPDX-License-Identifier: GPL-2.0-only */
/* Fds that claim to be a ring in memory, and are not quite. */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>
#include <stdint.h>

/**
 * struct hostile_case - a ring's file with one thing wrong
 * @what: which
 * @offset: where @value goes
 * @length: how many bytes of it; 0: nothing is changed
 * @value: little-endian, as the machines that run this
 * @grow: change of the file's size
 * @seals: it gets
 * @err: what attaching must fail with; 0: it must not
 */
struct hostile_case {
	const char *what;
	uint64_t offset;
	uint64_t value;
	unsigned int length;
	int64_t grow;
	int seals;
	int err;
};

/* The case with number @i; false: there are no more. */
bool hostile_case(unsigned int i, struct hostile_case *out);

/* A copy of the good file @fd, changed as @c says. */
int hostile_memfd(int fd, const struct hostile_case *c);

#endif /* HOSTILE_H */
