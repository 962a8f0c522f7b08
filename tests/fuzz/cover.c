// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of the module was seen: on a kernel with kcov, whose module is built
 * with it, each instrumented place that a thread's calls came by
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "fuzz.h"

#define WORDS	(64UL << 10)
#define SEEN	(1U << 14)

static __thread uint64_t *trace;
static uint64_t seen[SEEN];

bool fuzz_cover_open(void)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return false;
	if (ioctl(fd, KCOV_INIT_TRACE, WORDS))
		goto close;
	trace = mmap(NULL, WORDS * sizeof(*trace), PROT_READ | PROT_WRITE,
		     MAP_SHARED, fd, 0);
	if (trace == MAP_FAILED)
		goto close;
	/* The file stays open: it is what traces */
	return !ioctl(fd, KCOV_ENABLE, KCOV_TRACE_PC);
close:
	close(fd);
	return false;
}

static void add(uint64_t pc)
{
	uint64_t none;
	unsigned int i, tries;

	i = (unsigned int)(pc * 0x9e3779b97f4a7c15ULL >> 50);
	for (tries = 0; tries < SEEN; tries++, i = (i + 1) % SEEN) {
		none = 0;
		if (__atomic_load_n(&seen[i], __ATOMIC_RELAXED) == pc ||
		    __atomic_compare_exchange_n(&seen[i], &none, pc, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    none == pc)
			return;
	}
}

void fuzz_cover_add(void)
{
	uint64_t n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED), i;

	for (i = 0; i < n && i + 1 < WORDS; i++)
		add(trace[i + 1]);
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

unsigned int fuzz_cover_count(void)
{
	unsigned int n = 0, i;

	for (i = 0; i < SEEN; i++)
		n += seen[i] != 0;
	return n;
}
