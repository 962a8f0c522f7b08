// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading adapters
 *
 * A folder holds NAME.so, or NAME.why with a line that says why there is none.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine.h"

struct loaded *loaded;
unsigned int loaded_count;
struct missing *missing;
unsigned int missing_count;

static void *grow(void *array, unsigned int count, size_t size)
{
	array = reallocarray(array, count + 1, size);
	if (!array) {
		perror("bench");
		exit(1);
	}
	memset((char *)array + count * size, 0, size);
	return array;
}

static void add(const struct bench_adapter *adapter, bool processes)
{
	struct loaded *l;

	loaded = grow(loaded, loaded_count, sizeof(*loaded));
	l = &loaded[loaded_count++];
	l->adapter = adapter;
	l->processes = processes;
	snprintf(l->label, sizeof(l->label), "%s%s", adapter->name,
		 processes ? " (fork)" : "");
}

__attribute__((format(printf, 2, 3)))
static void add_missing(const char *name, const char *format, ...)
{
	struct missing *m;
	va_list args;

	missing = grow(missing, missing_count, sizeof(*missing));
	m = &missing[missing_count++];
	snprintf(m->name, sizeof(m->name), "%s", name);
	va_start(args, format);
	vsnprintf(m->why, sizeof(m->why), format, args);
	va_end(args);
	m->why[strcspn(m->why, "\n")] = '\0';
}

static void read_why(const char *path, const char *name)
{
	char line[160] = "";
	FILE *f = fopen(path, "r");

	if (f && !fgets(line, sizeof(line), f))
		line[0] = '\0';
	if (f)
		fclose(f);
	add_missing(name, "%s", line);
}

static int load(const char *path, const char *name)
{
	const struct bench_adapter *adapters;
	const unsigned int *abi;
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!object) {
		add_missing(name, "%s", dlerror());
		return 0;
	}
	abi = dlsym(object, "bench_abi");
	adapters = dlsym(object, "bench_adapters");
	if (!abi || !adapters) {
		fprintf(stderr, "bench: %s: no adapter: it lacks BENCH_ADAPTERS\n", path);
		return -EINVAL;
	}
	if (*abi != BENCH_ABI) {
		fprintf(stderr, "bench: %s: made for version %u of adapter.h, this is %u\n",
			path, *abi, BENCH_ABI);
		return -EINVAL;
	}
	for (; adapters->name; adapters++) {
		if (adapters->kind >= BENCH_KINDS || !adapters->setup ||
		    !adapters->produce || !adapters->teardown) {
			fprintf(stderr, "bench: %s: %s: a function is missing\n",
				path, adapters->name);
			return -EINVAL;
		}
		add(adapters, false);
		if (adapters->flags & BENCH_FORK)
			add(adapters, true);
	}
	return 0;
}

/* A folder of adapters. Returns 0, or -errno, and has said why. */
int adapters_load(const char *folder)
{
	char path[4096], name[64];
	struct dirent **entries;
	int n = scandir(folder, &entries, NULL, alphasort), i, err = 0;

	if (n < 0) {
		err = -errno;
		fprintf(stderr, "bench: %s: %s\n", folder, strerror(errno));
		return err;
	}
	for (i = 0; i < n && !err; i++) {
		const char *dot = strrchr(entries[i]->d_name, '.');

		if (!dot)
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
		snprintf(name, sizeof(name), "%.*s",
			 (int)(dot - entries[i]->d_name), entries[i]->d_name);
		if (!strcmp(dot, ".so"))
			err = load(path, name);
		else if (!strcmp(dot, ".why"))
			read_why(path, name);
	}
	for (i = 0; i < n; i++)
		free(entries[i]);
	free(entries);
	return err;
}
