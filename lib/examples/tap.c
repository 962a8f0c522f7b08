// SPDX-License-Identifier: MIT
/*
 * Tap a network interface into any program that reads a capture:
 *
 *	tap INTERFACE tcpdump -n -r -
 *
 * The reader's standard input is the ring itself.  The tap ends with this
 * program's own standard input, or with this program; the reader then comes to
 * the end of its file.  What was dropped is reported on standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/shmring_tap.h>
#include <shmring.h>

static int fail(const char *what, int err)
{
	fprintf(stderr, "tap: %s: %s\n", what, strerror(err));
	return 1;
}

int main(int argc, char **argv)
{
	struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_CONSUMER,
	};
	struct shmring_tap_start start = { .size = sizeof(start) };
	struct shmring_tap_stats stats = { .size = sizeof(stats) };
	struct shmring *ring;
	int tap, status;
	char buf[256];
	pid_t reader;

	if (argc < 3) {
		fprintf(stderr, "usage: tap INTERFACE PROGRAM [ARGUMENT]...\n");
		return 2;
	}
	start.ifindex = if_nametoindex(argv[1]);
	if (!start.ifindex)
		return fail(argv[1], errno);
	tap = open(SHMRING_TAP_DEVICE, O_RDWR | O_CLOEXEC);
	if (tap < 0)
		return fail(SHMRING_TAP_DEVICE, errno);
	ring = shmring_create(4 << 20, &options);
	if (!ring)
		return fail("ring", errno);

	start.ring_fd = shmring_fd(ring);
	if (ioctl(tap, SHMRING_TAP_IOC_START, &start))
		return fail(argv[1], errno);

	reader = fork();
	if (reader < 0)
		return fail("fork", errno);
	if (!reader) {
		dup2(shmring_fd(ring), STDIN_FILENO);
		execvp(argv[2], argv + 2);
		_exit(127);
	}

	while (read(STDIN_FILENO, buf, sizeof(buf)) > 0)
		;
	ioctl(tap, SHMRING_TAP_IOC_STATS, &stats);
	close(tap);		/* the end of the stream */
	waitpid(reader, &status, 0);
	fprintf(stderr, "tap: %llu packets, %llu dropped\n",
		(unsigned long long)stats.packets,
		(unsigned long long)stats.drops);
	shmring_free(ring);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
