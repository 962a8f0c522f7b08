// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream that a tap writes: a header, packets, and a last word
 *
 * Room for the last word is kept free from the header on, since a stream that
 * ends with its ring full is one whose drops somebody wants to know.
 */
#include <linux/if_vlan.h>
#include <linux/timekeeping.h>

#include "pcapng.h"
#include "tap_stream.h"

/* Room for so much, and then the last word. */
static bool tap_has_room(struct tap_stream *s, u32 length, struct kvec p[2])
{
	/* Mirrored: a block is one piece wherever it begins */
	return shmring_write_acquire(&s->end, p) >=
	       (size_t)length + sizeof(struct pcapng_isb);
}

/**
 * tap_stream_begin - write the section's and the interface's header
 * @s: all zeroes but for @end, @linktype and @snaplen
 *
 * Return: 0; -ENOSPC; -EBADMSG the ring is corrupt.
 */
int tap_stream_begin(struct tap_stream *s)
{
	struct {
		struct pcapng_shb shb;
		struct pcapng_idb idb;
	} __packed header = {
		.shb = {
			.type = PCAPNG_SHB,
			.length = sizeof(header.shb),
			.byte_order = PCAPNG_BYTE_ORDER,
			.major = 1,
			.section_length = PCAPNG_LENGTH_UNKNOWN,
			.length_again = sizeof(header.shb),
		},
		.idb = {
			.type = PCAPNG_IDB,
			.length = sizeof(header.idb),
			.linktype = s->linktype,
			.snaplen = s->snaplen,
			.tsresol_code = PCAPNG_IF_TSRESOL,
			.tsresol_length = sizeof(header.idb.tsresol),
			.tsresol = PCAPNG_NANOSECONDS,
			.end = PCAPNG_OPT_END,
			.length_again = sizeof(header.idb),
		},
	};
	struct kvec p[2];

	spin_lock_init(&s->lock);
	if (!tap_has_room(s, sizeof(header), p))
		return s->end.corrupt ? -EBADMSG : -ENOSPC;
	memcpy(p[0].iov_base, &header, sizeof(header));
	return shmring_write_commit(&s->end, sizeof(header));
}

/**
 * tap_stream_end - write the last word: how many packets, how many drops
 * @s: a stream that was begun, and gets no packets any more
 */
void tap_stream_end(struct tap_stream *s)
{
	u64 now = ktime_get_real_ns();
	struct pcapng_isb isb = {
		.type = PCAPNG_ISB,
		.length = sizeof(isb),
		.time_high = upper_32_bits(now),
		.time_low = lower_32_bits(now),
		.accept_code = PCAPNG_ISB_FILTERACCEPT,
		.accept_length = sizeof(isb.accept),
		.accept = s->packets,
		.drop_code = PCAPNG_ISB_OSDROP,
		.drop_length = sizeof(isb.drop),
		.drop = s->drops,
		.end = PCAPNG_OPT_END,
		.length_again = sizeof(isb),
	};
	struct kvec p[2];

	if (!tap_has_room(s, 0, p))
		return;		/* the consumer lied about what it released */
	memcpy(p[0].iov_base, &isb, sizeof(isb));
	shmring_write_commit(&s->end, sizeof(isb));
}

/* A tag that stands beside the packet goes back to where it was on the wire. */
static bool tap_has_tag(const struct tap_stream *s, const struct sk_buff *skb)
{
	return s->linktype == LINKTYPE_ETHERNET && skb_vlan_tag_present(skb);
}

static int tap_copy_tagged(const struct sk_buff *skb, u8 *to, u32 len)
{
	struct {
		__be16 proto;
		__be16 tci;
	} tag = {
		.proto = skb->vlan_proto,
		.tci = htons(skb_vlan_tag_get(skb)),
	};
	const u32 addresses = 2 * ETH_ALEN;
	u32 head = min(len, addresses);
	u32 n = min_t(u32, len - head, sizeof(tag));

	if (skb_copy_bits(skb, 0, to, head))
		return -EFAULT;
	memcpy(to + head, &tag, n);
	return skb_copy_bits(skb, head, to + head + n, len - head - n);
}

static int tap_copy(const struct tap_stream *s, const struct sk_buff *skb,
		    u8 *to, u32 len)
{
	return tap_has_tag(s, skb) ? tap_copy_tagged(skb, to, len) :
				     skb_copy_bits(skb, 0, to, len);
}

static bool tap_write_packet(struct tap_stream *s, const struct sk_buff *skb,
			     u32 original, u32 captured)
{
	u32 length = pcapng_epb_length(captured);
	u32 padded = ALIGN(captured, 4);
	struct pcapng_epb_end *end;
	struct pcapng_epb *epb;
	struct kvec p[2];
	u8 *data;
	u64 now;

	if (!tap_has_room(s, length, p))
		return false;
	epb = p[0].iov_base;
	data = (u8 *)(epb + 1);
	if (tap_copy(s, skb, data, captured))
		return false;
	memset(data + captured, 0, padded - captured);

	/* Under the lock, so that times rise from packet to packet */
	now = ktime_get_real_ns();
	epb->type = PCAPNG_EPB;
	epb->length = length;
	epb->interface = 0;
	epb->time_high = upper_32_bits(now);
	epb->time_low = lower_32_bits(now);
	epb->captured = captured;
	epb->original = original;

	end = (struct pcapng_epb_end *)(data + padded);
	end->flags_code = PCAPNG_EPB_FLAGS;
	end->flags_length = sizeof(end->flags);
	end->flags = skb->pkt_type == PACKET_OUTGOING ? PCAPNG_OUTBOUND :
							PCAPNG_INBOUND;
	end->drops_code = PCAPNG_EPB_DROPCOUNT;
	end->drops_length = sizeof(end->drops);
	end->drops = s->drops - s->drops_told;
	end->end = PCAPNG_OPT_END;
	end->length_again = length;

	s->drops_told = s->drops;
	return !shmring_write_commit(&s->end, length);
}

/**
 * tap_stream_packet - write a packet, or count it as dropped
 * @s: the stream
 * @skb: the packet; its data begins where the link type says
 * @keep: bytes of it at most
 *
 * Context: bottom halves are off.
 * Return: true if it was written.
 */
bool tap_stream_packet(struct tap_stream *s, const struct sk_buff *skb,
		       u32 keep)
{
	u32 original = skb->len + (tap_has_tag(s, skb) ? VLAN_HLEN : 0);
	u32 captured = min3(original, keep, s->snaplen);
	bool written;

	spin_lock(&s->lock);
	s->packets++;
	written = tap_write_packet(s, skb, original, captured);
	if (!written) {
		s->drops++;
		shmring_count_drop(&s->end, pcapng_epb_length(captured));
	}
	spin_unlock(&s->lock);
	return written;
}
