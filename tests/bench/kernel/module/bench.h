/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef BENCH_H
#define BENCH_H

#include <linux/fs.h>
#include <linux/kfifo.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/wait.h>

#include "control.h"
#include "shmring.h"

struct bench;

/**
 * struct bench_ops - a transport, as its producer sees it
 * @open: make it
 * @write: a whole record, or false
 * @end: what the consumer has not been told of, it is told
 * @close: undo @open
 */
struct bench_ops {
	int (*open)(struct bench *b, struct bench_open *o);
	bool (*write)(struct bench *b, const void *record, u32 bytes);
	void (*end)(struct bench *b);
	void (*close)(struct bench *b);
};

extern const struct bench_ops bench_ring, bench_ring_batch, bench_bpf;
extern const struct bench_ops bench_relay, bench_fifo;

/**
 * struct bench - an open file of the device
 * @lock: held while a request is served
 * @ops: valid once opened
 * @record: what is written
 * @kicks: sent by @ops itself
 */
struct bench {
	struct mutex lock;	/* one request at a time */
	const struct bench_ops *ops;
	u8 *record;
	u64 kicks;

	struct shmring_kernel_end end;
	struct kvec span;
	size_t filled;
	struct bpf_prog *prog;
	struct dentry *folder;
	struct rchan *relay;
	struct kfifo fifo;
	wait_queue_head_t wait;
};

ssize_t bench_fifo_read(struct bench *b, char __user *to, size_t n);
__poll_t bench_fifo_poll(struct bench *b, struct file *file, poll_table *pt);

#endif /* BENCH_H */
