/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark asks its module to do
 *
 * An open file of BENCH_DEVICE is one transport from the kernel to this process.
 * BENCH_RUN produces in the kernel, on the calling thread, and returns when it
 * is done; the consumer is another thread.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_DEVICE		"/dev/shmring_bench"
#define BENCH_RELAY_FOLDER	"shmring_bench"		/* in debugfs */

#define BENCH_BYTES_MIN		8U
#define BENCH_BYTES_MAX		16384U

/* A record is all of this byte, but for its first and its last eight. */
#define BENCH_FILL		0x5a
#define BENCH_TAIL		0x6b696e672072696eULL

enum bench_kind {
	BENCH_SHMRING,
	BENCH_SHMRING_BATCH,
	BENCH_BPF,
	BENCH_RELAY,
	BENCH_FIFO,
};

/**
 * struct bench_open - BENCH_OPEN: make the transport
 * @kind: enum bench_kind
 * @capacity: bytes, a power of two; of BPF's ring its map says it
 * @fd: of the BPF program, type raw tracepoint, whose first argument is the
 *	record's number and which returns 0 if it has written the record
 * @handle: returned: of the shmring
 */
struct bench_open {
	__u32 kind;
	__u32 capacity;
	__s32 fd;
	__u32 handle;
};

/* Try each record until it is written */
#define BENCH_LOSSLESS		0x1U

/**
 * struct bench_run - BENCH_RUN: produce
 * @flags: BENCH_*
 * @bytes: of each record
 * @burst: records that are offered at once
 * @reserved: 0
 * @interval_ns: from burst to burst; 0: one after the other
 * @duration_ns: when to stop, at the latest
 * @limit: records at most
 * @offered: returned: records; their numbers count from 0
 * @written: returned
 * @dropped: returned: lossless, those that were offered when time was over
 * @stalls: returned: tries that found no room, of a lossless run
 * @kicks: returned: wake-ups that the module has sent by itself (BENCH_FIFO)
 * @ns: returned: how long it took
 * @busy_ns: returned: how long without the pauses between the bursts
 */
struct bench_run {
	__u32 flags;
	__u32 bytes;
	__u32 burst;
	__u32 reserved;
	__u64 interval_ns;
	__u64 duration_ns;
	__u64 limit;
	__u64 offered;
	__u64 written;
	__u64 dropped;
	__u64 stalls;
	__u64 kicks;
	__u64 ns;
	__u64 busy_ns;
};

/**
 * struct bench_program - what is constant in the BPF program
 * @bytes: of each record
 * @in_place: reserve and submit instead of output
 * @flags: BPF_RB_*
 */
struct bench_program {
	__u32 bytes;
	__u32 in_place;
	__u64 flags;
};

#define BENCH_OPEN	_IOWR(0xd7, 0x70, struct bench_open)
#define BENCH_RUN	_IOWR(0xd7, 0x71, struct bench_run)

#endif /* CONTROL_H */
