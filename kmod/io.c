// SPDX-License-Identifier: GPL-2.0-only
/*
 * read and write: the kernel acts for the end
 *
 * Splice and sendfile come here too.  Bytes are copied, never lent: a page
 * that was put into a pipe would change there when the producer laps.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/uio.h>

#include "file.h"
#include "notify.h"

/* The peer may begin on this much while the rest is still being copied. */
#define SHMRING_CHUNK	(64U << 10)

/* Copy up to @n bytes between the ring and @iter, page by page. */
static size_t shmring_copy(struct shmring *ring, u64 pos, size_t n,
			   struct iov_iter *iter, u32 role)
{
	size_t done = 0;

	while (done < n) {
		u32 at = (pos + done) & (ring->capacity - 1);
		u32 in_page = at & ~PAGE_MASK;
		size_t len = min3(n - done, (size_t)(PAGE_SIZE - in_page),
				  (size_t)(ring->capacity - at));
		size_t got;
		void *mem;

		mem = page_address(shmring_pages_at(&ring->data,
						    at >> PAGE_SHIFT));
		got = role == SHMRING_ROLE_CONSUMER ?
		      copy_to_iter(mem + in_page, len, iter) :
		      copy_from_iter(mem + in_page, len, iter);
		done += got;
		if (got < len)
			break;
	}
	return done;
}

/*
 * Move bytes as far as the credit that was seen goes.  @side->io is held, but
 * the process may move this end meanwhile by its own mapping: the position is
 * loaded anew, and what comes of mixing the two is that process' affair, as
 * long as nothing outside the data is touched, which the masks see to.
 */
static ssize_t shmring_move(struct shmring_side *side, struct iov_iter *iter,
			    u64 credit)
{
	struct shmring_end end = side->end;
	ssize_t moved = 0;
	size_t n, got;

	end.pos = shmring_load(end.own);
	credit = min_t(u64, credit, iov_iter_count(iter));
	while (credit) {
		n = min_t(u64, credit, SHMRING_CHUNK);
		got = shmring_copy(side->ring, end.pos, n, iter, side->role);
		if (got && shmring_end_advance(&end, got))
			shmring_kick(side->peer);
		moved += got;
		credit -= got;
		if (got < n)
			return moved ?: -EFAULT;
		if (fatal_signal_pending(current))
			break;
		cond_resched();
	}
	return moved;
}

static bool shmring_nonblock(const struct kiocb *iocb)
{
	return iocb->ki_flags & IOCB_NOWAIT ||
	       iocb->ki_filp->f_flags & O_NONBLOCK;
}

/* One pass: wait for what is wanted, and move what is there. */
static ssize_t shmring_pass(struct kiocb *iocb, struct shmring_side *side,
			    struct iov_iter *iter)
{
	bool nonblock = shmring_nonblock(iocb);
	u64 most = min_t(u64, iov_iter_count(iter), side->ring->capacity);
	u64 min = nonblock ? 1 : 0;
	s64 ret;

	for (;;) {
		if (iocb->ki_flags & IOCB_NOWAIT) {
			if (!mutex_trylock(&side->io))
				return -EAGAIN;
		} else if (mutex_lock_interruptible(&side->io)) {
			return -ERESTARTSYS;
		}
		ret = shmring_ready(side, shmring_wanted(side, min, most));
		/*
		 * Who hears -EAGAIN may wait for an edge, with no more looks
		 * (EPOLLET, multishot reads of io_uring): by ->poll's threshold.
		 */
		if (!ret && nonblock)
			ret = shmring_arm(side, READ_ONCE(side->lowat));
		if (ret > 0)
			ret = shmring_move(side, iter, ret);
		else if (!ret)
			ret = -EAGAIN;
		mutex_unlock(&side->io);

		if (ret != -EAGAIN || nonblock)
			return ret;
		/*
		 * A peer whose position comes and goes can have the wait end at
		 * once, each time: not for ever.
		 */
		if (signal_pending(current))
			return -ERESTARTSYS;
		cond_resched();
		ret = shmring_wait(side, min, most, -1);
		if (ret < 0 && ret != -EPIPE)
			return ret;
	}
}

static struct shmring_side *shmring_io_side(struct kiocb *iocb, u32 role)
{
	struct shmring_file *f = iocb->ki_filp->private_data;

	if (!shmring_file_ring(f))
		return ERR_PTR(-ENOTCONN);
	return shmring_file_side(f, role) ?: ERR_PTR(-EACCES);
}

/* Pass after pass, until @iter is at its end; one will do if it is @once. */
static ssize_t shmring_passes(struct kiocb *iocb, struct shmring_side *side,
			      struct iov_iter *iter, bool once)
{
	ssize_t done = 0;
	ssize_t ret;

	while (iov_iter_count(iter)) {
		ret = shmring_pass(iocb, side, iter);
		if (ret < 0) {
			/*
			 * Whoever waits for an edge after these last bytes may have
			 * been told of the peer's end together with them.
			 */
			if (done && ret == -EPIPE)
				shmring_wake_all(side, side->hup);
			return done ?: ret;
		}
		done += ret;
		if (once || fatal_signal_pending(current))
			break;
	}
	return done;
}

/*
 * Like a pipe: waits for the first bytes (of a threshold, for that many),
 * returns what is there, and 0 when the producer has gone and all is read.
 *
 * Whoever does not want to block may take a short read for the sign that nothing
 * is left, and wait for an edge; so that reads on until it is full, or has armed.
 */
ssize_t shmring_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct shmring_side *side = shmring_io_side(iocb, SHMRING_ROLE_CONSUMER);
	ssize_t ret;

	if (IS_ERR(side))
		return PTR_ERR(side);
	ret = shmring_passes(iocb, side, to, !shmring_nonblock(iocb));
	return ret == -EPIPE ? 0 : ret;
}

/*
 * Like a pipe: a blocking write is done when all is in the ring.  Unlike one,
 * a consumer that has gone is an error and no signal: a peer's death must not
 * kill.
 */
ssize_t shmring_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct shmring_side *side = shmring_io_side(iocb, SHMRING_ROLE_PRODUCER);

	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_passes(iocb, side, from, false);
}
