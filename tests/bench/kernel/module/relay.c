// SPDX-License-Identifier: GPL-2.0-only
/*
 * A relay channel: a file for each CPU in debugfs, cut in sub-buffers, of which
 * a reader is told when one is full
 */
#include <linux/debugfs.h>
#include <linux/relay.h>
#include <linux/version.h>

#include "bench.h"

/* Of the largest record, each holds two. */
#define SUBBUF_BYTES	(2 * BENCH_BYTES_MAX)

#if IS_ENABLED(CONFIG_RELAY)

static struct dentry *relay_create(const char *name, struct dentry *parent,
				   umode_t mode, struct rchan_buf *buf,
				   int *is_global)
{
	return debugfs_create_file(name, mode, parent, buf,
				   &relay_file_operations);
}

static int relay_remove(struct dentry *dentry)
{
	debugfs_remove(dentry);
	return 0;
}

/*
 * What is not read yet is not written over.  Between 6.12 and 7.2 the padding was
 * taken from the arguments.
 */
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 17, 0)
static int relay_start(struct rchan_buf *buf, void *subbuf, void *prev)
#else
static int relay_start(struct rchan_buf *buf, void *subbuf, void *prev,
		       size_t padding)
#endif
{
	return !relay_buf_full(buf);
}

static const struct rchan_callbacks relay_callbacks = {
	.subbuf_start		= relay_start,
	.create_buf_file	= relay_create,
	.remove_buf_file	= relay_remove,
};

static int relay_open_channel(struct bench *b, struct bench_open *o)
{
	if (o->capacity < 2 * SUBBUF_BYTES)
		return -EINVAL;
	b->folder = debugfs_create_dir(BENCH_RELAY_FOLDER, NULL);
	if (IS_ERR(b->folder))
		return PTR_ERR(b->folder);
	b->relay = relay_open("cpu", b->folder, SUBBUF_BYTES,
			      o->capacity / SUBBUF_BYTES, &relay_callbacks, b);
	if (b->relay)
		return 0;
	debugfs_remove(b->folder);
	return -ENOMEM;
}

/*
 * relay_write() does not say whether it has: if not, it leaves its offset behind
 * the sub-buffer's end.  (relay_reserve() does, but lets a reader in before the
 * record is there.)
 */
static bool relay_write_record(struct bench *b, const void *record, u32 bytes)
{
	unsigned long flags;
	bool written;

	local_irq_save(flags);
	__relay_write(b->relay, record, bytes);
	written = (*this_cpu_ptr(b->relay->buf))->offset <= SUBBUF_BYTES;
	local_irq_restore(flags);
	return written;
}

static void relay_end(struct bench *b)
{
	relay_flush(b->relay);
}

static void relay_close_channel(struct bench *b)
{
	relay_close(b->relay);
	debugfs_remove(b->folder);
}

#else

static int relay_open_channel(struct bench *b, struct bench_open *o)
{
	return -EOPNOTSUPP;
}

#define relay_write_record	NULL
#define relay_end		NULL
#define relay_close_channel	NULL

#endif

const struct bench_ops bench_relay = {
	.open	= relay_open_channel,
	.write	= relay_write_record,
	.end	= relay_end,
	.close	= relay_close_channel,
};
