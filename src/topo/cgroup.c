/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/cgroup.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_BYTES 1024

/* v1 writes "no limit" as the largest multiple of the page size below 2^63. */
#define V1_NO_LIMIT ((uint64_t)1 << 62)

static bool read_in(const char *dir, const char *name, char *text, size_t room)
{
	char path[PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s/%s", dir, name);

	return n > 0 && (size_t)n < sizeof(path) && rg_io_read_line(path, text, room);
}

static void apply_cpus(struct rg_cgroup *out, double quota, double period)
{
	if (quota > 0 && period > 0 && (out->cpus == 0 || quota / period < out->cpus))
		out->cpus = quota / period;
}

static void apply_memory(struct rg_cgroup *out, uint64_t limit, const char *used_text)
{
	if (limit >= out->memory_bytes)
		return;
	out->memory_bytes = limit;
	out->memory_used_bytes = 0;
	(void)sscanf(used_text, "%" SCNu64, &out->memory_used_bytes); /* else it stays 0 */
}

/* One group's directory, of either version: the names of their files do not meet. */
static void read_group(const char *dir, struct rg_cgroup *out)
{
	char text[256], more[64] = "";
	double quota, period;
	uint64_t limit;

	if (read_in(dir, "cpu.max", text, sizeof(text)) &&
	    sscanf(text, "%lf %lf", &quota, &period) == 2)
		apply_cpus(out, quota, period);
	if (read_in(dir, "cpu.cfs_quota_us", text, sizeof(text)) &&
	    sscanf(text, "%lf", &quota) == 1 &&
	    read_in(dir, "cpu.cfs_period_us", text, sizeof(text)) &&
	    sscanf(text, "%lf", &period) == 1)
		apply_cpus(out, quota, period);
	if (read_in(dir, "memory.max", text, sizeof(text)) && text[0] != 'm' &&
	    sscanf(text, "%" SCNu64, &limit) == 1) {
		(void)read_in(dir, "memory.current", more, sizeof(more)); /* else it stays empty */
		apply_memory(out, limit, more);
	}
	if (read_in(dir, "memory.limit_in_bytes", text, sizeof(text)) &&
	    sscanf(text, "%" SCNu64, &limit) == 1 && limit < V1_NO_LIMIT) {
		(void)read_in(dir, "memory.usage_in_bytes", more, sizeof(more));
		apply_memory(out, limit, more);
	}
	if (out->cpuset[0] == '\0' &&
	    !read_in(dir, "cpuset.cpus.effective", out->cpuset, sizeof(out->cpuset)))
		(void)read_in(dir, "cpuset.effective_cpus", out->cpuset, sizeof(out->cpuset));
}

/* From the group at path up to the mount's root, the nearest first. */
static void read_upwards(const char *mount, const char *path, struct rg_cgroup *out)
{
	char dir[PATH_BYTES];
	size_t base = strlen(mount);
	int n = snprintf(dir, sizeof(dir), "%s%s", mount, path);

	if (n < 0 || (size_t)n >= sizeof(dir))
		return;
	for (;;) {
		char *slash;

		read_group(dir, out);
		slash = strrchr(dir + base, '/');
		if (!slash)
			return;
		*slash = '\0';
	}
}

/* A line "4:cpu,cpuacct:/path" or, for version 2, "0::/path". */
static void read_hierarchy(const char *root, char *line, struct rg_cgroup *out)
{
	char mount[PATH_BYTES], *controllers, *path;

	controllers = strchr(line, ':');
	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path)
		return;
	*path++ = '\0';
	controllers++;
	if (*controllers == '\0') {
		snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup/unified", root); /* hybrid */
		read_upwards(mount, path, out);
		snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup", root);
	} else {
		snprintf(mount, sizeof(mount), "%s/sys/fs/cgroup/%s", root, controllers);
	}
	read_upwards(mount, path, out);
}

void rg_cgroup_read(const char *root, struct rg_cgroup *out)
{
	char path[PATH_BYTES], *text, *line, *next;

	*out = (struct rg_cgroup){.memory_bytes = UINT64_MAX};
	snprintf(path, sizeof(path), "%s/proc/self/cgroup", root);
	if (rg_io_read_file(path, 65536, &text, NULL, NULL))
		return;
	for (line = text; *line; line = next) {
		size_t n = strcspn(line, "\n");

		next = line + n + (line[n] == '\n');
		line[n] = '\0';
		read_hierarchy(root, line, out);
	}
	rg_free(text);
}
