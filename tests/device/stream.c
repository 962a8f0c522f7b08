// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <shmring_atomic.h>

#include "stream.h"

#define PIECE_MAX	(256 << 10)
#define VECTORS		7

void stream_fill(void *buf, __u64 pos, size_t n)
{
	unsigned char *bytes = buf;
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = stream_byte(pos + i);
}

size_t stream_match(const void *buf, __u64 pos, size_t n)
{
	const unsigned char *bytes = buf;
	size_t i;

	for (i = 0; i < n && bytes[i] == stream_byte(pos + i); i++)
		;
	return i;
}

/* The end's words, its position freshly loaded. */
static struct shmring_end load_end(const struct device_map *map, __u32 role)
{
	struct shmring_end e = { .capacity = map->capacity };

	if (role == SHMRING_ROLE_PRODUCER) {
		e.own = &map->p->wr;
		e.peer = &map->c->rd;
		e.peer_arm = (shmring_word *)&map->k->rx_arm;
		e.bias = map->capacity;
	} else {
		e.own = &map->c->rd;
		e.peer = &map->p->wr;
		e.peer_arm = (shmring_word *)&map->k->tx_arm;
	}
	e.pos = shmring_load(e.own);
	return e;
}

size_t stream_spans(const struct device_map *map, __u32 role, struct iovec v[2])
{
	struct shmring_end e = load_end(map, role);
	__u64 credit = shmring_end_credit(&e);

	if (credit == SHMRING_CREDIT_CORRUPT)
		credit = 0;
	v[0].iov_base = map->data + (e.pos & (e.capacity - 1));
	/* Not told from the layout: half a page looks like one and its mirror */
	v[0].iov_len = shmring_end_contiguous(&e, credit, e.capacity >=
					      map->k->page_size);
	v[1].iov_base = map->data;
	v[1].iov_len = credit - v[0].iov_len;
	return credit;
}

void stream_advance(int fd, struct device_map *map, __u32 role, size_t n)
{
	struct shmring_end e = load_end(map, role);

	if (shmring_end_advance(&e, n))
		device_kick(fd, role == SHMRING_ROLE_PRODUCER ?
			    SHMRING_READABLE : SHMRING_WRITABLE);
}

static long long move_spans(int fd, struct device_map *map, __u32 role,
			    __u64 pos, size_t n)
{
	bool produce = role == SHMRING_ROLE_PRODUCER;
	struct iovec v[2];
	size_t there, i;
	int ret;

	there = stream_spans(map, role, v);
	if (!there) {
		ret = device_wait(fd, produce ? SHMRING_WRITABLE :
				  SHMRING_READABLE, 1, -1);
		if (ret < 0)
			return ret;
		there = stream_spans(map, role, v);
	}
	if (n > there)
		n = there;
	if (n < v[0].iov_len)
		v[0].iov_len = n;
	v[1].iov_len = n - v[0].iov_len;

	for (i = 0; i < 2; pos += v[i++].iov_len) {
		if (produce)
			stream_fill(v[i].iov_base, pos, v[i].iov_len);
		else if (stream_match(v[i].iov_base, pos, v[i].iov_len) !=
			 v[i].iov_len)
			return -EILSEQ;
	}
	stream_advance(fd, map, role, n);
	return n;
}

static long long move_copy(int fd, unsigned char *buf, __u32 role, __u64 pos,
			   size_t n, bool vector)
{
	size_t share = n / VECTORS;
	struct iovec v[VECTORS];
	long long ret;
	int i;

	for (i = 0; i < VECTORS; i++) {
		v[i].iov_base = buf + i * share;
		v[i].iov_len = share;
	}
	v[VECTORS - 1].iov_len += n % VECTORS;

	if (role == SHMRING_ROLE_PRODUCER) {
		stream_fill(buf, pos, n);
		ret = vector ? writev(fd, v, VECTORS) : write(fd, buf, n);
		return ret < 0 ? -errno : ret;
	}
	ret = vector ? readv(fd, v, VECTORS) : read(fd, buf, n);
	if (ret > 0 && stream_match(buf, pos, ret) != (size_t)ret)
		return -EILSEQ;
	return ret < 0 ? -errno : ret;
}

static long long stream_move(int fd, struct device_map *map, __u32 role,
			     __u64 n, size_t piece, enum stream_way way)
{
	const __u64 *own = role == SHMRING_ROLE_PRODUCER ? &map->p->wr :
							   &map->c->rd;
	__u64 pos = device_load(own);
	unsigned int seed = role + n;
	unsigned char *buf;
	long long ret = 0;
	__u64 done = 0;

	if (piece > PIECE_MAX)
		piece = PIECE_MAX;
	buf = malloc(piece);
	while (buf && done < n) {
		size_t len = 1 + rand_r(&seed) % piece;
		enum stream_way now = way;

		if (len > n - done)
			len = n - done;
		if (way == STREAM_ANY)
			now = rand_r(&seed) % STREAM_ANY;
		if (now == STREAM_SPANS)
			ret = move_spans(fd, map, role, pos + done, len);
		else
			ret = move_copy(fd, buf, role, pos + done, len,
					now == STREAM_VECTOR);
		if (ret <= 0)
			break;
		done += ret;
	}
	free(buf);
	/* The peer has gone, in whichever words it was said */
	if (ret < 0 && ret != -EPIPE)
		return ret;
	return done;
}

long long stream_produce(int fd, struct device_map *map, __u64 n, size_t piece,
			 enum stream_way way)
{
	return stream_move(fd, map, SHMRING_ROLE_PRODUCER, n, piece, way);
}

long long stream_consume(int fd, struct device_map *map, __u64 n, size_t piece,
			 enum stream_way way)
{
	return stream_move(fd, map, SHMRING_ROLE_CONSUMER, n, piece, way);
}

pid_t stream_child(int fd, __u32 role, __u64 n, size_t piece,
		   enum stream_way way)
{
	struct device_map map;
	pid_t pid = fork();
	long long moved;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* What it inherited would keep the peer's role from being given up */
	if (fd > 3)
		syscall(SYS_close_range, 3, fd - 1, 0);
	syscall(SYS_close_range, fd + 1, ~0U, 0);
	if (device_map(fd, &map))
		_exit(2);
	moved = stream_move(fd, &map, role, n, piece, way);
	_exit(moved < 0 ? 2 : moved == (long long)n ? 0 : STREAM_SHORT);
}
