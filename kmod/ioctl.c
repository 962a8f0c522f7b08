// SPDX-License-Identifier: GPL-2.0-only
/*
 * The ioctls: take a request in, check it, hand it on
 */
#include <linux/capability.h>
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

static long shmring_create(struct file *file, union shmring_request *req)
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

static long shmring_attach(struct file *file, union shmring_request *req)
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

static long shmring_do_register(struct shmring *ring,
				union shmring_request *req,
				struct shmring_ioc_register __user *user)
{
	struct shmring_ioc_register *r = &req->reg;
	int err;

	if (r->flags || r->mode & ~0666)
		return -EINVAL;
	err = shmring_register(ring, r->mode, &r->handle);
	if (err)
		return err;
	if (put_user(r->handle, &user->handle)) {
		/* Nobody knows its name */
		shmring_unregister(r->handle);
		return -EFAULT;
	}
	return 0;
}

static long shmring_do_unregister(union shmring_request *req)
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

static long shmring_info(struct shmring_file *f, struct shmring *ring,
			 u32 size, void __user *user)
{
	struct shmring_kernel_page *k = ring->k;
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

static long shmring_do_arm(struct shmring_file *f, union shmring_request *req)
{
	struct shmring_ioc_arm *r = &req->arm;
	struct shmring_side *side = shmring_waiter(f, r->edge);

	if (r->flags || r->min > f->ring->capacity)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_arm(side, shmring_wanted(side, r->min,
						f->ring->capacity));
}

static long shmring_do_wait(struct shmring_file *f, union shmring_request *req)
{
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

static long shmring_do_kick(struct shmring_file *f, union shmring_request *req)
{
	struct shmring_ioc_kick *r = &req->kick;
	struct shmring_side *side = shmring_maker(f, r->edge);

	if (r->flags || r->reserved)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_kick_if_reached(side->peer);
}

static long shmring_do_unfence(struct shmring_file *f,
			       union shmring_request *req)
{
	struct shmring_ioc_unfence *r = &req->unfence;
	struct shmring_side *side = shmring_maker(f, r->edge);

	if (r->flags || r->reserved)
		return -EINVAL;
	if (IS_ERR(side))
		return PTR_ERR(side);
	return shmring_unfence(side);
}

static long shmring_do_lowat(struct shmring_file *f, union shmring_request *req)
{
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

/* The length of a request as this kernel knows it, 0 if there is none. */
static u32 shmring_request_size(unsigned int cmd)
{
	switch (cmd) {
	case SHMRING_IOC_CREATE:
		return sizeof(struct shmring_ioc_create);
	case SHMRING_IOC_REGISTER:
		return sizeof(struct shmring_ioc_register);
	case SHMRING_IOC_ATTACH:
		return sizeof(struct shmring_ioc_attach);
	case SHMRING_IOC_UNREGISTER:
		return sizeof(struct shmring_ioc_unregister);
	case SHMRING_IOC_INFO:
		return sizeof(struct shmring_ioc_info);
	case SHMRING_IOC_ARM:
		return sizeof(struct shmring_ioc_arm);
	case SHMRING_IOC_KICK:
		return sizeof(struct shmring_ioc_kick);
	case SHMRING_IOC_WAIT:
		return sizeof(struct shmring_ioc_wait);
	case SHMRING_IOC_LOWAT:
		return sizeof(struct shmring_ioc_lowat);
	case SHMRING_IOC_UNFENCE:
		return sizeof(struct shmring_ioc_unfence);
	default:
		return 0;
	}
}

/* The length that its first version had. */
static u32 shmring_request_min(unsigned int cmd)
{
	switch (cmd) {
	case SHMRING_IOC_CREATE:
		return offsetofend(struct shmring_ioc_create, start);
	case SHMRING_IOC_INFO:
		return offsetofend(struct shmring_ioc_info, drop_bytes);
	default:
		return shmring_request_size(cmd);
	}
}

long shmring_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct shmring_file *f = file->private_data;
	void __user *user = (void __user *)arg;
	u32 known = shmring_request_size(cmd);
	union shmring_request req;
	struct shmring *ring;
	u32 size;
	int err;

	if (!known)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < shmring_request_min(cmd))
		return -EINVAL;
	if (size > SHMRING_REQUEST_MAX)
		return -E2BIG;
	if (cmd != SHMRING_IOC_INFO) {
		err = copy_struct_from_user(&req, known, user, size);
		if (err)
			return err;
	}

	switch (cmd) {
	case SHMRING_IOC_CREATE:
		return shmring_create(file, &req);
	case SHMRING_IOC_ATTACH:
		return shmring_attach(file, &req);
	case SHMRING_IOC_UNREGISTER:
		return shmring_do_unregister(&req);
	}

	ring = shmring_file_ring(f);
	if (!ring)
		return -ENOTCONN;

	switch (cmd) {
	case SHMRING_IOC_REGISTER:
		return shmring_do_register(ring, &req, user);
	case SHMRING_IOC_INFO:
		return shmring_info(f, ring, size, user);
	case SHMRING_IOC_ARM:
		return shmring_do_arm(f, &req);
	case SHMRING_IOC_KICK:
		return shmring_do_kick(f, &req);
	case SHMRING_IOC_WAIT:
		return shmring_do_wait(f, &req);
	case SHMRING_IOC_LOWAT:
		return shmring_do_lowat(f, &req);
	default:
		return shmring_do_unfence(f, &req);
	}
}
