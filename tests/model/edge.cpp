/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A consumer that is told of edges only does not miss the last one.
 */
#include "edge.h"

int main()
{
	model_runs runs;

	runs.all<edge<3, true, true>>("edge waiter, 3 operations a side");
	runs.random<edge<4, true, true>>("edge waiter, 4 operations a side", 200000);
	return runs.end();
}
