// SPDX-License-Identifier: GPL-2.0-only
/*
 * Send UDP as fast as it goes: flood ADDRESS PORT PACKETS BYTES
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#define BATCH	64

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	static char payload[1472];
	struct iovec data = { .iov_base = payload };
	struct mmsghdr batch[BATCH] = { 0 };
	int fd, i, n, left;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons(atoi(argv[2]));
	left = atoi(argv[3]);
	data.iov_len = atoi(argv[4]);
	if (data.iov_len > sizeof(payload))
		return 2;

	fd = socket(AF_INET, SOCK_DGRAM, 0);
	for (i = 0; i < BATCH; i++) {
		batch[i].msg_hdr.msg_name = &to;
		batch[i].msg_hdr.msg_namelen = sizeof(to);
		batch[i].msg_hdr.msg_iov = &data;
		batch[i].msg_hdr.msg_iovlen = 1;
	}
	while (left) {
		n = sendmmsg(fd, batch, left < BATCH ? left : BATCH, 0);
		if (n <= 0) {
			perror("flood");
			return 1;
		}
		left -= n;
	}
	return 0;
}
