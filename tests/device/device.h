/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the device's tests have in common: its calls, raw, without the library
 *
 * Every function returns what the system call does, and -errno where that sets
 * errno, so that one ASSERT_EQ() names the error that is expected.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <linux/shmring.h>

/*
 * A counter or a limit, /sys/module/shmring/parameters/NAME; ~0UL: cannot be read.
 */
unsigned long device_param(const char *name);
int device_set_param(const char *name, unsigned long value);

/* Rings, pages and handles are zero, or become so before a second has passed. */
bool device_idle(void);

/* open(2) of the device, O_CLOEXEC added. */
int device_open(int flags);

/* Each ioctl, its struct filled in. */
int device_ioctl(int fd, unsigned int cmd, void *arg);
int device_create(int fd, __u32 capacity, __u32 roles);
int device_create_full(int fd, __u32 capacity, __u32 roles, __u32 flags,
		       __u64 start);
int device_create_arena(int fd, __u32 capacity, __u32 roles, __u64 arena);
int device_register(int fd, __u32 mode, __u32 *handle);
int device_attach(int fd, __u32 handle, __u32 roles);
int device_unregister(int fd, __u32 handle);
int device_info(int fd, struct shmring_ioc_info *info);
int device_arm(int fd, __u32 edge, __u32 min);
int device_kick(int fd, __u32 edge);
int device_unfence(int fd, __u32 edge);
int device_wait(int fd, __u32 edge, __u32 min, __s64 timeout_ns);
int device_lowat(int fd, __u32 edge, __u32 bytes);

/* A new file that is bound: to a new ring, or by a handle. */
int device_ring(__u32 capacity, __u32 roles);
int device_end(__u32 handle, __u32 roles);

/* poll(2) of one file that does not wait: its revents. */
int device_poll(int fd, short events);

/*
 * A set of epoll's with one file in it, and the events that come within so many
 * milliseconds: 0 if none do.
 */
int device_epoll(int fd, __u32 events);
int device_epoll_wait(int set, int ms);

/**
 * struct device_map - an end's two mappings
 * @c: page C
 * @k: page K
 * @p: page P
 * @data: the data, twice if @mirrored
 * @capacity: bytes
 * @mirrored: is it there twice?
 * @base: of one reservation that holds them all, in file-offset order
 * @length: of that
 */
struct device_map {
	struct shmring_consumer_page *c;
	const struct shmring_kernel_page *k;
	struct shmring_producer_page *p;
	unsigned char *data;
	__u32 capacity;
	bool mirrored;
	void *base;
	size_t length;
};

/* Map all pages, each as writable as the file's roles allow. */
int device_map(int fd, struct device_map *map);
void device_unmap(struct device_map *map);

/*
 * Move an end by its mapping, without a look at the peer and without a kick:
 * put and take for one that does as it should but for that.
 */
void device_put(struct device_map *map, const void *from, size_t n);
void device_take(struct device_map *map, void *to, size_t n);
__u64 device_load(const __u64 *word);
void device_store(__u64 *word, __u64 value);

/**
 * struct device_pair - a ring with two ends, each with its own file
 * @producer: a file
 * @consumer: a file
 * @handle: of the ring
 * @p: the producer's mapping
 * @c: the consumer's mapping
 */
struct device_pair {
	int producer;
	int consumer;
	__u32 handle;
	struct device_map p;
	struct device_map c;
};

int device_pair(struct device_pair *pair, __u32 capacity, __u64 start);

/* Closes and unmaps what there is; a file that is -1 was closed by the test. */
void device_pair_free(struct device_pair *pair);

/* Close, and forget, so that nothing is closed twice. */
void device_close(int *fd);

/**
 * struct device_user - somebody else
 * @uid: their number
 * @gid: their group
 * @group: another group of theirs, if not 0
 * @keep: a capability that they have, if not negative
 */
struct device_user {
	uid_t uid;
	gid_t gid;
	gid_t group;
	int keep;
};

/* Become them for good; 0 or -errno. */
int device_become(const struct device_user *user);

/* A child's exit status, or 256 + the signal that killed it. */
int device_child(pid_t pid);

/* Wait until a thread of this process sleeps; false if it does not. */
bool device_asleep(pid_t thread);

/* Into a file of the kernel's: 0 or -errno. */
int device_put_text(const char *path, const char *text);
/* The number behind a word of a file, or the only one in it; -1: none. */
long device_get_number(const char *path, const char *word);

long long device_now_ns(void);
void device_sleep_ms(unsigned int ms);

#endif /* DEVICE_H */
