// SPDX-License-Identifier: GPL-2.0-only
/*
 * Payloads by reference, between two processes: slots of a slab in the arena,
 * their handles through the ring, poll() to wait; and what becomes of the slots
 * when one end is killed
 *
 *	alloc, fill, mark in flight, write;
 *	read, take, look, free			payloads_pass
 *	the sender dies				a_dead_sender_is_reclaimed
 *	the receiver dies			a_dead_receiver_is_reclaimed
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <shmring_region.h>
#include <shmring_slab.h>

#include "ring.h"

struct note {
	shmring_slot slot;
	uint64_t size;
	uint64_t pos;	/* of its bytes in the pattern */
};

/* Notes are padded to a power of two, so that a ring holds whole ones. */
#define NOTE	32U
#define NOTES	8U
/* In the ring, at hand at both ends, and in use there */
#define SLOTS	(NOTES + 8)
#define SIZE	20000U

enum { PARENT = 1, CHILD = 2, OWNERS = 2 };

struct end {
	struct shmring *r;
	struct shmring_slab slab;
	struct shmring_slab_cache cache;
};

static int end_open(struct end *e, struct shmring *r, uint32_t owner)
{
	struct shmring_region arena;
	int err;

	if (!r)
		return -errno;
	e->r = r;
	err = shmring_region_arena(&arena, r);
	if (!err)
		err = shmring_slab_attach(&e->slab, &arena, 0);
	if (!err)
		err = shmring_slab_open(&e->cache, &e->slab, owner, getpid(), 2);
	return err;
}

/* Arm, and sleep in poll() if nothing is there. */
static int end_wait(struct end *e, enum shmring_edge edge)
{
	struct pollfd fd = shmring_pollfd(e->r, edge);
	int ready = edge == SHMRING_READABLE ? shmring_arm_readable(e->r) :
					       shmring_arm_writable(e->r);

	if (!ready && poll(&fd, 1, 20000) != 1)
		return -ETIMEDOUT;
	return ready < 0 ? ready : 0;
}

/* A slot that is filled and marked, but not told of yet. */
static int prepare(struct end *e, uint64_t pos, uint64_t size, struct note *note)
{
	int err = shmring_slab_alloc(&e->cache, &note->slot);

	if (err)
		return err;
	note->size = size;
	note->pos = pos;
	pattern_fill(shmring_slab_data(&e->slab, note->slot), pos, size);
	return shmring_slab_mark_in_flight(&e->cache, note->slot, NULL);
}

static int tell(struct end *e, const struct note *note)
{
	char padded[NOTE] = { 0 };
	int err = 0;

	memcpy(padded, note, sizeof(*note));
	while (!err && !shmring_try_write_from(e->r, padded, NOTE))
		err = end_wait(e, SHMRING_WRITABLE);
	return err;
}

/* The next payload, taken and looked at, its slot still ours. */
static int receive(struct end *e, struct note *note)
{
	char padded[NOTE];
	int err = 0;

	while (!err && !shmring_try_read_into(e->r, padded, NOTE))
		err = end_wait(e, SHMRING_READABLE);
	if (err)
		return err;
	memcpy(note, padded, sizeof(*note));
	if (note->size > shmring_slab_slot_size(&e->slab))
		return -EBADMSG;
	err = shmring_slab_take(&e->cache, note->slot, NULL);
	if (err)
		return err;
	return pattern_check(shmring_slab_data(&e->slab, note->slot), note->pos,
			     note->size) == note->size ? 0 : -EILSEQ;
}

/* Any size there is, from nothing to a whole slot. */
static uint64_t size_of(unsigned int i)
{
	return i % 4 ? (uint64_t)i * 7919 % SIZE : i % 8 ? SIZE : 0;
}

static int send_many(struct end *e, unsigned int n)
{
	struct note note;
	unsigned int i;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		err = prepare(e, i, size_of(i), &note);
		if (!err)
			err = tell(e, &note);
	}
	return err;
}

FIXTURE(payload)
{
	struct end me;
	struct shmring *r;
};

FIXTURE_VARIANT(payload)
{
	uint32_t backend;
	uint32_t role;	/* of the parent */
};

FIXTURE_VARIANT_ADD(payload, MEMORY_receiver)
{ SHMRING_BACKEND_MEMORY, SHMRING_ROLE_CONSUMER };
FIXTURE_VARIANT_ADD(payload, MEMORY_sender)
{ SHMRING_BACKEND_MEMORY, SHMRING_ROLE_PRODUCER };
FIXTURE_VARIANT_ADD(payload, DEVICE_receiver)
{ SHMRING_BACKEND_DEVICE, SHMRING_ROLE_CONSUMER };
FIXTURE_VARIANT_ADD(payload, DEVICE_sender)
{ SHMRING_BACKEND_DEVICE, SHMRING_ROLE_PRODUCER };

FIXTURE_SETUP(payload)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint64_t length = shmring_slab_raw_length(SIZE, SLOTS, OWNERS);
	const struct shmring_options options = {
		.backend = variant->backend,
		.roles = variant->role,
		.arena = (length + page - 1) / page * page,
	};
	struct shmring_region arena;
	struct shmring_slab slab;

	RING_SKIP_IF_MISSING(variant->backend);
	self->r = shmring_create(NOTES * NOTE, &options);
	ASSERT_NE(NULL, self->r);
	ASSERT_EQ(0, shmring_region_arena(&arena, self->r));
	ASSERT_EQ(0, shmring_slab_init(&slab, &arena, 0, SIZE, SLOTS, OWNERS));
	ASSERT_EQ(0, end_open(&self->me, self->r, PARENT));
}

FIXTURE_TEARDOWN(payload)
{
	if (!self->r)
		return;
	EXPECT_EQ(SLOTS, shmring_slab_free_count(&self->me.slab));
	EXPECT_EQ(0, shmring_slab_close(&self->me.cache));
	shmring_free(self->r);
}

/* The peer: send or receive @n, then end as told. */
static pid_t peer(struct shmring *r, uint32_t role, unsigned int n, bool die)
{
	struct note note;
	unsigned int i;
	struct end e;
	pid_t pid = fork();

	if (pid)
		return pid;
	if (end_open(&e, shmring_join(r, role), CHILD))
		_exit(1);
	if (role == SHMRING_ROLE_PRODUCER && send_many(&e, n))
		_exit(2);
	for (i = 0; role == SHMRING_ROLE_CONSUMER && i < n; i++)
		if (receive(&e, &note) || note.pos != i ||
		    note.size != size_of(i) ||
		    (!(die && i == n - 1) &&
		     shmring_slab_free_allocated(&e.cache, note.slot, NULL)))
			_exit(3);
	if (die) {
		/* With one that is filled, one in flight, some at hand */
		shmring_slab_alloc(&e.cache, &note.slot);
		prepare(&e, 0, 1, &note);
		raise(SIGKILL);
	}
	if (shmring_slab_close(&e.cache))
		_exit(4);
	shmring_free(e.r);
	_exit(0);
}

/* Until then the ring tells of the end of its predecessor. */
static bool peer_is_there(const struct shmring *r)
{
	int tries;

	for (tries = 0; tries < 10000 && shmring_status(r); tries++)
		usleep(1000);
	return !shmring_status(r);
}

static int peer_end(pid_t pid)
{
	int status = -1;

	waitpid(pid, &status, 0);
	return status;
}

/* All that the peer sends, until it has gone or @n have come. */
static int receive_many(struct end *e, unsigned int n)
{
	struct note note;
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		err = receive(e, &note);
		if (err)
			return err;
		if (note.pos != i || note.size != size_of(i))
			return -EILSEQ;
		err = shmring_slab_free_allocated(&e->cache, note.slot, NULL);
		if (err)
			return err;
	}
	return 0;
}

TEST_F(payload, payloads_pass)
{
	const unsigned int n = 300;
	struct note note;
	pid_t pid;

	RING_NEEDED(self->r);
	pid = peer(self->r, SHMRING_ROLE_BOTH & ~variant->role, n, false);
	ASSERT_LT(0, pid);
	if (variant->role == SHMRING_ROLE_CONSUMER) {
		EXPECT_EQ(0, receive_many(&self->me, n));
		EXPECT_EQ(0, peer_end(pid));
		EXPECT_EQ(-EPIPE, receive(&self->me, &note));
	} else {
		EXPECT_EQ(0, send_many(&self->me, n));
		EXPECT_EQ(0, peer_end(pid));
	}
}

/* What it had sent comes, what it had not comes back, and another goes on. */
TEST_F(payload, a_dead_sender_is_reclaimed)
{
	const unsigned int n = 50;
	int status, round;
	struct note note;
	pid_t pid;

	RING_NEEDED(self->r);
	if (variant->role != SHMRING_ROLE_CONSUMER)
		return;
	for (round = 0; round < 3; round++) {
		pid = peer(self->r, SHMRING_ROLE_PRODUCER, n, true);
		ASSERT_LT(0, pid);
		ASSERT_TRUE(peer_is_there(self->r));
		EXPECT_EQ(0, receive_many(&self->me, n));
		/* Only the device tells of a death */
		if (variant->backend == SHMRING_BACKEND_DEVICE)
			EXPECT_EQ(-EPIPE, receive(&self->me, &note));
		status = peer_end(pid);
		ASSERT_TRUE(WIFSIGNALED(status));
		EXPECT_EQ(SIGKILL, WTERMSIG(status));
		EXPECT_GT(SLOTS, shmring_slab_free_count(&self->me.slab));
		EXPECT_LE(2, shmring_slab_reclaim(&self->me.cache, CHILD, pid));
		EXPECT_EQ(SLOTS, shmring_slab_free_count(&self->me.slab));
	}
}

/* It had taken one, some were on their way, and that is what its successor gets. */
TEST_F(payload, a_dead_receiver_is_reclaimed)
{
	const unsigned int n = 50;
	struct note note;
	struct end in;
	int status;
	pid_t pid;

	RING_NEEDED(self->r);
	if (variant->role != SHMRING_ROLE_PRODUCER)
		return;
	pid = peer(self->r, SHMRING_ROLE_CONSUMER, n, true);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, send_many(&self->me, n));
	status = peer_end(pid);
	ASSERT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(SIGKILL, WTERMSIG(status));
	ASSERT_EQ(0, prepare(&self->me, 7, SIZE, &note));
	ASSERT_EQ(1, shmring_try_write_from(self->r, &note, sizeof(note)) ==
		     sizeof(note));
	/* The one taken, the one allocated, the one in flight, what was at hand */
	EXPECT_LE(3, shmring_slab_reclaim(&self->me.cache, CHILD, pid));
	EXPECT_EQ(SLOTS - 1, shmring_slab_free_count(&self->me.slab));

	ASSERT_EQ(0, end_open(&in, shmring_join(self->r, SHMRING_ROLE_CONSUMER),
			      CHILD));
	ASSERT_EQ(sizeof(note), shmring_try_read_into(in.r, &note, sizeof(note)));
	EXPECT_EQ(7, note.pos);
	EXPECT_EQ(0, shmring_slab_take(&in.cache, note.slot, NULL));
	EXPECT_EQ(SIZE, pattern_check(shmring_slab_data(&in.slab, note.slot), 7,
				      SIZE));
	EXPECT_EQ(0, shmring_slab_free_allocated(&in.cache, note.slot, NULL));
	EXPECT_EQ(0, shmring_slab_close(&in.cache));
	shmring_free(in.r);
}

TEST_HARNESS_MAIN
