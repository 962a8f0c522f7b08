/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the scenarios share: a ring, a wait queue, and how they are run
 */
#ifndef SHMRING_MODEL_H
#define SHMRING_MODEL_H

#include "atomic.h"
#include "run.h"

/*
 * A kernel wait queue
 *
 * Its operations are sections under its lock.  Here the sections of two waiters
 * order nothing between these two, only a wake is ordered with all: the less
 * is ordered, the more is tried.
 *
 * What a wake leaves is kept per thread: as the state of a task that woke
 * before it slept, and as the ready list of an epoll.
 */
template <rl::thread_id_t threads>
class wait_queue {
public:
	/* poll_wait() or prepare_to_wait() */
	void enqueue(rl::debug_info_param info)
	{
		waiter *w = lock_own("enqueue", info);

		w->woken = false;
	}

	/* wake_up_poll() */
	void wake(rl::debug_info_param info)
	{
		model_next(this, true);
		rl::ctx().sched();
		say("wake", info);
		for (waiter &w : waiters)
			w.sync.acquire(rl::ctx().threadx_);
		for (waiter &w : waiters) {
			w.sync.release(rl::ctx().threadx_);
			w.woken = true;
			w.sleeper.unpark_all(rl::ctx(), info);
		}
	}

	/* schedule(), or epoll_wait() up to its look at what is ready */
	void sleep(rl::debug_info_param info)
	{
		waiter *w = lock_own("sleep", info);

		while (!w->woken)
			w->sleeper.park_current(rl::ctx(), false, false, false, info);
		w->woken = false;
		w->sync.acq_rel(rl::ctx().threadx_);
	}

private:
	struct waiter {
		bool woken = false;
		rl::waitset<threads> sleeper;
		rl::sync_var<threads> sync;
	};

	waiter waiters[threads];

	waiter *lock_own(const char *what, rl::debug_info_param info)
	{
		waiter *w = &waiters[rl::ctx().threadx_->index_];

		model_next(w, true);
		rl::ctx().sched();
		say(what, info);
		w->sync.acq_rel(rl::ctx().threadx_);
		return w;
	}

	static void say(const char *what, rl::debug_info_param info)
	{
		if (rl::ctx().collecting_history())
			rl::ctx().exec_log_msg(info, what);
	}
};

/* A ring with both ends, each of which one thread may use */
template <rl::thread_id_t threads, unsigned capacity>
struct model_ring {
	shmring_word rd, wr, rx_arm, tx_arm, rd_mode, wr_mode, arming[2];
	rl::var<unsigned> data[capacity];
	wait_queue<threads> readable, writable;
	shmring_end producer, consumer;

	void init(__u64 start, __u64 mode = SHMRING_FENCED)
	{
		rd($) = start;
		wr($) = start;
		rx_arm($) = SHMRING_ARM_NONE;
		tx_arm($) = SHMRING_ARM_NONE;
		rd_mode($) = mode;
		wr_mode($) = mode;
		arming[0]($) = 0;
		arming[1]($) = 0;
		producer = { &wr, &rd, &tx_arm, &rx_arm, &rd_mode, start,
			     capacity, capacity, mode };
		consumer = { &rd, &wr, &rx_arm, &tx_arm, &wr_mode, start,
			     0, capacity, mode };
	}

	/* Data of position p are p itself, cut short. */
	void write(__u64 n, rl::debug_info_param info)
	{
		for (__u64 p = producer.pos; n--; p++)
			data[p % capacity](info) = (unsigned)p;
	}

	void read(__u64 n, rl::debug_info_param info)
	{
		for (__u64 p = consumer.pos; n--; p++)
			RL_ASSERT(data[p % capacity](info).load() == (unsigned)p);
	}

	static void wake_readers(void *ring)
	{
		((model_ring *)ring)->readable.wake($);
	}

	static void wake_writers(void *ring)
	{
		((model_ring *)ring)->writable.wake($);
	}

	void commit(__u64 n)
	{
		write(n, $);
		if (shmring_end_advance(&producer, n))
			shmring_arm_kick(&rx_arm, wake_readers, this);
	}

	void release(__u64 n)
	{
		read(n, $);
		if (shmring_end_advance(&consumer, n))
			shmring_arm_kick(&tx_arm, wake_writers, this);
	}

	__u64 arm(shmring_end *end, __u64 min)
	{
		shmring_word *armers = &arming[end->bias != 0];

		return sane(shmring_end_arm(end, min, armers, model_heavy, NULL));
	}

	/* A credit is never more than there can be: here nobody lies. */
	__u64 sane(__u64 credit)
	{
		RL_ASSERT(credit <= capacity);
		return credit;
	}

	/*
	 * poll(2), select, level-triggered epoll, WAIT, read and write: enqueue
	 * once, then look, arming, before each sleep.
	 */
	__u64 wait_level(shmring_end *end, wait_queue<threads> *queue, __u64 min)
	{
		__u64 credit;

		queue->enqueue($);
		while ((credit = arm(end, min)) < min)
			queue->sleep($);
		return credit;
	}
};

#endif /* SHMRING_MODEL_H */
