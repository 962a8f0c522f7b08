#include <shmring_message.h>
#include <stdio.h>

int tell(struct shmring *r, int number)		/* holds the producer's role */
{
	void *at;
	int err = shmring_message_wait_space(r, 64, NULL);

	if (!err)
		err = shmring_message_reserve(r, 64, &at);
	if (err)
		return err;
	return shmring_message_commit(r, snprintf(at, 64, "number %d", number));
}

int hear(struct shmring *r)			/* holds the consumer's */
{
	const void *at;
	ssize_t n;
	int err;

	while (!(err = shmring_message_wait(r, NULL))) {
		n = shmring_message_peek(r, &at);
		if (n < 0)
			return n;
		fwrite(at, 1, n, stdout);
		shmring_message_release(r);
	}
	return err;	/* -EPIPE: the sender has gone, and all was read */
}
