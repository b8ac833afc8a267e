/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The main function of a fuzz target in make check: gives it every file of its corpus, which is
 * the directory RG_CORPUS under $srcdir, or every file named on the command line; and of each file
 * RG_MUTATIONS variants, which are the same in every run. A variant that ends the process is kept
 * in the current directory as crash-FILE-NUMBER.
 */
#include "config.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef RG_MUTATIONS
#define RG_MUTATIONS 0
#endif

#define INPUT_MAX_BYTES 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes);

struct input {
	uint8_t bytes[INPUT_MAX_BYTES];
	size_t len;
};

/* Numbers below n, the same for the same state; Marsaglia's xorshift. */
static size_t draw(uint64_t *state, size_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return (size_t)(*state >> 11) % n;
}

/* Puts n bytes of the input itself in at a place, or takes them out there. */
static void insert(struct input *in, size_t at, size_t from, size_t n)
{
	uint8_t piece[64];

	if (in->len + n > sizeof(in->bytes))
		return;
	memcpy(piece, in->bytes + from, n);
	memmove(in->bytes + at + n, in->bytes + at, in->len - at);
	memcpy(in->bytes + at, piece, n);
	in->len += n;
}

static void take_out(struct input *in, size_t at, size_t n)
{
	memmove(in->bytes + at, in->bytes + at + n, in->len - at - n);
	in->len -= n;
}

static void change(struct input *in, uint64_t *state)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
	size_t at, n;

	if (!in->len) {
		in->bytes[in->len++] = (uint8_t)draw(state, 256);
		return;
	}
	at = draw(state, in->len);
	n = 1 + draw(state, in->len - at < 64 ? in->len - at : 64);
	switch (draw(state, 6)) {
	case 0:
		in->bytes[at] ^= (uint8_t)(1 << draw(state, 8));
		break;
	case 1:
		in->bytes[at] = edges[draw(state, sizeof(edges))];
		break;
	case 2:
		in->bytes[at] = (uint8_t)draw(state, 256);
		break;
	case 3:
		insert(in, draw(state, in->len + 1), at, n);
		break;
	case 4:
		take_out(in, at, n);
		break;
	default:
		in->len = at;
		break;
	}
}

/* Variant 0 is the input itself. */
static void make_variant(const struct input *original, const char *name, uint32_t number,
			 struct input *out)
{
	uint64_t state = 0xcbf29ce484222325 + number; /* not 0 */
	size_t changes;

	for (const char *c = name; *c; c++)
		state = (state ^ (uint8_t)*c) * 0x100000001b3;
	memcpy(out->bytes, original->bytes, original->len);
	out->len = original->len;
	changes = number ? 1 + draw(&state, 4) : 0;
	for (size_t k = 0; k < changes; k++)
		change(out, &state);
}

static void run_variants(const struct input *original, const char *name, uint32_t *number)
{
	static struct input in;

	for (*number = 0; *number <= RG_MUTATIONS; ++*number) {
		uint8_t *exact;

		make_variant(original, name, *number, &in);
		exact = malloc(in.len ? in.len : 1); /* so that sanitizers see its end */
		if (!exact)
			abort();
		memcpy(exact, in.bytes, in.len);
		LLVMFuzzerTestOneInput(exact, in.len);
		free(exact);
	}
}

static void keep(const struct input *original, const char *name, uint32_t number)
{
	static struct input in;
	char path[512];
	FILE *file;

	fprintf(stderr, "%s: variant %u of it fails\n", name, number);
	make_variant(original, name, number, &in);
	snprintf(path, sizeof(path), "crash-%.255s-%u", name, number);
	file = number ? fopen(path, "wb") : NULL;
	if (file) {
		fwrite(in.bytes, 1, in.len, file);
		fclose(file);
	}
}

/* In a process of its own, so that the others are tried as well. */
static int try(const struct input *original, const char *name)
{
	uint32_t *number = mmap(NULL, sizeof(*number), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = 1;
	pid_t child;

	if (number == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	fflush(NULL);
	child = fork();
	if (child == 0) {
		run_variants(original, name, number);
		exit(0); /* leaks are looked for */
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		perror("fork");
	else if (status)
		keep(original, name, *number);
	munmap(number, sizeof(*number));
	return status != 0;
}

static int replay(const char *path)
{
	static struct input in;
	const char *slash = strrchr(path, '/');
	FILE *file = fopen(path, "rb");

	if (!file) {
		perror(path);
		return 1;
	}
	in.len = fread(in.bytes, 1, sizeof(in.bytes), file);
	fclose(file);
	fprintf(stderr, "%s: %zu bytes\n", path, in.len);
	return try(&in, slash ? slash + 1 : path);
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
