// SPDX-License-Identifier: GPL-2.0-only
/* A fault for the undefined-behaviour sanitizer. */
#include <limits.h>

int main(int argc, char **argv)
{
	int volatile n = INT_MAX;

	(void)argv;
	n += argc;
	return 0;
}
