/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "params_read.h"

#include <stdio.h>
#include <string.h>

#define BLANKS		"\f\t\v "
#define WORD_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-."

static const char *skip_line(const char *at, uint32_t *line)
{
	at += strcspn(at, "\n");
	if (!*at)
		return at;
	++*line;
	return at + 1;
}

/* White space and comments: from # or // to the end of the line, and those between slash and star.
 */
static const char *skip_blank(const char *at, uint32_t *line)
{
	for (;;) {
		at += strspn(at, BLANKS);
		if (*at == '\n' || *at == '#' || !strncmp(at, "//", 2)) {
			at = skip_line(at, line);
		} else if (!strncmp(at, "/*", 2)) {
			const char *end = strstr(at + 2, "*/");

			for (; *at && (!end || at < end + 2); at++)
				*line += *at == '\n';
		} else {
			return at;
		}
	}
}

static void copy(char *to, size_t room, const char *from, size_t n)
{
	snprintf(to, room, "%.*s", (int)(n < room ? n : room - 1), from);
}

/* The value at, to the end of the line without blanks there. */
static void take_value(const char *at, struct params_line *out)
{
	size_t n = strcspn(at, "\n");

	while (n && strchr(BLANKS, at[n - 1]))
		n--;
	copy(out->value, sizeof(out->value), at, n);
}

/* "-mca NAME VALUE", as on mpirun's command line: NAME, or NULL if it is none. */
static const char *behind_mca(const char *at)
{
	size_t n = !strncmp(at, "-mca", 4) ? 4 : !strncmp(at, "--mca", 5) ? 5 : 0;

	return n && strspn(at + n, BLANKS) ? at + n + strspn(at + n, BLANKS) : NULL;
}

static bool take(const char *at, struct params_line *out)
{
	const char *name = behind_mca(at);
	bool mca = name != NULL;
	size_t n;

	if (!mca)
		name = at;
	n = strspn(name, WORD_CHARACTERS);
	if (!n)
		return false;
	copy(out->name, sizeof(out->name), name, n);
	at = name + n + strspn(name + n, BLANKS);
	if (!mca && *at != '=')
		return false;
	at += !mca;
	take_value(at + strspn(at, BLANKS), out);
	return true;
}

bool params_next(const char **at, uint32_t *line, struct params_line *out,
		 struct rg_file_findings *findings)
{
	for (;;) {
		bool taken;

		*at = skip_blank(*at, line);
		if (!**at)
			return false;
		out->line = *line;
		taken = take(*at, out);
		if (!taken && findings)
			rg_file_findings_add(
				findings, RG_FINDING_ERROR, *line,
				"\"%.*s\" is not of the form NAME = VALUE: Open MPI "
				"complains, and goes on without it",
				(int)strcspn(*at, "\n") > 60 ? 60 : (int)strcspn(*at, "\n"), *at);
		*at = skip_line(*at, line);
		if (taken)
			return true;
	}
}
