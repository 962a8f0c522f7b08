// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "pcapng.h"

#define SECTION		0x0a0d0d0a
#define INTERFACE	1
#define STATISTICS	5
#define PACKET		6

/* Far more than any packet needs */
#define BLOCK_MAX	1048576

/* What is left of a block's body; reading past its end is remembered. */
struct body {
	const uint8_t *at;
	size_t left;
	bool short_of;
};

static uint64_t take(struct body *b, size_t n)
{
	uint64_t value = 0;

	if (b->left < n) {
		b->short_of = true;
		return 0;
	}
	memcpy(&value, b->at, n);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	value >>= 64 - 8 * n;
#endif
	b->at += n;
	b->left -= n;
	return value;
}

static uint64_t take_time(struct body *b)
{
	uint64_t high = take(b, 4);

	return high << 32 | take(b, 4);
}

/* An option that must come now, with so long a value; then its padding. */
static uint64_t take_option(struct capture *c, struct body *b, uint16_t code,
			    uint16_t length)
{
	uint64_t value;

	if (take(b, 2) != code)
		c->error = "another option than expected";
	else if (take(b, 2) != length)
		c->error = "an option's length";
	value = take(b, length);
	while (length++ % 4)
		if (take(b, 1))
			c->error = "an option's padding is not zero";
	return value;
}

static void take_end(struct capture *c, struct body *b)
{
	take_option(c, b, 0, 0);
	if (b->short_of)
		c->error = "a block is too short";
	else if (b->left)
		c->error = "a block is too long";
}

static void take_section(struct capture *c, struct body *b)
{
	if (c->sections && !c->ended)
		c->error = "a section without statistics";
	if (take(b, 4) != 0x1a2b3c4d)
		c->error = "the byte order";
	if (take(b, 2) != 1 || take(b, 2) != 0)
		c->error = "the version";
	if (take(b, 8) != UINT64_MAX)
		c->error = "the section's length";
	if (b->short_of || b->left)
		c->error = "the section header's length";
	c->sections++;
	c->ended = false;
	c->linktype = 0;
	c->packets = 0;
	c->drops = 0;
}

static void take_interface(struct capture *c, struct body *b)
{
	if (c->linktype)
		c->error = "a second interface";
	c->linktype = take(b, 2);
	if (take(b, 2))
		c->error = "reserved bytes that are not zero";
	c->snaplen = take(b, 4);
	if (take_option(c, b, 9, 1) != 9)
		c->error = "the time's resolution";
	take_end(c, b);
}

static void take_packet(struct capture *c, struct body *b)
{
	struct packet p;
	size_t padded;

	if (take(b, 4))
		c->error = "a packet of another interface";
	p.time_ns = take_time(b);
	if (p.time_ns < c->time_ns)
		c->error = "time runs backwards";
	c->time_ns = p.time_ns;
	p.captured = take(b, 4);
	p.original = take(b, 4);
	if (p.captured > p.original || p.captured > c->snaplen)
		c->error = "more captured than there was, or than was asked for";
	p.data = b->at;
	padded = (p.captured + 3UL) & ~3UL;
	if (b->left < padded) {
		c->error = "a packet goes over its block's end";
		return;
	}
	for (size_t i = p.captured; i < padded; i++)
		if (b->at[i])
			c->error = "padding that is not zero";
	b->at += padded;
	b->left -= padded;

	p.direction = take_option(c, b, 2, 4);
	if (p.direction != PCAPNG_IN && p.direction != PCAPNG_OUT)
		c->error = "a packet's flags";
	p.drops = take_option(c, b, 4, 8);
	take_end(c, b);

	c->packets++;
	c->drops += p.drops;
	if (!c->error && c->packet)
		c->packet(c, &p);
}

static void take_statistics(struct capture *c, struct body *b)
{
	uint64_t time_ns;

	if (take(b, 4))
		c->error = "statistics of another interface";
	time_ns = take_time(b);
	if (time_ns < c->time_ns)
		c->error = "time runs backwards";
	c->time_ns = time_ns;
	c->accepted = take_option(c, b, 6, 8);
	c->os_drops = take_option(c, b, 7, 8);
	take_end(c, b);
	c->ended = true;
}

static void take_block(struct capture *c, uint32_t type, struct body *b)
{
	if (type == SECTION)
		take_section(c, b);
	else if (!c->sections || c->ended)
		c->error = "a block outside of a section";
	else if (type == INTERFACE)
		take_interface(c, b);
	else if (!c->linktype)
		c->error = "a block before its interface";
	else if (type == PACKET)
		take_packet(c, b);
	else if (type == STATISTICS)
		take_statistics(c, b);
	else
		c->error = "a block of an unknown type";
}

size_t pcapng_parse(struct capture *c, const uint8_t *bytes, size_t n)
{
	uint32_t head[2], again;
	struct body body;
	size_t done = 0;

	while (!c->error && n - done >= sizeof(head)) {
		memcpy(head, bytes + done, sizeof(head));
		if (head[1] % 4 || head[1] < 12 || head[1] > BLOCK_MAX) {
			c->error = "a block's length";
			break;
		}
		if (head[1] > n - done)
			break;
		memcpy(&again, bytes + done + head[1] - 4, sizeof(again));
		if (again != head[1])
			c->error = "a block's two lengths";
		body = (struct body){ bytes + done + 8, head[1] - 12, false };
		take_block(c, head[0], &body);
		done += head[1];
	}
	return done;
}
