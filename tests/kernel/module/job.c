// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a job does when it has its turn: a few moves, in pieces and after pauses
 * of random length, of which a consumer checks every byte
 *
 * Turns never overlap, and run in any context: no lock, no sleep, no allocation.
 */
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "test.h"

#define MOVES_A_TURN	8
#define PHASE_SHIFT	14

static bool is_producer(const struct test_job *job)
{
	return job->end->end.bias;
}

/* xorshift64* */
static u64 job_random(struct test_job *job)
{
	u64 r = job->random;

	r ^= r >> 12;
	r ^= r << 25;
	r ^= r >> 27;
	job->random = r;
	return r * 0x2545f4914f6cdd1dULL >> 16;
}

/* 1 .. capacity, small ones more often: they leave more states to be in. */
static size_t job_size(struct test_job *job)
{
	u32 most = min_t(u32, job->end->end.capacity, job->args.pattern_more);
	u64 r = job_random(job);

	switch (r % 16) {
	case 0:
		break;
	case 1 ... 3:
		most = max_t(u32, most / 8, 1);
		break;
	default:
		most = min_t(u32, most, 16);
	}
	return 1 + (r >> 8) % most;
}

static u8 *job_pattern(struct test_job *job)
{
	return job->pattern + job->report.bytes % job->args.period;
}

static void spin(u64 loops)
{
	while (loops--)
		barrier();
}

static bool job_peer_is_done(struct test_job *job)
{
	return shmring_end_credit(&job->end->end) >= job->end->end.capacity;
}

/* Wait until the peer has done all it can, but not for ever. */
static void job_chase(struct test_job *job)
{
	unsigned int tries = 64;

	while (tries-- && !job_peer_is_done(job))
		spin(job->args.unit / 32);
}

/*
 * Has all been read?  Then it takes some time again, which is longer or shorter
 * than what the peer needs on its way to sleep.
 */
static bool job_step(struct test_job *job)
{
	u64 r = job_random(job);

	job_chase(job);
	if (!job_peer_is_done(job))
		return false;
	spin((r >> 8) % ((2 * job->args.unit >> r % 6) + 1));
	return true;
}

/* The peer shall be met awake, asleep, and above all in between. */
static void job_pause(struct test_job *job)
{
	u64 unit = job->args.unit;
	u64 r = job_random(job);

	if (job->args.flags & JOB_NO_PAUSE)
		return;
	/* On each stretch of the stream both make pauses, or one of them */
	if ((job->report.bytes >> PHASE_SHIFT) % 3 == 1 + is_producer(job))
		return;
	switch (r % 64) {
	case 0 ... 1:
		spin((r >> 8) % (unit / 8 + 1));
		break;
	case 2 ... 3:
		spin((r >> 8) % (unit + 1));
		break;
	case 4 ... 8:
		job_chase(job);
		spin((r >> 8) % (unit + unit / 2 + 1));
		break;
	default:
		break;
	}
}

/**
 * test_job_pause_ns - how long until the next turn?
 * @job: one that an interrupt gives its turns
 */
u64 test_job_pause_ns(struct test_job *job)
{
	u64 r = job_random(job);

	if (job->args.flags & JOB_NO_PAUSE || r % 512)
		return job->args.rest_ns;
	/* Now and then long enough for the peer to be fast asleep */
	return (r >> 16) % (64 * job->args.rest_ns);
}

/* By spans, or by a copy: 0 if nothing can be moved. */
static size_t job_write(struct test_job *job, size_t n)
{
	const u8 *from = job_pattern(job);
	struct kvec p[2];
	size_t first;

	if (job_random(job) & 1)
		return shmring_try_write_from(job->end, from, n);
	n = min(n, shmring_write_acquire(job->end, p));
	first = min(n, p[0].iov_len);
	memcpy(p[0].iov_base, from, first);
	memcpy(p[1].iov_base, from + first, n - first);
	return shmring_write_commit(job->end, n) ? 0 : n;
}

static size_t job_read(struct test_job *job, size_t n)
{
	struct kvec p[2];
	size_t first;

	if (job_random(job) & 1)
		return shmring_try_read_into(job->end, job->buf, n);
	n = min(n, shmring_read_acquire(job->end, p));
	first = min(n, p[0].iov_len);
	memcpy(job->buf, p[0].iov_base, first);
	memcpy(job->buf + first, p[1].iov_base, n - first);
	return shmring_read_release(job->end, n) ? 0 : n;
}

static enum test_turn job_over(struct test_job *job, int error)
{
	job->report.error = error;
	return TURN_OVER;
}

static enum test_turn job_produce(struct test_job *job)
{
	size_t n;
	int err;

	if (job->report.moves == job->args.moves)
		return job_over(job, 0);
	err = shmring_end_status(job->end);
	if (err)
		return job_over(job, err);
	if (job->args.flags & JOB_STEP && !job_step(job))
		return TURN_AGAIN;
	if (!job->left)
		job->left = job_size(job);
	n = job_write(job, job->left);
	if (!n)
		return TURN_REST;
	job->left -= n;
	job->report.bytes += n;
	job->report.moves++;
	if (job->args.flags & JOB_STEP)
		job->report.moved_ns = ktime_get_mono_fast_ns();
	return TURN_AGAIN;
}

static enum test_turn job_consume(struct test_job *job)
{
	/* Before the bytes: the producer's last ones precede its going */
	int err = shmring_end_status(job->end);
	size_t n;

	if (err == -EBADMSG)
		return job_over(job, err);
	n = job_read(job, job_size(job));
	if (!n)
		return err ? job_over(job, 0) : TURN_REST;
	if (!(job->args.flags & JOB_TRUST) &&
	    memcmp(job->buf, job_pattern(job), n))
		return job_over(job, -EILSEQ);
	job->report.checksum = control_checksum(job->report.checksum, job->buf,
						n);
	job->report.bytes += n;
	job->report.moves++;
	return TURN_AGAIN;
}

/**
 * test_job_turn - move a few pieces
 * @job: the job
 *
 * Context: any, NMI included.
 */
enum test_turn test_job_turn(struct test_job *job)
{
	unsigned int moves = 1 + job_random(job) % MOVES_A_TURN;
	enum test_turn turn = TURN_AGAIN;

	job->report.turns++;
	while (moves-- && turn == TURN_AGAIN) {
		job_pause(job);
		turn = is_producer(job) ? job_produce(job) : job_consume(job);
	}
	return turn;
}

/**
 * test_job_settle - after a turn: arm before a rest, report at the end
 * @job: the job
 * @turn: what came of it
 *
 * Context: any but NMI.
 * Return: TURN_REST if the next turn has to wait for @job->told.
 */
enum test_turn test_job_settle(struct test_job *job, enum test_turn turn)
{
	bool armed;

	if (turn == TURN_OVER)
		complete_all(&job->done);
	if (turn != TURN_REST)
		return turn;

	WRITE_ONCE(job->told, false);
	WRITE_ONCE(job->report.waits, 1);
	armed = is_producer(job) ? shmring_write_arm(job->end, job->args.min) :
				   shmring_read_arm(job->end, job->args.min);
	if (armed) {
		job->report.arms++;
		return TURN_REST;
	}
	job->report.again++;
	WRITE_ONCE(job->report.waits, 0);
	return TURN_AGAIN;
}

/**
 * test_job_resting - has a job armed, and was it not told yet?
 * @job: the job
 *
 * If it was told its next turn has come.
 */
bool test_job_resting(struct test_job *job)
{
	if (job->report.waits) {
		if (!READ_ONCE(job->told))
			return true;
		WRITE_ONCE(job->report.waits, 0);
	}
	return false;
}

/**
 * test_job_notify - the end's @notify
 * @job: of the end
 *
 * Context: interrupts off, under a spinlock.
 */
void test_job_notify(struct test_job *job)
{
	job->report.notified++;
	WRITE_ONCE(job->told, true);
	test_context_wake(job);
}

static void job_free(struct test_job *job)
{
	kvfree(job->pattern);
	kfree(job->buf);
	kfree(job);
}

int test_job_start(struct test_file *f, const struct control_job *args)
{
	size_t length = (size_t)args->period + args->pattern_more;
	struct test_job *job;
	int err;

	if (!f->claimed || !f->end.notify)
		return -ENOTCONN;
	if (args->context >= CONTEXTS || !args->period ||
	    !args->pattern_more || length > CALL_BYTES_MAX ||
	    !args->rest_ns)
		return -EINVAL;
	job = kzalloc(sizeof(*job), GFP_KERNEL);
	if (!job)
		return -ENOMEM;
	job->end = &f->end;
	job->args = *args;
	job->random = args->seed | 1;
	job->report.checksum = CONTROL_CHECKSUM;
	init_completion(&job->done);
	init_waitqueue_head(&job->wait);
	err = -ENOMEM;
	job->buf = kmalloc(args->pattern_more, GFP_KERNEL);
	job->pattern = kvmalloc(length, GFP_KERNEL);
	if (!job->buf || !job->pattern)
		goto free;
	err = -EFAULT;
	if (copy_from_user(job->pattern, u64_to_user_ptr(args->pattern),
			   length))
		goto free;

	/* Pairs with test_with_job(); before the first turn, which may arm */
	smp_store_release(&f->job, job);
	err = test_context_start(job);
	if (!err)
		return 0;
	WRITE_ONCE(f->job, NULL);
	synchronize_rcu_expedited();
free:
	job_free(job);
	return err;
}

void test_job_stop(struct test_file *f)
{
	struct test_job *job = f->job;

	if (!job)
		return;
	WRITE_ONCE(job->stop, true);
	/* A notify that is under way has interrupts off */
	WRITE_ONCE(f->job, NULL);
	synchronize_rcu_expedited();
	test_context_stop(job);
	job_free(job);
}
