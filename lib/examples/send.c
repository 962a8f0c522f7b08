// SPDX-License-Identifier: MIT
/*
 * send HANDLE FILE [BYTES] - the bytes of a file or block device into a ring
 *
 * The kernel reads them straight into the ring's pages.  Start recv first: it
 * prints the handle.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shmring.h>

#include "progress.h"

/* The first @limit bytes of two spans; returns how many spans that makes. */
static int spans_limit(struct iovec v[2], size_t limit)
{
	if (v[0].iov_len > limit)
		v[0].iov_len = limit;
	if (v[1].iov_len > limit - v[0].iov_len)
		v[1].iov_len = limit - v[0].iov_len;
	return v[1].iov_len ? 2 : 1;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "send: %s: %s\n", what, strerror(err));
	return 1;
}

/* Copy at most @bytes; UINT64_MAX: until the end of the file. */
static int copy(struct shmring *r, int fd, const char *file, uint64_t bytes)
{
	/* Not all the ring at once: both ends shall work at the same time. */
	size_t chunk = shmring_cap(r) < 8 ? 1 : shmring_cap(r) / 8;
	struct progress p;
	struct iovec v[2];
	ssize_t n;
	int err;

	progress_start(&p, "send");
	while (p.bytes < bytes) {
		if (!shmring_write_acquire(r, v)) {
			err = shmring_wait_writable(r, chunk, NULL);
			if (err && err != -EINTR)
				return fail("the receiver", -err);
			continue;
		}
		n = readv(fd, v, spans_limit(v, bytes - p.bytes < chunk ?
					     bytes - p.bytes : chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fail(file, errno);
		if (n == 0)
			break;
		err = shmring_write_commit(r, n);
		if (!err && shmring_status(r))
			err = shmring_status(r);
		if (err)
			return fail("the receiver", -err);
		progress_step(&p, n, bytes == UINT64_MAX ? 0 : bytes);
	}
	progress_end(&p, "commits");
	if (bytes != UINT64_MAX && p.bytes < bytes) {
		fprintf(stderr, "send: %s: shorter than %llu bytes\n", file,
			(unsigned long long)bytes);
		return 1;
	}
	return 0;
}

static int number(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return errno || *end || text[0] < '0' || text[0] > '9';
}

int main(int argc, char **argv)
{
	uint64_t handle, bytes = UINT64_MAX;
	struct shmring *r;
	struct stat st;
	int fd, status;

	if (argc < 3 || argc > 4 || number(argv[1], &handle) || !handle ||
	    handle > UINT32_MAX || (argc == 4 && number(argv[3], &bytes))) {
		fprintf(stderr, "usage: send HANDLE FILE [BYTES]\n");
		return 2;
	}
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st))
		return fail(argv[2], errno);
	if (S_ISDIR(st.st_mode))
		return fail(argv[2], EISDIR);
	r = shmring_get(handle, SHMRING_ROLE_PRODUCER);
	if (!r)
		return fail(argv[1], errno);

	status = copy(r, fd, argv[2], bytes);
	shmring_free(r);
	close(fd);
	return status;
}
