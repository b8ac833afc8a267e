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

/* A small file below root, to be freed; NULL when it cannot be read. */
static char *read_below(const char *root, const char *path)
{
	char *whole = rg_asprintf("%s%s", root, path), *text = NULL;

	if (whole && rg_io_read_file(whole, 1 << 20, &text, NULL, NULL))
		text = NULL;
	rg_free(whole);
	return text;
}

static void look_at_meminfo(struct least *least, const char *root)
{
	char *text = read_below(root, "/proc/meminfo"), *line;
	unsigned long long kib;

	if (!text)
		return;
	line = strstr(text, "MemAvailable:");
	if (line && sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
		lower(least, kib * 1024, "free memory");
	rg_free(text);
}

/* A file with one number; false for "max", or when it is not there. */
static bool read_number(const char *dir, const char *name, uint64_t *out)
{
	char *text = read_below(dir, name), *end;
	bool ok = false;

	if (text) {
		*out = strtoull(text, &end, 10);
		ok = end != text;
	}
	rg_free(text);
	return ok;
}

/* Page cache counts as used but is given back when memory is needed. */
static uint64_t reclaimable(const char *dir, const char *key)
{
	char *text = read_below(dir, "/memory.stat");
	const char *line = text ? strstr(text, key) : NULL;
	uint64_t bytes = line ? strtoull(line + strlen(key), NULL, 10) : 0;

	rg_free(text);
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

/* One line of /proc/self/cgroup: "0::/path" for version 2, "N:memory:/path" for version 1. */
static void look_at_cgroup(struct least *least, const char *root, const char *line)
{
	bool v1 = strstr(line, ":memory:") != NULL;
	const char *mount = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
	const char *path =
		v1 ? strstr(line, ":memory:") + strlen(":memory:") : line + strlen("0::");
	size_t mount_len = strlen(root) + strlen(mount);
	char *dir;

	if (!v1 && strncmp(line, "0::", 3) != 0)
		return;
	dir = rg_asprintf("%s%s%s", root, mount, strcmp(path, "/") ? path : "");
	if (!dir)
		return;
	if (v1)
		look_at_groups(least, dir, mount_len, "/memory.limit_in_bytes",
			       "/memory.usage_in_bytes", "\ntotal_inactive_file ");
	else
		look_at_groups(least, dir, mount_len, "/memory.max", "/memory.current",
			       "\ninactive_file ");
	rg_free(dir);
}

static void look_at_cgroups(struct least *least, const char *root)
{
	char *text = read_below(root, "/proc/self/cgroup"), *rest = text, *line;

	while ((line = strsep(&rest, "\n")))
		look_at_cgroup(least, root, line);
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

uint64_t rg_memory_available_under(const char *root, const char **limit_out)
{
	struct least least = {UINT64_MAX, "no limit"};

	look_at_meminfo(&least, root);
	look_at_cgroups(&least, root);
	look_at_address_space(&least);
	if (limit_out)
		*limit_out = least.limit;
	return least.bytes;
}

uint64_t rg_memory_available_bytes(const char **limit_out)
{
	return rg_memory_available_under("", limit_out);
}
