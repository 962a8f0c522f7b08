// SPDX-License-Identifier: MIT
/*
 * Tap a network interface into any program that reads a capture:
 *
 *	tap [-b BYTES] [-s SNAPLEN] INTERFACE tcpdump -n -r -
 *
 * The reader's standard input is the ring itself, BYTES large (4 MiB).  The tap
 * ends with this program's own standard input, with the reader, or with the
 * interface; a reader that is left then comes to the end of its file.  What
 * became of the packets is reported on standard error.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/shmring_tap.h>
#include <shmring.h>

static int fail(const char *what, int err)
{
	fprintf(stderr, "tap: %s: %s\n", what, strerror(err));
	return 1;
}

static pid_t run(char **argv, struct shmring *input)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	dup2(shmring_fd(input), STDIN_FILENO);
	execvp(argv[0], argv);
	_exit(fail(argv[0], errno) + 126);
}

/* Until our standard input ends, or the process does. */
static void wait_for_end(pid_t pid)
{
	struct pollfd p[2] = {
		{ .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN },
	};
	char buf[256];

	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		if (p[0].revents && read(STDIN_FILENO, buf, sizeof(buf)) <= 0)
			break;
	}
	close(p[1].fd);
}

static void report(int tap, const struct shmring *ring)
{
	struct shmring_tap_stats packets = { .size = sizeof(packets) };
	struct shmring_stats bytes;

	if (ioctl(tap, SHMRING_TAP_IOC_STATS, &packets) ||
	    shmring_stats(ring, &bytes))
		return;
	fprintf(stderr, "tap: %llu packets, %llu written, %llu dropped\n",
		(unsigned long long)packets.packets,
		(unsigned long long)packets.written,
		(unsigned long long)packets.drops);
	fprintf(stderr, "tap: ring: %llu bytes, %llu drops, %llu kicks\n",
		(unsigned long long)bytes.wr, (unsigned long long)bytes.drops,
		(unsigned long long)bytes.rx.kicks);
}

int main(int argc, char **argv)
{
	struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_CONSUMER,
	};
	struct shmring_tap_start start = { .size = sizeof(start) };
	int tap, option, status, bytes = 4 << 20;
	struct shmring *ring;
	pid_t reader;

	while ((option = getopt(argc, argv, "+b:s:")) != -1) {
		if (option == 'b')
			bytes = atoi(optarg);
		else if (option == 's')
			start.snaplen = atoi(optarg);
		else
			return 2;
	}
	argv += optind;
	if (argc - optind < 2) {
		fprintf(stderr,
			"usage: tap [-b BYTES] [-s SNAPLEN] INTERFACE PROGRAM [ARGUMENT]...\n");
		return 2;
	}

	start.ifindex = if_nametoindex(argv[0]);
	if (!start.ifindex)
		return fail(argv[0], errno);
	tap = open(SHMRING_TAP_DEVICE, O_RDWR | O_CLOEXEC);
	if (tap < 0)
		return fail(SHMRING_TAP_DEVICE, errno);
	ring = shmring_create(bytes, &options);
	if (!ring)
		return fail("ring", errno);
	start.ring_fd = shmring_fd(ring);
	if (ioctl(tap, SHMRING_TAP_IOC_START, &start))
		return fail(argv[0], errno);
	fprintf(stderr, "tap: on %s\n", argv[0]);

	reader = run(argv + 1, ring);
	if (reader < 0)
		return fail("fork", errno);
	wait_for_end(reader);
	report(tap, ring);
	close(tap);		/* the end of the stream */
	waitpid(reader, &status, 0);
	shmring_free(ring);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
