// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that writes rubbish to its words, or goes, while the kernel's end
 * works: nothing but that end's ending may come of it, in any context
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <shmring.h>

#include "kernel.h"

#include <kselftest_harness.h>

#define PRODUCER	SHMRING_ROLE_PRODUCER
#define CONSUMER	SHMRING_ROLE_CONSUMER
#define FOR_EVER	(~0ULL)

FIXTURE(hostile)
{
	struct kernel_pair pair;
	uint64_t random;
};

FIXTURE_VARIANT(hostile)
{
	__u32 role;	/* the kernel's */
	enum control_context context;
};

FIXTURE_VARIANT_ADD(hostile, hardirq_producer) {
	.role = PRODUCER,
	.context = CONTEXT_HARDIRQ,
};

FIXTURE_VARIANT_ADD(hostile, hardirq_consumer) {
	.role = CONSUMER,
	.context = CONTEXT_HARDIRQ,
};

FIXTURE_VARIANT_ADD(hostile, softirq_producer) {
	.role = PRODUCER,
	.context = CONTEXT_SOFTIRQ,
};

FIXTURE_VARIANT_ADD(hostile, softirq_consumer) {
	.role = CONSUMER,
	.context = CONTEXT_SOFTIRQ,
};

FIXTURE_VARIANT_ADD(hostile, nmi_producer) {
	.role = PRODUCER,
	.context = CONTEXT_NMI,
};

FIXTURE_VARIANT_ADD(hostile, nmi_consumer) {
	.role = CONSUMER,
	.context = CONTEXT_NMI,
};

FIXTURE_VARIANT_ADD(hostile, kthread_producer) {
	.role = PRODUCER,
	.context = CONTEXT_KTHREAD,
};

FIXTURE_VARIANT_ADD(hostile, kthread_consumer) {
	.role = CONSUMER,
	.context = CONTEXT_KTHREAD,
};

FIXTURE_VARIANT_ADD(hostile, work_producer) {
	.role = PRODUCER,
	.context = CONTEXT_WORK,
};

FIXTURE_VARIANT_ADD(hostile, work_consumer) {
	.role = CONSUMER,
	.context = CONTEXT_WORK,
};

FIXTURE_SETUP(hostile)
{
	self->random = hunt_seed() | 1;
	self->pair.control = -1;
	self->pair.ring = NULL;
	hunt_pattern_init(self->random);
}

FIXTURE_TEARDOWN(hostile)
{
	kernel_pair_free(&self->pair);
	EXPECT_TRUE(kernel_idle());
}

static int start(struct kernel_pair *pair, __u32 capacity, __u32 role,
		 enum control_context context, __u64 seed)
{
	int err;

	kernel_pair_free(pair);
	err = kernel_pair(pair, capacity, seed, role);
	if (err)
		return err;
	return control_start(pair->control, context,
			     JOB_TRUST | JOB_NO_PAUSE, FOR_EVER, 1, seed);
}

/* Wait for the job's end; how it ended, or -EBUSY if it does not. */
static int end_of(struct kernel_pair *pair, struct control_report *report)
{
	double limit = hunt_now() + 10;

	do {
		if (control_ioctl(pair->control, CONTROL_REPORT, report))
			return -EIO;
		if (report->done)
			return report->error;
		usleep(100);
	} while (hunt_now() < limit);
	return -EBUSY;
}

/* What a process may do with its end, at times in a wrong order. */
static void use(struct kernel_pair *pair, uint64_t *random)
{
	struct shmring_ioc_kick kick = { .size = sizeof(kick) };
	uint64_t r = hunt_random(random);
	unsigned char buf[64] = { 0 };

	switch (r % 16) {
	case 0 ... 1:
		kick.edge = 1 + (r >> 8) % 2;
		ioctl(shmring_fd(pair->ring), SHMRING_IOC_KICK, &kick);
		break;
	case 2:
		kernel_pair_poll(pair, 0);
		break;
	default:
		shmring_try_write_from(pair->ring, buf, 1 + r / 16 % 64);
		shmring_try_read_into(pair->ring, buf, 1 + r / 16 % 64);
	}
}

/*
 * Store to the process' word: anything, or what looks well but is not where it
 * stands, or a little too much.
 */
static void scribble(struct kernel_pair *pair, uint64_t *random)
{
	uint64_t r = hunt_random(random);
	uint64_t peer = kernel_pair_peer_position(pair);
	uint64_t capacity = shmring_cap(pair->ring);

	if (shmring_roles(pair->ring) & CONSUMER)
		peer -= capacity;
	if (r % 512 == 0)
		kernel_pair_move(pair, hunt_random(random) << 32 ^
				       hunt_random(random));
	else
		kernel_pair_move(pair, peer + (r >> 16) % capacity +
				       (r % 256 == 1));
}

TEST_F_TIMEOUT(hostile, scribbles, 300)
{
	int rings = hunt_long() ? 160 : 16;
	struct control_report report;
	uint64_t moves = 0, again;
	int i, err, actions;
	double limit;

	for (i = 0; i < rings; i++) {
		err = start(&self->pair, 2U << i % 13, variant->role,
			    variant->context, hunt_random(&self->random));
		if (err == -EOPNOTSUPP)
			SKIP(return, "no NMI can be sent on this machine");
		ASSERT_EQ(0, err);
		/* In the middle of its work, with a limit */
		actions = hunt_random(&self->random) % 100;
		limit = hunt_now() + 0.05;
		do {
			use(&self->pair, &self->random);
			control_ioctl(self->pair.control, CONTROL_REPORT,
				      &report);
		} while ((int)report.moves < actions && hunt_now() < limit);
		actions = hunt_random(&self->random) % 2000;
		while (actions--)
			scribble(&self->pair, &self->random);

		/* In case all of that happened to be possible: never this */
		kernel_pair_move(&self->pair,
				 kernel_pair_position(&self->pair) +
				 (1ULL << 62));
		EXPECT_TRUE(kernel_pair_poll(&self->pair, 0) & POLLERR);
		ASSERT_EQ(-EBADMSG, end_of(&self->pair, &report));
		moves += report.moves;

		/* It does nothing any more */
		again = report.turns;
		usleep(1000);
		ASSERT_EQ(-EBADMSG, end_of(&self->pair, &report));
		ASSERT_EQ(again, report.turns);
		EXPECT_TRUE(kernel_pair_poll(&self->pair, 0) & POLLERR);
	}
	printf("# %s %s: %d rings, %llu moves before the ends\n",
	       control_context_name(variant->context),
	       variant->role == PRODUCER ? "producer" : "consumer", rings,
	       (unsigned long long)moves);
	fflush(stdout);
}

/* The process goes in the middle of it: the end is told, and ends. */
TEST_F_TIMEOUT(hostile, goes, 300)
{
	struct control_report report;
	unsigned char buf[4096];
	int i, j, err;

	for (i = 0; i < 10; i++) {
		err = start(&self->pair, 64, variant->role, variant->context,
			    hunt_random(&self->random));
		if (err == -EOPNOTSUPP)
			SKIP(return, "no NMI can be sent on this machine");
		ASSERT_EQ(0, err);
		for (j = 0; j < i * 3; j++) {
			shmring_try_write_from(self->pair.ring, buf, 40);
			shmring_try_read_into(self->pair.ring, buf, 40);
		}
		shmring_free(self->pair.ring);
		self->pair.ring = NULL;
		ASSERT_EQ(variant->role == PRODUCER ? -EPIPE : 0,
			  end_of(&self->pair, &report));
	}
}

/* The kernel's end goes in the middle of it, its turns under way. */
TEST_F_TIMEOUT(hostile, is_left, 300)
{
	unsigned char buf[4096];
	int i, j, err;

	for (i = 0; i < 10; i++) {
		err = start(&self->pair, 4096, variant->role, variant->context,
			    hunt_random(&self->random));
		if (err == -EOPNOTSUPP)
			SKIP(return, "no NMI can be sent on this machine");
		ASSERT_EQ(0, err);
		for (j = 0; j < i * 10; j++) {
			shmring_try_write_from(self->pair.ring, buf, 40);
			shmring_try_read_into(self->pair.ring, buf, 40);
		}
		close(self->pair.control);
		self->pair.control = -1;
		ASSERT_TRUE(kernel_pair_poll(&self->pair, 1000) & POLLHUP);
		ASSERT_EQ(-EPIPE, shmring_status(self->pair.ring));
	}
}

TEST_HARNESS_MAIN
