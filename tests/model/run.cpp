/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Relacy around a scenario
 */
#include "run.h"
#include "search.h"

/* All that the threads have seen, and the set of all such endings */
class ending_set {
public:
	unsigned count = 0;
	__u64 sum = 0;

	void add()
	{
		__u64 all = 1, i;

		for (__u64 seen : model_seen)
			all = (all ^ seen) * 0xff51afd7ed558ccd + (all >> 31);
		all += !all;
		for (i = all % slots; table[i] && table[i] != all;)
			i = (i + 1) % slots;
		if (table[i])
			return;
		table[i] = all;
		sum += all;
		if (++count == slots)
			abort();
	}

	void clear()
	{
		memset(table, 0, sizeof(table));
		count = 0;
		sum = 0;
	}

private:
	enum { slots = 1 << 20 };

	__u64 table[slots] = {};
};

static ending_set endings;

/* Where the traces go: they must not be collected on Relacy's own heap. */
class hash_lines : public std::streambuf {
	int overflow(int c) override
	{
		if (c == EOF)
			return 0;
		if (fresh)
			fputs("# ", stdout);
		fresh = c == '\n';
		return putchar(c);
	}

	bool fresh = true;
};

static const scenario_type *current;

/* What Relacy sees: a test suite that hands all on to the current scenario */
template <rl::thread_id_t threads>
struct any_scenario : rl::test_suite<any_scenario<threads>, threads> {
	any_scenario()
	{
		static char place[1 << 16] __attribute__((aligned(64)));

		if (current->size > sizeof(place))
			abort();
		s = current->make(place);
	}

	~any_scenario()
	{
		s->~scenario();
	}

	void before()
	{
		memset(model_seen, 0, sizeof(model_seen));
		memset(model_mortal, 0, sizeof(model_mortal));
		s->begin();
	}

	void thread(unsigned index)
	{
		s->thread(index);
	}

	void after()
	{
		endings.add();
	}

	scenario *s;
};

enum { REDUCED, FULL, BOUND, RANDOM };

template <rl::thread_id_t threads>
static rl::test_result_e run_threads(int search, rl::test_params &params,
				     rl::ostringstream &at, bool again)
{
	typedef any_scenario<threads> suite;

	switch (search) {
	case REDUCED:
		return rl::run_test<suite, reduced_search<threads>>(params, at, again);
	case FULL:
		return rl::run_test<suite, rl::full_search_scheduler<threads>>(params, at, again);
	case BOUND:
		return rl::run_test<suite, rl::context_bound_scheduler<threads>>(params, at, again);
	default:
		return rl::run_test<suite, rl::random_scheduler<threads>>(params, at, again);
	}
}

static rl::test_result_e run_search(int search, rl::test_params &params,
				    rl::ostringstream &at, bool again)
{
	if (current->threads == 2)
		return run_threads<2>(search, params, at, again);
	if (current->threads == 3)
		return run_threads<3>(search, params, at, again);
	abort();
}

void model_runs::run(const char *name, const scenario_type &type, const char *how,
		     int search, unsigned count)
{
	static hash_lines lines;
	std::ostream trace(&lines), silence(nullptr);
	rl::test_params params;
	rl::ostringstream at;
	clock_t start = clock();

	if (failed)
		return;
	current = &type;
	endings.clear();
	params.search_type = search == RANDOM ? rl::sched_random :
			     search == BOUND ? rl::sched_bound : rl::sched_full;
	params.iteration_count = count;
	params.context_bound = count;
	params.progress_stream = &silence;
	params.output_stream = &trace;
	params.execution_depth_limit = 1000;
	failed = run_search(search, params, at, false) != rl::test_result_success;
	printf("%s\t%s: %s, %llu executions, %u endings, %.2f s%s%s\n",
	       failed ? "fail" : "pass", name, how,
	       (unsigned long long)params.stop_iteration, endings.count,
	       (double)(clock() - start) / CLOCKS_PER_SEC, failed ? ": " : "",
	       failed ? test_result_str(params.test_result) : "");
	if (!failed)
		return;
	params.initial_state = at.str();
	params.collect_history = true;
	run_search(search, params, at, true);
	fflush(stdout);
}

void model_runs::all(const char *name, const scenario_type &type)
{
	run(name, type, "exhaustive up to independent steps", REDUCED, 0);
}

void model_runs::random(const char *name, const scenario_type &type, unsigned count)
{
	run(name, type, "random", RANDOM, count);
}

void model_runs::bound(const char *name, const scenario_type &type, unsigned switches)
{
	char how[40];

	snprintf(how, sizeof(how), "all with %u switches", switches);
	run(name, type, how, BOUND, switches);
}

void model_runs::same(const char *name, const scenario_type &type)
{
	unsigned count;
	__u64 sum;

	run(name, type, "exhaustive", FULL, 0);
	count = endings.count;
	sum = endings.sum;
	all(name, type);
	if (failed || (count == endings.count && sum == endings.sum))
		return;
	failed = true;
	printf("fail\t%s: the endings differ\n", name);
}
