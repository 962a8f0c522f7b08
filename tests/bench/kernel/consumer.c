// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the consumers have in common
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "bench.h"

/**
 * consumer_take_many - records have come, one behind the other
 * @c: the consumer
 * @records: where
 * @bytes: of all of them; what is less than a whole one is bad
 */
void consumer_take_many(struct consumer *c, const void *records, size_t bytes)
{
	const uint8_t *p = records;

	for (; bytes >= c->bytes; p += c->bytes, bytes -= c->bytes)
		consumer_take(c, p);
	if (bytes)
		c->bad++;
}

/**
 * consumer_device - open the module's device for this consumer
 * @c: its @device is set
 * @o: what to make of it
 *
 * Return: 0 or a negative errno
 */
int consumer_device(struct consumer *c, struct bench_open *o)
{
	int err;

	c->device = open(BENCH_DEVICE, O_RDWR | O_CLOEXEC);
	if (c->device < 0)
		return -errno;
	o->capacity = CAPACITY;
	if (!ioctl(c->device, BENCH_OPEN, o))
		return 0;
	err = -errno;
	close(c->device);
	c->device = -1;
	return err;
}

/**
 * producer_cpu - the second CPU, if there is one
 */
int producer_cpu(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN) > 1;
}

/**
 * irq_work_count - interrupts that the kernel has sent itself, on all CPUs
 */
uint64_t irq_work_count(void)
{
	FILE *file = fopen("/proc/interrupts", "r");
	unsigned long long cpu0 = 0, cpu1 = 0;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, " IWI: %llu %llu", &cpu0, &cpu1) >= 1)
			break;
	}
	if (file)
		fclose(file);
	return cpu0 + cpu1;
}
