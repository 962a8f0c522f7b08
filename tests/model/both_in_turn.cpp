/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both ends wait and need all there is: the ring is full and empty in turn.
 * A program of its own because it takes as long as the rest.
 */
#include "both.h"

int main()
{
	model_runs runs;

	runs.all<both<2, 2, 2, 6>>("both wait, 3 operations a side, capacity 2, thresholds 2 and 2");
	return runs.end();
}
