// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define PATIENCE_S	10

void tap_sleep_us(unsigned int us)
{
	struct timespec t = { us / 1000000, us % 1000000 * 1000L };

	nanosleep(&t, NULL);
}

int tap_open(void)
{
	int fd = open(SHMRING_TAP_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int tap_ioctl(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int tap_stats(int fd, struct shmring_tap_stats *stats)
{
	*stats = (struct shmring_tap_stats){ .size = sizeof(*stats) };
	return tap_ioctl(fd, SHMRING_TAP_IOC_STATS, stats);
}

struct shmring *tap_ring(uint32_t capacity)
{
	struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
		.roles = SHMRING_ROLE_CONSUMER,
	};

	return shmring_create(capacity, &options);
}

uint64_t *tap_map_rd(const struct shmring *ring)
{
	return mmap(NULL, sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		    MAP_SHARED, shmring_fd(ring), 0);
}

struct shmring_tap_start tap_request(const struct shmring *ring,
				     const char *name)
{
	return (struct shmring_tap_start){
		.size = sizeof(struct shmring_tap_start),
		.ring_fd = ring ? shmring_fd(ring) : -1,
		.ifindex = if_nametoindex(name),
	};
}

int tap_start(struct tap *tap, const char *name, uint32_t capacity,
	      uint32_t snaplen, const struct sock_fprog *filter)
{
	struct shmring_tap_start start;

	tap->fd = tap_open();
	if (tap->fd < 0)
		return tap->fd;
	tap->ring = tap_ring(capacity);
	if (!tap->ring)
		return -errno;
	start = tap_request(tap->ring, name);
	start.snaplen = snaplen;
	if (filter) {
		start.filter_len = filter->len;
		start.filter = (uintptr_t)filter->filter;
	}
	return tap_ioctl(tap->fd, SHMRING_TAP_IOC_START, &start);
}

/* Whole blocks are parsed where they are, and only then released. */
int tap_read(struct tap *tap)
{
	const struct timespec patience = { PATIENCE_S, 0 };
	struct iovec p[2];
	int ret;

	ret = shmring_wait_readable(tap->ring, 1, &patience);
	if (ret < 0)
		return ret;
	shmring_read_acquire(tap->ring, p);
	ret = shmring_read_release(tap->ring,
				   pcapng_parse(&tap->capture, p[0].iov_base,
						p[0].iov_len));
	if (tap->capture.error) {
		fprintf(stderr, "pcapng: %s\n", tap->capture.error);
		return -EBADMSG;
	}
	return ret;
}

int tap_read_to_end(struct tap *tap)
{
	int ret;

	do
		ret = tap_read(tap);
	while (!ret);
	return ret;
}

int tap_stop(struct tap *tap)
{
	int ret;

	close(tap->fd);
	ret = tap_read_to_end(tap);
	if (ret == -EPIPE)
		ret = tap->capture.ended && !shmring_available(tap->ring) ?
		      0 : -ENODATA;
	shmring_free(tap->ring);
	return ret;
}

bool tap_has_seen(int fd, uint64_t packets)
{
	struct shmring_tap_stats stats;
	int tries = PATIENCE_S * 100;

	while (!tap_stats(fd, &stats) && tries--) {
		if (stats.packets >= packets)
			return stats.packets == packets;
		tap_sleep_us(10000);
	}
	return false;
}

bool tap_idle_now(void)
{
	char text[8] = "";
	bool idle;
	int fd;

	fd = open("/sys/module/shmring/parameters/rings", O_RDONLY);
	idle = read(fd, text, sizeof(text) - 1) > 0 && atoi(text) == 0;
	close(fd);
	return idle;
}

bool tap_idle(void)
{
	int tries = PATIENCE_S * 100;

	while (tries--) {
		if (tap_idle_now())
			return true;
		tap_sleep_us(10000);
	}
	return false;
}
