/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge emit: the files for an MPI library, from decisions. */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/emit/emitter.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "railgauge emit"

struct emit_options {
	const char *out;
};

static const struct rg_opt emit_table[] = {
	{.name = "out",
	 RG_OPT_FIELD(STRING, struct emit_options, out),
	 .value = "DIR",
	 .help = "folder to write them into (default: that of DECISIONS)"},
	{NULL},
};

static const struct rg_opt *const emit_tables[] = {emit_table, NULL};

static const struct rg_opt_command emit_command = {
	.name = NAME,
	.args = "DECISIONS",
	.summary = "Write the files for the MPI library from a decisions.json.",
	.details =
		"DECISIONS is what railgauge tune has written, perhaps edited: the ranges of its "
		"decisions count, the evidence does not (docs/DECISIONS.md). For Open MPI the "
		"files "
		"are openmpi-rules.txt, openmpi-mca-params.conf and env.sh, to be read by a shell "
		"before mpirun, and rankfile where the binding is known. Paths in them are "
		"absolute, so a folder that was moved needs them written again. railgauge prove "
		"says whether they help.",
	.tables = emit_tables,
};

/* The absolute path of the folder; freed with rg_free. */
static int find_folder(const char *decisions, const char *out, char **folder_out,
		       struct rg_err *err)
{
	const char *slash = strrchr(decisions, '/');
	char real[PATH_MAX], *named;
	int rc = 0;

	if (out)
		named = rg_strdup(out);
	else
		named = slash ? rg_asprintf("%.*s/", (int)(slash - decisions), decisions)
			      : rg_strdup(".");
	if (!named)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a path");
	if (!realpath(named, real)) {
		rc = errno == ENOENT
			     ? rg_err_set(err, RG_ERR_NOT_FOUND, "%s: no such folder", named)
			     : rg_err_errno(err, errno, "%s", named);
	} else {
		*folder_out = rg_strdup(real);
		if (!*folder_out)
			rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a path");
	}
	rg_free(named);
	return rc;
}

static int print(const struct rg_decisions *decisions, const char *folder, struct rg_err *err)
{
	char *env_file = rg_asprintf("%s/env.sh", folder);
	struct rg_cmd_text text;
	int rc = env_file ? rg_cmd_text_open(&text, err)
			  : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a path");

	if (!rc) {
		fprintf(text.out, "%s: files for %u ranks with %s\n", folder, decisions->nranks,
			decisions->library);
		if (rg_decisions_all_default(decisions)) {
			fputs("they set nothing: the library's own choices stay\n", text.out);
		} else {
			fputs("to use them: . ", text.out);
			rg_cmd_print_word(env_file, text.out);
			putc('\n', text.out);
		}
		rc = rg_cmd_text_close(&text, 0, err);
	}
	rg_free(env_file);
	return rc;
}

static int emit(const char *path, const struct emit_options *options, struct rg_err *err)
{
	struct rg_decisions *decisions = NULL;
	const struct rg_emitter *emitter;
	char *folder = NULL;
	int rc = rg_decisions_read(path, &decisions, err);

	if (!rc)
		rc = find_folder(path, options->out, &folder, err);
	if (!rc)
		rc = rg_emitter_of(decisions, &emitter, err);
	if (!rc)
		rc = rg_emit_write(emitter, decisions, folder, err);
	if (rc == RG_ERR_INVALID) /* what the document says, not what was typed */
		rc = err->code = RG_ERR_FORMAT;
	if (!rc)
		rc = print(decisions, folder, err);
	rg_free(folder);
	rg_decisions_close(decisions);
	return rc;
}

int cmd_emit(int argc, char **argv)
{
	struct emit_options options = {0};
	struct rg_opt_origins origins;
	struct rg_err err = {0};
	int first, rc;

	rc = rg_opt_parse(&emit_command, argc, argv, (void *[]){&options}, &origins, &first, &err);
	if (!rc && first == argc)
		rc = rg_err_set(&err, RG_ERR_INVALID,
				"expected DECISIONS, a file of railgauge tune");
	if (!rc && argc - first > 1)
		rc = rg_err_set(&err, RG_ERR_INVALID, "%s: one file of decisions at a time",
				argv[first + 1]);
	if (!rc)
		rc = emit(argv[first], &options, &err);
	if (!rc)
		rc = rg_cmd_output_check(&err);
	return rg_cmd_status(NAME, rc, &err);
}
