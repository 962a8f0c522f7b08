// SPDX-License-Identifier: GPL-2.0-only
/*
 * A BPF ring buffer, through libbpf
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "bench.h"

/* No wake-ups: the consumer looks every millisecond */
#define QUIET		0x1U
/* Reserve and submit, not output */
#define IN_PLACE	0x2U

#ifdef HAVE_LIBBPF

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

/* The program, as clang has made it */
asm(".section .rodata\n"
    ".balign 8\n"
    "bpf_program:\n"
    ".incbin \"" BPF_PROGRAM "\"\n"
    "bpf_program_end:\n"
    ".previous\n");
extern const char bpf_program[], bpf_program_end[];

struct state {
	struct bpf_object *object;
	struct ring_buffer *ring;
};

static int bpf_record(void *context, void *data, size_t size)
{
	struct consumer *c = context;

	if (size == c->bytes)
		consumer_take(c, data);
	else
		c->bad++;
	return 0;
}

static int bpf_quiet_print(enum libbpf_print_level level, const char *format,
			   va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int bpf_load(struct consumer *c, struct state *s)
{
	struct bpf_map *map, *rodata = NULL, *data = NULL;
	struct bench_program constants = { .bytes = c->bytes };
	uint8_t record[BENCH_BYTES_MAX];

	s->object = bpf_object__open_mem(bpf_program,
					 bpf_program_end - bpf_program, NULL);
	if (!s->object)
		return -errno;
	bpf_object__for_each_map(map, s->object) {
		if (strstr(bpf_map__name(map), ".rodata"))
			rodata = map;
		else if (strstr(bpf_map__name(map), ".bss"))
			data = map;
	}
	map = bpf_object__find_map_by_name(s->object, "ring");
	if (!map || !rodata || !data)
		return -EINVAL;
	bpf_map__set_max_entries(map, CAPACITY);
	if (c->transport->flags & QUIET)
		constants.flags = BPF_RB_NO_WAKEUP;
	constants.in_place = !!(c->transport->flags & IN_PLACE);
	memset(record, BENCH_FILL, sizeof(record));
	if (bpf_map__set_initial_value(rodata, &constants, sizeof(constants)) ||
	    bpf_map__set_initial_value(data, record, sizeof(record)))
		return -EINVAL;
	return bpf_object__load(s->object);
}

static int bpf_open(struct consumer *c)
{
	struct bench_open o = { .kind = BENCH_BPF };
	struct state *s = calloc(1, sizeof(*s));
	struct bpf_program *program;
	int err;

	if (!s)
		return -ENOMEM;
	libbpf_set_print(bpf_quiet_print);
	err = bpf_load(c, s);
	if (err)
		goto free;
	s->ring = ring_buffer__new(bpf_object__find_map_fd_by_name(s->object, "ring"),
				   bpf_record, c, NULL);
	program = bpf_object__find_program_by_name(s->object, "bench");
	err = -EINVAL;
	if (!s->ring || !program)
		goto free;
	o.fd = bpf_program__fd(program);
	err = consumer_device(c, &o);
	if (err)
		goto free;
	c->state = s;
	return 0;
free:
	ring_buffer__free(s->ring);
	bpf_object__close(s->object);
	free(s);
	return err;
}

static void bpf_drain(struct consumer *c)
{
	struct state *s = c->state;

	ring_buffer__consume(s->ring);
}

/* What ring_buffer__poll() does, but that it drains, too */
static void bpf_wait(struct consumer *c, int ms)
{
	struct state *s = c->state;
	struct epoll_event event;

	if (c->transport->flags & QUIET)
		usleep(1000);
	else
		epoll_wait(ring_buffer__epoll_fd(s->ring), &event, 1, ms);
}

static void bpf_close(struct consumer *c)
{
	struct state *s = c->state;

	close(c->device);
	ring_buffer__free(s->ring);
	bpf_object__close(s->object);
	free(s);
}

#else

static int bpf_open(struct consumer *c)
{
	(void)c;
	return -EOPNOTSUPP;
}

#define bpf_drain	NULL
#define bpf_wait	NULL
#define bpf_close	NULL

#endif

const struct transport by_bpf = {
	.name = "bpf",
	.note = "bpf_ringbuf_output(), libbpf's ring_buffer",
	.open = bpf_open,
	.drain = bpf_drain,
	.wait = bpf_wait,
	.close = bpf_close,
};

const struct transport by_bpf_reserve = {
	.name = "bpf-reserve",
	.note = "bpf_ringbuf_reserve() and _submit(), filled in between",
	.flags = IN_PLACE,
	.open = bpf_open,
	.drain = bpf_drain,
	.wait = bpf_wait,
	.close = bpf_close,
};

const struct transport by_bpf_nowakeup = {
	.name = "bpf-nowakeup",
	.note = "bpf_ringbuf_output() with BPF_RB_NO_WAKEUP; looked at every 1 ms",
	.flags = QUIET,
	.open = bpf_open,
	.drain = bpf_drain,
	.wait = bpf_wait,
	.close = bpf_close,
};
