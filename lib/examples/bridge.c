// SPDX-License-Identifier: MIT
/*
 * bridge PORT - an echo server whose connections are two rings
 *
 * A child process, which knows nothing of sockets, sends back what it gets.
 */
#include <arpa/inet.h>
#include <shmring_bridge.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int echo(struct shmring *in, struct shmring *out)
{
	char buf[4096];
	ssize_t n;

	while ((n = shmring_read_some(in, buf, sizeof(buf), NULL)) > 0)
		if (shmring_write_all(out, buf, n, NULL) != n)
			return 1;
	shmring_free(out);
	shmring_free(in);
	return n < 0;
}

static int child(struct shmring *from, struct shmring *to)
{
	struct shmring *in = shmring_join(from, SHMRING_ROLE_CONSUMER);
	struct shmring *out = shmring_join(to, SHMRING_ROLE_PRODUCER);

	/* On the device the parent's roles end with the last copy of its fds. */
	close(shmring_fd(from));
	close(shmring_fd(to));
	return in && out ? echo(in, out) : 1;
}

static int serve(int fd)
{
	struct shmring_options producer = { .roles = SHMRING_ROLE_PRODUCER };
	struct shmring_options consumer = { .roles = SHMRING_ROLE_CONSUMER };
	struct shmring *from = shmring_create(1 << 16, &producer);
	struct shmring *to = shmring_create(1 << 16, &consumer);
	struct shmring_bridge *b;
	int err;

	if (!from || !to)
		return perror("shmring_create"), 1;
	if (fork() == 0)
		_exit(child(from, to));
	b = shmring_bridge_new(fd, fd, from, to, NULL);
	if (!b)
		return perror("shmring_bridge_new"), 1;
	err = shmring_bridge_run(b, -1, NULL);
	shmring_bridge_free(b);
	return err != 0;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {
		.sin_family = AF_INET,
		.sin_port = htons(argc > 1 ? atoi(argv[1]) : 7777),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int fd;

	if (bind(server, (struct sockaddr *)&at, sizeof(at)) ||
	    listen(server, 1))
		return perror("bind"), 1;
	fd = accept(server, NULL, NULL);
	close(server);
	return fd < 0 ? 1 : serve(fd);
}
