// SPDX-License-Identifier: GPL-2.0-only
/*
 * One exported function at a time
 */
#include <linux/mm.h>
#include <linux/shmring_message.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "test.h"

static void test_notified(struct shmring_kernel_end *end)
{
	struct test_file *f = end->private;
	struct test_job *job = READ_ONCE(f->job);

	atomic_inc(&f->notified);
	if (job)
		test_job_notify(job);
}

static long test_take(struct test_file *f, struct shmring *ring)
{
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	f->ring = ring;
	return 0;
}

static long test_drop(struct test_file *f)
{
	shmring_drop_end(&f->end);
	f->claimed = false;
	return 0;
}

static long test_put(struct test_file *f)
{
	shmring_put(f->ring);
	f->ring = NULL;
	return 0;
}

void test_call_undo(struct test_file *f)
{
	if (f->claimed)
		test_drop(f);
	if (f->ring)
		test_put(f);
}

/* How to get at a ring */
static long test_call_unringed(struct test_file *f, struct control_args *a)
{
	switch (a->call) {
	case CALL_ALLOC:
		return test_take(f, shmring_alloc(a->capacity, a->flags,
						  a->start));
	case CALL_FROM_FD:
		return test_take(f, shmring_from_fd(a->fd));
	case CALL_LOOKUP:
		return test_take(f, shmring_lookup(a->handle, a->role));
	default:
		return -ENOTCONN;
	}
}

static long test_call_ring(struct test_file *f, struct control_args *a)
{
	long err;

	switch (a->call) {
	case CALL_PUT:
		return test_put(f);
	case CALL_CAPACITY:
		return shmring_capacity(f->ring);
	case CALL_REGISTER:
		return shmring_register(f->ring, a->flags, &a->handle);
	case CALL_CLAIM:
		/* What the function leaves alone */
		f->end.private = f;
		atomic_set(&f->notified, 0);
		err = shmring_claim_end(&f->end, f->ring, a->role,
					a->flags & CLAIM_NOTIFY ?
					test_notified : NULL);
		f->claimed = !err;
		return err;
	default:
		return -ENOTCONN;
	}
}

static void test_spans(struct test_file *f, struct control_args *a)
{
	int i;

	for (i = 0; i < 2; i++) {
		a->span[i] = f->spans[i].iov_len;
		a->at[i] = (u8 *)f->spans[i].iov_base - f->end.data;
	}
}

/* Bytes between @buf and the spans; they are memory of the ring's, both. */
static long test_copy_spans(struct test_file *f, u8 *buf, size_t n, bool write)
{
	size_t first = min(n, f->spans[0].iov_len);

	if (n > first + f->spans[1].iov_len)
		return -EINVAL;
	if (write) {
		memcpy(f->spans[0].iov_base, buf, first);
		memcpy(f->spans[1].iov_base, buf + first, n - first);
	} else {
		memcpy(buf, f->spans[0].iov_base, first);
		memcpy(buf + first, f->spans[1].iov_base, n - first);
	}
	return n;
}

/*
 * A message as linux/shmring_message.h tells ends in the kernel to write it;
 * what fills it up is of any content.
 */
static long test_message(struct test_file *f, struct control_args *a, u8 *buf)
{
	u64 record[SHMRING_MESSAGE_SIZE(CALL_MESSAGE_MAX) / sizeof(u64)];
	u32 size = SHMRING_MESSAGE_SIZE(a->n);

	if (a->n > CALL_MESSAGE_MAX)
		return -EINVAL;
	memset(record, 0xa5, sizeof(record));
	record[0] = a->n;
	memcpy((u8 *)record + SHMRING_MESSAGE_PREFIX, buf, a->n);
	if (!(a->flags & CALL_IN_SPANS))
		return shmring_write_or_drop(&f->end, record, size);
	if (shmring_write_acquire(&f->end, f->spans) < size)
		return 0;
	test_copy_spans(f, (u8 *)record, size, true);
	return shmring_write_commit(&f->end, size) ?: 1;
}

/* Those that need no memory of their own, and can do without interrupts */
static long test_call_end(struct test_file *f, struct control_args *a, u8 *buf)
{
	struct shmring_kernel_end *end = &f->end;

	switch (a->call) {
	case CALL_STATUS:
		return shmring_end_status(end);
	case CALL_WRITE_ACQUIRE:
		return shmring_write_acquire(end, f->spans);
	case CALL_WRITE_SPANS:
		return test_copy_spans(f, buf, a->n, true);
	case CALL_WRITE_COMMIT:
		return shmring_write_commit(end, a->n);
	case CALL_TRY_WRITE:
		return shmring_try_write_from(end, buf, a->n);
	case CALL_WRITE_OR_DROP:
		return shmring_write_or_drop(end, buf, a->n);
	case CALL_MESSAGE:
		return test_message(f, a, buf);
	case CALL_COUNT_DROP:
		shmring_count_drop(end, a->n);
		return 0;
	case CALL_WRITE_ARM:
		return shmring_write_arm(end, a->n);
	case CALL_READ_ACQUIRE:
		return shmring_read_acquire(end, f->spans);
	case CALL_READ_SPANS:
		return test_copy_spans(f, buf, a->n, false);
	case CALL_READ_RELEASE:
		return shmring_read_release(end, a->n);
	case CALL_TRY_READ:
		return shmring_try_read_into(end, buf, a->n);
	case CALL_READ_ARM:
		return shmring_read_arm(end, a->n);
	case CALL_NOTIFIED:
		return atomic_read(&f->notified);
	default:
		return -EINVAL;
	}
}

/* With the bytes at a->buf in kernel memory, there and back */
static long test_call_buffer(struct test_file *f, struct control_args *a)
{
	unsigned long flags;
	u8 *buf = NULL;
	long ret;

	if (a->buf) {
		if (a->n > CALL_BYTES_MAX)
			return -EINVAL;
		buf = kvmalloc(a->n ?: 1, GFP_KERNEL);
		if (!buf)
			return -ENOMEM;
		ret = -EFAULT;
		if (copy_from_user(buf, u64_to_user_ptr(a->buf), a->n))
			goto free;
	}
	if (a->flags & CALL_IRQS_OFF) {
		local_irq_save(flags);
		ret = test_call_end(f, a, buf);
		local_irq_restore(flags);
	} else {
		ret = test_call_end(f, a, buf);
	}
	if (a->call == CALL_WRITE_ACQUIRE || a->call == CALL_READ_ACQUIRE)
		test_spans(f, a);
	if ((a->call == CALL_TRY_READ || a->call == CALL_READ_SPANS) &&
	    copy_to_user(u64_to_user_ptr(a->buf), buf, a->n))
		ret = -EFAULT;
free:
	kvfree(buf);
	return ret;
}

long test_call(struct test_file *f, struct control_args *a)
{
	switch (a->call) {
	case CALL_UNREGISTER:
		return shmring_unregister(a->handle);
	case CALL_FREE_PENDING:
		return test_free_pending(a->n, &a->at[0]);
	case CALL_QUEUE:
		return test_queue(a->capacity, a->start, a->n);
	}
	if (!f->ring)
		return test_call_unringed(f, a);
	if (a->call == CALL_PUT || a->call == CALL_CAPACITY ||
	    a->call == CALL_REGISTER)
		return test_call_ring(f, a);
	if (!f->claimed)
		return test_call_ring(f, a);
	if (a->call == CALL_DROP)
		return test_drop(f);
	return test_call_buffer(f, a);
}
