/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Files that go through a socket
 */
#ifndef SEND_H
#define SEND_H

/* 0 or -errno. */
int send_fd(int socket, int fd);
/* The fd, close-on-exec, or -errno; -EMFILE: there was no number for it. */
int receive_fd(int socket);

#endif /* SEND_H */
