// SPDX-License-Identifier: GPL-2.0-only
#include <dirent.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "uring.h"

bool uring_open(struct uring *self)
{
	return !device_pair(&self->pair, URING_CAPACITY, URING_START) &&
	       !io_uring_queue_init(16, &self->queue, 0);
}

bool uring_close(struct uring *self)
{
	int i;

	device_pair_free(&self->pair);
	io_uring_queue_exit(&self->queue);
	/* The kernel lets go of what was pending in its own time */
	for (i = 0; i < 5; i++)
		if (device_idle())
			return true;
	return false;
}

bool uring_completes(struct uring *self, unsigned int ms)
{
	struct __kernel_timespec t = { ms / 1000, ms % 1000 * 1000000L };
	struct io_uring_cqe *cqe;

	if (io_uring_wait_cqe_timeout(&self->queue, &cqe, &t))
		return false;
	self->cqe = *cqe;
	io_uring_cqe_seen(&self->queue, cqe);
	return true;
}

bool uring_put(struct uring *self, size_t n)
{
	const __u64 wr = device_load(&self->pair.p.p->wr);
	struct iovec v[2];
	size_t first;

	if (stream_spans(&self->pair.p, SHMRING_ROLE_PRODUCER, v) < n)
		return false;
	first = n < v[0].iov_len ? n : v[0].iov_len;
	stream_fill(v[0].iov_base, wr, first);
	stream_fill(v[1].iov_base, wr + first, n - first);
	stream_advance(self->pair.producer, &self->pair.p,
		       SHMRING_ROLE_PRODUCER, n);
	return true;
}

bool uring_take(struct uring *self, size_t n)
{
	const __u64 rd = device_load(&self->pair.c.c->rd);
	struct iovec v[2];
	size_t first;

	if (stream_spans(&self->pair.c, SHMRING_ROLE_CONSUMER, v) < n)
		return false;
	first = n < v[0].iov_len ? n : v[0].iov_len;
	if (stream_match(v[0].iov_base, rd, first) != first ||
	    stream_match(v[1].iov_base, rd + first, n - first) != n - first)
		return false;
	stream_advance(self->pair.consumer, &self->pair.c,
		       SHMRING_ROLE_CONSUMER, n);
	return true;
}

void uring_close_producer(struct uring *self)
{
	device_unmap(&self->pair.p);
	device_close(&self->pair.producer);
}

void uring_close_consumer(struct uring *self)
{
	device_unmap(&self->pair.c);
	device_close(&self->pair.consumer);
}

bool uring_told(struct uring *self)
{
	struct pollfd pfd = { .fd = self->pair.producer };

	return poll(&pfd, 1, SOON_MS) == 1 && pfd.revents & POLLHUP;
}

int uring_workers(void)
{
	DIR *tasks = opendir("/proc/self/task");
	char path[300], comm[20];
	struct dirent *entry;
	int count = 0;
	FILE *file;

	while ((entry = readdir(tasks))) {
		snprintf(path, sizeof(path), "/proc/self/task/%s/comm",
			 entry->d_name);
		file = fopen(path, "r");
		if (!file)
			continue;
		if (fgets(comm, sizeof(comm), file) &&
		    !strncmp(comm, "iou-wrk", 7))
			count++;
		fclose(file);
	}
	closedir(tasks);
	return count;
}
