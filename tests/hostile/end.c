// SPDX-License-Identifier: GPL-2.0-only
/* The honest end: works until it is told that the ring is corrupt, and is told so */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../hunt/hunt.h"
#include "../ring/ring.h"
#include "hostile.h"

/* After the first -EBADMSG nothing else is true any more: so many are tried. */
#define AFTERWARDS	50

void hostile_fail(struct hostile *h, const char *format, ...)
{
	va_list args;

	if (__atomic_exchange_n(&h->failing, 1, __ATOMIC_SEQ_CST))
		return;
	va_start(args, format);
	vsnprintf(h->failure, sizeof(h->failure), format, args);
	va_end(args);
	__atomic_store_n(&h->failed, 1, __ATOMIC_RELEASE);
}

/* The jobs of the kernel's ends send this stream, too. */
void hostile_fill(void *to, uint64_t pos, size_t n)
{
	size_t done, piece;

	for (done = 0; done < n; done += piece) {
		piece = n - done < HUNT_CAPACITY_MAX ? n - done : HUNT_CAPACITY_MAX;
		memcpy((char *)to + done, hunt_pattern(pos + done), piece);
	}
}

bool hostile_same(const struct hostile *h, const void *from, uint64_t pos,
		  size_t n)
{
	size_t done, piece;

	for (done = 0; hostile_intact(h) && done < n; done += piece) {
		piece = n - done < HUNT_CAPACITY_MAX ? n - done : HUNT_CAPACITY_MAX;
		if (memcmp((const char *)from + done, hunt_pattern(pos + done),
			   piece))
			return false;
	}
	return true;
}

bool hostile_intact(const struct hostile *h)
{
	return h->mischief == HOSTILE_BESIDE;
}

uint64_t end_below(struct end *e, uint64_t n)
{
	return (random_next(&e->random) >> 8) % n;
}

/* Whatever it is, all of it can be read. */
void end_received(struct end *e, const void *from, uint64_t pos, size_t n)
{
	const unsigned char *byte = from;
	size_t i;

	for (i = 0; i < n; i++)
		e->sum += byte[i];
	if (!hostile_same(e->h, from, pos - e->h->start, n))
		hostile_fail(e->h, "%s: a wrong byte near %llu", e->h->what,
			     (unsigned long long)(pos - e->h->start));
}

bool end_produces(const struct end *e)
{
	return e->h->role == SHMRING_ROLE_PRODUCER;
}

ssize_t end_moved(struct end *e, const unsigned char *buf, ssize_t got,
		  size_t n)
{
	/* The peer has not gone, so this is no end-of-file. */
	if (got > (ssize_t)n || !got) {
		hostile_fail(e->h, "%s: %zd of %zu", e->h->what, got, n);
		return 0;
	}
	if (got > 0) {
		if (!end_produces(e))
			end_received(e, buf, e->pos, got);
		e->pos += got;
	}
	return got;
}

static void interrupted(int signal)
{
	(void)signal;
}

static bool open_end(struct end *e, bool by_library)
{
	const struct sigaction action = { .sa_handler = interrupted };
	const struct itimerval often = { { 0, 5000 }, { 0, 5000 } };
	const size_t page = sysconf(_SC_PAGESIZE);
	const size_t pages = (HOSTILE_BUFFER + page - 1) / page * page;
	unsigned char *at;

	e->pos = e->h->start;
	at = mmap(NULL, pages + page, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	e->buffer = at + pages - HOSTILE_BUFFER;
	if (at == MAP_FAILED || mprotect(at + pages, page, PROT_NONE) ||
	    pipe2(e->pipe, O_CLOEXEC | O_NONBLOCK))
		return false;
	/* Who sleeps in the kernel for ever is asked for at times. */
	if (sigaction(SIGALRM, &action, NULL) ||
	    setitimer(ITIMER_REAL, &often, NULL))
		return false;
	if (!by_library) {
		e->fd = device_end(e->h->handle, e->h->role);
		return e->fd >= 0;
	}
	e->r = shmring_get(e->h->handle, e->h->role);
	if (!e->r)
		return false;
	e->producer = &e->r->producer;
	e->consumer = &e->r->consumer;
	e->split = end_below(e, 2);
	if (e->split) {
		static struct shmring_producer producer;
		static struct shmring_consumer consumer;
		bool produces = end_produces(e);

		e->producer = &producer;
		e->consumer = &consumer;
		if (shmring_split(e->r, produces ? &producer : NULL,
				  produces ? NULL : &consumer))
			return false;
	}
	return true;
}

static bool may_be(ssize_t ret)
{
	return ret >= 0 || ret == -EBADMSG || ret == -EAGAIN || ret == -EINTR ||
	       ret == -ETIMEDOUT;
}

static ssize_t once(struct end *e)
{
	ssize_t ret = e->r ? end_by_library(e) : end_by_calls(e);

	if (!may_be(ret))
		hostile_fail(e->h, "%s: %s", e->h->what, strerror((int)-ret));
	if (ret > 0)
		__atomic_fetch_add(&e->h->moved, ret, __ATOMIC_RELAXED);
	__atomic_fetch_add(&e->h->calls, 1, __ATOMIC_RELAXED);
	return ret;
}

void hostile_end(struct hostile *h, bool by_library, uint64_t seed)
{
	static struct end e;
	ssize_t ret;
	int i;

	e.h = h;
	e.random = seed | 1;
	if (!open_end(&e, by_library)) {
		hostile_fail(h, "the honest end cannot attach");
		_exit(1);
	}
	__atomic_fetch_add(&h->ready, 1, __ATOMIC_RELEASE);
	do {
		ret = once(&e);
	} while (ret != -EBADMSG && !h->failed);
	/* Corrupt is corrupt, wherever the peer's position goes now. */
	for (i = 0; i < AFTERWARDS; i++) {
		ret = once(&e);
		if (ret > 0)
			hostile_fail(h, "%s: %zd in spite of corruption", h->what,
				     ret);
	}
	shmring_free(e.r);
	_exit(h->failed ? 1 : 0);
}
