/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An exhaustive search that leaves out what cannot make a difference
 *
 * Relacy's full search tries every order of all steps of all threads.  Most of
 * those orders differ only in neighbouring steps that do not touch the same
 * object, and so all threads see the same.  Of such equal orders this search
 * tries one, by Godefroid's sleep sets: when the subtree that begins with a
 * step of thread T has been searched, T need not be tried again in the
 * subtrees of its siblings until a step is made there that T's step depends
 * on.
 *
 * Two steps depend on each other if they touch the same object and one of them
 * writes it.  All full fences count as writes of one object.  Plain data are no
 * objects here: Relacy finds a race on them from the order that synchronisation
 * gives, in whichever order the two accesses come.  Relacy's second kind of
 * choice, which of the visible values a load returns, belongs to the step and
 * is never left out.
 *
 * A run in which all threads that could go on sleep cannot be cut off, because
 * Relacy must unwind its threads; it goes on to its end without any choice.
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

	reduced_search(rl::test_params &params, shared_context_t &ctx,
		       rl::thread_id_t dynamic)
		: base(params, ctx, dynamic)
	{
		static_assert(threads <= MODEL_THREADS_MAX, "");
		tree.reserve(1024);
	}

	rl::thread_id_t iteration_begin_impl()
	{
		depth = 0;
		asleep = 0;
		no_choice = false;
		memset(model_steps, 0, sizeof(model_steps));
		return 0;
	}

	bool iteration_end_impl()
	{
		while (!tree.empty()) {
			choice &last = tree.back();

			if (++last.index < last.count)
				return false;
			tree.pop_back();
		}
		return true;
	}

	rl::thread_id_t schedule_impl(rl::unpark_reason &reason, unsigned)
	{
		rl::thread_id_t can[threads];
		unsigned n = 0, index;

		reason = rl::unpark_reason_normal;
		/* A step that touches nothing shared may as well be made now. */
		for (rl::thread_id_t t = 0; t < threads; t++)
			if (runs(t) && !model_steps[t].object)
				return t;
		for (rl::thread_id_t t = 0; t < threads; t++)
			if (runs(t) && (no_choice || !(asleep & 1U << t)))
				can[n++] = t;
		if (!n) {
			no_choice = true;
			for (rl::thread_id_t t = 0; t < threads; t++)
				if (runs(t))
					can[n++] = t;
		}
		if (no_choice)
			return can[0];
		index = choose(n);
		for (unsigned i = 0; i < index; i++)
			asleep |= 1U << can[i];
		for (rl::thread_id_t t = 0; t < threads; t++)
			if (depend(model_steps[t], model_steps[can[index]]))
				asleep &= ~(1U << t);
		return can[index];
	}

	unsigned rand_impl(unsigned limit, rl::sched_type)
	{
		return no_choice ? 0 : choose(limit);
	}

	rl::iteration_t iteration_count_impl()
	{
		return this->iter_ + 1;
	}

	void get_state_impl(std::ostream &out)
	{
		out << tree.size() << " ";
		for (const choice &c : tree)
			out << c.count << " " << c.index << " ";
	}

	void set_state_impl(std::istream &in)
	{
		size_t size = 0;

		in >> size;
		tree.resize(size);
		for (choice &c : tree)
			in >> c.count >> c.index;
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
	struct choice {
		unsigned count;
		unsigned index;
	};

	std::vector<choice, rl::raw_allocator<choice>> tree;
	size_t depth;
	unsigned asleep;
	bool no_choice;

	bool runs(rl::thread_id_t t) const
	{
		return this->threads_[t].state_ == rl::thread_state_running;
	}

	static bool depend(const model_step &a, const model_step &b)
	{
		return (a.write || b.write) && a.object < b.object + b.size &&
		       b.object < a.object + a.size;
	}

	unsigned choose(unsigned limit)
	{
		if (limit == 1)
			return 0;
		if (depth == tree.size())
			tree.push_back({ limit, 0 });
		RL_VERIFY(tree[depth].count == limit);
		return tree[depth++].index;
	}
};

#endif /* SHMRING_MODEL_SEARCH_H */
