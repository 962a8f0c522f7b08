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

#include <relacy.h>

/*
 * One small case.  It is made anew for each execution, so its members are in
 * their first state; begin() runs alone, then all threads run.
 *
 * The derived class says how many "threads" it has, 2 or 3.
 */
struct scenario {
	virtual void begin() = 0;
	virtual void thread(unsigned index) = 0;
	virtual ~scenario() = default;
};

/* How to make one; so that Relacy is compiled once, and not for each of them */
struct scenario_type {
	unsigned threads;
	size_t size;
	scenario *(*make)(void *place);
};

class model_runs {
public:
	/* All executions; see search.h */
	template <class type>
	void all(const char *name)
	{
		all(name, type_of<type>());
	}

	/* All executions with at most so many switches to another thread, besides
	 * those where a thread sleeps or ends
	 */
	template <class type>
	void bound(const char *name, unsigned switches)
	{
		bound(name, type_of<type>(), switches);
	}

	/* Random executions; their loads may return values two stores old. */
	template <class type>
	void random(const char *name, unsigned count)
	{
		random(name, type_of<type>(), count);
	}

	/* The reduced search and Relacy's own find the same endings. */
	template <class type>
	void same(const char *name)
	{
		same(name, type_of<type>());
	}

	int end() const
	{
		return failed;
	}

private:
	bool failed = false;

	template <class type>
	static scenario_type type_of()
	{
		return { type::threads, sizeof(type),
			 [](void *place) -> scenario * { return new (place) type; } };
	}

	void all(const char *name, const scenario_type &type);
	void random(const char *name, const scenario_type &type, unsigned count);
	void bound(const char *name, const scenario_type &type, unsigned switches);
	void same(const char *name, const scenario_type &type);
	void run(const char *name, const scenario_type &type, const char *how,
		 int search, unsigned count);
};

#endif /* SHMRING_MODEL_RUN_H */
