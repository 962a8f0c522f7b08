// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BPF program that writes to a BPF ring buffer
 *
 * It is called directly, once for each record: no tracepoint stands between.
 */
#include <linux/bpf.h>
#include <linux/filter.h>

#include "bench.h"

static int bpf_open(struct bench *b, struct bench_open *o)
{
	b->prog = bpf_prog_get_type_dev(o->fd, BPF_PROG_TYPE_RAW_TRACEPOINT,
					false);
	return PTR_ERR_OR_ZERO(b->prog);
}

static bool bpf_write(struct bench *b, const void *record, u32 bytes)
{
	u64 args[12] = { *(const u64 *)record };	/* as tracepoints have */
	u32 ret;

	preempt_disable();
	rcu_read_lock();
	ret = bpf_prog_run(b->prog, args);
	rcu_read_unlock();
	preempt_enable();
	return !ret;
}

static void bpf_close(struct bench *b)
{
	bpf_prog_put(b->prog);
}

const struct bench_ops bench_bpf = {
	.open	= bpf_open,
	.write	= bpf_write,
	.close	= bpf_close,
};
