/* SPDX-License-Identifier: GPL-2.0-only */
/* A fault for the C++ compiler: C converts a void pointer by itself. */
static inline int *planted(void *p)
{
	return p;
}
