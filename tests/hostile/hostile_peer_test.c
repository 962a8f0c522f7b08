// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that writes anything to all that it can, while the other end works
 *
 *	no span outside of the ring, no byte outside of a buffer	end_*.c
 *	no call that does not end					watch()
 *	the end is told that the ring is corrupt, and so is who asks	play()
 *	words beside the position harm nobody's bytes			HOSTILE_BESIDE
 *	a third ring does not notice					struct bystander
 *	none of these checks is blind					sees_*
 *
 *	hostile_peer_test [SECONDS]	for so long for each kind of end, instead of 0.7
 *	HUNT_SEED=N hostile_peer_test	with the same random numbers
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmring.h>

#include "../device/device.h"
#include "../kernel/kernel.h"
#include "../ring/ring.h"
#include "hostile.h"

#include <kselftest_harness.h>

#define ROUND_MS	20
#define CALLS_LEAST	20
#define WORDS_LEAST	600
#define HANG_MS		20000
#define ENOUGH		100

static long long test_ns = 700000000;

/* Whose end the honest one is */
enum way {
	BY_LIBRARY,
	BY_CALLS,
	BY_KERNEL,
};

/**
 * struct bystander - a ring that has nothing to do with all this
 * @r: both of its ends
 * @sent: bytes
 * @received: bytes
 * @wrong: there was one
 */
struct bystander {
	struct shmring *r;
	uint64_t sent;
	uint64_t received;
	bool wrong;
};

/**
 * struct play - a round, as its watcher sees it
 * @h: shared with both ends
 * @way: whose end is honest
 * @hang_ms: who does nothing for so long hangs
 * @observer: of the ring, this process' own
 * @control: of an end in the kernel
 * @peer: a process
 * @end: a process; 0: it is the kernel's
 * @random: state of the random numbers
 * @bystander: what must not notice
 */
struct play {
	struct hostile *h;
	enum way way;
	unsigned int hang_ms;
	int observer;
	int control;
	pid_t peer;
	pid_t end;
	uint64_t random;
	struct bystander bystander;
};

FIXTURE(hostile)
{
	struct play play;
};

FIXTURE_VARIANT(hostile)
{
	enum way way;
	__u32 role;
};

FIXTURE_VARIANT_ADD(hostile, library_consumer) {
	.way = BY_LIBRARY,
	.role = SHMRING_ROLE_CONSUMER,
};

FIXTURE_VARIANT_ADD(hostile, library_producer) {
	.way = BY_LIBRARY,
	.role = SHMRING_ROLE_PRODUCER,
};

FIXTURE_VARIANT_ADD(hostile, calls_consumer) {
	.way = BY_CALLS,
	.role = SHMRING_ROLE_CONSUMER,
};

FIXTURE_VARIANT_ADD(hostile, calls_producer) {
	.way = BY_CALLS,
	.role = SHMRING_ROLE_PRODUCER,
};

FIXTURE_VARIANT_ADD(hostile, kernel_consumer) {
	.way = BY_KERNEL,
	.role = SHMRING_ROLE_CONSUMER,
};

FIXTURE_VARIANT_ADD(hostile, kernel_producer) {
	.way = BY_KERNEL,
	.role = SHMRING_ROLE_PRODUCER,
};

static bool open_play(struct play *p)
{
	const struct shmring_options options = {
		.backend = SHMRING_BACKEND_DEVICE,
	};

	memset(p, 0, sizeof(*p));
	p->hang_ms = HANG_MS;
	p->observer = -1;
	p->control = -1;
	p->random = hunt_seed() | 1;
	printf("# HUNT_SEED=%llu\n", (unsigned long long)p->random);
	fflush(stdout);
	hunt_pattern_init(p->random);
	p->h = mmap(NULL, sizeof(*p->h), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	p->bystander.r = shmring_create(8 * KIB, &options);
	return p->h != MAP_FAILED && p->bystander.r;
}

FIXTURE_SETUP(hostile)
{
	ASSERT_TRUE(device_idle());
	ASSERT_TRUE(open_play(&self->play));
	self->play.way = variant->way;
	self->play.h->role = variant->role;
}

FIXTURE_TEARDOWN(hostile)
{
	shmring_free(self->play.bystander.r);
	munmap(self->play.h, sizeof(*self->play.h));
	EXPECT_TRUE(device_idle());
}

/* It is never empty, so that whatever is written to its pages is seen. */
static void stream_beside(struct bystander *b)
{
	unsigned char buf[1000];
	size_t n;

	pattern_fill(buf, b->sent, sizeof(buf));
	b->sent += shmring_try_write_from(b->r, buf, sizeof(buf));
	if (shmring_available(b->r) < 6 * KIB)
		return;
	n = shmring_try_read_into(b->r, buf, sizeof(buf));
	if (!n || pattern_check(buf, b->received, n) != n)
		b->wrong = true;
	b->received += n;
}

static uint64_t below(struct play *p, uint64_t n)
{
	return (random_next(&p->random) >> 8) % n;
}

/* A ring of any size, whose positions may be about to wrap */
static int make_ring(struct play *p)
{
	const uint64_t starts[] = { 0, ~0ULL, 1ULL << 32, 1ULL << 63, 1ULL << 40 };
	struct shmring_ioc_create r = {
		.size = sizeof(r),
		.capacity = 2U << below(p, 16),
		.roles = SHMRING_ROLE_OBSERVER,
		.arena = below(p, 3) * sysconf(_SC_PAGESIZE),
	};

	r.start = starts[below(p, 5)];
	r.start -= below(p, r.capacity);
	p->h->capacity = r.capacity;
	p->h->start = r.start;
	p->observer = device_open(O_RDWR);
	if (p->observer < 0)
		return p->observer;
	return device_ioctl(p->observer, SHMRING_IOC_CREATE, &r) ?:
	       device_register(p->observer, 0, &p->h->handle);
}

static void reset(struct hostile *h, enum hostile_mischief mischief)
{
	h->mischief = mischief;
	h->ready = 0;
	h->stop = 0;
	h->over = 0;
	h->what = "nothing";
}

static bool start_peer(struct play *p)
{
	uint64_t seed = random_next(&p->random);

	p->peer = fork();
	if (!p->peer) {
		close(p->observer);
		hostile_peer(p->h, seed);
	}
	return p->peer > 0;
}

static int start_in_kernel(struct play *p)
{
	__u32 flags = hostile_intact(p->h) ? JOB_NO_PAUSE :
					     JOB_NO_PAUSE | JOB_TRUST;
	int err = -EOPNOTSUPP;

	p->control = control_claim(p->h->handle, p->h->role);
	if (p->control < 0)
		return p->control;
	while (__atomic_load_n(&p->h->ready, __ATOMIC_ACQUIRE) < 1 &&
	       !p->h->failed)
		device_sleep_ms(1);
	/* There are machines on which no NMI can be sent. */
	while (err == -EOPNOTSUPP)
		err = control_start(p->control, below(p, CONTEXTS), flags, ~0ULL,
				    1, random_next(&p->random));
	__atomic_fetch_add(&p->h->ready, 1, __ATOMIC_RELEASE);
	return err;
}

static int start_end(struct play *p)
{
	uint64_t seed = random_next(&p->random);

	if (p->way == BY_KERNEL)
		return start_in_kernel(p);
	p->end = fork();
	if (!p->end) {
		close(p->observer);
		hostile_end(p->h, p->way == BY_LIBRARY, seed);
	}
	return p->end < 0 ? -errno : 0;
}

/* Has the honest end ended?  Not by a signal of its own. */
static bool has_ended(struct play *p)
{
	struct control_report report;
	int status;

	if (p->way == BY_KERNEL) {
		if (control_ioctl(p->control, CONTROL_REPORT, &report))
			return false;
		p->h->calls += !report.done;
		if (report.done && report.error != -EBADMSG)
			hostile_fail(p->h, "the kernel's end: %s",
				     strerror(-report.error));
		if (report.done)
			p->h->moved += report.bytes;
		return report.done;
	}
	if (waitpid(p->end, &status, WNOHANG) != p->end)
		return false;
	p->end = 0;
	if (WIFSIGNALED(status))
		hostile_fail(p->h, "%s: killed by signal %d", p->h->what,
			     WTERMSIG(status));
	else if (WEXITSTATUS(status))
		hostile_fail(p->h, "exit status %d", WEXITSTATUS(status));
	return true;
}

/* Both are at work: on a slow kernel that takes its time. */
static bool has_begun(const struct hostile *h, const struct hostile *before)
{
	return __atomic_load_n(&h->calls, __ATOMIC_RELAXED) >
	       before->calls + CALLS_LEAST &&
	       __atomic_load_n(&h->words, __ATOMIC_RELAXED) >
	       before->words + WORDS_LEAST;
}

/* Until the honest end has ended: it gets some time, then the worst comes. */
static void watch(struct play *p)
{
	long long hang = p->hang_ms * 1000000LL, now = device_now_ns();
	long long stop = now + hang, moved = now;
	const struct hostile before = *p->h;
	bool begun = false;
	uint64_t calls = 0, n;

	while (!has_ended(p)) {
		stream_beside(&p->bystander);
		usleep(500);
		now = device_now_ns();
		if (!begun && has_begun(p->h, &before)) {
			begun = true;
			stop = now + ROUND_MS * 1000000LL;
		}
		if (now > stop) {
			__atomic_store_n(&p->h->stop, 1, __ATOMIC_RELEASE);
			/* Whom the kernel tells, it does so for somebody asks. */
			device_poll(p->observer, POLLIN);
		}
		n = __atomic_load_n(&p->h->calls, __ATOMIC_RELAXED);
		if (n != calls)
			moved = now;
		calls = n;
		if (now - moved > hang)
			hostile_fail(p->h, "%s: hangs", p->h->what);
		if (now - stop > 2 * hang)
			hostile_fail(p->h, "%s: is not told", p->h->what);
		if (p->h->failed)
			break;
	}
}

/* Killed, whatever it does; a process that cannot be killed hangs for good. */
static void end_process(struct play *p, pid_t pid)
{
	long long limit = device_now_ns() + p->hang_ms * 1000000LL;

	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	while (!waitpid(pid, NULL, WNOHANG)) {
		if (device_now_ns() > limit) {
			hostile_fail(p->h, "%s: cannot be killed", p->h->what);
			return;
		}
		device_sleep_ms(1);
	}
}

static void clean_up(struct play *p)
{
	end_process(p, p->end);
	end_process(p, p->peer);
	device_close(&p->control);
	device_close(&p->observer);
	p->end = 0;
	p->peer = 0;
}

/* Whoever asks is told. */
static void check_state(struct play *p)
{
	struct shmring_ioc_info info;

	if (!(device_poll(p->observer, POLLIN) & POLLERR))
		hostile_fail(p->h, "poll of a corrupt ring: no POLLERR");
	if (device_info(p->observer, &info) ||
	    !(info.state & SHMRING_STATE_CORRUPT))
		hostile_fail(p->h, "information on a corrupt ring: state %#x",
			     info.state);
}

static bool play(struct play *p, enum hostile_mischief mischief)
{
	int err;

	reset(p->h, mischief);
	err = make_ring(p);
	if (!err && !start_peer(p))
		err = -EAGAIN;
	if (!err)
		err = start_end(p);
	if (err)
		hostile_fail(p->h, "cannot begin: %s", strerror(-err));
	else
		watch(p);
	/* The honest end may have been told by something that has passed. */
	__atomic_store_n(&p->h->stop, 1, __ATOMIC_RELEASE);
	while (!p->h->failed && !__atomic_load_n(&p->h->over, __ATOMIC_ACQUIRE))
		usleep(100);
	if (!p->h->failed)
		check_state(p);
	clean_up(p);
	if (p->bystander.wrong)
		hostile_fail(p->h, "a wrong byte in another ring");
	return !p->h->failed;
}

static const char *name_of(enum hostile_mischief mischief)
{
	static const char * const names[HOSTILE_MISCHIEFS] = {
		[HOSTILE_BESIDE] = "beside",
		[HOSTILE_POSITION] = "position",
		[HOSTILE_FLIP] = "flip",
		[HOSTILE_ANYWHERE] = "anywhere",
	};

	return names[mischief];
}

TEST_F_TIMEOUT(hostile, scribbles, 3600)
{
	long long end = device_now_ns() + test_ns;
	struct play *p = &self->play;
	uint64_t beside = 0, moved;
	unsigned int n = 0;

	if (variant->way == BY_KERNEL && access(CONTROL_DEVICE, F_OK))
		SKIP(return, "no " CONTROL_DEVICE);
	/* A few may be over before anything has moved. */
	while (n < HOSTILE_MISCHIEFS || device_now_ns() < end ||
	       (n < ENOUGH && (!beside || beside == p->h->moved))) {
		moved = p->h->moved;
		ASSERT_TRUE(play(p, n % HOSTILE_MISCHIEFS))
			TH_LOG("ring %u, %s, %u bytes: %s", n,
			       name_of(n % HOSTILE_MISCHIEFS), p->h->capacity,
			       p->h->failure);
		if (n++ % HOSTILE_MISCHIEFS == HOSTILE_BESIDE)
			beside += p->h->moved - moved;
	}
	/* All of it has happened, and whoever is not addressed goes on. */
	EXPECT_LT(0, beside);
	EXPECT_LT(beside, p->h->moved);
	EXPECT_LT(512, p->h->words);
	EXPECT_LT(0, p->bystander.received);
	TH_LOG("%u rings, %llu words scribbled; %llu bytes moved, %llu checked",
	       n, (unsigned long long)p->h->words,
	       (unsigned long long)p->h->moved, (unsigned long long)beside);
}

FIXTURE(planted)
{
	struct play play;
};

FIXTURE_SETUP(planted)
{
	ASSERT_TRUE(device_idle());
	ASSERT_TRUE(open_play(&self->play));
	self->play.way = BY_LIBRARY;
	self->play.h->role = SHMRING_ROLE_CONSUMER;
}

FIXTURE_TEARDOWN(planted)
{
	shmring_free(self->play.bystander.r);
	munmap(self->play.h, sizeof(*self->play.h));
	EXPECT_TRUE(device_idle());
}

/* Rings until something is found, and what that was */
static const char *found(struct play *p, enum hostile_mischief mischief)
{
	int tries = 200;

	while (tries-- && play(p, mischief))
		;
	return p->h->failure;
}

TEST_F_TIMEOUT(planted, sees_a_span_outside, 300)
{
	self->play.h->plant = HOSTILE_UNBOUNDED;
	EXPECT_NE(NULL, strstr(found(&self->play, HOSTILE_FLIP), "spans of"))
		TH_LOG("%s", self->play.h->failure);
}

TEST_F_TIMEOUT(planted, sees_a_hang, 300)
{
	self->play.h->plant = HOSTILE_PATIENT;
	self->play.hang_ms = 500;
	EXPECT_NE(NULL, strstr(found(&self->play, HOSTILE_POSITION), "hangs"))
		TH_LOG("%s", self->play.h->failure);
}

TEST_F_TIMEOUT(planted, sees_another_ring_hit, 300)
{
	struct shmring *r = self->play.bystander.r;
	int i;

	for (i = 0; i < 7; i++)
		stream_beside(&self->play.bystander);
	r->producer.role.data[(self->play.bystander.received + 100) % (8 * KIB)] ^= 1;
	EXPECT_NE(NULL, strstr(found(&self->play, HOSTILE_BESIDE), "another ring"))
		TH_LOG("%s", self->play.h->failure);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		test_ns = strtoll(argv[1], NULL, 10) * 1000000000LL;
	/* make test-long */
	if (hunt_long())
		test_ns *= 10;
	return test_harness_run(argc, argv);
}
