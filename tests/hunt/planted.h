/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be wrong with the ring of ring_planted.c
 */
#ifndef HUNT_PLANTED_H
#define HUNT_PLANTED_H

enum planted_bug {
	PLANTED_NONE,		/* shmring_proto.h as it is: the control */
	PLANTED_NAIVE,		/* notify if it was empty before */
	PLANTED_NAIVE_LATE,	/* the same, but look after the store */
	PLANTED_NO_LOOK,	/* without W3: arm, then sleep anyway */
	PLANTED_NO_FENCE,	/* without P2 */
	PLANTED_WAKE_FIRST,	/* K2 before K1 */
};

#endif /* HUNT_PLANTED_H */
