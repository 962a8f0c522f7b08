// SPDX-License-Identifier: GPL-2.0-only
/*
 * Produce on one CPU, consume on the other
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <time.h>

#include "measure.h"

/* How long a consumer waits before it looks whether all is over */
#define PATIENCE_MS	20

struct producer {
	struct bench_run run;
	uint64_t cpu_ns;
	struct consumer *consumer;
	int err;
	int done;
};

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/* Of this thread */
uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static uint64_t switches(void)
{
	struct rusage u;

	getrusage(RUSAGE_THREAD, &u);
	return u.ru_nvcsw;
}

static void *produce(void *data)
{
	struct producer *p = data;
	struct consumer *c = p->consumer;
	uint64_t before;

	pin(producer_cpu());
	before = cpu_ns();
	if (c->transport->produce)
		p->err = c->transport->produce(c, &p->run);
	else if (ioctl(c->device, BENCH_RUN, &p->run))
		p->err = -errno;
	p->cpu_ns = cpu_ns() - before;
	__atomic_store_n(&p->done, 1, __ATOMIC_RELEASE);
	return NULL;
}

/* Until all is read that was written */
static void consume(struct consumer *c, struct producer *p, struct measure *m)
{
	const struct transport *t = c->transport;
	uint64_t begin = now_ns(), seen;
	int done;

	for (;;) {
		done = __atomic_load_n(&p->done, __ATOMIC_ACQUIRE);
		seen = c->received;
		t->drain(c);
		if (c->received != seen) {
			m->ns = now_ns() - begin;
			continue;
		}
		/* It was done before we looked, so nothing more will come */
		if (done)
			return;
		if (m->busy)
			continue;
		m->waits++;
		t->wait(c, PATIENCE_MS);
	}
}

/**
 * measure - one measurement
 * @t: of what
 * @m: with what is asked in @run; the rest is filled in
 * @thorough: look at every byte
 *
 * Return: 0 or a negative errno
 */
int measure(const struct transport *t, struct measure *m, bool thorough)
{
	struct consumer c = {
		.transport = t,
		.bytes = m->run.bytes,
		.thorough = thorough,
	};
	struct producer p = { .run = m->run, .consumer = &c };
	uint64_t cpu, sleeps, kicks;
	pthread_t thread;
	int err;

	pin(CPU_CONSUMER);
	err = t->open(&c);
	if (err)
		return err;
	kicks = t->kicks ? t->kicks(&c) : irq_work_count();
	cpu = cpu_ns();
	sleeps = switches();
	err = -pthread_create(&thread, NULL, produce, &p);
	if (!err) {
		consume(&c, &p, m);
		m->consumer_ns = cpu_ns() - cpu;
		m->sleeps = switches() - sleeps;
		pthread_join(thread, NULL);
		err = p.err;
	}
	m->kicks = (t->kicks ? t->kicks(&c) : irq_work_count()) - kicks +
		   p.run.kicks;
	t->close(&c);
	m->run = p.run;
	m->received = c.received;
	m->missing = c.missing;
	m->bad = c.bad;
	m->reads = c.reads;
	m->producer_ns = p.cpu_ns;
	return err;
}
