// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "send.h"

/* A byte, as there must be one, and room for an fd */
struct parcel {
	char byte;
	struct iovec v;
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr message;
};

static void parcel_init(struct parcel *p)
{
	*p = (struct parcel){
		.v = { &p->byte, 1 },
		.control.header = {
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		},
		.message = {
			.msg_iov = &p->v,
			.msg_iovlen = 1,
			.msg_control = &p->control,
			.msg_controllen = sizeof(p->control),
		},
	};
}

int send_fd(int socket, int fd)
{
	struct parcel p;

	parcel_init(&p);
	memcpy(CMSG_DATA(&p.control.header), &fd, sizeof(fd));
	return sendmsg(socket, &p.message, 0) < 0 ? -errno : 0;
}

int receive_fd(int socket)
{
	struct parcel p;
	int fd;

	parcel_init(&p);
	if (recvmsg(socket, &p.message, MSG_CMSG_CLOEXEC) < 0)
		return -errno;
	if (p.message.msg_flags & MSG_CTRUNC)
		return -EMFILE;
	if (!CMSG_FIRSTHDR(&p.message))
		return -ENOMSG;
	memcpy(&fd, CMSG_DATA(&p.control.header), sizeof(fd));
	return fd;
}
