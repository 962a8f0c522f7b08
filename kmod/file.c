// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file: open, poll, release
 */
#include <linux/module.h>
#include <linux/poll.h>
#include <linux/slab.h>

#include "compat.h"
#include "end.h"
#include "file.h"
#include "notify.h"
#include "shmring.h"

static int shmring_open(struct inode *inode, struct file *file)
{
	struct shmring_file *f;

	f = kzalloc(sizeof(*f), GFP_KERNEL_ACCOUNT);
	if (!f)
		return -ENOMEM;
	mutex_init(&f->bind);
	file->private_data = f;
	/* read_iter and write_iter know IOCB_NOWAIT: no io_uring worker needed */
	file->f_mode |= FMODE_NOWAIT;
	return stream_open(inode, file);
}

static int shmring_release(struct inode *inode, struct file *file)
{
	struct shmring_file *f = file->private_data;

	if (f->ring) {
		shmring_drop(f->ring, f->roles);
		shmring_put(f->ring);
	}
	kfree(f);
	return 0;
}

/* Arm only what the caller waits for: each arm costs the peer a kick. */
static __poll_t shmring_poll_role(struct shmring_file *f, poll_table *pt,
				  u32 role)
{
	struct shmring_side *side = shmring_file_side(f, role);

	if (!side)
		return 0;
	return shmring_poll_side(side, poll_requested_events(pt) & side->ready);
}

/*
 * Arms also when @pt has no queueing function: after a stale wake, epoll asks
 * an edge-triggered item again that way, drops it if it is not ready, and
 * leaves it to the next kick, which comes only if somebody has armed.
 */
static __poll_t shmring_poll(struct file *file, poll_table *pt)
{
	struct shmring_file *f = file->private_data;
	struct shmring *ring = shmring_file_ring(f);

	if (!ring)
		return EPOLLERR;

	if (f->roles & SHMRING_ROLE_OBSERVER) {
		poll_wait(file, &ring->consumer.wait, pt);
		return shmring_poll_side(&ring->consumer, false);
	}
	if (f->roles & SHMRING_ROLE_CONSUMER)
		poll_wait(file, &ring->consumer.wait, pt);
	if (f->roles & SHMRING_ROLE_PRODUCER)
		poll_wait(file, &ring->producer.wait, pt);
	return shmring_poll_role(f, pt, SHMRING_ROLE_CONSUMER) |
	       shmring_poll_role(f, pt, SHMRING_ROLE_PRODUCER);
}

const struct file_operations shmring_fops = {
	.owner		= THIS_MODULE,
	.open		= shmring_open,
	.release	= shmring_release,
	.poll		= shmring_poll,
	.mmap		= shmring_mmap,
	.read_iter	= shmring_read_iter,
	.write_iter	= shmring_write_iter,
	.splice_read	= shmring_splice_read,
	.splice_write	= iter_file_splice_write,
	.unlocked_ioctl	= shmring_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};
