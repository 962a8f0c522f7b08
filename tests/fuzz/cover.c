// SPDX-License-Identifier: GPL-2.0-only
/*
 * How much of the module was seen: on a kernel with kcov, with which the module is
 * built then, each instrumented place that a thread's calls came by.  How many there
 * are, the module's file tells, if it lies beside the program; and the kernel's
 * symbols tell which functions were never entered.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <linux/kcov.h>

#include "fuzz.h"

#define MODULE		"shmring"
#define PLACE		"__sanitizer_cov_trace_pc"
#define WORDS		(64UL << 10)
#define SEEN		(1U << 14)
#define FUNCTIONS	1024
#define NAME		64

/**
 * struct function - one of the module's
 * @at: its address
 * @name: of it
 * @seen: one of its places was
 */
struct function {
	uint64_t at;
	char name[NAME];
	bool seen;
};

static struct {
	int fd;
	uint64_t *trace;
} covers[FUZZ_THREADS];

static __thread uint64_t *trace;
static uint64_t *seen;

bool fuzz_cover_share(void)
{
	seen = mmap(NULL, SEEN * sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		seen = NULL;
	return seen;
}

void fuzz_cover_open(unsigned int thread)
{
	int fd = open("/sys/kernel/debug/kcov", O_RDWR | O_CLOEXEC);
	void *at = MAP_FAILED;

	if (fd < 0)
		return;
	if (!ioctl(fd, KCOV_INIT_TRACE, WORDS))
		at = mmap(NULL, WORDS * sizeof(*trace), PROT_READ | PROT_WRITE,
			  MAP_SHARED, fd, 0);
	if (at == MAP_FAILED) {
		close(fd);
		return;
	}
	/* The file stays open: it is what traces */
	covers[thread].fd = fd;
	covers[thread].trace = at;
}

bool fuzz_cover_begin(unsigned int thread)
{
	trace = covers[thread].trace;
	return seen && trace &&
	       !ioctl(covers[thread].fd, KCOV_ENABLE, KCOV_TRACE_PC);
}

static void add(uint64_t pc)
{
	uint64_t none;
	unsigned int i, tries;

	i = (unsigned int)(pc * 0x9e3779b97f4a7c15ULL >> 50);
	for (tries = 0; tries < SEEN; tries++, i = (i + 1) % SEEN) {
		none = 0;
		if (__atomic_load_n(&seen[i], __ATOMIC_RELAXED) == pc ||
		    __atomic_compare_exchange_n(&seen[i], &none, pc, false,
						__ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    none == pc)
			return;
	}
}

void fuzz_cover_add(void)
{
	uint64_t n = __atomic_load_n(&trace[0], __ATOMIC_RELAXED), i;

	for (i = 0; i < n && i + 1 < WORDS; i++)
		add(trace[i + 1]);
	__atomic_store_n(&trace[0], 0, __ATOMIC_RELAXED);
}

/* Calls of PLACE from the code that stays, which are relocations of that symbol */
static unsigned int count_places(const char *file)
{
	const Elf64_Ehdr *e = (const void *)file;
	const Elf64_Shdr *s = (const void *)(file + e->e_shoff);
	const char *names = file + s[e->e_shstrndx].sh_offset;
	unsigned int n = 0, i;
	size_t k;

	for (i = 0; i < e->e_shnum; i++) {
		const Elf64_Rela *r = (const void *)(file + s[i].sh_offset);
		const Elf64_Sym *symbols;
		const char *strings;

		if (s[i].sh_type != SHT_RELA ||
		    (strcmp(names + s[i].sh_name, ".rela.text") &&
		     strcmp(names + s[i].sh_name, ".rela.text.unlikely")))
			continue;
		symbols = (const void *)(file + s[s[i].sh_link].sh_offset);
		strings = file + s[s[s[i].sh_link].sh_link].sh_offset;
		for (k = 0; k < s[i].sh_size / sizeof(*r); k++)
			n += !strcmp(strings + symbols[ELF64_R_SYM(r[k].r_info)].st_name,
				     PLACE);
	}
	return n;
}

/* 0: nobody has brought the file */
static unsigned int places(void)
{
	int fd = open(MODULE ".ko", O_RDONLY | O_CLOEXEC);
	unsigned int n = 0;
	struct stat st;
	void *file;

	if (fd < 0)
		return 0;
	if (!fstat(fd, &st)) {
		file = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (file != MAP_FAILED)
			n = count_places(file);
	}
	close(fd);
	return n;
}

static int by_address(const void *a, const void *b)
{
	const struct function *f = a, *g = b;

	return (f->at > g->at) - (f->at < g->at);
}

/* The module's, in the order of their addresses, without what compilers add */
static size_t read_functions(struct function *f)
{
	FILE *symbols = fopen("/proc/kallsyms", "re");
	unsigned long at;
	size_t n = 0;
	char line[512], type, module[NAME];

	while (symbols && n < FUNCTIONS && fgets(line, sizeof(line), symbols)) {
		if (sscanf(line, "%lx %c %63s [%63[^]]", &at, &type, f[n].name,
			   module) != 4 || strcmp(module, MODULE) ||
		    (type != 't' && type != 'T') ||
		    strncmp(f[n].name, MODULE, strlen(MODULE)))
			continue;
		f[n].at = at;
		f[n++].seen = false;
	}
	if (symbols)
		fclose(symbols);
	qsort(f, n, sizeof(*f), by_address);
	return n;
}

static void mark(struct function *f, size_t n, uint64_t pc)
{
	size_t i = n;

	while (i && f[i - 1].at > pc)
		i--;
	if (i)
		f[i - 1].seen = true;
}

/* Compilers cut off what is seldom executed. */
static bool is_whole(const struct function *f)
{
	return !strstr(f->name, ".cold");
}

unsigned int fuzz_cover_report(void)
{
	static struct function functions[FUNCTIONS];
	size_t n = read_functions(functions), i, entered = 0, all = 0;
	unsigned int hit = 0;

	for (i = 0; seen && i < SEEN; i++) {
		if (!seen[i])
			continue;
		hit++;
		mark(functions, n, seen[i]);
	}
	if (!hit)
		return 0;
	for (i = 0; i < n; i++) {
		all += is_whole(&functions[i]);
		entered += is_whole(&functions[i]) && functions[i].seen;
	}
	printf("# kcov: %u places of %u, in %zu functions of %zu; never:", hit,
	       places(), entered, all);
	for (i = 0; i < n; i++)
		if (is_whole(&functions[i]) && !functions[i].seen)
			printf(" %s", functions[i].name + strlen(MODULE "_"));
	printf("\n");
	fflush(stdout);
	return hit;
}
