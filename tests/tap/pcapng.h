/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reader of pcapng that forgives nothing
 *
 * It knows the blocks and options that the tap writes, by the numbers of
 * draft-ietf-opsawg-pcapng and not by those of the module's header, and takes
 * whatever else it meets for a fault.
 */
#ifndef PCAPNG_H
#define PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCAPNG_IN	1
#define PCAPNG_OUT	2

/**
 * struct packet - as it is in the stream
 * @data: its bytes
 * @captured: how many there are
 * @original: how many there were
 * @direction: PCAPNG_IN or PCAPNG_OUT
 * @time_ns: since 1970
 * @drops: packets that were lost since the one before it
 */
struct packet {
	const uint8_t *data;
	uint32_t captured;
	uint32_t original;
	uint32_t direction;
	uint64_t time_ns;
	uint64_t drops;
};

/**
 * struct capture - all that came through a ring
 * @packet: called for each, or NULL
 * @private: for @packet
 * @error: what was wrong, or NULL
 * @sections: that began; an interface belongs to each
 * @ended: the last section's statistics have come, and nothing may follow
 * @linktype: of the last section
 * @snaplen: of the last section
 * @packets: in the last section
 * @drops: in the last section, by its packets
 * @accepted: in the last section, by its statistics
 * @os_drops: in the last section, by its statistics
 * @time_ns: of the last block that has one
 */
struct capture {
	void (*packet)(struct capture *c, const struct packet *p);
	void *private;
	const char *error;
	unsigned int sections;
	bool ended;
	uint16_t linktype;
	uint32_t snaplen;
	uint64_t packets;
	uint64_t drops;
	uint64_t accepted;
	uint64_t os_drops;
	uint64_t time_ns;
};

/* Take in the whole blocks that @n bytes hold: returns how many bytes those are. */
size_t pcapng_parse(struct capture *c, const uint8_t *bytes, size_t n);

#endif /* PCAPNG_H */
