// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of ours: record by record, and as relay has it, where the consumer is
 * told of many at a time
 */
#include "bench.h"

static int ring_open(struct bench *b, struct bench_open *o)
{
	struct shmring *ring = shmring_alloc(o->capacity, 0, 0);
	int err;

	if (IS_ERR(ring))
		return PTR_ERR(ring);
	err = shmring_claim_end(&b->end, ring, SHMRING_ROLE_PRODUCER, NULL);
	if (!err) {
		err = shmring_register(ring, 0600, &o->handle);
		if (err)
			shmring_drop_end(&b->end);
	}
	shmring_put(ring);
	return err;
}

static bool ring_write(struct bench *b, const void *record, u32 bytes)
{
	return shmring_write_or_drop(&b->end, record, bytes);
}

static void ring_close(struct bench *b)
{
	shmring_drop_end(&b->end);
}

const struct bench_ops bench_ring = {
	.open	= ring_open,
	.write	= ring_write,
	.close	= ring_close,
};

/* As much as a sub-buffer of relay's */
#define BATCH_BYTES	(2 * BENCH_BYTES_MAX)

static void ring_commit(struct bench *b)
{
	shmring_write_commit(&b->end, b->filled);
	b->filled = 0;
	b->span.iov_len = 0;
}

static bool ring_write_batch(struct bench *b, const void *record, u32 bytes)
{
	struct kvec p[2];

	if (unlikely(b->span.iov_len < b->filled + bytes)) {
		ring_commit(b);
		shmring_write_acquire(&b->end, p);
		if (p[0].iov_len < bytes) {
			shmring_count_drop(&b->end, bytes);
			return false;
		}
		b->span = p[0];
		b->span.iov_len = min_t(size_t, p[0].iov_len, BATCH_BYTES);
	}
	memcpy(b->span.iov_base + b->filled, record, bytes);
	b->filled += bytes;
	return true;
}

const struct bench_ops bench_ring_batch = {
	.open	= ring_open,
	.write	= ring_write_batch,
	.end	= ring_commit,
	.close	= ring_close,
};
