// SPDX-License-Identifier: MIT
/* Two processes exchange messages: written where they lie, read where they lie. */
#include <shmring_message.h>
#include <stdio.h>
#include <unistd.h>

static int child(struct shmring *parents)
{
	struct shmring *out = shmring_join(parents, SHMRING_ROLE_PRODUCER);
	void *at;
	int i;

	close(shmring_fd(parents));	/* or the parent's role would outlive it */
	for (i = 1; out && i <= 5; i++) {
		if (shmring_message_wait_space(out, 64, NULL) ||
		    shmring_message_reserve(out, 64, &at))
			return 1;
		shmring_message_commit(out, snprintf(at, 64, "message %d", i));
	}
	shmring_free(out);
	return !out;
}

int main(void)
{
	struct shmring_options options = { .roles = SHMRING_ROLE_CONSUMER };
	struct shmring *in = shmring_create(4096, &options);
	const void *at;
	ssize_t n;
	int err;

	if (!in)
		return perror("shmring_create"), 1;
	if (fork() == 0)
		_exit(child(in));
	while (!(err = shmring_message_wait(in, NULL))) {
		n = shmring_message_peek(in, &at);
		if (n < 0)
			break;
		printf("%.*s\n", (int)n, (const char *)at);
		shmring_message_release(in);
	}
	shmring_free(in);
	return err != -EPIPE;	/* the sender has gone, and all was read */
}
