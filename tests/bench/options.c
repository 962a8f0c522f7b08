// SPDX-License-Identifier: GPL-2.0-only
/* The command line */
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

struct options options = {
	.ms = 40,
	.rounds = 0,
	.realtime = true,
	.timeout = 20,
	.baseline = "shmring",
	.cpus = { 0, -1 },
};

enum {
	QUICK = 256, ROUNDS, MS, ITEMS, CASES, ONLY, BASELINE, FORK, CPUS,
	NO_REALTIME, TIMEOUT, OUT, LIST, HELP
};

static const struct option longs[] = {
	{ "quick", no_argument, NULL, QUICK },
	{ "rounds", required_argument, NULL, ROUNDS },
	{ "ms", required_argument, NULL, MS },
	{ "items", required_argument, NULL, ITEMS },
	{ "cases", required_argument, NULL, CASES },
	{ "only", required_argument, NULL, ONLY },
	{ "baseline", required_argument, NULL, BASELINE },
	{ "fork", no_argument, NULL, FORK },
	{ "cpus", required_argument, NULL, CPUS },
	{ "no-realtime", no_argument, NULL, NO_REALTIME },
	{ "timeout", required_argument, NULL, TIMEOUT },
	{ "out", required_argument, NULL, OUT },
	{ "list", no_argument, NULL, LIST },
	{ "help", no_argument, NULL, HELP },
	{ NULL, 0, NULL, 0 }
};

static const char usage[] =
"Usage: bench [OPTION]... FOLDER...\n"
"\n"
"Measure the adapters (NAME.so) of the folders side by side: each case in rounds,\n"
"in each round one measurement of every adapter.\n"
"\n"
"  --quick          the most telling cases, 5 rounds of 12 ms\n"
"  --cases REGEX    only cases whose name matches\n"
"  --only REGEX     only adapters whose name matches\n"
"  --rounds N       of each case (15)\n"
"  --ms N           that a measurement lasts (40)\n"
"  --items N        no times: move N items, and check them, in one round\n"
"  --baseline NAME  what the others are compared with (shmring)\n"
"  --fork           all that can between processes too, not only the baseline's\n"
"  --cpus A,B       the producer's and the consumer's\n"
"  --no-realtime    no SCHED_FIFO, even where it is permitted\n"
"  --timeout N      seconds after which a measurement has hung (20)\n"
"  --out FOLDER     write results.jsonl, results.txt and the plots' data there\n"
"  --list           print the names of cases and adapters, and why some lack\n";

static int complain(const char *name, const char *value, const char *wants)
{
	fprintf(stderr, "bench: %s%s%s: %s\n", name, *value ? " " : "", value,
		wants);
	return -EINVAL;
}

static int number(const char *name, const char *text, unsigned long max,
		  unsigned long *out)
{
	char *end;

	errno = 0;
	*out = strtoul(text, &end, 10);
	if (errno || *end || end == text || *text == '-' || !*out || *out > max)
		return complain(name, text, "no number in its range");
	return 0;
}

static int pattern(const char *name, const char *text)
{
	regex_t r;

	if (regcomp(&r, text, REG_EXTENDED | REG_NOSUB))
		return complain(name, text, "not a regular expression");
	regfree(&r);
	return 0;
}

bool options_match(const char *regex, const char *name)
{
	regex_t r;
	bool yes;

	if (!regex)
		return true;
	if (regcomp(&r, regex, REG_EXTENDED | REG_NOSUB))
		return false;
	yes = !regexec(&r, name, 0, NULL, 0);
	regfree(&r);
	return yes;
}

/* The first two that we may use */
static void default_cpus(void)
{
	unsigned int cpu, found = 0;
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		return;
	for (cpu = 0; cpu < CPU_SETSIZE && found < 2; cpu++) {
		if (CPU_ISSET(cpu, &set))
			options.cpus[found++] = (int)cpu;
	}
}

static int parse_cpus(const char *text)
{
	cpu_set_t set;
	int a, b, end = 0;

	if (sscanf(text, "%d,%d%n", &a, &b, &end) != 2 || text[end] || a == b)
		return complain("--cpus", text, "not two CPUs, as in 0,1");
	if (sched_getaffinity(0, sizeof(set), &set) ||
	    a < 0 || a >= CPU_SETSIZE || !CPU_ISSET(a, &set) ||
	    b < 0 || b >= CPU_SETSIZE || !CPU_ISSET(b, &set))
		return complain("--cpus", text, "not CPUs that may be used here");
	options.cpus[0] = a;
	options.cpus[1] = b;
	return 0;
}

static int parse_one(int option, const char *name, const char *value)
{
	unsigned long n = 0;
	int err = 0;

	switch (option) {
	case QUICK:
		options.quick = true;
		break;
	case ROUNDS:
		err = number(name, value, 10000, &n);
		options.rounds = (unsigned int)n;
		break;
	case MS:
		err = number(name, value, 10000, &n);
		options.ms = (unsigned int)n;
		break;
	case ITEMS:
		err = number(name, value, 1UL << 40, &n);
		options.items = n;
		break;
	case CASES:
		err = pattern(name, value);
		options.cases = value;
		break;
	case ONLY:
		err = pattern(name, value);
		options.only = value;
		break;
	case BASELINE:
		options.baseline = value;
		break;
	case FORK:
		options.fork = true;
		break;
	case CPUS:
		err = parse_cpus(value);
		break;
	case NO_REALTIME:
		options.realtime = false;
		break;
	case TIMEOUT:
		err = number(name, value, 3600, &n);
		options.timeout = (unsigned int)n;
		break;
	case OUT:
		options.out = value;
		break;
	case LIST:
		options.list = true;
		break;
	}
	return err;
}

/*
 * Returns 0; -EINVAL, and one line has said why; 1: the help was asked for.
 * Leaves optind at the first folder.
 */
int options_parse(int argc, char **argv)
{
	bool ms = false;
	char name[32];
	int option, index, err;

	default_cpus();
	opterr = 0;
	for (;;) {
		index = -1;
		option = getopt_long(argc, argv, ":", longs, &index);
		if (option < 0)
			break;
		if (option == ':')
			return complain(argv[optind - 1], "", "needs a value");
		if (option == '?')
			return complain(argv[optind - 1], "", "no such option (see --help)");
		if (option == HELP) {
			fputs(usage, stdout);
			return 1;
		}
		ms |= option == MS;
		snprintf(name, sizeof(name), "--%s", longs[index].name);
		err = parse_one(option, name, optarg);
		if (err)
			return err;
	}
	if (optind == argc)
		return complain("FOLDER", "", "say where the adapters are (see --help)");
	if (options.quick && !ms)
		options.ms = 12;
	if (!options.rounds)
		options.rounds = options.items ? 1 : options.quick ? 5 : 15;
	/* Real-time threads that share a CPU would wait for each other. */
	if (options.cpus[1] < 0 || options.items)
		options.realtime = false;
	return 0;
}
