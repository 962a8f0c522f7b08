/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Fuzzing the device: calls that are valid, nearly valid and random, from
 * several threads on the same files
 *
 *	device_fuzz_test.c	starts it, beside a ring that must not notice
 *	beside.c		that ring
 *	thread.c		one thread: choose, call, count; random numbers
 *	request.c		the ioctls: how they are filled, spoilt and judged
 *	call.c			all other calls on files
 *	memory.c		mappings, and what is written through them
 *	cover.c			how much of the module was seen, if the kernel tells
 *
 * Every file of the device has one of the same few numbers, so that calls of
 * one thread meet what another one closes, binds or replaces.  Whatever else
 * is opened has other numbers.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FUZZ_THREADS	4
#define FUZZ_FILES	24
#define FUZZ_FILE_FIRST	100
#define FUZZ_HANDLES	64
#define FUZZ_MAPS	16
#define FUZZ_BUFFER	65536

/**
 * struct fuzz - what all threads and processes share
 * @seed: of the random numbers
 * @keep: a handle that nobody may remove
 * @forbidden: an errno that is held to be undocumented, to see that it is found
 * @handles: that were registered, in no order
 * @stop: be done
 * @failed: @failure is being written
 * @failure: the first one
 * @calls: made
 * @successes: of them
 * @succeeded: a bit for each ioctl that did so
 * @can_succeed: likewise, for each that does so on this machine
 */
struct fuzz {
	uint64_t seed;
	uint32_t keep;
	int forbidden;
	uint32_t handles[FUZZ_HANDLES];
	int stop;
	int failed;
	char failure[256];
	uint64_t calls;
	uint64_t successes;
	uint32_t succeeded;
	uint32_t can_succeed;
};

/**
 * struct fuzz_map - a piece of a mapping that a thread has made
 * @at: where; NULL: none
 * @length: bytes
 * @prot: as it is now
 * @file: the number that it was mapped by
 */
struct fuzz_map {
	unsigned char *at;
	size_t length;
	int prot;
	int file;
};

/**
 * struct fuzz_thread - one thread
 * @fuzz: what it belongs to
 * @number: of it
 * @random: state of its random numbers
 * @thread: to send it signals
 * @calls: begun; who watches sees it grow
 * @what: it is doing
 * @buffer: FUZZ_BUFFER bytes, what follows is not accessible
 * @readonly: a page that can only be read
 * @maps: mappings
 * @pipe: to splice from and to
 * @epoll: a set
 * @is_child: it was forked, and shall not fork
 */
struct fuzz_thread {
	struct fuzz *fuzz;
	unsigned int number;
	uint64_t random;
	unsigned long thread;
	uint64_t calls;
	const char *what;
	unsigned char *buffer;
	unsigned char *readonly;
	struct fuzz_map maps[FUZZ_MAPS];
	int pipe[2];
	int epoll;
	bool is_child;
};

uint64_t fuzz_random(struct fuzz_thread *t);
/* 0 .. @n - 1 */
uint64_t fuzz_below(struct fuzz_thread *t, uint64_t n);
/* One in @n */
bool fuzz_chance(struct fuzz_thread *t, unsigned int n);
/* A number that is small, a power of two, one beside it, or anything */
uint64_t fuzz_number(struct fuzz_thread *t);
int fuzz_file(struct fuzz_thread *t);
void fuzz_fail(struct fuzz_thread *t, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * What a call came to: not negative, or -errno.  It fails unless that is one of
 * @documented, a list that 0 ends; EBADF always may be, since another thread may
 * have closed the file.
 */
bool fuzz_judge(struct fuzz_thread *t, long ret, const int *documented);

bool fuzz_thread_open(struct fuzz_thread *t);
void fuzz_thread_run(struct fuzz_thread *t);
void fuzz_once(struct fuzz_thread *t);

void fuzz_request(struct fuzz_thread *t);
/* The bits of all ioctls; of UNFENCE only if that is asked for. */
uint32_t fuzz_requests(bool unfence);
void fuzz_call(struct fuzz_thread *t);
void fuzz_memory(struct fuzz_thread *t);
void fuzz_memory_forget(struct fuzz_thread *t);

/*
 * What of the module is executed, if the kernel tells: shared by all processes, opened
 * by root for each thread, and begun by the thread.  Added up after each call, and
 * reported by root: the number of places that were seen, 0 if none was.
 */
bool fuzz_cover_share(void);
void fuzz_cover_open(unsigned int thread);
bool fuzz_cover_begin(unsigned int thread);
void fuzz_cover_add(void);
unsigned int fuzz_cover_report(void);

#endif /* FUZZ_H */
