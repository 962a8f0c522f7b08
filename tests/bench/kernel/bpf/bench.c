// SPDX-License-Identifier: GPL-2.0-only
/*
 * Write a record to a BPF ring buffer, as a program in the kernel would
 *
 * The loader sets the constants, so that the program that the kernel compiles
 * has one way of doing it and no branches.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "control.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
} ring SEC(".maps");

const volatile struct bench_program program = { .bytes = BENCH_BYTES_MIN };

__u8 record[BENCH_BYTES_MAX] __attribute__((__aligned__(8)));

/*
 * Reserve, fill in place and submit.  What a compiler can write out is assigned,
 * the rest is left to a helper.
 */
static int write_in_place(__u64 number)
{
	const __u32 bytes = program.bytes;
	__u64 *to = bpf_ringbuf_reserve(&ring, bytes, 0);

	if (!to)
		return 1;
	if (bytes == 64)
		__builtin_memcpy(to, record, 64);
	else if (bytes == 1024)
		__builtin_memcpy(to, record, 1024);
	else if (bytes > 16)
		bpf_probe_read_kernel(to, bytes, record);
	to[0] = number;
	if (bytes >= 16)
		to[bytes / 8 - 1] = number ^ BENCH_TAIL;
	bpf_ringbuf_submit(to, program.flags);
	return 0;
}

static int write_copy(__u64 number)
{
	*(__u64 *)record = number;
	if (program.bytes >= 16)
		*(__u64 *)(record + program.bytes - 8) = number ^ BENCH_TAIL;
	return !!bpf_ringbuf_output(&ring, record, program.bytes,
				    program.flags);
}

SEC("raw_tp")
int bench(__u64 *args)
{
	return program.in_place ? write_in_place(args[0]) : write_copy(args[0]);
}

char LICENSE[] SEC("license") = "GPL";
