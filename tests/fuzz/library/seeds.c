// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes the inputs that mutation begins with: one good one for each target
 *
 *	seeds FOLDER
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <shmring.h>
#include <shmring_message.h>
#include <shmring_queue.h>
#include <shmring_slab.h>

static void put(const char *folder, const char *target, const void *bytes,
		size_t n)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, target);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "%s/%s/good", folder, target);
	f = fopen(path, "w");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f))
		exit(1);
}

int main(int argc, char **argv)
{
	static unsigned char memory[4096] __attribute__((aligned(128)));
	const uint64_t messages[] = { 0x1000000000000, 8, 42, 3, 0x616263, 0 };
	const char *folder = argc > 1 ? argv[1] : ".";
	struct shmring_queue q;
	struct shmring_slab s;
	unsigned char claim[112] = { 0 };
	/* Pages, no bytes beside them, sealed against both, roles */
	const uint16_t rest[4] = { 4, 0, 6, SHMRING_ROLE_BOTH };
	struct shmring_options options = { .backend = SHMRING_BACKEND_MEMORY };
	struct shmring *r = shmring_create(4096, &options);
	int fds[3];

	if (!r || shmring_export_fds(r, fds) ||
	    pread(fds[0], claim, 88, 4096) != 88)
		return 1;
	memcpy(claim + 104, rest, sizeof(rest));
	put(folder, "attach", claim, sizeof(claim));

	if (shmring_queue_raw_init(&q, memory, sizeof(memory), 8, 16, 8))
		return 1;
	put(folder, "queue", memory, shmring_queue_bytes(8, 16, 8));

	memset(memory, 0, sizeof(memory));
	if (shmring_slab_raw_init(&s, memory, sizeof(memory), 32, 8, 2))
		return 1;
	put(folder, "slab", memory, shmring_slab_raw_length(32, 8, 2));
	/* A byte that says how, then the messages */
	put(folder, "message", (const char *)messages + 7, sizeof(messages) - 7);
	shmring_free(r);
	return 0;
}
