// SPDX-License-Identifier: GPL-2.0-only
/*
 * Linked into a module whose basic blocks the compiler has begin with a call of this,
 * as for kcov: whoever runs there stops for a while, now and then, so that others come
 * by in between, where otherwise the gap is a few instructions.
 *
 * The idea is that of KCSAN's stalls.
 */
#include <linux/compiler.h>
#include <linux/timex.h>

/* One block in 256 takes up to 2^18 cycles more: some system calls of others. */
#define RARITY_BITS	8
#define CYCLES_BITS	18

void __sanitizer_cov_trace_pc(void);

/* Whose writes are lost, when CPUs race for it, does not matter. */
static u64 state;

/* In any context, NMI included; calls nothing, which would have calls of this. */
notrace void __sanitizer_cov_trace_pc(void)
{
	u64 chance = READ_ONCE(state) * 6364136223846793005ULL + 1;
	unsigned long start, cycles;

	WRITE_ONCE(state, chance);
	if (chance >> (64 - RARITY_BITS))
		return;
	start = random_get_entropy();
	cycles = (start ^ chance >> 20) & ((1UL << CYCLES_BITS) - 1);
	while (random_get_entropy() - start < cycles)
		barrier();
}
