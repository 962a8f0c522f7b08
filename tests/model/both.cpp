/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Both ends wait; one of them, or none, needs all there is.
 */
#include "both.h"

int main()
{
	model_runs runs;

	runs.all<both<2, 1, 1, 3>>("both wait, 3 operations a side, capacity 2, thresholds 1 and 1");
	runs.all<both<2, 2, 1, 4>>("both wait, 2 reads, 4 writes, capacity 2, thresholds 2 and 1");
	runs.all<both<2, 1, 2, 4>>("both wait, 4 reads, 2 writes, capacity 2, thresholds 1 and 2");
	return runs.end();
}
