// SPDX-License-Identifier: GPL-2.0-only
/* A fault for checkpatch. */
int planted( int a )
{
    return a;
}
