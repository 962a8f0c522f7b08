// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

/* Must be that of the hunt's pattern, or the ends disagree on the bytes. */
#define PERIOD		65521

int control_open(void)
{
	int fd = open(CONTROL_DEVICE, O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int control_ioctl(int fd, unsigned int cmd, void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

int control_claim(__u32 handle, __u32 role)
{
	int control = control_open();
	int err;

	if (control < 0)
		return control;
	err = CALL(control, CALL_LOOKUP, .handle = handle, .role = role) ?:
	      CALL(control, CALL_CLAIM, .role = role, .flags = CLAIM_NOTIFY);
	if (!err)
		return control;
	close(control);
	return err;
}

unsigned int control_unit(void)
{
	static unsigned int unit;

	if (!unit)
		unit = hunt_unit();
	return unit;
}

void control_spin(unsigned int loops)
{
	while (loops--)
		__asm__ __volatile__("" ::: "memory");
}

int control_start(int fd, enum control_context context, __u32 flags,
		  __u64 moves, __u32 min, __u64 seed)
{
	struct control_job job = {
		.context = context,
		.flags = flags,
		.moves = moves,
		.min = min,
		.unit = control_unit(),
		.rest_ns = 10000,
		.seed = seed,
		.pattern = (__u64)(uintptr_t)hunt_pattern(0),
		.period = PERIOD,
		.pattern_more = HUNT_CAPACITY_MAX,
	};

	return control_ioctl(fd, CONTROL_START, &job);
}

bool control_done(int fd)
{
	struct control_report report;

	return control_ioctl(fd, CONTROL_REPORT, &report) || report.done;
}

const char *control_context_name(enum control_context context)
{
	static const char * const names[CONTEXTS] = {
		[CONTEXT_HARDIRQ] = "hardirq",
		[CONTEXT_SOFTIRQ] = "softirq",
		[CONTEXT_NMI] = "NMI",
		[CONTEXT_KTHREAD] = "kthread",
		[CONTEXT_WORK] = "work",
	};

	return names[context];
}

int kernel_pair(struct kernel_pair *pair, __u32 capacity, __u64 start,
		__u32 role)
{
	struct control_args args = { .call = CALL_REGISTER };
	int err;

	memset(pair, 0, sizeof(*pair));
	pair->control = control_open();
	if (pair->control < 0)
		return pair->control;
	err = CALL(pair->control, CALL_ALLOC, .capacity = capacity,
		   .start = start) ?:
	      CALL(pair->control, CALL_CLAIM, .role = role,
		   .flags = CLAIM_NOTIFY) ?:
	      control_ioctl(pair->control, CONTROL_CALL, &args);
	if (err)
		return err;
	pair->handle = args.handle;
	pair->ring = shmring_get(pair->handle, SHMRING_ROLE_BOTH & ~role);
	return pair->ring ? 0 : -errno;
}

void kernel_pair_free(struct kernel_pair *pair)
{
	if (pair->ring)
		shmring_free(pair->ring);
	if (pair->control >= 0)
		close(pair->control);
	pair->ring = NULL;
	pair->control = -1;
}

static uint64_t *own_word(const struct kernel_pair *pair)
{
	struct shmring *r = pair->ring;

	return (uint64_t *)(shmring_roles(r) & SHMRING_ROLE_CONSUMER ?
			    r->rd : r->wr);
}

void kernel_pair_move(struct kernel_pair *pair, __u64 position)
{
	__atomic_store_n(own_word(pair), position, __ATOMIC_SEQ_CST);
}

__u64 kernel_pair_position(const struct kernel_pair *pair)
{
	return __atomic_load_n(own_word(pair), __ATOMIC_SEQ_CST);
}

__u64 kernel_pair_peer_position(const struct kernel_pair *pair)
{
	struct shmring *r = pair->ring;

	return __atomic_load_n(shmring_roles(r) & SHMRING_ROLE_CONSUMER ?
			       r->wr : r->rd, __ATOMIC_SEQ_CST);
}

int kernel_pair_poll(const struct kernel_pair *pair, int ms)
{
	struct pollfd fd = {
		.fd = shmring_fd(pair->ring),
		.events = shmring_roles(pair->ring) & SHMRING_ROLE_CONSUMER ?
			  POLLIN | POLLRDHUP : POLLOUT,
	};

	return poll(&fd, 1, ms) < 0 ? -errno : fd.revents;
}

static bool is_zero(const char *name)
{
	char path[64];
	unsigned long value = 1;
	FILE *file;

	snprintf(path, sizeof(path), "/sys/module/shmring/parameters/%s", name);
	file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%lu", &value) != 1)
		value = 1;
	fclose(file);
	return !value;
}

bool kernel_idle(void)
{
	double end = hunt_now() + 1;

	while (!is_zero("rings") || !is_zero("pages") || !is_zero("handles")) {
		if (hunt_now() > end)
			return false;
		usleep(5000);
	}
	return true;
}
