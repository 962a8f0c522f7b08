/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an open /dev/shmring is: nothing yet, or an end of a ring
 */
#ifndef SHMRING_FILE_H
#define SHMRING_FILE_H

#include <linux/fs.h>

#include "ring.h"

/**
 * struct shmring_file - an open file of the device
 * @bind: held while @ring and @roles are set, which happens once
 * @ring: set once, when @roles is; NULL: unbound
 * @roles: SHMRING_ROLE_*
 */
struct shmring_file {
	struct mutex bind;	/* CREATE and ATTACH */
	struct shmring *ring;
	u32 roles;
};

/**
 * shmring_file_ring - the ring a file is bound to, or NULL
 * @f: the file
 */
static inline struct shmring *shmring_file_ring(const struct shmring_file *f)
{
	/* Pairs with shmring_bind(): with the ring come its roles */
	return smp_load_acquire(&f->ring);
}

/**
 * shmring_file_side - the side of a role, if the file has that role
 * @f: a bound file
 * @role: SHMRING_ROLE_CONSUMER or SHMRING_ROLE_PRODUCER
 */
static inline struct shmring_side *shmring_file_side(struct shmring_file *f,
						     u32 role)
{
	if (!(f->roles & role))
		return NULL;
	return role == SHMRING_ROLE_CONSUMER ? &f->ring->consumer :
					       &f->ring->producer;
}

extern const struct file_operations shmring_fops;

long shmring_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int shmring_mmap(struct file *file, struct vm_area_struct *vma);
ssize_t shmring_read_iter(struct kiocb *iocb, struct iov_iter *to);
ssize_t shmring_write_iter(struct kiocb *iocb, struct iov_iter *from);

#endif /* SHMRING_FILE_H */
