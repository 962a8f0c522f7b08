// SPDX-License-Identifier: MIT
/*
 * recv [-c CAPACITY] FILE - the bytes of a ring into a file
 *
 * Makes the ring, prints its handle for send, and ends when the sender has.
 * The kernel writes the bytes straight out of the ring's pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <shmring.h>

#include "progress.h"

static int fail(const char *what, int err)
{
	fprintf(stderr, "recv: %s: %s\n", what, strerror(err));
	return 1;
}

static int copy(struct shmring *r, int fd, const char *file)
{
	struct progress p;
	struct iovec v[2];
	ssize_t n;
	int err;

	progress_start(&p, "recv");
	for (;;) {
		if (!shmring_read_acquire(r, v)) {
			err = shmring_wait_readable(r, 1, NULL);
			if (err == -EPIPE)
				break;
			if (err && err != -EINTR)
				return fail("the sender", -err);
			if (!p.bytes)
				progress_start(&p, "recv");
			continue;
		}
		n = writev(fd, v, v[1].iov_len ? 2 : 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(file, errno);
		err = shmring_read_release(r, n);
		if (err)
			return fail("the sender", -err);
		progress_step(&p, n, 0);
	}
	progress_end(&p, "releases");
	return 0;
}

static int report(struct shmring *r)
{
	struct shmring_stats s;
	int err = shmring_stats(r, &s);

	if (err)
		return fail("statistics", -err);
	fprintf(stderr, "recv: woken %llu times, slept %llu\n",
		(unsigned long long)s.rx.kicks, (unsigned long long)s.rx.sleeps);
	fprintf(stderr, "send: woken %llu times, slept %llu\n",
		(unsigned long long)s.tx.kicks, (unsigned long long)s.tx.sleeps);
	return 0;
}

int main(int argc, char **argv)
{
	struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_CONSUMER,
	};
	unsigned long capacity = 1 << 20;
	shmring_handle handle;
	struct shmring *r;
	int fd, err, status;
	char *end = "";

	if (argc == 4 && !strcmp(argv[1], "-c")) {
		capacity = strtoul(argv[2], &end, 0);
		argv += 2;
		argc -= 2;
	}
	if (argc != 2 || *end || capacity > SHMRING_CAPACITY_MAX) {
		fprintf(stderr, "usage: recv [-c CAPACITY] FILE\n");
		return 2;
	}
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return fail(argv[1], errno);
	r = shmring_create(capacity, &options);
	if (!r)
		return fail(SHMRING_DEVICE, errno);
	err = shmring_register(r, &handle);
	if (err)
		return fail("handle", -err);
	printf("%u\n", handle);
	fflush(stdout);

	status = copy(r, fd, argv[1]) || report(r);
	shmring_free(r);
	if (close(fd))
		return fail(argv[1], errno);
	return status;
}
