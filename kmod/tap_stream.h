/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a tap writes into its ring
 */
#ifndef SHMRING_TAP_STREAM_H
#define SHMRING_TAP_STREAM_H

#include <linux/skbuff.h>
#include <linux/spinlock.h>

#include "shmring.h"

/* From tcpdump.org's list of link types */
#define LINKTYPE_ETHERNET	1
#define LINKTYPE_RAW		101

/**
 * struct tap_stream - one section of pcapng, with one interface
 * @end: the producer, claimed by the caller
 * @lock: one packet at a time: the end, and all that follows
 * @linktype: LINKTYPE_*
 * @snaplen: bytes of a packet at most
 * @packets: that came here
 * @drops: for which there was no room
 * @drops_told: those that are accounted for in the stream
 */
struct tap_stream {
	struct shmring_kernel_end end;
	spinlock_t lock;		/* packets come on all CPUs */
	u16 linktype;
	u32 snaplen;
	u64 packets;
	u64 drops;
	u64 drops_told;
};

int tap_stream_begin(struct tap_stream *s);
bool tap_stream_packet(struct tap_stream *s, const struct sk_buff *skb,
		       u32 keep);
void tap_stream_end(struct tap_stream *s);

#endif /* SHMRING_TAP_STREAM_H */
