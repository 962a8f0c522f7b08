/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Relacy, and before it all that must not be compiled under its own macros for
 * new, delete, malloc and assert.  Compiled once, ahead of the scenarios.
 */
#ifndef SHMRING_MODEL_RELACY_H
#define SHMRING_MODEL_RELACY_H

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <queue>
#include <sstream>
#include <stack>
#include <stdexcept>
#include <string>
#include <vector>
#include <ctime>

#include <linux/types.h>
#include <linux/ioctl.h>

#include <relacy/relacy.hpp>

/* Nothing here uses the heap. */
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free
#undef assert
#undef errno

#endif /* SHMRING_MODEL_RELACY_H */
