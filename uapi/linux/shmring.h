/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * shmring - the binary interface of /dev/shmring
 *
 * Two things are described here: the pages that both ends of a ring map, and
 * the ioctls of the device.  How the two ends must behave on those pages is as
 * much part of the interface as their layout; it stands in shmring_proto.h.
 *
 * A ring's pages, in file-offset order:
 *
 *	 C            K            P            data ...     data again ...
 *	+------------+------------+------------+------------+------------+
 *	| rd         | geometry,  | wr         | capacity   | the same   |
 *	|            | state, arm |            | bytes      | pages      |
 *	+------------+------------+------------+------------+------------+
 *	consumer rw   read only    producer rw, consumer read only
 *	producer ro   for both
 *
 * so that each role needs two mappings: the consumer [C] read-write and
 * [K P data data] read-only, the producer [C K] read-only and [P data data]
 * read-write.  The data pages come twice when the capacity is at least a page:
 * then every span is one contiguous piece.  A smaller ring has one data page
 * and wraps inside it.
 *
 * A ring that was made with an arena has further pages, at SHMRING_ARENA_OFFSET,
 * which both ends map read-write and an observer read-only: room for what is
 * passed by reference.  The kernel never looks at what stands there.
 */
#ifndef _UAPI_LINUX_SHMRING_H
#define _UAPI_LINUX_SHMRING_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define SHMRING_DEVICE		"/dev/shmring"

#define SHMRING_MAGIC		0x72696e67	/* "ring" */
#define SHMRING_ABI_VERSION	1

#define SHMRING_CAPACITY_MIN	2U
#define SHMRING_CAPACITY_MAX	0x40000000U

/* The arena's own file offset on the device, above any ring's map_length. */
#define SHMRING_ARENA_OFFSET	0x10000000000ULL

/* Words that different CPUs write or poll stand this far apart. */
#define SHMRING_LINE		128

/* Roles of an end; an observer is read-only and never arms. */
#define SHMRING_ROLE_PRODUCER	0x1U
#define SHMRING_ROLE_CONSUMER	0x2U
#define SHMRING_ROLE_BOTH	(SHMRING_ROLE_PRODUCER | SHMRING_ROLE_CONSUMER)
#define SHMRING_ROLE_OBSERVER	0x4U

/* The edges: the consumer waits for READABLE, the producer for WRITABLE. */
enum shmring_edge {
	SHMRING_READABLE	= 1,	/* empty -> non-empty */
	SHMRING_WRITABLE	= 2,	/* full -> non-full */
};

/* Flags of SHMRING_IOC_CREATE.  A handle keeps the ring alive, until the PID
 * namespace ends in which alone it can be named.  Then it goes with a CREATE or
 * an UNREGISTER of anybody's, each of which looks at a few such rings.
 */
#define SHMRING_F_PERSIST	0x1U

/* State bits in the kernel page.  GONE is set when a role is given up, so a
 * ring whose second end has not come yet is not in that state.
 */
#define SHMRING_STATE_PRODUCER_GONE	0x1U
#define SHMRING_STATE_CONSUMER_GONE	0x2U
#define SHMRING_STATE_CORRUPT		0x4U	/* an impossible position was seen; stays */

/* Which side of the house backs a ring (shmring_kernel_page.backend) */
#define SHMRING_BACKEND_DEVICE	1	/* /dev/shmring */
#define SHMRING_BACKEND_MEMORY	2	/* memfd and eventfds, no module */

/* How an end orders what it publishes against its look at the peer's arm
 * (shmring_consumer_page.mode, shmring_producer_page.mode)
 */
#define SHMRING_FENCED		0	/* by a full fence in each commit or release */
#define SHMRING_UNFENCED	1	/* by the barrier that an arming peer brings about */

/* An arm word that asks for nothing. */
#define SHMRING_ARM_NONE	(~(__u64)0)

/**
 * struct shmring_counters - what notification cost one direction of a ring
 * @kicks: wake-ups that were sent because an arm was reached
 * @arms: how often a waiter armed
 * @sleeps: how often a waiter slept inside the kernel (WAIT, read, write), or,
 *	on the memory backend, in the library
 * @barriers: how often an arm cost a heavy barrier, as the peer was unfenced
 */
struct shmring_counters {
	__u64 kicks;
	__u64 arms;
	__u64 sleeps;
	__u64 barriers;
};

/**
 * struct shmring_consumer_page - page C, written by the consumer
 * @rd: free-running position of the next byte that the consumer reads
 * @mode: SHMRING_FENCED or SHMRING_UNFENCED, see shmring_proto.h
 */
struct shmring_consumer_page {
	__u64 rd;
	__u8 pad0[SHMRING_LINE - 8];

	__u64 mode;
};

/**
 * struct shmring_producer_page - page P, written by the producer
 * @wr: free-running position of the next byte that the producer writes
 * @mode: SHMRING_FENCED or SHMRING_UNFENCED, see shmring_proto.h
 */
struct shmring_producer_page {
	__u64 wr;
	__u8 pad0[SHMRING_LINE - 8];

	__u64 mode;
};

/**
 * struct shmring_kernel_page - page K, which no process can write
 * @magic: SHMRING_MAGIC
 * @version: SHMRING_ABI_VERSION; grows when a layout becomes incompatible
 * @page_size: what separates C, K, P and data; a mapping's granule
 * @backend: SHMRING_BACKEND_*
 * @capacity: bytes of data, a power of two
 * @consumer_offset: file offset of page C
 * @kernel_offset: file offset of page K
 * @producer_offset: file offset of page P
 * @data_offset: file offset of the data
 * @map_length: file offset behind the last byte that can be mapped; when the
 *	capacity is at least page_size, the data pages are mirrored, and that is
 *	data_offset + 2 * capacity
 * @arena_offset: file offset of the arena; 0: there is none
 * @arena_size: its bytes
 * @state: SHMRING_STATE_* bits
 * @fence: not 0: no end of this ring may be SHMRING_UNFENCED.  An end that
 *	always fences is always right.
 * @rx_arm: wake the consumer when ``wr`` reaches this; SHMRING_ARM_NONE: don't
 * @tx_arm: wake the producer when ``rd`` reaches this
 * @rx: counters of the READABLE direction
 * @tx: counters of the WRITABLE direction
 * @drops: records that a lossy producer had no room for
 * @drop_bytes: the bytes in them
 *
 * The arm words stand here because whoever could write its peer's arm could
 * put the peer to sleep for good.  On the memory backend there is no kernel to
 * own this page, and both ends write it: use it between ends that trust each
 * other.
 */
struct shmring_kernel_page {
	__u32 magic;
	__u32 version;
	__u32 page_size;
	__u32 backend;
	__u64 capacity;
	__u64 consumer_offset;
	__u64 kernel_offset;
	__u64 producer_offset;
	__u64 data_offset;
	__u64 map_length;
	__u64 arena_offset;
	__u64 arena_size;
	__u8 pad0[SHMRING_LINE - 80];

	__u32 state;
	__u32 fence;
	__u8 pad1[SHMRING_LINE - 8];

	__u64 rx_arm;
	__u8 pad2[SHMRING_LINE - 8];

	__u64 tx_arm;
	__u8 pad3[SHMRING_LINE - 8];

	struct shmring_counters rx;
	__u8 pad4[SHMRING_LINE - 32];

	struct shmring_counters tx;
	__u8 pad5[SHMRING_LINE - 32];

	__u64 drops;
	__u64 drop_bytes;
};

/*
 * ioctls.  Each takes a pointer to a struct that begins with its own size, as
 * the caller knows it.  A longer struct is taken when all that this kernel does
 * not know is zero and it is no longer than a page (else E2BIG); one that is
 * shorter than its first version, unknown flags and reserved fields that are not
 * zero are EINVAL.  INFO only answers: but for the size, what is in its struct is
 * not looked at, and what this kernel does not know is zeroed.  All of them but
 * CREATE, ATTACH and UNREGISTER want a bound fd (else ENOTCONN).
 *
 * poll says EPOLLERR of an fd that is not bound, and has nothing yet to be woken
 * by: bind it before it is added to an epoll set.
 */
#define SHMRING_IOC_TYPE	0xd7

#define SHMRING_IOC_CREATE	_IO(SHMRING_IOC_TYPE, 0x00)
#define SHMRING_IOC_REGISTER	_IO(SHMRING_IOC_TYPE, 0x01)
#define SHMRING_IOC_ATTACH	_IO(SHMRING_IOC_TYPE, 0x02)
#define SHMRING_IOC_UNREGISTER	_IO(SHMRING_IOC_TYPE, 0x03)
#define SHMRING_IOC_INFO	_IO(SHMRING_IOC_TYPE, 0x04)
#define SHMRING_IOC_ARM		_IO(SHMRING_IOC_TYPE, 0x05)
#define SHMRING_IOC_KICK	_IO(SHMRING_IOC_TYPE, 0x06)
#define SHMRING_IOC_WAIT	_IO(SHMRING_IOC_TYPE, 0x07)
#define SHMRING_IOC_LOWAT	_IO(SHMRING_IOC_TYPE, 0x08)
#define SHMRING_IOC_UNFENCE	_IO(SHMRING_IOC_TYPE, 0x09)

/**
 * struct shmring_ioc_create - SHMRING_IOC_CREATE: make a ring, bind this fd
 * @size: sizeof(struct shmring_ioc_create)
 * @flags: SHMRING_F_*
 * @capacity: bytes, a power of two, SHMRING_CAPACITY_MIN .. _MAX
 * @roles: SHMRING_ROLE_* of this fd; OBSERVER stands alone
 * @start: where both positions begin; 0 unless a test wants a wrap to be near
 * @arena: bytes of an arena, a multiple of the page size, at most
 *	SHMRING_CAPACITY_MAX; 0: none.  The first version ends before it.
 *
 * EINVAL a bad field; EBUSY the fd is bound; EACCES the fd is not open for
 * reading and writing (OBSERVER: reading); EPERM the capacity or the arena is
 * above the module's max_capacity; EDQUOT the user's share is used up; ENOMEM.
 */
struct shmring_ioc_create {
	__u32 size;
	__u32 flags;
	__u32 capacity;
	__u32 roles;
	__u64 start;
	__u64 arena;
};

/**
 * struct shmring_ioc_register - SHMRING_IOC_REGISTER: give the ring a handle
 * @size: sizeof(struct shmring_ioc_register)
 * @flags: 0
 * @mode: who may attach, as in chmod: w to be an end, r to observe; 0: 0600
 * @handle: returned, never 0; not looked at.  Names the ring in the PID namespace
 *	in which that was made
 *
 * EINVAL a bad field; EPERM neither the ring's owner nor CAP_IPC_OWNER;
 * ENOSPC too many handles; ENOMEM.
 */
struct shmring_ioc_register {
	__u32 size;
	__u32 flags;
	__u32 mode;
	__u32 handle;
};

/**
 * struct shmring_ioc_attach - SHMRING_IOC_ATTACH: bind this fd to a ring
 * @size: sizeof(struct shmring_ioc_attach)
 * @flags: 0
 * @handle: as registered, in this PID namespace
 * @roles: SHMRING_ROLE_* of this fd
 *
 * EINVAL a bad field; ENOENT unknown or not permitted; EBUSY a role is taken,
 * or the fd is bound; EACCES as with CREATE.
 */
struct shmring_ioc_attach {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__u32 roles;
};

/**
 * struct shmring_ioc_unregister - SHMRING_IOC_UNREGISTER: remove a handle
 * @size: sizeof(struct shmring_ioc_unregister)
 * @flags: 0
 * @handle: as registered, in this PID namespace
 * @reserved: 0
 *
 * The ring lives on while somebody has it.  ENOENT unknown or not permitted;
 * EPERM may use the ring, but does not own it.
 */
struct shmring_ioc_unregister {
	__u32 size;
	__u32 flags;
	__u32 handle;
	__u32 reserved;
};

/**
 * struct shmring_ioc_info - SHMRING_IOC_INFO: what is known of a ring
 * @size: in: what the caller has room for; out: what was filled
 * @flags: SHMRING_F_* of the ring
 * @roles: SHMRING_ROLE_* of this fd
 * @state: SHMRING_STATE_* bits
 * @page_size: the granule of the layout
 * @capacity: bytes of data
 * @consumer_offset: file offset of page C
 * @kernel_offset: file offset of page K
 * @producer_offset: file offset of page P
 * @data_offset: file offset of the data
 * @map_length: file offset behind the last byte
 * @wr: the producer's position
 * @rd: the consumer's position
 * @rx_lowat: the consumer's threshold in bytes
 * @tx_lowat: the producer's threshold in bytes
 * @producer_pid: who claimed the role, as this process sees it; 0: nobody, or
 *	nobody that is visible from here
 * @consumer_pid: likewise
 * @handles: how many handles name the ring
 * @reserved: 0
 * @rx: counters of the READABLE direction
 * @tx: counters of the WRITABLE direction
 * @drops: records that a lossy producer had no room for
 * @drop_bytes: the bytes in them; the first version ends here
 * @arena_offset: file offset of the arena; 0: there is none
 * @arena_size: its bytes
 */
struct shmring_ioc_info {
	__u32 size;
	__u32 flags;
	__u32 roles;
	__u32 state;
	__u32 page_size;
	__u32 capacity;
	__u64 consumer_offset;
	__u64 kernel_offset;
	__u64 producer_offset;
	__u64 data_offset;
	__u64 map_length;
	__u64 wr;
	__u64 rd;
	__u32 rx_lowat;
	__u32 tx_lowat;
	__u32 producer_pid;
	__u32 consumer_pid;
	__u32 handles;
	__u32 reserved;
	struct shmring_counters rx;
	struct shmring_counters tx;
	__u64 drops;
	__u64 drop_bytes;
	__u64 arena_offset;
	__u64 arena_size;
};

/**
 * struct shmring_ioc_arm - SHMRING_IOC_ARM: arm this end and look again
 * @size: sizeof(struct shmring_ioc_arm)
 * @flags: 0
 * @edge: one enum shmring_edge, of a role that this fd holds
 * @min: bytes that would do, at most the capacity; 0: the end's threshold
 *
 * Returns the bytes that are there if they suffice; fewer if the peer has gone
 * and these are the last; 0: armed, now sleep.  An arm never raises one that
 * stands, so waiters with different needs do not lose each other's wake-ups.
 * EINVAL a bad field; EACCES not this end's edge; EPIPE the peer has gone and
 * nothing is left (WRITABLE: has gone); EBADMSG the ring is corrupt.
 */
struct shmring_ioc_arm {
	__u32 size;
	__u32 flags;
	__u32 edge;
	__u32 min;
};

/**
 * struct shmring_ioc_kick - SHMRING_IOC_KICK: wake the peer if it asked for it
 * @size: sizeof(struct shmring_ioc_kick)
 * @flags: 0
 * @edge: the edge that the peer waits for: READABLE from the producer
 * @reserved: 0
 *
 * Returns 1 if an arm had been reached and was answered, else 0.  EINVAL a bad
 * field; EACCES not an edge that this end makes.
 */
struct shmring_ioc_kick {
	__u32 size;
	__u32 flags;
	__u32 edge;
	__u32 reserved;
};

/**
 * struct shmring_ioc_wait - SHMRING_IOC_WAIT: arm, sleep, look again
 * @size: sizeof(struct shmring_ioc_wait)
 * @flags: 0
 * @edge: one enum shmring_edge, of a role that this fd holds
 * @min: bytes that would do, at most the capacity; 0: the end's threshold
 * @timeout_ns: how long to sleep at most; 0: not at all; negative: no limit
 *
 * Returns as SHMRING_IOC_ARM, but never 0.  ETIMEDOUT; EINTR a signal came, or
 * the process, or the machine, was suspended and goes on; EINVAL, EACCES, EPIPE,
 * EBADMSG as there.
 */
struct shmring_ioc_wait {
	__u32 size;
	__u32 flags;
	__u32 edge;
	__u32 min;
	__s64 timeout_ns;
};

/**
 * struct shmring_ioc_lowat - SHMRING_IOC_LOWAT: set this end's threshold
 * @size: sizeof(struct shmring_ioc_lowat)
 * @flags: 0
 * @edge: one enum shmring_edge, of a role that this fd holds
 * @bytes: 1 .. capacity / 2; two thresholds above that could wait for each other
 *
 * poll, read and write of this end, and WAIT and ARM with no @min, go by it.
 * Sleepers are woken to arm anew.  EINVAL a bad field; EACCES.
 */
struct shmring_ioc_lowat {
	__u32 size;
	__u32 flags;
	__u32 edge;
	__u32 bytes;
};

/**
 * struct shmring_ioc_unfence - SHMRING_IOC_UNFENCE: ask to commit without fences
 * @size: sizeof(struct shmring_ioc_unfence)
 * @flags: 0
 * @edge: the edge that this end makes: READABLE asks for the producer
 * @reserved: 0
 *
 * From its success on the calling process, and no other one, may put
 * SHMRING_UNFENCED into its page: whoever arms against it then interrupts the
 * CPUs on which the process runs.  Another process that asks for the same role
 * takes its place.  EINVAL a bad field; EACCES not an edge that this end makes;
 * EOPNOTSUPP not on this kernel (shmring_kernel_page.fence), or not on this CPU,
 * which is isolated.
 */
struct shmring_ioc_unfence {
	__u32 size;
	__u32 flags;
	__u32 edge;
	__u32 reserved;
};

#endif /* _UAPI_LINUX_SHMRING_H */
