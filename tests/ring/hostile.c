// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"
#include "ring.h"

#define SEALED	(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Page K is the second, C the first, P the third. */
#define K(field, v)							\
	.offset = offsetof(struct shmring_kernel_page, field),		\
	.length = sizeof(((struct shmring_kernel_page *)0)->field),	\
	.value = (v), .seals = SEALED, .err = EINVAL, .what = #field " " #v

static const struct hostile_case in_page_k[] = {
	{ K(magic, 0) }, { K(magic, SHMRING_MAGIC + 1) },
	{ K(version, 0) }, { K(version, SHMRING_ABI_VERSION + 1) },
	{ K(page_size, 0) }, { K(page_size, 1) }, { K(page_size, 8192) },
	{ K(page_size, 1U << 31) }, { K(page_size, UINT32_MAX) },
	{ K(backend, 0) }, { K(backend, SHMRING_BACKEND_DEVICE) },
	{ K(backend, 3) },
	{ K(capacity, 0) }, { K(capacity, 1) }, { K(capacity, 3) },
	{ K(capacity, 32768) }, { K(capacity, 16384) },
	{ K(capacity, 1ULL << 31) }, { K(capacity, 1ULL << 63) },
	{ K(capacity, (1ULL << 32) + 64) }, { K(capacity, (1ULL << 32) + 8192) },
	{ K(capacity, UINT64_MAX) },
	{ K(consumer_offset, 4096) }, { K(consumer_offset, UINT64_MAX) },
	{ K(kernel_offset, 0) }, { K(kernel_offset, 8192) },
	{ K(producer_offset, 0) }, { K(producer_offset, -4096ULL) },
	{ K(data_offset, 0) }, { K(data_offset, 4096) },
	{ K(data_offset, 12289) }, { K(data_offset, 1ULL << 62) },
	{ K(map_length, 0) }, { K(map_length, 4096) },
	{ K(map_length, 1ULL << 40) }, { K(map_length, UINT64_MAX) },
	{ K(arena_offset, 4096) }, { K(arena_offset, 1ULL << 40) },
	{ K(arena_offset, UINT64_MAX) },
	{ K(arena_size, 1) }, { K(arena_size, 4096) },
	{ K(arena_size, 1ULL << 30) }, { K(arena_size, 1ULL << 31) },
	{ K(arena_size, -4096ULL) }, { K(arena_size, UINT64_MAX) },
};

static const struct hostile_case around[] = {
	{ .what = "all is well", .seals = SEALED },
	{ .what = "no last seal", .seals = F_SEAL_SHRINK | F_SEAL_GROW },
	{ .what = "no seals", .err = EINVAL },
	{ .what = "may grow", .seals = F_SEAL_SHRINK, .err = EINVAL },
	{ .what = "may shrink", .seals = F_SEAL_GROW, .err = EINVAL },
	{ .what = "may not be written", .seals = SEALED | F_SEAL_WRITE, .err = EPERM },
	{ .what = "a page short", .seals = SEALED, .grow = -4096, .err = EINVAL },
	{ .what = "a byte short", .seals = SEALED, .grow = -1, .err = EINVAL },
	{ .what = "a byte long", .seals = SEALED, .grow = 1, .err = EINVAL },
	{ .what = "empty", .seals = SEALED, .grow = INT64_MIN, .err = EINVAL },
	{ .what = "rd ahead", .seals = SEALED, .offset = 0, .length = 8,
	  .value = 1, .err = EBADMSG },
	{ .what = "rd far behind", .seals = SEALED, .offset = 0, .length = 8,
	  .value = -8193ULL, .err = EBADMSG },
	{ .what = "wr far ahead", .seals = SEALED, .offset = 8192, .length = 8,
	  .value = 8193, .err = EBADMSG },
	{ .what = "wr at the other end", .seals = SEALED, .offset = 8192,
	  .length = 8, .value = 1ULL << 63, .err = EBADMSG },
	{ .what = "one byte there", .seals = SEALED, .offset = 8192, .length = 8,
	  .value = 1 },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

bool hostile_case(unsigned int i, struct hostile_case *out)
{
	if (i < COUNT(around)) {
		*out = around[i];
		return true;
	}
	i -= COUNT(around);
	if (i >= COUNT(in_page_k))
		return false;
	*out = in_page_k[i];
	out->offset += sysconf(_SC_PAGESIZE);
	return true;
}

int hostile_memfd(int fd, const struct hostile_case *c)
{
	struct stat st;
	int64_t size;
	char *pages;
	int copy;

	if (fstat(fd, &st))
		return -1;
	size = c->grow == INT64_MIN ? 0 : st.st_size + c->grow;
	pages = mmap(NULL, st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (pages == MAP_FAILED)
		return -1;
	copy = memfd_create("shmring-hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (copy < 0 || pwrite(copy, pages, st.st_size, 0) != st.st_size ||
	    pwrite(copy, &c->value, c->length, c->offset) != c->length ||
	    ftruncate(copy, size) || fcntl(copy, F_ADD_SEALS, c->seals)) {
		close(copy);
		copy = -1;
	}
	munmap(pages, st.st_size);
	return copy;
}
