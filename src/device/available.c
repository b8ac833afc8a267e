/* SPDX-License-Identifier: BSD-3-Clause */
/* How much memory may still be taken: free memory, memory cgroups, RLIMIT_AS. */
#include "config.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/buffer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct least {
	uint64_t bytes;
	const char *limit;
};

static void lower(struct least *least, uint64_t bytes, const char *limit)
{
	if (bytes < least->bytes)
		*least = (struct least){bytes, limit};
}

static void look_at_meminfo(struct least *least)
{
	char *text, *line;
	unsigned long long kib;

	if (rg_io_read_file("/proc/meminfo", 1 << 16, &text, NULL, NULL))
		return;
	line = strstr(text, "MemAvailable:");
	if (line && sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
		lower(least, kib * 1024, "free memory");
	rg_free(text);
}

/* A file with one number; false for "max", or when it is not there. */
static bool read_number(const char *dir, const char *name, uint64_t *out)
{
	char *path = rg_asprintf("%s/%s", dir, name), *text = NULL, *end;
	bool ok = false;

	if (path && !rg_io_read_file(path, 4096, &text, NULL, NULL)) {
		*out = strtoull(text, &end, 10);
		ok = end != text;
	}
	rg_free(text);
	rg_free(path);
	return ok;
}

/* Page cache counts as used but is given back when memory is needed. */
static uint64_t reclaimable(const char *dir, const char *key)
{
	char *path = rg_asprintf("%s/memory.stat", dir), *text = NULL, *line;
	unsigned long long bytes = 0;

	if (path && !rg_io_read_file(path, 1 << 16, &text, NULL, NULL)) {
		line = strstr(text, key);
		if (line)
			bytes = strtoull(line + strlen(key), NULL, 10);
	}
	rg_free(text);
	rg_free(path);
	return bytes;
}

/* One group and all above it, up to the mount point. dir is cut in place. */
static void look_at_groups(struct least *least, char *dir, size_t mount_len, const char *limit_name,
			   const char *usage_name, const char *cache_key)
{
	uint64_t limit, used;

	for (;;) {
		if (read_number(dir, limit_name, &limit) && read_number(dir, usage_name, &used)) {
			uint64_t cache = reclaimable(dir, cache_key);

			used = used > cache ? used - cache : 0;
			lower(least, limit > used ? limit - used : 0, "the memory cgroup");
		}
		char *slash = strrchr(dir, '/');

		if (!slash || (size_t)(slash - dir) < mount_len)
			return;
		*slash = '\0';
	}
}

/* Lines of /proc/self/cgroup: "0::/path" for version 2, "N:memory:/path" for version 1. */
static void look_at_cgroups(struct least *least)
{
	static const char v2[] = "/sys/fs/cgroup", v1[] = "/sys/fs/cgroup/memory";
	char *text, *line, *end;

	if (rg_io_read_file("/proc/self/cgroup", 1 << 16, &text, NULL, NULL))
		return;
	for (line = text; (end = strchr(line, '\n')); line = end + 1) {
		char *dir = NULL;

		*end = '\0';
		if (!strncmp(line, "0::", 3)) {
			dir = rg_asprintf("%s%s", v2, strcmp(line + 3, "/") ? line + 3 : "");
			if (dir)
				look_at_groups(least, dir, sizeof(v2) - 1, "memory.max",
					       "memory.current", "\ninactive_file ");
		} else if (strstr(line, ":memory:")) {
			char *path = strchr(strchr(line, ':') + 1, ':') + 1;

			dir = rg_asprintf("%s%s", v1, strcmp(path, "/") ? path : "");
			if (dir)
				look_at_groups(least, dir, sizeof(v1) - 1, "memory.limit_in_bytes",
					       "memory.usage_in_bytes", "\ntotal_inactive_file ");
		}
		rg_free(dir);
	}
	rg_free(text);
}

static void look_at_address_space(struct least *least)
{
	unsigned long long pages;
	struct rlimit rl;
	uint64_t used;
	char *text;

	if (getrlimit(RLIMIT_AS, &rl) || rl.rlim_cur == RLIM_INFINITY)
		return;
	if (rg_io_read_file("/proc/self/statm", 4096, &text, NULL, NULL))
		return;
	if (sscanf(text, "%llu", &pages) == 1) {
		used = pages * (uint64_t)sysconf(_SC_PAGESIZE);
		lower(least, rl.rlim_cur > used ? rl.rlim_cur - used : 0,
		      "the limit on address space (ulimit -v)");
	}
	rg_free(text);
}

uint64_t rg_memory_available_bytes(const char **limit_out)
{
	struct least least = {UINT64_MAX, "no limit"};

	look_at_meminfo(&least);
	look_at_cgroups(&least);
	look_at_address_space(&least);
	if (limit_out)
		*limit_out = least.limit;
	return least.bytes;
}
