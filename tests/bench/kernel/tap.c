// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets of the loopback device, as shmring_tap and packet sockets see them
 *
 * A record is the payload of a UDP datagram.  The packet is captured in the
 * context of the thread that sends it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/shmring_tap.h>
#include <shmring.h>

#include "measure.h"

#define PORT		7777
#define HEADERS		(14 + 20 + 8)

/* Of a pcapng block: type, length, ..., and of a packet's, where its bytes are */
#define BLOCK_PACKET	6
#define BLOCK_CAPTURED	20
#define BLOCK_DATA	28

#define BLOCKS		4
#define BLOCK_BYTES	(CAPACITY / BLOCKS)
#define BATCH		16

/* Wait for a quarter of the ring, or for a millisecond, as AF_PACKET's does */
#define LOWAT		0x1U

struct tap {
	struct shmring *ring;
	int fd;
	uint8_t *map;
	unsigned int block;
	struct mmsghdr messages[BATCH];
	struct iovec iov[BATCH];
	uint8_t packets[BATCH][HEADERS + BENCH_BYTES_MAX];
};

static void tap_packet(struct consumer *c, const uint8_t *packet, size_t bytes)
{
	if (bytes == HEADERS + c->bytes)
		consumer_take(c, packet + HEADERS);
	else
		c->bad++;
}

/* --- Sending */

static int udp_socket(bool receiver)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), least = 1;

	/* Nobody reads there; that somebody could spares the answers */
	if (receiver) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
		bind(fd, (struct sockaddr *)&to, sizeof(to));
	} else {
		connect(fd, (struct sockaddr *)&to, sizeof(to));
	}
	return fd;
}

static void sleep_until(uint64_t ns)
{
	struct timespec t = {
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

/*
 * What is sent over lo waits in a CPU's backlog for its soft interrupt, which may
 * have been left to a thread; and a backlog that is full drops what comes.
 */
static void backlogs(uint64_t *taken, uint64_t *dropped)
{
	FILE *file = fopen("/proc/net/softnet_stat", "r");
	unsigned int t, d;

	*taken = 0;
	*dropped = 0;
	while (file && fscanf(file, "%x %x%*[^\n]", &t, &d) == 2) {
		*taken += t;
		*dropped += d;
	}
	if (file)
		fclose(file);
}

/* Until nothing was taken from a backlog for a while */
static uint64_t settle(uint64_t dropped_before)
{
	uint64_t taken, dropped, before;

	backlogs(&taken, &dropped);
	do {
		before = taken;
		usleep(5000);
		backlogs(&taken, &dropped);
	} while (taken != before);
	return dropped - dropped_before;
}

/* Adds to @r->dropped what got lost before anybody could capture it. */
static int tap_send(struct consumer *c, struct bench_run *r)
{
	static uint8_t record[BENCH_BYTES_MAX];
	int receiver = udp_socket(true), fd = udp_socket(false), err = 0;
	uint64_t begin, next, burst, tail, taken, lost;
	uint32_t i;

	(void)c;
	backlogs(&taken, &lost);
	begin = now_ns();
	next = begin;
	memset(record, BENCH_FILL, r->bytes);
	while (!err && r->offered < r->limit &&
	       now_ns() - begin < r->duration_ns) {
		burst = now_ns();
		for (i = 0; i < r->burst && r->offered < r->limit; i++) {
			memcpy(record, &r->offered, 8);
			tail = r->offered ^ BENCH_TAIL;
			if (r->bytes >= 16)
				memcpy(record + r->bytes - 8, &tail, 8);
			if (send(fd, record, r->bytes, 0) < 0)
				err = -errno;
			else
				r->offered++;
		}
		r->busy_ns += now_ns() - burst;
		next += r->interval_ns;
		if (r->interval_ns)
			sleep_until(next);
	}
	r->ns = now_ns() - begin;
	r->dropped += settle(lost);
	close(fd);
	close(receiver);
	return err;
}

static int tap_alloc(struct consumer *c, struct tap **t)
{
	*t = calloc(1, sizeof(**t));
	c->state = *t;
	c->device = -1;
	return *t ? 0 : -ENOMEM;
}

/* --- shmring_tap */

static int tap_open(struct consumer *c)
{
	struct shmring_tap_start start = {
		.size = sizeof(start),
		.ifindex = if_nametoindex("lo"),
	};
	struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_CONSUMER,
		.spin_ns = SHMRING_SPIN_OFF,
	};
	struct tap *t;
	int err = tap_alloc(c, &t);

	if (err)
		return err;
	t->fd = open(SHMRING_TAP_DEVICE, O_RDWR | O_CLOEXEC);
	err = -EOPNOTSUPP;
	if (t->fd < 0)
		goto free;
	t->ring = shmring_create(CAPACITY, &options);
	if (t->ring) {
		start.ring_fd = shmring_fd(t->ring);
		if (!ioctl(t->fd, SHMRING_TAP_IOC_START, &start))
			return 0;
	}
	err = -errno;
	if (t->ring)
		shmring_free(t->ring);
	close(t->fd);
free:
	free(t);
	return err;
}

static void tap_drain(struct consumer *c)
{
	struct tap *t = c->state;
	uint32_t type, length, captured;
	struct iovec v[2];
	size_t n, at;

	while ((n = shmring_read_acquire(t->ring, v)) > 0) {
		for (at = 0; at < n; at += length) {
			const uint8_t *p = (const uint8_t *)v[0].iov_base + at;

			memcpy(&type, p, 4);
			memcpy(&length, p + 4, 4);
			memcpy(&captured, p + BLOCK_CAPTURED, 4);
			if (type == BLOCK_PACKET)
				tap_packet(c, p + BLOCK_DATA, captured);
			shmring_read_release(t->ring, length);
		}
	}
}

static void tap_wait(struct consumer *c, int ms)
{
	struct timespec timeout = { .tv_nsec = ms * 1000000L };
	struct tap *t = c->state;

	if (c->transport->flags & LOWAT)
		timeout.tv_nsec = 1000000;
	shmring_wait_readable(t->ring, c->transport->flags & LOWAT ?
			      CAPACITY / 4 : 1, &timeout);
}

static uint64_t tap_kicks(struct consumer *c)
{
	struct shmring_stats stats;
	struct tap *t = c->state;

	return shmring_stats(t->ring, &stats) ? 0 : stats.rx.kicks;
}

static int tap_produce(struct consumer *c, struct bench_run *r)
{
	struct shmring_tap_stats stats = { .size = sizeof(stats) };
	struct tap *t = c->state;
	int err = tap_send(c, r);

	if (ioctl(t->fd, SHMRING_TAP_IOC_STATS, &stats))
		return -errno;
	r->dropped += stats.drops;
	r->written = stats.written;
	return err;
}

static void tap_close(struct consumer *c)
{
	struct tap *t = c->state;

	close(t->fd);
	shmring_free(t->ring);
	free(t);
}

/* --- Packet sockets */

static int packet_socket(void)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = if_nametoindex("lo"),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1;

	/* What goes out comes in again */
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one,
				 sizeof(one)))
		return -1;
	return bind(fd, (struct sockaddr *)&to, sizeof(to)) ? -1 : fd;
}

static int packet_open(struct consumer *c)
{
	int bytes = CAPACITY / 2;	/* which the kernel doubles */
	struct tap *t;
	int err = tap_alloc(c, &t), i;

	if (err)
		return err;
	for (i = 0; i < BATCH; i++) {
		t->iov[i].iov_base = t->packets[i];
		t->iov[i].iov_len = sizeof(t->packets[i]);
		t->messages[i].msg_hdr.msg_iov = &t->iov[i];
		t->messages[i].msg_hdr.msg_iovlen = 1;
	}
	t->fd = packet_socket();
	if (t->fd < 0 || setsockopt(t->fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes,
				    sizeof(bytes)))
		return -errno;
	return 0;
}

static int tpacket_open(struct consumer *c)
{
	struct tpacket_req3 r = {
		.tp_block_size = BLOCK_BYTES,
		.tp_block_nr = BLOCKS,
		.tp_frame_size = 2048,
		.tp_frame_nr = CAPACITY / 2048,
		.tp_retire_blk_tov = 1,
	};
	int version = TPACKET_V3;
	struct tap *t;
	int err = tap_alloc(c, &t);

	if (err)
		return err;
	t->fd = packet_socket();
	if (t->fd < 0 ||
	    setsockopt(t->fd, SOL_PACKET, PACKET_VERSION, &version,
		       sizeof(version)) ||
	    setsockopt(t->fd, SOL_PACKET, PACKET_RX_RING, &r, sizeof(r)))
		return -errno;
	t->map = mmap(NULL, CAPACITY, PROT_READ | PROT_WRITE, MAP_SHARED,
		      t->fd, 0);
	return t->map == MAP_FAILED ? -errno : 0;
}

static void packet_drain(struct consumer *c)
{
	struct tap *t = c->state;
	int i, n;

	while (c->reads++, (n = recvmmsg(t->fd, t->messages, BATCH,
					 MSG_DONTWAIT, NULL)) > 0) {
		for (i = 0; i < n; i++)
			tap_packet(c, t->packets[i], t->messages[i].msg_len);
	}
}

static void tpacket_drain(struct consumer *c)
{
	struct tap *t = c->state;
	struct tpacket_block_desc *block;
	struct tpacket3_hdr *p;
	uint32_t n;

	for (;; t->block = (t->block + 1) % BLOCKS) {
		block = (void *)(t->map + t->block * BLOCK_BYTES);
		if (!(__atomic_load_n(&block->hdr.bh1.block_status,
				      __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			return;
		p = (void *)((uint8_t *)block +
			     block->hdr.bh1.offset_to_first_pkt);
		for (n = block->hdr.bh1.num_pkts; n; n--) {
			tap_packet(c, (uint8_t *)p + p->tp_mac, p->tp_snaplen);
			p = (void *)((uint8_t *)p + p->tp_next_offset);
		}
		__atomic_store_n(&block->hdr.bh1.block_status,
				 TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	}
}

static void packet_wait(struct consumer *c, int ms)
{
	struct tap *t = c->state;
	struct pollfd p = { .fd = t->fd, .events = POLLIN };

	poll(&p, 1, ms);
}

static int packet_produce(struct consumer *c, struct bench_run *r)
{
	struct tpacket_stats_v3 stats = { 0 };
	socklen_t length = sizeof(stats);
	struct tap *t = c->state;
	int err = tap_send(c, r);

	/* A block that is not full comes after its millisecond */
	usleep(20000);
	if (getsockopt(t->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &length))
		return -errno;
	r->dropped += stats.tp_drops;
	r->written = stats.tp_packets - stats.tp_drops;
	return err;
}

static void packet_close(struct consumer *c)
{
	struct tap *t = c->state;

	if (t->map)
		munmap(t->map, CAPACITY);
	close(t->fd);
	free(t);
}

const struct transport by_tap = {
	.name = "tap-shmring",
	.note = "shmring_tap, read where it stands",
	.open = tap_open,
	.produce = tap_produce,
	.drain = tap_drain,
	.wait = tap_wait,
	.kicks = tap_kicks,
	.close = tap_close,
};

const struct transport by_tap_lowat = {
	.name = "tap-shmring-lowat",
	.note = "the same, waiting for a quarter of the ring, or 1 ms",
	.flags = LOWAT,
	.open = tap_open,
	.produce = tap_produce,
	.drain = tap_drain,
	.wait = tap_wait,
	.kicks = tap_kicks,
	.close = tap_close,
};

const struct transport by_tpacket = {
	.name = "tap-tpacket_v3",
	.note = "AF_PACKET with a ring of 4 blocks",
	.flags = NO_KICKS,
	.open = tpacket_open,
	.produce = packet_produce,
	.drain = tpacket_drain,
	.wait = packet_wait,
	.close = packet_close,
};

const struct transport by_packet = {
	.name = "tap-recvmmsg",
	.note = "AF_PACKET, recvmmsg() of 16 packets",
	.flags = NO_KICKS,
	.open = packet_open,
	.produce = packet_produce,
	.drain = packet_drain,
	.wait = packet_wait,
	.close = packet_close,
};
