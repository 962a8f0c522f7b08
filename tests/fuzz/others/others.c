// SPDX-License-Identifier: GPL-2.0-only
/*
 * Somebody else's fuzzer on the device, as a user without rights, for a while
 *
 *	it comes to the module's code, as the kernel's probes count		others.fuzzer
 *	nothing is left of it, and a ring beside it carries its bytes as ever	others.fuzzer
 *	a program that does nothing is not taken for a fuzzer			others.sees_nobody
 *
 *	others SECONDS PROGRAM [ARGUMENT]...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <shmring.h>

#include "../../device/device.h"
#include "../beside.h"

#include <kselftest_harness.h>

#define NOBODY		65534
#define TRACING		"/sys/kernel/tracing/"
#define HOME		"/tmp/others"
/* A fuzzer that is not done by then is told to end, and then made to. */
#define GRACE_S		20

static unsigned int seconds;
static char **command;

/* Calls of the device; the ring beside makes none of the first few. */
static const char * const probes[] = {
	"open", "poll", "mmap", "read_iter", "write_iter", "ioctl",
};

#define PROBES_NEEDED	3

FIXTURE(others)
{
	struct beside *beside;
	long level;
	unsigned long max_user_bytes;
	unsigned long max_user_rings;
};

static bool probe_all(void)
{
	char text[128];
	size_t i;
	int fd;

	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		snprintf(text, sizeof(text), "p:others/%s shmring:shmring_%s\n",
			 probes[i], probes[i]);
		fd = open(TRACING "kprobe_events", O_WRONLY | O_APPEND | O_CLOEXEC);
		if (write(fd, text, strlen(text)) < 0)
			return false;
		close(fd);
	}
	/* They are counted; that nobody reads of them is no matter. */
	return !device_put_text(TRACING "tracing_on", "0") &&
	       !device_put_text(TRACING "events/others/enable", "1");
}

static void probe_no_more(void)
{
	device_put_text(TRACING "events/others/enable", "0");
	close(open(TRACING "kprobe_events", O_WRONLY | O_TRUNC | O_CLOEXEC));
}

static long hits(const char *probe)
{
	char word[32];

	snprintf(word, sizeof(word), " %s ", probe);
	return device_get_number(TRACING "kprobe_profile", word);
}

FIXTURE_SETUP(others)
{
	struct beside *b;

	self->max_user_bytes = device_param("max_user_bytes");
	self->max_user_rings = device_param("max_user_rings");
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, b);
	self->beside = b;
	/* Should the memory run out, it is the fuzzer that goes. */
	ASSERT_EQ(0, device_put_text("/proc/self/oom_score_adj", "-1000"));
	ASSERT_TRUE(beside_start(b));
	ASSERT_EQ(0, chmod(SHMRING_DEVICE, 0666));
	ASSERT_EQ(0, device_set_param("max_user_bytes", 32 << 20));
	ASSERT_EQ(0, device_set_param("max_user_rings", 64));
	ASSERT_TRUE(probe_all());
}

FIXTURE_TEARDOWN(others)
{
	probe_no_more();
	EXPECT_EQ(0, chmod(SHMRING_DEVICE, 0600));
	EXPECT_EQ(0, device_set_param("max_user_bytes", self->max_user_bytes));
	EXPECT_EQ(0, device_set_param("max_user_rings", self->max_user_rings));
	device_close(&self->beside->fd);
	EXPECT_TRUE(device_idle());
	munmap(self->beside, sizeof(*self->beside));
}

static bool become_nobody(void)
{
	const struct device_user nobody = { NOBODY, NOBODY, 0, -1 };

	return !device_become(&nobody);
}

static void run_it(char **argv)
{
	const struct rlimit none = { 0, 0 };
	int out;

	if (setsid() < 0 || close_range(3, ~0U, 0) ||
	    device_put_text("/proc/self/oom_score_adj", "1000") ||
	    setrlimit(RLIMIT_CORE, &none))
		_exit(125);
	if ((mkdir(HOME, 0755) && errno != EEXIST) ||
	    chown(HOME, NOBODY, NOBODY) || chdir(HOME) || !become_nobody())
		_exit(125);
	out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (out < 0 || dup2(out, 1) < 0 || dup2(out, 2) < 0)
		_exit(125);
	setenv("HOME", HOME, 1);
	execvp(argv[0], argv);
	_exit(127);
}

/* All that nobody has, though it may have left the session. */
static void kill_nobody(void)
{
	pid_t pid = fork();

	if (!pid) {
		if (become_nobody())
			kill(-1, SIGKILL);
		_exit(0);
	}
	device_child(pid);
}

/* For so long, unless it ends by itself: as device_child() */
static int run_for(unsigned int s, char **argv)
{
	const long long start = device_now_ns();
	bool told = false;
	long long now;
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		run_it(argv);
	while (!waitpid(pid, &status, WNOHANG)) {
		now = (device_now_ns() - start) / 1000000000LL;
		if (now >= s && !told)
			told = !kill(-pid, SIGINT);
		if (now >= s + GRACE_S)
			kill(-pid, SIGKILL);
		device_sleep_ms(50);
	}
	kill_nobody();
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

/* Its last words */
static const char *what_it_said(void)
{
	static char text[2001];
	int fd = open(HOME "/out", O_RDONLY | O_CLOEXEC);
	off_t end = lseek(fd, 0, SEEK_END);
	ssize_t n;

	n = pread(fd, text, sizeof(text) - 1, end > 2000 ? end - 2000 : 0);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return text;
}

TEST_F_TIMEOUT(others, fuzzer, 36000)
{
	const long long start = device_now_ns();
	struct beside *b = self->beside;
	uint64_t before = b->received;
	int status, again = 0;
	long long left;
	size_t i;

	/* It may give up early, of what it has done to itself. */
	do {
		left = seconds - (device_now_ns() - start) / 1000000000LL;
		status = run_for(left > 0 ? left : 1, command);
		EXPECT_LT(status, 125)
			break;
		again++;
	} while ((device_now_ns() - start) / 1000000000LL < seconds);
	TH_LOG("%s: %d times, %lld seconds", command[0], again,
	       (device_now_ns() - start) / 1000000000LL);
	for (i = 0; i < ARRAY_SIZE(probes); i++) {
		TH_LOG("%s: %ld calls", probes[i], hits(probes[i]));
		if (i < PROBES_NEEDED)
			EXPECT_LT(0, hits(probes[i]));
	}
	EXPECT_TRUE(_metadata->passed)
		TH_LOG("it said: %s", what_it_said());

	beside_unregister_others(b);
	EXPECT_TRUE(beside_is_alone_soon(b))
		TH_LOG("rings %lu, pages %lu, handles %lu", device_param("rings"),
		       device_param("pages"), device_param("handles"));
	EXPECT_LT(before, b->received);
	EXPECT_TRUE(beside_streams(b));
	beside_stop(b);
	EXPECT_TRUE(beside_was_intact(b));
}

TEST_F_TIMEOUT(others, sees_nobody, 60)
{
	char *idle[] = { "sleep", "1", NULL };

	/* The ring beside makes calls of its own, but opens nothing any more. */
	EXPECT_EQ(0, run_for(30, idle));
	EXPECT_EQ(0, hits("open"));
	EXPECT_EQ(0, hits("mmap"));
	beside_stop(self->beside);
}

int main(int argc, char **argv)
{
	char *harness[] = { argv[0], NULL };

	if (argc < 3) {
		fprintf(stderr, "Usage: %s SECONDS PROGRAM [ARGUMENT]...\n", argv[0]);
		return 2;
	}
	seconds = strtoul(argv[1], NULL, 10);
	command = argv + 2;
	return test_harness_run(1, harness);
}
