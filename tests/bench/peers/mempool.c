// SPDX-License-Identifier: GPL-2.0-only
/*
 * DPDK's mempool, with its cache for each thread, in the environment that needs
 * neither huge pages nor devices
 *
 * Needs: libdpdk-dev <rte_mempool.h> pkg:libdpdk
 */
#include <rte_eal.h>
#include <rte_mempool.h>

#include "loops.h"

struct end {
	struct rte_mempool *pool;
	struct rte_mempool_cache *cache;
};

static struct end ends[2];

static struct end *pool_p(struct bench_run *run)
{
	(void)run;
	return &ends[0];
}

static struct end *pool_c(struct bench_run *run)
{
	(void)run;
	return &ends[1];
}

static inline uint64_t pool_take(struct end *e)
{
	void *p;

	if (rte_mempool_generic_get(e->pool, &p, 1, e->cache))
		return 0;
	return (uint64_t)p;
}

static inline uint64_t *pool_at(struct end *e, uint64_t token)
{
	(void)e;
	return (uint64_t *)token;
}

static inline void pool_give(struct end *e, uint64_t token)
{
	void *p = (void *)token;

	rte_mempool_generic_put(e->pool, &p, 1, e->cache);
}

BENCH_SLAB_LOOPS(pool, struct end)
BENCH_SLAB_CROSS_LOOPS(pool, struct end)

static int pool_setup(struct bench_run *run)
{
	static char *arguments[] = {
		"bench", "--no-huge", "--no-pci", "-m", "64", "--no-shconf",
		"--log-level=1", "--no-telemetry", "-l", "0", NULL
	};
	int i;

	if (rte_eal_init(10, arguments) < 0)
		return -EOPNOTSUPP;
	ends[0].pool = rte_mempool_create("bench", run->capacity, run->size, 0, 0,
					  NULL, NULL, NULL, NULL, SOCKET_ID_ANY, 0);
	if (!ends[0].pool)
		return -EOPNOTSUPP;
	ends[1].pool = ends[0].pool;
	for (i = 0; i < 2; i++) {
		ends[i].cache = rte_mempool_cache_create(256, SOCKET_ID_ANY);
		if (!ends[i].cache)
			return -ENOMEM;
	}
	return 0;
}

static void pool_teardown(struct bench_run *run)
{
	(void)run;
	rte_eal_cleanup();
}

#define ROW(k, loops) { \
	.name = "dpdk-mempool", .note = "rte_mempool, a cache of 256 for each side", \
	.kind = k, \
	.setup = pool_setup, .teardown = pool_teardown, \
	.produce = loops##_produce, .consume = loops##_consume, \
}

BENCH_ADAPTERS = {
	ROW(BENCH_SLAB, pool), ROW(BENCH_SLAB_CROSS, pool_cross),
	{ .name = NULL }
};
