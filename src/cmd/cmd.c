/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/report/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int rg_cmd_status(const char *name, int rc, const struct rg_err *err)
{
	char line[RG_ERR_TEXT_BYTES + 128];
	int n;

	if (rc >= 0)
		return 0;
	n = snprintf(line, sizeof(line) - 1, "%s: %s", name,
		     err->text[0] ? err->text : rg_err_text(rc));
	if (n > (int)sizeof(line) - 2)
		n = (int)sizeof(line) - 2;
	/* The text may quote what the user typed: it must not break the line. */
	for (int i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if (c < ' ' || c == 0x7f)
			line[i] = '?';
		else if (c == 0xc2 && (line[i + 1] & 0xe0) == 0x80)
			line[i] = line[i + 1] = '?'; /* U+0080 to U+009F */
	}
	line[n++] = '\n';
	fflush(stdout); /* results printed so far come first where both go to one file */
	(void)rg_io_write_all(STDERR_FILENO, line, (size_t)n); /* nowhere to report it */
	return rg_err_exit(rc);
}

static int explain_output(int e, struct rg_err *err)
{
	if (e == EBADF)
		return rg_err_set(err, RG_ERR_SYSTEM, "standard output is closed");
	return rg_err_errno(err, e, "standard output cannot be written");
}

int rg_cmd_output_check(struct rg_err *err)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return explain_output(errno ? errno : EIO, err);
	return 0;
}

int rg_cmd_output_try(struct rg_err *err)
{
	if (write(STDOUT_FILENO, "", 0) < 0)
		return explain_output(errno, err);
	return 0;
}

int rg_cmd_text_open(struct rg_cmd_text *text, struct rg_err *err)
{
	*text = (struct rg_cmd_text){0};
	text->out = open_memstream(&text->text, &text->len);
	return text->out ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a text");
}

int rg_cmd_text_close(struct rg_cmd_text *text, int rc, struct rg_err *err)
{
	int failed = ferror(text->out);

	if ((fclose(text->out) || failed) && !rc)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a text");
	errno = 0;
	if (!rc && rg_text_print(text->text, text->len, stdout, NULL))
		rc = explain_output(errno ? errno : EIO, err);
	free(text->text); /* open_memstream's own */
	return rc ? rc : rg_cmd_output_check(err);
}

void rg_cmd_print_word(const char *word, FILE *out)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "%+,-./:=@_";

	if (*word && !word[strspn(word, plain)]) {
		fputs(word, out);
		return;
	}
	putc('\'', out);
	for (const char *c = word; *c; c++) {
		if (*c == '\'')
			fputs("'\\''", out);
		else
			putc(*c, out);
	}
	putc('\'', out);
}

int rg_cmd_output_write(const void *data, size_t len_bytes, struct rg_err *err)
{
	int e = rg_io_write_all(STDOUT_FILENO, data, len_bytes);

	return e ? explain_output(e, err) : 0;
}

int rg_cmd_collective(const char *word, enum rg_coll *coll_out, struct rg_err *err)
{
	const char *near;

	for (int c = 0; c < RG_COLL_COUNT; c++) {
		if (!strcmp(word, rg_coll_words[c])) {
			*coll_out = (enum rg_coll)c;
			return 0;
		}
	}
	near = rg_opt_nearest(word, rg_coll_words);
	return rg_err_set(err, RG_ERR_INVALID, "%s: no such collective%s%s%s", word,
			  near ? "; did you mean " : "; see railgauge algorithms", near ? near : "",
			  near ? "?" : "");
}

int rg_cmd_no_traffic(enum rg_coll coll, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_INVALID,
			  "--traffic: all blocks of %s are equally long; alltoallv has others",
			  rg_coll_name(coll));
}

/*
 * Where the file is, or would be: its folder without links, and its name. NULL if there is no such
 * folder. Freed with rg_free.
 */
static char *place_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	char real[PATH_MAX], *folder;

	if (realpath(path, real))
		return rg_asprintf("%s", real);
	folder = slash ? rg_asprintf("%.*s/", (int)(slash - path), path) : rg_asprintf(".");
	if (!folder || !realpath(folder, real))
		real[0] = '\0';
	rg_free(folder);
	return real[0] ? rg_asprintf("%s/%s", real, slash ? slash + 1 : path) : NULL;
}

bool rg_cmd_same_file(const char *a, const char *b)
{
	char *x = place_of(a), *y = place_of(b);
	bool same = !strcmp(a, b) || (x && y && !strcmp(x, y));

	rg_free(x);
	rg_free(y);
	return same;
}
