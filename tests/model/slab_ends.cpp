/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slab: whoever attaches finds all of it or nothing, an owner id is one
 * thread's at a time, and whoever has it next has what the one before it left.
 */
#include "model.h"
#include "slab.h"

/* One makes it and the other attaches meanwhile; what "wrong" names is not as it was. */
enum wrong { RIGHT, VERSION, RECORDS };

template <wrong what>
struct attach : scenario {
	enum { threads = 2, count = 2, owners = 2 };
	shmring_slab_layout l;
	/* What the layout has between its parts is never more than two lines. */
	char room[sizeof(shmring_slab_header) + owners * sizeof(shmring_slab_record) +
		  3 * count * sizeof(shmring_word) + 4 * SHMRING_SLAB_ALIGN];
	char *memory = nullptr;

	template <typename part>
	void each(void (*f)(part *), __u64 at, unsigned n, __u64 stride = sizeof(part))
	{
		for (unsigned i = 0; i < n; i++)
			f((part *)(memory + at + i * stride));
	}

	/* Memory that nobody has written to yet */
	static void make(shmring_word *word)
	{
		new (word) shmring_word;
		(*word)($) = 0;
	}

	static void end(shmring_word *word)
	{
		word->~shmring_word();
	}

	void all_words(void (*f)(shmring_word *))
	{
		unsigned n = sizeof(shmring_word);

		each(f, 0, offsetof(shmring_slab_header, unused) / n + 7);
		for (unsigned i = 0; i < owners; i++)
			each(f, l.records + i * sizeof(shmring_slab_record), 9);
		each(f, l.links, count);
		each(f, l.states, count, l.stride);
	}

	~attach() override
	{
		if (memory)
			all_words(end);
	}

	void begin() override
	{
		unsigned long at = (unsigned long)room + SHMRING_SLAB_ALIGN - 1;

		memory = (char *)(at & ~(SHMRING_SLAB_ALIGN - 1UL));
		RL_ASSERT(!shmring_slab_lay_out(8, count, owners, &l));
		RL_ASSERT(memory + l.length <= room + sizeof(room));
		all_words(make);
		if (what != RIGHT)
			init();
	}

	void init()
	{
		shmring_slab_header *h = (shmring_slab_header *)memory;
		shmring_slab s;

		RL_ASSERT(!shmring_slab_raw_init(&s, memory, l.length, 8, count, owners));
		if (what == VERSION)
			h->version($) = SHMRING_SLAB_VERSION + 1;
		if (what == RECORDS)
			h->records($) = l.records + SHMRING_SLAB_ALIGN;
	}

	void thread(unsigned side) override
	{
		shmring_slab_cache c;
		shmring_slot slot;
		shmring_slab s;
		int err;

		if (!side) {
			if (what == RIGHT)
				init();
			return;
		}
		err = shmring_slab_raw_attach(&s, memory, l.length);
		if (what == VERSION)
			RL_ASSERT(err == -EPROTONOSUPPORT);
		else if (what == RECORDS)
			RL_ASSERT(err == -EBADMSG);
		else
			RL_ASSERT(!err || err == -EBADMSG);
		if (err)
			return;
		RL_ASSERT(!shmring_slab_open(&c, &s, 0, 1, 0));
		for (unsigned i = 0; i < count; i++)
			RL_ASSERT(!shmring_slab_alloc(&c, &slot));
		RL_ASSERT(shmring_slab_alloc(&c, &slot) == -ENOSPC);
	}
};

/* Both want an id, any that is free. */
struct open_any : scenario {
	enum { threads = 2 };
	model_slab<2, 2> s;
	__u32 owner[2] = {};

	void begin() override
	{
		s.init(0);
		for (shmring_slab_record &r : s.records)
			r.holder($) = 0;
	}

	void thread(unsigned me) override
	{
		RL_ASSERT(!shmring_slab_open(&s.caches[me], &s.slab, 0, me + 1, 0));
		owner[me] = s.caches[me].owner;
		RL_ASSERT(owner[!me] != owner[me]);
	}
};

/* Who has an id closes it with a slot in hand; that is the next one's. */
struct close_open : scenario {
	enum { threads = 2 };
	model_slab<2, 2> s;
	shmring_slot slot;

	void begin() override
	{
		s.init(0);
		slot = s.give(0, 1, SHMRING_SLAB_ALLOCATED);
		s.data[0]($) = 0U;
	}

	void thread(unsigned me) override
	{
		if (!me) {
			s.data[0]($) = 1U;
			RL_ASSERT(!shmring_slab_close(&s.caches[0]));
			return;
		}
		if (!shmring_slab_open(&s.caches[1], &s.slab, 1, 9, 0))
			s.free_allocated(1, slot);
	}
};

/*
 * Owner 1 has died with a slot in its hand.  It is reclaimed, and has its id next
 * who does not know that, and wants to free the slot as its own.
 */
struct reclaim_open : scenario {
	enum { threads = 2 };
	model_slab<2, 3> s;
	shmring_slot slot;

	void begin() override
	{
		s.init(1);
		slot = s.give(0, 1, SHMRING_SLAB_ALLOCATED);
	}

	void thread(unsigned me) override
	{
		if (!me)
			RL_ASSERT(shmring_slab_reclaim(&s.caches[1], 1, 1) == 1);
		else if (!shmring_slab_open(&s.caches[2], &s.slab, 1, 9, 0))
			RL_ASSERT(shmring_slab_free_allocated(&s.caches[2], slot, nullptr) < 0);
	}
};

/*
 * Owner 1 has died with a slot in its hand and one that it has sent.  Both want
 * to reclaim, or the second one to take what was sent.
 */
template <bool take>
struct reclaim : scenario {
	enum { threads = 2 };
	model_slab<2, 3> s;
	shmring_slot slot, sent;
	unsigned won = 0, got = 0, ended = 0;

	void begin() override
	{
		s.init(0);
		slot = s.give(0, 1, SHMRING_SLAB_ALLOCATED);
		sent = s.give(1, 1, SHMRING_SLAB_IN_FLIGHT);
	}

	void thread(unsigned me) override
	{
		shmring_slab_cache *c = &s.caches[1 + me];
		shmring_slot next;
		int n;

		if (take && me) {
			n = shmring_slab_take(c, sent, nullptr);
			RL_ASSERT(!n || n == -EBADFD || n == -ESTALE);
			if (!n) {
				s.look(sent);
				got++;
			}
		} else {
			n = shmring_slab_reclaim(c, 1, 1);
			/* Who comes after the other one is told so. */
			RL_ASSERT(n > 0 || (!take && (n == -EBUSY || n == -ESRCH)));
			won += n > 0;
			while (n >= 0 && s.alloc(1 + me, &next))
				got++;
		}
		if (++ended == threads)
			RL_ASSERT(won == 1 && got == 2);
	}
};

/*
 * Both have seen the end of owner 1.  Who comes first gives its id to somebody
 * who lives, and of whom the other one takes nothing.
 */
struct reclaim_late : scenario {
	enum { threads = 2 };
	model_slab<1, 3> s;

	void begin() override
	{
		s.init(0);
		s.give(0, 1, SHMRING_SLAB_ALLOCATED);
	}

	void thread(unsigned me) override
	{
		shmring_slot slot;
		int n = shmring_slab_reclaim(&s.caches[1 + me], 1, 1);

		RL_ASSERT(n == 1 || n == -EBUSY || n == -ESRCH);
		if (n != 1)
			return;
		RL_ASSERT(!shmring_slab_open(&s.caches[0], &s.slab, 1, 9, 0));
		RL_ASSERT(s.alloc(0, &slot));
		s.free_allocated(0, slot);
	}
};

/*
 * Owner 1 has died at a pop; owner 2 reclaims it, and dies itself, somewhere.
 * Owner 3, who has seen that, reclaims owner 2, owner 4 reclaims owner 1.
 */
struct reclaimer_dies : scenario {
	enum { threads = 3, count = 2 };
	model_slab<count, 4> s;
	wait_queue<3> died, ended;

	void begin() override
	{
		s.init(0);
		s.die_at_pop();
	}

	void thread(unsigned me) override
	{
		shmring_slot slot;
		unsigned found = 0;
		int n;

		if (me == 0) {
			try {
				model_mortal[me] = true;
				n = shmring_slab_reclaim(&s.caches[1], 1, 1);
				RL_ASSERT(n >= 0 || n == -EBUSY || n == -ESRCH);
			} catch (model_death) {
			}
			model_mortal[me] = false;
			died.wake($);
		} else if (me == 2) {
			n = shmring_slab_reclaim(&s.caches[3], 1, 1);
			RL_ASSERT(n >= 0 || n == -EBUSY || n == -ESRCH);
			ended.wake($);
		} else {
			died.sleep($);
			RL_ASSERT(shmring_slab_reclaim(&s.caches[2], 2, 2) >= 0);
			ended.sleep($);
			n = shmring_slab_reclaim(&s.caches[2], 1, 1);
			RL_ASSERT(n >= 0 || n == -ESRCH);
			while (s.alloc(2, &slot))
				found++;
			RL_ASSERT(found == count);
		}
	}
};

/*
 * Owner 1 has died at a pop, and so does who has its id next, at once: what the
 * first one was about is ended once.
 */
struct reclaim_again : scenario {
	enum { threads = 2 };
	model_slab<2, 3> s;

	void begin() override
	{
		s.init(0);
		s.die_at_pop();
	}

	void thread(unsigned me) override
	{
		if (!me)
			RL_ASSERT(shmring_slab_reclaim(&s.caches[1], 1, 1) == 1);
		else if (!shmring_slab_open(&s.caches[0], &s.slab, 1, 9, 0))
			RL_ASSERT(!shmring_slab_reclaim(&s.caches[2], 1, 9));
	}
};

int main()
{
	model_runs runs;

	runs.all<attach<RIGHT>>("attach while it is made");
	runs.all<attach<VERSION>>("attach to another version");
	runs.all<attach<RECORDS>>("attach to another layout");
	runs.all<open_any>("two open");
	runs.all<close_open>("one closes, another opens");
	runs.all<reclaim_open>("one reclaims, another opens");
	runs.all<reclaim<false>>("reclaim or reclaim");
	runs.all<reclaim<true>>("reclaim or take");
	runs.all<reclaim_late>("one reclaims and another opens, a third one is late");
	runs.all<reclaim_again>("one reclaims, another opens and dies");
	runs.all<reclaimer_dies>("the reclaimer dies");
	return runs.end();
}
