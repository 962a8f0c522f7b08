/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pcapng blocks, as draft-ietf-opsawg-pcapng lays them out
 *
 * In this machine's byte order, which the section header tells.
 */
#ifndef SHMRING_PCAPNG_H
#define SHMRING_PCAPNG_H

#include <linux/align.h>
#include <linux/types.h>

#define PCAPNG_SHB		0x0a0d0d0a
#define PCAPNG_IDB		1
#define PCAPNG_ISB		5
#define PCAPNG_EPB		6
#define PCAPNG_BYTE_ORDER	0x1a2b3c4d
#define PCAPNG_LENGTH_UNKNOWN	(~0ULL)
#define PCAPNG_NANOSECONDS	9	/* 10^-9 s */

#define PCAPNG_OPT_END		0
#define PCAPNG_IF_TSRESOL	9
#define PCAPNG_EPB_FLAGS	2
#define PCAPNG_EPB_DROPCOUNT	4
#define PCAPNG_ISB_FILTERACCEPT	6
#define PCAPNG_ISB_OSDROP	7

#define PCAPNG_INBOUND		1
#define PCAPNG_OUTBOUND		2

struct pcapng_shb {
	u32 type;
	u32 length;
	u32 byte_order;
	u16 major;
	u16 minor;
	u64 section_length;
	u32 length_again;
} __packed;

struct pcapng_idb {
	u32 type;
	u32 length;
	u16 linktype;
	u16 reserved;
	u32 snaplen;
	u16 tsresol_code;
	u16 tsresol_length;
	u8 tsresol;		/* 10^-n seconds */
	u8 pad[3];
	u32 end;
	u32 length_again;
} __packed;

/* What stands before a packet's bytes ... */
struct pcapng_epb {
	u32 type;
	u32 length;
	u32 interface;
	u32 time_high;
	u32 time_low;
	u32 captured;
	u32 original;
} __packed;

/* ... and what behind them, at a multiple of 4. */
struct pcapng_epb_end {
	u16 flags_code;
	u16 flags_length;
	u32 flags;
	u16 drops_code;
	u16 drops_length;
	u64 drops;
	u32 end;
	u32 length_again;
} __packed;

struct pcapng_isb {
	u32 type;
	u32 length;
	u32 interface;
	u32 time_high;
	u32 time_low;
	u16 accept_code;
	u16 accept_length;
	u64 accept;
	u16 drop_code;
	u16 drop_length;
	u64 drop;
	u32 end;
	u32 length_again;
} __packed;

/**
 * pcapng_epb_length - a packet's block, all of it
 * @captured: bytes of the packet that are kept
 */
static inline u32 pcapng_epb_length(u32 captured)
{
	return sizeof(struct pcapng_epb) + ALIGN(captured, 4) +
	       sizeof(struct pcapng_epb_end);
}

#endif /* SHMRING_PCAPNG_H */
