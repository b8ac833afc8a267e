/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "decisions_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

const char *const rg_fate_words[] = {
#define WORD(name, word) word,
	RG_FATE_LIST(WORD) NULL,
#undef WORD
};

int rg_decisions_open(struct rg_decisions **out, struct rg_err *err)
{
	struct rg_decisions *decisions = rg_zalloc(1, sizeof(*decisions));

	if (!decisions)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the decisions");
	snprintf(decisions->version, sizeof(decisions->version), "%s", PACKAGE_VERSION);
	rg_clock_utc(decisions->created, sizeof(decisions->created));
	*out = decisions;
	return 0;
}

void rg_decision_release(struct rg_decision *decision)
{
	rg_fields_release(decision_fields, decision);
}

void rg_decisions_close(struct rg_decisions *decisions)
{
	if (!decisions)
		return;
	rg_fields_release(decisions_fields, decisions);
	rg_free(decisions);
}

json_t *rg_decisions_to_json(const struct rg_decisions *decisions)
{
	json_t *root = json_object(), *rest = rg_fields_to_json(decisions_fields, decisions);
	int rc = root && rest ? 0 : RG_ERR_NO_MEMORY;

	if (!rc)
		rc = rg_json_set(root, "schema", json_string(RG_DECISIONS_SCHEMA), NULL);
	if (!rc)
		rc = rg_json_set(root, "schema_version", json_integer(RG_DECISIONS_VERSION), NULL);
	if (!rc && json_object_update(root, rest))
		rc = RG_ERR_NO_MEMORY;
	json_decref(rest);
	if (rc) {
		json_decref(root);
		return NULL;
	}
	return root;
}

int rg_decisions_check(const struct rg_decisions *decisions, const char *name, struct rg_err *err)
{
	int rc = rg_fields_check(decisions_fields, decisions, "", err);

	if (!rc)
		rc = decisions_check(decisions, err);
	return rc && err ? rg_err_prefix(err, "%s", name) : rc;
}

int rg_decisions_write(const struct rg_decisions *decisions, const char *path, struct rg_err *err)
{
	int rc = rg_decisions_check(decisions, path, err);
	json_t *root;

	if (rc)
		return rc;
	root = rg_decisions_to_json(decisions);
	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for the document", path);
	rc = rg_json_write(path, root, err);
	json_decref(root);
	return rc;
}

bool rg_choice_same(const struct rg_choice *a, const struct rg_choice *b)
{
	return a->id == b->id && a->segment_bytes == b->segment_bytes;
}

char *rg_choice_text(const struct rg_choice *choice, char text[RG_CHOICE_TEXT_BYTES])
{
	char size[RG_UNITS_BYTES];

	if (choice->segment_bytes)
		snprintf(text, RG_CHOICE_TEXT_BYTES, "%s in segments of %s", choice->algorithm,
			 rg_format_size(choice->segment_bytes, size));
	else
		snprintf(text, RG_CHOICE_TEXT_BYTES, "%s", choice->algorithm);
	return text;
}

const struct rg_decision_range *rg_decision_at(const struct rg_decision *decision,
					       uint64_t size_bytes)
{
	uint32_t i = decision->nranges;

	while (i && decision->ranges[i - 1].from_bytes > size_bytes)
		i--;
	return i ? &decision->ranges[i - 1] : NULL;
}

bool rg_decisions_all_default(const struct rg_decisions *d)
{
	for (uint32_t i = 0; i < d->ndecisions; i++) {
		for (uint32_t k = 0; k < d->decisions[i].nranges; k++) {
			if (d->decisions[i].ranges[k].choice.id)
				return false;
		}
	}
	return true;
}
