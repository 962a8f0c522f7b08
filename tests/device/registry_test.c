// SPDX-License-Identifier: GPL-2.0-only
/*
 * Handles: who gets one, who may use it, what it keeps alive
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <linux/capability.h>

#include "kselftest_harness.h"
#include "device.h"
#include "module.h"

#define HANDLES_MAX	64
#define RACES		500

#define OWNER		1000
#define OWNERS_GROUP	1001
#define STRANGER	2000

FIXTURE(registry) {
	mode_t mode;
};

FIXTURE_SETUP(registry)
{
	struct stat st;

	ASSERT_TRUE(device_idle());
	ASSERT_EQ(0, stat(SHMRING_DEVICE, &st));
	self->mode = st.st_mode & 0777;
	ASSERT_EQ(0, chmod(SHMRING_DEVICE, 0666));
}

FIXTURE_TEARDOWN(registry)
{
	chmod(SHMRING_DEVICE, self->mode);
	EXPECT_TRUE(device_idle());
}

/* A ring that OWNER has made, in OWNERS_GROUP. */
static int owners_ring(__u32 capacity, __u32 roles, __u32 flags)
{
	int fd, err;

	if (setegid(OWNERS_GROUP) || seteuid(OWNER))
		return -errno;
	fd = device_open(O_RDWR);
	err = device_create_full(fd, capacity, roles, flags, 0);
	if (seteuid(0) || setegid(0))
		return -errno;
	if (err)
		device_close(&fd);
	return err ?: fd;
}

TEST_F(registry, handles)
{
	__u32 handle[HANDLES_MAX + 1];
	struct shmring_ioc_info info;
	int fd, end;
	size_t i, j;

	fd = device_ring(64, SHMRING_ROLE_OBSERVER);
	ASSERT_LE(0, fd);
	for (i = 0; i < HANDLES_MAX; i++) {
		ASSERT_EQ(0, device_register(fd, 0, &handle[i]));
		EXPECT_NE(0, handle[i]);
		for (j = 0; j < i; j++)
			ASSERT_NE(handle[j], handle[i]);
	}
	EXPECT_EQ(HANDLES_MAX, device_param("handles"));
	EXPECT_EQ(-ENOSPC, device_register(fd, 0, &handle[HANDLES_MAX]));
	ASSERT_EQ(0, device_info(fd, &info));
	EXPECT_EQ(HANDLES_MAX, info.handles);

	/* Each of them names it */
	for (i = 0; i < HANDLES_MAX; i++) {
		end = device_end(handle[i], SHMRING_ROLE_BOTH);
		ASSERT_LE(0, end);
		device_close(&end);
	}
	/* Room for one */
	ASSERT_EQ(0, device_unregister(fd, handle[7]));
	EXPECT_EQ(-ENOENT, device_end(handle[7], SHMRING_ROLE_BOTH));
	EXPECT_EQ(-ENOENT, device_unregister(fd, handle[7]));
	EXPECT_EQ(0, device_register(fd, 0, &handle[7]));
	EXPECT_EQ(-ENOSPC, device_register(fd, 0, &handle[HANDLES_MAX]));

	/* Another ring has its own 64 */
	int other = device_ring(64, SHMRING_ROLE_OBSERVER);
	__u32 one;

	EXPECT_EQ(0, device_register(other, 0, &one));
	device_close(&other);
	EXPECT_EQ(-ENOENT, device_end(one, SHMRING_ROLE_BOTH));

	/* They die with their ring */
	device_close(&fd);
	EXPECT_EQ(0, device_param("handles"));
	EXPECT_EQ(0, device_param("rings"));
	for (i = 0; i < HANDLES_MAX; i++)
		EXPECT_EQ(-ENOENT, device_end(handle[i], SHMRING_ROLE_BOTH));
}

TEST_F(registry, unknown)
{
	static const __u32 numbers[] = { 0, 1U << 31, ~0U - 1, ~0U };
	int fd = device_open(O_RDWR);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		EXPECT_EQ(-ENOENT, device_attach(fd, numbers[i],
						 SHMRING_ROLE_OBSERVER));
		EXPECT_EQ(-ENOENT, device_unregister(fd, numbers[i]));
	}
	device_close(&fd);
}

TEST_F_TIMEOUT(registry, not_used_again_soon, 120)
{
	int fd = device_ring(64, SHMRING_ROLE_OBSERVER);
	__u32 first, last, next;
	int i;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_register(fd, 0, &first));
	ASSERT_EQ(0, device_unregister(fd, first));
	last = first;
	for (i = 0; i < 20000; i++) {
		ASSERT_EQ(0, device_register(fd, 0, &next));
		ASSERT_EQ(0, device_unregister(fd, next));
		/* Always upwards, so never one of the twenty thousand */
		ASSERT_LT(0, (__s32)(next - last));
		last = next;
	}
	EXPECT_EQ(-ENOENT, device_end(first, SHMRING_ROLE_OBSERVER));
	device_close(&fd);
}

struct remover {
	pthread_barrier_t start;
	__u32 handle;
	unsigned int removed;
	unsigned int faults;
};

static void *remove_handles(void *arg)
{
	struct remover *r = arg;
	int fd = device_open(O_RDONLY);
	int i, err;

	for (i = 0; i < RACES; i++) {
		pthread_barrier_wait(&r->start);
		err = device_unregister(fd, r->handle);
		r->removed += !err;
		r->faults += err && err != -ENOENT;
		pthread_barrier_wait(&r->start);
	}
	device_close(&fd);
	return NULL;
}

/* Who frees it and who removes its name: whichever is later finds nothing left. */
TEST_F(registry, unregister_while_the_ring_goes)
{
	struct remover r = { 0 };
	pthread_t thread;
	int i, fd;

	ASSERT_EQ(0, pthread_barrier_init(&r.start, NULL, 2));
	ASSERT_EQ(0, pthread_create(&thread, NULL, remove_handles, &r));
	for (i = 0; i < RACES; i++) {
		fd = device_ring(64, SHMRING_ROLE_BOTH);
		EXPECT_LE(0, fd);
		EXPECT_EQ(0, device_register(fd, 0, &r.handle));
		pthread_barrier_wait(&r.start);
		device_close(&fd);
		pthread_barrier_wait(&r.start);
	}
	pthread_join(thread, NULL);
	EXPECT_EQ(0, r.faults);
	EXPECT_LT(0, r.removed);
	EXPECT_EQ(0, device_param("handles"));
}

TEST_F(registry, unregister_leaves_the_ring)
{
	struct device_pair pair;
	struct shmring_ioc_info info;
	char text[8];

	ASSERT_EQ(0, device_pair(&pair, 64, 0));
	ASSERT_EQ(0, device_unregister(pair.consumer, pair.handle));
	EXPECT_EQ(-ENOENT, device_end(pair.handle, SHMRING_ROLE_OBSERVER));
	ASSERT_EQ(0, device_info(pair.producer, &info));
	EXPECT_EQ(0, info.handles);
	device_put(&pair.p, "hello", 5);
	EXPECT_EQ(5, read(pair.consumer, text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, "hello", 5));
	/* It may have another name later */
	EXPECT_EQ(0, device_register(pair.consumer, 0, &pair.handle));
	int end = device_end(pair.handle, SHMRING_ROLE_OBSERVER);

	EXPECT_LE(0, end);
	/* The last of its files may be one that came by a handle */
	device_pair_free(&pair);
	EXPECT_EQ(1, device_param("rings"));
	EXPECT_EQ(0, device_unregister(end, pair.handle));
	EXPECT_EQ(1, device_param("rings"));
	device_close(&end);
	EXPECT_EQ(0, device_param("rings"));
}

TEST_F(registry, roles)
{
	static const __u32 sets[] = {
		SHMRING_ROLE_PRODUCER, SHMRING_ROLE_CONSUMER,
		SHMRING_ROLE_BOTH, SHMRING_ROLE_OBSERVER,
	};
	int fd = device_ring(64, SHMRING_ROLE_OBSERVER);
	int many[100];
	__u32 handle;
	size_t i, j;
	int a, b;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	for (i = 0; i < ARRAY_SIZE(sets); i++)
		for (j = 0; j < ARRAY_SIZE(sets); j++) {
			bool clash = sets[i] & sets[j] & SHMRING_ROLE_BOTH;

			a = device_end(handle, sets[i]);
			ASSERT_LE(0, a);
			b = device_end(handle, sets[j]);
			EXPECT_TRUE(clash ? b == -EBUSY : b >= 0);
			/* Half of what is asked for is not taken */
			if (clash && sets[j] == SHMRING_ROLE_BOTH &&
			    sets[i] != SHMRING_ROLE_BOTH) {
				b = device_end(handle, sets[j] & ~sets[i]);
				EXPECT_LE(0, b);
			}
			device_close(&b);
			/* Free as soon as it is closed */
			device_close(&a);
			a = device_end(handle, sets[i]);
			EXPECT_LE(0, a);
			device_close(&a);
		}

	/* A file whose attach failed may try again */
	a = device_end(handle, SHMRING_ROLE_PRODUCER);
	b = device_open(O_RDWR);
	EXPECT_EQ(-EBUSY, device_attach(b, handle, SHMRING_ROLE_PRODUCER));
	EXPECT_EQ(0, device_attach(b, handle, SHMRING_ROLE_CONSUMER));
	device_close(&a);
	device_close(&b);

	for (i = 0; i < ARRAY_SIZE(many); i++) {
		many[i] = device_end(handle, SHMRING_ROLE_OBSERVER);
		ASSERT_LE(0, many[i]);
	}
	for (i = 0; i < ARRAY_SIZE(many); i++)
		device_close(&many[i]);
	device_close(&fd);
}

/*
 * --- Rings that a handle keeps
 */

TEST_F(registry, persistent)
{
	struct shmring_ioc_info info;
	__u32 handle, second;
	char text[8];
	int fd, p;

	fd = device_open(O_RDWR);
	ASSERT_EQ(0, device_create_full(fd, 64, SHMRING_ROLE_PRODUCER,
					SHMRING_F_PERSIST, 0));
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	ASSERT_EQ(0, device_register(fd, 0, &second));
	ASSERT_EQ(5, write(fd, "hello", 5));
	device_close(&fd);
	EXPECT_EQ(1, device_param("rings"));
	EXPECT_EQ(4, device_param("pages"));
	EXPECT_EQ(2, device_param("handles"));
	/* Its code is needed still */
	EXPECT_EQ(-EAGAIN, module_unload("shmring"));

	fd = device_end(handle, SHMRING_ROLE_CONSUMER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_info(fd, &info));
	EXPECT_EQ(SHMRING_F_PERSIST, info.flags);
	EXPECT_EQ(SHMRING_STATE_PRODUCER_GONE, info.state);
	EXPECT_EQ(5, info.wr);
	EXPECT_EQ(0, info.rd);
	EXPECT_EQ(2, info.handles);
	EXPECT_EQ(5, read(fd, text, sizeof(text)));
	EXPECT_EQ(0, memcmp(text, "hello", 5));
	device_close(&fd);

	/* Nobody has it; both come back */
	p = device_end(second, SHMRING_ROLE_PRODUCER);
	fd = device_end(second, SHMRING_ROLE_CONSUMER);
	ASSERT_LE(0, p);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_info(fd, &info));
	EXPECT_EQ(0, info.state);
	EXPECT_EQ(5, info.rd);
	EXPECT_EQ(3, write(p, "abc", 3));
	EXPECT_EQ(3, read(fd, text, sizeof(text)));
	device_close(&p);
	device_close(&fd);

	/* The last handle takes it along; an unbound file can do that */
	fd = device_open(O_RDONLY);
	EXPECT_EQ(0, device_unregister(fd, second));
	EXPECT_EQ(1, device_param("rings"));
	EXPECT_EQ(0, device_unregister(fd, handle));
	EXPECT_EQ(0, device_param("rings"));
	EXPECT_EQ(-ENOENT, device_attach(fd, handle, SHMRING_ROLE_OBSERVER));
	device_close(&fd);

	/* Without one it is a ring like any other */
	fd = device_open(O_RDWR);
	ASSERT_EQ(0, device_create_full(fd, 64, SHMRING_ROLE_BOTH,
					SHMRING_F_PERSIST, 0));
	device_close(&fd);
	EXPECT_EQ(0, device_param("rings"));

	/* And one whose handle goes first lives as long as its file */
	fd = device_open(O_RDWR);
	ASSERT_EQ(0, device_create_full(fd, 64, SHMRING_ROLE_BOTH,
					SHMRING_F_PERSIST, 0));
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	ASSERT_EQ(0, device_unregister(fd, handle));
	EXPECT_EQ(3, write(fd, "abc", 3));
	device_close(&fd);
	EXPECT_EQ(0, device_param("rings"));
}

TEST_F(registry, module_is_needed)
{
	int fd = device_open(O_RDWR);
	void *map;
	long page = sysconf(_SC_PAGESIZE);

	EXPECT_EQ(-EAGAIN, module_unload("shmring"));
	ASSERT_EQ(0, device_create(fd, 64, SHMRING_ROLE_BOTH));
	map = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, map);
	device_close(&fd);
	EXPECT_EQ(-EAGAIN, module_unload("shmring"));
	munmap(map, page);

	/* It could go now, but others have tests to run */
	EXPECT_EQ(0, module_users());
}

/*
 * --- Who may
 */

static const struct {
	const char *name;
	struct device_user user;
	int shift;	/* of the mode bits; negative: all is permitted */
} people[] = {
	{ "owner", { OWNER, 55, 0, -1 }, 6 },
	{ "owner, in the group", { OWNER, OWNERS_GROUP, 0, -1 }, 6 },
	{ "group", { STRANGER, OWNERS_GROUP, 0, -1 }, 3 },
	{ "group as well", { STRANGER, 55, OWNERS_GROUP, -1 }, 3 },
	{ "other", { STRANGER, STRANGER, 0, -1 }, 0 },
	{ "other with group 1000", { STRANGER, OWNER, 0, -1 }, 0 },
	{ "root without rights", { 0, 0, 0, -1 }, 0 },
	{ "root with the wrong right", { 0, 0, 0, CAP_SYS_RESOURCE }, 0 },
	{ "other with the right", { STRANGER, STRANGER, 0, CAP_IPC_OWNER }, -1 },
	{ "root's right", { 0, 0, 0, CAP_IPC_OWNER }, -1 },
};

/* All that the 64 modes have is in the bits of the number. */
static __u32 mode_of(unsigned int n)
{
	return (n & 3) << 1 | (n & 12) << 2 | (n & 48) << 3;
}

static bool may(int who, __u32 mode, __u32 wanted)
{
	if (people[who].shift < 0)
		return true;
	return (mode ?: 0600) >> people[who].shift & wanted;
}

/* In a child: its exit status says how many answers were wrong. */
static void try_modes(int who, const __u32 *handle)
{
	static const __u32 sets[] = {
		SHMRING_ROLE_PRODUCER, SHMRING_ROLE_CONSUMER,
		SHMRING_ROLE_BOTH, SHMRING_ROLE_OBSERVER,
	};
	int faults = 0;
	unsigned int n;
	size_t i;

	if (device_become(&people[who].user))
		_exit(200);
	for (n = 0; n < HANDLES_MAX; n++) {
		for (i = 0; i < ARRAY_SIZE(sets); i++) {
			__u32 bit = sets[i] & SHMRING_ROLE_BOTH ? 2 : 4;
			int expected = may(who, mode_of(n), bit) ? 0 : -ENOENT;
			int fd = device_open(sets[i] & SHMRING_ROLE_BOTH ?
					     O_RDWR : O_RDONLY);
			int err = device_attach(fd, handle[n], sets[i]);

			if (err != expected && faults++ < 5)
				printf("# %s, mode %04o, roles %u: %d\n",
				       people[who].name, mode_of(n), sets[i],
				       err);
			/* Coming in by a handle makes nobody an owner */
			if (!err && people[who].shift >= 0) {
				__u32 more;

				expected = people[who].shift == 6 ?
					   -ENOSPC : -EPERM;
				if (device_register(fd, 0, &more) != expected)
					faults++;
			}
			device_close(&fd);
		}
	}
	fflush(stdout);
	_exit(faults > 100 ? 100 : faults);
}

static void try_unregister(int who, const __u32 *handle)
{
	int fd, expected, err, faults = 0;
	unsigned int n;

	if (device_become(&people[who].user))
		_exit(200);
	fd = device_open(O_RDONLY);
	for (n = 0; n < HANDLES_MAX; n++) {
		if (people[who].shift == 6 || people[who].shift < 0)
			expected = 0;
		else
			expected = may(who, mode_of(n), 6) ? -EPERM : -ENOENT;
		err = device_unregister(fd, handle[n]);
		if (err != expected && faults++ < 5)
			printf("# %s, mode %04o: unregister: %d\n",
			       people[who].name, mode_of(n), err);
	}
	fflush(stdout);
	_exit(faults > 100 ? 100 : faults);
}

TEST_F(registry, modes)
{
	__u32 handle[HANDLES_MAX];
	size_t who;
	int n, fd;
	pid_t pid;

	for (who = 0; who < ARRAY_SIZE(people); who++) {
		fd = owners_ring(64, SHMRING_ROLE_OBSERVER, 0);
		ASSERT_LE(0, fd);
		for (n = 0; n < HANDLES_MAX; n++)
			ASSERT_EQ(0, device_register(fd, mode_of(n),
						     &handle[n]));
		pid = fork();
		if (!pid)
			try_modes(who, handle);
		EXPECT_EQ(0, device_child(pid));
		pid = fork();
		if (!pid)
			try_unregister(who, handle);
		EXPECT_EQ(0, device_child(pid));
		device_close(&fd);
	}
}

/* Rights that somebody has in a namespace of their own count there only. */
TEST_F(registry, user_namespace)
{
	struct device_user user = { STRANGER, STRANGER, 0, -1 };
	int fd = owners_ring(64, SHMRING_ROLE_OBSERVER, 0);
	__u32 handle, own;
	int status;
	pid_t pid;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_register(fd, 0600, &handle));
	pid = fork();
	if (!pid) {
		if (device_become(&user))
			_exit(1);
		if (unshare(CLONE_NEWUSER))
			_exit(77);
		if (device_end(handle, SHMRING_ROLE_OBSERVER) != -ENOENT ||
		    device_unregister(fd, handle) != -ENOENT)
			_exit(2);
		/* The file, once it is there, is what counts */
		if (device_register(fd, 0, &own) != -EPERM)
			_exit(3);
		device_close(&fd);
		fd = device_ring(64, SHMRING_ROLE_PRODUCER);
		if (fd < 0 || device_register(fd, 0, &own) ||
		    device_end(own, SHMRING_ROLE_CONSUMER) < 0)
			_exit(4);
		_exit(0);
	}
	status = device_child(pid);
	device_close(&fd);
	if (status == 77)
		SKIP(return, "user namespaces are switched off");
	EXPECT_EQ(0, status);
}

/*
 * --- Whose handles
 */

/* In a PID namespace of its own, as root. */
static void in_namespace(int fd, __u32 handle, int out, int in)
{
	struct shmring_ioc_info info;
	__u32 mine, shared;
	int own, end;

	if (getpid() != 1)
		_exit(1);
	if (device_end(handle, SHMRING_ROLE_OBSERVER) != -ENOENT ||
	    device_unregister(fd, handle) != -ENOENT)
		_exit(2);
	/* It may use what it was given, and cannot see who else does */
	if (device_info(fd, &info) || info.handles != 1 || info.producer_pid)
		_exit(3);
	/* A further name belongs where the ring was made */
	if (device_register(fd, 0, &shared) ||
	    device_end(shared, SHMRING_ROLE_OBSERVER) != -ENOENT)
		_exit(4);
	own = device_ring(64, SHMRING_ROLE_PRODUCER);
	if (own < 0 || device_register(own, 0666, &mine))
		_exit(5);
	end = device_end(mine, SHMRING_ROLE_CONSUMER);
	if (end < 0 || device_info(end, &info) || info.producer_pid != 1)
		_exit(6);
	if (write(out, &mine, sizeof(mine)) != sizeof(mine) ||
	    write(out, &shared, sizeof(shared)) != sizeof(shared) ||
	    read(in, &info, 1) != 1)
		_exit(7);
	_exit(0);
}

TEST_F(registry, pid_namespace)
{
	int there[2], back[2];
	__u32 handle, theirs, shared;
	int fd, end;
	pid_t pid, inner;

	fd = device_ring(64, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_register(fd, 0666, &handle));
	ASSERT_EQ(0, pipe(there));
	ASSERT_EQ(0, pipe(back));
	pid = fork();
	if (!pid) {
		close(there[0]);
		close(back[1]);
		if (unshare(CLONE_NEWPID))
			_exit(78);
		/* The caller itself has not moved */
		end = device_end(handle, SHMRING_ROLE_OBSERVER);
		if (end < 0)
			_exit(79);
		device_close(&end);
		inner = fork();
		if (!inner)
			in_namespace(fd, handle, there[1], back[0]);
		_exit(device_child(inner));
	}
	close(there[1]);
	close(back[0]);
	ASSERT_EQ(sizeof(theirs), read(there[0], &theirs, sizeof(theirs))) {
		TH_LOG("child: %d", device_child(pid));
	}
	ASSERT_EQ(sizeof(shared), read(there[0], &shared, sizeof(shared)));
	EXPECT_EQ(-ENOENT, device_end(theirs, SHMRING_ROLE_OBSERVER));
	EXPECT_EQ(-ENOENT, device_unregister(fd, theirs));
	end = device_end(shared, SHMRING_ROLE_CONSUMER);
	EXPECT_LE(0, end);
	device_close(&end);
	EXPECT_EQ(1, write(back[1], "", 1));
	EXPECT_EQ(0, device_child(pid));
	device_close(&fd);
}

/*
 * Make rings that only their handles keep, in a PID namespace that ends when @end
 * is closed.  Returns the process whose end comes with it; -errno.
 */
static pid_t persistent_rings(int rings, int end[2])
{
	int there[2], fd, i;
	pid_t pid, inner;
	__u32 handle;
	char ready;

	if (pipe(there) || pipe(end))
		return -errno;
	pid = fork();
	if (!pid) {
		close(end[1]);
		if (unshare(CLONE_NEWPID))
			_exit(78);
		inner = fork();
		if (inner)
			_exit(device_child(inner));
		for (i = 0; i < rings; i++) {
			fd = device_open(O_RDWR);
			if (device_create_full(fd, 4096, SHMRING_ROLE_PRODUCER,
					       SHMRING_F_PERSIST, 0) ||
			    device_register(fd, 0, &handle) ||
			    device_register(fd, 0, &handle))
				_exit(1);
			device_close(&fd);
		}
		_exit(write(there[1], "", 1) != 1 || read(end[0], &ready, 1));
	}
	close(there[1]);
	close(end[0]);
	i = read(there[0], &ready, 1);
	close(there[0]);
	return i == 1 ? pid : -ECHILD;
}

static bool ring_can_be_made(void)
{
	int fd = device_ring(64, SHMRING_ROLE_PRODUCER);
	bool made = fd >= 0;

	device_close(&fd);
	return made;
}

/* What nobody will ever be able to name is gone by the time that a ring is made. */
TEST_F(registry, persistent_in_a_namespace_that_ends)
{
	int end[2];
	pid_t pid;

	pid = persistent_rings(1, end);
	ASSERT_LT(0, pid);
	EXPECT_TRUE(ring_can_be_made());
	EXPECT_EQ(1, device_param("rings"));
	EXPECT_EQ(2, device_param("handles"));
	close(end[1]);
	EXPECT_EQ(0, device_child(pid));
	EXPECT_TRUE(ring_can_be_made());
	EXPECT_TRUE(device_idle());
}

/* Many: none pays for them all, and those of the living are not in the way. */
TEST_F(registry, persistent_in_namespaces_that_end)
{
	int live_end[2], dead_end[2];
	pid_t live, dead;
	int i;

	live = persistent_rings(20, live_end);
	ASSERT_LT(0, live);
	dead = persistent_rings(20, dead_end);
	ASSERT_LT(0, dead);
	close(dead_end[1]);
	EXPECT_EQ(0, device_child(dead));
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(ring_can_be_made());
	EXPECT_EQ(20, device_param("rings"));
	EXPECT_EQ(40, device_param("handles"));
	close(live_end[1]);
	EXPECT_EQ(0, device_child(live));
	for (i = 0; i < 20; i++)
		EXPECT_TRUE(ring_can_be_made());
	EXPECT_TRUE(device_idle());
}

TEST_HARNESS_MAIN
