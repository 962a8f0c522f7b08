/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tap's tests have in common
 *
 * Functions return what the system call does, and -errno where that sets errno.
 */
#ifndef TAP_H
#define TAP_H

#include <linux/filter.h>
#include <linux/shmring_tap.h>
#include <shmring.h>

#include "net.h"
#include "pcapng.h"

int tap_open(void);
int tap_ioctl(int fd, unsigned int cmd, void *arg);
int tap_stats(int fd, struct shmring_tap_stats *stats);

/* A ring of the device, of which we are the consumer. */
struct shmring *tap_ring(uint32_t capacity);

/* The consumer's position, for lies; MAP_FAILED */
uint64_t *tap_map_rd(const struct shmring *ring);

/* What all starts have in common: the struct's size, the ring, the interface. */
struct shmring_tap_start tap_request(const struct shmring *ring,
				     const char *name);

/**
 * struct tap - a tap and its ring's consumer
 * @fd: of the tap
 * @ring: this process is the consumer
 * @capture: what came
 */
struct tap {
	int fd;
	struct shmring *ring;
	struct capture capture;
};

int tap_start(struct tap *tap, const char *name, uint32_t capacity,
	      uint32_t snaplen, const struct sock_fprog *filter);

/*
 * Read what has come / until the stream ends, or for ten seconds: 0; -EPIPE at
 * the end; -EBADMSG what came is no pcapng (said on stderr); -ETIMEDOUT.
 */
int tap_read(struct tap *tap);
int tap_read_to_end(struct tap *tap);

/* Close the tap, read to the end, free the ring: 0, or what went wrong. */
int tap_stop(struct tap *tap);

/* The tap has seen so many packets, or has so within ten seconds. */
bool tap_has_seen(int fd, uint64_t packets);

/* No ring is left in the kernel, now / or none after some seconds. */
bool tap_idle_now(void);
bool tap_idle(void);

void tap_sleep_us(unsigned int us);

#endif /* TAP_H */
