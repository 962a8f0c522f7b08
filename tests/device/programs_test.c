// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ordinary programs at a ring's ends, which they take for a pipe
 *
 * They inherit the end's file as standard input, as standard output, or as a
 * number that they are told.  What they must come to: the same bytes, an end
 * when the other side ends, and a status that says so.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "kselftest_harness.h"

#include "stream.h"

#define CAPACITY	16384U
#define START		((1ULL << 32) - 1000)
#define TOTAL		((1U << 18) + 12345)

/* Where the programs find a file that is neither input nor output. */
#define SOME_FD		7

/*
 * @argv[0] is brought along by tests/list, and lies beside this program.
 * @in, @out and @some become 0, 1 and SOME_FD; -1: /dev/null, or nothing.
 */
static pid_t start(char *const argv[], int in, int out, int some)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : in, 0);
	dup2(out < 0 ? open("/dev/null", O_WRONLY | O_CLOEXEC) : out, 1);
	if (some == SOME_FD)
		fcntl(some, F_SETFD, 0);
	else if (some >= 0)
		dup2(some, SOME_FD);
	execv(argv[0], argv);
	perror(argv[0]);
	_exit(127);
}

/* A file of @n bytes as they come at the ring's start; its offset is 0. */
static int input_file(size_t n)
{
	int fd = memfd_create("input", MFD_CLOEXEC);
	unsigned char *bytes = malloc(n);
	bool ok;

	stream_fill(bytes, START, n);
	ok = write(fd, bytes, n) == (ssize_t)n && !lseek(fd, 0, SEEK_SET);
	free(bytes);
	return ok ? fd : -1;
}

/* Does it hold these @n bytes, and no more? */
static bool output_is_right(int fd, size_t n)
{
	unsigned char *bytes = malloc(n + 1);
	bool ok;

	ok = pread(fd, bytes, n + 1, 0) == (ssize_t)n &&
	     stream_match(bytes, START, n) == n;
	free(bytes);
	return ok;
}

static void close_producer(struct device_pair *pair)
{
	device_unmap(&pair->p);
	device_close(&pair->producer);
}

static void close_consumer(struct device_pair *pair)
{
	device_unmap(&pair->c);
	device_close(&pair->consumer);
}

/* --- One program and this process */

FIXTURE(program)
{
	struct device_pair pair;
	int file;
};

FIXTURE_VARIANT(program)
{
	char *const *reader;	/* its input to its output */
	char *const *writer;	/* likewise */
	bool some;		/* the ring's end is SOME_FD */
	bool quiet;		/* takes EPIPE for an end like any other */
};

#define ARGV(...)	((char *const []){ __VA_ARGS__, NULL })

FIXTURE_VARIANT_ADD(program, cat) {
	.reader = ARGV("./cat"),
	.writer = ARGV("./cat"),
};

FIXTURE_VARIANT_ADD(program, dd_small_blocks) {
	.reader = ARGV("./dd", "bs=1000", "status=none"),
	.writer = ARGV("./dd", "bs=1000", "status=none"),
};

/* Blocks of many capacities: the reader must put partial ones together. */
FIXTURE_VARIANT_ADD(program, dd_large_blocks) {
	.reader = ARGV("./dd", "bs=300K", "iflag=fullblock", "status=none"),
	.writer = ARGV("./dd", "bs=300K", "status=none"),
};

/* Sets O_NONBLOCK on its output, selects on both, splices if it can. */
FIXTURE_VARIANT_ADD(program, pv) {
	.reader = ARGV("./pv", "-q"),
	.writer = ARGV("./pv", "-q"),
	.quiet = true,
};

FIXTURE_VARIANT_ADD(program, socat) {
	.reader = ARGV("./socat", "-u", "STDIN", "STDOUT"),
	.writer = ARGV("./socat", "-u", "STDIN", "STDOUT"),
};

FIXTURE_VARIANT_ADD(program, socat_by_number) {
	.reader = ARGV("./socat", "-u", "FD:7", "STDOUT"),
	.writer = ARGV("./socat", "-u", "STDIN", "FD:7"),
	.some = true,
};

FIXTURE_SETUP(program)
{
	ASSERT_EQ(0, device_pair(&self->pair, CAPACITY, START));
}

FIXTURE_TEARDOWN(program)
{
	device_pair_free(&self->pair);
	close(self->file);
	EXPECT_TRUE(device_idle());
}

TEST_F(program, reads)
{
	int end = self->pair.consumer;
	pid_t pid;

	self->file = memfd_create("output", MFD_CLOEXEC);
	pid = start(variant->reader, variant->some ? -1 : end, self->file,
		    variant->some ? end : -1);
	close_consumer(&self->pair);
	EXPECT_EQ(TOTAL, stream_produce(self->pair.producer, &self->pair.p,
					TOTAL, CAPACITY / 2, STREAM_ANY));
	close_producer(&self->pair);
	EXPECT_EQ(0, device_child(pid));
	EXPECT_TRUE(output_is_right(self->file, TOTAL));
}

TEST_F(program, reads_into_a_pipe)
{
	int end = self->pair.consumer;
	pid_t pids[2];
	int fds[2];

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	self->file = memfd_create("output", MFD_CLOEXEC);
	pids[0] = start(variant->reader, variant->some ? -1 : end, fds[1],
			variant->some ? end : -1);
	pids[1] = start(ARGV("./cat"), fds[0], self->file, -1);
	close(fds[0]);
	close(fds[1]);
	close_consumer(&self->pair);
	EXPECT_EQ(TOTAL, stream_produce(self->pair.producer, &self->pair.p,
					TOTAL, CAPACITY / 2, STREAM_ANY));
	close_producer(&self->pair);
	EXPECT_EQ(0, device_child(pids[0]));
	EXPECT_EQ(0, device_child(pids[1]));
	EXPECT_TRUE(output_is_right(self->file, TOTAL));
}

TEST_F(program, writes)
{
	int end = self->pair.producer;
	char byte;
	pid_t pid;

	self->file = input_file(TOTAL);
	ASSERT_LE(0, self->file);
	pid = start(variant->writer, self->file, variant->some ? -1 : end,
		    variant->some ? end : -1);
	close_producer(&self->pair);
	EXPECT_EQ(TOTAL, stream_consume(self->pair.consumer, &self->pair.c,
					TOTAL, CAPACITY / 2, STREAM_ANY));
	EXPECT_EQ(0, read(self->pair.consumer, &byte, 1));
	EXPECT_EQ(0, device_child(pid));
}

/* Its reader goes early: an error that it can report, not a signal. */
TEST_F(program, writes_to_nobody)
{
	int end = self->pair.producer;
	unsigned char bytes[100];
	int null, stderr_fd, status;
	pid_t pid;

	self->file = input_file(TOTAL);
	ASSERT_LE(0, self->file);
	/* It complains, as it should, and needs not be heard */
	stderr_fd = dup(2);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, 2);
	pid = start(variant->writer, self->file, variant->some ? -1 : end,
		    variant->some ? end : -1);
	dup2(stderr_fd, 2);
	close_producer(&self->pair);
	ASSERT_EQ(100, read(self->pair.consumer, bytes, sizeof(bytes)));
	close_consumer(&self->pair);
	status = device_child(pid);
	if (variant->quiet) {
		EXPECT_EQ(0, status);
	} else {
		EXPECT_EQ(1, status);
	}
	close(null);
	close(stderr_fd);
}

/* --- Programs at both ends */

static void both(struct __test_metadata *_metadata, char *const writer[],
		 char *const reader[], __u32 capacity, size_t total)
{
	struct device_pair pair;
	int input, output;
	pid_t pids[2];

	input = input_file(total);
	output = memfd_create("output", MFD_CLOEXEC);
	ASSERT_LE(0, input);
	ASSERT_LE(0, output);
	ASSERT_EQ(0, device_pair(&pair, capacity, START));
	pids[0] = start(writer, input, pair.producer, -1);
	pids[1] = start(reader, pair.consumer, output, -1);
	device_pair_free(&pair);
	EXPECT_EQ(0, device_child(pids[0]));
	EXPECT_EQ(0, device_child(pids[1]));
	EXPECT_TRUE(output_is_right(output, total));
	close(input);
	close(output);
	EXPECT_TRUE(device_idle());
}

TEST(dd_to_cat)
{
	both(_metadata, ARGV("./dd", "bs=100000", "status=none"),
	     ARGV("./cat"), CAPACITY, TOTAL);
}

TEST(cat_to_dd)
{
	both(_metadata, ARGV("./cat"),
	     ARGV("./dd", "bs=777", "status=none"), 4096, TOTAL);
}

TEST(pv_to_socat)
{
	both(_metadata, ARGV("./pv", "-q"),
	     ARGV("./socat", "-u", "STDIN", "STDOUT"), CAPACITY, TOTAL);
}

TEST(socat_to_pv)
{
	both(_metadata, ARGV("./socat", "-u", "STDIN", "STDOUT"),
	     ARGV("./pv", "-q"), 65536, TOTAL);
}

TEST(dd_to_dd_through_two_bytes)
{
	both(_metadata, ARGV("./dd", "bs=100", "status=none"),
	     ARGV("./dd", "bs=7", "status=none"), 2, 2000);
}

/* Rings on either side of a relay that polls both. */
TEST(socat_between_two_rings)
{
	struct device_pair a, b;
	pid_t pids[2];

	ASSERT_EQ(0, device_pair(&a, CAPACITY, START));
	ASSERT_EQ(0, device_pair(&b, 4096, START));
	pids[0] = start(ARGV("./socat", "-u", "STDIN", "FD:7"), a.consumer, -1,
			b.producer);
	close_consumer(&a);
	close_producer(&b);
	pids[1] = stream_child(a.producer, SHMRING_ROLE_PRODUCER, TOTAL,
			       CAPACITY, STREAM_ANY);
	close_producer(&a);
	EXPECT_EQ(TOTAL, stream_consume(b.consumer, &b.c, TOTAL, 5000,
					STREAM_ANY));
	EXPECT_EQ(0, device_child(pids[0]));
	EXPECT_EQ(0, device_child(pids[1]));
	device_pair_free(&a);
	device_pair_free(&b);
	EXPECT_TRUE(device_idle());
}

/* A checksum by somebody else than us: of a file, and through a ring. */
TEST(checksums)
{
	char direct[200] = "", through[200] = "";
	char *const sum[] = { "./sha256sum", NULL };
	struct device_pair pair;
	int fds[2], input;
	pid_t pids[2];

	ASSERT_EQ(0, pipe2(fds, O_CLOEXEC));
	input = input_file(TOTAL);
	ASSERT_LE(0, input);
	pids[0] = start(sum, input, fds[1], -1);
	EXPECT_EQ(0, device_child(pids[0]));
	ASSERT_LT(64, read(fds[0], direct, sizeof(direct) - 1));

	ASSERT_EQ(0, lseek(input, 0, SEEK_SET));
	ASSERT_EQ(0, device_pair(&pair, CAPACITY, START));
	pids[0] = start(ARGV("./cat"), input, pair.producer, -1);
	pids[1] = start(sum, pair.consumer, fds[1], -1);
	device_pair_free(&pair);
	EXPECT_EQ(0, device_child(pids[0]));
	EXPECT_EQ(0, device_child(pids[1]));
	ASSERT_LT(64, read(fds[0], through, sizeof(through) - 1));
	EXPECT_STREQ(direct, through);
	close(fds[0]);
	close(fds[1]);
	close(input);
	EXPECT_TRUE(device_idle());
}

TEST_HARNESS_MAIN
