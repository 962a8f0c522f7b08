/* SPDX-License-Identifier: (GPL-2.0-only WITH Linux-syscall-note) OR MIT */
/*
 * shmring_tap - packets of a network interface, as pcapng, through a ring
 *
 * Open SHMRING_TAP_DEVICE, and start a tap with a ring of which the producer's
 * role is free: the tap takes that role, and whoever consumes (by spans, or with
 * read(), as `tcpdump -r -` does) gets a pcapng stream of one section and one
 * interface, with times in nanoseconds.  It is a stream of whole blocks: each is
 * committed as one.
 *
 * A tap sees what a packet socket sees: what comes in before anybody has changed
 * it, what goes out as the device gets it, large packets in one piece, checksums
 * that are left to the device not filled in.  On the loopback device each packet
 * is seen once.  The interface may be down, and comes and goes at will; that it
 * hears only its own packets is not changed (no promiscuous mode).
 *
 * The stream ends, with a statistics block and then end-of-file, when the file
 * is closed, and when the interface is deleted, leaves the network namespace or
 * changes its type.  The ring's consumer may go, and another one may come and
 * carry on: meanwhile, as whenever the ring is full, packets are dropped.
 *
 * A packet for which there is no room is dropped whole and counted: in the
 * ring's drop counters, in SHMRING_TAP_IOC_STATS, in the epb_dropcount of the
 * next packet, and in the isb_osdrop of the statistics block, for which room is
 * kept.  Of a ring that its consumer has made corrupt all packets are dropped.
 */
#ifndef _UAPI_LINUX_SHMRING_TAP_H
#define _UAPI_LINUX_SHMRING_TAP_H

#include <linux/types.h>
#include <linux/ioctl.h>

#define SHMRING_TAP_DEVICE	"/dev/shmring_tap"

/* As much of a packet as libpcap's programs take, and refuse to take more. */
#define SHMRING_TAP_SNAPLEN	262144U

#define SHMRING_TAP_IOC_START	_IO(0xd7, 0x20)
#define SHMRING_TAP_IOC_STATS	_IO(0xd7, 0x21)

/**
 * struct shmring_tap_start - SHMRING_TAP_IOC_START: begin to capture
 * @size: sizeof(struct shmring_tap_start)
 * @flags: 0
 * @ring_fd: an end of /dev/shmring; its ring has a capacity of a page at least,
 *	and no producer.  It may be closed once the tap is started
 * @ifindex: in the caller's network namespace
 * @snaplen: bytes of each packet to keep, at most SHMRING_TAP_SNAPLEN; 0: that
 * @filter_len: instructions of a classic BPF program, 0: none
 * @filter: user pointer to struct sock_filter[filter_len], as `tcpdump -dd`
 *	prints them; 0 if there are none.  Runs on each packet as on a packet
 *	socket (a VLAN tag stands beside it), and returns how much to keep
 *
 * EINVAL a bad field, filter or ring; E2BIG, EFAULT; EPERM no CAP_NET_RAW over
 * the network namespace; EBUSY the file had a tap before, or the ring has a
 * producer; ENODEV no such interface; EOPNOTSUPP one whose packets no link type
 * of ours describes; EBADF, ENOTCONN @ring_fd is no file, is unbound; EACCES it
 * only observes; EBADMSG the ring is corrupt; ENOSPC no room for the stream's
 * header (and the consumer sees a producer that came and went); ENOMEM.
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
 * They stay when the stream has ended.  EINVAL, E2BIG, EFAULT as above; ENOTCONN
 * no tap was started.
 */
struct shmring_tap_stats {
	__u32 size;
	__u32 flags;
	__u64 packets;
	__u64 written;
	__u64 drops;
};

#endif /* _UAPI_LINUX_SHMRING_TAP_H */
