/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "decisions_impl.h"

#include "railgauge/base/mem.h"

#include <string.h>

static int read_header(const json_t *root, struct rg_err *err)
{
	const char *schema;
	json_int_t version;
	int rc;

	if (!json_is_object(root))
		return rg_err_set(err, RG_ERR_FORMAT, "expected an object");
	rc = rg_json_get_string(root, "schema", "", &schema, err);
	if (rc)
		return rc;
	if (strcmp(schema, RG_DECISIONS_SCHEMA))
		return rg_fields_expected("schema", "", "\"" RG_DECISIONS_SCHEMA "\"", err);
	rc = rg_json_get_int(root, "schema_version", "", &version, err);
	if (rc)
		return rc;
	if (version != RG_DECISIONS_VERSION)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "schema_version: %lld is unknown to this railgauge, which reads "
				  "%d",
				  (long long)version, RG_DECISIONS_VERSION);
	return 0;
}

int rg_decisions_from_json(const json_t *root, const char *name, struct rg_decisions **out,
			   struct rg_err *err)
{
	static const char *const also[] = {"schema", "schema_version", NULL};
	struct rg_decisions *decisions = rg_zalloc(1, sizeof(*decisions));
	int rc;

	if (!decisions)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the decisions");
	rc = read_header(root, err);
	if (!rc)
		rc = rg_fields_from_json(decisions_fields, root, "", also, decisions, err);
	if (!rc)
		rc = decisions_check(decisions, err);
	if (!rc) {
		*out = decisions;
		return 0;
	}
	rg_decisions_close(decisions);
	if (rc == RG_ERR_INVALID) {
		rc = RG_ERR_FORMAT;
		if (err)
			err->code = rc;
	}
	return err ? rg_err_prefix(err, "%s", name) : rc;
}

int rg_decisions_read(const char *path, struct rg_decisions **out, struct rg_err *err)
{
	json_t *root;
	int rc = rg_json_read(path, &root, err);

	if (rc)
		return rc;
	rc = rg_decisions_from_json(root, path, out, err);
	json_decref(root);
	return rc;
}
