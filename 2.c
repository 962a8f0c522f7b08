#include <shmring_bridge.h>

/* Until both directions have ended, or stop_fd becomes readable */
int serve(int socket, struct shmring *from_socket, struct shmring *to_socket,
	  int stop_fd)
{
	struct shmring_bridge *b = shmring_bridge_new(socket, socket, from_socket,
						      to_socket, NULL);
	int err;

	if (!b)
		return -1;
	err = shmring_bridge_run(b, stop_fd, NULL);
	shmring_bridge_free(b);		/* the socket and the rings, too */
	return err;
}
