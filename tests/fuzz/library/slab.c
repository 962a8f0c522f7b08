// SPDX-License-Identifier: GPL-2.0-only
/* A slab in memory that says what it likes; nothing around it may be touched */
#include <stdlib.h>
#include <string.h>

#include <shmring_slab.h>

#include "target.h"

static void use(struct shmring_slab_cache *c, const uint8_t *input, size_t n)
{
	shmring_slot slots[8], slot;
	struct shmring_slab_error e;
	unsigned int i, had = 0;
	void *data;

	for (i = 0; i < 8 && !shmring_slab_alloc(c, &slots[i]); i++, had++) {
		data = shmring_slab_data(&c->slab, slots[i]);
		if (!data)
			target_wrong("a slot that is not there");
		memset(data, (int)i, shmring_slab_slot_size(&c->slab));
	}
	for (i = 0; i < had; i++) {
		if (i % 2)
			shmring_slab_mark_in_flight(c, slots[i], &e);
		shmring_slab_free(c, slots[i], &e);
		shmring_slab_free_allocated(c, slots[i], &e);
	}
	/* A handle from whoever wrote all this */
	memcpy(&slot, input + n - sizeof(slot), sizeof(slot));
	data = shmring_slab_data(&c->slab, slot);
	if (data)
		memset(data, 0, shmring_slab_slot_size(&c->slab));
	if (!shmring_slab_take(c, slot, &e))
		shmring_slab_free(c, slot, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t n)
{
	struct shmring_slab_cache c;
	struct shmring_slab s;
	unsigned char *memory;

	memory = target_memory(input, n);
	if (shmring_slab_raw_attach(&s, memory, n))
		goto free;
	shmring_slab_free_count(&s);
	if (!shmring_slab_open(&c, &s, input[n - 1] % 3, 1, 4)) {
		use(&c, input, n);
		shmring_slab_reclaim(&c, 3 - c.owner, input[n - 2] % 3);
		shmring_slab_close(&c);
	}
free:
	free(memory);
	return 0;
}
