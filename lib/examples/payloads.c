// SPDX-License-Identifier: MIT
/*
 * Two processes pass payloads of any size without copying them: they lie in
 * slots of the ring's arena, and what goes through the ring is where.
 *
 *	payloads [COUNT [BYTES]]
 *
 * The sender could be killed at any time: its slots are given back.
 */
#include <poll.h>
#include <shmring.h>
#include <shmring_slab.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

/* Sleep until there is something for this end; 0: look again. */
static int wait_for(struct shmring *r, enum shmring_edge edge)
{
	struct pollfd fd = shmring_pollfd(r, edge);
	int ready = edge == SHMRING_READABLE ? shmring_arm_readable(r) :
					       shmring_arm_writable(r);

	if (!ready)
		poll(&fd, 1, -1);
	return ready < 0 ? ready : 0;
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
		err = wait_for(out, SHMRING_WRITABLE);
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

static int receive_all(struct shmring *in, struct shmring_slab_cache *c)
{
	int64_t sum, total = 0;
	struct note note;
	int n = 0, err = 0;

	while (!err) {
		if (!shmring_try_read_into(in, &note, sizeof(note))) {
			err = wait_for(in, SHMRING_READABLE);
			continue;
		}
		sum = receive_one(c, &note);
		if (sum < 0)
			return -1;
		total += sum;
		n++;
	}
	printf("%d payloads, sum %lld\n", n, (long long)total);
	return err == -EPIPE ? n : err;	/* the sender has gone, all was read */
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
	pid_t pid;
	int n;

	if (!in)
		return perror("shmring_create"), 1;
	if (shmring_region_arena(&arena, in) ||
	    shmring_slab_init(&slab, &arena, 0, size, SLOTS, 2) ||
	    shmring_slab_open(&c, &slab, RECEIVER, getpid(), 0))
		return 1;
	pid = fork();
	if (!pid)
		_exit(child(in, count, size));
	n = receive_all(in, &c);
	waitpid(pid, NULL, 0);
	shmring_slab_reclaim(&c, SENDER, pid);
	printf("%u of %u slots are free\n", shmring_slab_free_count(&slab), SLOTS);
	shmring_slab_close(&c);
	shmring_free(in);
	return n != count;
}
