// SPDX-License-Identifier: GPL-2.0-only
/* Mappings, and what is written through them */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/shmring.h>

#include "fuzz.h"

static const int map_errors[] = {
	ENOTCONN, EINVAL, EACCES, ENOMEM, EOVERFLOW, EAGAIN, EPERM, 0
};

static const int change_errors[] = { EACCES, EINVAL, ENOMEM, EFAULT, EAGAIN, EPERM, 0 };

static long page_size(void)
{
	return sysconf(_SC_PAGESIZE);
}

static void map(struct fuzz_thread *t, struct fuzz_map *m)
{
	static const int kinds[] = {
		MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED,
		MAP_SHARED_VALIDATE, MAP_SHARED | MAP_POPULATE, MAP_PRIVATE,
	};
	int kind = kinds[fuzz_below(t, 8)], prot = (int)fuzz_below(t, 4);
	uint64_t offset = fuzz_below(t, 8) * page_size();
	size_t length = (1 + fuzz_below(t, 8)) * page_size();
	int file = fuzz_file(t);
	void *at;

	/* What an end does map: its own page, to write its position and mode */
	if (fuzz_chance(t, 3)) {
		prot = PROT_READ | PROT_WRITE;
		offset = fuzz_chance(t, 2) ? 0 : 2 * page_size();
		length = page_size();
	}
	if (fuzz_chance(t, 8))
		prot |= PROT_EXEC;
	if (fuzz_chance(t, 6))
		offset = SHMRING_ARENA_OFFSET + fuzz_below(t, 3) * page_size();
	if (fuzz_chance(t, 16))
		offset = fuzz_number(t) & -page_size();
	if (fuzz_chance(t, 16))
		length = fuzz_number(t) % (1ULL << 40);
	t->what = "mmap";
	at = mmap(NULL, length, prot, kind, file, (off_t)offset);
	if (!fuzz_judge(t, at == MAP_FAILED ? -errno : 0, map_errors))
		return;
	if (kind == MAP_PRIVATE || prot & PROT_EXEC)
		fuzz_fail(t, "mmap: kind %#x with rights %#x", kind, prot);
	m->at = at;
	m->length = (length + page_size() - 1) & -page_size();
	m->prot = prot;
	m->file = file;
}

static void unmap(struct fuzz_thread *t, struct fuzz_map *m)
{
	size_t pages = m->length / page_size(), some;

	t->what = "munmap";
	/* All, or the first pages only: what is left is a mapping too */
	some = fuzz_chance(t, 2) ? pages : 1 + fuzz_below(t, pages);
	fuzz_judge(t, munmap(m->at, some * page_size()) ? -errno : 0,
		   (const int []) { 0 });
	m->at += some * page_size();
	m->length -= some * page_size();
	if (!m->length)
		m->at = NULL;
}

static void protect(struct fuzz_thread *t, struct fuzz_map *m)
{
	int prot = (int)fuzz_below(t, 8);

	t->what = "mprotect";
	if (!fuzz_judge(t, mprotect(m->at, m->length, prot) ? -errno : 0,
			change_errors))
		return;
	if (prot & PROT_EXEC)
		fuzz_fail(t, "mprotect: made executable");
	m->prot = prot;
}

static void remap(struct fuzz_thread *t, struct fuzz_map *m)
{
	size_t length = (1 + fuzz_below(t, 16)) * page_size();
	void *at;

	t->what = "mremap";
	at = mremap(m->at, m->length, length, MREMAP_MAYMOVE);
	if (!fuzz_judge(t, at == MAP_FAILED ? -errno : 0, change_errors))
		return;
	if (length > m->length)
		fuzz_fail(t, "mremap: has grown");
	m->at = at;
	m->length = length;
}

static void advise(struct fuzz_thread *t, struct fuzz_map *m)
{
	static const int advice[] = {
		MADV_DONTNEED, MADV_DONTNEED, MADV_DOFORK, MADV_DONTFORK,
		MADV_WILLNEED, MADV_REMOVE, MADV_FREE, MADV_COLD, MADV_PAGEOUT,
		MADV_HUGEPAGE, MADV_MERGEABLE, MADV_DODUMP,
		MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_WIPEONFORK,
		MADV_UNMERGEABLE,
	};

	t->what = "madvise";
	fuzz_judge(t, madvise(m->at, m->length, advice[fuzz_below(t, 16)]) ?
		   -errno : 0,
		   (const int []) { EINVAL, ENOMEM, EAGAIN, EIO, EACCES, EFAULT,
				    EPERM, EBUSY, ENODEV, 0 });
}

static void put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static void look(struct fuzz_thread *t, int file)
{
	struct pollfd p = { .fd = file, .events = POLLIN | POLLOUT };

	t->what = "poll";
	fuzz_judge(t, poll(&p, 1, 0) < 0 ? -errno : 0,
		   (const int []) { EINTR, 0 });
}

/* Whatever can be mapped can be read, and written if it is so mapped. */
static void touch(struct fuzz_thread *t, struct fuzz_map *m)
{
	size_t at = fuzz_below(t, m->length / page_size()) * page_size();
	uint64_t *word = (void *)(m->at + at), value = 0;

	if (m->prot & PROT_READ)
		value = __atomic_load_n(word, __ATOMIC_RELAXED);
	if (!(m->prot & PROT_WRITE) || !fuzz_chance(t, 4))
		return;
	switch (fuzz_below(t, 6)) {
	case 4 ... 5:	/* a mode, and whoever waits may have to go by it */
		put(word + SHMRING_LINE / sizeof(*word), fuzz_below(t, 2));
		look(t, m->file);
		break;
	case 0:		/* ahead, or back, by a little */
		put(word, value + fuzz_below(t, 64) - 16);
		break;
	case 1:
		put(word, fuzz_number(t));
		break;
	case 2:		/* what stands on a line of its own */
		word += fuzz_below(t, 4) * SHMRING_LINE / sizeof(*word);
		put(word, fuzz_number(t));
		break;
	default:
		word += fuzz_below(t, page_size() / sizeof(*word));
		put(word, fuzz_random(t));
	}
}

void fuzz_memory(struct fuzz_thread *t)
{
	struct fuzz_map *m = &t->maps[fuzz_below(t, FUZZ_MAPS)];

	if (!m->at) {
		map(t, m);
		return;
	}
	switch (fuzz_below(t, 16)) {
	case 0:
	case 1:
		unmap(t, m);
		break;
	case 2:
		protect(t, m);
		break;
	case 3:
		remap(t, m);
		break;
	case 4:
		advise(t, m);
		break;
	default:
		touch(t, m);
	}
}

void fuzz_memory_forget(struct fuzz_thread *t)
{
	int i;

	for (i = 0; i < FUZZ_MAPS; i++) {
		if (t->maps[i].at)
			munmap(t->maps[i].at, t->maps[i].length);
		t->maps[i].at = NULL;
	}
}
