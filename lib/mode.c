// SPDX-License-Identifier: MIT
/*
 * Fenced or not: who pays for the order between a commit and a look at the
 * peer's arm (P2 and W2 of shmring_proto.h)
 *
 * An end begins fenced, goes unfenced when its peer has not armed for
 * SHMRING_FENCES commits, and is fenced again from the first arm that it
 * answers.  So a peer that sleeps often finds it fenced and arms for nothing,
 * one that seldom does pays a heavy barrier for each arm (not for each look while
 * it stands), and a busy pair pays neither.
 *
 * What it finds in its word when it begins it leaves there until its first kick:
 * that may be the word of another who still moves.  A fenced end that is said not
 * to be costs its peer a barrier too many; the other way round, the peer would
 * leave out the one that it needs.  (The device clears the word when it gives
 * the role to a new file.)
 *
 * The shape is that of biased locking, and of the asymmetric fences of
 * folly and of liburcu's "memb" flavour, which take membarrier(2) too.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

static shmring_word *mode_word(struct ring *r, enum shmring_edge edge)
{
	struct shmring_producer_page *p;
	struct shmring_consumer_page *c;

	p = (void *)(r->base + r->layout.producer_offset);
	c = (void *)(r->base + r->layout.consumer_offset);
	return edge == SHMRING_READABLE ? &p->mode : &c->mode;
}

/*
 * shmring_kick - wake a peer that has armed; the caller is fenced from here on
 *
 * The mode comes first: the peer is to find it when it arms anew.
 */
void shmring_kick(struct shmring *pub, enum shmring_edge edge)
{
	struct ring *r = ring_of(pub);
	shmring_word *mode = mode_word(r, edge);

	if (shmring_load(mode) != SHMRING_FENCED)
		shmring_change_mode(mode, SHMRING_FENCED);
	r->backend->kick(r, edge);
}

/*
 * shmring_unfence - nobody has armed for a while: stop fencing, if that may be
 *
 * Return: not 0: the caller is unfenced from here on.
 */
int shmring_unfence(struct shmring *pub, enum shmring_edge edge)
{
	struct ring *r = ring_of(pub);

	if (__atomic_load_n(&r->k->fence, __ATOMIC_RELAXED) ||
	    r->backend->unfence(r, edge))
		return 0;
	shmring_change_mode(mode_word(r, edge), SHMRING_UNFENCED);
	return 1;
}

static int membarrier(int cmd)
{
	return (int)syscall(SYS_membarrier, cmd, 0, 0);
}

/*
 * barrier_register - let heavy barriers of other processes reach this one
 *
 * Registering twice does nothing, and a child inherits it.  It takes a while in
 * a process that has threads already: that is for a constructor to wait for.
 *
 * Return: 0 or a negative errno.
 */
int barrier_register(void)
{
	static int registered;

	if (__atomic_load_n(&registered, __ATOMIC_RELAXED))
		return 0;
	if (membarrier(MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED))
		return -errno;
	__atomic_store_n(&registered, 1, __ATOMIC_RELAXED);
	return 0;
}

/*
 * barrier_heavy - a full fence in every process that has registered
 * @counter: how often, a shared word
 *
 * Who may not call membarrier(2) waits instead.  No architecture says so, but a
 * store that was made a millisecond ago is seen by all: a processor drains its
 * stores in well under that, and an interrupt drains them too.  (One that cuts
 * the sleep short is this processor's.)
 */
void barrier_heavy(void *counter)
{
	struct timespec left;
	int64_t drained;

	__atomic_fetch_add((__u64 *)counter, 1, __ATOMIC_RELAXED);
	if (!membarrier(MEMBARRIER_CMD_GLOBAL_EXPEDITED))
		return;
	drained = clock_now() + 1000000;
	while (clock_now() < drained)
		nanosleep(time_left(drained, &left), NULL);
}
