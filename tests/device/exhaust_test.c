// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs out in the midst of work: an errno, or the memory controller's killer,
 * and then nothing is left behind and all goes on
 *
 *	every call that makes a file, with room for one more each time	exhaust.files
 *	every handle of every ring of a user				exhaust.handles
 *	a memory cgroup's limit at any point of a ring's life		exhaust.memory
 *	none of these checks is blind					exhaust.sees_*
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <shmring.h>
#include <shmring_bridge.h>
#include <shmring_region.h>

#include "kselftest_harness.h"
#include "device.h"
#include "send.h"

#define USER		1000
#define ROOM		12
#define HANDLES_MAX	64
#define CGROUP		"/sys/fs/cgroup"
#define OURS		CGROUP "/shmring-exhaust-test"

FIXTURE(exhaust)
{
	struct shmring *ring;
	shmring_handle handle;
	int sockets[2];
	int fds[3];
	unsigned long max_user_rings;
	unsigned long rings;
	unsigned long pages;
	unsigned long handles;
};

/* A ring of this process' own, which all else must leave alone */
FIXTURE_SETUP(exhaust)
{
	const struct shmring_options memory = {
		.backend = SHMRING_BACKEND_MEMORY,
	};
	struct shmring *r;

	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, close_range(3, UINT_MAX, 0));
	self->max_user_rings = device_param("max_user_rings");
	self->ring = shmring_new_registered(4096, &self->handle);
	ASSERT_NE(NULL, self->ring);
	ASSERT_EQ(SHMRING_BACKEND_DEVICE, shmring_backend(self->ring));
	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				self->sockets));
	r = shmring_create(4096, &memory);
	ASSERT_NE(NULL, r);
	ASSERT_EQ(0, shmring_export_fds(r, self->fds));
	shmring_free(r);
	self->rings = device_param("rings");
	self->pages = device_param("pages");
	self->handles = device_param("handles");
}

/* Does it still work? */
static bool goes_on(struct shmring *r)
{
	char text[8] = "";

	return shmring_try_write_from(r, "abcdefg", 8) == 8 &&
	       shmring_try_read_into(r, text, 8) == 8 &&
	       !strcmp(text, "abcdefg");
}

FIXTURE_TEARDOWN(exhaust)
{
	int i;

	EXPECT_TRUE(goes_on(self->ring));
	EXPECT_EQ(0, device_set_param("max_user_rings", self->max_user_rings));
	shmring_free(self->ring);
	for (i = 0; i < 3; i++)
		close(self->fds[i]);
	close(self->sockets[0]);
	close(self->sockets[1]);
	EXPECT_TRUE(device_idle());
}

/* A file's last reference may go a little after whoever had it. */
static bool is_as_before(FIXTURE_DATA(exhaust) *self)
{
	long long end = device_now_ns() + 1000000000LL;

	while (device_param("rings") != self->rings || device_param("pages") != self->pages ||
	       device_param("handles") != self->handles) {
		if (device_now_ns() > end)
			return false;
		device_sleep_ms(1);
	}
	return true;
}

static unsigned int open_files(void)
{
	unsigned int n = 0;
	int fd;

	for (fd = 0; fd < 64; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

/*
 * --- Files.  Each makes some, and gives them back: 0, or -errno
 */

static int of_ring(struct shmring *r)
{
	if (!r)
		return -errno;
	shmring_free(r);
	return 0;
}

static int make(FIXTURE_DATA(exhaust) *self)
{
	(void)self;
	return of_ring(shmring_new(4096));
}

static int make_in_memory(FIXTURE_DATA(exhaust) *self)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_MEMORY,
	};

	(void)self;
	return of_ring(shmring_create(4096, &options));
}

static int make_registered(FIXTURE_DATA(exhaust) *self)
{
	shmring_handle handle;

	(void)self;
	return of_ring(shmring_new_registered(4096, &handle));
}

static int get(FIXTURE_DATA(exhaust) *self)
{
	return of_ring(shmring_get(self->handle, SHMRING_ROLE_OBSERVER));
}

static int attach_fd(FIXTURE_DATA(exhaust) *self)
{
	return of_ring(shmring_attach_fd(shmring_fd(self->ring)));
}

static int join(FIXTURE_DATA(exhaust) *self)
{
	return of_ring(shmring_join(self->ring, SHMRING_ROLE_OBSERVER));
}

static int attach_fds(FIXTURE_DATA(exhaust) *self)
{
	return of_ring(shmring_attach_fds(self->fds, SHMRING_ROLE_BOTH));
}

static int export_fds(FIXTURE_DATA(exhaust) *self)
{
	struct shmring *r = shmring_attach_fds(self->fds, SHMRING_ROLE_BOTH);
	int fds[3], err, i;

	if (!r)
		return -errno;
	err = shmring_export_fds(r, fds);
	for (i = 0; !err && i < 3; i++)
		close(fds[i]);
	shmring_free(r);
	return err;
}

/* A handle that cannot be removed is there still. */
static int unregister(FIXTURE_DATA(exhaust) *self)
{
	shmring_handle handle;
	int err = shmring_register(self->ring, &handle), again;

	if (err)
		return err;
	err = shmring_unregister(handle);
	if (!err)
		return 0;
	again = device_unregister(shmring_fd(self->ring), handle);
	return again ? again : err;
}

static int region(FIXTURE_DATA(exhaust) *self)
{
	struct shmring_region g;
	int err;

	(void)self;
	err = shmring_region_memfd(&g, 4096);
	if (!err)
		shmring_region_close(&g);
	return err;
}

/* A bridge that cannot be made leaves rings and files to whoever has them. */
static int bridge(FIXTURE_DATA(exhaust) *self)
{
	struct shmring *from = NULL, *to = NULL;
	struct shmring_bridge *b = NULL;
	int pipes[2] = { -1, -1 }, err = 0;

	from = shmring_attach_fds(self->fds, SHMRING_ROLE_PRODUCER);
	if (from)
		to = shmring_attach_fds(self->fds, SHMRING_ROLE_CONSUMER);
	if (to && !pipe2(pipes, O_CLOEXEC))
		b = shmring_bridge_new(pipes[0], pipes[1], from, to, NULL);
	if (b) {
		shmring_bridge_free(b);
		return 0;
	}
	err = -errno;
	shmring_free(to);
	shmring_free(from);
	device_close(&pipes[0]);
	device_close(&pipes[1]);
	return err;
}

/* What does not fit is released on the spot. */
static int receive(FIXTURE_DATA(exhaust) *self)
{
	int fd = send_fd(self->sockets[0], shmring_fd(self->ring));

	if (!fd)
		fd = receive_fd(self->sockets[1]);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

static const struct {
	const char *what;
	int (*call)(FIXTURE_DATA(exhaust) *self);
} makers[] = {
	{ "new", make },
	{ "new in memory", make_in_memory },
	{ "new_registered", make_registered },
	{ "get", get },
	{ "attach_fd", attach_fd },
	{ "join", join },
	{ "attach_fds", attach_fds },
	{ "export_fds", export_fds },
	{ "unregister", unregister },
	{ "region_memfd", region },
	{ "bridge_new", bridge },
	{ "recvmsg", receive },
};

/* So that a limit counts files, no number below the highest is free. */
static void fill_gaps(void)
{
	int fd;

	do {
		fd = dup(0);
	} while (fd + 1 < (int)open_files());
	close(fd);
}

TEST_F(exhaust, files)
{
	struct rlimit limit, old;
	unsigned int before, room;
	int err, last;
	size_t i;

	fill_gaps();
	before = open_files();
	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &old));
	limit = old;
	for (i = 0; i < ARRAY_SIZE(makers); i++) {
		last = -EMFILE;
		for (room = 0; room <= ROOM; room++) {
			limit.rlim_cur = before + room;
			ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
			err = makers[i].call(self);
			ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &old));
			/* Too few, and from some number on enough */
			EXPECT_TRUE(err == last || (room && !err))
				TH_LOG("%s with room for %u: %s", makers[i].what,
				       room, strerror(-err));
			last = err;
			EXPECT_EQ(before, open_files())
				TH_LOG("%s with room for %u", makers[i].what, room);
			EXPECT_TRUE(is_as_before(self))
				TH_LOG("%s with room for %u", makers[i].what, room);
			EXPECT_TRUE(goes_on(self->ring));
		}
		EXPECT_EQ(0, last)
			TH_LOG("%s: %s", makers[i].what, strerror(-last));
	}
}

TEST_F(exhaust, sees_a_file_left)
{
	unsigned int before = open_files();
	int fd = device_ring(64, SHMRING_ROLE_BOTH);

	ASSERT_LE(0, fd);
	EXPECT_NE(before, open_files());
	EXPECT_FALSE(is_as_before(self));
	device_close(&fd);
	EXPECT_EQ(before, open_files());
	EXPECT_TRUE(is_as_before(self));
}

/*
 * --- Handles: a user can have so many, and no more by any way
 */

#define RINGS	4

TEST_F(exhaust, handles)
{
	__u32 handles[RINGS][HANDLES_MAX], more;
	int fds[RINGS], i, n, end;
	struct stat st;

	ASSERT_EQ(0, stat(SHMRING_DEVICE, &st));
	ASSERT_EQ(0, chmod(SHMRING_DEVICE, 0666));
	ASSERT_EQ(0, device_set_param("max_user_rings", RINGS));
	ASSERT_EQ(0, seteuid(USER));
	for (i = 0; i < RINGS; i++) {
		fds[i] = device_ring(64, SHMRING_ROLE_OBSERVER);
		ASSERT_LE(0, fds[i]);
		for (n = 0; n < HANDLES_MAX; n++)
			ASSERT_EQ(0, device_register(fds[i], 0, &handles[i][n]));
		EXPECT_EQ(-ENOSPC, device_register(fds[i], 0, &more));
	}
	EXPECT_EQ(-EDQUOT, device_ring(64, SHMRING_ROLE_OBSERVER));
	EXPECT_EQ(self->handles + RINGS * HANDLES_MAX, device_param("handles"));

	/* Any of them names its ring; what was there before goes on. */
	for (i = 0; i < RINGS; i++) {
		end = device_end(handles[i][7 * i], SHMRING_ROLE_BOTH);
		EXPECT_LE(0, end);
		EXPECT_EQ(3, write(end, "abc", 3));
		device_close(&end);
	}
	EXPECT_TRUE(goes_on(self->ring));

	/* One goes, one comes */
	for (i = 0; i < RINGS; i++) {
		EXPECT_EQ(0, device_unregister(fds[i], handles[i][i]));
		EXPECT_EQ(0, device_register(fds[i], 0, &handles[i][i]));
		EXPECT_EQ(-ENOSPC, device_register(fds[i], 0, &more));
	}
	/* And with the ring all of them */
	for (i = 0; i < RINGS; i++)
		device_close(&fds[i]);
	ASSERT_EQ(0, seteuid(0));
	EXPECT_TRUE(is_as_before(self));
	EXPECT_EQ(-ENOENT, device_end(handles[0][0], SHMRING_ROLE_OBSERVER));
	ASSERT_EQ(0, chmod(SHMRING_DEVICE, st.st_mode & 0777));
}

/*
 * --- The memory cgroup.  Its limit is where the process stands, and a little more
 * each time: some step of a ring's life goes beyond.  Pages of the ring are refused;
 * where the kernel's small structures, or page tables, are not to be had, the
 * controller kills, as it does wherever else a process goes.
 */

#define STEP		(3 * sysconf(_SC_PAGESIZE))
#define STEPS		40
/* More than the controller hands out ahead to one CPU, 32 pages */
#define CAPACITY	(64 * sysconf(_SC_PAGESIZE))

/* A ring's life with all that is charged on the way; 0, or the first -errno */
static int live(shmring_handle others)
{
	struct shmring_ioc_info info;
	struct device_map map;
	__u32 handles[HANDLES_MAX];
	int fds[2] = { -1, -1 }, other, err, i;
	char byte;

	other = device_end(others, SHMRING_ROLE_OBSERVER);
	if (other < 0)
		return other;
	fds[0] = device_ring(CAPACITY, SHMRING_ROLE_PRODUCER);
	err = fds[0] < 0 ? fds[0] : 0;
	for (i = 0; !err && i < HANDLES_MAX; i++)
		err = device_register(fds[0], 0, &handles[i]);
	if (!err) {
		fds[1] = device_end(handles[0], SHMRING_ROLE_CONSUMER);
		err = fds[1] < 0 ? fds[1] : 0;
	}
	for (i = 0; !err && i < 2; i++) {
		err = device_map(fds[i], &map);
		device_unmap(&map);
	}
	if (!err)
		err = device_map(other, &map);
	if (!err)
		device_unmap(&map);
	if (!err && (write(fds[0], "a", 1) != 1 || read(fds[1], &byte, 1) != 1 ||
		     device_poll(fds[1], POLLIN)))
		err = -EIO;
	/* Whatever was had works, and knows itself */
	if (fds[0] >= 0 && device_info(fds[0], &info))
		err = -EIO;
	device_close(&fds[0]);
	device_close(&fds[1]);
	device_close(&other);
	return err;
}

/* In the cgroup, told to begin when its limit stands */
static void live_within(shmring_handle others, int begin)
{
	char byte;
	int err;

	if (device_put_text(OURS "/cgroup.procs", "0") ||
	    write(begin, "", 1) != 1 || read(begin, &byte, 1) != 1)
		_exit(100);
	err = live(others);
	_exit(err == -ENOMEM ? 1 : err ? 101 : 0);
}

/* Like device_child(): 0 all of it fitted, 1 refused, 256 + SIGKILL */
static int with_limit(FIXTURE_DATA(exhaust) *self, long more)
{
	char text[24], byte;
	pid_t pid;
	long now;

	if (device_put_text(OURS "/memory.max", "max"))
		return -EIO;
	pid = fork();
	if (!pid)
		live_within(self->handle, self->sockets[1]);
	if (read(self->sockets[0], &byte, 1) != 1)
		return -EIO;
	now = device_get_number(OURS "/memory.current", NULL);
	snprintf(text, sizeof(text), "%ld", now + more);
	if (now < 0 || (more >= 0 && device_put_text(OURS "/memory.max", text)))
		return -EIO;
	if (write(self->sockets[0], "", 1) != 1)
		return -EIO;
	return device_child(pid);
}

TEST_F_TIMEOUT(exhaust, memory, 120)
{
	long level = device_get_number("/proc/sys/kernel/printk", NULL);
	int counts[3] = { 0 }, ret, i;
	char text[24];

	if (device_put_text(CGROUP "/cgroup.subtree_control", "+memory"))
		SKIP(return, "there is no memory controller in " CGROUP);
	rmdir(OURS);
	ASSERT_EQ(0, mkdir(OURS, 0755));
	/* The killer shows its stack as a warning, which is nobody's fault. */
	ASSERT_EQ(0, device_put_text("/proc/sys/kernel/printk", "4"));
	EXPECT_EQ(0, with_limit(self, -1));
	for (i = 0; i < STEPS; i++) {
		ret = with_limit(self, i * STEP);
		EXPECT_TRUE(ret == 0 || ret == 1 || ret == 256 + SIGKILL)
			TH_LOG("%ld KiB: %d", i * STEP >> 10, ret);
		counts[ret > 1 ? 2 : ret]++;
		EXPECT_TRUE(is_as_before(self))
			TH_LOG("%ld KiB: rings %lu, pages %lu, handles %lu",
			       i * STEP >> 10, device_param("rings"), device_param("pages"),
			       device_param("handles"));
		EXPECT_TRUE(goes_on(self->ring));
	}
	TH_LOG("all done %d times, refused %d, killed %d", counts[0], counts[1],
	       counts[2]);
	/* The limit was met, was met by the ring's pages, and was passed. */
	EXPECT_LT(0, counts[0]);
	EXPECT_LT(0, counts[1]);
	EXPECT_EQ(0, with_limit(self, -1));
	EXPECT_LT(0, device_get_number(OURS "/memory.events", "max "));
	snprintf(text, sizeof(text), "%ld", level);
	EXPECT_EQ(0, device_put_text("/proc/sys/kernel/printk", text));
	EXPECT_EQ(0, rmdir(OURS));
}

TEST_HARNESS_MAIN
