/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * shmring_tap - packets of a network interface, as pcapng, through a ring
 *
 * Open SHMRING_TAP_DEVICE, and start a tap with a ring of which the producer's
 * role is free: the tap takes that role, and whoever consumes (by spans, or with
 * read(), as `tcpdump -r -` does) gets a pcapng stream of one section and one
 * interface.  Closing the file, or the interface's going, ends the stream.
 *
 * A packet for which there is no room is dropped whole and counted: in the
 * ring's drop counters, in SHMRING_TAP_IOC_STATS, in the epb_dropcount of the
 * next packet, and in the statistics block that ends the stream.
 */
#ifndef _UAPI_LINUX_SHMRING_TAP_H
#define _UAPI_LINUX_SHMRING_TAP_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define SHMRING_TAP_DEVICE	"/dev/shmring_tap"

/* As much of a packet as libpcap's programs take when they are not asked. */
#define SHMRING_TAP_SNAPLEN	262144U

#define SHMRING_TAP_IOC_START	_IO(0xd7, 0x20)
#define SHMRING_TAP_IOC_STATS	_IO(0xd7, 0x21)

/**
 * struct shmring_tap_start - SHMRING_TAP_IOC_START: begin to capture
 * @size: sizeof(struct shmring_tap_start)
 * @flags: 0
 * @ring_fd: a file of /dev/shmring; its ring has a capacity of a page at least,
 *	and no producer
 * @ifindex: in the caller's network namespace
 * @snaplen: bytes of each packet to keep at most; 0: SHMRING_TAP_SNAPLEN
 * @filter_len: instructions of a classic BPF program, 0: none
 * @filter: user pointer to struct sock_filter[filter_len], as `tcpdump -dd`
 *	prints them
 *
 * EINVAL a bad field, filter or ring; EPERM no CAP_NET_RAW over the network
 * namespace; EBUSY the file has a tap, or the ring a producer; EBADF; ENOTCONN
 * @ring_fd is unbound; ENODEV no such interface; EOPNOTSUPP one whose packets no
 * capture format of ours describes; ENOSPC no room for the stream's header;
 * ENOMEM.
 */
struct shmring_tap_start {
	__u32 size;
	__u32 flags;
	__s32 ring_fd;
	__u32 ifindex;
	__u32 snaplen;
	__u32 filter_len;
	__u64 filter;
};

/**
 * struct shmring_tap_stats - SHMRING_TAP_IOC_STATS: what became of the packets
 * @size: sizeof(struct shmring_tap_stats)
 * @flags: 0
 * @packets: that the filter let through
 * @written: those that are in the stream
 * @drops: those for which there was no room
 *
 * ENOTCONN no tap was started.
 */
struct shmring_tap_stats {
	__u32 size;
	__u32 flags;
	__u64 packets;
	__u64 written;
	__u64 drops;
};

#endif /* _UAPI_LINUX_SHMRING_TAP_H */
