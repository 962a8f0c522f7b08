// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <unistd.h>

#include "flow.h"

static const char zero[FLOW_CAPACITY];
static char trash[FLOW_CAPACITY];

static bool readable(const struct flow *flow)
{
	return flow->edge == SHMRING_READABLE;
}

bool flow_open(struct flow *flow, __u32 edge, __u64 start)
{
	struct device_pair *pair = &flow->pair;

	if (!device_idle() || device_pair(pair, FLOW_CAPACITY, start))
		return false;
	flow->edge = edge;
	if (readable(flow)) {
		flow->waiter = pair->consumer;
		flow->mover = pair->producer;
		flow->ready = FLOW_IN;
		flow->hup = POLLHUP | POLLRDHUP;
		flow->arm = &pair->p.k->rx_arm;
		flow->counters = &pair->p.k->rx;
	} else {
		flow->waiter = pair->producer;
		flow->mover = pair->consumer;
		flow->ready = FLOW_OUT;
		flow->hup = POLLHUP;
		flow->arm = &pair->c.k->tx_arm;
		flow->counters = &pair->c.k->tx;
		device_put(&pair->p, zero, FLOW_CAPACITY);
	}
	return true;
}

bool flow_close(struct flow *flow)
{
	device_pair_free(&flow->pair);
	return device_idle();
}

void flow_give(struct flow *flow, size_t n)
{
	if (readable(flow))
		device_put(&flow->pair.p, zero, n);
	else
		device_take(&flow->pair.c, trash, n);
}

void flow_use(struct flow *flow, size_t n)
{
	if (readable(flow))
		device_take(&flow->pair.c, trash, n);
	else
		device_put(&flow->pair.p, zero, n);
}

ssize_t flow_move(struct flow *flow, int fd, size_t n)
{
	ssize_t rc;

	rc = fd == flow->pair.consumer ? read(fd, trash, n) : write(fd, zero, n);
	return rc < 0 ? -errno : rc;
}

int flow_kick(struct flow *flow)
{
	return device_kick(flow->mover, flow->edge);
}

__u64 flow_arms(const struct flow *flow)
{
	return device_load(&flow->counters->arms);
}

__u64 flow_kicks(const struct flow *flow)
{
	return device_load(&flow->counters->kicks);
}

bool flow_armed(const struct flow *flow)
{
	return device_load(flow->arm) != SHMRING_ARM_NONE;
}

bool flow_until_armed(const struct flow *flow)
{
	int ms;

	for (ms = 0; ms < 2000 && !flow_armed(flow); ms++)
		device_sleep_ms(1);
	return flow_armed(flow);
}

void flow_mover_goes(struct flow *flow)
{
	if (readable(flow)) {
		device_unmap(&flow->pair.p);
		device_close(&flow->pair.producer);
	} else {
		device_unmap(&flow->pair.c);
		device_close(&flow->pair.consumer);
	}
}

bool flow_mover_comes(struct flow *flow)
{
	struct device_pair *pair = &flow->pair;

	if (readable(flow)) {
		pair->producer = device_end(pair->handle,
					    SHMRING_ROLE_PRODUCER);
		flow->mover = pair->producer;
		return flow->mover >= 0 &&
		       !device_map(flow->mover, &pair->p);
	}
	pair->consumer = device_end(pair->handle, SHMRING_ROLE_CONSUMER);
	flow->mover = pair->consumer;
	return flow->mover >= 0 && !device_map(flow->mover, &pair->c);
}
