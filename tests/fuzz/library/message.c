// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages out of bytes that were never meant to be any: each must be what a
 * plain reading of the bytes says
 */
#include <errno.h>
#include <string.h>

#include <shmring_message.h>

#include "target.h"

/* What the next message is, by the bytes that are left */
static ssize_t plain(const uint8_t *at, size_t left, uint32_t capacity,
		     uint32_t limit)
{
	uint64_t length, most = capacity - SHMRING_MESSAGE_PREFIX;

	if (left < SHMRING_MESSAGE_PREFIX)
		return -EAGAIN;
	memcpy(&length, at, sizeof(length));
	if (length > most || (limit && length > limit))
		return -EBADMSG;
	if (SHMRING_MESSAGE_SIZE(length) > left)
		return -EAGAIN;
	return (ssize_t)length;
}

static int same(const uint8_t *at, const void *payload, ssize_t n)
{
	return n <= 0 || !memcmp(at + SHMRING_MESSAGE_PREFIX, payload, n);
}

static void read_all(struct shmring *r, const uint8_t *at, size_t left,
		     uint32_t limit, int in_place)
{
	static unsigned char buf[8192];
	uint32_t capacity = shmring_cap(r);
	const void *data = buf;
	ssize_t n, want;

	do {
		want = plain(at, left, capacity, limit);
		if (shmring_message_length(r) != want)
			target_wrong("another length than the prefix says");
		if (in_place) {
			n = shmring_message_peek(r, &data);
			if (n == -EOPNOTSUPP)
				return;
		} else {
			n = shmring_message_try_receive(r, buf, sizeof(buf));
		}
		if (n != want || !same(at, data, n))
			target_wrong("another message than was there");
		if (n < 0)
			return;
		if (in_place && shmring_message_release(r))
			target_wrong("a message that cannot be given back");
		at += SHMRING_MESSAGE_SIZE(n);
		left -= SHMRING_MESSAGE_SIZE(n);
	} while (left);
}

/* The first byte says where, the others are what is there. */
int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	static const uint32_t capacities[] = { 8, 64, 512, 4096 };
	struct shmring_options options = { .backend = SHMRING_BACKEND_MEMORY };
	uint8_t how = n ? input[0] : 0;
	uint32_t limit = how & 64 ? 16 : 0;
	struct shmring *r;

	if (n < 2)
		return 0;
	options.start = (how & 4 ? -64ULL : 0) + (how & 8 ? 8 : 0);
	r = shmring_create(capacities[how & 3], &options);
	if (!r)
		return 0;
	shmring_message_limit(r, limit);
	n = shmring_try_write_from(r, input + 1, n - 1);
	read_all(r, input + 1, n, limit, how & 32);
	shmring_free(r);
	return 0;
}
