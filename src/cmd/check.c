/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge check: what is wrong with files for an MPI library, line by line. */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/opt.h"
#include "railgauge/emit/emitter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME	 "railgauge check"
#define FINDINGS 1 /* exit status */

struct check_options {
	const char *openmpi;
};

static const struct rg_opt check_table[] = {
	{.name = "openmpi",
	 RG_OPT_FIELD(STRING, struct check_options, openmpi),
	 .value = "VERSION",
	 .dflt = "4.1.4",
	 .help = "release of Open MPI that is to read them, such as 5.0.8"},
	{NULL},
};

static const struct rg_opt *const check_tables[] = {check_table, NULL};

static const struct rg_opt_command check_command = {
	.name = NAME,
	.args = "FILE...",
	.summary = "Say what is wrong with Open MPI's rules files and MCA parameter files.",
	.details =
		"Open MPI says nothing about a rules file that it does not take, nor about one "
		"that "
		"does something else than it looks like. FILE is read as Open MPI reads it, and "
		"each finding is a line FILE:LINE: error: WORDS (Open MPI throws it away, or calls "
		"fail with it) or FILE:LINE: warning: WORDS (it does something else than it looks "
		"like, or nothing). Of parameters it looks at those of coll/tuned, and at the "
		"rules "
		"file that they name. The exit status is 0 if nothing was found, 1 if something "
		"was, 3 if a file cannot be read or is of another kind.",
	.tables = check_tables,
};

/* "4.1.4" or "5.0". */
static int read_version(const char *text, struct rg_ompi_version *out, struct rg_err *err)
{
	uint32_t *parts[] = {&out->major, &out->minor, &out->release};
	const char *at = text;
	size_t n = 0;

	*out = (struct rg_ompi_version){0};
	while (n < 3 && isdigit((unsigned char)*at)) {
		char *end;
		unsigned long part = strtoul(at, &end, 10);

		*parts[n++] = part > 10000 ? 10000 : (uint32_t)part;
		at = *end == '.' && n < 3 ? end + 1 : end;
	}
	if (*at || n < 2 || at[-1] == '.')
		return rg_err_set(err, RG_ERR_INVALID,
				  "--openmpi: %.60s: expected a release such as 4.1.4 or 5.0",
				  text);
	if (out->major < 4)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--openmpi: %.60s: the oldest whose reader is known is 4.0",
				  text);
	return 0;
}

static int print_findings(const char *path, const char *kind, const struct rg_ompi_version *v,
			  const struct rg_file_findings *findings, struct rg_err *err)
{
	static const char *const severities[] = {
		[RG_FINDING_ERROR] = "error", [RG_FINDING_WARNING] = "warning"};
	struct rg_cmd_text text;
	int rc = rg_cmd_text_open(&text, err);

	if (rc)
		return rc;
	if (!findings->n)
		fprintf(text.out, "%s: nothing found (%s, release %u.%u.%u)\n", path, kind,
			v->major, v->minor, v->release);
	for (uint32_t i = 0; i < findings->n; i++) {
		const struct rg_file_finding *f = &findings->list[i];

		if (f->line)
			fprintf(text.out, "%s:%u: %s: %s\n", path, f->line, severities[f->severity],
				f->text);
		else
			fprintf(text.out, "%s: %s: %s\n", path, severities[f->severity], f->text);
	}
	return rg_cmd_text_close(&text, 0, err);
}

/* The exit status. */
static int check_file(const char *path, const struct rg_ompi_version *version)
{
	struct rg_file_findings findings = {0};
	struct rg_err err = {0};
	const char *kind;
	int rc = rg_emit_check_file(path, version, &findings, &kind, &err), status = 0;

	if (!rc) {
		rc = print_findings(path, kind, version, &findings, &err);
		status = findings.n ? FINDINGS : 0;
		if (!rc && findings.lost)
			rc = rg_err_set(&err, RG_ERR_NO_MEMORY, "%s: no memory for all findings",
					path);
	}
	rg_file_findings_release(&findings);
	return rc ? rg_cmd_status(NAME, rc, &err) : status;
}

int cmd_check(int argc, char **argv)
{
	struct check_options options = {0};
	struct rg_ompi_version version;
	struct rg_opt_origins origins;
	struct rg_err err = {0};
	int first, status = 0, rc;

	rc = rg_opt_parse(&check_command, argc, argv, (void *[]){&options}, &origins, &first, &err);
	if (!rc)
		rc = read_version(options.openmpi, &version, &err);
	if (!rc && first == argc)
		rc = rg_err_set(&err, RG_ERR_INVALID, "expected at least one FILE");
	if (rc)
		return rg_cmd_status(NAME, rc, &err);
	for (int i = first; i < argc; i++) {
		int one = check_file(argv[i], &version);

		status = one > status ? one : status;
	}
	rc = rg_cmd_output_check(&err);
	return rc ? rg_cmd_status(NAME, rc, &err) : status;
}
