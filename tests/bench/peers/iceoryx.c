// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eclipse iceoryx, by its C binding
 *
 * Messages are loaned, filled, published, taken, copied out and given back. Its
 * daemon, RouDi, is started for each measurement, and has no part in the moving.
 * The queue holds as many messages as the others' rings, but 256 at most.
 *
 * Needs: libiceoryx-binding-c-dev <iceoryx_binding_c/api.h> -I/usr/include/iceoryx/v2.0.3 -liceoryx_binding_c
 * Needs: iceoryx <iceoryx_binding_c/api.h> -I/usr/include/iceoryx/v2.0.3
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <iceoryx_binding_c/api.h>

#include "loops.h"

#define QUEUE_MAX	256

struct end {
	iox_pub_t to;
	iox_sub_t from;
	void *pattern;
	void *buffer;
};

static struct end ends[2];
static iox_pub_storage_t publishers[2];
static iox_sub_storage_t subscribers[2];
static pid_t daemon_pid;

static struct end *iox_p(struct bench_run *run)
{
	(void)run;
	return &ends[0];
}

static struct end *iox_c(struct bench_run *run)
{
	(void)run;
	return &ends[1];
}

static inline size_t iox_send(struct end *e, const void *from, size_t n)
{
	void *to;

	if (iox_pub_loan_chunk(e->to, &to, (uint32_t)n) != AllocationResult_SUCCESS)
		return 0;
	memcpy(to, from, n);
	iox_pub_publish_chunk(e->to, to);
	return n;
}

static inline size_t iox_receive(struct end *e, void *to, size_t n)
{
	const void *from;

	if (iox_sub_take_chunk(e->from, &from) != ChunkReceiveResult_SUCCESS)
		return 0;
	memcpy(to, from, n);
	iox_sub_release_chunk(e->from, from);
	return n;
}

static inline bool iox_push(struct end *e, uint64_t item)
{
	return iox_send(e, &item, sizeof(item)) != 0;
}

static inline bool iox_pop(struct end *e, uint64_t *item)
{
	return iox_receive(e, item, sizeof(*item)) != 0;
}

BENCH_ITEM_LOOPS(iox, struct end, struct end)
BENCH_BYTE_LOOPS(iox, struct end, struct end)
BENCH_TRIP_LOOPS(iox, struct end)

/* Its output ends with a line that it is ready. */
static int start_daemon(void)
{
	struct sched_param p = { 0 };
	char text[4096];
	size_t at = 0;
	int out[2];
	ssize_t n;

	if (pipe2(out, O_CLOEXEC))
		return -errno;
	daemon_pid = fork();
	if (!daemon_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sched_setscheduler(0, SCHED_OTHER, &p);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execlp("iox-roudi", "iox-roudi", NULL);
		_exit(127);
	}
	close(out[1]);
	do {
		n = read(out[0], text + at, sizeof(text) - 1 - at);
		at += n > 0 ? (size_t)n : 0;
		text[at] = '\0';
		if (strstr(text, "ready for clients"))
			return 0;
	} while (n > 0);
	return -EOPNOTSUPP;
}

static void hold(int number)
{
	(void)number;
	for (;;)
		pause();
}

/* A socket and a lock of @name's, where the binding has them */
static void remove_files(const char *name)
{
	char path[96];

	snprintf(path, sizeof(path), "/tmp/%s", name);
	unlink(path);
	snprintf(path, sizeof(path), "/tmp/%s.lock", name);
	unlink(path);
}

/* What the daemon knows this process by */
static const char *own_name(void)
{
	static char name[64];

	snprintf(name, sizeof(name), "bench-%d", getpid());
	return name;
}

/*
 * Asked to end, it would first end everybody whom it knows, and that is us. It
 * is killed, and its segments and files are removed in its stead.
 */
static void stop_daemon(void)
{
	const struct group *group = getgrgid(getgid());
	char name[64];

	/* A thread of ours would complain, or abort; this process is at its end. */
	signal(SIGABRT, hold);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	kill(daemon_pid, SIGKILL);
	waitpid(daemon_pid, NULL, 0);
	shm_unlink("/iceoryx_mgmt");
	snprintf(name, sizeof(name), "/%s", group ? group->gr_name : "root");
	shm_unlink(name);
	remove_files("roudi");
	remove_files(own_name());
}

static int connect_ends(uint64_t queue)
{
	static const char *const names[] = { "there", "back" };
	iox_pub_options_t po;
	iox_sub_options_t so;
	int i, tries;

	iox_pub_options_init(&po);
	po.subscriberTooSlowPolicy = ConsumerTooSlowPolicy_WAIT_FOR_CONSUMER;
	iox_sub_options_init(&so);
	so.queueCapacity = queue < QUEUE_MAX ? queue : QUEUE_MAX;
	so.queueFullPolicy = QueueFullPolicy_BLOCK_PRODUCER;
	for (i = 0; i < 2; i++) {
		ends[i].to = iox_pub_init(&publishers[i], "bench", names[i], "item", &po);
		ends[!i].from = iox_sub_init(&subscribers[i], "bench", names[i], "item", &so);
	}
	for (tries = 0; tries < 2000; tries++) {
		if (iox_sub_get_subscription_state(ends[0].from) == SubscribeState_SUBSCRIBED &&
		    iox_sub_get_subscription_state(ends[1].from) == SubscribeState_SUBSCRIBED)
			return 0;
		usleep(1000);
	}
	return -ETIMEDOUT;
}

static int iox_setup(struct bench_run *run)
{
	int err;

	/* Its queue would be too short to have anything to do with the case. */
	if (run->kind == BENCH_BYTES && run->capacity > QUEUE_MAX * run->size)
		return -EOPNOTSUPP;
	err = start_daemon();
	if (err)
		return err;
	iox_set_loglevel(Iceoryx_LogLevel_Off);
	iox_runtime_init(own_name());
	err = connect_ends(run->capacity / (run->kind == BENCH_BYTES ? run->size : 8));
	if (err || run->kind != BENCH_BYTES)
		return err;
	ends[0].pattern = bench_pattern(run->size);
	ends[1].buffer = bench_shared(run->size);
	return ends[0].pattern && ends[1].buffer ? 0 : -ENOMEM;
}

static void iox_teardown(struct bench_run *run)
{
	int i;

	for (i = 0; i < 2; i++) {
		iox_pub_deinit(ends[i].to);
		iox_sub_deinit(ends[!i].from);
	}
	bench_unpattern(ends[0].pattern, run->size);
	bench_unshare(ends[1].buffer, run->size);
	stop_daemon();
}

#define ROW(k, loops) { \
	.name = "iceoryx", .note = "by its C binding, a queue of 256 chunks at most", \
	.kind = k, .setup = iox_setup, .teardown = iox_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_ITEMS, iox), ROW(BENCH_BYTES, iox_byte), ROW(BENCH_TRIP, iox_trip),
	{ .name = NULL }
};
