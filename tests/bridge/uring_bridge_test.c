// SPDX-License-Identifier: GPL-2.0-only
/*
 * The example's bridge by io_uring, over the same files as the library's
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>

#include "../../lib/examples/uring_bridge.h"
#include "join.h"

#define BUDGET	4096

FIXTURE(uring_bridge)
{
	struct join j;
	struct io_uring queue;
	bool there;
};

FIXTURE_VARIANT(uring_bridge)
{
	uint32_t backend;
	uint32_t capacity;
	enum join_file file;
};

#define URING_VARIANT(on, kind, bytes)					\
	FIXTURE_VARIANT_ADD(uring_bridge, on##_##kind##_##bytes) {	\
		.backend = SHMRING_BACKEND_##on,			\
		.capacity = (bytes),					\
		.file = JOIN_##kind,					\
	}
#define URING_VARIANTS(on)						\
	URING_VARIANT(on, SOCKET, 512);					\
	URING_VARIANT(on, SOCKET, 65536);				\
	URING_VARIANT(on, TCP, 65536);					\
	URING_VARIANT(on, PIPES, 65536)
URING_VARIANTS(MEMORY);
URING_VARIANTS(DEVICE);

FIXTURE_SETUP(uring_bridge)
{
	int err;

	RING_SKIP_IF_MISSING(variant->backend);
	signal(SIGPIPE, SIG_IGN);
	err = io_uring_queue_init(8, &self->queue, 0);
	if (err == -ENOSYS || err == -EPERM)
		SKIP(return, "no io_uring");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, join_open(&self->j, variant->file, variant->backend,
			       variant->capacity));
	self->there = true;
}

FIXTURE_TEARDOWN(uring_bridge)
{
	if (!self->there)
		return;
	io_uring_queue_exit(&self->queue);
	join_close(&self->j);
}

struct runner {
	struct join *j;
	struct io_uring *queue;
	struct uring_flow from, to;
	int rc;
};

/* A pipe's readers hear of its end when it is closed. */
static void *run(void *arg)
{
	struct runner *r = arg;

	r->from.ring = r->j->up.out;
	r->from.fd = r->j->fd[0];
	r->from.edge = SHMRING_WRITABLE;
	r->to.ring = r->j->down.in;
	r->to.fd = r->j->fd[1];
	r->to.edge = SHMRING_READABLE;
	r->rc = uring_bridge_run(r->queue, &r->from, &r->to, BUDGET);
	close(r->j->fd[0]);
	if (r->j->fd[1] != r->j->fd[0])
		close(r->j->fd[1]);
	return NULL;
}

TEST_F(uring_bridge, both_directions_at_once)
{
	struct runner r = { .j = &self->j, .queue = &self->queue };
	void *(*const work[4])(void *) = {
		file_writer, ring_reader, ring_writer, file_reader,
	};
	struct mover m[4] = {};
	pthread_t thread;
	int i;

	if (!self->there)
		return;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run, &r));
	for (i = 0; i < 4; i++) {
		m[i].j = &self->j;
		m[i].seed = 1000 + i;
		/* Where there is a device we are emulated, and slow. */
		m[i].total = variant->capacity >= 4096 &&
			     backend_missing(SHMRING_BACKEND_DEVICE) ? MIB : 32 * KIB;
		ASSERT_EQ(0, pthread_create(&m[i].thread, NULL, work[i], &m[i]));
	}
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, pthread_join(m[i].thread, NULL));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	EXPECT_EQ(0, r.rc);
	EXPECT_EQ(0, r.from.error);
	EXPECT_EQ(0, r.to.error);
	for (i = 0; i < 4; i++) {
		EXPECT_EQ(0, m[i].rc);
		EXPECT_FALSE(m[i].wrong);
		EXPECT_EQ(m[i].total, m[i].pos);
	}
	EXPECT_EQ(m[0].total, r.from.bytes);
	EXPECT_EQ(m[0].total, r.to.bytes);
	EXPECT_GE(BUDGET, r.from.most);
	EXPECT_GE(BUDGET, r.to.most);
}

TEST_F(uring_bridge, the_file_closes)
{
	struct runner r = { .j = &self->j, .queue = &self->queue };
	struct mover in = { .j = &self->j, .seed = 1 };
	struct mover out = { .j = &self->j, .seed = 2, .total = 1 << 30 };
	pthread_t thread;
	char buf[5000];

	if (!self->there)
		return;
	ASSERT_EQ(0, pthread_create(&thread, NULL, run, &r));
	ASSERT_EQ(0, pthread_create(&in.thread, NULL, ring_reader, &in));
	ASSERT_EQ(0, pthread_create(&out.thread, NULL, ring_writer, &out));
	ASSERT_LT(0, read(self->j.peer[0], buf, sizeof(buf)));
	join_peer_close(&self->j);
	ASSERT_EQ(0, pthread_join(thread, NULL));
	ASSERT_EQ(0, pthread_join(in.thread, NULL));
	ASSERT_EQ(0, pthread_join(out.thread, NULL));
	EXPECT_TRUE(r.to.error == -EPIPE || r.to.error == -ECONNRESET);
	EXPECT_TRUE(!r.from.error || r.from.error == -ECONNRESET);
	EXPECT_EQ(-EPIPE, out.rc);
	EXPECT_EQ(0, in.rc);
	EXPECT_EQ(0, in.pos);
}

/* From one file into another, each from where it is, through one ring */
TEST(regular_files)
{
	struct uring_flow from = { .edge = SHMRING_WRITABLE };
	struct uring_flow to = { .edge = SHMRING_READABLE };
	static unsigned char data[10 * BUDGET + 7];
	const size_t before = 3, total = sizeof(data) - before;
	struct io_uring queue;
	struct ends e;
	int err;

	err = io_uring_queue_init(8, &queue, 0);
	if (err == -ENOSYS || err == -EPERM)
		SKIP(return, "no io_uring");
	ASSERT_EQ(0, err);
	ASSERT_EQ(0, ends_open(&e, SHMRING_BACKEND_MEMORY, 8192, 0));
	from.ring = e.out;
	to.ring = e.in;
	from.fd = memfd_create("from", MFD_CLOEXEC);
	to.fd = memfd_create("to", MFD_CLOEXEC);
	ASSERT_LE(0, from.fd);
	ASSERT_LE(0, to.fd);
	pattern_fill(data, 0, sizeof(data));
	ASSERT_EQ(sizeof(data), write(from.fd, data, sizeof(data)));
	ASSERT_EQ(before, lseek(from.fd, before, SEEK_SET));
	ASSERT_EQ(before, write(to.fd, data, before));

	EXPECT_EQ(0, uring_bridge_run(&queue, &from, &to, BUDGET));
	EXPECT_EQ(0, from.error);
	EXPECT_EQ(0, to.error);
	EXPECT_EQ(total, from.bytes);
	EXPECT_EQ(total, to.bytes);
	ASSERT_EQ(sizeof(data), lseek(to.fd, 0, SEEK_END));
	memset(data, 0, sizeof(data));
	ASSERT_EQ(sizeof(data), pread(to.fd, data, sizeof(data), 0));
	EXPECT_EQ(sizeof(data), pattern_check(data, 0, sizeof(data)));
	close(from.fd);
	close(to.fd);
	io_uring_queue_exit(&queue);
}

TEST_HARNESS_MAIN
