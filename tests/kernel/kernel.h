/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of the ends in the kernel have in common
 *
 * As in tests/device: what a call returns, or -errno.
 */
#ifndef KERNEL_H
#define KERNEL_H

#include <linux/shmring.h>

#include "../hunt/hunt.h"
#include "control.h"

/* -ENOENT: shmring_test.ko is not loaded */
int control_open(void);
int control_ioctl(int fd, unsigned int cmd, void *arg);

/* One call, its arguments named: CALL(fd, CALL_CLAIM, .role = ...) */
#define CALL(fd, ...) \
	control_ioctl(fd, CONTROL_CALL, \
		      &(struct control_args){ .call = __VA_ARGS__ })

/* A control file that has found the ring of a handle, and claimed. */
int control_claim(__u32 handle, __u32 role);

/* Start a job with a stream of the hunt's bytes. */
int control_start(int fd, enum control_context context, __u32 flags,
		  __u64 moves, __u32 min, __u64 seed);

/**
 * struct kernel_pair - a ring with an end here and one there
 * @control: the kernel's end, with a notify
 * @handle: of the ring, which the kernel has made
 * @ring: the process' end
 */
struct kernel_pair {
	int control;
	__u32 handle;
	struct shmring *ring;
};

/* @role: the kernel's */
int kernel_pair(struct kernel_pair *pair, __u32 capacity, __u64 start,
		__u32 role);
void kernel_pair_free(struct kernel_pair *pair);

/* Store to the word that the process' end moves. */
void kernel_pair_move(struct kernel_pair *pair, __u64 position);
__u64 kernel_pair_position(const struct kernel_pair *pair);
__u64 kernel_pair_peer_position(const struct kernel_pair *pair);

/* poll(2) of the process' end: its revents; waits for @ms at most */
int kernel_pair_poll(const struct kernel_pair *pair, int ms);

/* Rings, pages and handles are zero, or become so before a second has passed. */
bool kernel_idle(void);

/* Loops that take as long as a process needs to fall asleep, about. */
unsigned int control_unit(void);

/* Let time pass without a sleep, and without asking a clock for it. */
void control_spin(unsigned int loops);

/* Has the job ended? */
bool control_done(int fd);

const char *control_context_name(enum control_context context);

/**
 * struct hunt_kernel - what a hunt needs to know of its end in the kernel
 * @role: which end that is
 * @context: where it runs
 * @control: its control file, while a ring is open
 * @report: of the jobs so far, added up
 */
struct hunt_kernel {
	enum hunt_role role;
	enum control_context context;
	int control;
	struct control_report report;
};

extern const struct hunt_ring hunt_kernel;

#endif /* KERNEL_H */
