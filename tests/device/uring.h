/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring and an io_uring, for the tests of the one by the other
 */
#ifndef URING_H
#define URING_H

#include <liburing.h>

#include "stream.h"

/* A page or more everywhere: a span is one piece wherever it begins */
#define URING_CAPACITY	65536U
#define URING_START	(0ULL - 1000)

/* Long enough for what must not happen to happen, on an emulated machine. */
#define A_WHILE_MS	30
#define SOON_MS		5000

/**
 * struct uring - what each test begins with
 * @pair: an empty ring, its data mirrored
 * @queue: for 16 requests
 * @cqe: the last one that ended
 * @buf: twice the ring's capacity
 */
struct uring {
	struct device_pair pair;
	struct io_uring queue;
	struct io_uring_cqe cqe;
	unsigned char buf[2 * URING_CAPACITY];
};

bool uring_open(struct uring *self);

/* Ends all; false: something stays behind in the kernel. */
bool uring_close(struct uring *self);

/* Does a request end within so many milliseconds?  Then it is in self->cqe. */
bool uring_completes(struct uring *self, unsigned int ms);

/* All @n bytes at once by the mapping, and with one kick at most. */
bool uring_put(struct uring *self, size_t n);
bool uring_take(struct uring *self, size_t n);

void uring_close_producer(struct uring *self);
void uring_close_consumer(struct uring *self);

/* Does the producer hear soon that its consumer has gone? */
bool uring_told(struct uring *self);

/* Threads that io_uring made because something would have blocked. */
int uring_workers(void);

/* liburing's prep functions clear the name: it is set behind them. */
#define PREPARE(self, name, prep, ...) ({				\
	struct io_uring_sqe *sqe_ = io_uring_get_sqe(&(self)->queue);	\
									\
	prep(sqe_, __VA_ARGS__);					\
	io_uring_sqe_set_data64(sqe_, name);				\
	sqe_;								\
})

#define SUBMIT(self, ...) ({						\
	PREPARE(self, __VA_ARGS__);					\
	io_uring_submit(&(self)->queue);					\
})

#endif /* URING_H */
