// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests end their processes with _exit(), which would lose what the compiler has
 * counted in them: programs whose coverage is measured are linked with this, and
 * with --wrap=_exit.
 */
#include <gcov.h>

void __real__exit(int status) __attribute__((noreturn));
void __wrap__exit(int status) __attribute__((noreturn));

void __wrap__exit(int status)
{
	__gcov_dump();
	__real__exit(status);
}
