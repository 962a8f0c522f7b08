// SPDX-License-Identifier: GPL-2.0-only
/*
 * A ring of ours: records are read where they stand
 */
#include <errno.h>
#include <unistd.h>

#include <shmring.h>

#include "bench.h"

#define NS_PER_MS	1000000

/* Give space back this often */
#define PORTION		(CAPACITY / 16)

/* Wait for a quarter of the ring, or for a millisecond */
#define LOWAT		0x1U
/* Records are committed 32 KiB at a time, as relay has it */
#define TOGETHER	0x2U

static int ring_open(struct consumer *c)
{
	struct bench_open o = { .kind = BENCH_SHMRING };
	struct shmring *r;
	int err;

	if (c->transport->flags & TOGETHER)
		o.kind = BENCH_SHMRING_BATCH;
	err = consumer_device(c, &o);
	if (err)
		return err;
	r = shmring_get(o.handle, SHMRING_ROLE_CONSUMER);
	if (!r) {
		err = -errno;
		close(c->device);
		return err;
	}
	/* Nobody else here spins before it sleeps */
	shmring_set_spin(r, SHMRING_SPIN_OFF);
	c->state = r;
	return 0;
}

static void ring_drain(struct consumer *c)
{
	struct shmring *r = c->state;
	struct iovec v[2];
	uint8_t *p;
	size_t n, portion;

	while ((n = shmring_read_acquire(r, v)) > 0) {
		/* One piece, as from a page up */
		for (p = v[0].iov_base; n; p += portion, n -= portion) {
			portion = n < PORTION ? n : PORTION;
			consumer_take_many(c, p, portion);
			shmring_read_release(r, portion);
		}
	}
}

static void ring_wait(struct consumer *c, int ms)
{
	struct timespec timeout = { .tv_nsec = (long)ms * NS_PER_MS };
	uint32_t min = c->bytes;

	if (c->transport->flags & LOWAT) {
		min = CAPACITY / 4;
		timeout.tv_nsec = NS_PER_MS;
	}
	shmring_wait_readable(c->state, min, &timeout);
}

static uint64_t ring_kicks(struct consumer *c)
{
	struct shmring_stats stats;

	return shmring_stats(c->state, &stats) ? 0 : stats.rx.kicks;
}

static void ring_close(struct consumer *c)
{
	shmring_free(c->state);
	close(c->device);
}

const struct transport by_shmring = {
	.name = "shmring",
	.note = "shmring_write_or_drop(); the consumer is woken for any record",
	.open = ring_open,
	.drain = ring_drain,
	.wait = ring_wait,
	.kicks = ring_kicks,
	.close = ring_close,
};

const struct transport by_shmring_lowat = {
	.name = "shmring-lowat",
	.note = "the same; the consumer waits for a quarter of the ring, or 1 ms",
	.flags = LOWAT,
	.open = ring_open,
	.drain = ring_drain,
	.wait = ring_wait,
	.kicks = ring_kicks,
	.close = ring_close,
};

const struct transport by_shmring_batch = {
	.name = "shmring-batch",
	.note = "spans, committed when 32 KiB are full",
	.flags = TOGETHER,
	.open = ring_open,
	.drain = ring_drain,
	.wait = ring_wait,
	.kicks = ring_kicks,
	.close = ring_close,
};
