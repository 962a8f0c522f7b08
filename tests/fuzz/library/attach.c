// SPDX-License-Identifier: GPL-2.0-only
/* Files that claim to be a ring in memory: what is attached to can be used */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <shmring.h>

#include "target.h"

#define PAGE	4096ULL

/**
 * struct claim - the input, cut to this or filled up with zeroes
 * @k: what page K says
 * @rd: what page C says
 * @wr: what page P says
 * @pages: of the file
 * @more: bytes beside them
 * @seals: of it
 * @roles: that are asked for
 */
struct claim {
	unsigned char k[88];
	uint64_t rd;
	uint64_t wr;
	uint16_t pages;
	int16_t more;
	uint16_t seals;
	uint16_t roles;
};

static void use(struct shmring *r)
{
	static unsigned char buf[PAGE];
	struct shmring_stats stats;
	struct iovec v[2];
	size_t size;
	void *arena;

	shmring_stats(r, &stats);
	arena = shmring_arena(r, &size);
	if (arena && shmring_roles(r) & SHMRING_ROLE_BOTH)
		memset(arena, 1, size);
	if (shmring_write_acquire(r, v)) {
		memset(v[0].iov_base, 2, v[0].iov_len);
		if (v[1].iov_len)
			memset(v[1].iov_base, 2, v[1].iov_len);
		shmring_write_commit(r, v[0].iov_len);
	}
	shmring_try_read_into(r, buf, sizeof(buf));
	if (shmring_read_acquire(r, v))
		memcpy(buf, v[0].iov_base, v[0].iov_len < PAGE ? v[0].iov_len : PAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	static int event = -1;
	struct claim c = { 0 };
	struct shmring *r;
	int fds[3];

	if (event < 0)
		event = target_event();
	memcpy(&c, input, n < sizeof(c) ? n : sizeof(c));
	fds[0] = memfd_create("claim", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	fds[1] = event;
	fds[2] = event;
	if (pwrite(fds[0], &c.rd, 8, 0) == 8 &&
	    pwrite(fds[0], c.k, sizeof(c.k), PAGE) == sizeof(c.k) &&
	    pwrite(fds[0], &c.wr, 8, 2 * PAGE) == 8 &&
	    !ftruncate(fds[0], (c.pages % 4096) * PAGE + c.more)) {
		fcntl(fds[0], F_ADD_SEALS, c.seals & 7);
		r = shmring_attach_fds(fds, c.roles);
		if (r)
			use(r);
		shmring_free(r);
	}
	close(fds[0]);
	return 0;
}
