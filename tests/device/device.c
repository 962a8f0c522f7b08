// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <linux/capability.h>

#include "device.h"

#define PARAMETERS	"/sys/module/shmring/parameters/"

unsigned long device_param(const char *name)
{
	char path[128], text[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return ~0UL;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return ~0UL;
	text[n] = '\0';
	return strtoul(text, NULL, 10);
}

int device_set_param(const char *name, unsigned long value)
{
	char path[128], text[32];
	int err = 0;
	int fd, n;

	snprintf(path, sizeof(path), PARAMETERS "%s", name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = snprintf(text, sizeof(text), "%lu\n", value);
	if (write(fd, text, n) != n)
		err = -errno;
	close(fd);
	return err;
}

static bool idle_now(void)
{
	return !device_param("rings") && !device_param("pages") &&
	       !device_param("handles");
}

bool device_idle(void)
{
	long long end = device_now_ns() + 1000000000;

	while (!idle_now()) {
		if (device_now_ns() > end)
			return false;
		device_sleep_ms(5);
	}
	return true;
}

int device_open(int flags)
{
	int fd = open(SHMRING_DEVICE, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int device_ioctl(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int device_create_full(int fd, __u32 capacity, __u32 roles, __u32 flags,
		       __u64 start)
{
	struct shmring_ioc_create r = {
		.size = sizeof(r),
		.flags = flags,
		.capacity = capacity,
		.roles = roles,
		.start = start,
	};

	return device_ioctl(fd, SHMRING_IOC_CREATE, &r);
}

int device_create(int fd, __u32 capacity, __u32 roles)
{
	return device_create_full(fd, capacity, roles, 0, 0);
}

int device_create_arena(int fd, __u32 capacity, __u32 roles, __u64 arena)
{
	struct shmring_ioc_create r = {
		.size = sizeof(r),
		.capacity = capacity,
		.roles = roles,
		.arena = arena,
	};

	return device_ioctl(fd, SHMRING_IOC_CREATE, &r);
}

int device_register(int fd, __u32 mode, __u32 *handle)
{
	struct shmring_ioc_register r = { .size = sizeof(r), .mode = mode };
	int ret = device_ioctl(fd, SHMRING_IOC_REGISTER, &r);

	if (!ret)
		*handle = r.handle;
	return ret;
}

int device_attach(int fd, __u32 handle, __u32 roles)
{
	struct shmring_ioc_attach r = {
		.size = sizeof(r),
		.handle = handle,
		.roles = roles,
	};

	return device_ioctl(fd, SHMRING_IOC_ATTACH, &r);
}

int device_unregister(int fd, __u32 handle)
{
	struct shmring_ioc_unregister r = {
		.size = sizeof(r),
		.handle = handle,
	};

	return device_ioctl(fd, SHMRING_IOC_UNREGISTER, &r);
}

int device_info(int fd, struct shmring_ioc_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return device_ioctl(fd, SHMRING_IOC_INFO, info);
}

int device_arm(int fd, __u32 edge, __u32 min)
{
	struct shmring_ioc_arm r = {
		.size = sizeof(r),
		.edge = edge,
		.min = min,
	};

	return device_ioctl(fd, SHMRING_IOC_ARM, &r);
}

int device_unfence(int fd, __u32 edge)
{
	struct shmring_ioc_unfence r = { .size = sizeof(r), .edge = edge };

	return device_ioctl(fd, SHMRING_IOC_UNFENCE, &r);
}

int device_kick(int fd, __u32 edge)
{
	struct shmring_ioc_kick r = { .size = sizeof(r), .edge = edge };

	return device_ioctl(fd, SHMRING_IOC_KICK, &r);
}

int device_wait(int fd, __u32 edge, __u32 min, __s64 timeout_ns)
{
	struct shmring_ioc_wait r = {
		.size = sizeof(r),
		.edge = edge,
		.min = min,
		.timeout_ns = timeout_ns,
	};

	return device_ioctl(fd, SHMRING_IOC_WAIT, &r);
}

int device_lowat(int fd, __u32 edge, __u32 bytes)
{
	struct shmring_ioc_lowat r = {
		.size = sizeof(r),
		.edge = edge,
		.bytes = bytes,
	};

	return device_ioctl(fd, SHMRING_IOC_LOWAT, &r);
}

int device_ring(__u32 capacity, __u32 roles)
{
	int fd = device_open(O_RDWR);
	int err;

	if (fd < 0)
		return fd;
	err = device_create(fd, capacity, roles);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int device_end(__u32 handle, __u32 roles)
{
	int fd = device_open(O_RDWR);
	int err;

	if (fd < 0)
		return fd;
	err = device_attach(fd, handle, roles);
	if (!err)
		return fd;
	close(fd);
	return err;
}

int device_poll(int fd, short events)
{
	struct pollfd pfd = { .fd = fd, .events = events };

	return poll(&pfd, 1, 0) < 0 ? -errno : pfd.revents;
}

int device_epoll(int fd, __u32 events)
{
	struct epoll_event event = { .events = events };
	int set = epoll_create1(EPOLL_CLOEXEC);

	if (set < 0)
		return -errno;
	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &event)) {
		close(set);
		return -errno;
	}
	return set;
}

int device_epoll_wait(int set, int ms)
{
	struct epoll_event event;
	int n = epoll_wait(set, &event, 1, ms);

	if (n < 0)
		return -errno;
	return n ? (int)event.events : 0;
}

/* Map [from, to) of the file to its place in the reservation. */
static int map_part(int fd, struct device_map *map, size_t from, size_t to,
		    bool write)
{
	int prot = write ? PROT_READ | PROT_WRITE : PROT_READ;
	void *at = (char *)map->base + from;

	if (mmap(at, to - from, prot, MAP_SHARED | MAP_FIXED, fd, from) != at)
		return -errno;
	return 0;
}

int device_map(int fd, struct device_map *map)
{
	struct shmring_ioc_info info;
	int err;

	memset(map, 0, sizeof(*map));
	err = device_info(fd, &info);
	if (err)
		return err;
	map->length = info.map_length;
	map->base = mmap(NULL, map->length, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map->base == MAP_FAILED) {
		map->base = NULL;
		return -errno;
	}

	err = map_part(fd, map, info.consumer_offset, info.kernel_offset,
		       info.roles & SHMRING_ROLE_CONSUMER) ?:
	      map_part(fd, map, info.kernel_offset, info.producer_offset,
		       false) ?:
	      map_part(fd, map, info.producer_offset, info.map_length,
		       info.roles & SHMRING_ROLE_PRODUCER);
	if (err) {
		device_unmap(map);
		return err;
	}

	map->c = (void *)((char *)map->base + info.consumer_offset);
	map->k = (void *)((char *)map->base + info.kernel_offset);
	map->p = (void *)((char *)map->base + info.producer_offset);
	map->data = (void *)((char *)map->base + info.data_offset);
	map->capacity = info.capacity;
	/* The length does not tell: half a page of data takes one page, too */
	map->mirrored = info.capacity >= info.page_size;
	return 0;
}

void device_unmap(struct device_map *map)
{
	if (map->base)
		munmap(map->base, map->length);
	map->base = NULL;
}

__u64 device_load(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_SEQ_CST);
}

void device_store(__u64 *word, __u64 value)
{
	__atomic_store_n(word, value, __ATOMIC_SEQ_CST);
}

void device_put(struct device_map *map, const void *from, size_t n)
{
	const unsigned char *bytes = from;
	__u64 wr = map->p->wr;
	size_t i;

	for (i = 0; i < n; i++)
		map->data[(wr + i) & (map->capacity - 1)] = bytes[i];
	device_store(&map->p->wr, wr + n);
}

void device_take(struct device_map *map, void *to, size_t n)
{
	unsigned char *bytes = to;
	__u64 rd = map->c->rd;
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = map->data[(rd + i) & (map->capacity - 1)];
	device_store(&map->c->rd, rd + n);
}

int device_pair(struct device_pair *pair, __u32 capacity, __u64 start)
{
	int err;

	memset(pair, 0, sizeof(*pair));
	pair->consumer = -1;
	pair->producer = device_open(O_RDWR);
	if (pair->producer < 0)
		return pair->producer;
	err = device_create_full(pair->producer, capacity,
				 SHMRING_ROLE_PRODUCER, 0, start) ?:
	      device_register(pair->producer, 0, &pair->handle);
	if (err)
		goto free;
	pair->consumer = device_end(pair->handle, SHMRING_ROLE_CONSUMER);
	err = pair->consumer < 0 ? pair->consumer : 0;
	if (!err)
		err = device_map(pair->producer, &pair->p) ?:
		      device_map(pair->consumer, &pair->c);
	if (!err)
		return 0;
free:
	device_pair_free(pair);
	return err;
}

void device_pair_free(struct device_pair *pair)
{
	device_unmap(&pair->p);
	device_unmap(&pair->c);
	device_close(&pair->producer);
	device_close(&pair->consumer);
}

void device_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

int device_become(const struct device_user *user)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct caps[2] = {};
	struct __user_cap_data_struct *some;
	__u32 bit;

	if (prctl(PR_SET_KEEPCAPS, 1) ||
	    setgroups(user->group ? 1 : 0, &user->group) ||
	    setresgid(user->gid, user->gid, user->gid) ||
	    setresuid(user->uid, user->uid, user->uid))
		return -errno;
	if (user->keep >= 0) {
		some = &caps[CAP_TO_INDEX(user->keep)];
		bit = CAP_TO_MASK(user->keep);
		some->effective = bit;
		some->permitted = bit;
	}
	if (syscall(SYS_capset, &head, caps))
		return -errno;
	return 0;
}

int device_child(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) :
				   256 + WTERMSIG(status);
}

int device_put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

long device_get_number(const char *path, const char *word)
{
	char text[16384], *at;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t n;

	/* The kernel hands out a page at a time. */
	do {
		n = read(fd, text + size, sizeof(text) - 1 - size);
		size += n > 0 ? n : 0;
	} while (n > 0);
	close(fd);
	if (n < 0)
		return -1;
	text[size] = '\0';
	at = word ? strstr(text, word) : text;
	return at ? strtol(at + (word ? strlen(word) : 0), NULL, 10) : -1;
}

bool device_asleep(pid_t thread)
{
	long long end = device_now_ns() + 2000000000LL;
	char path[64], text[128], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", thread);
	while (device_now_ns() < end) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
		if (n <= 0)
			return false;
		text[n] = '\0';
		/* Behind the name, which is in parentheses */
		state = strrchr(text, ')');
		if (state && state[1] && state[2] == 'S')
			return true;
		device_sleep_ms(1);
	}
	return false;
}

long long device_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

void device_sleep_ms(unsigned int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}
