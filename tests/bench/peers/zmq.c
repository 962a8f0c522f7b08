// SPDX-License-Identifier: GPL-2.0-only
/*
 * ZeroMQ, a pair of sockets within the process
 *
 * (Between processes it goes through AF_UNIX, and a thread of its own that would
 * share a CPU with one side.)
 *
 * Needs: libzmq3-dev <zmq.h> -lzmq
 */
#include <zmq.h>

#include "loops.h"

struct end {
	void *socket;
	void *pattern;
	void *buffer;
};

static struct end ends[2];
static void *context;

static struct end *zmq_p(struct bench_run *run)
{
	(void)run;
	return &ends[0];
}

static struct end *zmq_c(struct bench_run *run)
{
	(void)run;
	return &ends[1];
}

static inline bool zmq_push(struct end *e, uint64_t item)
{
	return zmq_send(e->socket, &item, sizeof(item), 0) == sizeof(item);
}

static inline bool zmq_pop(struct end *e, uint64_t *item)
{
	return zmq_recv(e->socket, item, sizeof(*item), 0) == sizeof(*item);
}

BENCH_TRIP_LOOPS(zmq, struct end)

#define message_p zmq_p
#define message_c zmq_c

static inline size_t message_send(struct end *e, const void *from, size_t n)
{
	int done = zmq_send(e->socket, from, n, 0);

	return done < 0 ? 0 : (size_t)done;
}

static inline size_t message_receive(struct end *e, void *to, size_t n)
{
	int done = zmq_recv(e->socket, to, n, 0);

	return done < 0 ? 0 : (size_t)done;
}

BENCH_BYTE_LOOPS(message, struct end, struct end)

static int zmq_setup(struct bench_run *run)
{
	int most = run->kind == BENCH_STREAM ? (int)(run->capacity / run->size / 2) : 64;
	int i;

	context = zmq_ctx_new();
	for (i = 0; i < 2; i++) {
		ends[i].socket = context ? zmq_socket(context, ZMQ_PAIR) : NULL;
		if (!ends[i].socket)
			return -errno;
		/* Both ends' limits add up. */
		zmq_setsockopt(ends[i].socket, ZMQ_SNDHWM, &most, sizeof(most));
		zmq_setsockopt(ends[i].socket, ZMQ_RCVHWM, &most, sizeof(most));
	}
	if (zmq_bind(ends[0].socket, "inproc://bench") ||
	    zmq_connect(ends[1].socket, "inproc://bench"))
		return -errno;
	if (run->kind != BENCH_STREAM)
		return 0;
	ends[0].pattern = bench_pattern(run->size);
	ends[1].buffer = bench_shared(run->size);
	return ends[0].pattern && ends[1].buffer ? 0 : -ENOMEM;
}

static void zmq_teardown(struct bench_run *run)
{
	bench_unpattern(ends[0].pattern, run->size);
	bench_unshare(ends[1].buffer, run->size);
	zmq_close(ends[0].socket);
	zmq_close(ends[1].socket);
	zmq_ctx_term(context);
}

#define ROW(k, loops) { \
	.name = "zmq", .note = "ZeroMQ, inproc pair", .kind = k, \
	.setup = zmq_setup, .teardown = zmq_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_TRIP_SLEEP, zmq_trip), ROW(BENCH_STREAM, message_byte),
	{ .name = NULL }
};
