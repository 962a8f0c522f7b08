/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults for a careful compiler: what is cut off, and what may not be aligned */
static inline int planted(const unsigned char *p)
{
	return *(const long *)p;
}
