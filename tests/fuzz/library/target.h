/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the targets have in common.  Each file beside this is one target of
 * libFuzzer, for one place where the library reads what a peer may have written.
 */
#ifndef TARGET_H
#define TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n);

static inline void target_wrong(const char *what)
{
	fprintf(stderr, "target: %s\n", what);
	abort();
}

/* A copy that ends where the input does, as AddressSanitizer knows */
static inline void *target_memory(const uint8_t *input, size_t n)
{
	void *memory;

	if (posix_memalign(&memory, 128, n ? n : 1))
		abort();
	if (n)
		memcpy(memory, input, n);
	return memory;
}

static inline int target_event(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		abort();
	return fd;
}

#endif /* TARGET_H */
