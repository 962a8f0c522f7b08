// SPDX-License-Identifier: GPL-2.0-only
/* The ioctls: how they are filled, spoilt and judged */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/shmring.h>

#include "fuzz.h"

/* Capacities that are had often; the kernel refuses what the user's share is not. */
#define CAPACITY_BITS	15

static uint32_t any_handle(struct fuzz_thread *t)
{
	uint32_t *handles = t->fuzz->handles;

	switch (fuzz_below(t, 16)) {
	case 0:
		return (uint32_t)fuzz_number(t);
	case 1:
		return t->fuzz->keep;
	default:
		return __atomic_load_n(&handles[fuzz_below(t, FUZZ_HANDLES)],
				       __ATOMIC_RELAXED);
	}
}

static uint32_t any_roles(struct fuzz_thread *t)
{
	return fuzz_chance(t, 16) ? (uint32_t)fuzz_number(t) :
				    1 + (uint32_t)fuzz_below(t, 4);
}

static uint32_t any_edge(struct fuzz_thread *t)
{
	return fuzz_chance(t, 16) ? (uint32_t)fuzz_number(t) :
				    1 + (uint32_t)fuzz_below(t, 2);
}

static uint32_t any_bytes(struct fuzz_thread *t)
{
	return fuzz_chance(t, 4) ? (uint32_t)fuzz_number(t) :
				   (uint32_t)fuzz_below(t, 8);
}

static void fill_create(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_create *r = at;

	r->flags = fuzz_chance(t, 8) ? SHMRING_F_PERSIST : 0;
	r->capacity = fuzz_chance(t, 16) ? (uint32_t)fuzz_number(t) :
		      2U << fuzz_below(t, CAPACITY_BITS);
	r->roles = any_roles(t);
	r->start = fuzz_chance(t, 2) ? fuzz_number(t) : 0;
	if (fuzz_chance(t, 4))
		r->arena = fuzz_chance(t, 4) ? fuzz_number(t) :
			   fuzz_below(t, 4) * sysconf(_SC_PAGESIZE);
}

static void fill_register(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_register *r = at;

	r->mode = fuzz_chance(t, 8) ? (uint32_t)fuzz_number(t) : 0666;
	r->handle = (uint32_t)fuzz_number(t);
}

static void fill_attach(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_attach *r = at;

	r->handle = any_handle(t);
	r->roles = any_roles(t);
}

static void fill_unregister(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_unregister *r = at;

	r->handle = any_handle(t);
}

static void fill_info(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_info *r = at;

	r->flags = (uint32_t)fuzz_number(t);
}

static void fill_arm(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_arm *r = at;

	r->edge = any_edge(t);
	r->min = any_bytes(t);
}

static void fill_kick(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_kick *r = at;

	r->edge = any_edge(t);
}

static void fill_wait(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_wait *r = at;

	r->edge = any_edge(t);
	r->min = any_bytes(t);
	/* For ever, too: a signal comes soon */
	r->timeout_ns = fuzz_chance(t, 8) ? (int64_t)fuzz_number(t) :
			(int64_t)fuzz_below(t, 300000);
}

static void fill_lowat(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_lowat *r = at;

	r->edge = any_edge(t);
	r->bytes = any_bytes(t);
}

static void fill_unfence(struct fuzz_thread *t, void *at)
{
	struct shmring_ioc_unfence *r = at;

	r->edge = any_edge(t);
}

/* What is common to all, then what each may fail with, as shmring.h has it */
#define ERRORS(...)	((const int []) { EINVAL, E2BIG, EFAULT, __VA_ARGS__, 0 })
#define FIRST_VERSION(type, last)					\
	(offsetof(struct shmring_ioc_##type, last) +			\
	 sizeof(((struct shmring_ioc_##type *)0)->last))

/**
 * struct request - an ioctl
 * @name: for the report
 * @cmd: its number
 * @size: of its struct
 * @least: of its first version
 * @flags: that are known; what INFO has there is not looked at
 * @fill: make it valid, or nearly so; it is zero but for @size
 * @errors: that it may fail with
 */
static const struct request {
	const char *name;
	unsigned int cmd;
	uint32_t size;
	uint32_t least;
	uint32_t flags;
	void (*fill)(struct fuzz_thread *t, void *at);
	const int *errors;
} requests[] = {
	{ "CREATE", SHMRING_IOC_CREATE, sizeof(struct shmring_ioc_create),
	  FIRST_VERSION(create, start), SHMRING_F_PERSIST, fill_create,
	  ERRORS(EBUSY, EACCES, EPERM, EDQUOT, ENOMEM, EINTR) },
	{ "REGISTER", SHMRING_IOC_REGISTER, sizeof(struct shmring_ioc_register),
	  sizeof(struct shmring_ioc_register), 0, fill_register,
	  ERRORS(ENOTCONN, EPERM, ENOSPC, ENOMEM) },
	{ "ATTACH", SHMRING_IOC_ATTACH, sizeof(struct shmring_ioc_attach),
	  sizeof(struct shmring_ioc_attach), 0, fill_attach,
	  ERRORS(ENOENT, EBUSY, EACCES) },
	{ "UNREGISTER", SHMRING_IOC_UNREGISTER,
	  sizeof(struct shmring_ioc_unregister),
	  sizeof(struct shmring_ioc_unregister), 0, fill_unregister,
	  ERRORS(ENOENT, EPERM) },
	{ "INFO", SHMRING_IOC_INFO, sizeof(struct shmring_ioc_info),
	  FIRST_VERSION(info, drop_bytes), ~0U, fill_info, ERRORS(ENOTCONN) },
	{ "ARM", SHMRING_IOC_ARM, sizeof(struct shmring_ioc_arm),
	  sizeof(struct shmring_ioc_arm), 0, fill_arm,
	  ERRORS(ENOTCONN, EACCES, EPIPE, EBADMSG) },
	{ "KICK", SHMRING_IOC_KICK, sizeof(struct shmring_ioc_kick),
	  sizeof(struct shmring_ioc_kick), 0, fill_kick,
	  ERRORS(ENOTCONN, EACCES) },
	{ "WAIT", SHMRING_IOC_WAIT, sizeof(struct shmring_ioc_wait),
	  sizeof(struct shmring_ioc_wait), 0, fill_wait,
	  ERRORS(ENOTCONN, EACCES, EPIPE, EBADMSG, ETIMEDOUT, EINTR) },
	{ "LOWAT", SHMRING_IOC_LOWAT, sizeof(struct shmring_ioc_lowat),
	  sizeof(struct shmring_ioc_lowat), 0, fill_lowat,
	  ERRORS(ENOTCONN, EACCES) },
	{ "UNFENCE", SHMRING_IOC_UNFENCE, sizeof(struct shmring_ioc_unfence),
	  sizeof(struct shmring_ioc_unfence), 0, fill_unfence,
	  ERRORS(ENOTCONN, EACCES, EOPNOTSUPP) },
};

#define COUNT(a)	(sizeof(a) / sizeof((a)[0]))

static bool is_request(unsigned int cmd)
{
	size_t i;

	for (i = 0; i < COUNT(requests); i++)
		if (requests[i].cmd == cmd)
			return true;
	return false;
}

uint32_t fuzz_requests(bool unfence)
{
	uint32_t bits = 0;
	size_t i;

	for (i = 0; i < COUNT(requests); i++)
		if (unfence || requests[i].cmd != SHMRING_IOC_UNFENCE)
			bits |= 1U << i;
	return bits;
}

static long request(struct fuzz_thread *t, unsigned int cmd, void *at)
{
	long ret = ioctl(fuzz_file(t), cmd, at);

	return ret < 0 ? -errno : ret;
}

/* A call that has no business to succeed, and must say why it does not */
static void refuse(struct fuzz_thread *t, const struct request *q, void *at,
		   int err, int or)
{
	long ret = request(t, q->cmd, at);

	if (fuzz_judge(t, ret, (const int []) { err, or, 0 }))
		fuzz_fail(t, "%s: %ld, not %s", q->name, ret, strerror(err));
}

static void remember(struct fuzz_thread *t, uint32_t handle)
{
	struct shmring_ioc_unregister r = { .size = sizeof(r) };
	uint32_t *at = &t->fuzz->handles[fuzz_below(t, FUZZ_HANDLES)];
	int i;

	if (!handle)
		fuzz_fail(t, "REGISTER: a handle that is 0");
	/* So that persistent rings do not add up */
	r.handle = __atomic_exchange_n(at, handle, __ATOMIC_RELAXED);
	for (i = 0; r.handle && i < FUZZ_FILES; i++)
		if (!ioctl(FUZZ_FILE_FIRST + i, SHMRING_IOC_UNREGISTER, &r) ||
		    errno == ENOENT)
			break;
}

static void check_info(struct fuzz_thread *t, const struct shmring_ioc_info *r)
{
	uint64_t page = sysconf(_SC_PAGESIZE), half = r->capacity / 2;
	uint64_t data = r->capacity < page ? page : 2ULL * r->capacity;

	if (r->page_size != page || !half || r->capacity & (r->capacity - 1) ||
	    r->kernel_offset != page || r->data_offset != 3 * page ||
	    r->map_length != r->data_offset + data)
		fuzz_fail(t, "INFO: a geometry that cannot be");
	if (!r->roles || r->roles > SHMRING_ROLE_OBSERVER || r->state & ~7U ||
	    !r->rx_lowat || r->rx_lowat > half ||
	    !r->tx_lowat || r->tx_lowat > half)
		fuzz_fail(t, "INFO: a state that cannot be");
	if (r->arena_size % page || !r->arena_size != !r->arena_offset)
		fuzz_fail(t, "INFO: an arena that cannot be");
}

static void check_success(struct fuzz_thread *t, const struct request *q,
			  const void *at, long ret)
{
	__atomic_fetch_or(&t->fuzz->succeeded, 1U << (q - requests),
			  __ATOMIC_RELAXED);
	switch (q->cmd) {
	case SHMRING_IOC_REGISTER:
		remember(t, ((const struct shmring_ioc_register *)at)->handle);
		break;
	case SHMRING_IOC_INFO:
		check_info(t, at);
		break;
	case SHMRING_IOC_KICK:
		if (ret <= 1)
			return;
		break;
	case SHMRING_IOC_ARM:
	case SHMRING_IOC_WAIT:
		if (ret <= SHMRING_CAPACITY_MAX && (ret || q->cmd == SHMRING_IOC_ARM))
			return;
		break;
	}
	/* The others return 0 */
	if (ret || q->cmd == SHMRING_IOC_WAIT)
		fuzz_fail(t, "%s: returned %ld", q->name, ret);
}

/* Where no struct can be read, or not all of it */
static void *nowhere(struct fuzz_thread *t, uint32_t size)
{
	switch (fuzz_below(t, 5)) {
	case 0:
		return NULL;
	case 1:
		return (void *)(1ULL << 63 | fuzz_random(t));
	case 2:
		return (void *)(uintptr_t)fuzz_below(t, 4096);
	case 3:
		return t->buffer + FUZZ_BUFFER - fuzz_below(t, 4);
	default:
		memcpy(t->buffer + FUZZ_BUFFER - 4, &size, 4);
		return t->buffer + FUZZ_BUFFER - 4;
	}
}

static void unknown(struct fuzz_thread *t)
{
	unsigned int cmd = fuzz_chance(t, 2) ? (unsigned int)fuzz_number(t) :
			   _IOC(fuzz_below(t, 4), SHMRING_IOC_TYPE,
				fuzz_below(t, 256), fuzz_below(t, 64));
	long ret;

	/* FIONBIO and its like are the kernel's own, for any file */
	if (_IOC_TYPE(cmd) != SHMRING_IOC_TYPE || is_request(cmd))
		return;
	t->what = "unknown ioctl";
	ret = request(t, cmd, t->buffer);
	if (fuzz_judge(t, ret, (const int []) { ENOTTY, 0 }))
		fuzz_fail(t, "ioctl %#x: returned %ld", cmd, ret);
}

/* All can be read, and not written: what is done must be undone */
static void unanswerable(struct fuzz_thread *t, const struct request *q,
			 const void *at)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	long ret;

	mprotect(t->readonly, page, PROT_READ | PROT_WRITE);
	memcpy(t->readonly, at, q->size);
	mprotect(t->readonly, page, PROT_READ);
	ret = request(t, q->cmd, t->readonly);
	if (fuzz_judge(t, ret, q->errors))
		fuzz_fail(t, "%s: answered where nothing can be", q->name);
}

void fuzz_request(struct fuzz_thread *t)
{
	const struct request *q = &requests[fuzz_below(t, COUNT(requests))];
	const bool info = q->cmd == SHMRING_IOC_INFO;
	union {
		uint64_t aligned;
		uint32_t word[1024 + 2];
		unsigned char byte[4096 + 8];
	} u;
	uint32_t size, i;
	long ret;

	memset(u.byte, 0, 256);
	q->fill(t, u.byte);
	u.word[0] = q->size;
	t->what = q->name;

	switch (fuzz_below(t, 32)) {
	case 0:
		u.word[0] = (uint32_t)fuzz_below(t, q->least);
		refuse(t, q, u.byte, EINVAL, 0);
		return;
	case 1:
		u.word[0] = 4097 + (uint32_t)(fuzz_random(t) >> 33);
		refuse(t, q, u.byte, E2BIG, 0);
		return;
	case 2:
		if (info)
			break;
		size = q->size + 1 + (uint32_t)fuzz_below(t, 4096 - q->size);
		memset(u.byte, 0, sizeof(u));
		q->fill(t, u.byte);
		u.word[0] = size;
		u.byte[q->size + fuzz_below(t, size - q->size)] = 1;
		refuse(t, q, u.byte, E2BIG, 0);
		return;
	case 3:
		refuse(t, q, nowhere(t, q->size), EFAULT, info ? ENOTCONN : 0);
		return;
	case 4:
		if (info)
			break;
		u.word[1] |= (1U << fuzz_below(t, 32)) & ~q->flags;
		if (!(u.word[1] & ~q->flags))
			break;
		/* An unbound file is told that first */
		refuse(t, q, u.byte, EINVAL, ENOTCONN);
		return;
	case 5:
		unknown(t);
		return;
	case 6:
		if (q->cmd != SHMRING_IOC_REGISTER && !info)
			break;
		unanswerable(t, q, u.byte);
		return;
	}

	/* What is left may be valid, or become so */
	size = q->size;
	switch (fuzz_below(t, 16)) {
	case 0:		/* longer, but for nothing */
		size += (uint32_t)fuzz_below(t, 4096 - size);
		memset(u.byte + 256, 0, sizeof(u) - 256);
		break;
	case 1:		/* an earlier version */
		size = q->least;
		break;
	case 2:
		for (i = 1 + (uint32_t)fuzz_below(t, 4); i; i--)
			u.word[1 + fuzz_below(t, q->size / 4 - 1)] =
				(uint32_t)fuzz_number(t);
		break;
	case 3:
		for (i = 4; i < q->size; i++)
			u.byte[i] = (unsigned char)fuzz_random(t);
		break;
	}
	u.word[0] = size;
	if (q->cmd == SHMRING_IOC_UNREGISTER && u.word[2] == t->fuzz->keep)
		return;
	ret = request(t, q->cmd, u.byte);
	if (fuzz_judge(t, ret, q->errors))
		check_success(t, q, u.byte, ret);
}
