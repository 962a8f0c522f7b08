/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Must fail: ->poll does not arm when it has no wait queue to get onto.  A wake
 * for an earlier arm is then taken for nothing, and the arm is gone.
 */
#include "edge.h"

int main()
{
	model_runs runs;

	runs.all<edge<3, false, true>>("edge waiter, ->poll does not arm");
	return runs.end();
}
