// SPDX-License-Identifier: MIT
/* Two processes: the child writes lines, the parent reads them. */
#include <shmring.h>
#include <stdio.h>
#include <unistd.h>

static int child(struct shmring *parents)
{
	struct shmring *out = shmring_join(parents, SHMRING_ROLE_PRODUCER);
	char line[64];
	int i, n;

	close(shmring_fd(parents));	/* or the parent's role would outlive it */
	for (i = 1; out && i <= 5; i++) {
		n = snprintf(line, sizeof(line), "line %d of %d\n", i, 5);
		if (shmring_write_all(out, line, n, NULL) != n)
			return 1;
	}
	shmring_free(out);	/* what was written can still be read */
	return !out;
}

int main(void)
{
	struct shmring_options options = { .roles = SHMRING_ROLE_CONSUMER };
	struct shmring *in = shmring_create(4096, &options);
	char buf[256];
	ssize_t n;

	if (!in)
		return perror("shmring_create"), 1;
	if (fork() == 0)
		_exit(child(in));
	while ((n = shmring_read_some(in, buf, sizeof(buf), NULL)) > 0)
		fwrite(buf, 1, n, stdout);
	shmring_free(in);
	return n < 0;
}
