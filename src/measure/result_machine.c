/* SPDX-License-Identifier: BSD-3-Clause */
/* The fingerprint of this machine, from /proc and /sys. */
#include "config.h"

#include "railgauge/measure/result.h"

#include "railgauge/base/units.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TEXT_BYTES 256
#define CPUS_MAX   4096

/* Where the strings live: one set per thread, as ranks may be threads. */
static _Thread_local struct {
	char host[TEXT_BYTES], kernel[TEXT_BYTES * 3], cpu[TEXT_BYTES];
	char governor[TEXT_BYTES], clocksource[TEXT_BYTES], thp[TEXT_BYTES];
	char rank_host[TEXT_BYTES], cpus[4 * TEXT_BYTES];
} texts;

/* The first line of root/path into text; false and "" if it cannot be read. */
static bool read_line(const char *root, const char *path, char *text, size_t len_bytes)
{
	char whole[512];
	size_t n = 0;
	FILE *file;

	text[0] = '\0';
	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	file = fopen(whole, "re");
	if (!file)
		return false;
	if (fgets(text, (int)len_bytes, file))
		n = strcspn(text, "\n");
	text[n] = '\0';
	fclose(file);
	return n > 0;
}

static bool read_number(const char *root, const char *path, unsigned long *out)
{
	char text[64], *end;

	if (!read_line(root, path, text, sizeof(text)))
		return false;
	*out = strtoul(text, &end, 10);
	return end != text;
}

/* The value of the first line "KEY ... : VALUE" of root/path. */
static bool find_value(const char *root, const char *path, const char *key, char *text,
		       size_t len_bytes)
{
	char whole[512], line[1024];
	bool found = false;
	FILE *file;

	snprintf(whole, sizeof(whole), "%s/%s", root, path);
	file = fopen(whole, "re");
	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (!colon || strncmp(line, key, strlen(key)))
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		snprintf(text, len_bytes, "%.*s", (int)strcspn(colon, "\n"), colon);
		found = true;
	}
	fclose(file);
	return found;
}

/* Caches of one core, the largest level counting as the last. */
static void read_caches(const char *root, struct rg_result_machine *m)
{
	unsigned long level, last = 0;
	char path[128], type[32], size[32];
	uint64_t bytes;

	for (int i = 0; i < 16; i++) {
		int n = snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu0/cache/index%d/",
				 i);

		snprintf(path + n, sizeof(path) - (size_t)n, "level");
		if (!read_number(root, path, &level))
			break;
		snprintf(path + n, sizeof(path) - (size_t)n, "type");
		read_line(root, path, type, sizeof(type));
		snprintf(path + n, sizeof(path) - (size_t)n, "size");
		if (!strcmp(type, "Instruction") || !read_line(root, path, size, sizeof(size)) ||
		    rg_parse_size(size, "size", &bytes, NULL))
			continue;
		if (level == 1)
			m->l1d_bytes = bytes;
		if (level == 2)
			m->l2_bytes = bytes;
		if (level >= last) {
			last = level;
			m->llc_bytes = bytes;
		}
	}
}

static bool known(const uint64_t *list, uint32_t n, uint64_t value)
{
	for (uint32_t i = 0; i < n; i++) {
		if (list[i] == value)
			return true;
	}
	return false;
}

/* One more than the last CPU that is there; the list of those, "0-3,8-11", ascends. */
static int cpus_end(const char *root)
{
	char list[TEXT_BYTES];
	const char *last;
	long end;

	if (!read_line(root, "sys/devices/system/cpu/present", list, sizeof(list)) ||
	    strlen(list) + 2 >= sizeof(list))
		return CPUS_MAX; /* not known, or more than the line has room for */
	for (last = list + strlen(list); last > list && isdigit((unsigned char)last[-1]);)
		last--;
	end = strtol(last, NULL, 10) + 1;
	return end < CPUS_MAX ? (int)end : CPUS_MAX;
}

/* Threads, cores and packages that are online, and their common governor. */
static void read_cpus(const char *root, struct rg_result_machine *m)
{
	static _Thread_local uint64_t cores[CPUS_MAX], packages[CPUS_MAX];
	unsigned long core, package;
	char path[128], governor[TEXT_BYTES];

	for (int i = 0, end = cpus_end(root); i < end; i++) {
		int n = snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/", i);

		snprintf(path + n, sizeof(path) - (size_t)n, "topology/core_id");
		if (!read_number(root, path, &core))
			continue; /* offline, or beyond the last */
		snprintf(path + n, sizeof(path) - (size_t)n, "topology/physical_package_id");
		if (!read_number(root, path, &package))
			package = 0;
		m->threads++;
		if (!known(packages, m->packages, package))
			packages[m->packages++] = package;
		if (!known(cores, m->cores, (uint64_t)package << 32 | core))
			cores[m->cores++] = (uint64_t)package << 32 | core;
		snprintf(path + n, sizeof(path) - (size_t)n, "cpufreq/scaling_governor");
		if (!read_line(root, path, governor, sizeof(governor)))
			continue;
		if (m->governor && strcmp(m->governor, governor))
			snprintf(texts.governor, sizeof(texts.governor), "mixed");
		else
			snprintf(texts.governor, sizeof(texts.governor), "%s", governor);
		m->governor = texts.governor;
	}
}

/* "nodeN" directories; with cpu >= 0 the node that has it is found as well (-1: none). */
static uint32_t read_nodes(const char *root, int cpu, int *node_out)
{
	char path[512];
	const struct dirent *entry;
	uint32_t n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/sys/devices/system/node", root);
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "node", 4) || !isdigit((unsigned char)entry->d_name[4]))
			continue;
		n++;
		snprintf(path, sizeof(path), "%s/sys/devices/system/node/%.32s/cpu%d", root,
			 entry->d_name, cpu);
		if (cpu >= 0 && !access(path, F_OK))
			*node_out = (int)strtol(entry->d_name + 4, NULL, 10);
	}
	closedir(dir);
	return n;
}

/* The word in brackets of "always [madvise] never". */
static bool read_choice(const char *root, const char *path, char *text, size_t len_bytes)
{
	char line[128];
	const char *open, *close;

	if (!read_line(root, path, line, sizeof(line)))
		return false;
	open = strchr(line, '[');
	close = open ? strchr(open, ']') : NULL;
	if (!close)
		return false;
	snprintf(text, len_bytes, "%.*s", (int)(close - open - 1), open + 1);
	return true;
}

void rg_result_machine_at(const char *root, struct rg_result_machine *out)
{
	struct utsname name;
	char text[TEXT_BYTES];

	memset(out, 0, sizeof(*out));
	if (gethostname(texts.host, sizeof(texts.host) - 1))
		snprintf(texts.host, sizeof(texts.host), "unknown");
	out->host = texts.host;
	if (!uname(&name)) {
		snprintf(texts.kernel, sizeof(texts.kernel), "%s %s %s", name.sysname, name.release,
			 name.machine);
		out->kernel = texts.kernel;
	}
	if (find_value(root, "proc/cpuinfo", "model name", texts.cpu, sizeof(texts.cpu)))
		out->cpu = texts.cpu;
	if (find_value(root, "proc/meminfo", "MemTotal", text, sizeof(text)))
		out->memory_bytes = strtoull(text, NULL, 10) * 1024;
	read_cpus(root, out);
	read_caches(root, out);
	out->numa_nodes = read_nodes(root, -1, NULL);
	if (read_line(root, "sys/devices/system/clocksource/clocksource0/current_clocksource",
		      texts.clocksource, sizeof(texts.clocksource)))
		out->clocksource = texts.clocksource;
	if (read_choice(root, "sys/kernel/mm/transparent_hugepage/enabled", texts.thp,
			sizeof(texts.thp)))
		out->thp = texts.thp;
}

void rg_result_machine_here(struct rg_result_machine *out)
{
	rg_result_machine_at("", out);
}

/* "0-3,8" of a set; what does not fit is left out. */
static void list_cpus(const cpu_set_t *set, char *text, size_t len_bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (int i = 0; i < CPU_SETSIZE && used + 24 < len_bytes; i++) {
		int last = i;

		if (!CPU_ISSET(i, set))
			continue;
		while (last + 1 < CPU_SETSIZE && CPU_ISSET(last + 1, set))
			last++;
		used += (size_t)snprintf(text + used, len_bytes - used,
					 last > i ? "%s%d-%d" : "%s%d", used ? "," : "", i, last);
		i = last;
	}
}

void rg_result_rank_here(struct rg_result_rank *out)
{
	int node = -1, common = -1;
	bool same = true;
	cpu_set_t set;

	memset(out, 0, sizeof(*out));
	if (gethostname(texts.rank_host, sizeof(texts.rank_host) - 1))
		snprintf(texts.rank_host, sizeof(texts.rank_host), "unknown");
	out->host = texts.rank_host;
	out->pid = getpid();
	out->numa_node = -1;
	if (sched_getaffinity(0, sizeof(set), &set))
		return; /* more CPUs than a cpu_set_t has */
	list_cpus(&set, texts.cpus, sizeof(texts.cpus));
	out->cpus = texts.cpus;
	for (int i = 0; i < CPU_SETSIZE && same; i++) {
		if (!CPU_ISSET(i, &set))
			continue;
		read_nodes("", i, &node);
		same = common < 0 || common == node;
		common = node;
	}
	out->numa_node = same ? common : -1;
}
