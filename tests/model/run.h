/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How a scenario is run, and what is said about it
 *
 * A program prints one line for each run, "pass" or "fail", a tab, what was
 * run and with which result; and behind a failure the trace that leads to it,
 * each line marked with "# ".  It ends after the first failure.  The endings
 * are how many different things were seen by the threads; see same.cpp.
 */
#ifndef SHMRING_MODEL_RUN_H
#define SHMRING_MODEL_RUN_H

#include "search.h"

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

class model_runs {
public:
	/* All executions; see search.h */
	template <class scenario>
	void all(const char *name)
	{
		run<scenario, reduced_search>(name, "exhaustive", rl::sched_full, 0);
	}

	/* The reduced search and Relacy's own find the same endings. */
	template <class scenario>
	void same(const char *name)
	{
		unsigned count;
		__u64 sum;

		run<scenario, rl::full_search_scheduler>(name, "exhaustive, not reduced",
							 rl::sched_full, 0);
		count = model_all_endings.count;
		sum = model_all_endings.sum;
		all<scenario>(name);
		if (failed || (count == model_all_endings.count &&
			       sum == model_all_endings.sum))
			return;
		failed = true;
		printf("fail\t%s: the endings differ\n", name);
	}

	/* Random executions; their loads may return values two stores old. */
	template <class scenario>
	void random(const char *name, unsigned count)
	{
		run<scenario, rl::random_scheduler>(name, "random", rl::sched_random,
						    count);
	}

	int end() const
	{
		return failed;
	}

private:
	bool failed = false;

	template <class scenario, template <rl::thread_id_t> class search>
	void run(const char *name, const char *how, rl::scheduler_type_e type,
		 unsigned count)
	{
		typedef search<scenario::params::thread_count> scheduler;
		static hash_lines lines;
		std::ostream trace(&lines), silence(nullptr);
		rl::test_params params;
		rl::ostringstream at;
		rl::test_result_e result;
		clock_t start = clock();

		if (failed)
			return;
		model_all_endings.clear();
		params.search_type = type;
		params.iteration_count = count;
		params.progress_stream = &silence;
		params.output_stream = &trace;
		params.execution_depth_limit = 1000;
		result = rl::run_test<scenario, scheduler>(params, at, false);
		failed = result != rl::test_result_success;
		printf("%s\t%s: %s, %llu executions, %u endings, %.2f s%s%s\n",
		       failed ? "fail" : "pass", name, how,
		       (unsigned long long)params.stop_iteration,
		       model_all_endings.count,
		       (double)(clock() - start) / CLOCKS_PER_SEC,
		       failed ? ": " : "", failed ? test_result_str(result) : "");
		if (!failed)
			return;
		params.initial_state = at.str();
		params.collect_history = true;
		params.output_history = false;
		rl::run_test<scenario, scheduler>(params, at, true);
		fflush(stdout);
	}
};

#endif /* SHMRING_MODEL_RUN_H */
