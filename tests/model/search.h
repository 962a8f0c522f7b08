/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An exhaustive search that leaves out what cannot make a difference
 *
 * Relacy's full search tries every order of all steps of all threads.  Most of
 * those orders differ only in neighbouring steps that do not touch the same
 * object, and so all threads see the same.  Of such equal orders this search
 * tries one, or few.  It is the source-set reduction of Abdulla, Aronsson,
 * Jonsson and Sagonas (POPL 2014), with Godefroid's sleep sets:
 *
 *  - Two steps depend on each other if they touch the same object and one of
 *    them writes it.  All full fences count as writes of one object.  Plain
 *    data are no objects here: Relacy finds a race on them from the order that
 *    synchronisation gives, in whichever order the two accesses come.
 *
 *  - A step happens before a later one if a chain of steps leads there of
 *    which each depends on the one before it or belongs to the same thread.
 *
 *  - Where a step depends on an earlier one of another thread, and nothing
 *    leads from that one to it but this, the two might come in the other
 *    order.  Then, at the point before the earlier one, some thread must be
 *    tried with which that other order can begin.
 *
 *  - When all that begins with a step of thread T has been tried, T sleeps in
 *    what is tried next at that point, until a step depends on T's.
 *
 * Relacy's second kind of choice, which of the visible values a load returns,
 * belongs to the step; every value is tried.
 *
 * An execution in which all threads that could go on sleep cannot be cut off,
 * because Relacy must unwind its threads; it goes on to its end without choice.
 *
 * same.cpp compares what is seen under both searches.
 */
#ifndef SHMRING_MODEL_SEARCH_H
#define SHMRING_MODEL_SEARCH_H

#include <vector>

#include "steps.h"

template <rl::thread_id_t threads>
class reduced_search : public rl::scheduler<reduced_search<threads>,
					    rl::scheduler_thread_info, threads> {
public:
	typedef rl::scheduler<reduced_search, rl::scheduler_thread_info, threads> base;
	typedef typename base::thread_info_t thread_info_t;
	typedef typename base::shared_context_t shared_context_t;

	struct task_t {
	};

	/* More than Relacy calls a livelock; see run.cpp */
	enum { steps_max = 2048 };

	reduced_search(rl::test_params &params, shared_context_t &ctx,
		       rl::thread_id_t dynamic)
		: base(params, ctx, dynamic)
	{
		static_assert(threads <= MODEL_THREADS_MAX, "");
		tree.reserve(1024);
		past.reserve(1024);
	}

	rl::thread_id_t iteration_begin_impl()
	{
		depth = 0;
		known = tree.size();
		steps = 0;
		asleep = 0;
		no_choice = false;
		for (int &l : last)
			l = -1;
		memset(model_steps, 0, sizeof(model_steps));
		return 0;
	}

	bool iteration_end_impl()
	{
		for (; !tree.empty(); tree.pop_back()) {
			choice &c = tree.back();

			c.done |= 1U << c.now;
			c.todo &= ~c.done;
			if (c.todo) {
				c.now = lowest(c.todo);
				return false;
			}
		}
		return true;
	}

	rl::thread_id_t schedule_impl(rl::unpark_reason &reason, unsigned)
	{
		unsigned can = 0, awake, t;
		int at = -1;

		reason = rl::unpark_reason_normal;
		for (t = 0; t < threads; t++) {
			if (this->threads_[t].state_ != rl::thread_state_running)
				continue;
			/* A step that touches nothing shared may as well be now. */
			if (!model_steps[t].object)
				return t;
			can |= 1U << t;
		}
		awake = can & ~asleep;
		no_choice |= !awake;
		if (no_choice)
			return lowest(can);

		t = lowest(awake);
		if (awake & (awake - 1)) {
			at = depth++;
			if (at == (int)tree.size())
				tree.push_back({ (unsigned char)t, 0, 0,
						 (unsigned char)can,
						 (unsigned char)asleep });
			t = tree[at].now;
			asleep |= tree[at].done;
		}
		/* What an earlier execution did as well is in the past already. */
		if (!again && (at < 0 ? depth >= known : at + 1 >= (int)known))
			add_step(t, at);
		last[t] = steps++;
		for (unsigned i = 0; i < threads; i++)
			if (depend(model_steps[i], model_steps[t]))
				asleep &= ~(1U << i);
		return t;
	}

	/* A value that a load returns: all of them are to be tried. */
	unsigned rand_impl(unsigned limit, rl::sched_type)
	{
		if (no_choice || limit == 1)
			return 0;
		if (depth == tree.size())
			tree.push_back({ 0, 0, (unsigned char)((1U << limit) - 1), 0, 0 });
		return tree[depth++].now;
	}

	rl::iteration_t iteration_count_impl()
	{
		return this->iter_ + 1;
	}

	/* For the trace, one execution is run again by its choices. */
	void get_state_impl(std::ostream &out)
	{
		out << tree.size() << " ";
		for (const choice &c : tree)
			out << (unsigned)c.now << " " << (unsigned)c.done << " ";
	}

	void set_state_impl(std::istream &in)
	{
		unsigned now, done;
		size_t size = 0;

		again = true;
		in >> size;
		tree.resize(size);
		for (choice &c : tree) {
			in >> now >> done;
			c = { (unsigned char)now, (unsigned char)done, 0, 0, 0 };
		}
	}

	void on_thread_block(rl::thread_id_t, bool)
	{
	}

	void purge_blocked_threads()
	{
	}

	void thread_finished_impl()
	{
	}

private:
	/* Which thread goes on, or which value is returned; sets are bit masks. */
	struct choice {
		unsigned char now;
		unsigned char done;
		unsigned char todo;
		unsigned char can;
		unsigned char asleep;
	};

	/* A step that was made */
	struct past_step {
		unsigned thread;
		model_step step;
		int choice;			/* -1: there was none */
		unsigned short nr;		/* of its thread, from 1 */
		unsigned short before[threads];	/* last step of each that happens before */
	};

	std::vector<choice, rl::raw_allocator<choice>> tree;
	std::vector<past_step, rl::raw_allocator<past_step>> past;
	size_t depth, known;
	int steps, last[threads];
	unsigned asleep;
	bool no_choice, again = false;

	static unsigned lowest(unsigned set)
	{
		return __builtin_ctz(set);
	}

	static bool depend(const model_step &a, const model_step &b)
	{
		return (a.write || b.write) && a.object < b.object + b.size &&
		       b.object < a.object + a.size;
	}

	static bool happens_before(const past_step &a, const past_step &b)
	{
		return b.before[a.thread] >= a.nr;
	}

	void add_step(unsigned t, int at)
	{
		past_step s = { t, model_steps[t], at, 1, {} };
		int races[steps_max], n = 0;

		if (steps == steps_max)
			abort();
		if (last[t] >= 0) {
			memcpy(s.before, past[last[t]].before, sizeof(s.before));
			s.nr = past[last[t]].nr + 1;
		}
		for (int i = steps - 1; i >= 0; i--) {
			const past_step &p = past[i];

			if (p.thread == t || happens_before(p, s) || !depend(p.step, s.step))
				continue;
			for (unsigned j = 0; j < threads; j++)
				s.before[j] = std::max(s.before[j], p.before[j]);
			if (p.choice >= 0)
				races[n++] = i;
		}
		s.before[t] = s.nr;
		past.resize(steps);
		past.push_back(s);
		while (n--)
			reverse(races[n]);
	}

	/* Let the last step come before step @first, if nothing does so yet. */
	void reverse(int first)
	{
		const past_step &f = past[first];
		choice &c = tree[f.choice];
		unsigned begin = 0;

		/* Without f and what follows from it: who can be the first? */
		for (int i = first + 1; i <= steps; i++) {
			const past_step &p = past[i];
			bool after = false;

			if (i < steps && happens_before(f, p))
				continue;
			for (int j = first + 1; j < i && !after; j++)
				after = !happens_before(f, past[j]) &&
					happens_before(past[j], p);
			if (!after)
				begin |= 1U << p.thread;
		}
		begin &= c.can;
		if (begin & (1U << c.now | c.done | c.todo | c.asleep) || !begin)
			return;
		c.todo |= begin & 1U << past[steps].thread ? 1U << past[steps].thread :
			  begin & -begin;
	}
};

#endif /* SHMRING_MODEL_SEARCH_H */
