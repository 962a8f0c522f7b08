// SPDX-License-Identifier: MIT
/* uring_bridge - from standard input through a ring to standard output, by io_uring */
#include <stdio.h>
#include <unistd.h>

#include "uring_bridge.h"

int main(void)
{
	struct shmring_options producer = { .roles = SHMRING_ROLE_PRODUCER };
	struct shmring *ring = shmring_create(1 << 16, &producer);
	struct uring_flow from = {
		.ring = ring, .fd = STDIN_FILENO, .edge = SHMRING_WRITABLE,
	};
	struct uring_flow to = { .fd = STDOUT_FILENO, .edge = SHMRING_READABLE };
	struct io_uring queue;
	int err;

	if (!ring)
		return perror("shmring_create"), 1;
	to.ring = shmring_join(ring, SHMRING_ROLE_CONSUMER);
	err = io_uring_queue_init(8, &queue, 0);
	if (err || !to.ring)
		return fprintf(stderr, "uring_bridge: %d\n", err), 1;
	err = uring_bridge_run(&queue, &from, &to, 1 << 14);
	io_uring_queue_exit(&queue);
	return err || from.error || to.error;
}
