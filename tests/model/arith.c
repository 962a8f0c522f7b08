/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The arithmetic of shmring_proto.h against numbers that do not wrap
 *
 * Compiled as the library compiles it, without the checker.  All positions of
 * both ends around every wrap that could matter, for all small capacities: the
 * true positions are 128 bits wide, the words get the low 64 of them.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "shmring_atomic.h"

typedef __int128 big;

static unsigned long long checks;
static int failures;

__attribute__((format(printf, 2, 3)))
static void check(int right, const char *what, ...)
{
	va_list args;

	checks++;
	if (right || failures++ > 20)
		return;
	printf("# ");
	va_start(args, what);
	vprintf(what, args);
	va_end(args);
	printf("\n");
}

/* Where 64 bits, 32 bits and the sign end; 1 << 64 lets positions go below. */
static const big bases[] = {
	(big)1 << 64, ((big)1 << 64) + ((big)1 << 31), ((big)1 << 64) + ((big)1 << 32),
	((big)1 << 64) + ((big)1 << 63), (big)1 << 65,
};

struct pair {
	shmring_word wr, rd, rx_arm, tx_arm, mode, arming;
	struct shmring_end producer, consumer;
};

static void set(struct pair *p, big wr, big rd, __u64 capacity)
{
	p->wr = (__u64)wr;
	p->rd = (__u64)rd;
	p->rx_arm = SHMRING_ARM_NONE;
	p->tx_arm = SHMRING_ARM_NONE;
	p->mode = SHMRING_FENCED;
	p->arming = 0;
	p->producer = (struct shmring_end){ &p->wr, &p->rd, &p->tx_arm, &p->rx_arm,
					    &p->mode, p->wr, capacity, capacity, 0 };
	p->consumer = (struct shmring_end){ &p->rd, &p->wr, &p->rx_arm, &p->tx_arm,
					    &p->mode, p->rd, 0, capacity, 0 };
}

/* The peer fences. */
static void not_heavy(void *unused)
{
	(void)unused;
	abort();
}

/* What an end may use, if the peer's position is possible */
static __u64 credit_of(big room, __u64 capacity)
{
	return room < 0 || room > (big)capacity ? SHMRING_CREDIT_CORRUPT : (__u64)room;
}

static int reached(big pos, big arm)
{
	return pos >= arm;
}

/* The arm that stands for a position: a byte early where the word means none */
static big arm_at(big at)
{
	return (__u64)at == SHMRING_ARM_NONE ? at - 1 : at;
}

static void test_credit(big wr, big rd, __u64 capacity)
{
	struct pair p;

	set(&p, wr, rd, capacity);
	check(shmring_end_credit(&p.consumer) == credit_of(wr - rd, capacity),
	      "consumer's credit: wr %llu rd %llu capacity %llu", p.wr, p.rd, capacity);
	check(shmring_end_credit(&p.producer) == credit_of(rd + (big)capacity - wr, capacity),
	      "producer's credit: wr %llu rd %llu capacity %llu", p.wr, p.rd, capacity);
}

/* From every possible state: arm for each minimum, then move by each amount */
static void test_arm(big wr, big rd, __u64 capacity)
{
	big space = rd + (big)capacity - wr, at;
	struct pair p;
	int kick;

	for (__u64 min = 1; min <= capacity; min++) {
		for (__u64 n = 0; n <= space; n++) {
			set(&p, wr, rd, capacity);
			at = arm_at(rd + (big)min);
			check(shmring_end_arm(&p.consumer, min, &p.arming, not_heavy, NULL) == (__u64)(wr - rd) &&
			      p.rx_arm == (__u64)at, "consumer arms: wr %llu rd %llu min %llu",
			      p.wr, p.rd, min);
			kick = shmring_end_advance(&p.producer, n);
			check(p.wr == (__u64)(wr + (big)n) && !kick == !reached(wr + (big)n, at),
			      "commit: wr %llu n %llu arm %llu", p.wr, n, p.rx_arm);
		}
		for (__u64 n = 0; n <= wr - rd; n++) {
			set(&p, wr, rd, capacity);
			at = arm_at(wr + (big)min - (big)capacity);
			check(shmring_end_arm(&p.producer, min, &p.arming, not_heavy, NULL) == (__u64)space &&
			      p.tx_arm == (__u64)at, "producer arms: wr %llu rd %llu min %llu",
			      p.wr, p.rd, min);
			kick = shmring_end_advance(&p.consumer, n);
			check(p.rd == (__u64)(rd + (big)n) && !kick == !reached(rd + (big)n, at),
			      "release: rd %llu n %llu arm %llu", p.rd, n, p.tx_arm);
		}
	}
}

/* Two arms in any order leave the lower one. */
static void test_lower(big rd, __u64 capacity)
{
	big first, second;
	struct pair p;

	for (__u64 a = 1; a <= capacity; a++) {
		for (__u64 b = 1; b <= capacity; b++) {
			set(&p, rd, rd, capacity);
			first = arm_at(rd + (big)a);
			second = arm_at(rd + (big)b);
			shmring_arm_lower(&p.rx_arm, (__u64)(rd + (big)a));
			shmring_arm_lower(&p.rx_arm, (__u64)(rd + (big)b));
			check(p.rx_arm == (__u64)(first < second ? first : second),
			      "arms: rd %llu first %llu then %llu", p.rd, a, b);
		}
	}
}

static void test_contiguous(big pos, __u64 capacity)
{
	struct pair p;
	__u64 piece;

	set(&p, pos, pos, capacity);
	for (__u64 n = 0; n <= capacity; n++) {
		/* Step by step: the piece ends where the next slot is slot 0. */
		for (piece = 0; piece < n; piece++)
			if (piece && (pos + (big)piece) % (big)capacity == 0)
				break;
		check(shmring_end_contiguous(&p.producer, n, 0) == piece,
		      "piece: pos %llu n %llu capacity %llu", p.wr, n, capacity);
		check(shmring_end_contiguous(&p.consumer, n, 1) == n,
		      "mirrored piece: pos %llu n %llu capacity %llu", p.wr, n, capacity);
	}
}

static int woken;

static void wake(void *ctx)
{
	check(*(shmring_word *)ctx == SHMRING_ARM_NONE, "woken before the arm was cleared");
	woken++;
}

static void test_kick(__u64 arm)
{
	shmring_word word = arm;

	woken = 0;
	check(!shmring_arm_kick(&word, wake, &word) == (arm == SHMRING_ARM_NONE) &&
	      woken == (arm != SHMRING_ARM_NONE) && word == SHMRING_ARM_NONE,
	      "kick: arm %llu", arm);
}

int main(void)
{
	for (unsigned b = 0; b < sizeof(bases) / sizeof(*bases); b++) {
		for (__u64 capacity = 2; capacity <= 16; capacity *= 2) {
			big c = (big)capacity;

			for (big rd = bases[b] - 3 * c; rd <= bases[b] + 3 * c; rd++) {
				/* What a liar may say: twice too far, either way */
				for (big wr = rd - 3 * c; wr <= rd + 3 * c; wr++)
					test_credit(wr, rd, capacity);
				/* and as far as the words can tell */
				for (unsigned bit = 16; bit < 64; bit++) {
					test_credit(rd + ((big)1 << bit), rd, capacity);
					test_credit(rd - ((big)1 << bit), rd, capacity);
				}
				for (big wr = rd; wr <= rd + c; wr++)
					test_arm(wr, rd, capacity);
				test_lower(rd, capacity);
				test_contiguous(rd, capacity);
				test_kick((__u64)rd);
			}
		}
	}
	printf("%s\tarithmetic around the wraps, capacities 2 to 16: exhaustive, %llu checks\n",
	       failures ? "fail" : "pass", checks);
	return failures != 0;
}
