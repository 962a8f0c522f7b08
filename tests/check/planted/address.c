// SPDX-License-Identifier: GPL-2.0-only
/* A fault for the address sanitizer. */
#include <stdlib.h>

int main(int argc, char **argv)
{
	char *volatile p = malloc(argc);

	(void)argv;
	return p[argc];
}
