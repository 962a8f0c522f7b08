/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Modules come and go
 */
#ifndef MODULE_H
#define MODULE_H

/* From a file: 0 or -errno. */
int module_load(const char *path, const char *parameters);
/* 0 or -errno; -EWOULDBLOCK: somebody uses it (-EBUSY: it is not wholly there). */
int module_unload(const char *name);
/* How many of shmring.ko's uses there are; -1: it is not there. */
long module_users(void);

#endif /* MODULE_H */
