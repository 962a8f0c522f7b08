/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Must fail: the consumer does not arm after it has read all, and what comes
 * then wakes nobody.
 */
#include "edge.h"

int main()
{
	model_runs runs;

	runs.all<edge<3, true, false>>("edge waiter, the consumer does not arm");
	return runs.end();
}
