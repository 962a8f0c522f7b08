// SPDX-License-Identifier: GPL-2.0-only
/* The honest end by the library's verbs: every span lies in the ring */
#include <errno.h>
#include <string.h>

#include <shmring.h>

#include "../ring/ring.h"
#include "hostile.h"

static struct shmring_role *role_of(struct end *e)
{
	return end_produces(e) ? &e->producer->role : &e->consumer->role;
}

/* What an end hands out that believes its peer */
static size_t acquire_unbounded(struct end *e, struct iovec v[2])
{
	struct shmring_role *role = role_of(e);

	v[0].iov_len = shmring_load_acquire(role->end.peer) + role->end.bias -
		       role->end.pos;
	v[0].iov_base = v[0].iov_len ? shmring_role_at(role) : NULL;
	v[1] = (struct iovec){ NULL, 0 };
	role->granted = v[0].iov_len;
	return v[0].iov_len;
}

static size_t acquire(struct end *e, struct iovec v[2])
{
	if (e->h->plant == HOSTILE_UNBOUNDED && !role_of(e)->error)
		return acquire_unbounded(e, v);
	return end_produces(e) ? shmring_producer_acquire(e->producer, v) :
			     shmring_consumer_acquire(e->consumer, v);
}

/* Within the data, the mirror included, and no more than there can be */
static bool lies_within(struct end *e, const struct iovec v[2], size_t n)
{
	struct shmring_role *role = role_of(e);
	uint64_t first = (uintptr_t)v[0].iov_base - (uintptr_t)role->data;

	if (n > e->h->capacity || v[0].iov_len > n ||
	    v[0].iov_len + v[1].iov_len != n)
		return false;
	if (n && (first >= e->h->capacity || first + v[0].iov_len > role->reach))
		return false;
	return !v[1].iov_len || v[1].iov_base == role->data;
}

static ssize_t by_spans(struct end *e)
{
	struct iovec v[2];
	size_t n = acquire(e, v), first;
	int err;

	if (!lies_within(e, v, n)) {
		hostile_fail(e->h, "%s: spans of %zu and %zu bytes, %zu in all",
			     e->h->what, v[0].iov_len, v[1].iov_len, n);
		return 0;
	}
	/* Either a status, or more than was given, or some of it */
	if (!end_below(e, 8))
		n++;
	else if (n)
		n = 1 + end_below(e, n);
	if (n <= v[0].iov_len + v[1].iov_len) {
		first = n < v[0].iov_len ? n : v[0].iov_len;
		if (end_produces(e)) {
			hostile_fill(v[0].iov_base, e->pos - e->h->start,
				     first);
			hostile_fill(v[1].iov_base,
				     e->pos - e->h->start + first, n - first);
		} else {
			end_received(e, v[0].iov_base, e->pos, first);
			end_received(e, v[1].iov_base, e->pos + first, n - first);
		}
	}
	err = end_produces(e) ? shmring_producer_commit(e->producer, n) :
			    shmring_consumer_release(e->consumer, n);
	if (n > v[0].iov_len + v[1].iov_len) {
		if (err != -EINVAL && err != -EBADMSG)
			hostile_fail(e->h, "%s: %zu bytes too many gave %d",
				     e->h->what, n, err);
		return err == -EINVAL ? 0 : err;
	}
	if (err)
		return err;
	e->pos += n;
	return n;
}

static ssize_t by_copy(struct end *e)
{
	size_t n = 1 + end_below(e, HOSTILE_BUFFER), got;
	/* So that what follows it cannot be written to */
	unsigned char *buf = e->buffer + HOSTILE_BUFFER - n;

	if (end_produces(e)) {
		hostile_fill(buf, e->pos - e->h->start, n);
		got = shmring_producer_try_write_from(e->producer, buf, n);
	} else {
		got = shmring_consumer_try_read_into(e->consumer, buf, n);
	}
	if (got > n) {
		hostile_fail(e->h, "%s: %zu of %zu", e->h->what, got, n);
		return 0;
	}
	if (!end_produces(e))
		end_received(e, buf, e->pos, got);
	e->pos += got;
	return got;
}

static ssize_t by_stream(struct end *e)
{
	size_t n = 1 + end_below(e, HOSTILE_BUFFER);
	unsigned char *buf = e->buffer + HOSTILE_BUFFER - n;
	ssize_t got;

	if (e->split)
		return by_copy(e);
	if (end_produces(e)) {
		hostile_fill(buf, e->pos - e->h->start, n);
		got = shmring_write_all(e->r, buf, n, ms(2));
	} else {
		got = shmring_read_some(e->r, buf, n, ms(2));
	}
	return end_moved(e, buf, got, n);
}

static ssize_t wait_some(struct end *e)
{
	uint32_t min = 1 + end_below(e, e->h->capacity);
	const struct timespec *limit = end_below(e, 4) ? ms(1) : NULL;

	return end_produces(e) ? shmring_producer_wait(e->producer, min, limit) :
			     shmring_consumer_wait(e->consumer, min, limit);
}

static ssize_t look(struct end *e)
{
	struct shmring_stats stats;
	uint32_t n = shmring_available(e->r), room = shmring_space(e->r);
	int ret;

	if (n > e->h->capacity || room > e->h->capacity)
		hostile_fail(e->h, "%s: %u available, %u free", e->h->what, n,
			     room);
	ret = shmring_stats(e->r, &stats);
	if (ret)
		return ret;
	ret = shmring_lowat(e->r, end_produces(e) ? SHMRING_WRITABLE :
						SHMRING_READABLE,
			    1 + end_below(e, e->h->capacity / 2));
	if (ret)
		return ret;
	ret = end_produces(e) ? shmring_producer_arm(e->producer) :
			    shmring_consumer_arm(e->consumer);
	return ret > 0 ? 0 : ret;
}

/* For as long as the peer makes no sense: what an end must not do */
static void be_patient(struct end *e)
{
	const struct shmring_role *role = role_of(e);

	while (shmring_end_credit(&role->end) == SHMRING_CREDIT_CORRUPT)
		;
}

ssize_t end_by_library(struct end *e)
{
	static const struct {
		const char *what;
		ssize_t (*once)(struct end *e);
	} ways[] = {
		{ "spans", by_spans }, { "spans", by_spans },
		{ "spans", by_spans }, { "copy", by_copy },
		{ "copy", by_copy }, { "stream", by_stream },
		{ "wait", wait_some }, { "look", look },
	};
	unsigned int way = end_below(e, 8);

	if (e->h->plant == HOSTILE_PATIENT)
		be_patient(e);
	e->h->what = ways[way].what;
	return ways[way].once(e);
}
