// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of ours
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
