// SPDX-License-Identifier: GPL-2.0-only
/* A fault for the thread sanitizer. */
#include <pthread.h>

static int word;

static void *write_word(void *unused)
{
	word++;
	return unused;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, write_word, NULL);
	write_word(NULL);
	return pthread_join(thread, NULL);
}
