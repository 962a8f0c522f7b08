// SPDX-License-Identifier: GPL-2.0-only
/* One thread: choose, call, count */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

/* xorshift64* */
uint64_t fuzz_random(struct fuzz_thread *t)
{
	t->random ^= t->random >> 12;
	t->random ^= t->random << 25;
	t->random ^= t->random >> 27;
	return t->random * 0x2545f4914f6cdd1dULL;
}

uint64_t fuzz_below(struct fuzz_thread *t, uint64_t n)
{
	return (fuzz_random(t) >> 16) % n;
}

bool fuzz_chance(struct fuzz_thread *t, unsigned int n)
{
	return !fuzz_below(t, n);
}

uint64_t fuzz_number(struct fuzz_thread *t)
{
	switch (fuzz_below(t, 4)) {
	case 0:
		return fuzz_below(t, 8);
	case 1:
		return 1ULL << fuzz_below(t, 64);
	case 2:
		return (1ULL << fuzz_below(t, 64)) + fuzz_below(t, 3) - 1;
	default:
		return fuzz_random(t);
	}
}

int fuzz_file(struct fuzz_thread *t)
{
	return FUZZ_FILE_FIRST + (int)fuzz_below(t, FUZZ_FILES);
}

void fuzz_fail(struct fuzz_thread *t, const char *format, ...)
{
	struct fuzz *fuzz = t->fuzz;
	va_list args;
	size_t n;

	if (__atomic_exchange_n(&fuzz->failed, 1, __ATOMIC_SEQ_CST))
		return;
	n = snprintf(fuzz->failure, sizeof(fuzz->failure),
		     "thread %u, call %llu: ", t->number,
		     (unsigned long long)t->calls);
	va_start(args, format);
	vsnprintf(fuzz->failure + n, sizeof(fuzz->failure) - n, format, args);
	va_end(args);
	__atomic_store_n(&fuzz->stop, 1, __ATOMIC_SEQ_CST);
}

bool fuzz_judge(struct fuzz_thread *t, long ret, const int *documented)
{
	__atomic_fetch_add(&t->fuzz->calls, 1, __ATOMIC_RELAXED);
	if (ret >= 0) {
		__atomic_fetch_add(&t->fuzz->successes, 1, __ATOMIC_RELAXED);
		return true;
	}
	if (ret == -EBADF)
		return false;
	while (*documented && *documented != -ret)
		documented++;
	if (!*documented || -ret == t->fuzz->forbidden)
		fuzz_fail(t, "%s: %s", t->what, strerror((int)-ret));
	return false;
}

bool fuzz_thread_open(struct fuzz_thread *t)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	unsigned char *at;

	t->random = (t->fuzz->seed + t->number * 0x9e3779b97f4a7c15ULL) | 1;
	at = mmap(NULL, FUZZ_BUFFER + 2 * page, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED)
		return false;
	t->buffer = at;
	/* An inaccessible page, then one that can only be read */
	t->readonly = at + FUZZ_BUFFER + page;
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	return !mprotect(at + FUZZ_BUFFER, page, PROT_NONE) &&
	       !mprotect(t->readonly, page, PROT_READ) &&
	       !pipe2(t->pipe, O_CLOEXEC | O_NONBLOCK) && t->epoll >= 0;
}

void fuzz_once(struct fuzz_thread *t)
{
	__atomic_fetch_add(&t->calls, 1, __ATOMIC_RELAXED);
	switch (fuzz_below(t, 8)) {
	case 0 ... 3:
		fuzz_request(t);
		break;
	case 4 ... 5:
		fuzz_memory(t);
		break;
	default:
		fuzz_call(t);
	}
}

void fuzz_thread_run(struct fuzz_thread *t)
{
	bool cover = fuzz_cover_begin(t->number);

	while (!__atomic_load_n(&t->fuzz->stop, __ATOMIC_RELAXED)) {
		fuzz_once(t);
		if (cover)
			fuzz_cover_add();
	}
	fuzz_memory_forget(t);
}
