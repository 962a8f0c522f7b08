// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net.h"

int net_run(const char *command, ...)
{
	char line[256];
	va_list args;

	va_start(args, command);
	vsnprintf(line, sizeof(line), command, args);
	va_end(args);
	if (system(line) == 0)
		return 0;
	fprintf(stderr, "failed: %s\n", line);
	return -1;
}

int net_new(void)
{
	if (unshare(CLONE_NEWNET)) {
		perror("unshare");
		return -1;
	}
	return net_run("ip link set lo up");
}

int net_await(const char *name, bool runs)
{
	if (net_run("%s ifconfig %s | grep -q RUNNING; do usleep 1000; done",
		    runs ? "until" : "while", name))
		return -1;
	/*
	 * A link that has come up sends packets nowhere until a kernel thread,
	 * inside the RTNL, has found out; so does this command, after it.
	 */
	return net_run("ip link set lo up");
}

int net_pair(void)
{
	static const char * const names[] = { "t0", "veth0" };
	unsigned int i;

	if (net_run("ip link add t0 type veth"))
		return -1;
	for (i = 0; i < 2; i++) {
		if (net_run("echo 1 > /proc/sys/net/ipv6/conf/%s/disable_ipv6",
			    names[i]) ||
		    net_run("ip link set %s up", names[i]))
			return -1;
	}
	return net_await("t0", true) || net_await("veth0", true) ? -1 : 0;
}

int net_socket(const char *name)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_ifindex = if_nametoindex(name),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || !address.sll_ifindex ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -errno;
	return fd;
}

void net_frame(uint8_t *frame, uint32_t number, uint32_t length)
{
	const uint16_t type = htons(NET_ETHERTYPE);
	uint32_t i;

	memset(frame, 0xff, 6);
	memcpy(frame + 6, "\x02shmr", 6);
	memcpy(frame + 12, &type, sizeof(type));
	memcpy(frame + 14, &number, sizeof(number));
	for (i = NET_FRAME_MIN; i < length; i++)
		frame[i] = number + i;
}

int net_send(int fd, uint32_t number, uint32_t length)
{
	uint8_t frame[NET_FRAME_MAX];

	net_frame(frame, number, length);
	return send(fd, frame, length, 0) == (ssize_t)length ? 0 : -errno;
}

bool net_is_frame(const uint8_t *frame, uint32_t length, uint32_t *number)
{
	uint8_t expected[NET_FRAME_MAX];

	if (length < NET_FRAME_MIN || length > NET_FRAME_MAX)
		return false;
	memcpy(number, frame + 14, sizeof(*number));
	net_frame(expected, *number, length);
	return memcmp(frame, expected, length) == 0;
}

pid_t net_flood(const char *name, uint32_t length)
{
	pid_t pid = fork();
	uint32_t number;
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = net_socket(name);
	for (number = 0;; number++)
		net_send(fd, number, length);
}

void net_kill(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static struct sockaddr_in loopback(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int net_udp(uint16_t port)
{
	struct sockaddr_in own = loopback(port);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&own, sizeof(own)))
		return -errno;
	return fd;
}

/* A @segment makes the kernel cut it up, as late as it can. */
int net_udp_send(int fd, uint16_t port, uint32_t bytes, uint16_t segment)
{
	struct sockaddr_in to = loopback(port);
	static char payload[65507];	/* the longest there is */
	int size = segment;

	if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)))
		return -errno;
	return sendto(fd, payload, bytes, 0, (struct sockaddr *)&to,
		      sizeof(to)) == bytes ? 0 : -errno;
}
