// SPDX-License-Identifier: GPL-2.0-only
/* A fault for -Wall -Wextra -Werror. */
int planted(int a, unsigned int b);
int planted(int a, unsigned int b)
{
	return a < b;
}
