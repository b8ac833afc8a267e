/* SPDX-License-Identifier: BSD-3-Clause */
/* What kind of file is it? */
#include "config.h"

#include "params_read.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/emit/emitter.h"
#include "railgauge/emit/params.h"
#include "railgauge/emit/rules.h"

#include <string.h>

#define FILE_MAX_BYTES ((size_t)1 << 24)

enum kind { KIND_UNKNOWN, KIND_EMPTY, KIND_RULES, KIND_PARAMS, KIND_JSON };

/* By the first line that says something. */
static enum kind kind_of(const char *text)
{
	const char *at = text;
	struct params_line *l;
	uint32_t line = 1;
	enum kind kind;

	at += strspn(at, "\f\t\v\n\r ");
	while (*at == '#') {
		at += strcspn(at, "\n");
		at += strspn(at, "\f\t\v\n\r ");
	}
	if (!*at)
		return KIND_EMPTY;
	if (*at == '{')
		return KIND_JSON;
	if ((*at >= '0' && *at <= '9') || !strncmp(at, "rule-file-version-", 18))
		return KIND_RULES;
	if (strstr(at, "\nexport ") || !strncmp(at, "export ", 7))
		return KIND_UNKNOWN; /* a shell's */
	l = rg_alloc(sizeof(*l));
	kind = l && params_next(&at, &line, l, NULL) ? KIND_PARAMS : KIND_UNKNOWN;
	rg_free(l);
	return kind;
}

static int judge_rules(const char *text, size_t len, const struct rg_ompi_version *version,
		       struct rg_file_findings *findings, struct rg_err *err)
{
	struct rg_rules rules;
	bool ok;
	int rc = rg_rules_parse(text, len, version, &rules, &ok, findings, err);

	rg_rules_release(&rules);
	return rc;
}

int rg_emit_check_file(const char *path, const struct rg_ompi_version *version,
		       struct rg_file_findings *findings, const char **kind_out, struct rg_err *err)
{
	char *text;
	size_t len;
	enum kind kind;
	int rc = rg_io_read_file(path, FILE_MAX_BYTES, &text, &len, err);

	if (rc)
		return rc;
	kind = kind_of(text);
	if (kind == KIND_EMPTY)
		kind = strstr(path, "rules") ? KIND_RULES : KIND_PARAMS;
	if (kind == KIND_RULES) {
		*kind_out = "rules of Open MPI's coll/tuned";
		rc = judge_rules(text, len, version, findings, err);
	} else if (kind == KIND_PARAMS) {
		*kind_out = "MCA parameters of Open MPI";
		rc = rg_params_judge(text, version, findings, err);
	} else if (kind == KIND_JSON) {
		rc = rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			strstr(text, "\"railgauge-decisions\"")
				? "%s: decisions; railgauge emit reads them"
				: "%s: JSON; rules in this form are read by Open MPI from 6.0 on, "
				  "and cannot be checked here",
			path);
	} else {
		rc = rg_err_set(err, RG_ERR_UNSUPPORTED,
				"%s: neither rules nor MCA parameters of Open MPI", path);
	}
	rg_free(text);
	return rc;
}
