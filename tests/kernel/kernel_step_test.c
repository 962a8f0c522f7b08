// SPDX-License-Identifier: GPL-2.0-only
/*
 * One piece at a time: the next one is sent when that one was read
 *
 * In the hunt a wake-up that is lost is made up for by the next commit, when
 * that comes soon.  Here nothing comes until the waiter has been woken, or a
 * second has passed.  After a pause of random length, as short as the way from
 * the last look to the arm.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

#include <kselftest_harness.h>

#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER
#define LOSSES_MOST	3

enum way { WAY_POLL, WAY_EPOLL_EDGE, WAY_WAIT };

FIXTURE(step)
{
	struct kernel_pair pair;
	uint64_t random;
	int epoll;
};

FIXTURE_VARIANT(step)
{
	enum control_context context;
	enum way way;	/* of a process that consumes */
};

FIXTURE_VARIANT_ADD(step, hardirq) {
	.context = CONTEXT_HARDIRQ,
	.way = WAY_EPOLL_EDGE,
};

FIXTURE_VARIANT_ADD(step, softirq) {
	.context = CONTEXT_SOFTIRQ,
	.way = WAY_POLL,
};

FIXTURE_VARIANT_ADD(step, nmi) {
	.context = CONTEXT_NMI,
	.way = WAY_WAIT,
};

FIXTURE_VARIANT_ADD(step, kthread) {
	.context = CONTEXT_KTHREAD,
	.way = WAY_EPOLL_EDGE,
};

FIXTURE_VARIANT_ADD(step, work) {
	.context = CONTEXT_WORK,
	.way = WAY_POLL,
};

FIXTURE_SETUP(step)
{
	self->pair.control = -1;
	self->pair.ring = NULL;
	self->random = hunt_seed() | 1;
	self->epoll = epoll_create1(EPOLL_CLOEXEC);
	hunt_pattern_init(self->random);
}

FIXTURE_TEARDOWN(step)
{
	close(self->epoll);
	kernel_pair_free(&self->pair);
	EXPECT_TRUE(kernel_idle());
}

/* What comes later than that is lost; a slow kernel may be late. */
static int patience_ms(void)
{
	return 1000 * hunt_slowness();
}

static uint64_t rounds(void)
{
	return (hunt_long() ? 200000 : 10000) / hunt_slowness();
}

static void say(struct kernel_pair *pair, enum control_context context,
		int losses)
{
	struct control_report report;

	control_ioctl(pair->control, CONTROL_REPORT, &report);
	printf("# %s: %llu moves, armed %llu times, %llu in vain, told %llu times, %d lost\n",
	       control_context_name(context), report.moves, report.arms,
	       report.again, report.notified, losses);
	fflush(stdout);
}

/*
 * The kernel reads: wait until it has.  It has not for so long, and still
 * waits to be told, though there is something to read: lost.
 */
static bool was_read(struct kernel_pair *pair)
{
	struct shmring *ring = pair->ring;
	struct control_report report;
	double limit = 0;
	int looks = 0;

	while (shmring_space(ring) < shmring_cap(ring)) {
		if (++looks < 10000)
			continue;
		looks = 0;
		if (!limit)
			limit = hunt_now() + patience_ms() / 1e3;
		if (hunt_now() < limit)
			continue;
		control_ioctl(pair->control, CONTROL_REPORT, &report);
		if (report.waits || report.done)
			return false;
	}
	return true;
}

TEST_F_TIMEOUT(step, kernel_reads, 600)
{
	uint64_t i, r, bytes = 0;
	struct control_report report;
	unsigned int unit = control_unit();
	int losses = 0;
	int err;

	ASSERT_EQ(0, kernel_pair(&self->pair, 64, 0, CONSUMER));
	err = control_start(self->pair.control, variant->context, JOB_NO_PAUSE,
			    0, 1, self->random);
	if (err == -EOPNOTSUPP)
		SKIP(return, "no NMI can be sent on this machine");
	ASSERT_EQ(0, err);
	for (i = 0; i < rounds() && losses < LOSSES_MOST; i++) {
		r = hunt_random(&self->random);
		control_spin((r >> 8) % (unit >> r % 6));
		bytes += shmring_try_write_from(self->pair.ring,
						hunt_pattern(bytes),
						1 + (r >> 4) % 4);
		if (was_read(&self->pair))
			continue;
		losses++;
		control_ioctl(self->pair.control, CONTROL_RESUME, NULL);
	}
	say(&self->pair, variant->context, losses);
	EXPECT_EQ(0, losses);
	shmring_free(self->pair.ring);
	self->pair.ring = NULL;
	EXPECT_EQ(0, control_ioctl(self->pair.control, CONTROL_WAIT, NULL));

	/* Every byte of it, and they are those that were sent */
	EXPECT_EQ(0, control_ioctl(self->pair.control, CONTROL_REPORT,
				   &report));
	EXPECT_EQ(bytes, report.bytes);
	for (r = CONTROL_CHECKSUM, i = 0; i < bytes; i++)
		r = control_checksum(r, hunt_pattern(i), 1);
	EXPECT_EQ(r, report.checksum);
}

/* Wait as long as there is patience; may return early. */
static void wait_for_bytes(struct kernel_pair *pair, int epoll, enum way way)
{
	struct shmring_ioc_wait wait = {
		.size = sizeof(wait),
		.edge = SHMRING_READABLE,
		.timeout_ns = patience_ms() * 1000000LL,
	};
	struct epoll_event event;

	switch (way) {
	case WAY_POLL:
		kernel_pair_poll(pair, patience_ms());
		break;
	case WAY_EPOLL_EDGE:
		if (!shmring_arm_readable(pair->ring))
			epoll_wait(epoll, &event, 1, patience_ms());
		break;
	case WAY_WAIT:
		ioctl(shmring_fd(pair->ring), SHMRING_IOC_WAIT, &wait);
		break;
	}
}

TEST_F_TIMEOUT(step, kernel_writes, 600)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	struct control_report report;
	unsigned char buf[64];
	uint64_t bytes = 0;
	int losses = 0;
	double start;
	int err;
	size_t n;

	ASSERT_EQ(0, kernel_pair(&self->pair, 64, 0, PRODUCER));
	shmring_set_spin(self->pair.ring, 0);
	ASSERT_EQ(0, epoll_ctl(self->epoll, EPOLL_CTL_ADD,
			       shmring_fd(self->pair.ring), &event));
	err = control_start(self->pair.control, variant->context,
			    JOB_NO_PAUSE | JOB_STEP, rounds(), 1,
			    self->random);
	if (err == -EOPNOTSUPP)
		SKIP(return, "no NMI can be sent on this machine");
	ASSERT_EQ(0, err);

	do {
		n = shmring_try_read_into(self->pair.ring, buf, 64);
		ASSERT_EQ(0, memcmp(buf, hunt_pattern(bytes), n));
		bytes += n;
		if (n)
			continue;
		start = hunt_now();
		wait_for_bytes(&self->pair, self->epoll, variant->way);
		if (hunt_now() - start < 0.9 * patience_ms() / 1e3)
			continue;
		/* Had the kernel nothing to say, or did it say so long ago? */
		control_ioctl(self->pair.control, CONTROL_REPORT, &report);
		losses += shmring_available(self->pair.ring) > 0 &&
			  hunt_now() - report.moved_ns / 1e9 >
			  0.5 * patience_ms() / 1e3;
		if (losses >= LOSSES_MOST)
			break;
	} while (kernel_pair_poll(&self->pair, 0) ||
		 !control_done(self->pair.control));
	say(&self->pair, variant->context, losses);
	EXPECT_EQ(0, losses);
}

TEST_HARNESS_MAIN
