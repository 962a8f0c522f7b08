// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: what each takes, what it refuses and how, what it does
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "device.h"

/*
 * --- What all requests have in common
 */

FIXTURE(request) {
	struct device_pair pair;
	size_t page;
	char *buf;	/* a page, and one behind it that is not there */
};

FIXTURE_SETUP(request)
{
	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, device_pair(&self->pair, 4096, 0));
	self->page = sysconf(_SC_PAGESIZE);
	self->buf = mmap(NULL, 2 * self->page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->buf);
	ASSERT_EQ(0, munmap(self->buf + self->page, self->page));
}

FIXTURE_TEARDOWN(request)
{
	munmap(self->buf, self->page);
	device_pair_free(&self->pair);
	EXPECT_TRUE(device_idle());
}

/* A request that is good as it stands, on that file, and its answer. */
struct request {
	unsigned int cmd;
	__u32 size;
	__u32 first;	/* the size that its first version had */
	union {
		__u32 words[64];
		struct shmring_ioc_create create;
		struct shmring_ioc_register reg;
		struct shmring_ioc_attach attach;
		struct shmring_ioc_unregister unreg;
		struct shmring_ioc_info info;
		struct shmring_ioc_arm arm;
		struct shmring_ioc_kick kick;
		struct shmring_ioc_wait wait;
		struct shmring_ioc_lowat lowat;
		struct shmring_ioc_unfence unfence;
	};
	int fd;
	bool own_fd;
	int answer;
};

static const unsigned int all_cmds[] = {
	SHMRING_IOC_CREATE, SHMRING_IOC_REGISTER, SHMRING_IOC_ATTACH,
	SHMRING_IOC_UNREGISTER, SHMRING_IOC_INFO, SHMRING_IOC_ARM,
	SHMRING_IOC_KICK, SHMRING_IOC_WAIT, SHMRING_IOC_LOWAT,
	SHMRING_IOC_UNFENCE,
};

static bool request_make(struct request *r, const struct device_pair *pair,
			 unsigned int cmd)
{
	memset(r, 0, sizeof(*r));
	r->cmd = cmd;
	r->fd = pair->consumer;
	switch (cmd) {
	case SHMRING_IOC_CREATE:
		r->size = sizeof(r->create);
		r->first = offsetof(struct shmring_ioc_create, arena);
		r->create.capacity = 64;
		r->create.roles = SHMRING_ROLE_BOTH;
		r->own_fd = true;
		break;
	case SHMRING_IOC_REGISTER:
		r->size = sizeof(r->reg);
		break;
	case SHMRING_IOC_ATTACH:
		r->size = sizeof(r->attach);
		r->attach.handle = pair->handle;
		r->attach.roles = SHMRING_ROLE_OBSERVER;
		r->own_fd = true;
		break;
	case SHMRING_IOC_UNREGISTER:
		r->size = sizeof(r->unreg);
		if (device_register(pair->producer, 0, &r->unreg.handle))
			return false;
		break;
	case SHMRING_IOC_INFO:
		r->size = sizeof(r->info);
		r->first = offsetof(struct shmring_ioc_info, arena_offset);
		break;
	case SHMRING_IOC_ARM:
		r->size = sizeof(r->arm);
		r->arm.edge = SHMRING_READABLE;
		break;
	case SHMRING_IOC_KICK:
		r->size = sizeof(r->kick);
		r->kick.edge = SHMRING_WRITABLE;
		break;
	case SHMRING_IOC_UNFENCE:
		r->size = sizeof(r->unfence);
		r->unfence.edge = SHMRING_WRITABLE;
		r->answer = pair->c.k->fence ? -EOPNOTSUPP : 0;
		break;
	case SHMRING_IOC_WAIT:
		r->size = sizeof(r->wait);
		r->wait.edge = SHMRING_READABLE;
		r->answer = -ETIMEDOUT;
		break;
	case SHMRING_IOC_LOWAT:
		r->size = sizeof(r->lowat);
		r->lowat.edge = SHMRING_READABLE;
		r->lowat.bytes = 1;
		break;
	}
	r->words[0] = r->size;
	if (!r->first)
		r->first = r->size;
	if (r->own_fd)
		r->fd = device_open(O_RDWR);
	return r->fd >= 0;
}

static void request_end(struct request *r, const struct device_pair *pair)
{
	if (r->own_fd)
		device_close(&r->fd);
	/* Some were refused, so that it is still there */
	if (r->cmd == SHMRING_IOC_UNREGISTER)
		device_unregister(pair->producer, r->unreg.handle);
}

TEST_F(request, size)
{
	const size_t page = self->page;
	struct request r;
	__u32 size;
	size_t c, i;

	for (c = 0; c < ARRAY_SIZE(all_cmds); c++) {
		ASSERT_TRUE(request_make(&r, &self->pair, all_cmds[c]));
		memset(self->buf, 0, page);
		memcpy(self->buf, r.words, r.size);

		for (size = 0; size < r.first; size++) {
			*(__u32 *)self->buf = size;
			EXPECT_EQ(-EINVAL,
				  device_ioctl(r.fd, r.cmd, self->buf)) {
				TH_LOG("ioctl %zu, size %u", c, size);
			}
		}
		/* What this kernel does not know must be zero */
		for (size = r.size + 1; size <= page && r.cmd != SHMRING_IOC_INFO;
		     size += size / 8 + 1) {
			*(__u32 *)self->buf = size;
			self->buf[size - 1] = 1;
			EXPECT_EQ(-E2BIG,
				  device_ioctl(r.fd, r.cmd, self->buf)) {
				TH_LOG("ioctl %zu, size %u", c, size);
			}
			self->buf[size - 1] = 0;
		}
		const __u32 huge[] = { page + 1, 1U << 20, 1U << 31, ~0U };

		for (i = 0; i < ARRAY_SIZE(huge); i++) {
			*(__u32 *)self->buf = huge[i];
			EXPECT_EQ(-E2BIG,
				  device_ioctl(r.fd, r.cmd, self->buf)) {
				TH_LOG("ioctl %zu, size %u", c, huge[i]);
			}
		}

		/* A longer one of zeros is what the first version is */
		*(__u32 *)self->buf = r.size + 24;
		EXPECT_EQ(r.answer, device_ioctl(r.fd, r.cmd, self->buf)) {
			TH_LOG("ioctl %zu", c);
		}
		request_end(&r, &self->pair);
	}

	/* As long as a request may be at all */
	ASSERT_TRUE(request_make(&r, &self->pair, SHMRING_IOC_ARM));
	memset(self->buf, 0, page);
	memcpy(self->buf, r.words, r.size);
	*(__u32 *)self->buf = page;
	EXPECT_EQ(r.answer, device_ioctl(r.fd, r.cmd, self->buf));
}

TEST_F(request, pointer)
{
	struct request r;
	size_t c, there;
	void *none = self->buf + self->page;
	unsigned long handles;

	for (c = 0; c < ARRAY_SIZE(all_cmds); c++) {
		ASSERT_TRUE(request_make(&r, &self->pair, all_cmds[c]));
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, NULL));
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, (void *)1));
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, (void *)-1L));
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, (void *)-4096L));
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, none));
		/* Begins well */
		for (there = 1; there < r.size; there++) {
			memcpy(none - there, r.words, there);
			EXPECT_EQ(-EFAULT,
				  device_ioctl(r.fd, r.cmd, none - there)) {
				TH_LOG("ioctl %zu, %zu bytes", c, there);
			}
		}
		/* The longer one that this kernel must look through, too */
		memset(none - r.size, 0, r.size);
		memcpy(none - r.size, r.words, r.size);
		*(__u32 *)(none - r.size) = r.size + 8;
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, none - r.size));
		/* It need not be aligned */
		memcpy(self->buf + 1, r.words, r.size);
		EXPECT_EQ(r.answer,
			  device_ioctl(r.fd, r.cmd, self->buf + 1));
		request_end(&r, &self->pair);
	}

	/* Where the answer cannot be written */
	handles = device_param("handles");
	ASSERT_NE(~0UL, handles);
	ASSERT_TRUE(request_make(&r, &self->pair, SHMRING_IOC_REGISTER));
	memcpy(self->buf, r.words, r.size);
	ASSERT_EQ(0, mprotect(self->buf, self->page, PROT_READ));
	for (c = 0; c < 100; c++)
		EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, self->buf));
	ASSERT_EQ(0, mprotect(self->buf, self->page, PROT_READ | PROT_WRITE));
	ASSERT_TRUE(request_make(&r, &self->pair, SHMRING_IOC_INFO));
	EXPECT_EQ(0, device_ioctl(r.fd, r.cmd, &r.info));
	EXPECT_EQ(handles, r.info.handles);
	r.info.size = r.size;
	memcpy(self->buf, r.words, r.size);
	ASSERT_EQ(0, mprotect(self->buf, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, device_ioctl(r.fd, r.cmd, self->buf));
	ASSERT_EQ(0, mprotect(self->buf, self->page, PROT_READ | PROT_WRITE));
}

/* An answer that cannot be written must not keep a persistent ring alive. */
TEST_F(request, persistent_handle_is_taken_back)
{
	struct shmring_ioc_register *reg = (void *)self->buf;
	int fd = device_open(O_RDWR);
	pid_t pid;

	ASSERT_EQ(0, device_create_full(fd, 64, SHMRING_ROLE_BOTH,
					SHMRING_F_PERSIST, 0));
	reg->size = sizeof(*reg);
	ASSERT_EQ(0, mprotect(self->buf, self->page, PROT_READ));
	EXPECT_EQ(-EFAULT, device_ioctl(fd, SHMRING_IOC_REGISTER, reg));
	/* Nor that of somebody who could not even name the handle */
	pid = fork();
	if (!pid) {
		if (unshare(CLONE_NEWPID))
			_exit(1);
		pid = fork();
		if (pid)
			_exit(device_child(pid));
		_exit(device_ioctl(fd, SHMRING_IOC_REGISTER, reg) != -EFAULT);
	}
	EXPECT_EQ(0, device_child(pid));
	device_close(&fd);
	ASSERT_EQ(0, mprotect(self->buf, self->page, PROT_READ | PROT_WRITE));
}

TEST_F(request, flags_and_reserved_fields)
{
	struct request r;
	unsigned int bit;
	size_t c;

	for (c = 0; c < ARRAY_SIZE(all_cmds); c++) {
		if (all_cmds[c] == SHMRING_IOC_INFO)
			continue;
		ASSERT_TRUE(request_make(&r, &self->pair, all_cmds[c]));
		/* The flags are the second word of each */
		for (bit = 0; bit < 32; bit++) {
			if (r.cmd == SHMRING_IOC_CREATE &&
			    1U << bit & SHMRING_F_PERSIST)
				continue;
			r.words[1] = 1U << bit;
			EXPECT_EQ(-EINVAL, device_ioctl(r.fd, r.cmd, r.words)) {
				TH_LOG("ioctl %zu, flag %u", c, bit);
			}
		}
		r.words[1] = 0;
		for (bit = 0; bit < 32; bit++) {
			if (r.cmd == SHMRING_IOC_KICK)
				r.kick.reserved = 1U << bit;
			else if (r.cmd == SHMRING_IOC_UNREGISTER)
				r.unreg.reserved = 1U << bit;
			else if (r.cmd == SHMRING_IOC_UNFENCE)
				r.unfence.reserved = 1U << bit;
			else
				break;
			EXPECT_EQ(-EINVAL, device_ioctl(r.fd, r.cmd, r.words));
		}
		request_end(&r, &self->pair);
	}
}

TEST_F(request, modes)
{
	struct shmring_ioc_register r = { .size = sizeof(r) };
	unsigned int bit;

	for (bit = 0; bit < 32; bit++) {
		r.mode = 1U << bit;
		r.handle = 0;
		EXPECT_EQ(r.mode & 0666 ? 0 : -EINVAL,
			  device_ioctl(self->pair.producer,
				       SHMRING_IOC_REGISTER, &r));
	}
}

TEST_F(request, unknown)
{
	unsigned int nr;
	size_t c;

	memset(self->buf, 0, self->page);
	*(__u32 *)self->buf = 64;
	for (nr = 0; nr < 256; nr++) {
		unsigned int cmd = _IO(SHMRING_IOC_TYPE, nr);

		if (nr > _IOC_NR(SHMRING_IOC_UNFENCE))
			EXPECT_EQ(-ENOTTY, device_ioctl(self->pair.consumer,
							cmd, self->buf));
		/* Another size, direction or type is another ioctl */
		cmd = _IOWR(SHMRING_IOC_TYPE, nr, __u32);
		EXPECT_EQ(-ENOTTY, device_ioctl(self->pair.consumer, cmd,
						self->buf));
		cmd = _IO(SHMRING_IOC_TYPE ^ 1, nr);
		EXPECT_EQ(-ENOTTY, device_ioctl(self->pair.consumer, cmd,
						self->buf));
	}
	EXPECT_EQ(-ENOTTY, device_ioctl(self->pair.consumer, FIONREAD,
					self->buf));
	/* Whatever the argument is */
	for (c = 0; c < 2; c++)
		EXPECT_EQ(-ENOTTY, device_ioctl(self->pair.consumer,
						_IO(SHMRING_IOC_TYPE, 99),
						c ? NULL : self->buf));
}

TEST_F(request, unbound)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	struct request r;
	size_t c, m;
	int fd;

	for (m = 0; m < ARRAY_SIZE(modes); m++) {
		fd = device_open(modes[m]);
		ASSERT_LE(0, fd);
		for (c = 0; c < ARRAY_SIZE(all_cmds); c++) {
			ASSERT_TRUE(request_make(&r, &self->pair, all_cmds[c]));
			/* These three need no ring */
			if (!r.own_fd && r.cmd != SHMRING_IOC_UNREGISTER)
				EXPECT_EQ(-ENOTCONN,
					  device_ioctl(fd, r.cmd, r.words));
			if (r.cmd == SHMRING_IOC_UNREGISTER)
				EXPECT_EQ(0, device_ioctl(fd, r.cmd, r.words));
			request_end(&r, &self->pair);
		}
		device_close(&fd);
	}
}

TEST_F(request, bound_twice)
{
	struct request r;
	int fds[3], i;

	fds[0] = self->pair.producer;
	fds[1] = self->pair.consumer;
	fds[2] = device_end(self->pair.handle, SHMRING_ROLE_OBSERVER);
	ASSERT_LE(0, fds[2]);
	for (i = 0; i < 3; i++) {
		ASSERT_TRUE(request_make(&r, &self->pair, SHMRING_IOC_CREATE));
		EXPECT_EQ(-EBUSY, device_ioctl(fds[i], r.cmd, r.words));
		request_end(&r, &self->pair);
		ASSERT_TRUE(request_make(&r, &self->pair, SHMRING_IOC_ATTACH));
		EXPECT_EQ(-EBUSY, device_ioctl(fds[i], r.cmd, r.words));
		request_end(&r, &self->pair);
	}
	device_close(&fds[2]);
}

#ifdef __x86_64__
/* As a 32-bit process would ask: the structs are the same. */
static int ioctl_32(int fd, unsigned int cmd, void *arg)
{
	int ret;

	asm volatile("int $0x80" : "=a" (ret)
		     : "a" (54), "b" (fd), "c" (cmd), "d" (arg)
		     : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

TEST_F(request, from_32_bits)
{
	struct request r;
	size_t c;
	char *low;

	low = mmap(NULL, self->page, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	ASSERT_NE(MAP_FAILED, low);
	if (ioctl_32(-1, 0, low) != -EBADF)
		SKIP(return, "the kernel knows no 32-bit system calls");
	for (c = 0; c < ARRAY_SIZE(all_cmds); c++) {
		ASSERT_TRUE(request_make(&r, &self->pair, all_cmds[c]));
		memcpy(low, r.words, r.size);
		EXPECT_EQ(r.answer, ioctl_32(r.fd, r.cmd, low)) {
			TH_LOG("ioctl %zu", c);
		}
		request_end(&r, &self->pair);
	}
	ASSERT_TRUE(request_make(&r, &self->pair, SHMRING_IOC_INFO));
	memcpy(low, r.words, r.size);
	ASSERT_EQ(0, ioctl_32(r.fd, r.cmd, low));
	ASSERT_EQ(0, device_ioctl(r.fd, r.cmd, r.words));
	EXPECT_EQ(0, memcmp(low, r.words, r.size));
}
#endif

/*
 * --- Making a ring
 */

FIXTURE(create) {
};

FIXTURE_SETUP(create)
{
	ASSERT_TRUE(device_idle());
}

FIXTURE_TEARDOWN(create)
{
	EXPECT_TRUE(device_idle());
}

TEST_F(create, capacity)
{
	struct shmring_ioc_info info;
	__u64 capacity, near;
	unsigned int shift;
	int fd, i;

	for (shift = 0; shift < 32; shift++)
		for (i = -1; i <= 1; i++) {
			near = (1ULL << shift) + i;
			if (near > ~0U || (near >= 1 << 24 && near <= 1 << 30 &&
					   !(near & (near - 1))))
				continue;
			capacity = near;
			fd = device_ring(capacity, SHMRING_ROLE_BOTH);
			if (capacity < 2 || capacity & (capacity - 1) ||
			    capacity > 1 << 30) {
				EXPECT_EQ(-EINVAL, fd) {
					TH_LOG("capacity %llu", capacity);
				}
				continue;
			}
			ASSERT_LE(0, fd) {
				TH_LOG("capacity %llu", capacity);
			}
			ASSERT_EQ(0, device_info(fd, &info));
			EXPECT_EQ(capacity, info.capacity);
			device_close(&fd);
		}
	EXPECT_EQ(-EINVAL, device_ring(0, SHMRING_ROLE_BOTH));
	EXPECT_EQ(-EINVAL, device_ring(~0U, SHMRING_ROLE_BOTH));
	EXPECT_EQ(-EINVAL, device_ring(0x60000000, SHMRING_ROLE_BOTH));
}

TEST_F(create, roles_and_modes)
{
	static const int modes[] = { O_RDWR, O_RDONLY, O_WRONLY };
	__u32 handle = 0;
	__u32 roles;
	size_t m;
	int fd, ring, expected;

	ring = device_ring(64, SHMRING_ROLE_OBSERVER);
	ASSERT_LE(0, ring);
	ASSERT_EQ(0, device_register(ring, 0, &handle));
	for (m = 0; m < ARRAY_SIZE(modes); m++)
		for (roles = 0; roles < 10; roles++) {
			__u32 r = roles < 9 ? roles : 1U << 31;

			if (r == SHMRING_ROLE_OBSERVER)
				expected = modes[m] == O_WRONLY ? -EACCES : 0;
			else if (!r || r > SHMRING_ROLE_BOTH)
				expected = -EINVAL;
			else
				expected = modes[m] == O_RDWR ? 0 : -EACCES;

			fd = device_open(modes[m]);
			ASSERT_LE(0, fd);
			EXPECT_EQ(expected, device_create(fd, 64, r)) {
				TH_LOG("mode %#o, roles %u", modes[m], r);
			}
			device_close(&fd);

			fd = device_open(modes[m]);
			ASSERT_LE(0, fd);
			EXPECT_EQ(expected, device_attach(fd, handle, r)) {
				TH_LOG("mode %#o, roles %u", modes[m], r);
			}
			/* What failed has bound nothing */
			if (expected)
				EXPECT_EQ(-ENOTCONN,
					  device_kick(fd, SHMRING_READABLE));
			device_close(&fd);
		}
	device_close(&ring);
}

TEST_F(create, pages_are_clean)
{
	struct device_map map;
	int fd, round;
	__u32 i;

	for (round = 0; round < 4; round++) {
		fd = device_ring(1 << 16, SHMRING_ROLE_BOTH);
		ASSERT_LE(0, fd);
		ASSERT_EQ(0, device_map(fd, &map));
		for (i = 0; i < map.capacity; i++)
			if (map.data[i])
				break;
		EXPECT_EQ(map.capacity, i);
		EXPECT_EQ(0, map.c->rd);
		EXPECT_EQ(0, map.p->wr);
		memset(map.data, 0xa5, map.capacity);
		device_unmap(&map);
		device_close(&fd);
	}
}

TEST_F(create, arena)
{
	const __u64 page = sysconf(_SC_PAGESIZE);
	const __u64 good[] = { 0, page, 3 * page, 1 << 20, (5 << 20) + page };
	const __u64 bad[] = {
		1, page - 1, page + 1, page / 2, page + 8, (1 << 30) - 1,
		(1 << 30) + 1, (1 << 30) + page, 1ULL << 31, 1ULL << 32,
		(1ULL << 32) + page, 1ULL << 40, 1ULL << 62, 1ULL << 63,
		(1ULL << 63) + page, -page, ~0ULL,
	};
	static const __u32 capacities[] = { 2, 2048, 4096, 1 << 16 };
	struct shmring_ioc_info info;
	struct device_map map;
	size_t c, i, at;
	char *arena;
	int fd;

	for (c = 0; c < ARRAY_SIZE(capacities); c++) {
		for (i = 0; i < ARRAY_SIZE(bad); i++) {
			fd = device_open(O_RDWR);
			EXPECT_EQ(-EINVAL,
				  device_create_arena(fd, capacities[c],
						      SHMRING_ROLE_BOTH,
						      bad[i])) {
				TH_LOG("arena %#llx", bad[i]);
			}
			/* What failed has bound nothing */
			EXPECT_EQ(-ENOTCONN, device_kick(fd, SHMRING_READABLE));
			device_close(&fd);
		}
		for (i = 0; i < ARRAY_SIZE(good); i++) {
			fd = device_open(O_RDWR);
			ASSERT_EQ(0, device_create_arena(fd, capacities[c],
							 SHMRING_ROLE_BOTH,
							 good[i]));
			ASSERT_EQ(0, device_info(fd, &info));
			EXPECT_EQ(good[i], info.arena_size);
			EXPECT_EQ(good[i] ? SHMRING_ARENA_OFFSET : 0,
				  info.arena_offset);
			EXPECT_EQ(3 * page + (capacities[c] < page ? page :
					      2ULL * capacities[c]),
				  info.map_length);
			EXPECT_EQ(3 + (capacities[c] + page - 1) / page +
				  good[i] / page, device_param("pages"));
			ASSERT_EQ(0, device_map(fd, &map));
			EXPECT_EQ(good[i], map.k->arena_size);
			EXPECT_EQ(info.arena_offset, map.k->arena_offset);
			device_unmap(&map);
			if (!good[i]) {
				device_close(&fd);
				continue;
			}
			/* Clean, and all of it there */
			arena = mmap(NULL, good[i], PROT_READ | PROT_WRITE,
				     MAP_SHARED, fd, SHMRING_ARENA_OFFSET);
			ASSERT_NE(MAP_FAILED, arena);
			for (at = 0; at < good[i]; at++)
				if (arena[at])
					break;
			EXPECT_EQ(good[i], at);
			memset(arena, 0xa5, good[i]);
			munmap(arena, good[i]);
			device_close(&fd);
		}
	}
}

/* Who knows nothing of arenas, as the first version, gets none. */
TEST_F(create, before_there_were_arenas)
{
	struct {
		struct shmring_ioc_info info;
		__u64 behind;
	} answer;
	struct shmring_ioc_create r = {
		.size = offsetof(struct shmring_ioc_create, arena),
		.capacity = 64,
		.roles = SHMRING_ROLE_BOTH,
		.arena = 1,	/* not part of it */
	};
	const __u32 first = offsetof(struct shmring_ioc_info, arena_offset);
	int fd = device_open(O_RDWR);

	ASSERT_EQ(0, device_ioctl(fd, SHMRING_IOC_CREATE, &r));
	ASSERT_EQ(0, device_info(fd, &answer.info));
	EXPECT_EQ(0, answer.info.arena_offset);
	EXPECT_EQ(0, answer.info.arena_size);

	memset(&answer, 0x5a, sizeof(answer));
	answer.info.size = first;
	ASSERT_EQ(0, device_ioctl(fd, SHMRING_IOC_INFO, &answer));
	EXPECT_EQ(first, answer.info.size);
	EXPECT_EQ(64, answer.info.capacity);
	EXPECT_EQ(0, answer.info.drop_bytes);
	EXPECT_EQ(0x5a5a5a5a5a5a5a5aULL, answer.info.arena_offset);
	device_close(&fd);
}

TEST_HARNESS_MAIN
