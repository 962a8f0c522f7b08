/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef SHMRING_PARAM_H
#define SHMRING_PARAM_H

#include <linux/moduleparam.h>

/*
 * Of an unsigned long, for module_param_cb(): one that tells what there is, and
 * one that says what there may be.  The module uses READ_ONCE(), WRITE_ONCE().
 */
extern const struct kernel_param_ops shmring_count_ops;
extern const struct kernel_param_ops shmring_limit_ops;

#endif /* SHMRING_PARAM_H */
