// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an end leaves undone as long as its peer does not sleep: the fence of
 * each commit, and the telling of each release by copy
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include <kselftest_harness.h>

#include "ring.h"

FIXTURE(mode)
{
	struct ends e;
	bool there;
};

FIXTURE_VARIANT(mode) RING_VARIANT;
RING_VARIANTS(mode);

FIXTURE_SETUP(mode)
{
	RING_SKIP_IF_MISSING(variant->backend);
	ASSERT_EQ(0, ends_open(&self->e, variant->backend, variant->capacity, 0));
	self->there = true;
}

FIXTURE_TEARDOWN(mode)
{
	ends_close(&self->e);
}

/* Each byte is committed, and read, alone. */
static int pass(struct ends *e, unsigned int bytes)
{
	char c = 0;

	while (bytes--) {
		if (shmring_try_write_from(e->out, &c, 1) != 1 ||
		    shmring_try_read_into(e->in, &c, 1) != 1)
			return -1;
	}
	return 0;
}

/* Has what the producer did last cost this arm of the consumer a barrier? */
static int arm_costs(struct ends *e)
{
	uint64_t before = counters(e->in, SHMRING_READABLE).barriers;

	if (shmring_arm_readable(e->in))
		return -1;
	return (int)(counters(e->in, SHMRING_READABLE).barriers - before);
}

TEST_F(mode, fenced_until_nobody_has_armed_for_a_while)
{
	/* Where the kernel can bring no barrier about, nobody stops fencing */
	int unfenced = variant->backend == SHMRING_BACKEND_MEMORY;

	RING_NEEDED(self->there);
#ifdef __x86_64__
	unfenced = 1;
#endif
	EXPECT_EQ(0, arm_costs(&self->e));
	/* The first of these answers the arm, and begins to count anew */
	ASSERT_EQ(0, pass(&self->e, SHMRING_FENCES));
	EXPECT_EQ(0, arm_costs(&self->e));
	ASSERT_EQ(0, pass(&self->e, 1 + SHMRING_FENCES));
	EXPECT_EQ(unfenced, arm_costs(&self->e));
	/* Whoever looks again and again pays once, until the arm is answered */
	EXPECT_EQ(0, arm_costs(&self->e));
	EXPECT_EQ(0, arm_costs(&self->e));
	ASSERT_EQ(0, pass(&self->e, 1));
	EXPECT_EQ(0, arm_costs(&self->e));
	/* The other direction has not been asked for anything */
	EXPECT_EQ(0, counters(self->e.out, SHMRING_WRITABLE).barriers);
}

/* A further ring with the producer's role, that does nothing with it */
static struct shmring *another_holder(struct ends *e, uint32_t backend)
{
	if (backend == SHMRING_BACKEND_DEVICE)
		return shmring_attach_fd(shmring_fd(e->out));
	return shmring_join(e->in, SHMRING_ROLE_PRODUCER);
}

/* What is said of the producer is true after somebody else has got its role. */
TEST_F(mode, stays_when_another_holder_comes)
{
	struct shmring *copy;
	uint32_t threshold;
	int unfenced;

	RING_NEEDED(self->there);
	ASSERT_EQ(0, pass(&self->e, 1 + SHMRING_FENCES));
	unfenced = self->e.out->producer.role.end.unfenced != 0;
	copy = another_holder(&self->e, variant->backend);
	ASSERT_NE(NULL, copy);
	threshold = variant->capacity / 2;
	ASSERT_EQ(0, shmring_lowat(self->e.in, SHMRING_READABLE, threshold));
	EXPECT_EQ(unfenced, arm_costs(&self->e));
	/* Not as if the producer had gone */
	EXPECT_EQ(0, shmring_narrow(copy, SHMRING_ROLE_OBSERVER));
	shmring_free(copy);
	/* Whoever asks for less arms anew, on the device after any change of it */
	ASSERT_EQ(0, shmring_lowat(self->e.in, SHMRING_READABLE, 1));
	if (threshold > 1 || variant->backend == SHMRING_BACKEND_DEVICE)
		EXPECT_EQ(unfenced, arm_costs(&self->e));
	ASSERT_EQ(0, pass(&self->e, 1));
	EXPECT_EQ(0, arm_costs(&self->e));
}

/* What an unfenced end leaves behind its heir puts right with its first kick. */
TEST_F(mode, of_an_heir)
{
	RING_NEEDED(self->there);
	ASSERT_EQ(0, pass(&self->e, 1 + SHMRING_FENCES));
	shmring_free(self->e.out);
	self->e.out = shmring_join(self->e.in, SHMRING_ROLE_PRODUCER);
	ASSERT_NE(NULL, self->e.out);
	/* The device begins anew by itself */
	EXPECT_EQ(variant->backend == SHMRING_BACKEND_MEMORY, arm_costs(&self->e));
	ASSERT_EQ(0, pass(&self->e, 1));
	EXPECT_EQ(0, arm_costs(&self->e));
}

static int forbid_membarrier(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = ARRAY_SIZE(code), .filter = code };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}

/* In a sandbox that lets nobody make others fence, an arm waits instead. */
TEST_F(mode, may_not_call_membarrier)
{
	int64_t start;

	RING_NEEDED(self->there);
	if (variant->backend != SHMRING_BACKEND_MEMORY)
		return;
	ASSERT_EQ(0, pass(&self->e, 1 + SHMRING_FENCES));
	ASSERT_EQ(0, forbid_membarrier());
	start = now_ns();
	EXPECT_EQ(1, arm_costs(&self->e));
	EXPECT_LE(1000000, now_ns() - start);
	ASSERT_EQ(1, shmring_try_write_from(self->e.out, "x", 1));
	EXPECT_EQ(1, shmring_arm_readable(self->e.in));
	EXPECT_NE(0, polled(self->e.in, SHMRING_READABLE));
}

static void nothing(int sig)
{
	(void)sig;
}

/* Nor do signals make that shorter. */
TEST_F(mode, may_not_call_membarrier_nor_sleep)
{
	const struct itimerval often = {
		.it_interval.tv_usec = 500,
		.it_value.tv_usec = 500,
	};
	const struct sigaction act = { .sa_handler = nothing };
	int64_t start;

	RING_NEEDED(self->there);
	if (variant->backend != SHMRING_BACKEND_MEMORY)
		return;
	ASSERT_EQ(0, pass(&self->e, 1 + SHMRING_FENCES));
	ASSERT_EQ(0, forbid_membarrier());
	ASSERT_EQ(0, sigaction(SIGALRM, &act, NULL));
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &often, NULL));
	start = now_ns();
	EXPECT_EQ(1, arm_costs(&self->e));
	EXPECT_LE(1000000, now_ns() - start);
	ASSERT_EQ(0, setitimer(ITIMER_REAL, &(struct itimerval){}, NULL));
}

/*
 * What is read by copy from a handle is published when one reads on after a
 * quarter of the capacity, when the producer waits, when this end waits or flushes.
 */
TEST_F(mode, releases_are_told_late)
{
	struct shmring *out = self->e.out;
	uint32_t cap = variant->capacity, n, told, i;
	struct shmring_consumer c;
	char *buf = calloc(1, cap);

	RING_NEEDED(self->there);
	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, shmring_split(self->e.in, NULL, &c));

	/* By itself: never more than a quarter and a byte behind */
	ASSERT_EQ(cap, shmring_try_write_from(out, buf, cap));
	for (i = 1, told = 0; i <= cap && i <= 4096; i++) {
		ASSERT_EQ(1, shmring_consumer_try_read_into(&c, buf, 1));
		n = shmring_space(out);
		ASSERT_LE(told, n);
		ASSERT_GE(i, n);
		ASSERT_GE(cap / 4 + 1, i - n);
		told = n;
	}
	/* By a flush, and by a try that finds nothing */
	shmring_consumer_flush(&c);
	EXPECT_EQ(i - 1, shmring_space(out));
	while (shmring_consumer_try_read_into(&c, buf, cap))
		;
	EXPECT_EQ(cap, shmring_space(out));

	/* By a wait, and by an arm */
	ASSERT_EQ(cap, shmring_try_write_from(out, buf, cap));
	ASSERT_EQ(1, shmring_consumer_try_read_into(&c, buf, 1));
	EXPECT_EQ(0, shmring_consumer_wait(&c, 1, ms(0)));
	EXPECT_EQ(1, shmring_space(out));
	ASSERT_EQ(1, shmring_consumer_try_read_into(&c, buf, 1));
	EXPECT_EQ(cap > 2, shmring_consumer_arm(&c));
	EXPECT_EQ(2, shmring_space(out));

	/* At once, if the producer waits for it */
	while (shmring_try_write_from(out, buf, 1))
		;
	ASSERT_EQ(0, shmring_arm_writable(out));
	ASSERT_EQ(1, shmring_consumer_try_read_into(&c, buf, 1));
	EXPECT_EQ(1, shmring_space(out));
	EXPECT_EQ(1, counters(out, SHMRING_WRITABLE).kicks);
	free(buf);
}

/* In larger pieces: what a call has read is told by the next one. */
TEST_F(mode, larger_releases_are_told_later)
{
	struct shmring *out = self->e.out;
	uint32_t cap = variant->capacity, lag = cap / 4 + 1;
	uint32_t n, piece, got, read, told, before, untold;
	struct shmring_consumer c;
	char *buf = calloc(1, cap);

	RING_NEEDED(self->there);
	ASSERT_NE(NULL, buf);
	ASSERT_EQ(0, shmring_split(self->e.in, NULL, &c));
	for (n = cap; n > cap / 64; n /= 3) {
		piece = n < SHMRING_PIECE ? n : SHMRING_PIECE;
		ASSERT_EQ(cap, shmring_try_write_from(out, buf, cap));
		read = 0;
		untold = 0;
		while ((got = shmring_consumer_try_read_into(&c, buf, n))) {
			read += got;
			before = untold;
			told = shmring_space(out);
			ASSERT_GE(read, told);
			untold = read - told;
			ASSERT_GE(lag > piece ? lag : piece, untold);
			if (before >= lag)
				ASSERT_GE(got, untold);
		}
		EXPECT_EQ(cap, read);
		/* By the one that found nothing */
		EXPECT_EQ(cap, shmring_space(out));
	}
	/* Even all there is, in one */
	ASSERT_EQ(cap, shmring_try_write_from(out, buf, cap));
	ASSERT_EQ(cap, shmring_consumer_try_read_into(&c, buf, cap));
	if (cap <= SHMRING_PIECE)
		EXPECT_EQ(0, shmring_space(out));
	EXPECT_EQ(0, shmring_consumer_try_read_into(&c, buf, 1));
	EXPECT_EQ(cap, shmring_space(out));
	free(buf);
}

/* The ring's own verbs tell each release at once. */
TEST_F(mode, releases_of_a_ring_are_told_at_once)
{
	char c = 0;
	uint32_t i;

	RING_NEEDED(self->there);
	while (shmring_try_write_from(self->e.out, &c, 1))
		;
	for (i = 1; i <= variant->capacity && i <= 4096; i++) {
		ASSERT_EQ(1, shmring_try_read_into(self->e.in, &c, 1));
		ASSERT_EQ(i, shmring_space(self->e.out));
	}
}

TEST_HARNESS_MAIN
