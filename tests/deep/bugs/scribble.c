// SPDX-License-Identifier: GPL-2.0-only
/*
 * scribble BUG: plant BUG by /dev/bugs, while another process writes to the page
 * that can be mapped from there.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	volatile uint64_t *page;
	int fd, status = 0;
	pid_t pid;

	fd = open("/dev/bugs", O_RDWR | O_CLOEXEC);
	page = mmap(NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (argc != 2 || fd < 0 || page == MAP_FAILED) {
		perror("scribble");
		return 1;
	}
	pid = fork();
	if (!pid) {
		for (;;)
			++*page;
	}
	if (pid < 0 || write(fd, argv[1], strlen(argv[1])) < 0) {
		perror(argv[1]);
		status = 1;
	}
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	return status;
}
