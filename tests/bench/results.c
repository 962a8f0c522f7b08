// SPDX-License-Identifier: GPL-2.0-only
/* All measurements: in memory for the report, and raw, one JSON object a line */
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>

#include "engine.h"

struct sample *samples;
unsigned int sample_count;

/* Histograms of round trips, over all rounds; of each case and row */
static uint32_t (*laps)[BENCH_BUCKETS];
static FILE *raw;

static void cpu_model(char *out, size_t size)
{
	char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	snprintf(out, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "model name : %[^\n\"\\]", line) == 1) {
			snprintf(out, size, "%s", line);
			break;
		}
	}
	if (f)
		fclose(f);
}

/* Make the file, and tell in its first line on what and how. 0 or -errno */
int results_open(void)
{
	struct utsname name;
	char path[4096], cpu[256];

	if (!options.out)
		return 0;
	mkdir(options.out, 0777);
	snprintf(path, sizeof(path), "%s/results.jsonl", options.out);
	raw = fopen(path, "w");
	if (!raw)
		return -errno;
	cpu_model(cpu, sizeof(cpu));
	uname(&name);
	fprintf(raw, "{\"machine\":\"%s\",\"kernel\":\"%s %s\",\"compiler\":\"%s\","
		"\"cpus\":[%d,%d],\"rounds\":%u,\"ms\":%u,\"time\":%lld}\n",
		cpu, name.release, name.machine, __VERSION__, options.cpus[0],
		options.cpus[1], options.rounds, options.ms,
		(long long)time(NULL));
	return 0;
}

static void write_raw(const struct bench_case *c, const struct loaded *row,
		      unsigned int round, const struct measure *m)
{
	if (!raw)
		return;
	fprintf(raw, "{\"case\":\"%s\",\"adapter\":\"%s\",\"sides\":\"%s\","
		"\"round\":%u,", c->name, row->adapter->name,
		row->processes ? "processes" : "threads", round);
	if (m->outcome == OUTCOME_OK)
		fprintf(raw, "\"items\":%llu,\"ns\":%.0f,\"line_before\":%.1f,"
			"\"line_after\":%.1f,\"state\":\"%s\",\"realtime\":%s}\n",
			(unsigned long long)m->n, m->ns, m->before, m->after,
			state_name(m->state), m->realtime ? "true" : "false");
	else
		fprintf(raw, "\"outcome\":\"%s\",\"why\":\"%s\"}\n",
			m->outcome == OUTCOME_ABSENT ? "not available" : "failed",
			m->why);
	fflush(raw);
}

void results_add(unsigned int c, unsigned int row, unsigned int round,
		 const struct measure *m)
{
	unsigned int i;

	write_raw(&cases[c], &loaded[row], round, m);
	if (m->outcome != OUTCOME_OK || !m->ns)
		return;
	samples = reallocarray(samples, sample_count + 1, sizeof(*samples));
	if (!laps)
		laps = calloc(case_count * loaded_count, sizeof(*laps));
	if (!samples || !laps) {
		perror("bench");
		exit(1);
	}
	samples[sample_count++] = (struct sample) {
		.c = c, .row = row, .round = round, .state = m->state,
		.line = (m->before + m->after) / 2,
		.value = m->ns / (double)m->n,
	};
	if (m->state == STATE_APART)
		return;
	for (i = 0; i < BENCH_BUCKETS; i++)
		laps[c * loaded_count + row][i] += m->laps[i];
}

const uint32_t *results_laps(unsigned int c, unsigned int row)
{
	return laps[c * loaded_count + row];
}

int results_close(void)
{
	return raw && fclose(raw) ? -errno : 0;
}
