/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A network of the test's own: a namespace, a pair of interfaces, frames
 *
 * The pair is t0, which is tapped, and veth0, from which frames come.  IPv6 is
 * off, so that nothing is on it but what the test sends.
 */
#ifndef NET_H
#define NET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Of frames that mean something to nobody else (IEEE 802 local experimental) */
#define NET_ETHERTYPE	0x88b5

#define NET_FRAME_MIN	18
#define NET_FRAME_MAX	1514

/* 0, or -1 and a word on stderr */
int net_new(void);
int net_pair(void);
/* Wait until a link can send to its peer, or has noticed that it cannot. */
int net_await(const char *name, bool runs);
int net_run(const char *command, ...);

/* A packet socket on an interface, to send whole frames to; or -errno */
int net_socket(const char *name);

/* Frame @number: addresses, NET_ETHERTYPE, the number, a pattern. */
void net_frame(uint8_t *frame, uint32_t number, uint32_t length);
int net_send(int fd, uint32_t number, uint32_t length);

/* Is it such a frame, in its first bytes at least?  Which one? */
bool net_is_frame(const uint8_t *frame, uint32_t length, uint32_t *number);

/* A process that sends frames 0, 1, ... to @name until it is killed. */
pid_t net_flood(const char *name, uint32_t length);
void net_kill(pid_t pid);

/* UDP on the loopback device: a socket with a port, datagrams to it. */
int net_udp(uint16_t port);
int net_udp_send(int fd, uint16_t port, uint32_t bytes, uint16_t segment);

#endif /* NET_H */
