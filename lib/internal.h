/* SPDX-License-Identifier: MIT */
/*
 * libshmring - what its source files share
 */
#ifndef SHMRING_INTERNAL_H
#define SHMRING_INTERNAL_H

#include <shmring.h>

#define SHMRING_SPIN_DEFAULT	50000		/* nanoseconds, see wait.c */

/**
 * struct layout - where a ring's pages are, as struct shmring_kernel_page says
 *
 * Taken once from the kernel, or checked once, and private ever after.
 */
struct layout {
	uint32_t page_size;
	uint32_t capacity;
	uint64_t consumer_offset;
	uint64_t kernel_offset;
	uint64_t producer_offset;
	uint64_t data_offset;
	uint64_t map_length;
	uint64_t arena_offset;
	uint64_t arena_size;
};

/*
 * layout_mirrored - do the data pages come twice?
 *
 * The length alone does not tell: half a page of data takes one page too.
 */
static inline int layout_mirrored(const struct layout *l)
{
	return l->capacity >= l->page_size &&
	       l->map_length == l->data_offset + 2ULL * l->capacity;
}

/**
 * struct waiter - what waiting in one direction keeps between two waits
 * @lowat: the end's threshold
 * @spin_limit: nanoseconds; shmring_set_spin() may come from another thread
 * @spin: how long the next wait spins; adapts
 * @waits: counts those that found nothing at once
 * @arming: see shmring_end_arm(); 1: the arm there is may be a predecessor's
 * @none: what the two words of a role that is not held point at
 */
struct waiter {
	alignas(SHMRING_LINE) uint32_t lowat;
	uint32_t spin_limit;
	uint32_t spin;
	uint32_t waits;
	shmring_word arming;
	shmring_word none;
};

struct ring;

/**
 * struct backend - what the device and the memory backend do differently
 * @number: SHMRING_BACKEND_*
 * @kick: answer the arm of whoever waits for @edge
 * @unfence: may the end that makes @edge commit without fences?
 * @arm: arm and look again; bytes if they suffice or are the last, 0 if the
 *	end is armed, or a negative errno
 * @wait: the same, but sleep instead of returning 0; @deadline is a time of
 *	CLOCK_MONOTONIC in nanoseconds, INT64_MAX: none
 * @lowat: tell whoever else must know a threshold
 * @stats: fill what is not the same on both
 * @pollfd: what to wait for
 * @leave: the roles that @r holds are given up; tell the peer
 */
struct backend {
	uint32_t number;
	void (*kick)(struct ring *r, enum shmring_edge edge);
	int (*unfence)(struct ring *r, enum shmring_edge edge);
	int64_t (*arm)(struct ring *r, struct shmring_role *role,
		       enum shmring_edge edge, uint32_t min);
	int64_t (*wait)(struct ring *r, struct shmring_role *role,
			enum shmring_edge edge, uint32_t min, int64_t deadline);
	int (*lowat)(struct ring *r, enum shmring_edge edge, uint32_t bytes);
	int (*stats)(const struct ring *r, struct shmring_stats *out);
	struct pollfd (*pollfd)(const struct ring *r, enum shmring_edge edge);
	void (*leave)(struct ring *r);
};

extern const struct backend shmring_device;
extern const struct backend shmring_memory;

/**
 * struct ring - a ring, and what only the library knows of it
 * @pub: what the inline verbs see; comes first
 * @backend: one of the two above
 * @k: the kernel page; the memory backend writes to it
 * @base: where the pages are mapped, @layout.map_length bytes
 * @arena: where the arena is mapped, @layout.arena_size bytes; NULL: none
 * @layout: the geometry
 * @roles: that this end holds
 * @flags: SHMRING_F_*
 * @mode: of handles that are registered later
 * @fd: the device's file, or the memfd
 * @may_unfence: by edge_index(): the kernel has been asked, and allows it
 * @event: the memory backend's eventfds, by edge_index(); -1: none
 * @rx: waiting for READABLE
 * @tx: waiting for WRITABLE
 */
struct ring {
	struct shmring pub;
	const struct backend *backend;
	struct shmring_kernel_page *k;
	unsigned char *base;
	unsigned char *arena;
	struct layout layout;
	uint32_t roles;
	uint32_t flags;
	uint32_t mode;
	int fd;
	int may_unfence[2];
	int event[2];
	struct waiter rx;
	struct waiter tx;
};

static inline struct ring *ring_of(const struct shmring *r)
{
	return (struct ring *)r;
}

/* Where what belongs to an edge is kept: counted from 0. */
static inline unsigned int edge_index(enum shmring_edge edge)
{
	return edge == SHMRING_WRITABLE;
}

static inline struct waiter *ring_waiter(struct ring *r, enum shmring_edge edge)
{
	return edge == SHMRING_READABLE ? &r->rx : &r->tx;
}

static inline uint32_t ring_state(const struct ring *r)
{
	return __atomic_load_n(&r->k->state, __ATOMIC_ACQUIRE);
}

/* lib/map.c */
int ring_map(struct ring *r);
void ring_unmap(struct ring *r);
int ring_protect(struct ring *r);

/* lib/ring.c */
struct ring *ring_alloc(const struct backend *backend,
			const struct shmring_options *options);
int ring_start(struct ring *r);
int arena_check(uint64_t arena);
struct shmring *ring_discard(struct ring *r);

/* lib/device.c */
int device_open(uint32_t roles);
int device_ioctl(int fd, unsigned long request, void *arg);
int device_describe(struct ring *r);
int device_create(struct ring *r, uint32_t capacity,
		  const struct shmring_options *options);

/* lib/memory.c */
void memory_layout(struct layout *layout, uint32_t capacity, uint64_t arena);
uint64_t memory_size(const struct layout *layout);
void memory_arrive(struct ring *r);
int memory_create(struct ring *r, uint32_t capacity,
		  const struct shmring_options *options);

/* lib/region.c */
int memfd_check(int fd);

/* lib/handle.c */
int handle_add(int fd, uint32_t mode, shmring_handle *out);
int handle_remove(int fd, shmring_handle handle);

/* lib/mode.c */
int barrier_register(void);
void barrier_heavy(void *counter);

/* lib/wait.c */
int64_t clock_now(void);
int deadline_of(const struct timespec *timeout, int64_t *deadline);
int deadline_passed(int64_t deadline);
const struct timespec *time_left(int64_t deadline, struct timespec *left);
int64_t role_ready(struct ring *r, struct shmring_role *role,
		   enum shmring_edge edge, uint32_t min);
int role_wait(struct shmring_role *role, enum shmring_edge edge, uint32_t min,
	      int64_t deadline);
int role_taken_back(struct shmring_role *role);

/*
 * lib/stream.c: how a stream waits when the ring is full, or empty.  @left bytes
 * are still wanted.  0: look again; or a negative errno.
 */
typedef int stream_wait(struct shmring_role *role, enum shmring_edge edge,
			size_t left, int cancel_fd, int64_t deadline);
ssize_t stream_write(struct shmring *r, const void *buf, size_t n,
		     const struct timespec *timeout, stream_wait *wait,
		     int cancel_fd);
ssize_t stream_read(struct shmring *r, void *buf, size_t n,
		    const struct timespec *timeout, stream_wait *wait,
		    int cancel_fd);

#endif /* SHMRING_INTERNAL_H */
