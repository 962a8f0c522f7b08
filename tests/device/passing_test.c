// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files that go to another process by a socket: what comes with them, and what
 * holds a role on the way
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "device.h"
#include "send.h"

#define STRANGER	2000

FIXTURE(passing) {
};

FIXTURE_SETUP(passing)
{
	ASSERT_TRUE(device_idle());
}

FIXTURE_TEARDOWN(passing)
{
	EXPECT_TRUE(device_idle());
}

/* Who was given the file needs no permission. */
TEST_F(passing, by_socket)
{
	struct device_user user = { STRANGER, STRANGER, 0, -1 };
	int fd, sockets[2];
	char text[8] = "";
	__u32 handle;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	pid = fork();
	if (!pid) {
		struct device_map map;

		close(sockets[0]);
		if (device_become(&user))
			_exit(1);
		fd = receive_fd(sockets[1]);
		if (fd < 0 || device_map(fd, &map))
			_exit(2);
		device_put(&map, "hello", 5);
		if (device_kick(fd, SHMRING_READABLE) < 0)
			_exit(3);
		/* Held until its mappings are gone, too */
		close(fd);
		if (write(sockets[1], "", 1) != 1 ||
		    read(sockets[1], text, 1) != 1)
			_exit(4);
		_exit(0);
	}
	close(sockets[1]);
	fd = device_ring(64, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	int consumer = device_end(handle, SHMRING_ROLE_CONSUMER);

	ASSERT_LE(0, consumer);
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	device_close(&fd);
	EXPECT_EQ(5, device_wait(consumer, SHMRING_READABLE, 0,
				 5000000000LL));
	EXPECT_EQ(5, read(consumer, text, sizeof(text)));
	EXPECT_STREQ("hello", text);
	EXPECT_EQ(1, read(sockets[0], text, 1));
	EXPECT_EQ(-EBUSY, device_end(handle, SHMRING_ROLE_PRODUCER));
	EXPECT_EQ(1, write(sockets[0], "", 1));
	EXPECT_EQ(0, device_child(pid));
	EXPECT_EQ(-EPIPE, device_wait(consumer, SHMRING_READABLE, 0, -1));
	fd = device_end(handle, SHMRING_ROLE_PRODUCER);
	EXPECT_LE(0, fd);
	device_close(&fd);
	device_close(&consumer);
	close(sockets[0]);
}

TEST_F(passing, held_by_a_message)
{
	int fd, sockets[2];
	__u32 handle;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	fd = device_ring(64, SHMRING_ROLE_PRODUCER);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, device_register(fd, 0, &handle));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	device_close(&fd);
	/* On its way */
	EXPECT_EQ(-EBUSY, device_end(handle, SHMRING_ROLE_PRODUCER));
	fd = receive_fd(sockets[1]);
	EXPECT_EQ(3, write(fd, "abc", 3));
	ASSERT_EQ(0, send_fd(sockets[0], fd));
	device_close(&fd);
	/* Lost on its way */
	close(sockets[0]);
	close(sockets[1]);
	EXPECT_TRUE(device_idle());
	EXPECT_EQ(-ENOENT, device_end(handle, SHMRING_ROLE_PRODUCER));
}

TEST_HARNESS_MAIN
