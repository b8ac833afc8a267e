/* SPDX-License-Identifier: BSD-3-Clause */
/* A tree of files in the place of /sys and /proc. */
#ifndef RG_TESTS_FAKE_SYSFS_H
#define RG_TESTS_FAKE_SYSFS_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FAKE_RDMA "/sys/class/infiniband/"
#define FAKE_NET  "/sys/class/net/"

static char fake_root[] = "/tmp/rg_counters_XXXXXX";

static inline void fake_die(const char *what, const char *path)
{
	fprintf(stderr, "%s %s: %s\n", what, path, strerror(errno));
	abort();
}

/* The whole path into full[512], with the folders above it made. */
static inline char *fake_path(const char *path, char full[512])
{
	snprintf(full, 512, "%s%s", fake_root, path);
	for (char *p = full + strlen(fake_root) + 1; (p = strchr(p, '/')); *p++ = '/') {
		*p = '\0';
		if (mkdir(full, 0700) && errno != EEXIST)
			fake_die("mkdir", full);
	}
	return full;
}

/* Writes the file anew. */
static inline void fake_put(const char *path, const char *text)
{
	char full[512];
	FILE *f = fopen(fake_path(path, full), "w");

	if (!f || fprintf(f, "%s\n", text) < 0 || fclose(f))
		fake_die("write", full);
}

static inline void fake_number(const char *folder, const char *name, unsigned long long value)
{
	char path[256], text[32];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(text, sizeof(text), "%llu", value);
	fake_put(path, text);
}

static inline void fake_link(const char *path, const char *target)
{
	char full[512];

	if (symlink(target, fake_path(path, full)))
		fake_die("symlink", full);
}

static inline int fake_remove_one(const char *path, const struct stat *st, int kind,
				  struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static inline void fake_remove(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s%s", fake_root, path);
	if (nftw(full, fake_remove_one, 16, FTW_DEPTH | FTW_PHYS))
		fake_die("remove", full);
}

static inline int fake_open(void **state)
{
	(void)state;
	memcpy(fake_root + strlen(fake_root) - 6, "XXXXXX", 6);
	return mkdtemp(fake_root) ? 0 : -1;
}

static inline int fake_close(void **state)
{
	(void)state;
	fake_remove("");
	return 0;
}

#endif
