// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tests/queue/compile looks at the code of
 */
#include <shmring_queue.h>

struct item {
	uint64_t words[3];
};

SHMRING_QUEUE_DEFINE(items, struct item);

int lean_push(struct items_producer *p, const struct item *item);
int lean_pop(struct items_consumer *c, struct item *item);

int lean_push(struct items_producer *p, const struct item *item)
{
#ifdef PLANTED
	return shmring_queue_push(&p->raw, item);
#else
	return items_push(p, item);
#endif
}

int lean_pop(struct items_consumer *c, struct item *item)
{
	return items_pop(c, item);
}
