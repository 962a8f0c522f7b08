// SPDX-License-Identifier: GPL-2.0-only
/*
 * Limits: how much a user may hold, and that all of it comes back
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <linux/capability.h>

#include "kselftest_harness.h"
#include "device.h"

#define USER	1000
#define OTHER	2000

/* Pages of a ring beside its data */
#define HEAD	3

static const char * const limits[] = {
	"max_capacity", "max_user_rings", "max_user_bytes"
};

FIXTURE(limit) {
	mode_t mode;
	unsigned long page;
	unsigned long saved[ARRAY_SIZE(limits)];
};

FIXTURE_SETUP(limit)
{
	struct stat st;
	size_t i;

	ASSERT_TRUE(device_idle());
	self->page = sysconf(_SC_PAGESIZE);
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		self->saved[i] = device_param(limits[i]);
		ASSERT_NE(~0UL, self->saved[i]);
	}
	ASSERT_EQ(0, stat(SHMRING_DEVICE, &st));
	self->mode = st.st_mode & 0777;
	ASSERT_EQ(0, chmod(SHMRING_DEVICE, 0666));
}

FIXTURE_TEARDOWN(limit)
{
	size_t i;

	EXPECT_EQ(0, seteuid(0));
	chmod(SHMRING_DEVICE, self->mode);
	for (i = 0; i < ARRAY_SIZE(limits); i++)
		EXPECT_EQ(0, device_set_param(limits[i], self->saved[i]));
	EXPECT_TRUE(device_idle());
}

/* A ring that a user has made. */
static int ring_of(uid_t uid, __u32 capacity)
{
	int fd, saved = geteuid();

	if (seteuid(uid))
		return -errno;
	fd = device_ring(capacity, SHMRING_ROLE_BOTH);
	if (seteuid(saved))
		return -errno;
	return fd;
}

/* The same, with an arena. */
static int arena_of(uid_t uid, __u32 capacity, __u64 arena)
{
	int fd = device_open(O_RDWR), saved = geteuid();
	int err;

	if (fd < 0 || seteuid(uid))
		return -errno;
	err = device_create_arena(fd, capacity, SHMRING_ROLE_BOTH, arena);
	if (err)
		device_close(&fd);
	if (seteuid(saved))
		return -errno;
	return err ?: fd;
}

/*
 * What README.md says of a module that was loaded without a word.  First, and
 * whoever changes a limit puts it back.
 */
TEST_F(limit, defaults)
{
	EXPECT_EQ(1UL << 30, device_param("max_capacity"));
	EXPECT_EQ(1024, device_param("max_user_rings"));
	EXPECT_EQ(512UL << 20, device_param("max_user_bytes"));
}

TEST_F(limit, parameters)
{
	const struct device_user user = { USER, USER, 0, -1 };
	pid_t pid;
	size_t i;

	/* What is counted cannot be set, not even by root */
	EXPECT_GT(0, device_set_param("rings", 5));
	EXPECT_GT(0, device_set_param("pages", 5));
	EXPECT_GT(0, device_set_param("handles", 5));
	pid = fork();
	if (!pid) {
		if (device_become(&user))
			_exit(1);
		for (i = 0; i < ARRAY_SIZE(limits); i++)
			if (device_set_param(limits[i], 1) >= 0)
				_exit(2);
		_exit(0);
	}
	EXPECT_EQ(0, device_child(pid));
}

TEST_F(limit, counted)
{
	__u32 handle;
	__u64 rings = 0, pages = 0;
	int fds[16], i;

	for (i = 0; i < 16; i++) {
		__u32 capacity = 64U << i;

		fds[i] = device_ring(capacity, SHMRING_ROLE_BOTH);
		ASSERT_LE(0, fds[i]);
		rings++;
		pages += HEAD + (capacity + self->page - 1) / self->page;
		EXPECT_EQ(rings, device_param("rings"));
		EXPECT_EQ(pages, device_param("pages"));
	}
	for (i = 0; i < 16; i++) {
		EXPECT_EQ(0, device_register(fds[i], 0, &handle));
		EXPECT_EQ(i + 1, device_param("handles"));
	}
	for (i = 0; i < 16; i++) {
		__u32 capacity = 64U << i;

		device_close(&fds[i]);
		rings--;
		pages -= HEAD + (capacity + self->page - 1) / self->page;
		EXPECT_EQ(rings, device_param("rings"));
		EXPECT_EQ(pages, device_param("pages"));
		EXPECT_EQ(rings, device_param("handles"));
	}
}

TEST_F(limit, capacity)
{
	const struct device_user able = { USER, USER, 0, CAP_SYS_RESOURCE };
	const struct device_user unable = { 0, 0, 0, CAP_SYS_ADMIN };
	pid_t pid;
	int fd;

	ASSERT_EQ(0, device_set_param("max_capacity", 1 << 16));
	fd = ring_of(USER, 1 << 16);
	EXPECT_LE(0, fd);
	device_close(&fd);
	EXPECT_EQ(-EPERM, ring_of(USER, 1 << 17));
	EXPECT_EQ(-EPERM, ring_of(USER, 1 << 30));
	/* What is no capacity at all is not a matter of rights */
	EXPECT_EQ(-EINVAL, ring_of(USER, (1 << 17) + 1));
	EXPECT_EQ(-EINVAL, ring_of(USER, 1U << 31));
	fd = ring_of(0, 1 << 17);
	EXPECT_LE(0, fd);
	device_close(&fd);

	/* The right counts, not the name */
	pid = fork();
	if (!pid) {
		if (device_become(&able))
			_exit(1);
		_exit(device_ring(1 << 17, SHMRING_ROLE_BOTH) < 0 ? 2 : 0);
	}
	EXPECT_EQ(0, device_child(pid));
	pid = fork();
	if (!pid) {
		if (device_become(&unable))
			_exit(1);
		_exit(device_ring(1 << 17, SHMRING_ROLE_BOTH) != -EPERM ? 2 : 0);
	}
	EXPECT_EQ(0, device_child(pid));

	/* An arena is measured by itself */
	fd = arena_of(USER, 1 << 16, 1 << 16);
	EXPECT_LE(0, fd);
	device_close(&fd);
	EXPECT_EQ(-EPERM, arena_of(USER, 64, (1 << 16) + self->page));
	EXPECT_EQ(-EPERM, arena_of(USER, 64, 1 << 30));
	EXPECT_EQ(-EINVAL, arena_of(USER, 64, (1 << 17) + 1));
	fd = arena_of(0, 64, 1 << 17);
	EXPECT_LE(0, fd);
	device_close(&fd);

	/* Nobody's ring */
	ASSERT_EQ(0, device_set_param("max_capacity", 0));
	EXPECT_EQ(-EPERM, ring_of(USER, 2));
	ASSERT_EQ(0, device_set_param("max_capacity", 1));
	EXPECT_EQ(-EPERM, ring_of(USER, 2));
	ASSERT_EQ(0, device_set_param("max_capacity", 2));
	fd = ring_of(USER, 2);
	EXPECT_LE(0, fd);
	device_close(&fd);
}

TEST_F(limit, rings)
{
	int fds[8], other, i;
	__u32 handle;

	ASSERT_EQ(0, device_set_param("max_user_rings", 3));
	for (i = 0; i < 3; i++) {
		fds[i] = ring_of(USER, 64);
		ASSERT_LE(0, fds[i]);
	}
	EXPECT_EQ(-EDQUOT, ring_of(USER, 64));
	EXPECT_EQ(-EDQUOT, ring_of(USER, 2));
	/* Others have a share of their own, root has no limit */
	other = ring_of(OTHER, 64);
	EXPECT_LE(0, other);
	for (i = 3; i < 8; i++) {
		fds[i] = ring_of(0, 64);
		EXPECT_LE(0, fds[i]);
	}
	/* A further end of a ring that is there takes nothing */
	ASSERT_EQ(0, device_register(other, 0666, &handle));
	int end = device_open(O_RDWR);

	ASSERT_EQ(0, seteuid(USER));
	EXPECT_EQ(0, device_attach(end, handle, SHMRING_ROLE_OBSERVER));
	ASSERT_EQ(0, seteuid(0));
	/* It is its maker's as long as anybody has it */
	device_close(&other);
	EXPECT_EQ(9, device_param("rings"));
	for (i = 0; i < 2; i++) {
		int more = ring_of(OTHER, 64);

		EXPECT_LE(0, more);
		device_close(&fds[6 + i]);
		fds[6 + i] = more;
	}
	EXPECT_EQ(-EDQUOT, ring_of(OTHER, 64));
	device_close(&end);
	other = ring_of(OTHER, 64);
	EXPECT_LE(0, other);
	device_close(&other);

	/* Closed by root, given back to its maker */
	device_close(&fds[1]);
	fds[1] = ring_of(USER, 64);
	EXPECT_LE(0, fds[1]);
	EXPECT_EQ(-EDQUOT, ring_of(USER, 64));

	/* A limit that falls below takes nothing away */
	ASSERT_EQ(0, device_set_param("max_user_rings", 1));
	EXPECT_EQ(2, write(fds[0], "ab", 2));
	device_close(&fds[0]);
	device_close(&fds[1]);
	EXPECT_EQ(-EDQUOT, ring_of(USER, 64));
	device_close(&fds[2]);
	fds[2] = ring_of(USER, 64);
	EXPECT_LE(0, fds[2]);
	for (i = 0; i < 8; i++)
		device_close(&fds[i]);

	ASSERT_EQ(0, device_set_param("max_user_rings", 0));
	for (i = 0; i < 100; i++)
		EXPECT_EQ(-EDQUOT, ring_of(USER, 64));
	fds[0] = ring_of(0, 64);
	EXPECT_LE(0, fds[0]);
	device_close(&fds[0]);
}

/* A ring that a handle keeps is its maker's still. */
TEST_F(limit, persistent_rings)
{
	__u32 handle;
	int fd;

	ASSERT_EQ(0, device_set_param("max_user_rings", 1));
	fd = device_open(O_RDWR);
	ASSERT_EQ(0, seteuid(USER));
	EXPECT_EQ(0, device_create_full(fd, 64, SHMRING_ROLE_BOTH,
					SHMRING_F_PERSIST, 0));
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	device_close(&fd);
	EXPECT_EQ(-EDQUOT, ring_of(USER, 64));
	fd = device_open(O_RDWR);
	EXPECT_EQ(0, device_unregister(fd, handle));
	device_close(&fd);
	fd = ring_of(USER, 64);
	EXPECT_LE(0, fd);
	device_close(&fd);
}

TEST_F(limit, bytes)
{
	const unsigned long page = self->page;
	const unsigned long ring = (HEAD + 4) * page;
	int fds[3];

	ASSERT_EQ(0, device_set_param("max_user_bytes", 2 * ring));
	fds[0] = ring_of(USER, 4 * page);
	fds[1] = ring_of(USER, 4 * page);
	EXPECT_LE(0, fds[0]);
	EXPECT_LE(0, fds[1]);
	EXPECT_EQ(-EDQUOT, ring_of(USER, 4 * page));
	EXPECT_EQ(-EDQUOT, ring_of(USER, 2));
	fds[2] = ring_of(OTHER, 4 * page);
	EXPECT_LE(0, fds[2]);
	device_close(&fds[2]);
	fds[2] = ring_of(0, 4 * page);
	EXPECT_LE(0, fds[2]);
	device_close(&fds[2]);
	device_close(&fds[0]);
	/* Room for one page of data, and no more */
	EXPECT_EQ(-EDQUOT, ring_of(USER, 8 * page));
	fds[0] = ring_of(USER, page);
	EXPECT_LE(0, fds[0]);
	EXPECT_EQ(-EDQUOT, ring_of(USER, page));
	device_close(&fds[0]);
	device_close(&fds[1]);

	/* An arena's pages are like others */
	fds[0] = arena_of(USER, 4 * page, ring);
	EXPECT_LE(0, fds[0]);
	EXPECT_EQ(2 * ring / page, device_param("pages"));
	EXPECT_EQ(-EDQUOT, ring_of(USER, 2));
	device_close(&fds[0]);
	EXPECT_EQ(-EDQUOT, arena_of(USER, 4 * page, ring + page));
	EXPECT_EQ(-EDQUOT, arena_of(USER, 2, 1 << 30));
	EXPECT_EQ(0, device_param("pages"));

	ASSERT_EQ(0, device_set_param("max_user_bytes", ring - 1));
	EXPECT_EQ(-EDQUOT, ring_of(USER, 4 * page));
	EXPECT_EQ(-EDQUOT, ring_of(USER, 1 << 30));
	fds[0] = ring_of(USER, 2 * page);
	EXPECT_LE(0, fds[0]);
	device_close(&fds[0]);
	ASSERT_EQ(0, device_set_param("max_user_bytes", 0));
	EXPECT_EQ(-EDQUOT, ring_of(USER, 2));
	ASSERT_EQ(0, device_set_param("max_user_bytes", ~0UL));
	fds[0] = ring_of(USER, 4 * page);
	EXPECT_LE(0, fds[0]);
	device_close(&fds[0]);
}

TEST_F(limit, open_files)
{
	struct rlimit none = { 3, 3 }, saved;
	int fd = device_ring(64, SHMRING_ROLE_BOTH);

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &saved));
	none.rlim_max = saved.rlim_max;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &none));
	EXPECT_EQ(-EMFILE, device_open(O_RDWR));
	EXPECT_EQ(-EMFILE, device_ring(64, SHMRING_ROLE_BOTH));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &saved));
	EXPECT_EQ(1, device_param("rings"));
	device_close(&fd);
}

/* RLIMIT_AS and RLIMIT_MEMLOCK are mmap's affair; it leaves nothing behind. */
TEST_F(limit, address_space)
{
	struct rlimit saved, limit;
	int fd = device_ring(64 << 20, SHMRING_ROLE_BOTH);
	size_t length = 64 << 20;
	void *map;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, getrlimit(RLIMIT_AS, &saved));
	limit = saved;
	limit.rlim_cur = 64 << 20;
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &limit));
	map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, HEAD * self->page);
	EXPECT_EQ(MAP_FAILED, map);
	EXPECT_EQ(ENOMEM, errno);
	ASSERT_EQ(0, setrlimit(RLIMIT_AS, &saved));
	map = mmap(NULL, length, PROT_READ, MAP_SHARED, fd, HEAD * self->page);
	EXPECT_NE(MAP_FAILED, map);
	munmap(map, length);
	device_close(&fd);
}

/*
 * --- The memory cgroup
 */

#define CGROUP	"/sys/fs/cgroup"
#define OURS	CGROUP "/shmring-limit-test"

static int in_cgroup(void)
{
	long before, with;
	int fd;

	if (device_put_text(OURS "/cgroup.procs", "0"))
		return 1;
	/* Too large: refused, and nobody is killed for it */
	if (device_ring(64 << 20, SHMRING_ROLE_BOTH) != -ENOMEM)
		return 2;
	if (device_ring(256 << 20, SHMRING_ROLE_BOTH) != -ENOMEM)
		return 3;
	/* What was had by then is given back */
	before = device_get_number(OURS "/memory.current", NULL);
	if (before < 0 || before > 8 << 20)
		return 4;
	/* What fits is charged */
	fd = device_ring(8 << 20, SHMRING_ROLE_BOTH);
	if (fd < 0)
		return 5;
	with = device_get_number(OURS "/memory.current", NULL);
	if (with < 8 << 20 || with < before + (7 << 20))
		return 6;
	if (device_ring(16 << 20, SHMRING_ROLE_BOTH) != -ENOMEM)
		return 7;
	close(fd);
	if (device_get_number(OURS "/memory.current", NULL) > before + (1 << 20))
		return 8;
	/* An arena likewise */
	if (arena_of(0, 64, 64 << 20) != -ENOMEM)
		return 9;
	fd = arena_of(0, 64, 8 << 20);
	if (fd < 0)
		return 10;
	if (device_get_number(OURS "/memory.current", NULL) < before + (7 << 20))
		return 11;
	close(fd);
	if (device_get_number(OURS "/memory.current", NULL) > before + (1 << 20))
		return 12;
	return 0;
}

TEST_F(limit, memory_cgroup)
{
	pid_t pid;

	if (device_put_text(CGROUP "/cgroup.subtree_control", "+memory"))
		SKIP(return, "there is no memory controller in " CGROUP);
	rmdir(OURS);
	ASSERT_EQ(0, mkdir(OURS, 0755));
	ASSERT_EQ(0, device_put_text(OURS "/memory.max", "16777216"));
	pid = fork();
	if (!pid)
		_exit(in_cgroup());
	EXPECT_EQ(0, device_child(pid));
	EXPECT_EQ(0, device_get_number(OURS "/memory.events", "oom_kill "));
	EXPECT_LT(0, device_get_number(OURS "/memory.events", "max "));
	EXPECT_EQ(0, rmdir(OURS));
}

/*
 * --- Killed on the way
 */

static long long create_once(__u32 capacity)
{
	long long began = device_now_ns();
	int fd = device_ring(capacity, SHMRING_ROLE_BOTH);

	if (fd < 0)
		return fd;
	began = device_now_ns() - began;
	device_close(&fd);
	return began;
}

static long long kill_while_creating(__u32 capacity)
{
	long long began;
	pid_t pid = fork();

	if (!pid) {
		device_ring(capacity, SHMRING_ROLE_BOTH);
		pause();
	}
	/* Its pages are counted before they are there */
	while (!device_param("pages"))
		;
	began = device_now_ns();
	kill(pid, SIGKILL);
	if (device_child(pid) != 256 + SIGKILL)
		return -1;
	return device_now_ns() - began;
}

TEST_F(limit, killed_while_creating)
{
	__u32 capacity = 256 << 20;
	long long took, full = 0, least = 0;
	struct sysinfo info;
	int i, fd;

	ASSERT_EQ(0, sysinfo(&info));
	while (capacity > info.freeram * info.mem_unit / 2)
		capacity /= 2;
	/* The first one may touch memory that the machine has not, yet */
	for (i = 0; i < 4; i++) {
		took = create_once(capacity);
		ASSERT_LE(0, took);
		full = i > 1 && full < took ? full : took;
	}

	for (i = 0; i < 5; i++) {
		took = kill_while_creating(capacity);
		ASSERT_LE(0, took);
		EXPECT_EQ(0, device_param("rings"));
		EXPECT_EQ(0, device_param("pages"));
		least = i && least < took ? least : took;
	}
	/* It does not go on to the end first */
	EXPECT_LT(least, full / 2) {
		TH_LOG("gone after %lld us, all takes %lld us", least / 1000,
		       full / 1000);
	}
	/* Later, too: while its pages are being mapped, or given back */
	for (i = 1; i <= 20; i++) {
		pid_t pid = fork();

		if (!pid) {
			struct device_map map;

			for (;;) {
				fd = device_ring(capacity / 16,
						 SHMRING_ROLE_BOTH);
				device_map(fd, &map);
				device_unmap(&map);
				device_close(&fd);
			}
		}
		device_sleep_ms(3 * i);
		kill(pid, SIGKILL);
		EXPECT_EQ(256 + SIGKILL, device_child(pid));
		EXPECT_EQ(0, device_param("rings"));
		EXPECT_EQ(0, device_param("pages"));
	}
}

TEST_HARNESS_MAIN
