/* SPDX-License-Identifier: MIT */
/*
 * shmring_queue - the queue of shmring_queue_raw.h, in a region, and by type
 *
 *	SHMRING_QUEUE_DEFINE(orders, struct order)
 *
 *	shmring_region_memfd(&g, orders_bytes(1024));
 *	orders_init(&q, &g, 0, 1024);		orders_attach(&q, &g, 0);
 *	orders_producer_init(&q, &p);		orders_consumer_init(&q, &c);
 *	orders_push(&p, &order);		orders_pop(&c, &order);
 *
 * A queue tells nobody that it is not empty any more, which is why it is fast.
 * Whoever must sleep has these ways, of which the first is the safe one:
 *
 *  - A ring in front of it.  The producer pushes, and then writes a byte to a
 *    shmring; the consumer waits for the ring, reads all its bytes, and then
 *    pops until -EAGAIN.  The ring's commit is a release and its acquire an
 *    acquire, so what was pushed before the byte is there after it; the ring
 *    knows who sleeps, so a busy consumer costs no system call; and a ring that
 *    is full of bytes that nobody has read need not be written to.
 *
 *  - An eventfd.  The producer pushes, and writes to it; the consumer reads it,
 *    and then pops until -EAGAIN.  A system call for each push or batch.  Who
 *    leaves the write out when the queue was not empty before will lose
 *    wake-ups: see P2 and W2 in shmring_proto.h for what that takes.
 */
#ifndef SHMRING_QUEUE_H
#define SHMRING_QUEUE_H

#include <assert.h>

#include <shmring_atomic.h>
#include <shmring_queue_raw.h>
#include <shmring_region.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * shmring_queue_init - make an empty queue in a region
 * @q: filled
 * @g: the region; has to stay as long as the queue is used
 * @offset: where in it, such that the address is a multiple of 128 bytes and of
 *	@align
 * @capacity: elements, a power of two; see shmring_queue_bytes()
 * @size: bytes of an element, a multiple of @align
 * @align: of an element, a power of two
 *
 * Return: 0; -EINVAL, -ENOSPC as of shmring_queue_raw_init(); -ERANGE @offset
 * is not in the region.
 */
static inline int shmring_queue_init(struct shmring_queue *q,
				     const struct shmring_region *g,
				     uint64_t offset, uint64_t capacity,
				     uint64_t size, uint64_t align)
{
	void *base = shmring_region_at(g, offset, 1, 1);

	if (!base)
		return errno == ERANGE ? -ERANGE : -EINVAL;
	return shmring_queue_raw_init(q, base, g->size - offset, capacity,
				      size, align);
}

/**
 * shmring_queue_attach - find the queue that somebody has made in a region
 * @q: filled
 * @g: the region; has to stay as long as the queue is used
 * @offset: where in it
 * @size: bytes of an element, as it was made with
 * @align: likewise
 *
 * Return: 0; -ERANGE @offset is not in the region; as of
 * shmring_queue_raw_attach().
 */
static inline int shmring_queue_attach(struct shmring_queue *q,
				       const struct shmring_region *g,
				       uint64_t offset, uint64_t size,
				       uint64_t align)
{
	void *base = shmring_region_at(g, offset, 1, 1);

	if (!base)
		return errno == ERANGE ? -ERANGE : -EINVAL;
	return shmring_queue_raw_attach(q, base, g->size - offset, size, align);
}

#ifdef __cplusplus
}
#endif

/* Elements are copied as bytes. */
#ifdef __cplusplus
#define SHMRING_QUEUE_TYPE(type)					\
	static_assert(__is_trivially_copyable(type),			\
		      "elements of a queue are copied as bytes")
#else
#define SHMRING_QUEUE_TYPE(type)					\
	static_assert(sizeof(type) > 0, "an element has a size")
#endif

/**
 * SHMRING_QUEUE_DEFINE - the functions of a queue of one type
 * @name: what all of them begin with
 * @type: of an element; in C++ one that is trivially copyable
 *
 * Defines struct NAME_queue, struct NAME_producer, struct NAME_consumer, and for
 * each function shmring_queue_X() of shmring_queue_raw.h a NAME_X() that takes
 * these, and elements as pointers to @type.  Nothing of them is left in the
 * object code but the moving of the elements and of a position.
 */
#define SHMRING_QUEUE_DEFINE(name, type)				\
SHMRING_QUEUE_TYPE(type);						\
struct name##_queue { struct shmring_queue raw; };			\
struct name##_producer { struct shmring_queue_producer raw; };		\
struct name##_consumer { struct shmring_queue_consumer raw; };		\
SHMRING_QUEUE_DEFINE_QUEUE(name, type)					\
SHMRING_QUEUE_DEFINE_PRODUCER(name, type)				\
SHMRING_QUEUE_DEFINE_CONSUMER(name, type)				\
struct name##_queue

#define SHMRING_QUEUE_DEFINE_QUEUE(name, type)				\
static inline __attribute__((__unused__)) uint64_t			\
name##_bytes(uint64_t capacity)						\
{									\
	return shmring_queue_bytes(capacity, sizeof(type),		\
				   __alignof__(type));			\
}									\
static inline __attribute__((__unused__)) int				\
name##_init(struct name##_queue *q, const struct shmring_region *g,	\
	    uint64_t offset, uint64_t capacity)				\
{									\
	return shmring_queue_init(&q->raw, g, offset, capacity,		\
				  sizeof(type), __alignof__(type));	\
}									\
static inline __attribute__((__unused__)) int				\
name##_attach(struct name##_queue *q, const struct shmring_region *g,	\
	      uint64_t offset)						\
{									\
	return shmring_queue_attach(&q->raw, g, offset, sizeof(type),	\
				    __alignof__(type));			\
}									\
static inline __attribute__((__unused__)) int				\
name##_raw_init(struct name##_queue *q, void *base, uint64_t length,	\
		uint64_t capacity)					\
{									\
	return shmring_queue_raw_init(&q->raw, base, length, capacity,	\
				      sizeof(type), __alignof__(type));	\
}									\
static inline __attribute__((__unused__)) int				\
name##_raw_attach(struct name##_queue *q, void *base, uint64_t length)	\
{									\
	return shmring_queue_raw_attach(&q->raw, base, length,		\
					sizeof(type), __alignof__(type)); \
}									\
static inline __attribute__((__unused__)) int				\
name##_producer_init(const struct name##_queue *q,			\
		     struct name##_producer *p)				\
{									\
	return shmring_queue_producer_init(&q->raw, &p->raw);		\
}									\
static inline __attribute__((__unused__)) int				\
name##_consumer_init(const struct name##_queue *q,			\
		     struct name##_consumer *c)				\
{									\
	return shmring_queue_consumer_init(&q->raw, &c->raw);		\
}									\
static inline __attribute__((__unused__)) int				\
name##_split(const struct name##_queue *q, struct name##_producer *p,	\
	     struct name##_consumer *c)					\
{									\
	return shmring_queue_split(&q->raw, &p->raw, &c->raw);		\
}									\
static inline __attribute__((__unused__)) int				\
name##_status(const struct name##_queue *q,				\
	      struct shmring_queue_status *s)				\
{									\
	return shmring_queue_status(&q->raw, s);			\
}									\
static inline __attribute__((__unused__)) long				\
name##_len(const struct name##_queue *q)				\
{									\
	return shmring_queue_len(&q->raw);				\
}

#define SHMRING_QUEUE_DEFINE_PRODUCER(name, type)			\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_push(struct name##_producer *p,					\
	    type const *item)						\
{									\
	return shmring_queue_push_sized(&p->raw, item, sizeof(type));	\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) long	\
name##_push_n(struct name##_producer *p, type const *items, size_t n)	\
{									\
	return shmring_queue_push_n_sized(&p->raw, items, n,		\
					  sizeof(type));		\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) long	\
name##_reserve(struct name##_producer *p, type **slots, size_t n)	\
{									\
	void *at = NULL;						\
	long got = shmring_queue_reserve_sized(&p->raw, &at, n,		\
					       sizeof(type));		\
									\
	*slots = (type *)at;						\
	return got;							\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_commit(struct name##_producer *p, size_t n)			\
{									\
	return shmring_queue_commit(&p->raw, n);			\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) long	\
name##_space(struct name##_producer *p)					\
{									\
	return shmring_queue_space(&p->raw);				\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_full(struct name##_producer *p)					\
{									\
	return shmring_queue_full(&p->raw);				\
}

#define SHMRING_QUEUE_DEFINE_CONSUMER(name, type)			\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_pop(struct name##_consumer *c, type *item)			\
{									\
	return shmring_queue_pop_sized(&c->raw, item, sizeof(type));	\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) long	\
name##_pop_n(struct name##_consumer *c, type *items, size_t n)		\
{									\
	return shmring_queue_pop_n_sized(&c->raw, items, n,		\
					 sizeof(type));			\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_peek(struct name##_consumer *c, type *item)			\
{									\
	return shmring_queue_peek_sized(&c->raw, item, sizeof(type));	\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) long	\
name##_front(struct name##_consumer *c, const type **slots, size_t n)	\
{									\
	const void *at = NULL;						\
	long got = shmring_queue_front_sized(&c->raw, &at, n,		\
					     sizeof(type));		\
									\
	*slots = (const type *)at;					\
	return got;							\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_release(struct name##_consumer *c, size_t n)			\
{									\
	return shmring_queue_release(&c->raw, n);			\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) long	\
name##_available(struct name##_consumer *c)				\
{									\
	return shmring_queue_available(&c->raw);			\
}									\
static inline SHMRING_QUEUE_FLAT __attribute__((__unused__)) int	\
name##_empty(struct name##_consumer *c)					\
{									\
	return shmring_queue_empty(&c->raw);				\
}

#endif /* SHMRING_QUEUE_H */
