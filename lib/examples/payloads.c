// SPDX-License-Identifier: MIT
/*
 * Two processes pass payloads of any size without copying them: they lie in
 * slots of the ring's arena, and what goes through the ring is where.
 *
 *	payloads [COUNT [BYTES]]
 *
 * The sender may be killed at any time: its slots are given back.
 */
#include <poll.h>
#include <shmring.h>
#include <shmring_slab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* What goes through the ring; its capacity is a multiple of this. */
struct note {
	shmring_slot slot;
	uint64_t size;
};

/* Notes under way, one payload being written, one being read. */
#define NOTES	16
#define SLOTS	(NOTES + 2)

enum { RECEIVER = 1, SENDER = 2 };	/* owners of slots */

/* Sleep until there is room; 0: look again. */
static int wait_for_room(struct shmring *out)
{
	struct pollfd fd = shmring_pollfd(out, SHMRING_WRITABLE);
	int ready = shmring_arm_writable(out);

	if (!ready)
		poll(&fd, 1, -1);
	return ready < 0 ? ready : 0;
}

/*
 * Sleep until there is something to read, or the sender, a pidfd, has ended: of that
 * a ring in memory is not told.  0: look again; 1: for the last time.
 */
static int wait_for_note(struct shmring *in, int sender)
{
	struct pollfd fds[2] = {
		shmring_pollfd(in, SHMRING_READABLE),
		{ .fd = sender, .events = POLLIN },
	};
	int ready = shmring_arm_readable(in);

	if (!ready)
		poll(fds, 2, -1);
	return ready < 0 ? ready : fds[1].revents != 0;
}

static int send_one(struct shmring *out, struct shmring_slab_cache *c, int i,
		    size_t size)
{
	struct note note = { .size = size };
	int err = shmring_slab_alloc(c, &note.slot);

	if (err)
		return err;
	memset(shmring_slab_data(&c->slab, note.slot), 'a' + i % 26, size);
	err = shmring_slab_mark_in_flight(c, note.slot, NULL);
	while (!err && !shmring_try_write_from(out, &note, sizeof(note)))
		err = wait_for_room(out);
	return err;
}

static int child(struct shmring *parents, int count, size_t size)
{
	struct shmring *out = shmring_join(parents, SHMRING_ROLE_PRODUCER);
	struct shmring_region arena;
	struct shmring_slab_cache c;
	struct shmring_slab slab;
	int i, err = 0;

	close(shmring_fd(parents));	/* or the parent's role would outlive it */
	if (!out || shmring_region_arena(&arena, out) ||
	    shmring_slab_attach(&slab, &arena, 0) ||
	    shmring_slab_open(&c, &slab, SENDER, getpid(), 0))
		return 1;
	for (i = 0; !err && i < count; i++)
		err = send_one(out, &c, i, size);
	shmring_free(out);	/* what was sent can still be received */
	return err != 0;
}

/* The sum of a payload's bytes; negative: the note names none. */
static int64_t receive_one(struct shmring_slab_cache *c, const struct note *note)
{
	const unsigned char *at = shmring_slab_data(&c->slab, note->slot);
	int64_t sum = 0;
	uint64_t i;
	int err;

	if (note->size > shmring_slab_slot_size(&c->slab))
		return -1;
	err = shmring_slab_take(c, note->slot, NULL);
	if (err)
		return err;
	for (i = 0; i < note->size; i++)
		sum += at[i];
	err = shmring_slab_free_allocated(c, note->slot, NULL);
	return err ? err : sum;
}

static int receive_all(struct shmring *in, struct shmring_slab_cache *c,
		       int sender)
{
	int64_t sum, total = 0;
	int n = 0, ended = 0;
	struct note note;

	for (;;) {
		if (!shmring_try_read_into(in, &note, sizeof(note))) {
			if (ended)
				break;
			ended = wait_for_note(in, sender);
			continue;
		}
		sum = receive_one(c, &note);
		if (sum < 0)
			return -1;
		total += sum;
		n++;
	}
	printf("%d payloads, sum %lld\n", n, (long long)total);
	/* The sender has gone, and all was read. */
	return ended == -EPIPE || ended == 1 ? n : ended;
}

int main(int argc, char **argv)
{
	int count = argc > 1 ? atoi(argv[1]) : 100;
	size_t size = argc > 2 ? strtoul(argv[2], NULL, 0) : 1000000;
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint64_t length = shmring_slab_raw_length(size, SLOTS, 2);
	struct shmring_options options = {
		.roles = SHMRING_ROLE_CONSUMER,
		.arena = (length + page - 1) / page * page,
	};
	struct shmring *in = shmring_create(NOTES * sizeof(struct note), &options);
	struct shmring_region arena;
	struct shmring_slab_cache c;
	struct shmring_slab slab;
	int n, sender;
	pid_t pid;

	if (!in)
		return perror("shmring_create"), 1;
	if (shmring_region_arena(&arena, in) ||
	    shmring_slab_init(&slab, &arena, 0, size, SLOTS, 2) ||
	    shmring_slab_open(&c, &slab, RECEIVER, getpid(), 0))
		return 1;
	pid = fork();
	if (!pid)
		_exit(child(in, count, size));
	sender = syscall(SYS_pidfd_open, pid, 0);
	n = receive_all(in, &c, sender);
	waitpid(pid, NULL, 0);
	shmring_slab_reclaim(&c, SENDER, pid);
	printf("%u of %u slots are free\n", shmring_slab_free_count(&slab), SLOTS);
	shmring_slab_close(&c);
	shmring_free(in);
	return n != count;
}
