// SPDX-License-Identifier: GPL-2.0-only
/* What a hostile peer writes */
#include <shmring.h>

#include "../ring/ring.h"
#include "hostile.h"

/* The lowest position that could be the peer's; the highest is a capacity on. */
static uint64_t lowest(const struct hostile_view *v)
{
	return v->role == SHMRING_ROLE_PRODUCER ? v->his : v->his - v->capacity;
}

uint64_t hostile_possible(const struct hostile_view *v, uint64_t *random)
{
	uint64_t r = random_next(random);

	switch (r % 4) {
	case 0:
		return lowest(v) + (r >> 8) % (v->capacity + 1);
	case 1:
		return lowest(v) + v->capacity - (r >> 8) % (v->capacity < 4 ? 2 : 4);
	default:
		return lowest(v) + (r >> 8) % (v->capacity < 4 ? 2 : 4);
	}
}

uint64_t hostile_border(const struct hostile_view *v, uint64_t *random)
{
	uint64_t r = random_next(random);
	const uint64_t near[] = {
		lowest(v), lowest(v) + v->capacity, lowest(v) + 2 * v->capacity,
		lowest(v) - v->capacity, v->mine, v->his, 0, v->capacity,
	};
	const uint64_t far[] = {
		0, 0, 0, 1ULL << 31, 1ULL << 32, 1ULL << 62, 1ULL << 63,
		~0ULL << 32,
	};

	return near[r % 8] + far[(r >> 8) % 8] + (r >> 16) % 5 - 2;
}

uint64_t hostile_value(const struct hostile_view *v, uint64_t *random)
{
	uint64_t r = random_next(random);

	switch (r % 8) {
	case 0:
		return 0;
	case 1:
		return ~0ULL;
	case 2:		/* what a mode may be, and nearly may */
		return (r >> 8) % 4;
	case 3:
		return (1ULL << (r >> 8) % 64) - (r >> 16) % 2;
	case 4:
		return hostile_possible(v, random);
	case 5:
		return random_next(random);
	default:
		return hostile_border(v, random);
	}
}
