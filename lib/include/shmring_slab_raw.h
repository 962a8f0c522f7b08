/* SPDX-License-Identifier: MIT */
/*
 * shmring - slots of a fixed size, for any number of threads and processes
 *
 * The raw variant: it owns no memory, and works on whatever is mapped.  Written
 * over the atomic layer of shmring_proto.h, which is included first; no libc.
 * shmring_slab.h has the same over a region.
 *
 *	FREE -- refill --> CACHED -- alloc --> ALLOCATED -- mark_in_flight --+
 *	  ^                 ^  |  ^               |  ^                       |
 *	  +---- drain ------+--+  +- free_allocated  +-------- take ---- IN_FLIGHT
 *	                    ^                                                |
 *	                    +------------------- free -----------------------+
 *
 * Each thread that uses a slab has a number of its own, its *owner* id, and a
 * cache, with a magazine of slots that are free and its own.  Most calls do not
 * leave the magazine.
 *
 * Why plain stores are enough there: a slot that is CACHED or ALLOCATED names
 * its owner, and nobody else changes its state, from now until that owner does
 * (others refuse with -EPERM).  So if a thread loads its own name, what it
 * loaded is the latest value, and its store overwrites nobody's.  If it does
 * not, it stores nothing.  Only a slot that is IN_FLIGHT can be had by several:
 * whoever takes or frees it does so by an exchange of the whole word, which one
 * of them wins.
 *
 * A process that dies leaves its owner id with all it held; somebody else gives
 * that back with shmring_slab_reclaim().
 *
 * Peers are trusted with the contents of slots, not with our lives: whatever
 * they write, no call leaves the slab's memory or runs on without end.
 */
#ifndef SHMRING_SLAB_RAW_H
#define SHMRING_SLAB_RAW_H

#include <shmring_slab_stack_raw.h>

#define SHMRING_SLAB_MAGIC	0x62616c73676e6972ULL	/* "ringslab" */
#define SHMRING_SLAB_VERSION	1U
#define SHMRING_SLAB_ALIGN	128U
#define SHMRING_SLAB_SIZE_MAX	0x40000000U	/* of a slot: 1 GiB */
#define SHMRING_SLAB_OWNERS_MAX	255U
#define SHMRING_SLAB_MAGAZINE	32U

/*
 * What most calls pass through is inlined, so that no address of a cache is taken
 * and a loop over a local one keeps it in registers.
 */
#define SHMRING_SLAB_FLAT	__attribute__((__always_inline__))
#define SHMRING_SLAB_UNLIKELY(x)	__builtin_expect(!!(x), 0)

/* The bits of the head that an index and an owner may take; the rest is tag. */
#define SHMRING_SLAB_NAME_BITS	24U

/*
 * A slot's handle: generation:32 | index:32.  Never 0.  Whoever has it may pass
 * it through a queue, a ring, or any other memory.
 */
typedef __u64 shmring_slot;

/**
 * struct shmring_slab_header - how a slab begins
 * @magic: SHMRING_SLAB_MAGIC; written last
 * @version: SHMRING_SLAB_VERSION
 * @slot_size: bytes
 * @count: slots
 * @owners: owner ids are 1 to this
 * @records: offset of the owners' records
 * @links: offset of the slots' links
 * @states: offset of their states
 * @data: offset of the slots
 * @length: of all of it
 * @head: of the stack, on a line pair of its own
 */
struct shmring_slab_header {
	shmring_word magic;
	shmring_word version;
	shmring_word slot_size;
	shmring_word count;
	shmring_word owners;
	shmring_word records;
	shmring_word links;
	shmring_word states;
	shmring_word data;
	shmring_word length;
	shmring_word unused[6];
	shmring_word head;
} __attribute__((aligned(SHMRING_SLAB_ALIGN)));

/* Where all of it lies; from slot_size, count and owners alone */
struct shmring_slab_layout {
	__u64 records;
	__u64 links;
	__u64 states;
	__u64 data;
	__u64 length;
	__u64 stride;
	__u32 index_bits;
	__u32 owner_bits;
};

/**
 * struct shmring_slab_error - what was wrong with a handle
 * @index: of the slot that it names
 * @expected: see below
 * @actual: see below
 *
 *	-ERANGE		expected: the number of slots; actual: the index
 *	-ESTALE		the generations of the handle and of the slot
 *	-EBADFD		the states that the call is for, and that the slot is in
 *	-EPERM		the owners: the caller's cache, and the slot's
 */
struct shmring_slab_error {
	__u32 index;
	__u32 expected;
	__u32 actual;
};

/**
 * struct shmring_slab_cache - what one thread has of a slab
 * @slab: the slab
 * @owner: the thread's number
 * @limit: slots that the magazine keeps
 * @n: slots in it
 * @entries: generation of its last use, and index, of each
 *
 * By value, one thread's; private.
 */
struct shmring_slab_cache {
	struct shmring_slab slab;
	__u32 owner;
	__u32 limit;
	__u32 n;
	__u64 entries[SHMRING_SLAB_MAGAZINE + 1];
};

/* Bits for the numbers 0 to @n, and one number more */
static inline __u32 shmring_slab_bits(__u32 n)
{
	__u32 bits = 1;

	while (n >> bits || n == (1U << bits) - 1)
		bits++;
	return bits;
}

static inline __u64 shmring_slab_round(__u64 n, __u64 to)
{
	return (n + to - 1) & ~(to - 1);
}

static inline int shmring_slab_lay_out(__u64 slot_size, __u64 count, __u64 owners,
				       struct shmring_slab_layout *l)
{
	__u64 front;

	if (!slot_size || slot_size > SHMRING_SLAB_SIZE_MAX || !count || !owners ||
	    owners > SHMRING_SLAB_OWNERS_MAX)
		return -EINVAL;
	if (count >> SHMRING_SLAB_NAME_BITS)
		return -E2BIG;
	l->index_bits = shmring_slab_bits((__u32)count - 1);
	l->owner_bits = shmring_slab_bits((__u32)owners - 1);
	if (l->index_bits + l->owner_bits > SHMRING_SLAB_NAME_BITS)
		return -E2BIG;
	/* The state in front does not take away the data's alignment. */
	front = slot_size % SHMRING_SLAB_ALIGN ? sizeof(shmring_word) : SHMRING_SLAB_ALIGN;
	l->stride = front + shmring_slab_round(slot_size, 8);
	l->records = sizeof(struct shmring_slab_header);
	l->links = l->records + owners * sizeof(struct shmring_slab_record);
	l->states = shmring_slab_round(l->links + count * sizeof(shmring_word),
				       SHMRING_SLAB_ALIGN);
	l->data = l->states + front;
	l->length = l->states + count * l->stride;
	return 0;
}

static inline void shmring_slab_fill(struct shmring_slab *s, void *base,
				     __u64 slot_size, __u64 count, __u64 owners,
				     const struct shmring_slab_layout *l)
{
	unsigned char *at = (unsigned char *)base;

	s->head = &((struct shmring_slab_header *)base)->head;
	s->records = (struct shmring_slab_record *)(void *)(at + l->records);
	s->links = (shmring_word *)(void *)(at + l->links);
	s->states = at + l->states;
	s->data = at + l->data;
	s->slot_size = slot_size;
	s->stride = l->stride;
	s->count = (__u32)count;
	s->owners = (__u32)owners;
	s->index_bits = l->index_bits;
	s->tag_shift = l->index_bits + l->owner_bits;
}

/*
 * All slots free, and no owners.
 *
 * Slots that fill half a magazine lie side by side; the next ones on the stack
 * are elsewhere, as far away as there are owners to go round.  CPUs fetch ahead of
 * what they are asked for, and two that work side by side would do so in each
 * other's slots.
 */
static inline void shmring_slab_reset(const struct shmring_slab *s)
{
	const __u32 run = SHMRING_SLAB_MAGAZINE / 2;
	__u32 share = (s->count + s->owners * run - 1) / (s->owners * run) * run;
	__u32 i, first, begin, last = 0;

	for (i = 0; i < s->owners; i++) {
		shmring_store(&s->records[i].pending, 0);
		shmring_store(&s->records[i].holder, 0);
		shmring_store(&s->records[i].ack, 0);
	}
	for (first = 0; first < share; first += run) {
		for (begin = first; begin < s->count; begin += share) {
			for (i = begin; i < s->count && i < begin + run; i++) {
				shmring_store(shmring_slab_state(s, i), SHMRING_SLAB_FREE);
				shmring_store(&s->links[last], i);
				last = i;
			}
		}
	}
	shmring_store(&s->links[last], shmring_slab_none(s));
	shmring_store_release(s->head, 0);
}

/**
 * shmring_slab_raw_length - bytes that a slab takes
 * @slot_size: bytes, 1 .. SHMRING_SLAB_SIZE_MAX; slots are aligned to 8, or, if
 * this is a multiple of 128, to that
 * @count: slots, at least 1
 * @owners: how many may use it at once, 1 .. SHMRING_SLAB_OWNERS_MAX
 *
 * Owners and slots share 24 bits: with up to 15 owners a slab may have 2^20 - 1
 * slots, with 255 owners 2^16 - 1.
 *
 * Return: the length; 0 if an argument is out of its range.
 */
static inline __u64 shmring_slab_raw_length(__u64 slot_size, __u64 count, __u64 owners)
{
	struct shmring_slab_layout l;

	return shmring_slab_lay_out(slot_size, count, owners, &l) ? 0 : l.length;
}

/**
 * shmring_slab_raw_init - make a slab
 * @s: filled in
 * @base: memory that nobody uses yet, aligned to 128
 * @length: of that memory; shmring_slab_raw_length() bytes are used
 * @slot_size: see shmring_slab_raw_length()
 * @count: likewise
 * @owners: likewise
 *
 * Return: 0; -EINVAL an argument out of its range, or @base not aligned; -E2BIG
 * too many slots for so many owners; -ENOSPC @length does not suffice.
 */
static inline int shmring_slab_raw_init(struct shmring_slab *s, void *base, __u64 length,
					__u64 slot_size, __u64 count, __u64 owners)
{
	struct shmring_slab_header *h = (struct shmring_slab_header *)base;
	struct shmring_slab_layout l;
	int err = shmring_slab_lay_out(slot_size, count, owners, &l);

	if (err)
		return err;
	if (!base || (unsigned long)base % SHMRING_SLAB_ALIGN)
		return -EINVAL;
	if (length < l.length)
		return -ENOSPC;
	shmring_slab_fill(s, base, slot_size, count, owners, &l);
	shmring_store(&h->magic, 0);
	shmring_store(&h->version, SHMRING_SLAB_VERSION);
	shmring_store(&h->slot_size, slot_size);
	shmring_store(&h->count, count);
	shmring_store(&h->owners, owners);
	shmring_store(&h->records, l.records);
	shmring_store(&h->links, l.links);
	shmring_store(&h->states, l.states);
	shmring_store(&h->data, l.data);
	shmring_store(&h->length, l.length);
	shmring_slab_reset(s);
	/* Pairs with attach: whoever sees the magic sees a whole slab. */
	shmring_store_release(&h->magic, SHMRING_SLAB_MAGIC);
	return 0;
}

/**
 * shmring_slab_raw_attach - use a slab that somebody else has made
 * @s: filled in
 * @base: its memory, aligned to 128
 * @length: of that memory
 *
 * Each word of the header is read once; what it says is used only if all of it
 * fits together and into @length.
 *
 * Return: 0; -EINVAL @base is not aligned or @length is less than a header;
 * -EBADMSG there is no slab, or one that cannot be; -EPROTONOSUPPORT one of
 * another version; -ENOSPC its memory does not end within @length.
 */
static inline int shmring_slab_raw_attach(struct shmring_slab *s, void *base, __u64 length)
{
	struct shmring_slab_header *h = (struct shmring_slab_header *)base;
	__u64 slot_size, count, owners;
	struct shmring_slab_layout l;

	if (!base || (unsigned long)base % SHMRING_SLAB_ALIGN || length < sizeof(*h))
		return -EINVAL;
	if (shmring_load_acquire(&h->magic) != SHMRING_SLAB_MAGIC)
		return -EBADMSG;
	if (shmring_load(&h->version) != SHMRING_SLAB_VERSION)
		return -EPROTONOSUPPORT;
	slot_size = shmring_load(&h->slot_size);
	count = shmring_load(&h->count);
	owners = shmring_load(&h->owners);
	if (shmring_slab_lay_out(slot_size, count, owners, &l) ||
	    shmring_load(&h->records) != l.records ||
	    shmring_load(&h->links) != l.links ||
	    shmring_load(&h->states) != l.states ||
	    shmring_load(&h->data) != l.data ||
	    shmring_load(&h->length) != l.length)
		return -EBADMSG;
	if (length < l.length)
		return -ENOSPC;
	shmring_slab_fill(s, base, slot_size, count, owners, &l);
	return 0;
}

/** shmring_slab_slot_size - bytes of a slot, as given to init */
static inline __u64 shmring_slab_slot_size(const struct shmring_slab *s)
{
	return s->slot_size;
}

/** shmring_slab_count - slots of the slab */
static inline __u32 shmring_slab_count(const struct shmring_slab *s)
{
	return s->count;
}

/** shmring_slot_index - which slot a handle names; not checked */
static inline __u32 shmring_slot_index(shmring_slot slot)
{
	return (__u32)slot;
}

/** shmring_slot_generation - which use of the slot a handle names */
static inline __u32 shmring_slot_generation(shmring_slot slot)
{
	return (__u32)(slot >> 32);
}

/**
 * shmring_slab_data - the memory of a slot
 * @s: the slab
 * @slot: a handle, which may come from a peer
 *
 * Only the index is checked.  Whose the slot is, take or free say.
 *
 * Context: any.  Return: slot_size bytes; NULL if there is no such slot.
 */
static inline SHMRING_SLAB_FLAT void *
shmring_slab_data(const struct shmring_slab *s, shmring_slot slot)
{
	__u32 index = shmring_slot_index(slot);

	return index < s->count ? s->data + index * s->stride : (void *)0;
}

/**
 * shmring_slab_free_count - how many slots are free, about
 * @s: the slab
 *
 * Those in magazines are counted, though only their owners can allocate them.
 * Exact while nobody works.  Looks at each slot.
 */
static inline __u32 shmring_slab_free_count(const struct shmring_slab *s)
{
	__u32 i, n = 0;

	for (i = 0; i < s->count; i++)
		n += (shmring_load(shmring_slab_state(s, i)) & 3) <= SHMRING_SLAB_CACHED;
	return n;
}

/* A state word of @owner's; @generation is that of an entry or of a handle. */
static inline __u64 shmring_slab_word(__u64 generation, __u32 owner, __u32 state)
{
	return (generation & SHMRING_SLAB_GENERATION) | owner << 2 | state;
}

/*
 * Why @slot is not what a call is for: @word was its state, @state and @owner
 * are what it should have been (@owner 0: anybody's).
 */
static inline int shmring_slab_refuse(shmring_slot slot, __u64 word, __u32 state,
				      __u32 owner, struct shmring_slab_error *err)
{
	struct shmring_slab_error why = { shmring_slot_index(slot), 0, 0 };
	int result;

	if ((slot ^ word) & SHMRING_SLAB_GENERATION) {
		why.expected = shmring_slot_generation(slot);
		why.actual = (__u32)(word >> 32);
		result = -ESTALE;
	} else if ((word & 3) != state) {
		why.expected = state;
		why.actual = word & 3;
		result = -EBADFD;
	} else {
		why.expected = owner;
		why.actual = (__u32)word >> 2;
		result = -EPERM;
	}
	if (err)
		*err = why;
	return result;
}

static inline int shmring_slab_refuse_index(const struct shmring_slab *s, shmring_slot slot,
					    struct shmring_slab_error *err)
{
	if (err) {
		err->index = shmring_slot_index(slot);
		err->expected = s->count;
		err->actual = shmring_slot_index(slot);
	}
	return -ERANGE;
}

/* A record's holder: the owner who reclaims:32 | who has opened:32; 0: closed */
static inline __u64 shmring_slab_claim(__u32 owner, __u32 holder)
{
	return (__u64)owner << 32 | holder;
}

/**
 * shmring_slab_open - begin to use a slab
 * @c: filled in; one thread's from now on
 * @s: the slab
 * @owner: number of that thread, 1 to the slab's owners; 0: any that is free
 * @holder: who that is: a thread's id, say; not 0.  Told to whoever asks about the
 * owner, and named by whoever reclaims it, so not to be another's soon
 * @magazine: free slots that the cache may keep, 0 .. SHMRING_SLAB_MAGAZINE
 *
 * Return: 0; -EINVAL an argument out of its range; -EBUSY the number is taken;
 * -EUSERS they all are.
 */
static inline int shmring_slab_open(struct shmring_slab_cache *c, const struct shmring_slab *s,
				    __u32 owner, __u32 holder, __u32 magazine)
{
	__u32 i, last = owner ? owner : s->owners;

	if (owner > s->owners || !holder || magazine > SHMRING_SLAB_MAGAZINE)
		return -EINVAL;
	c->slab = *s;
	c->limit = magazine;
	c->n = 0;
	for (i = owner ? owner : 1; i <= last; i++) {
		c->owner = i;
		if (!shmring_cmpxchg(&s->records[i - 1].holder, 0, holder))
			return 0;
	}
	return owner ? -EBUSY : -EUSERS;
}

/**
 * shmring_slab_holder - who uses an owner id
 * @s: the slab
 * @owner: the id
 * @holder: what was given to shmring_slab_open()
 *
 * Return: 0; -EINVAL there is no such id; -ENOENT nobody uses it; -EBUSY it is
 * being reclaimed.
 */
static inline int shmring_slab_holder(const struct shmring_slab *s, __u32 owner, __u32 *holder)
{
	__u64 word;

	if (!owner || owner > s->owners)
		return -EINVAL;
	word = shmring_load(&s->records[owner - 1].holder);
	if (!word)
		return -ENOENT;
	if (word >> 32)
		return -EBUSY;
	*holder = (__u32)word;
	return 0;
}

/* Slots that go between magazine and stack at a time */
static inline __u32 shmring_slab_batch(const struct shmring_slab_cache *c)
{
	return c->limit > 1 ? c->limit / 2 : 1;
}

/*
 * Give back the @n slots that have been in the magazine for longest.
 *
 * Here and in refill the stack gets copies: a cache whose address never leaves
 * its function can stay in registers.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_drain(struct shmring_slab_cache *c, __u32 n)
{
	const struct shmring_slab slab = c->slab;
	__u64 chain[SHMRING_SLAB_BATCH];
	__u32 i;
	int err;

	for (i = 0; i < n; i++)
		chain[i] = c->entries[i];
	err = shmring_slab_push(&slab, c->owner, chain, n);
	if (err)
		return err;
	c->n -= n;
	for (i = 0; i < c->n; i++)
		c->entries[i] = c->entries[i + n];
	return 0;
}

/**
 * shmring_slab_close - end the use of a slab
 * @c: the cache; not to be used any more, unless this fails
 *
 * Its magazine is emptied.  Slots that are still allocated, or that it has sent
 * and nobody has taken or freed, stay so, and belong to the owner id: to whoever
 * opens it next, or reclaims it.
 *
 * Return: 0; -EAGAIN a peer keeps the stack from standing still.
 */
static inline int shmring_slab_close(struct shmring_slab_cache *c)
{
	__u32 n;
	int err;

	while (c->n) {
		n = c->n < SHMRING_SLAB_BATCH ? c->n : SHMRING_SLAB_BATCH;
		err = shmring_slab_drain(c, n);
		if (err)
			return err;
	}
	shmring_store_release(&c->slab.records[c->owner - 1].holder, 0);
	return 0;
}

static inline SHMRING_SLAB_FLAT int
shmring_slab_refill(struct shmring_slab_cache *c)
{
	const struct shmring_slab slab = c->slab;
	__u64 chain[SHMRING_SLAB_BATCH];
	int n, i;

	n = shmring_slab_pop(&slab, c->owner, chain, shmring_slab_batch(c));
	if (n < 0)
		return n;
	/* The top of the stack shall be used first. */
	for (i = 0; i < n; i++)
		c->entries[n - 1 - i] = chain[i];
	c->n = (__u32)n;
	return 0;
}

/*
 * A slot that is the caller's goes into the magazine, and if that is too full
 * some leave it.  @was: its state up to now, which it keeps if that fails.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_keep(struct shmring_slab_cache *c, shmring_slot slot, __u64 was)
{
	shmring_word *state = shmring_slab_state(&c->slab, shmring_slot_index(slot));
	int err;

	shmring_store(state, shmring_slab_word(slot, c->owner, SHMRING_SLAB_CACHED));
	c->entries[c->n++] = slot;
	if (!SHMRING_SLAB_UNLIKELY(c->n > c->limit))
		return 0;
	err = shmring_slab_drain(c, shmring_slab_batch(c));
	if (err) {
		c->n--;
		shmring_store(state, was);
	}
	return err;
}

/**
 * shmring_slab_alloc - get a slot
 * @c: the caller's cache
 * @slot: its handle; of a generation that is the slot's last one and 1
 *
 * What the slot holds is what its last user left.
 *
 * Context: the cache's thread.  Lock-free; a shared line is written only if the
 * magazine was empty.
 * Return: 0; -ENOSPC no slot is free, but perhaps in others' magazines;
 * -EBADMSG the slab is corrupt; -EAGAIN a peer keeps the stack from standing
 * still.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_alloc(struct shmring_slab_cache *c, shmring_slot *slot)
{
	shmring_slot h;
	int err;

	if (SHMRING_SLAB_UNLIKELY(!c->n)) {
		err = shmring_slab_refill(c);
		if (err)
			return err;
	}
	h = c->entries[--c->n] + ((__u64)1 << 32);
	if (!(h >> 32))
		h += (__u64)1 << 32;
	shmring_store(shmring_slab_state(&c->slab, (__u32)h),
		      shmring_slab_word(h, c->owner, SHMRING_SLAB_ALLOCATED));
	*slot = h;
	return 0;
}

/**
 * shmring_slab_free_allocated - give back a slot that was not sent
 * @c: the caller's cache
 * @slot: its handle, from alloc or take with this cache
 * @err: if not NULL, says what is wrong with @slot; else unchanged
 *
 * Context: the cache's thread.
 * Return: 0; -ERANGE, -ESTALE, -EBADFD or -EPERM, see struct shmring_slab_error;
 * -EAGAIN a peer keeps the stack from standing still, and the slot is still the
 * caller's.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_free_allocated(struct shmring_slab_cache *c, shmring_slot slot,
			    struct shmring_slab_error *err)
{
	__u32 index = shmring_slot_index(slot);
	__u64 mine = shmring_slab_word(slot, c->owner, SHMRING_SLAB_ALLOCATED), word;

	if (SHMRING_SLAB_UNLIKELY(index >= c->slab.count))
		return shmring_slab_refuse_index(&c->slab, slot, err);
	word = shmring_load(shmring_slab_state(&c->slab, index));
	if (SHMRING_SLAB_UNLIKELY(word != mine))
		return shmring_slab_refuse(slot, word, SHMRING_SLAB_ALLOCATED, c->owner, err);
	return shmring_slab_keep(c, slot, mine);
}

/**
 * shmring_slab_mark_in_flight - a slot is about to be sent
 * @c: the caller's cache
 * @slot: its handle, from alloc or take with this cache
 * @err: if not NULL, says what is wrong with @slot; else unchanged
 *
 * From here on it belongs to whoever takes or frees it first.
 *
 * Context: the cache's thread.
 * Return: 0; -ERANGE, -ESTALE, -EBADFD or -EPERM, see struct shmring_slab_error.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_mark_in_flight(struct shmring_slab_cache *c, shmring_slot slot,
			    struct shmring_slab_error *err)
{
	__u32 index = shmring_slot_index(slot);
	__u64 mine = shmring_slab_word(slot, c->owner, SHMRING_SLAB_ALLOCATED), word;

	if (SHMRING_SLAB_UNLIKELY(index >= c->slab.count))
		return shmring_slab_refuse_index(&c->slab, slot, err);
	word = shmring_load(shmring_slab_state(&c->slab, index));
	if (SHMRING_SLAB_UNLIKELY(word != mine))
		return shmring_slab_refuse(slot, word, SHMRING_SLAB_ALLOCATED, c->owner, err);
	/* Pairs with shmring_slab_receive(): what the slot holds is there. */
	shmring_store_release(shmring_slab_state(&c->slab, index),
			      shmring_slab_word(slot, c->owner, SHMRING_SLAB_IN_FLIGHT));
	return 0;
}

/* A slot that was in flight becomes the caller's, in @state. */
static inline SHMRING_SLAB_FLAT int
shmring_slab_receive(struct shmring_slab_cache *c, shmring_slot slot, __u32 state,
		     struct shmring_slab_error *err)
{
	__u32 index = shmring_slot_index(slot);
	shmring_word *at;
	__u64 word, seen;
	__u32 tries;

	if (SHMRING_SLAB_UNLIKELY(index >= c->slab.count))
		return shmring_slab_refuse_index(&c->slab, slot, err);
	at = shmring_slab_state(&c->slab, index);
	word = shmring_load(at);
	for (tries = 0; tries < SHMRING_SLAB_TRIES; tries++) {
		if ((word ^ slot) & SHMRING_SLAB_GENERATION ||
		    (word & 3) != SHMRING_SLAB_IN_FLIGHT)
			return shmring_slab_refuse(slot, word, SHMRING_SLAB_IN_FLIGHT, 0, err);
		/* Several may have the handle; one wins. */
		seen = shmring_cmpxchg(at, word, shmring_slab_word(slot, c->owner, state));
		if (seen == word)
			return 0;
		/* The winner may have sent it on already: in flight, but another's */
		word = seen;
	}
	/* It never stood still: it is those who have it in between. */
	word = shmring_slab_word(slot, 0, SHMRING_SLAB_ALLOCATED);
	return shmring_slab_refuse(slot, word, SHMRING_SLAB_IN_FLIGHT, 0, err);
}

/**
 * shmring_slab_take - make a slot that somebody has sent one's own
 * @c: the caller's cache
 * @slot: its handle
 * @err: if not NULL, says what is wrong with @slot; else unchanged
 *
 * After that it is as if the caller had allocated it; its end is
 * shmring_slab_free_allocated(), or to be sent on.  Until then the slot still
 * counts as its sender's, and comes back with what he had if he dies and is
 * reclaimed.
 *
 * Context: the cache's thread.
 * Return: 0; -ERANGE, -ESTALE or -EBADFD, see struct shmring_slab_error.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_take(struct shmring_slab_cache *c, shmring_slot slot,
		  struct shmring_slab_error *err)
{
	return shmring_slab_receive(c, slot, SHMRING_SLAB_ALLOCATED, err);
}

/**
 * shmring_slab_free - give back a slot that is in flight
 * @c: the caller's cache; any, not only the sender's
 * @slot: its handle
 * @err: if not NULL, says what is wrong with @slot; else unchanged
 *
 * Context: the cache's thread.
 * Return: 0; -ERANGE, -ESTALE or -EBADFD, see struct shmring_slab_error; -EAGAIN
 * a peer keeps the stack from standing still, and the slot is still in flight.
 */
static inline SHMRING_SLAB_FLAT int
shmring_slab_free(struct shmring_slab_cache *c, shmring_slot slot,
		  struct shmring_slab_error *err)
{
	/* First the exchange that one wins, to a state that only the winner leaves */
	int result = shmring_slab_receive(c, slot, SHMRING_SLAB_CACHED, err);

	if (!result)
		result = shmring_slab_keep(c, slot,
					   shmring_slab_word(slot, c->owner,
							     SHMRING_SLAB_IN_FLIGHT));
	return result;
}

/**
 * shmring_slab_reclaim - give back all that an owner held who is no more
 * @c: the caller's cache
 * @owner: an id whose thread runs no more: the caller has seen its end
 * (waitpid(), a pidfd, the hang-up of a ring, pthread_join()); or one that was
 * closed
 * @holder: whose end that was, as given to shmring_slab_open() and told by
 * shmring_slab_holder(); 0: closed
 *
 * What was in its magazine, what it had allocated or taken, and what it had sent
 * and nobody has taken or freed.  Its id is free again after that.  Of an owner
 * who has closed the latter is left, if those to whom it was sent have died.
 *
 * A receiver who takes before it reads is not disturbed.  One who reads a slot
 * that is still in flight must have done so before this: drain what the dead
 * had sent first.
 *
 * Others may have seen the same end, one of them may be done, and the id already
 * somebody's who lives: that is not whom @holder names.
 *
 * Should the reclaimer die in here, then reclaim its id first, then @owner again.
 *
 * Context: the cache's thread; others may go on.  Looks at each slot.
 * Return: how many, 0 also of an id that nobody ever had; -EINVAL there is no
 * such id, or it is the caller's; -ESRCH the id is not @holder's, or no more;
 * -EBUSY somebody else reclaims it; -EAGAIN a peer keeps the stack from standing
 * still: call again.
 */
static inline int shmring_slab_reclaim(struct shmring_slab_cache *c, __u32 owner, __u32 holder)
{
	const struct shmring_slab *s = &c->slab;
	__u64 claim = shmring_slab_claim(c->owner, holder), word, seen;
	__u32 i;
	int n = 0;

	if (!owner || owner > s->owners || owner == c->owner)
		return -EINVAL;
	/* The claim itself: the caller's last call has come to -EAGAIN */
	seen = shmring_cmpxchg(&s->records[owner - 1].holder, holder, claim);
	if (seen != holder && seen != claim)
		return (__u32)seen == holder ? -EBUSY : -ESRCH;
	shmring_slab_settle(s, owner);
	/* What it was reclaiming itself can be reclaimed again. */
	for (i = 0; i < s->owners; i++) {
		word = shmring_load(&s->records[i].holder);
		if (word >> 32 == owner)
			shmring_cmpxchg(&s->records[i].holder, word, (__u32)word);
	}
	for (i = 0; i < s->count; i++) {
		word = shmring_load(shmring_slab_state(s, i));
		if ((__u32)word >> 2 != owner || (word & 3) == SHMRING_SLAB_FREE)
			continue;
		/* One that is in flight may be taken at this moment. */
		seen = shmring_cmpxchg(shmring_slab_state(s, i), word,
				       shmring_slab_word(word, c->owner, SHMRING_SLAB_CACHED));
		if (seen != word)
			continue;
		if (shmring_slab_keep(c, (word & SHMRING_SLAB_GENERATION) | i, word))
			return -EAGAIN;
		n++;
	}
	shmring_store_release(&s->records[owner - 1].holder, 0);
	return n;
}

#endif /* SHMRING_SLAB_RAW_H */
