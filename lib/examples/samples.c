// SPDX-License-Identifier: MIT
/* Print what the module shmring_example samples; the twin of kmod/example.c. */
#include <stdio.h>
#include <stdlib.h>
#include <shmring.h>

#define HANDLE "/sys/module/shmring_example/parameters/handle"

struct sample {
	unsigned long long time_ns;
	unsigned long long number;
};

int main(int argc, char **argv)
{
	int left = argc > 1 ? atoi(argv[1]) : 10;
	FILE *file = fopen(HANDLE, "r");
	struct shmring *ring;
	struct sample sample;
	unsigned int handle;

	if (!file || fscanf(file, "%u", &handle) != 1)
		return perror(HANDLE), 1;
	fclose(file);
	ring = shmring_get(handle, SHMRING_ROLE_CONSUMER);
	if (!ring)
		return perror("shmring_get"), 1;

	for (; left > 0; left--) {
		if (shmring_wait_readable(ring, sizeof(sample), NULL))
			break;		/* the module was unloaded */
		shmring_try_read_into(ring, &sample, sizeof(sample));
		printf("%llu %llu\n", sample.number, sample.time_ns);
	}
	shmring_free(ring);
	return left > 0;
}
