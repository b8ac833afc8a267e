/* SPDX-License-Identifier: BSD-3-Clause */
/* The document of a proof: docs/PROOF.md. json_pack gives NULL without memory, also of a part. */
#include "config.h"

#include "prove.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/json.h"

#include <stdio.h>

#define PROOF_SCHEMA  "railgauge-proof"
#define PROOF_VERSION 1

static json_t *choice_json(const struct rg_choice *c)
{
	return json_pack("{s:i, s:s, s:I}", "id", c->id, "algorithm", c->algorithm, "segment_bytes",
			 (json_int_t)c->segment_bytes);
}

/* null where there is none. */
static json_t *ratio_json(const struct rg_ratio *r)
{
	if (!r->n)
		return json_null();
	return json_pack("{s:f, s:f, s:f, s:I}", "ratio", r->ratio, "lo", r->lo, "hi", r->hi, "n",
			 (json_int_t)r->n);
}

static json_t *texts_json(char *const *texts)
{
	json_t *array = json_array();

	for (; array && *texts; texts++) {
		if (json_array_append_new(array, json_string(*texts))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *times_json(const double *ns, uint32_t n)
{
	json_t *array = json_array();

	for (uint32_t i = 0; array && i < n; i++) {
		if (json_array_append_new(array, json_real(ns[i]))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *rule_json(const struct prove_rule *rule)
{
	const struct rg_decision *d = rule->function->decision;
	const struct rg_decision_range *r = &d->ranges[rule->range];
	json_t *to =
		r->to_bytes == UINT64_MAX ? json_null() : json_integer((json_int_t)r->to_bytes);

	return json_pack("{s:s, s:I, s:o, s:o, s:I, s:b, s:s}", "function", d->function,
			 "from_bytes", (json_int_t)r->from_bytes, "to_bytes", to, "choice",
			 choice_json(&r->choice), "tried_bytes", (json_int_t)rule->size_bytes,
			 "honoured", (int)rule->honoured, "words", rule->words);
}

static json_t *point_json(const struct rg_prove_point *p)
{
	static const char *const words[] = {"level", "better", "worse"};

	return json_pack("{s:s, s:I, s:o, s:o, s:o, s:o, s:f, s:f, s:o, s:s}", "function",
			 p->function, "size_bytes", (json_int_t)p->size_bytes, "choice",
			 choice_json(&p->choice), "promised", ratio_json(&p->promised),
			 "without_ns", times_json(p->without_ns, p->npairs), "with_ns",
			 times_json(p->with_ns, p->npairs), "without_mean_ns", p->without_mean_ns,
			 "with_mean_ns", p->with_mean_ns, "ratio", ratio_json(&p->ratio), "verdict",
			 words[p->verdict]);
}

/* The lists, into root. */
static int add_lists(const struct prove *p, bool judged, json_t *root, struct rg_err *err)
{
	json_t *rules = json_array(), *points = json_array();
	int rc = 0;

	for (uint32_t i = 0; !rc && i < p->nrules; i++)
		rc = rg_json_append(rules, rule_json(&p->rules[i]), err);
	for (uint32_t i = 0; !rc && judged && i < p->npoints; i++)
		rc = rg_json_append(points, point_json(&p->points[i]), err);
	if (rc) {
		json_decref(rules);
		json_decref(points);
		return rc;
	}
	rc = rg_json_set(root, "rules", rules, err);
	if (rc) {
		json_decref(points);
		return rc;
	}
	return rg_json_set(root, "points", points, err);
}

static json_t *summary_json(const struct prove *p, bool judged)
{
	struct prove_count c = prove_count(p);
	double level = 1 - (1 - RG_STATS_LEVEL) / (p->npoints ? p->npoints : 1);

	if (!judged)
		return json_null();
	return json_pack("{s:f, s:f, s:i, s:i, s:i, s:i}", "level", level, "floor",
			 RG_DECISION_FLOOR, "better", (int)c.better, "level_points", (int)c.level,
			 "worse", (int)c.worse, "not_kept", (int)c.not_kept);
}

int prove_json_write(const struct prove *p, bool judged, struct rg_err *err)
{
	const struct rg_decisions *ds = p->decisions;
	char now[32];
	json_t *root;
	int rc;

	rg_clock_utc(now, sizeof(now));
	root = json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:i, s:o, s:s, s:s, s:I, s:b, s:I, s:f, s:o}",
		"schema", PROOF_SCHEMA, "schema_version", PROOF_VERSION, "version", PACKAGE_VERSION,
		"created", now, "folder", p->folder, "decided", ds->created, "library", ds->library,
		"nranks", (int)ds->nranks, "launcher", texts_json(p->launcher), "note", p->note,
		"unseen", p->unseen, "pairs", (json_int_t)p->options.pairs, "same",
		(int)p->options.same, "budget_ns", (json_int_t)p->options.budget_ns, "seconds",
		(double)(rg_clock_ns() - p->begun_ns) / 1e9, "summary", summary_json(p, judged));
	if (!root)
		return rg_err_set(err, RG_ERR_NO_MEMORY,
				  "no memory for the document, or a text "
				  "that is not UTF-8");
	rc = add_lists(p, judged, root, err);
	if (!rc)
		rc = rg_json_write(p->options.json, root, err);
	json_decref(root);
	return rc;
}
