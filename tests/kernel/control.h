/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How the test programs lead a ring's end in the kernel by the hand
 *
 * Each open file of CONTROL_DEVICE has one ring and one end at most.  A call is
 * one of the exported functions, with its arguments and its result; or it starts
 * a job, which moves the end by itself, in a context of the kernel's.
 */
#ifndef CONTROL_H
#define CONTROL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define CONTROL_DEVICE		"/dev/shmring_test"

/* One for each exported function, and what is needed to look at its effects */
enum control_call {
	CALL_ALLOC,		/* capacity, flags, start */
	CALL_FROM_FD,		/* fd */
	CALL_LOOKUP,		/* handle, role */
	CALL_PUT,
	CALL_CAPACITY,
	CALL_REGISTER,		/* flags: mode; returns the handle */
	CALL_UNREGISTER,	/* handle */
	CALL_CLAIM,		/* role; flags: CLAIM_NOTIFY */
	CALL_DROP,
	CALL_STATUS,
	CALL_WRITE_ACQUIRE,	/* returns span[], at[] */
	CALL_WRITE_SPANS,	/* buf, n: into what was acquired; no commit */
	CALL_WRITE_COMMIT,	/* n */
	CALL_TRY_WRITE,		/* buf, n */
	CALL_WRITE_OR_DROP,	/* buf, n */
	CALL_MESSAGE,		/* buf, n: a record of so many; flags: CALL_IN_SPANS */
	CALL_COUNT_DROP,	/* n */
	CALL_WRITE_ARM,		/* n: min */
	CALL_READ_ACQUIRE,	/* returns span[], at[] */
	CALL_READ_SPANS,	/* buf, n: from what was acquired; no release */
	CALL_READ_RELEASE,	/* n */
	CALL_TRY_READ,		/* buf, n */
	CALL_READ_ARM,		/* n: min */
	CALL_NOTIFIED,		/* how often @notify was called since the claim */
	CALL_FREE_PENDING,	/* n: times, see module/pending.c; returns at[0] */
	CALL_QUEUE,		/* n: elements, capacity, start; see module/queue.c */
};

#define CLAIM_NOTIFY		0x1U

#define CALL_MESSAGE_MAX	56U

/* A record in the spans instead of by write_or_drop */
#define CALL_IN_SPANS		0x40000000U

/* With interrupts off; for those calls of which that is no nonsense */
#define CALL_IRQS_OFF		0x80000000U

#define CALL_BYTES_MAX		0x100000U

/**
 * struct control_args - a call; what is not named above is 0
 * @call: enum control_call
 * @fd: of /dev/shmring
 * @role: SHMRING_ROLE_*
 * @flags: of the function, of the claim, and CALL_IRQS_OFF
 * @capacity: bytes
 * @handle: in and out
 * @start: where the positions begin
 * @buf: user pointer
 * @n: bytes, or whatever number the function takes
 * @span: lengths of the spans
 * @at: where they begin, in bytes from the data's beginning
 */
struct control_args {
	__u32 call;
	__s32 fd;
	__u32 role;
	__u32 flags;
	__u32 capacity;
	__u32 handle;
	__u64 start;
	__u64 buf;
	__u64 n;
	__u64 span[2];
	__u64 at[2];
};

/* Where a job's end is moved */
enum control_context {
	CONTEXT_HARDIRQ,	/* an hrtimer */
	CONTEXT_SOFTIRQ,	/* a tasklet, which an hrtimer schedules */
	CONTEXT_NMI,		/* an NMI, which an hrtimer sends to another CPU */
	CONTEXT_KTHREAD,
	CONTEXT_WORK,		/* a work item */
	CONTEXTS,
};

/**
 * struct control_job - move the claimed end until it is done
 * @context: enum control_context
 * @flags: JOB_*
 * @moves: how many commits; a consumer reads until the producer has gone
 * @min: what to ask for when it arms
 * @unit: empty loops that take as long as a process needs to fall asleep, about.
 *	Pauses are loops: to ask an emulated clock disturbs all that runs
 * @rest_ns: between two turns in interrupts, at least
 * @seed: of sizes and pauses
 * @pattern: user pointer: the bytes of the stream, of period @period, and
 *	@pattern_more more so that each piece is in one piece
 * @period: bytes
 * @pattern_more: the longest piece
 * @reserved: 0
 */
struct control_job {
	__u32 context;
	__u32 flags;
	__u64 moves;
	__u32 min;
	__u32 unit;
	__u64 seed;
	__u64 pattern;
	__u32 period;
	__u32 pattern_more;
	__u32 rest_ns;
	__u32 reserved;
};

#define JOB_TRUST	0x1U	/* whatever a consumer reads is right */
#define JOB_NO_PAUSE	0x2U	/* as fast as it goes */
#define JOB_STEP	0x4U	/* a producer: when all was read, and not before */

/**
 * struct control_report - how far a job has come
 * @done: it has ended, with @error
 * @error: 0, -EPIPE, -EBADMSG, -EILSEQ a wrong byte, -ETIME no NMI came
 * @waits: it has armed and was not notified yet
 * @reserved: 0
 * @moves: commits or releases
 * @bytes: in them
 * @turns: how often its context was entered
 * @arms: how often it armed, and it was true
 * @again: how often it armed, and it was false
 * @notified: how often it was notified
 * @moved_ns: when it moved last, by CLOCK_MONOTONIC; with JOB_STEP
 * @checksum: of all bytes that were consumed, see control_checksum()
 */
struct control_report {
	__u32 done;
	__s32 error;
	__u32 waits;
	__u32 reserved;
	__u64 moves;
	__u64 bytes;
	__u64 turns;
	__u64 arms;
	__u64 again;
	__u64 notified;
	__u64 moved_ns;
	__u64 checksum;
};

#define CONTROL_CALL	_IOWR(0xd8, 0x00, struct control_args)
#define CONTROL_START	_IOW(0xd8, 0x01, struct control_job)
#define CONTROL_WAIT	_IO(0xd8, 0x02)		/* until it is done, or EINTR */
#define CONTROL_RESUME	_IO(0xd8, 0x03)		/* as if it was notified */
#define CONTROL_STOP	_IO(0xd8, 0x04)
#define CONTROL_REPORT	_IOR(0xd8, 0x05, struct control_report)

#define CONTROL_CHECKSUM	0xcbf29ce484222325ULL

/* FNV-1a */
static inline __u64 control_checksum(__u64 sum, const void *buf, __u64 n)
{
	const unsigned char *p = buf;

	while (n--)
		sum = (sum ^ *p++) * 0x100000001b3ULL;
	return sum;
}

#endif /* CONTROL_H */
