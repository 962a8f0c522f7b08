/* SPDX-License-Identifier: MIT */
/*
 * shmring_queue - a ring of elements of one size, over any memory
 *
 * One producer, one consumer, each a process, a thread or kernel code.  Nothing
 * is owned here, nothing waits, and no libc is needed: the kernel module, the
 * library and the memory-model checker compile these lines over an atomic layer
 * of their own, which is included first, as for shmring_proto.h.
 *
 *	 geometry     wr           rd           elements ...
 *	+------------+------------+------------+------------------------+
 *	  written      producer's   consumer's   producer's
 *	  once
 *
 * wr and rd are free-running positions, counted in elements: wr - rd of these
 * are in the queue.  Each stands on a pair of cache lines of its own.
 *
 * The memory is the peer's as well, and need not be trusted.  What it says of
 * the geometry is copied once, when it is attached, and the copy is checked;
 * each end keeps its position, and what it has seen of the peer's, in a handle
 * of its own; and a position that is impossible, or is seen to go back, is an
 * error for good (-EBADMSG) and never followed.  Elements are the producer's to
 * write at any time: pop gives a copy, front gives a place where it may still
 * change.
 *
 * The handles are values.  The verbs below are inline and let no address of a
 * handle escape, so that a loop over a handle in a local variable has it in
 * registers.  (One in memory that others can reach works as well, slower.)
 *
 * Orderings: Q1, the release store of a position, pairs with Q2, the acquire
 * load of it by the peer.  If it was missing between producer and consumer,
 * elements could be read that are not written yet; the other way round, one
 * could be overwritten that is still being read.
 *
 * What does not fit into this file: waiting.  A queue tells nobody that it is
 * not empty any more; see shmring_queue.h.
 */
#ifndef SHMRING_QUEUE_RAW_H
#define SHMRING_QUEUE_RAW_H

#include <linux/errno.h>
#include <linux/types.h>

/*
 * How elements get into and out of shared memory; the memory-model checker has
 * others.  What was read is not read again: the compiler may not take the
 * copy's value from the original, which the producer can change.
 */
#ifndef shmring_queue_put
#define shmring_queue_put(to, from, bytes)	__builtin_memcpy(to, from, bytes)
#define shmring_queue_get(to, from, bytes)				\
	do {								\
		__builtin_memcpy(to, from, bytes);			\
		__asm__ __volatile__("" : : : "memory");		\
	} while (0)
#endif

#define SHMRING_QUEUE_FLAT	__attribute__((__always_inline__))
#define SHMRING_QUEUE_LIKELY(x)	__builtin_expect(!!(x), 1)
#define SHMRING_QUEUE_UNLIKELY(x)	__builtin_expect(!!(x), 0)

/*
 * How many elements ahead of its position an end asks for cache lines, if they
 * are its own to use, and so are not in use by the peer.  Lines come one after
 * the other then without anybody waiting for them; those of elements that are
 * larger come by themselves, or are better moved in batches.
 */
#define SHMRING_QUEUE_AHEAD		64
#define SHMRING_QUEUE_AHEAD_SIZE_MAX	64

#ifndef shmring_queue_prefetch
#define shmring_queue_prefetch(p)	__builtin_prefetch(p)
#ifdef __x86_64__
/* Compilers leave it out unless told that the CPU has it; else it does nothing. */
static inline void shmring_queue_prefetch_write(const void *p)
{
	__asm__ __volatile__("prefetchw %0" : : "m" (*(const char *)p));
}
#else
#define shmring_queue_prefetch_write(p)	__builtin_prefetch(p, 1)
#endif
#endif

#define SHMRING_QUEUE_MAGIC	0x51676e69726d6873ULL	/* "shmringQ" */
#define SHMRING_QUEUE_VERSION	1

/* Elements, bytes, and what the address of an element can be a multiple of */
#define SHMRING_QUEUE_CAPACITY_MAX	0x40000000ULL
#define SHMRING_QUEUE_SIZE_MAX		0x40000000ULL
#define SHMRING_QUEUE_ALIGN_MAX		4096ULL

/**
 * struct shmring_queue_header - what a queue begins with in shared memory
 * @magic: SHMRING_QUEUE_MAGIC; stored last, so whoever sees it sees the rest
 * @version: SHMRING_QUEUE_VERSION
 * @capacity: elements, a power of two
 * @size: bytes of an element
 * @align: of an element, a power of two
 * @data: where the first element is, in bytes from this header on
 * @wr: the producer's position
 * @rd: the consumer's position
 */
struct shmring_queue_header {
	shmring_word magic;
	shmring_word version;
	shmring_word capacity;
	shmring_word size;
	shmring_word align;
	shmring_word data;

	__attribute__((__aligned__(SHMRING_LINE))) shmring_word wr;
	__attribute__((__aligned__(SHMRING_LINE))) shmring_word rd;
} __attribute__((__aligned__(SHMRING_LINE)));

/**
 * struct shmring_queue - a queue as this process holds it: private, a value
 * @header: in shared memory
 * @data: likewise
 * @capacity: elements
 * @size: bytes of an element
 */
struct shmring_queue {
	struct shmring_queue_header *header;
	unsigned char *data;
	__u64 capacity;
	__u64 size;
};

/**
 * struct shmring_queue_status - where both ends are
 * @wr: elements that were ever published, and where it began
 * @rd: elements that were ever given back, likewise
 * @capacity: elements
 * @len: wr - rd
 */
struct shmring_queue_status {
	__u64 wr;
	__u64 rd;
	__u64 capacity;
	__u64 len;
};

/**
 * struct shmring_queue_role - one end of a queue; all of it private
 * @own: this end's word
 * @peer: the other's
 * @data: the first element
 * @mask: capacity - 1
 * @size: bytes of an element
 * @bias: peer + bias - pos elements can be moved: the capacity for the producer,
 *	0 for the consumer
 * @pos: this end's position; never read back from @own
 * @limit: how far it may go, as far as it knows; at least @pos, and by
 *	@granted more, and it can only have grown since
 * @granted: elements of the last reserve or front that are not committed or
 *	released yet
 * @error: why this end does not move any more: -EBADMSG; 0: it moves
 */
struct shmring_queue_role {
	shmring_word *own;
	const shmring_word *peer;
	unsigned char *data;
	__u64 mask;
	__u64 size;
	__u64 bias;
	__u64 pos;
	__u64 limit;
	__u64 granted;
	int error;
};

/** struct shmring_queue_producer - the producer's end; private to its thread */
struct shmring_queue_producer {
	struct shmring_queue_role role;
};

/** struct shmring_queue_consumer - the consumer's end; private to its thread */
struct shmring_queue_consumer {
	struct shmring_queue_role role;
};

/* --- Making and finding a queue */

static inline int shmring_queue_power_of_two(__u64 n)
{
	return n && !(n & (n - 1));
}

static inline int shmring_queue_shape_ok(__u64 capacity, __u64 size,
					 __u64 align)
{
	return shmring_queue_power_of_two(capacity) &&
	       capacity <= SHMRING_QUEUE_CAPACITY_MAX &&
	       shmring_queue_power_of_two(align) &&
	       align <= SHMRING_QUEUE_ALIGN_MAX && size &&
	       size <= SHMRING_QUEUE_SIZE_MAX && !(size & (align - 1));
}

/* Where elements begin, and what the header's own address is a multiple of. */
static inline __u64 shmring_queue_step(__u64 align)
{
	return align > SHMRING_LINE ? align : SHMRING_LINE;
}

static inline __u64 shmring_queue_data_offset(__u64 align)
{
	__u64 step = shmring_queue_step(align);

	return (sizeof(struct shmring_queue_header) + step - 1) & ~(step - 1);
}

/**
 * shmring_queue_bytes - how much memory a queue takes
 * @capacity: elements, a power of two, 1 .. SHMRING_QUEUE_CAPACITY_MAX
 * @size: bytes of an element, a multiple of @align, up to SHMRING_QUEUE_SIZE_MAX
 * @align: a power of two, up to SHMRING_QUEUE_ALIGN_MAX
 *
 * Return: bytes; 0: there is no such queue.
 */
static inline __u64 shmring_queue_bytes(__u64 capacity, __u64 size, __u64 align)
{
	if (!shmring_queue_shape_ok(capacity, size, align))
		return 0;
	return shmring_queue_data_offset(align) + capacity * size;
}

/**
 * shmring_queue_raw_init - make an empty queue
 * @q: filled
 * @base: where; a multiple of 128 bytes, and of @align.  Nobody else uses it yet
 * @length: bytes there
 * @capacity: see shmring_queue_bytes()
 * @size: likewise
 * @align: likewise
 *
 * Context: any.  Ordering: whoever attaches sees all of it or nothing.
 *
 * Return: 0; -EINVAL a bad capacity, size or alignment, or @base is not
 * aligned; -ENOSPC @length does not do.
 */
static inline int shmring_queue_raw_init(struct shmring_queue *q, void *base,
					 __u64 length, __u64 capacity,
					 __u64 size, __u64 align)
{
	struct shmring_queue_header *h = (struct shmring_queue_header *)base;

	if (!shmring_queue_shape_ok(capacity, size, align) || !base ||
	    ((unsigned long)base & (shmring_queue_step(align) - 1)))
		return -EINVAL;
	if (shmring_queue_bytes(capacity, size, align) > length)
		return -ENOSPC;

	q->header = h;
	q->data = (unsigned char *)base + shmring_queue_data_offset(align);
	q->capacity = capacity;
	q->size = size;
	shmring_store_release(&h->magic, 0);
	shmring_store_release(&h->version, SHMRING_QUEUE_VERSION);
	shmring_store_release(&h->capacity, capacity);
	shmring_store_release(&h->size, size);
	shmring_store_release(&h->align, align);
	shmring_store_release(&h->data, shmring_queue_data_offset(align));
	shmring_store_release(&h->wr, 0);
	shmring_store_release(&h->rd, 0);
	shmring_store_release(&h->magic, SHMRING_QUEUE_MAGIC);
	return 0;
}

/**
 * shmring_queue_raw_attach - find the queue that somebody has made
 * @q: filled
 * @base: where; a multiple of 128 bytes, and of @align
 * @length: bytes there that can be read and written
 * @size: bytes of an element, as it was made with
 * @align: likewise
 *
 * Nothing that is there is trusted.
 *
 * Context: any.
 *
 * Return: 0; -EINVAL a bad size or alignment, or @base is not aligned; -ENOSPC
 * @length is less than a header; -EAGAIN nobody has made one yet; -EPROTO not a
 * queue, or not of this version; -EPROTOTYPE its elements are others; -ERANGE
 * a bad capacity, or elements that are not all within @length.
 */
static inline int shmring_queue_raw_attach(struct shmring_queue *q, void *base,
					   __u64 length, __u64 size,
					   __u64 align)
{
	struct shmring_queue_header *h = (struct shmring_queue_header *)base;
	__u64 magic, capacity, data;

	if (!shmring_queue_shape_ok(1, size, align) || !base ||
	    ((unsigned long)base & (shmring_queue_step(align) - 1)))
		return -EINVAL;
	if (length < sizeof(*h))
		return -ENOSPC;

	magic = shmring_load_acquire(&h->magic);
	if (!magic)
		return -EAGAIN;
	if (magic != SHMRING_QUEUE_MAGIC ||
	    shmring_load(&h->version) != SHMRING_QUEUE_VERSION)
		return -EPROTO;
	if (shmring_load(&h->size) != size || shmring_load(&h->align) != align)
		return -EPROTOTYPE;

	/* Each is read once, and the copy is what is checked and kept. */
	capacity = shmring_load(&h->capacity);
	data = shmring_load(&h->data);
	if (!shmring_queue_shape_ok(capacity, size, align) ||
	    data < sizeof(*h) || (data & (align - 1)) || data > length ||
	    capacity * size > length - data)
		return -ERANGE;

	q->header = h;
	q->data = (unsigned char *)base + data;
	q->capacity = capacity;
	q->size = size;
	return 0;
}

/*
 * Become an end of a queue, which moves @own, and carry on where @own is.  That is
 * read first: who left it there had seen a peer for whose position it was possible.
 */
static inline int
shmring_queue_role_init(const struct shmring_queue *q,
			struct shmring_queue_role *role, shmring_word *own,
			const shmring_word *peer, __u64 bias)
{
	__u64 ours = shmring_load_acquire(own);			/* Q1 of the last one */
	__u64 theirs = shmring_load_acquire(peer);		/* Q2 */

	if (theirs + bias - ours > q->capacity)
		return -EBADMSG;
	role->own = own;
	role->peer = peer;
	role->data = q->data;
	role->mask = q->capacity - 1;
	role->size = q->size;
	role->bias = bias;
	role->pos = ours;
	role->limit = ours;
	role->granted = 0;
	role->error = 0;
	return 0;
}

/**
 * shmring_queue_producer_init - become the producer of a queue
 * @q: the queue
 * @p: filled; carries on where the last producer was
 *
 * That there is no other is the caller's affair.
 *
 * Return: 0; -EBADMSG the positions are impossible.
 */
static inline int
shmring_queue_producer_init(const struct shmring_queue *q,
			    struct shmring_queue_producer *p)
{
	return shmring_queue_role_init(q, &p->role, &q->header->wr,
				       &q->header->rd, q->capacity);
}

/**
 * shmring_queue_consumer_init - become the consumer of a queue
 * @q: the queue
 * @c: filled; carries on where the last consumer was
 *
 * That there is no other is the caller's affair.
 *
 * Return: 0; -EBADMSG the positions are impossible.
 */
static inline int
shmring_queue_consumer_init(const struct shmring_queue *q,
			    struct shmring_queue_consumer *c)
{
	return shmring_queue_role_init(q, &c->role, &q->header->rd,
				       &q->header->wr, 0);
}

/**
 * shmring_queue_split - take both ends
 * @q: the queue
 * @p: filled
 * @c: filled
 *
 * Return: 0; -EBADMSG the positions are impossible.
 */
static inline int shmring_queue_split(const struct shmring_queue *q,
				      struct shmring_queue_producer *p,
				      struct shmring_queue_consumer *c)
{
	int err = shmring_queue_producer_init(q, p);

	return err ? err : shmring_queue_consumer_init(q, c);
}

/* --- Asking */

/* A struct and a function of one name: to g++ that is a shadow. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"

/**
 * shmring_queue_status - where both ends are
 * @q: the queue
 * @s: filled
 *
 * Context: any; a snapshot.
 *
 * Return: 0; -EAGAIN both ends move too fast to be seen together; -EBADMSG the
 * positions are impossible.
 */
static inline int shmring_queue_status(const struct shmring_queue *q,
				       struct shmring_queue_status *s)
{
	__u64 again = shmring_load_acquire(&q->header->rd);
	int tries;

	s->capacity = q->capacity;
	for (tries = 0; tries < 16; tries++) {
		s->rd = again;
		s->wr = shmring_load_acquire(&q->header->wr);
		s->len = s->wr - s->rd;
		if (s->len <= s->capacity)
			return 0;
		/* Impossible, unless it has moved on meanwhile. */
		again = shmring_load_acquire(&q->header->rd);
		if (again == s->rd)
			return -EBADMSG;
	}
	return -EAGAIN;
}

#pragma GCC diagnostic pop

/**
 * shmring_queue_len - elements that are in the queue
 * @q: the queue
 *
 * Context: any; a snapshot.
 * Return: 0 .. capacity; -EAGAIN, -EBADMSG as of shmring_queue_status().
 */
static inline long shmring_queue_len(const struct shmring_queue *q)
{
	struct shmring_queue_status s;
	int err = shmring_queue_status(q, &s);

	return err ? err : (long)s.len;
}

/*
 * --- The verbs
 *
 * Those that end in _sized are what the others are made of.  They want the size
 * of an element, which is the queue's: where it is a constant, as in the
 * functions of SHMRING_QUEUE_DEFINE(), neither a call nor a multiplication by a
 * variable is left.
 */

/*
 * Look at the peer, once.  Returns how many elements there are, of space for the
 * producer; -EBADMSG for good once the peer's position was impossible.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_look(struct shmring_queue_role *role)
{
	__u64 room;

	if (SHMRING_QUEUE_UNLIKELY(role->error))
		return role->error;
	room = shmring_load_acquire(role->peer) + role->bias - role->pos; /* Q2 */
	/* Nobody but this end lessens what it may use: less is as impossible. */
	if (SHMRING_QUEUE_UNLIKELY(room > role->mask + 1 ||
				   room < role->limit - role->pos)) {
		role->limit = role->pos;
		role->granted = 0;
		role->error = -EBADMSG;
		return -EBADMSG;
	}
	role->limit = role->pos + room;
	return (long)room;
}

/*
 * How many of @n elements can be moved?  The peer is looked at only when what it
 * is known to have left does not suffice.  1 .. @n, -EAGAIN, -EBADMSG; @n > 0.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_room(struct shmring_queue_role *role, __u64 n)
{
	long room = (long)(role->limit - role->pos);

	if (SHMRING_QUEUE_UNLIKELY((__u64)room < n)) {
		room = shmring_queue_look(role);
		if (SHMRING_QUEUE_UNLIKELY(room <= 0))
			return room ? -EBADMSG : -EAGAIN;
	}
	return (__u64)room < n ? room : (long)n;
}

/* Where the element at @pos is */
static inline SHMRING_QUEUE_FLAT unsigned char *
shmring_queue_at(const struct shmring_queue_role *role, __u64 pos, __u64 size)
{
	return role->data + (pos & role->mask) * size;
}

/* How many of the next @n elements lie in one piece */
static inline SHMRING_QUEUE_FLAT __u64
shmring_queue_contiguous(const struct shmring_queue_role *role, __u64 n)
{
	__u64 piece = role->mask - (role->pos & role->mask) + 1;

	return n < piece ? n : piece;
}

static inline SHMRING_QUEUE_FLAT void
shmring_queue_move(struct shmring_queue_role *role, __u64 n)
{
	role->pos += n;
	shmring_store_release(role->own, role->pos);			/* Q1 */
}

/*
 * Ask for the line ahead that this end will work at, if it is its own already.
 * Only where the size is a constant: the rest is done by calls anyway.
 */
static inline SHMRING_QUEUE_FLAT void
shmring_queue_look_ahead(const struct shmring_queue_role *role, __u64 size,
			 int write)
{
	const unsigned char *at;

	if (!__builtin_constant_p(size) || size > SHMRING_QUEUE_AHEAD_SIZE_MAX ||
	    role->limit - role->pos <= SHMRING_QUEUE_AHEAD)
		return;
	at = shmring_queue_at(role, role->pos + SHMRING_QUEUE_AHEAD, size);
	if (write)
		shmring_queue_prefetch_write(at);
	else
		shmring_queue_prefetch(at);
}

/* Is there an element, or space for one?  0, -EAGAIN, -EBADMSG */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_one(struct shmring_queue_role *role)
{
	long room;

	if (!SHMRING_QUEUE_UNLIKELY(role->pos == role->limit))
		return 0;
	room = shmring_queue_look(role);
	if (SHMRING_QUEUE_UNLIKELY(room <= 0))
		return room ? -EBADMSG : -EAGAIN;
	return 0;
}

/* As shmring_queue_room(), for any @n; what stood granted is void. */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_many(struct shmring_queue_role *role, __u64 n)
{
	role->granted = 0;
	if (SHMRING_QUEUE_UNLIKELY(!n))
		return role->error;
	return shmring_queue_room(role, n);
}

/* Slots, to work at in place; they are granted. */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_grant(struct shmring_queue_role *role, unsigned char **slots,
		    __u64 n, __u64 size)
{
	long room = shmring_queue_many(role, n);

	if (SHMRING_QUEUE_UNLIKELY(room <= 0))
		return room;
	role->granted = shmring_queue_contiguous(role, (__u64)room);
	*slots = shmring_queue_at(role, role->pos, size);
	return (long)role->granted;
}

/* @n of what was granted are done with. */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_done(struct shmring_queue_role *role, __u64 n)
{
	/* One comparison for 0 and for too much. */
	if (SHMRING_QUEUE_UNLIKELY(n - 1 >= role->granted)) {
		if (role->error)
			return role->error;
		return n ? -EINVAL : 0;
	}
	role->granted -= n;
	shmring_queue_move(role, n);
	return 0;
}

static inline SHMRING_QUEUE_FLAT int
shmring_queue_push_sized(struct shmring_queue_producer *p, const void *item,
			 __u64 size)
{
	struct shmring_queue_role *role = &p->role;
	int err = shmring_queue_one(role);

	if (SHMRING_QUEUE_UNLIKELY(err))
		return err;
	shmring_queue_look_ahead(role, size, 1);
	shmring_queue_put(shmring_queue_at(role, role->pos, size), item, size);
	role->granted = 0;
	shmring_queue_move(role, 1);
	return 0;
}

static inline SHMRING_QUEUE_FLAT long
shmring_queue_push_n_sized(struct shmring_queue_producer *p, const void *items,
			   __u64 n, __u64 size)
{
	const unsigned char *from = (const unsigned char *)items;
	struct shmring_queue_role *role = &p->role;
	long room = shmring_queue_many(role, n);
	__u64 piece;

	if (SHMRING_QUEUE_UNLIKELY(room <= 0))
		return room;
	n = (__u64)room;
	piece = shmring_queue_contiguous(role, n);
	shmring_queue_put(shmring_queue_at(role, role->pos, size), from,
			  piece * size);
	if (piece < n)
		shmring_queue_put(role->data, from + piece * size,
				  (n - piece) * size);
	shmring_queue_move(role, n);
	return room;
}

static inline SHMRING_QUEUE_FLAT long
shmring_queue_reserve_sized(struct shmring_queue_producer *p, void **slots,
			    __u64 n, __u64 size)
{
	unsigned char *first;
	long room = shmring_queue_grant(&p->role, &first, n, size);

	if (SHMRING_QUEUE_LIKELY(room > 0))
		*slots = first;
	return room;
}

static inline SHMRING_QUEUE_FLAT int
shmring_queue_pop_sized(struct shmring_queue_consumer *c, void *item,
			__u64 size)
{
	struct shmring_queue_role *role = &c->role;
	int err = shmring_queue_one(role);

	if (SHMRING_QUEUE_UNLIKELY(err))
		return err;
	shmring_queue_look_ahead(role, size, 0);
	shmring_queue_get(item, shmring_queue_at(role, role->pos, size), size);
	role->granted = 0;
	shmring_queue_move(role, 1);
	return 0;
}

static inline SHMRING_QUEUE_FLAT long
shmring_queue_pop_n_sized(struct shmring_queue_consumer *c, void *items,
			  __u64 n, __u64 size)
{
	unsigned char *to = (unsigned char *)items;
	struct shmring_queue_role *role = &c->role;
	long room = shmring_queue_many(role, n);
	__u64 piece;

	if (SHMRING_QUEUE_UNLIKELY(room <= 0))
		return room;
	n = (__u64)room;
	piece = shmring_queue_contiguous(role, n);
	shmring_queue_get(to, shmring_queue_at(role, role->pos, size),
			  piece * size);
	if (piece < n)
		shmring_queue_get(to + piece * size, role->data,
				  (n - piece) * size);
	shmring_queue_move(role, n);
	return room;
}

static inline SHMRING_QUEUE_FLAT int
shmring_queue_peek_sized(struct shmring_queue_consumer *c, void *item,
			 __u64 size)
{
	int err = shmring_queue_one(&c->role);

	if (SHMRING_QUEUE_UNLIKELY(err))
		return err;
	shmring_queue_get(item, shmring_queue_at(&c->role, c->role.pos, size),
			  size);
	return 0;
}

static inline SHMRING_QUEUE_FLAT long
shmring_queue_front_sized(struct shmring_queue_consumer *c, const void **slots,
			  __u64 n, __u64 size)
{
	unsigned char *first;
	long room = shmring_queue_grant(&c->role, &first, n, size);

	if (SHMRING_QUEUE_LIKELY(room > 0))
		*slots = first;
	return room;
}

/**
 * shmring_queue_push - put an element in
 * @p: the producer
 * @item: is copied
 *
 * A reserve that stood is void.
 *
 * Context: the producer's, any.  Ordering: release (Q1).
 * Return: 0; -EAGAIN the queue is full; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_push(struct shmring_queue_producer *p, const void *item)
{
	return shmring_queue_push_sized(p, item, p->role.size);
}

/**
 * shmring_queue_push_n - put elements in, as many as there is space for
 * @p: the producer
 * @items: are copied, and published together
 * @n: how many
 *
 * A reserve that stood is void.
 *
 * Context: the producer's, any.  Ordering: release (Q1).
 * Return: how many, 1 .. @n; 0 if @n is; -EAGAIN the queue is full; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_push_n(struct shmring_queue_producer *p, const void *items,
		     __u64 n)
{
	return shmring_queue_push_n_sized(p, items, n, p->role.size);
}

/**
 * shmring_queue_reserve - take slots, to write elements in place
 * @p: the producer
 * @slots: set to the first of the slots, which lie in one piece
 * @n: how many are wanted
 *
 * There are fewer than are free when the end of the memory is near: the rest is
 * given by the next reserve.  It holds until the next push, push_n or reserve.
 *
 * Context: the producer's, any.  Ordering: the consumer has read (Q2) what the
 * slots held before.
 * Return: how many, 1 .. @n; 0 if @n is; -EAGAIN the queue is full; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_reserve(struct shmring_queue_producer *p, void **slots, __u64 n)
{
	return shmring_queue_reserve_sized(p, slots, n, p->role.size);
}

/**
 * shmring_queue_commit - publish elements that were written in place
 * @p: the producer
 * @n: how many, from the first of the slots on; 0: only say whether it is broken
 *
 * Context: the producer's, any.  Ordering: release (Q1).
 * Return: 0; -EINVAL more than the last reserve gave and is left of it, nothing
 * is published; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_commit(struct shmring_queue_producer *p, __u64 n)
{
	return shmring_queue_done(&p->role, n);
}

/**
 * shmring_queue_space - how many elements can be put in now
 * @p: the producer
 *
 * Context: the producer's, any.
 * Return: 0 .. capacity, a lower bound of what it will be later; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_space(struct shmring_queue_producer *p)
{
	return shmring_queue_look(&p->role);
}

/**
 * shmring_queue_full - would a push fail?
 * @p: the producer
 *
 * Context: the producer's, any.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_full(struct shmring_queue_producer *p)
{
	return shmring_queue_one(&p->role) < 0;
}

/**
 * shmring_queue_pop - take an element out
 * @c: the consumer
 * @item: gets a copy
 *
 * A front that stood is void.
 *
 * Context: the consumer's, any.  Ordering: acquire (Q2).
 * Return: 0; -EAGAIN the queue is empty; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_pop(struct shmring_queue_consumer *c, void *item)
{
	return shmring_queue_pop_sized(c, item, c->role.size);
}

/**
 * shmring_queue_pop_n - take elements out, as many as there are
 * @c: the consumer
 * @items: gets copies
 * @n: how many at most
 *
 * A front that stood is void.
 *
 * Context: the consumer's, any.  Ordering: acquire (Q2).
 * Return: how many, 1 .. @n; 0 if @n is; -EAGAIN the queue is empty; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_pop_n(struct shmring_queue_consumer *c, void *items, __u64 n)
{
	return shmring_queue_pop_n_sized(c, items, n, c->role.size);
}

/**
 * shmring_queue_peek - look at the element that pop would take out
 * @c: the consumer
 * @item: gets a copy
 *
 * Context: the consumer's, any.  Ordering: acquire (Q2).
 * Return: 0; -EAGAIN the queue is empty; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_peek(struct shmring_queue_consumer *c, void *item)
{
	return shmring_queue_peek_sized(c, item, c->role.size);
}

/**
 * shmring_queue_front - take elements to read them in place
 * @c: the consumer
 * @slots: set to the first of them, which lie in one piece
 * @n: how many are wanted
 *
 * There are fewer than are available when the end of the memory is near: the
 * rest is given by the next front.  It holds until the next pop, pop_n or front.
 * A hostile producer can change what is there: copy before you look.
 *
 * Context: the consumer's, any.  Ordering: acquire (Q2).
 * Return: how many, 1 .. @n; 0 if @n is; -EAGAIN the queue is empty; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_front(struct shmring_queue_consumer *c, const void **slots,
		    __u64 n)
{
	return shmring_queue_front_sized(c, slots, n, c->role.size);
}

/**
 * shmring_queue_release - give elements back that were read in place
 * @c: the consumer
 * @n: how many, from the first of the slots on; 0: only say whether it is broken
 *
 * Context: the consumer's, any.  Ordering: release (Q1).
 * Return: 0; -EINVAL more than the last front gave and is left of it, nothing
 * is given back; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_release(struct shmring_queue_consumer *c, __u64 n)
{
	return shmring_queue_done(&c->role, n);
}

/**
 * shmring_queue_available - how many elements can be taken out now
 * @c: the consumer
 *
 * Context: the consumer's, any.
 * Return: 0 .. capacity, a lower bound of what it will be later; -EBADMSG.
 */
static inline SHMRING_QUEUE_FLAT long
shmring_queue_available(struct shmring_queue_consumer *c)
{
	return shmring_queue_look(&c->role);
}

/**
 * shmring_queue_empty - would a pop fail?
 * @c: the consumer
 *
 * Context: the consumer's, any.
 */
static inline SHMRING_QUEUE_FLAT int
shmring_queue_empty(struct shmring_queue_consumer *c)
{
	return shmring_queue_one(&c->role) < 0;
}

#endif /* SHMRING_QUEUE_RAW_H */
