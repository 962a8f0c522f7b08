// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends that kernel code holds
 *
 * The algorithm is that of every end (shmring_proto.h).  What differs from a
 * process: the position stays here and is never read back from a page, the data
 * is seen through a mapping of the kernel's own, and the peer is woken without a
 * system call, from whatever context the caller is in.
 */
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/string.h>

#include "barrier.h"
#include "end.h"
#include "file.h"
#include "notify.h"
#include "shmring.h"

/**
 * shmring_from_fd - the ring behind a process' file
 * @fd: of the calling process; an end of a ring
 *
 * Who may only observe a ring must not have the kernel move it, either.
 *
 * Context: process, may sleep.
 * Return: the ring, with a reference for shmring_put(); -EBADF no file; -EINVAL
 * not one of /dev/shmring; -ENOTCONN unbound; -EACCES an observer.
 */
struct shmring *shmring_from_fd(int fd)
{
	struct file *file = fget(fd);
	struct shmring_file *f;
	struct shmring *ring;

	if (!file)
		return ERR_PTR(-EBADF);
	ring = ERR_PTR(-EINVAL);
	if (file->f_op != &shmring_fops)
		goto put;
	f = file->private_data;
	ring = shmring_file_ring(f);
	if (!ring)
		ring = ERR_PTR(-ENOTCONN);
	else if (f->roles & SHMRING_ROLE_OBSERVER)
		ring = ERR_PTR(-EACCES);
	else
		kref_get(&ring->ref);
put:
	fput(file);
	return ring;
}
EXPORT_SYMBOL_GPL(shmring_from_fd);

static int shmring_notify_end(wait_queue_entry_t *wait, unsigned int mode,
			      int flags, void *key)
{
	struct shmring_kernel_end *end;

	end = container_of(wait, struct shmring_kernel_end, wait);
	end->notify(end);
	return 0;
}

/**
 * shmring_claim_end - take a role of a ring for kernel code
 * @end: the caller's, zeroed or not; its @private is left alone
 * @ring: the ring; the caller holds a reference, and the end takes its own
 * @role: SHMRING_ROLE_PRODUCER or SHMRING_ROLE_CONSUMER
 * @notify: see struct shmring_kernel_end, or NULL
 *
 * Goes on from the positions in the pages, as any new end does.
 *
 * Context: process, may sleep.
 * Return: 0; -EINVAL not one role; -EBUSY the role is taken; -EBADMSG the ring
 * is corrupt; -ENOMEM.
 */
int shmring_claim_end(struct shmring_kernel_end *end, struct shmring *ring,
		      u32 role, void (*notify)(struct shmring_kernel_end *end))
{
	int err;

	if (role != SHMRING_ROLE_PRODUCER && role != SHMRING_ROLE_CONSUMER)
		return -EINVAL;

	mutex_lock(&ring->roles_lock);
	err = shmring_map_data(ring);
	mutex_unlock(&ring->roles_lock);
	if (err)
		return err;
	err = shmring_claim(ring, role, NULL);
	if (err)
		return err;

	kref_get(&ring->ref);
	end->ring = ring;
	end->side = role == SHMRING_ROLE_CONSUMER ? &ring->consumer :
						    &ring->producer;
	end->end = end->side->end;
	end->end.pos = shmring_load_acquire(end->end.own);
	end->data = ring->view;
	end->mirrored = ring->capacity >= PAGE_SIZE;
	end->granted = 0;
	end->corrupt = false;
	end->notify = notify;
	if (notify) {
		init_waitqueue_func_entry(&end->wait, shmring_notify_end);
		add_wait_queue(&end->side->wait, &end->wait);
	}

	/* A last holder may have left rubbish in its page */
	err = shmring_end_status(end);
	if (err == -EBADMSG ||
	    shmring_end_credit(&end->end) == SHMRING_CREDIT_CORRUPT) {
		shmring_corrupt(ring);
		shmring_drop_end(end);
		return -EBADMSG;
	}
	return 0;
}
EXPORT_SYMBOL_GPL(shmring_claim_end);

/**
 * shmring_drop_end - give a role back, and tell the peer
 * @end: claimed with shmring_claim_end(); not used by anybody any more
 *
 * What was committed stays to be read.  @end->notify is not called any more when
 * this returns.
 *
 * Context: process, may sleep.
 */
void shmring_drop_end(struct shmring_kernel_end *end)
{
	if (end->notify)
		remove_wait_queue(&end->side->wait, &end->wait);
	shmring_drop(end->ring, end->side->role);
	shmring_put(end->ring);
}
EXPORT_SYMBOL_GPL(shmring_drop_end);

/**
 * shmring_end_status - can this end still do what it is for?
 * @end: the end
 *
 * Context: any.
 * Return: 0; -EPIPE the peer has gone (a consumer reads on until nothing is
 * left); -EBADMSG the ring is corrupt.
 */
int shmring_end_status(const struct shmring_kernel_end *end)
{
	u32 state = shmring_state(end->ring);

	if (end->corrupt || state & SHMRING_STATE_CORRUPT)
		return -EBADMSG;
	return state & end->side->peer->gone ? -EPIPE : 0;
}
EXPORT_SYMBOL_GPL(shmring_end_status);

/*
 * Look at the peer.  An impossible position stops this end for good, whoever of
 * all that look at it sees it first.
 */
static u64 shmring_kend_look(struct shmring_kernel_end *end)
{
	u64 credit;

	if (unlikely(READ_ONCE(end->ring->k->state) & SHMRING_STATE_CORRUPT))
		end->corrupt = true;
	if (unlikely(end->corrupt))
		return 0;
	credit = shmring_end_credit(&end->end);
	if (likely(credit != SHMRING_CREDIT_CORRUPT))
		return credit;
	end->corrupt = true;
	shmring_corrupt(end->ring);
	return 0;
}

static u8 *shmring_kend_at(const struct shmring_kernel_end *end)
{
	return end->data + (end->end.pos & (end->end.capacity - 1));
}

static size_t shmring_kend_acquire(struct shmring_kernel_end *end,
				   struct kvec p[2])
{
	u64 credit = shmring_kend_look(end);
	u64 first = shmring_end_contiguous(&end->end, credit, end->mirrored);

	end->granted = credit;
	p[0].iov_base = shmring_kend_at(end);
	p[0].iov_len = first;
	p[1].iov_base = end->data;
	p[1].iov_len = credit - first;
	return credit;
}

static void shmring_kend_move(struct shmring_kernel_end *end, u64 n)
{
	end->granted -= n;
	if (shmring_end_advance(&end->end, n))
		shmring_kick_any(end->side->peer);
}

static int shmring_kend_advance(struct shmring_kernel_end *end, size_t n)
{
	if (n > end->granted)
		return end->corrupt ? -EBADMSG : -EINVAL;
	if (n)
		shmring_kend_move(end, n);
	return 0;
}

/* Copy @n bytes, which the credit covers, out of or into the ring. */
static void shmring_kend_copy_in(struct shmring_kernel_end *end,
				 const void *buf, size_t n)
{
	size_t first = shmring_end_contiguous(&end->end, n, end->mirrored);

	memcpy(shmring_kend_at(end), buf, first);
	if (first < n)
		memcpy(end->data, buf + first, n - first);
	end->granted = n;
	shmring_kend_move(end, n);
}

static void shmring_kend_copy_out(struct shmring_kernel_end *end, void *buf,
				  size_t n)
{
	size_t first = shmring_end_contiguous(&end->end, n, end->mirrored);

	memcpy(buf, shmring_kend_at(end), first);
	if (first < n)
		memcpy(buf + first, end->data, n - first);
	end->granted = n;
	shmring_kend_move(end, n);
}

static bool shmring_kend_arm(struct shmring_kernel_end *end, u32 min)
{
	u64 credit;

	if (end->corrupt)
		return false;
	min = clamp_t(u32, min, 1, end->end.capacity);
	shmring_count(&end->side->counters->arms);
	/* One that stands has its look behind it, or still before it */
	credit = shmring_end_arm(&end->end, min, &end->side->arming,
				 shmring_recheck_later, end->side);
	if (credit == SHMRING_CREDIT_CORRUPT) {
		end->corrupt = true;
		shmring_corrupt(end->ring);
		return false;
	}
	if (credit >= min)
		return false;
	/* After the arm: a peer that goes wakes whoever has armed by then */
	if (shmring_end_status(end))
		return false;
	/* Whoever goes to sleep serves its peer first, see shmring_look() */
	if (shmring_arm_reached(end->end.pos, shmring_load(end->end.peer_arm)))
		shmring_kick_any(end->side->peer);
	return true;
}

/**
 * shmring_write_acquire - take all the space there is, as spans to write to
 * @end: a producer
 * @p: filled; p[0] comes before p[1], whose length is 0 from a capacity of one
 *	page up
 *
 * Context: any.
 * Ordering: what the consumer has released was read before (pairs with P1).
 * Return: the spans' bytes together; 0 also when the ring is corrupt.
 */
size_t shmring_write_acquire(struct shmring_kernel_end *end, struct kvec p[2])
{
	return shmring_kend_acquire(end, p);
}
EXPORT_SYMBOL_GPL(shmring_write_acquire);

/**
 * shmring_write_commit - publish bytes that were written to the spans
 * @end: a producer
 * @n: how many, from the beginning of p[0] on
 *
 * Wakes the consumer if it sleeps and now has what it waits for: at once where
 * interrupts are on, else through irq_work.
 *
 * Context: any, NMI included.
 * Ordering: release; a full fence before the look at the consumer's arm (P2).
 * Return: 0; -EINVAL more than was acquired, nothing is published; -EBADMSG.
 */
int shmring_write_commit(struct shmring_kernel_end *end, size_t n)
{
	return shmring_kend_advance(end, n);
}
EXPORT_SYMBOL_GPL(shmring_write_commit);

/**
 * shmring_try_write_from - copy bytes into the ring, as many as fit
 * @end: a producer
 * @buf: where they are
 * @n: how many
 *
 * Context: any, NMI included.
 * Return: the bytes that were written, 0 .. n.
 */
size_t shmring_try_write_from(struct shmring_kernel_end *end, const void *buf,
			      size_t n)
{
	n = min_t(u64, n, shmring_kend_look(end));
	if (n)
		shmring_kend_copy_in(end, buf, n);
	return n;
}
EXPORT_SYMBOL_GPL(shmring_try_write_from);

/**
 * shmring_count_drop - count a record that there was no room for
 * @end: a producer
 * @n: its bytes
 *
 * For those who write to spans.  The counters stand in the kernel's page.
 *
 * Context: any, NMI included.
 */
void shmring_count_drop(struct shmring_kernel_end *end, size_t n)
{
	struct shmring_kernel_page *k = end->ring->k;

	atomic64_inc((atomic64_t *)&k->drops);
	atomic64_add(n, (atomic64_t *)&k->drop_bytes);
}
EXPORT_SYMBOL_GPL(shmring_count_drop);

/**
 * shmring_write_or_drop - write a record whole, or count it as dropped
 * @end: a producer
 * @buf: the record
 * @n: its bytes
 *
 * Context: any, NMI included.
 * Return: true if it was written.
 */
bool shmring_write_or_drop(struct shmring_kernel_end *end, const void *buf,
			   size_t n)
{
	if (unlikely(shmring_kend_look(end) < n)) {
		shmring_count_drop(end, n);
		return false;
	}
	if (n)
		shmring_kend_copy_in(end, buf, n);
	return true;
}
EXPORT_SYMBOL_GPL(shmring_write_or_drop);

/**
 * shmring_write_arm - before a producer stops for lack of space: ask to be told
 * @end: a producer with a @notify
 * @min: bytes of space that would do; clamped to 1 .. capacity
 *
 * Context: any but NMI; not from @notify.
 * Return: true: armed, @notify will come; false: go on, there is space, or
 * shmring_end_status() says why there will be none.
 */
bool shmring_write_arm(struct shmring_kernel_end *end, u32 min)
{
	return shmring_kend_arm(end, min);
}
EXPORT_SYMBOL_GPL(shmring_write_arm);

/**
 * shmring_read_acquire - take all the bytes there are, as spans to read from
 * @end: a consumer
 * @p: filled, as by shmring_write_acquire()
 *
 * A producer that is a process can change these bytes at any time until they
 * are released, and after: copy what is parsed, then check the copy.
 *
 * Context: any.
 * Ordering: what was written before the commit is there (pairs with P1).
 * Return: the spans' bytes together; 0 also when the ring is corrupt.
 */
size_t shmring_read_acquire(struct shmring_kernel_end *end, struct kvec p[2])
{
	return shmring_kend_acquire(end, p);
}
EXPORT_SYMBOL_GPL(shmring_read_acquire);

/**
 * shmring_read_release - give bytes of the spans back to the producer
 * @end: a consumer
 * @n: how many, from the beginning of p[0] on
 *
 * Context: any, NMI included.
 * Return: 0; -EINVAL more than was acquired; -EBADMSG.
 */
int shmring_read_release(struct shmring_kernel_end *end, size_t n)
{
	return shmring_kend_advance(end, n);
}
EXPORT_SYMBOL_GPL(shmring_read_release);

/**
 * shmring_try_read_into - copy bytes out of the ring, as many as there are
 * @end: a consumer
 * @buf: where to
 * @n: how many at most
 *
 * Context: any, NMI included.
 * Return: the bytes that were read, 0 .. n.
 */
size_t shmring_try_read_into(struct shmring_kernel_end *end, void *buf,
			     size_t n)
{
	n = min_t(u64, n, shmring_kend_look(end));
	if (n)
		shmring_kend_copy_out(end, buf, n);
	return n;
}
EXPORT_SYMBOL_GPL(shmring_try_read_into);

/**
 * shmring_read_arm - before a consumer stops for lack of bytes: ask to be told
 * @end: a consumer with a @notify
 * @min: bytes that would do; clamped to 1 .. capacity
 *
 * The contract is that of vhost_enable_notify(): false means that more came
 * while it armed, and that the caller goes on draining.
 *
 * Context: any but NMI; not from @notify.
 * Return: true: armed, @notify will come; false: go on, or
 * shmring_end_status() says why nothing more will come.
 */
bool shmring_read_arm(struct shmring_kernel_end *end, u32 min)
{
	return shmring_kend_arm(end, min);
}
EXPORT_SYMBOL_GPL(shmring_read_arm);
