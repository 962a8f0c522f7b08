/* SPDX-License-Identifier: MIT */
/*
 * shmring - the part of a slab that all share: states, and the stack of what is free
 *
 * Written over the atomic layer of shmring_proto.h, which is included first; no
 * libc.  For shmring_slab_raw.h only.
 *
 * Each slot has two words, apart from its data, so that nothing here races with
 * what users keep in the slots.  The state stands in front of the data, so that
 * the line which brings a slot to another CPU brings both, and no two CPUs that
 * work on neighbours, one on the other's heels, fight for a line full of states.
 * The links stand in a row: who walks a chain waits for one line after the other.
 *
 *	state	generation:32 | owner:30 | state:2
 *	link	generation:32 | index of the next free slot:32
 *
 * and all slots have one head:
 *
 *	head	tag | owner who made this change | index of the first free slot
 *
 * The stack is Treiber's (1986) with IBM's tag: it rises with every change, so
 * that a head which is found again is the same stack, and what was read from
 * its links still holds.  A tag has 40 bits at least.  A thread alone that keeps
 * nothing in its magazine changes the head some 10^8 times a second: then a tag
 * comes back after three hours, and with a magazine of 32 slots after days.  Only
 * a thread that stood between its look at the head and its exchange for exactly
 * that long, or a multiple of it, would be deceived.  With 1000 slots and 15
 * owners it is 50 bits, and a hundred days.
 *
 * A whole chain of slots is pushed or popped by one exchange.
 *
 * Whoever dies in here leaves slots that are in no stack and in no hand.  So it
 * writes down first, in its record, which chain it is about to push or pop
 * (*pending*), and the head says who changed it last.  Before anybody overwrites
 * that, he confirms the change in its maker's record (*ack*).  Whether a dead
 * owner's last exchange came to pass can then be read: the head names it still,
 * or its ack does.  (The idea is that of recoverable compare-and-swap: Attiya,
 * Ben-Baruch, Hendler, PODC 2018.)
 *
 *	owner					others
 *	  S1 pending := chain, tag		  S4 load_acquire head
 *	  S2 cmpxchg head, with its name	  S5 cmpxchg ack := head
 *	  S3 states; then pending := none	  S6 cmpxchg head
 *
 *   S1 precedes S2 and S3 precedes the end of pending, or a death between them
 *   would lose the chain.  S5 precedes S6, or it would look as if S2 had failed.
 */
#ifndef SHMRING_SLAB_STACK_RAW_H
#define SHMRING_SLAB_STACK_RAW_H

#include <linux/errno.h>

/**
 * enum shmring_slab_state - what a slot is
 * @SHMRING_SLAB_FREE: on the stack, or on its way there or from there
 * @SHMRING_SLAB_CACHED: free, in the magazine of its owner
 * @SHMRING_SLAB_ALLOCATED: its owner's, who alone may change that
 * @SHMRING_SLAB_IN_FLIGHT: its owner has sent it to somebody
 */
enum shmring_slab_state {
	SHMRING_SLAB_FREE,
	SHMRING_SLAB_CACHED,
	SHMRING_SLAB_ALLOCATED,
	SHMRING_SLAB_IN_FLIGHT,
};

/*
 * What an owner leaves for the case of its death: it writes the first two
 * words, others the last one.
 */
struct shmring_slab_record {
	shmring_word pending;
	shmring_word holder;
	shmring_word unused[6];
	shmring_word ack;
} __attribute__((aligned(128)));

/**
 * struct shmring_slab - a slab, as one process sees it
 * @head: of the stack
 * @records: of owners 1 to @owners
 * @states: of slots 0 to @count - 1, @stride bytes apart
 * @links: likewise, in a row
 * @data: the first slot
 * @slot_size: bytes that were asked for
 * @stride: bytes from slot to slot
 * @count: slots
 * @owners: how many may use the slab at once
 * @index_bits: of the head, for the index
 * @tag_shift: of the head, for the index and the owner
 *
 * Private, checked, and the same from init or attach on: threads may share it,
 * and copies of it.
 */
struct shmring_slab {
	shmring_word *head;
	struct shmring_slab_record *records;
	unsigned char *states;
	shmring_word *links;
	unsigned char *data;
	__u64 slot_size;
	__u64 stride;
	__u32 count;
	__u32 owners;
	__u32 index_bits;
	__u32 tag_shift;
};

#define SHMRING_SLAB_BATCH	32U	/* slots in one chain at most */
/*
 * A peer that changes a word without end shall not hold us: nobody else makes
 * an exchange fail that often in a row.
 */
#define SHMRING_SLAB_TRIES	65536U

/* The upper half of a slot's words, and of an entry: see shmring_slab_raw.h */
#define SHMRING_SLAB_GENERATION	(~(__u64)0 << 32)

static inline shmring_word *shmring_slab_state(const struct shmring_slab *s, __u32 index)
{
	return (shmring_word *)(void *)(s->states + index * s->stride);
}

/* pending: tag:32 | n:6 | index:24 | 1 for a push, 2 for a pop */
#define SHMRING_SLAB_PUSH	1U
#define SHMRING_SLAB_POP	2U

static inline __u64 shmring_slab_pending(const struct shmring_slab *s, __u64 head,
					 __u32 first, __u32 n, __u32 what)
{
	return head >> s->tag_shift << 32 | (__u64)n << 26 | (__u64)first << 2 | what;
}

static inline __u32 shmring_slab_none(const struct shmring_slab *s)
{
	return (1U << s->index_bits) - 1;
}

/* The head that follows @head when @owner makes @first the first slot */
static inline __u64 shmring_slab_next_head(const struct shmring_slab *s, __u64 head,
					   __u32 owner, __u32 first)
{
	return ((head >> s->tag_shift) + 1) << s->tag_shift |
	       (__u64)owner << s->index_bits | first;
}

static inline __u32 shmring_slab_head_owner(const struct shmring_slab *s, __u64 head)
{
	return (__u32)(head >> s->index_bits) &
	       ((1U << (s->tag_shift - s->index_bits)) - 1);
}

/*
 * S5: let the maker of @head know that it has come to pass.
 *
 * An ack that comes late must not overwrite a later one: the ack was loaded
 * before the head was found unchanged, and is exchanged only if it is still
 * what it was.
 *
 * Return: 0 if the head has changed meanwhile.
 */
static inline int shmring_slab_confirm(const struct shmring_slab *s, __u32 me,
				       __u64 head)
{
	__u32 maker = shmring_slab_head_owner(s, head), tries;
	shmring_word *ack;
	__u64 seen;

	if (maker == me || !maker || maker > s->owners)
		return 1;
	ack = &s->records[maker - 1].ack;
	for (tries = 0; tries < SHMRING_SLAB_TRIES; tries++) {
		seen = shmring_load_acquire(ack);
		if (seen == head)
			break;
		if (shmring_load(s->head) != head)
			return 0;
		if (shmring_cmpxchg(ack, seen, head) == seen)
			break;
	}
	return 1;
}

/**
 * shmring_slab_pop - take a chain of slots off the stack
 * @s: the slab
 * @me: whose they become, as SHMRING_SLAB_CACHED
 * @out: generation and index of each, the top of the stack first
 * @want: 1 .. SHMRING_SLAB_BATCH
 *
 * Links that are read may be those of slots that others have popped meanwhile;
 * the exchange then fails.  An index out of range, which only a hostile peer
 * writes, ends the chain.
 *
 * Return: how many, at least 1; -ENOSPC there is none; -EBADMSG the head is
 * impossible; -EAGAIN the head never stood still.
 */
static inline int shmring_slab_pop(const struct shmring_slab *s, __u32 me,
				   __u64 *out, __u32 want)
{
	shmring_word *pending = &s->records[me - 1].pending;
	__u32 tries, n, i, first, index;
	int result = -EAGAIN;
	__u64 head, link;

	for (tries = 0; tries < SHMRING_SLAB_TRIES; tries++) {
		/* S4: pairs with the exchange that pushed; its links are there. */
		head = shmring_load_acquire(s->head);
		first = (__u32)head & shmring_slab_none(s);
		for (n = 0, index = first; n < want && index < s->count; n++) {
			link = shmring_load(&s->links[index]);
			out[n] = (link & SHMRING_SLAB_GENERATION) | index;
			index = (__u32)link;
		}
		if (!n) {
			result = first == shmring_slab_none(s) ? -ENOSPC : -EBADMSG;
			break;
		}
		if (index >= s->count)
			index = shmring_slab_none(s);
		if (!shmring_slab_confirm(s, me, head))
			continue;
		shmring_store_release(pending,				/* S1 */
				      shmring_slab_pending(s, head, first, n,
							   SHMRING_SLAB_POP));
		if (shmring_cmpxchg(s->head, head,			/* S2 */
				    shmring_slab_next_head(s, head, me, index)) != head)
			continue;
		for (i = 0; i < n; i++)					/* S3 */
			shmring_store(shmring_slab_state(s, (__u32)out[i]),
				      (out[i] & SHMRING_SLAB_GENERATION) | me << 2 |
				      SHMRING_SLAB_CACHED);
		result = (int)n;
		break;
	}
	shmring_store_release(pending, 0);				/* S3 */
	return result;
}

/**
 * shmring_slab_push - put a chain of slots on the stack
 * @s: the slab
 * @me: whose they are, as SHMRING_SLAB_CACHED
 * @in: generation and index of each, the new top of the stack first
 * @n: 1 .. SHMRING_SLAB_BATCH
 *
 * Return: 0; -EAGAIN the head never stood still, and the slots are still @me's.
 */
static inline int shmring_slab_push(const struct shmring_slab *s, __u32 me,
				    const __u64 *in, __u32 n)
{
	shmring_word *pending = &s->records[me - 1].pending;
	__u32 tries, i, freed = 0, first = (__u32)in[0];
	__u64 head, generation;

	for (i = 0; i + 1 < n; i++)
		shmring_store(&s->links[(__u32)in[i]],
			      (in[i] & SHMRING_SLAB_GENERATION) | (__u32)in[i + 1]);
	generation = in[n - 1] & SHMRING_SLAB_GENERATION;
	for (tries = 0; tries < SHMRING_SLAB_TRIES; tries++) {
		head = shmring_load_acquire(s->head);			/* S4 */
		shmring_store(&s->links[(__u32)in[n - 1]],
			      generation | ((__u32)head & shmring_slab_none(s)));
		if (!shmring_slab_confirm(s, me, head))
			continue;
		shmring_store_release(pending,				/* S1 */
				      shmring_slab_pending(s, head, first, n,
							   SHMRING_SLAB_PUSH));
		/* Whoever pops them stores over this: it must come before. */
		for (; freed < n; freed++)
			shmring_store_release(shmring_slab_state(s, (__u32)in[freed]),
					      (in[freed] & SHMRING_SLAB_GENERATION) |
					      SHMRING_SLAB_FREE);
		if (shmring_cmpxchg(s->head, head,			/* S2 */
				    shmring_slab_next_head(s, head, me, first)) == head) {
			shmring_store_release(pending, 0);
			return 0;
		}
	}
	for (i = 0; i < freed; i++)
		shmring_store(shmring_slab_state(s, (__u32)in[i]),
			      (in[i] & SHMRING_SLAB_GENERATION) | me << 2 |
			      SHMRING_SLAB_CACHED);
	shmring_store_release(pending, 0);
	return -EAGAIN;
}

/**
 * shmring_slab_settle - end what a dead owner was about to do
 * @s: the slab
 * @dead: whose thread runs no more, and whose stores have all been seen
 *
 * What it had popped, or had not pushed yet, becomes SHMRING_SLAB_CACHED of
 * @dead: then all that it has says so.
 */
static inline void shmring_slab_settle(const struct shmring_slab *s, __u32 dead)
{
	struct shmring_slab_record *record = &s->records[dead - 1];
	__u64 pending = shmring_load_acquire(&record->pending), head, word;
	__u32 n = (__u32)(pending >> 26) & 63, index = (__u32)pending << 6 >> 8;
	__u32 what = (__u32)pending & 3, i, tag;
	int done;

	/* The head first: whoever has overwritten it had confirmed before (S5, S6). */
	head = shmring_load_acquire(s->head);
	tag = (__u32)(head >> s->tag_shift);
	done = shmring_slab_head_owner(s, head) == dead &&
	       tag == (__u32)(pending >> 32) + 1;
	if (!done) {
		tag = (__u32)(shmring_load_acquire(&record->ack) >> s->tag_shift);
		done = tag == (__u32)(pending >> 32) + 1;
	}
	/* A pop that came to pass, or a push that did not */
	if (what != (done ? SHMRING_SLAB_POP : SHMRING_SLAB_PUSH))
		n = 0;
	for (i = 0; i < n && i < SHMRING_SLAB_BATCH && index < s->count; i++) {
		word = shmring_load(shmring_slab_state(s, index));
		if ((word & 3) == SHMRING_SLAB_FREE)
			shmring_store(shmring_slab_state(s, index),
				      (word & SHMRING_SLAB_GENERATION) | dead << 2 |
				      SHMRING_SLAB_CACHED);
		index = (__u32)shmring_load(&s->links[index]);
	}
	shmring_store_release(&record->pending, 0);
}

#endif /* SHMRING_SLAB_STACK_RAW_H */
