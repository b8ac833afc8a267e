/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main function of a fuzz target in make check: gives it every file of its corpus, which is
 * the directory RG_CORPUS under $srcdir, or every file named on the command line.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

static int replay(const char *path)
{
	uint8_t *data = malloc(INPUT_MAX_BYTES);
	FILE *file = fopen(path, "rb");
	size_t n;

	if (!file || !data) {
		perror(path);
		free(data);
		if (file)
			fclose(file);
		return 1;
	}
	n = fread(data, 1, INPUT_MAX_BYTES, file);
	fclose(file);
	fprintf(stderr, "%s: %zu bytes\n", path, n); /* the last one is the culprit */
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 0;
}

int main(int argc, char **argv)
{
	const char *top = getenv("srcdir") ? getenv("srcdir") : ".";
	char dir_path[4096], path[8192];
	const struct dirent *entry;
	int files = 0, failed = 0;
	DIR *dir;

	for (int i = 1; i < argc; i++)
		failed |= replay(argv[i]);
	if (argc > 1)
		return failed;
	snprintf(dir_path, sizeof(dir_path), "%s/%s", top, RG_CORPUS);
	dir = opendir(dir_path);
	if (!dir) {
		perror(dir_path);
		return 1;
	}
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir_path, entry->d_name);
		failed |= replay(path);
		files++;
	}
	closedir(dir);
	if (!files)
		fprintf(stderr, "%s: no inputs\n", dir_path);
	return failed || !files;
}
