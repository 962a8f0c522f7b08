/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hunt for lost wake-ups
 *
 * Two processes send bytes through a small ring, so that both of them sleep
 * often, in pieces and after pauses of random length.  Every byte is checked.
 * The process that started them watches: a wake-up is lost when an end sleeps,
 * what it waits for is there, and nothing has moved it for a second.
 *
 *	hunt.c		starts the two, asks the watch, says what came out
 *	end.c		what each of the two does
 *	watch.c		who sleeps on what?
 *	chance.c	random numbers, pauses, the bytes that are sent
 *	ring_lib.c	the ring under test: the library, on either backend
 *	ring_planted.c	a ring with bugs that the hunt must find
 *	wait_*.c	the ways to wait
 */
#ifndef HUNT_H
#define HUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HUNT_CAPACITY_MAX	4096

struct shmring;
struct planted;
struct hunt;
struct hunt_end;

enum hunt_role {
	HUNT_CONSUMER,
	HUNT_PRODUCER,
	HUNT_ROLES,
};

/**
 * struct hunt_way - a way to wait for the peer
 * @name: for the report
 * @init: prepare, in the process that waits; may be NULL
 * @wait: sleep until the peer has moved, in which direction @hunt_end.role
 *	says.  May return early.  0, -EINTR, or another negative errno, which
 *	ends the hunt; -EPIPE counts as 0.  NULL if there is
 * @move: wait and move up to n bytes in one.  Returns them; 0: the producer
 *	has gone; or a negative errno, as above
 * @fini: undo @init; may be NULL
 */
struct hunt_way {
	const char *name;
	int (*init)(struct hunt_end *e);
	int (*wait)(struct hunt_end *e);
	ssize_t (*move)(struct hunt_end *e, void *buf, size_t n);
	void (*fini)(struct hunt_end *e);
};

/**
 * struct hunt_look - a ring as its watcher sees it
 * @wr: the producer's position
 * @rd: the consumer's position
 * @rx_arm: where the consumer wants to be woken
 * @tx_arm: where the producer wants to be woken
 * @kicks: wake-ups so far, in both directions
 * @barriers: heavy barriers so far, likewise
 */
struct hunt_look {
	uint64_t wr;
	uint64_t rd;
	uint64_t rx_arm;
	uint64_t tx_arm;
	uint64_t kicks;
	uint64_t barriers;
};

/**
 * struct hunt_ring - a kind of ring
 * @name: for the report
 * @open: make one, before the ends are started
 * @join: become an end of it, in that end's process
 * @move: copy up to n bytes; never sleeps
 * @credit: bytes that could be moved now
 * @ended: has the peer gone?
 * @position: where this end stands, whoever moved it
 * @leave: give up the role, in the end's process
 * @look: for the watcher
 * @close: undo @open
 * @run: be that end, from beginning to end; 1: end.c shall; NULL: always
 * @asleep: is this end asleep? Negative: /proc knows; NULL: always
 */
struct hunt_ring {
	const char *name;
	int (*open)(struct hunt *h);
	int (*join)(struct hunt_end *e);
	ssize_t (*move)(struct hunt_end *e, void *buf, size_t n);
	uint64_t (*credit)(struct hunt_end *e);
	bool (*ended)(struct hunt_end *e);
	uint64_t (*position)(struct hunt_end *e);
	void (*leave)(struct hunt_end *e);
	void (*look)(struct hunt *h, struct hunt_look *look);
	void (*close)(struct hunt *h);
	int (*run)(struct hunt_end *e);
	int (*asleep)(struct hunt *h, enum hunt_role role);
};

/**
 * struct hunt_report - what an end tells its watcher
 * @calls: grows when a wait begins and when it ends: odd, it waits
 * @moves: commits, or releases
 * @waits: how often it waited
 * @sleeps: how often it gave up its CPU
 * @error: why it ended; 0: all is well
 * @error_at: its position then
 * @error_what: what it was doing
 */
struct hunt_report {
	uint64_t calls;
	uint64_t moves;
	uint64_t waits;
	uint64_t sleeps;
	uint64_t error_at;
	int error;
	char error_what[44];
} __attribute__((__aligned__(128)));

/**
 * struct hunt_end - an end, in its own process
 * @hunt: what it belongs to
 * @role: which end
 * @report: shared with the watcher
 * @random: state of its random numbers
 * @pos: its position, i.e. bytes moved
 * @gone: the peer has been seen to have gone
 * @ring: the library's
 * @planted: or ours
 * @fd: the way's file, or epoll
 * @way_data: the way's own
 */
struct hunt_end {
	struct hunt *hunt;
	enum hunt_role role;
	struct hunt_report *report;
	uint64_t random;
	uint64_t pos;
	bool gone;
	struct shmring *ring;
	struct planted *planted;
	int fd;
	void *way_data;
};

/**
 * struct hunt - what to do, and what came of it
 * @way: how to wait
 * @kind: through what
 * @commits: how many
 * @min: threshold in bytes of both ends
 * @seed: of the random numbers
 * @max_losses: stop after so many
 * @spin_ns: how long the library may spin
 * @bug: what is planted, see ring_planted.c
 * @capacity: of the ring that is open
 * @apart: the ends are kept on different CPUs
 * @unit: loops that take as long as an end needs to fall asleep, about
 * @reports: shared with the ends
 * @ring: the watcher's
 * @planted: or ours
 * @handle: of the device's ring
 * @start: where its positions begin
 * @rx_arm: where the library's ring says when to wake the consumer
 * @tx_arm: and the producer
 * @k: page K of the device's ring, for these two
 * @kernel: a ring's own, see tests/kernel
 * @fault: a failure other than a loss
 * @losses: found
 * @deadlocks: both ends asleep for want of the other
 * @done: moves of the consumer and the producer
 * @waits: of both ends
 * @sleeps: of both ends
 * @kicks: in both directions
 * @barriers: likewise
 * @seconds: that it took
 */
struct hunt {
	const struct hunt_way *way;
	const struct hunt_ring *kind;
	uint64_t commits;
	uint32_t min;
	uint64_t seed;
	unsigned int max_losses;
	uint32_t spin_ns;
	unsigned int bug;

	uint32_t capacity;
	bool apart;
	unsigned int unit;
	struct hunt_report *reports;
	struct shmring *ring;
	struct planted *planted;
	uint32_t handle;
	uint64_t start;
	const uint64_t *rx_arm;
	const uint64_t *tx_arm;
	struct shmring_kernel_page *k;
	void *kernel;

	int fault;
	unsigned int losses;
	unsigned int deadlocks;
	uint64_t done[HUNT_ROLES];
	uint64_t waits;
	uint64_t sleeps;
	uint64_t kicks;
	uint64_t barriers;
	double seconds;
};

extern const struct hunt_ring hunt_memory, hunt_device, hunt_planted;

extern const struct hunt_way hunt_poll, hunt_select;
extern const struct hunt_way hunt_epoll_level, hunt_epoll_edge;
extern const struct hunt_way hunt_epoll_oneshot, hunt_epoll_edge_rw;
extern const struct hunt_way hunt_uring_poll, hunt_uring_multishot;
extern const struct hunt_way hunt_uring_rw;
extern const struct hunt_way hunt_rw, hunt_wait_ioctl;
extern const struct hunt_way hunt_lib_wait, hunt_lib_stream;
extern const struct hunt_way hunt_planted_wait;

/* wait_call.c: read or write, as the role asks for */
ssize_t hunt_rw_move(struct hunt_end *e, void *buf, size_t n);

/* hunt.c */
void hunt_run(struct hunt *h);
uint64_t hunt_seed(void);
bool hunt_long(void);
/* By how much fewer commits a hunt makes, on a kernel that is so much slower */
unsigned int hunt_slowness(void);
bool hunt_wanted(const struct hunt_way *way);
double hunt_now(void);

/* end.c */
int hunt_end_run(struct hunt *h, enum hunt_role role);

/* watch.c */
void hunt_watch(struct hunt *h, const pid_t pids[HUNT_ROLES], double limit);

/* chance.c */
uint64_t hunt_random(uint64_t *state);
void hunt_pattern_init(uint64_t seed);
unsigned char *hunt_pattern(uint64_t pos);
size_t hunt_size(struct hunt_end *e);
void hunt_pause(struct hunt_end *e);
unsigned int hunt_unit(void);

/* ring_lib.c: what the ways need of the library's ring */
int hunt_poll_fd(const struct hunt_end *e, short *events);
int hunt_arm(struct hunt_end *e);
bool hunt_must_arm(const struct hunt_end *e);

#endif /* HUNT_H */
