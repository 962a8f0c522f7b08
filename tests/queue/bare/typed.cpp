// SPDX-License-Identifier: GPL-2.0-only
/*
 * The typed queue in C++17: ends with 0 if all was well
 */
#include <shmring_queue.h>

struct order {
	uint64_t id;
	double price;
};

SHMRING_QUEUE_DEFINE(orders, order);

#ifdef WRONG_ELEMENT
struct owner {
	owner(const owner &);
	void *what;
};
SHMRING_QUEUE_DEFINE(owners, owner);
#endif

int main()
{
	struct shmring_region g;
	orders_queue q;
	struct orders_producer p;
	struct orders_consumer c;
	order in = { 7, 1.5 }, out[2] = {};
	order *slot;
	const order *front;

	if (shmring_region_heap(&g, orders_bytes(2)) || orders_init(&q, &g, 0, 2) ||
	    orders_split(&q, &p, &c))
		return 1;
#ifdef WRONG_TYPE
	double wrong = 1;
	orders_push(&p, &wrong);
#endif
	if (orders_push(&p, &in) || orders_reserve(&p, &slot, 1) != 1)
		return 2;
	slot->id = 8;
	slot->price = 2.5;
	if (orders_commit(&p, 1) || orders_push(&p, &in) != -EAGAIN)
		return 3;
	if (orders_peek(&c, out) || orders_pop_n(&c, out, 2) != 2)
		return 4;
	if (out[0].id != 7 || out[1].id != 8 || out[1].price != 2.5)
		return 5;
	if (orders_front(&c, &front, 1) != -EAGAIN)
		return 6;
	shmring_region_close(&g);
	return 0;
}
