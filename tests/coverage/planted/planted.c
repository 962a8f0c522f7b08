// SPDX-License-Identifier: GPL-2.0-only
/* A function that nobody calls, and a branch that is not taken */
static int half(int x)
{
	if (x > 1000)
		return 1000;
	return x;
}

int nobody(void);

int nobody(void)
{
	return 1;
}

int main(void)
{
	return half(0);
}
