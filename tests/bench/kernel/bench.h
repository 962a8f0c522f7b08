/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "control.h"

#define CAPACITY	(256U << 10)

/* Which CPU does what; where there is but one, it does both */
#define CPU_CONSUMER	0
int producer_cpu(void);

struct transport;

/*
 * Where it overflows while it is read, records were seen to get lost in
 * silence, or to come twice.  Relay's read() and its writer share no lock.
 */
#define INEXACT		0x100U
/* Nobody counts how often the consumer is woken. */
#define NO_KICKS	0x200U

/**
 * struct consumer - the user side of one measurement
 * @transport: how
 * @bytes: of each record
 * @thorough: look at every byte
 * @next: number of the record that comes next, if none is dropped
 * @received: records
 * @missing: numbers that were left out
 * @bad: records that are not what was written
 * @reads: system calls that fetch records
 * @state: the transport's
 * @device: of the module, or -1
 */
struct consumer {
	const struct transport *transport;
	uint32_t bytes;
	bool thorough;
	uint64_t next;
	uint64_t received;
	uint64_t missing;
	uint64_t bad;
	uint64_t reads;
	void *state;
	int device;
};

/**
 * struct transport - a way from the kernel to a process
 * @name: of the row in the table
 * @note: one line about it
 * @flags: the transport's own, INEXACT, NO_KICKS
 * @open: 0; -EOPNOTSUPP this kernel, or this build, has none; or an errno
 * @produce: on another thread; NULL: BENCH_RUN of the consumer's device
 * @drain: take what there is
 * @wait: until there is something, or @ms are over
 * @kicks: that were sent to the consumer so far; NULL: irq_work's interrupts,
 *	with which the kernel sends them
 * @close: undo @open
 */
struct transport {
	const char *name;
	const char *note;
	unsigned int flags;
	int (*open)(struct consumer *c);
	int (*produce)(struct consumer *c, struct bench_run *r);
	void (*drain)(struct consumer *c);
	void (*wait)(struct consumer *c, int ms);
	uint64_t (*kicks)(struct consumer *c);
	void (*close)(struct consumer *c);
};

/* ring.c, bpf.c, fifo.c, tap.c */
extern const struct transport by_shmring, by_shmring_lowat, by_shmring_batch;
extern const struct transport by_bpf, by_bpf_reserve, by_bpf_nowakeup;
extern const struct transport by_relay;
extern const struct transport by_read;
extern const struct transport by_tap, by_tap_lowat, by_tpacket, by_packet;

/* consumer.c */
void consumer_take_many(struct consumer *c, const void *records, size_t bytes);
int consumer_device(struct consumer *c, struct bench_open *o);
uint64_t irq_work_count(void);

/* A record has come. */
static inline void consumer_take(struct consumer *c, const void *record)
{
	const uint8_t *p = record;
	uint64_t number, tail;
	uint32_t i;

	memcpy(&number, p, sizeof(number));
	c->received++;
	if (number < c->next) {
		c->bad++;
		return;
	}
	c->missing += number - c->next;
	c->next = number + 1;
	if (c->bytes < 16)
		return;
	memcpy(&tail, p + c->bytes - sizeof(tail), sizeof(tail));
	if (tail != (number ^ BENCH_TAIL))
		c->bad++;
	if (!c->thorough)
		return;
	for (i = 8; i < c->bytes - 8; i++) {
		if (p[i] != BENCH_FILL) {
			c->bad++;
			return;
		}
	}
}

#endif /* BENCH_H */
