// SPDX-License-Identifier: MIT
/*
 * Rings without the device: a memfd, and an eventfd for each edge
 *
 * The pages are those of the device, and so is what happens on them.  But no
 * kernel owns page K, so both ends write it, and must trust each other; and
 * nobody notices that an end has died without a word.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

/* Where the data ends in the file, which has it once. */
static uint64_t data_end(const struct layout *l)
{
	return l->data_offset +
	       (l->capacity < l->page_size ? l->page_size : l->capacity);
}

/*
 * memory_layout - the only layout that a ring of @capacity has here
 *
 * The arena, if there is one, follows the data in the file.
 */
void memory_layout(struct layout *l, uint32_t capacity, uint64_t arena)
{
	uint32_t page = (uint32_t)sysconf(_SC_PAGESIZE);

	l->page_size = page;
	l->capacity = capacity;
	l->consumer_offset = 0;
	l->kernel_offset = page;
	l->producer_offset = 2ULL * page;
	l->data_offset = 3ULL * page;
	l->map_length = l->data_offset +
			(capacity < page ? page : 2ULL * capacity);
	l->arena_offset = arena ? data_end(l) : 0;
	l->arena_size = arena;
}

/* memory_size - the bytes of its file */
uint64_t memory_size(const struct layout *l)
{
	return data_end(l) + l->arena_size;
}

static int write_page(int fd, const void *buf, size_t n, uint64_t offset)
{
	ssize_t rc = pwrite(fd, buf, n, (off_t)offset);

	if (rc < 0)
		return -errno;
	return (size_t)rc == n ? 0 : -ENOSPC;
}

static int write_pages(int fd, const struct layout *l, uint64_t start)
{
	const struct shmring_kernel_page k = {
		.magic = SHMRING_MAGIC,
		.version = SHMRING_ABI_VERSION,
		.page_size = l->page_size,
		.backend = SHMRING_BACKEND_MEMORY,
		.capacity = l->capacity,
		.consumer_offset = l->consumer_offset,
		.kernel_offset = l->kernel_offset,
		.producer_offset = l->producer_offset,
		.data_offset = l->data_offset,
		.map_length = l->map_length,
		.arena_offset = l->arena_offset,
		.arena_size = l->arena_size,
		.rx_arm = SHMRING_ARM_NONE,
		.tx_arm = SHMRING_ARM_NONE,
	};
	const struct shmring_consumer_page c = { .rd = start };
	const struct shmring_producer_page p = { .wr = start };
	int err = write_page(fd, &k, sizeof(k), l->kernel_offset);

	if (!err)
		err = write_page(fd, &c, sizeof(c), l->consumer_offset);
	if (!err)
		err = write_page(fd, &p, sizeof(p), l->producer_offset);
	return err;
}

/*
 * memory_create - make the memfd and the eventfds of @r
 *
 * The file is sealed at its size, so that nobody who gets it can make an access
 * to a mapping of it fail.
 *
 * Return: 0 or a negative errno; ring_discard() closes what was opened.
 */
int memory_create(struct ring *r, uint32_t capacity,
		  const struct shmring_options *options)
{
	struct layout *l = &r->layout;
	int err;

	if (options->flags)
		return -EOPNOTSUPP;
	memory_layout(l, capacity, options->arena);

	r->fd = memfd_create("shmring", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (r->fd < 0)
		return -errno;
	if (ftruncate(r->fd, (off_t)memory_size(l)))
		return -errno;
	err = write_pages(r->fd, l, options->start);
	if (err)
		return err;
	if (fcntl(r->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return -errno;
	r->event[0] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event[0] < 0)
		return -errno;
	r->event[1] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (r->event[1] < 0)
		return -errno;
	return 0;
}

static shmring_word *memory_arm_word(struct ring *r, enum shmring_edge edge)
{
	return edge == SHMRING_READABLE ? &r->k->rx_arm : &r->k->tx_arm;
}

static struct shmring_counters *memory_counters(const struct ring *r,
						enum shmring_edge edge)
{
	return edge == SHMRING_READABLE ? &r->k->rx : &r->k->tx;
}

static void count(__u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/*
 * Fails when 2^64 - 2 signals were not read yet: then nobody needs one more.
 *
 * No write(), at which a thread can be cancelled: K1 has taken the arm, and with
 * it every other commit's reason to wake its owner.
 */
static void signal_event(void *ctx)
{
	const uint64_t one = 1;

	syscall(SYS_write, *(int *)ctx, &one, sizeof(one));
}

static void reset_event(int fd)
{
	uint64_t sum;
	ssize_t rc = read(fd, &sum, sizeof(sum));

	(void)rc;
}

static void memory_kick(struct ring *r, enum shmring_edge edge)
{
	if (shmring_arm_kick(memory_arm_word(r, edge), signal_event,
			     &r->event[edge_index(edge)]))
		count(&memory_counters(r, edge)->kicks);
}

static int memory_unfence(struct ring *r, enum shmring_edge edge)
{
	(void)r;
	(void)edge;
	return barrier_register();
}

static int64_t memory_arm(struct ring *r, struct shmring_role *role,
			  enum shmring_edge edge, uint32_t min)
{
	shmring_word *arming = &ring_waiter(r, edge)->arming;

	/* First of all: a signal that comes after the arm must stay. */
	reset_event(r->event[edge_index(edge)]);
	count(&memory_counters(r, edge)->arms);
	shmring_end_arm(&role->end, min, arming, barrier_heavy,
			&memory_counters(r, edge)->barriers);
	/* This end is one thread's; who had it before is covered now, too */
	*arming = 0;
	/* W3 again, and the state as well, which W2 orders like the position. */
	return role_ready(r, role, edge, min);
}

static int64_t memory_wait(struct ring *r, struct shmring_role *role,
			   enum shmring_edge edge, uint32_t min,
			   int64_t deadline)
{
	struct pollfd event = {
		.fd = r->event[edge_index(edge)],
		.events = POLLIN,
	};
	struct timespec left;
	int64_t rc;

	for (;;) {
		rc = memory_arm(r, role, edge, min);
		if (rc)
			return rc;
		if (deadline_passed(deadline))
			return -ETIMEDOUT;
		count(&memory_counters(r, edge)->sleeps);
		if (ppoll(&event, 1, time_left(deadline, &left), NULL) < 0)
			return -errno;
		/* What has been closed under us is always ready, and tells nothing */
		if (event.revents && !(event.revents & POLLIN))
			return -EBADF;
		/* The kick took the arm: no new one unless it is needed */
		rc = role_ready(r, role, edge, min);
		if (rc)
			return rc;
	}
}

/* A threshold is this end's affair: it stands in the arm. */
static int memory_lowat(struct ring *r, enum shmring_edge edge, uint32_t bytes)
{
	(void)r;
	(void)edge;
	(void)bytes;
	return 0;
}

static struct shmring_counters counters_copy(const struct shmring_counters *c)
{
	return (struct shmring_counters){
		.kicks = shmring_load(&c->kicks),
		.arms = shmring_load(&c->arms),
		.sleeps = shmring_load(&c->sleeps),
		.barriers = shmring_load(&c->barriers),
	};
}

static int memory_stats(const struct ring *r, struct shmring_stats *out)
{
	out->state = ring_state(r);
	out->rd = shmring_load_acquire(r->pub.rd);
	out->wr = shmring_load_acquire(r->pub.wr);
	out->rx = counters_copy(&r->k->rx);
	out->tx = counters_copy(&r->k->tx);
	return 0;
}

static struct pollfd memory_pollfd(const struct ring *r, enum shmring_edge edge)
{
	return (struct pollfd){
		.fd = r->event[edge_index(edge)],
		.events = POLLIN,
	};
}

static uint32_t gone_bits(uint32_t roles)
{
	uint32_t gone = 0;

	if (roles & SHMRING_ROLE_PRODUCER)
		gone |= SHMRING_STATE_PRODUCER_GONE;
	if (roles & SHMRING_ROLE_CONSUMER)
		gone |= SHMRING_STATE_CONSUMER_GONE;
	return gone;
}

/*
 * memory_arrive - the roles that @r holds are not gone, or no longer
 *
 * A predecessor may have been killed between K1 and K2 of shmring_proto.h: then
 * there is no arm to answer any more, and a peer who sleeps.  One who has never
 * armed has lost nothing, and a new ring gives no token.
 */
void memory_arrive(struct ring *r)
{
	uint32_t gone = gone_bits(r->roles);

	if (!gone)
		return;
	__atomic_fetch_and(&r->k->state, ~gone, __ATOMIC_SEQ_CST);
	if (r->roles & SHMRING_ROLE_PRODUCER && shmring_load(&r->k->rx.arms))
		signal_event(&r->event[edge_index(SHMRING_READABLE)]);
	if (r->roles & SHMRING_ROLE_CONSUMER && shmring_load(&r->k->tx.arms))
		signal_event(&r->event[edge_index(SHMRING_WRITABLE)]);
}

/*
 * The bits come before the look at who is armed, as P1 comes before P3; the
 * peer arms before it looks at the bits.  A peer that is not armed is signalled
 * as well: it may be in a poll() for which it armed long ago.
 */
static void memory_leave(struct ring *r)
{
	uint32_t gone = gone_bits(r->roles);

	if (!gone)
		return;
	__atomic_fetch_or(&r->k->state, gone, __ATOMIC_SEQ_CST);
	if (r->roles & SHMRING_ROLE_PRODUCER)
		signal_event(&r->event[edge_index(SHMRING_READABLE)]);
	if (r->roles & SHMRING_ROLE_CONSUMER)
		signal_event(&r->event[edge_index(SHMRING_WRITABLE)]);
}

const struct backend shmring_memory = {
	.number = SHMRING_BACKEND_MEMORY,
	.kick = memory_kick,
	.unfence = memory_unfence,
	.arm = memory_arm,
	.wait = memory_wait,
	.lowat = memory_lowat,
	.stats = memory_stats,
	.pollfd = memory_pollfd,
	.leave = memory_leave,
};
