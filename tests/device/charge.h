/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the memory controller charges this process with: pages that a ring took
 * and did not give back show there, whoever has forgotten them
 */
#ifndef CHARGE_H
#define CHARGE_H

#define CHARGE_ALL	"/sys/fs/cgroup"
#define CHARGE_GROUP	CHARGE_ALL "/shmring-test"

/*
 * Enter a group of our own, on one CPU, as small objects are charged by the page
 * and by each CPU for itself: 0; -EOPNOTSUPP there is no such controller.
 */
int charge_begin(void);
int charge_end(void);

/*
 * Bytes of the kernel's memory that we are charged with, in whole pages, when
 * what was freed before has been uncharged: after a grace period.
 */
long charge_settled(void);
/* The same, without a pause. */
long charge_now(void);

#endif /* CHARGE_H */
