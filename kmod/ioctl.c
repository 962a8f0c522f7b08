// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: take a request in, check it, hand it on
 */
#include <linux/capability.h>
#include <linux/nospec.h>
#include <linux/sched.h>
#include <linux/uaccess.h>

#include "barrier.h"
#include "end.h"
#include "file.h"
#include "notify.h"
#include "quota.h"
#include "registry.h"
#include "shmring.h"

/* No request will ever be longer; what is, is not looked through for zeroes. */
#define SHMRING_REQUEST_MAX	PAGE_SIZE

union shmring_request {
	u32 size;
	struct shmring_ioc_create create;
	struct shmring_ioc_register reg;
	struct shmring_ioc_attach attach;
	struct shmring_ioc_unregister unreg;
	struct shmring_ioc_info info;
	struct shmring_ioc_arm arm;
	struct shmring_ioc_kick kick;
	struct shmring_ioc_wait wait;
	struct shmring_ioc_lowat lowat;
	struct shmring_ioc_unfence unfence;
};

/* Roles that a file may have, given how it was opened. */
static int shmring_check_roles(struct file *file, u32 roles)
{
	fmode_t need = FMODE_READ | FMODE_WRITE;

	if (!roles || roles & ~(SHMRING_ROLE_BOTH | SHMRING_ROLE_OBSERVER))
		return -EINVAL;
	if (roles & SHMRING_ROLE_OBSERVER) {
		if (roles != SHMRING_ROLE_OBSERVER)
			return -EINVAL;
		need = FMODE_READ;
	}
	return (file->f_mode & need) == need ? 0 : -EACCES;
}

/* Bind a file to a ring, and eat the caller's reference if that fails. */
static int shmring_bind(struct shmring_file *f, struct shmring *ring, u32 roles)
{
	int err = -EBUSY;

	mutex_lock(&f->bind);
	if (f->ring)
		goto unlock;
	err = shmring_claim(ring, roles, task_tgid(current));
	if (err)
		goto unlock;
	f->roles = roles;
	/* Pairs with shmring_file_ring(): whoever sees the ring sees its roles */
	smp_store_release(&f->ring, ring);
unlock:
	mutex_unlock(&f->bind);
	if (err)
		shmring_put(ring);
	return err;
}

static long shmring_create(struct file *file, union shmring_request *req,
			   void __user *user)
{
	struct shmring_ioc_create *r = &req->create;
	struct shmring_file *f = file->private_data;
	struct shmring *ring;
	int err;

	if (r->flags & ~SHMRING_F_PERSIST)
		return -EINVAL;
	if (!shmring_sizes_valid(r->capacity, r->arena))
		return -EINVAL;
	err = shmring_check_roles(file, r->roles);
	if (err)
		return err;
	if (shmring_file_ring(f))
		return -EBUSY;
	err = shmring_quota_capacity(r->capacity, r->arena);
	if (err)
		return err;

	shmring_reap();
	ring = shmring_make(r->capacity, r->flags, r->start, r->arena);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	return shmring_bind(f, ring, r->roles);
}

static long shmring_attach(struct file *file, union shmring_request *req,
			   void __user *user)
{
	struct shmring_ioc_attach *r = &req->attach;
	struct shmring_file *f = file->private_data;
	struct shmring *ring;
	int err;

	if (r->flags)
		return -EINVAL;
	err = shmring_check_roles(file, r->roles);
	if (err)
		return err;
	if (shmring_file_ring(f))
		return -EBUSY;

	ring = shmring_lookup(r->handle, r->roles);
	if (IS_ERR(ring))
		return PTR_ERR(ring);
	return shmring_bind(f, ring, r->roles);
}

static long shmring_do_register(struct file *file, union shmring_request *req,
				void __user *user)
{
	struct shmring_ioc_register __user *answer = user;
	struct shmring_ioc_register *r = &req->reg;
	struct shmring_file *f = file->private_data;
	int err;

	if (r->flags || r->mode & ~0666)
		return -EINVAL;
	err = shmring_register(f->ring, r->mode, &r->handle);
	if (err)
		return err;
	if (put_user(r->handle, &answer->handle)) {
		/* Nobody knows its name */
		shmring_withdraw(f->ring, r->handle);
		return -EFAULT;
	}
	return 0;
}

static long shmring_do_unregister(struct file *file, union shmring_request *req,
				  void __user *user)
{
	struct shmring_ioc_unregister *r = &req->unreg;

	if (r->flags || r->reserved)
		return -EINVAL;
	return shmring_unregister(r->handle);
}

/* They rise meanwhile: each is read whole, but not all at one time. */
static struct shmring_counters
shmring_read_counters(const struct shmring_counters *c)
{
	return (struct shmring_counters) {
		.kicks	  = READ_ONCE(c->kicks),
		.arms	  = READ_ONCE(c->arms),
		.sleeps	  = READ_ONCE(c->sleeps),
		.barriers = READ_ONCE(c->barriers),
	};
}

static long shmring_info(struct file *file, union shmring_request *req,
			 void __user *user)
{
	struct shmring_file *f = file->private_data;
	struct shmring *ring = f->ring;
	struct shmring_kernel_page *k = ring->k;
	u32 size = req->size;
	struct shmring_ioc_info info = {
		.size		 = min_t(u32, size, sizeof(info)),
		.flags		 = ring->flags,
		.roles		 = f->roles,
		.state		 = shmring_state(ring),
		.page_size	 = PAGE_SIZE,
		.capacity	 = ring->capacity,
		.consumer_offset = k->consumer_offset,
		.kernel_offset	 = k->kernel_offset,
		.producer_offset = k->producer_offset,
		.data_offset	 = k->data_offset,
		.map_length	 = k->map_length,
		.rx_lowat	 = READ_ONCE(ring->consumer.lowat),
		.tx_lowat	 = READ_ONCE(ring->producer.lowat),
		.producer_pid	 = shmring_holder(&ring->producer),
		.consumer_pid	 = shmring_holder(&ring->consumer),
		.handles	 = shmring_nr_handles(ring),
		.drops		 = READ_ONCE(k->drops),
		.drop_bytes	 = READ_ONCE(k->drop_bytes),
		.arena_offset	 = k->arena_offset,
		.arena_size	 = k->arena_size,
	};

	/* The lower one first: a reader of both is not shown more than there is */
	info.rd = shmring_load_acquire(&ring->c->rd);
	info.wr = shmring_load_acquire(&ring->p->wr);
	info.rx = shmring_read_counters(&k->rx);
	info.tx = shmring_read_counters(&k->tx);

	if (copy_to_user(user, &info, info.size) ||
	    clear_user(user + info.size, size - info.size))
		return -EFAULT;
	return 0;
}

/* The side that waits for an edge, if the file has that role. */
static struct shmring_side *shmring_waiter(struct shmring_file *f, u32 edge)
{
	switch (edge) {
	case SHMRING_READABLE:
		return shmring_file_side(f, SHMRING_ROLE_CONSUMER) ?:
		       ERR_PTR(-EACCES);
	case SHMRING_WRITABLE:
		return shmring_file_side(f, SHMRING_ROLE_PRODUCER) ?:
		       ERR_PTR(-EACCES);
	default:
		return ERR_PTR(-EINVAL);
	}
}

static long shmring_do_arm(struct file *file, union shmring_request *req,
			   void __user *user)
{
	struct shmring_file *f = file->private_data;
	struct shmring_ioc_arm *r = &req->arm;
	struct shmring_side *side = shmring_waiter(f, r->edge);

	if (r->flags || r->min > f->ring->capacity)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_arm(side, shmring_wanted(side, r->min,
						f->ring->capacity));
}

static long shmring_do_wait(struct file *file, union shmring_request *req,
			    void __user *user)
{
	struct shmring_file *f = file->private_data;
	struct shmring_ioc_wait *r = &req->wait;
	struct shmring_side *side = shmring_waiter(f, r->edge);
	long ret;

	if (r->flags || r->min > f->ring->capacity)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	ret = shmring_wait(side, r->min, f->ring->capacity, r->timeout_ns);
	/* Not restarted: the time that has passed would be waited for again */
	return ret == -ERESTARTSYS ? -EINTR : ret;
}

/* The side that makes an edge, if the file has that role. */
static struct shmring_side *shmring_maker(struct shmring_file *f, u32 edge)
{
	switch (edge) {
	case SHMRING_READABLE:
		return shmring_waiter(f, SHMRING_WRITABLE);
	case SHMRING_WRITABLE:
		return shmring_waiter(f, SHMRING_READABLE);
	default:
		return ERR_PTR(-EINVAL);
	}
}

static long shmring_do_kick(struct file *file, union shmring_request *req,
			    void __user *user)
{
	struct shmring_file *f = file->private_data;
	struct shmring_ioc_kick *r = &req->kick;
	struct shmring_side *side = shmring_maker(f, r->edge);

	if (r->flags || r->reserved)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_kick_if_reached(side->peer);
}

static long shmring_do_unfence(struct file *file, union shmring_request *req,
			       void __user *user)
{
	struct shmring_file *f = file->private_data;
	struct shmring_ioc_unfence *r = &req->unfence;
	struct shmring_side *side = shmring_maker(f, r->edge);

	if (r->flags || r->reserved)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_unfence(side);
}

static long shmring_do_lowat(struct file *file, union shmring_request *req,
			     void __user *user)
{
	struct shmring_file *f = file->private_data;
	struct shmring_ioc_lowat *r = &req->lowat;
	struct shmring_side *side = shmring_waiter(f, r->edge);

	if (r->flags || !r->bytes || r->bytes > f->ring->capacity / 2)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	WRITE_ONCE(side->lowat, r->bytes);
	/* Who sleeps by the old threshold looks again by the new one */
	shmring_wake_all(side, 0);
	return 0;
}

/**
 * struct shmring_request_kind - what is known of a request
 * @known: its length, as this kernel knows it
 * @first: the length that its first version had; 0: that one
 * @unbound: it does not want a bound fd
 * @fills: it is there to be filled: only its size is read
 * @handle: what it does; struct shmring_file.ring is there unless @unbound
 */
struct shmring_request_kind {
	u32 known;
	u32 first;
	bool unbound;
	bool fills;
	long (*handle)(struct file *file, union shmring_request *req,
		       void __user *user);
};

#define SHMRING_REQUEST(type, function, ...)		\
	{						\
		.known	= sizeof(struct type),		\
		.handle	= function,			\
		##__VA_ARGS__				\
	}

static const struct shmring_request_kind shmring_requests[] = {
	[_IOC_NR(SHMRING_IOC_CREATE)] =
		SHMRING_REQUEST(shmring_ioc_create, shmring_create,
				.first = offsetofend(struct shmring_ioc_create,
						     start),
				.unbound = true),
	[_IOC_NR(SHMRING_IOC_REGISTER)] =
		SHMRING_REQUEST(shmring_ioc_register, shmring_do_register),
	[_IOC_NR(SHMRING_IOC_ATTACH)] =
		SHMRING_REQUEST(shmring_ioc_attach, shmring_attach,
				.unbound = true),
	[_IOC_NR(SHMRING_IOC_UNREGISTER)] =
		SHMRING_REQUEST(shmring_ioc_unregister, shmring_do_unregister,
				.unbound = true),
	[_IOC_NR(SHMRING_IOC_INFO)] =
		SHMRING_REQUEST(shmring_ioc_info, shmring_info,
				.first = offsetofend(struct shmring_ioc_info,
						     drop_bytes),
				.fills = true),
	[_IOC_NR(SHMRING_IOC_ARM)] =
		SHMRING_REQUEST(shmring_ioc_arm, shmring_do_arm),
	[_IOC_NR(SHMRING_IOC_KICK)] =
		SHMRING_REQUEST(shmring_ioc_kick, shmring_do_kick),
	[_IOC_NR(SHMRING_IOC_WAIT)] =
		SHMRING_REQUEST(shmring_ioc_wait, shmring_do_wait),
	[_IOC_NR(SHMRING_IOC_LOWAT)] =
		SHMRING_REQUEST(shmring_ioc_lowat, shmring_do_lowat),
	[_IOC_NR(SHMRING_IOC_UNFENCE)] =
		SHMRING_REQUEST(shmring_ioc_unfence, shmring_do_unfence),
};

long shmring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	const struct shmring_request_kind *kind;
	unsigned int nr = _IOC_NR(cmd);
	void __user *user = (void __user *)arg;
	union shmring_request req;
	u32 size;
	int err;

	if (cmd != _IO(SHMRING_IOC_TYPE, nr) || nr >= ARRAY_SIZE(shmring_requests))
		return -ENOTTY;
	/* Comes from a process, and not even speculation may lead astray */
	nr = array_index_nospec(nr, ARRAY_SIZE(shmring_requests));
	kind = &shmring_requests[nr];

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < (kind->first ?: kind->known))
		return -EINVAL;
	if (size > SHMRING_REQUEST_MAX)
		return -E2BIG;
	if (!kind->fills) {
		err = copy_struct_from_user(&req, kind->known, user, size);
		if (err)
			return err;
	}
	/* As it was checked, whatever has become of it since */
	req.size = size;
	if (!kind->unbound && !shmring_file_ring(file->private_data))
		return -ENOTCONN;
	return kind->handle(file, &req, user);
}
