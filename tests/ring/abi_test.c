// SPDX-License-Identifier: GPL-2.0-only
/*
 * The binary interface in numbers
 *
 * The library, the module and all other tests are built from the same headers,
 * and would follow any change of them.  A program that was built before would
 * not: so each number stands here once more.  What is added at an end is new
 * here; what has to be changed here breaks such programs.
 */
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <kselftest_harness.h>
#include <linux/shmring_message.h>
#include <linux/shmring_tap.h>

#include "ring.h"

/* Some machines have a bit of their own for an ioctl without a direction. */
#define NUMBER(cmd)		((cmd) ^ _IO(0, 0))

#define SIZE(type, bytes)	EXPECT_EQ(bytes, sizeof(struct type))
#define FIELD(type, field, at, bytes)					\
	do {								\
		EXPECT_EQ(at, offsetof(struct type, field));		\
		EXPECT_EQ(bytes, sizeof(((struct type *)0)->field));	\
	} while (0)

TEST(constants)
{
	EXPECT_STREQ("/dev/shmring", SHMRING_DEVICE);
	EXPECT_EQ(0x72696e67, SHMRING_MAGIC);
	EXPECT_EQ(1, SHMRING_ABI_VERSION);
	EXPECT_EQ(2, SHMRING_CAPACITY_MIN);
	EXPECT_EQ(1 << 30, SHMRING_CAPACITY_MAX);
	EXPECT_EQ(1ULL << 40, SHMRING_ARENA_OFFSET);
	EXPECT_EQ(128, SHMRING_LINE);

	EXPECT_EQ(1, SHMRING_ROLE_PRODUCER);
	EXPECT_EQ(2, SHMRING_ROLE_CONSUMER);
	EXPECT_EQ(3, SHMRING_ROLE_BOTH);
	EXPECT_EQ(4, SHMRING_ROLE_OBSERVER);
	EXPECT_EQ(1, SHMRING_READABLE);
	EXPECT_EQ(2, SHMRING_WRITABLE);
	EXPECT_EQ(4, sizeof(enum shmring_edge));
	EXPECT_EQ(1, SHMRING_F_PERSIST);

	EXPECT_EQ(1, SHMRING_STATE_PRODUCER_GONE);
	EXPECT_EQ(2, SHMRING_STATE_CONSUMER_GONE);
	EXPECT_EQ(4, SHMRING_STATE_CORRUPT);
	EXPECT_EQ(1, SHMRING_BACKEND_DEVICE);
	EXPECT_EQ(2, SHMRING_BACKEND_MEMORY);
	EXPECT_EQ(0, SHMRING_FENCED);
	EXPECT_EQ(1, SHMRING_UNFENCED);
	EXPECT_EQ(0xffffffffffffffffULL, SHMRING_ARM_NONE);
}

TEST(ioctl_numbers)
{
	EXPECT_EQ(0xd700, NUMBER(SHMRING_IOC_CREATE));
	EXPECT_EQ(0xd701, NUMBER(SHMRING_IOC_REGISTER));
	EXPECT_EQ(0xd702, NUMBER(SHMRING_IOC_ATTACH));
	EXPECT_EQ(0xd703, NUMBER(SHMRING_IOC_UNREGISTER));
	EXPECT_EQ(0xd704, NUMBER(SHMRING_IOC_INFO));
	EXPECT_EQ(0xd705, NUMBER(SHMRING_IOC_ARM));
	EXPECT_EQ(0xd706, NUMBER(SHMRING_IOC_KICK));
	EXPECT_EQ(0xd707, NUMBER(SHMRING_IOC_WAIT));
	EXPECT_EQ(0xd708, NUMBER(SHMRING_IOC_LOWAT));
	EXPECT_EQ(0xd709, NUMBER(SHMRING_IOC_UNFENCE));
}

TEST(ioctl_structs)
{
	SIZE(shmring_ioc_create, 32);
	FIELD(shmring_ioc_create, size, 0, 4);
	FIELD(shmring_ioc_create, flags, 4, 4);
	FIELD(shmring_ioc_create, capacity, 8, 4);
	FIELD(shmring_ioc_create, roles, 12, 4);
	FIELD(shmring_ioc_create, start, 16, 8);
	FIELD(shmring_ioc_create, arena, 24, 8);

	SIZE(shmring_ioc_register, 16);
	FIELD(shmring_ioc_register, size, 0, 4);
	FIELD(shmring_ioc_register, flags, 4, 4);
	FIELD(shmring_ioc_register, mode, 8, 4);
	FIELD(shmring_ioc_register, handle, 12, 4);

	SIZE(shmring_ioc_attach, 16);
	FIELD(shmring_ioc_attach, size, 0, 4);
	FIELD(shmring_ioc_attach, flags, 4, 4);
	FIELD(shmring_ioc_attach, handle, 8, 4);
	FIELD(shmring_ioc_attach, roles, 12, 4);

	SIZE(shmring_ioc_unregister, 16);
	FIELD(shmring_ioc_unregister, size, 0, 4);
	FIELD(shmring_ioc_unregister, flags, 4, 4);
	FIELD(shmring_ioc_unregister, handle, 8, 4);
	FIELD(shmring_ioc_unregister, reserved, 12, 4);

	SIZE(shmring_ioc_arm, 16);
	FIELD(shmring_ioc_arm, size, 0, 4);
	FIELD(shmring_ioc_arm, flags, 4, 4);
	FIELD(shmring_ioc_arm, edge, 8, 4);
	FIELD(shmring_ioc_arm, min, 12, 4);

	SIZE(shmring_ioc_kick, 16);
	FIELD(shmring_ioc_kick, size, 0, 4);
	FIELD(shmring_ioc_kick, flags, 4, 4);
	FIELD(shmring_ioc_kick, edge, 8, 4);
	FIELD(shmring_ioc_kick, reserved, 12, 4);

	SIZE(shmring_ioc_wait, 24);
	FIELD(shmring_ioc_wait, size, 0, 4);
	FIELD(shmring_ioc_wait, flags, 4, 4);
	FIELD(shmring_ioc_wait, edge, 8, 4);
	FIELD(shmring_ioc_wait, min, 12, 4);
	FIELD(shmring_ioc_wait, timeout_ns, 16, 8);

	SIZE(shmring_ioc_lowat, 16);
	FIELD(shmring_ioc_lowat, size, 0, 4);
	FIELD(shmring_ioc_lowat, flags, 4, 4);
	FIELD(shmring_ioc_lowat, edge, 8, 4);
	FIELD(shmring_ioc_lowat, bytes, 12, 4);

	SIZE(shmring_ioc_unfence, 16);
	FIELD(shmring_ioc_unfence, size, 0, 4);
	FIELD(shmring_ioc_unfence, flags, 4, 4);
	FIELD(shmring_ioc_unfence, edge, 8, 4);
	FIELD(shmring_ioc_unfence, reserved, 12, 4);
}

TEST(ioctl_info)
{
	SIZE(shmring_ioc_info, 200);
	FIELD(shmring_ioc_info, size, 0, 4);
	FIELD(shmring_ioc_info, flags, 4, 4);
	FIELD(shmring_ioc_info, roles, 8, 4);
	FIELD(shmring_ioc_info, state, 12, 4);
	FIELD(shmring_ioc_info, page_size, 16, 4);
	FIELD(shmring_ioc_info, capacity, 20, 4);
	FIELD(shmring_ioc_info, consumer_offset, 24, 8);
	FIELD(shmring_ioc_info, kernel_offset, 32, 8);
	FIELD(shmring_ioc_info, producer_offset, 40, 8);
	FIELD(shmring_ioc_info, data_offset, 48, 8);
	FIELD(shmring_ioc_info, map_length, 56, 8);
	FIELD(shmring_ioc_info, wr, 64, 8);
	FIELD(shmring_ioc_info, rd, 72, 8);
	FIELD(shmring_ioc_info, rx_lowat, 80, 4);
	FIELD(shmring_ioc_info, tx_lowat, 84, 4);
	FIELD(shmring_ioc_info, producer_pid, 88, 4);
	FIELD(shmring_ioc_info, consumer_pid, 92, 4);
	FIELD(shmring_ioc_info, handles, 96, 4);
	FIELD(shmring_ioc_info, reserved, 100, 4);
	FIELD(shmring_ioc_info, rx, 104, 32);
	FIELD(shmring_ioc_info, tx, 136, 32);
	FIELD(shmring_ioc_info, drops, 168, 8);
	FIELD(shmring_ioc_info, drop_bytes, 176, 8);
	FIELD(shmring_ioc_info, arena_offset, 184, 8);
	FIELD(shmring_ioc_info, arena_size, 192, 8);
}

TEST(pages)
{
	SIZE(shmring_counters, 32);
	FIELD(shmring_counters, kicks, 0, 8);
	FIELD(shmring_counters, arms, 8, 8);
	FIELD(shmring_counters, sleeps, 16, 8);
	FIELD(shmring_counters, barriers, 24, 8);

	FIELD(shmring_consumer_page, rd, 0, 8);
	FIELD(shmring_consumer_page, mode, 128, 8);
	FIELD(shmring_producer_page, wr, 0, 8);
	FIELD(shmring_producer_page, mode, 128, 8);

	FIELD(shmring_kernel_page, magic, 0, 4);
	FIELD(shmring_kernel_page, version, 4, 4);
	FIELD(shmring_kernel_page, page_size, 8, 4);
	FIELD(shmring_kernel_page, backend, 12, 4);
	FIELD(shmring_kernel_page, capacity, 16, 8);
	FIELD(shmring_kernel_page, consumer_offset, 24, 8);
	FIELD(shmring_kernel_page, kernel_offset, 32, 8);
	FIELD(shmring_kernel_page, producer_offset, 40, 8);
	FIELD(shmring_kernel_page, data_offset, 48, 8);
	FIELD(shmring_kernel_page, map_length, 56, 8);
	FIELD(shmring_kernel_page, arena_offset, 64, 8);
	FIELD(shmring_kernel_page, arena_size, 72, 8);
	FIELD(shmring_kernel_page, state, 128, 4);
	FIELD(shmring_kernel_page, fence, 132, 4);
	FIELD(shmring_kernel_page, rx_arm, 256, 8);
	FIELD(shmring_kernel_page, tx_arm, 384, 8);
	FIELD(shmring_kernel_page, rx, 512, 32);
	FIELD(shmring_kernel_page, tx, 640, 32);
	FIELD(shmring_kernel_page, drops, 768, 8);
	FIELD(shmring_kernel_page, drop_bytes, 776, 8);
}

/*
 * Words that are not written, or not polled, by the same CPU are on different
 * pairs of lines; C, K and P are on pages of their own.
 */
TEST(lines)
{
	const size_t at[] = {
		offsetof(struct shmring_kernel_page, magic),
		offsetof(struct shmring_kernel_page, state),
		offsetof(struct shmring_kernel_page, rx_arm),
		offsetof(struct shmring_kernel_page, tx_arm),
		offsetof(struct shmring_kernel_page, rx),
		offsetof(struct shmring_kernel_page, tx),
		offsetof(struct shmring_kernel_page, drops),
	};
	size_t i;

	for (i = 1; i < ARRAY_SIZE(at); i++)
		EXPECT_LT(at[i - 1] / 128, at[i] / 128);
	/* No part of the geometry is on the line that changes. */
	EXPECT_GE(128, offsetof(struct shmring_kernel_page, arena_size) + 8);
	EXPECT_LE(128, offsetof(struct shmring_consumer_page, mode));
	EXPECT_LE(128, offsetof(struct shmring_producer_page, mode));
}

FIXTURE(layout)
{
	struct shmring *r;
};

FIXTURE_VARIANT(layout) RING_VARIANT;
RING_VARIANTS_SMALL(layout, MEMORY);
RING_VARIANTS_SMALL(layout, DEVICE);

FIXTURE_SETUP(layout)
{
	RING_SKIP_IF_MISSING(variant->backend);
	self->r = ring_both(variant->backend, variant->capacity, 5);
	ASSERT_NE(NULL, self->r);
}

FIXTURE_TEARDOWN(layout)
{
	shmring_free(self->r);
}

/* Words of a page, as a program sees them that has no header. */
static uint64_t word32(const unsigned char *page, size_t at)
{
	return *(const uint32_t *)(page + at);
}

static uint64_t word64(const unsigned char *page, size_t at)
{
	return *(const uint64_t *)(page + at);
}

/* C, K, P, data: what a ring's own pages hold, and in what order they come. */
TEST_F(layout, of_a_ring)
{
	const uint64_t size = sysconf(_SC_PAGESIZE);
	const bool mirrored = variant->capacity >= size;
	const unsigned char *page, *k;
	int fds[3] = { -1, -1, -1 }, i;

	RING_NEEDED(self->r);
	if (variant->backend == SHMRING_BACKEND_MEMORY)
		ASSERT_EQ(0, shmring_export_fds(self->r, fds));
	page = mmap(NULL, 4 * size, PROT_READ, MAP_SHARED,
		    fds[0] < 0 ? shmring_fd(self->r) : fds[0], 0);
	ASSERT_NE(MAP_FAILED, page);
	k = page + size;
	EXPECT_EQ(0x72696e67, word32(k, 0));
	EXPECT_EQ(1, word32(k, 4));
	EXPECT_EQ(size, word32(k, 8));
	EXPECT_EQ(variant->backend, word32(k, 12));
	EXPECT_EQ(variant->capacity, word64(k, 16));
	EXPECT_EQ(0, word64(k, 24));
	EXPECT_EQ(size, word64(k, 32));
	EXPECT_EQ(2 * size, word64(k, 40));
	EXPECT_EQ(3 * size, word64(k, 48));
	EXPECT_EQ(mirrored ? 3 * size + 2 * variant->capacity : 4 * size,
		  word64(k, 56));

	ASSERT_EQ(1, shmring_try_write_from(self->r, "x", 1));
	EXPECT_EQ(5, word64(page, 0));
	EXPECT_EQ(6, word64(page + 2 * size, 0));
	EXPECT_EQ('x', page[3 * size + 5 % variant->capacity]);
	munmap((void *)page, 4 * size);
	for (i = 0; i < 3; i++)
		close(fds[i]);
}

/* A prefix of eight bytes, a payload, and what aligns the next one */
TEST(messages)
{
	EXPECT_EQ(8, SHMRING_MESSAGE_ALIGN);
	EXPECT_EQ(8, SHMRING_MESSAGE_PREFIX);
	EXPECT_EQ(8, SHMRING_MESSAGE_SIZE(0));
	EXPECT_EQ(16, SHMRING_MESSAGE_SIZE(1));
	EXPECT_EQ(16, SHMRING_MESSAGE_SIZE(8));
	EXPECT_EQ(24, SHMRING_MESSAGE_SIZE(9));
	EXPECT_EQ(0x100000008ULL, SHMRING_MESSAGE_SIZE(0xffffffffU));
}

TEST(tap)
{
	EXPECT_STREQ("/dev/shmring_tap", SHMRING_TAP_DEVICE);
	EXPECT_EQ(262144, SHMRING_TAP_SNAPLEN);
	EXPECT_EQ(0xd720, NUMBER(SHMRING_TAP_IOC_START));
	EXPECT_EQ(0xd721, NUMBER(SHMRING_TAP_IOC_STATS));

	SIZE(shmring_tap_start, 32);
	FIELD(shmring_tap_start, size, 0, 4);
	FIELD(shmring_tap_start, flags, 4, 4);
	FIELD(shmring_tap_start, ring_fd, 8, 4);
	FIELD(shmring_tap_start, ifindex, 12, 4);
	FIELD(shmring_tap_start, snaplen, 16, 4);
	FIELD(shmring_tap_start, filter_len, 20, 4);
	FIELD(shmring_tap_start, filter, 24, 8);

	SIZE(shmring_tap_stats, 32);
	FIELD(shmring_tap_stats, size, 0, 4);
	FIELD(shmring_tap_stats, flags, 4, 4);
	FIELD(shmring_tap_stats, packets, 8, 8);
	FIELD(shmring_tap_stats, written, 16, 8);
	FIELD(shmring_tap_stats, drops, 24, 8);
}

TEST_HARNESS_MAIN
