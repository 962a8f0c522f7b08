// SPDX-License-Identifier: GPL-2.0-only
/*
 * What many a driver does: a kfifo, and read() of a character device
 */
#include "bench.h"

static int fifo_open(struct bench *b, struct bench_open *o)
{
	return kfifo_alloc(&b->fifo, o->capacity, GFP_KERNEL);
}

static bool fifo_write(struct bench *b, const void *record, u32 bytes)
{
	if (kfifo_avail(&b->fifo) < bytes)
		return false;
	kfifo_in(&b->fifo, (const u8 *)record, bytes);
	if (wq_has_sleeper(&b->wait)) {
		b->kicks++;
		wake_up_interruptible_poll(&b->wait, EPOLLIN);
	}
	return true;
}

/**
 * bench_fifo_read - as much as there is
 * @b: a fifo
 * @to: where to
 * @n: bytes at most
 *
 * Return: bytes, -EAGAIN, -EFAULT
 */
ssize_t bench_fifo_read(struct bench *b, char __user *to, size_t n)
{
	unsigned int copied;
	int err = kfifo_to_user(&b->fifo, to, n, &copied);

	if (!err && !copied)
		err = -EAGAIN;
	return err ? (ssize_t)err : (ssize_t)copied;
}

/**
 * bench_fifo_poll - is there something?
 * @b: a fifo
 * @file: the device's
 * @pt: of poll
 *
 * Return: EPOLLIN or 0
 */
__poll_t bench_fifo_poll(struct bench *b, struct file *file, poll_table *pt)
{
	poll_wait(file, &b->wait, pt);
	smp_mb();	/* pairs with wq_has_sleeper() */
	return kfifo_is_empty(&b->fifo) ? 0 : EPOLLIN;
}

static void fifo_close(struct bench *b)
{
	kfifo_free(&b->fifo);
}

const struct bench_ops bench_fifo = {
	.open	= fifo_open,
	.write	= fifo_write,
	.close	= fifo_close,
};
