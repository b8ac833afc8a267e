/* SPDX-License-Identifier: BSD-3-Clause */
/* Decisions as rules of coll/tuned. */
#include "config.h"

#include "openmpi_impl.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct rg_ompi_function *function_of(const struct rg_decision *d)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		if (!strcmp(f->mpi, d->function))
			return f;
	}
	return NULL;
}

static bool is_default(const struct rg_decision *d)
{
	for (uint32_t i = 0; i < d->nranges; i++) {
		if (d->ranges[i].choice.id)
			return false;
	}
	return true;
}

const char *openmpi_left_out(const struct rg_decision *d)
{
	const struct rg_ompi_function *f = function_of(d);

	if (!f || !f->one_rule || is_default(d))
		return NULL;
	for (uint32_t i = 1; i < d->nranges; i++) {
		if (!rg_choice_same(&d->ranges[0].choice, &d->ranges[i].choice))
			return f->sizeless
				       ? "Open MPI looks at one rule for all sizes, and the "
					 "decisions differ"
				       : "its ranks may look at different sizes for the same call, "
					 "and would hang; so only one rule for all sizes is safe, "
					 "and the decisions differ";
	}
	return NULL;
}

/* Is the choice an algorithm of that name there? Whether it makes sense the rules' judge says. */
static int check_choice(const struct rg_ompi_function *f, const struct rg_choice *c,
			const char *where, const struct rg_ompi_version *v, struct rg_err *err)
{
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_id(f, c->id);

	if (!c->id)
		return 0;
	if (!a || strcmp(a->name, c->algorithm) != 0 || !rg_ompi_algorithm_in(a, v))
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s.choice: %s has no algorithm %d \"%s\" in Open MPI %u.%u.%u",
				  where, f->mpi, c->id, c->algorithm, v->major, v->minor,
				  v->release);
	return 0;
}

static void comment(const struct rg_decision_range *range, struct rg_rule *rule)
{
	const struct rg_ratio *g = &range->gain;

	if (range->choice.id && g->n)
		snprintf(rule->comment, sizeof(rule->comment),
			 "%.2f times as fast as the default (%.2f to %.2f, %zu launches)", g->ratio,
			 g->lo, g->hi, g->n);
}

/* One entry: for ranks and more, the fixed decision. */
static int add_default(struct rg_rules_function *function, int64_t ranks)
{
	struct rg_rules_comm *comm = rg_rules_add_comm(function, ranks);

	return comm && rg_rules_add_rule(comm, 0) ? 0 : RG_ERR_NO_MEMORY;
}

/* Ranges of the default from 0 on are the guard themselves. */
static bool needs_guard(const struct rg_ompi_function *f, const struct rg_decision *d)
{
	return f->in_place_is_0 && d->ranges[0].choice.id;
}

static int add_ranges(struct rg_rules_comm *comm, const struct rg_ompi_function *f,
		      const struct rg_decision *d)
{
	bool guarded = needs_guard(f, d);

	if (guarded && !rg_rules_add_rule(comm, 0))
		return RG_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < d->nranges; i++) {
		const struct rg_decision_range *range = &d->ranges[i];
		uint64_t from =
			guarded ? rg_ompi_rule_bytes(f, range->from_bytes) : range->from_bytes;
		const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_id(f, range->choice.id);
		struct rg_rule *rule;

		if (i && rg_choice_same(&range->choice, &d->ranges[i - 1].choice))
			continue;
		rule = rg_rules_add_rule(comm, (int64_t)from);
		if (!rule)
			return RG_ERR_NO_MEMORY;
		rule->algorithm = range->choice.id;
		rule->segment_bytes = (int64_t)range->choice.segment_bytes;
		rule->fanout = a ? a->fanout : 0;
		comment(range, rule);
	}
	return 0;
}

static int add_decision(struct rg_rules *rules, const struct rg_ompi_function *f,
			const struct rg_decision *d, uint32_t nranks)
{
	struct rg_rules_function *function = rg_rules_add_function(rules, f->id);
	struct rg_rules_comm *comm;
	int rc;

	if (!function || add_default(function, 0))
		return RG_ERR_NO_MEMORY;
	comm = rg_rules_add_comm(function, nranks);
	if (!comm)
		return RG_ERR_NO_MEMORY;
	rc = add_ranges(comm, f, d);
	return rc ? rc : add_default(function, (int64_t)nranks + 1);
}

static int check_decision(const struct rg_decisions *all, uint32_t index,
			  const struct rg_ompi_version *v, struct rg_err *err)
{
	const struct rg_decision *d = &all->decisions[index];
	const struct rg_ompi_function *f = function_of(d);
	char where[64];
	int rc = 0;

	if (!f || !f->algorithms[0].name)
		return rg_err_set(err, RG_ERR_INVALID,
				  "decisions[%u].function: Open MPI's coll/tuned has no choice for "
				  "%s",
				  index, d->function);
	for (uint32_t i = 0; !rc && i < d->nranges; i++) {
		snprintf(where, sizeof(where), "decisions[%u].ranges[%u]", index, i);
		rc = check_choice(f, &d->ranges[i].choice, where, v, err);
	}
	return rc;
}

/* Rules of one function, as their consumer would judge them. */
static int judge(const struct rg_rules *rules, const struct rg_ompi_version *v, uint32_t index,
		 struct rg_err *err)
{
	struct rg_file_findings findings = {0};
	struct rg_rules again = {0};
	char *text = NULL;
	bool ok = false;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	int rc;

	if (!out)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the rules");
	rg_rules_print(rules, out);
	if (fclose(out))
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the rules");
	else
		rc = rg_rules_parse(text, len, v, &again, &ok, &findings, err);
	if (!rc && findings.lost)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for findings");
	else if (!rc && findings.n)
		rc = rg_err_set(err, RG_ERR_INVALID, "decisions[%u]: %s", index,
				findings.list[0].text);
	free(text);
	rg_rules_release(&again);
	rg_file_findings_release(&findings);
	return rc;
}

static int try_alone(const struct rg_decisions *all, uint32_t index,
		     const struct rg_ompi_version *v, struct rg_err *err)
{
	const struct rg_decision *d = &all->decisions[index];
	struct rg_rules alone = {.version = 1};
	int rc = add_decision(&alone, function_of(d), d, all->nranks);

	rc = rc ? rg_err_set(err, rc, "no memory for the rules") : judge(&alone, v, index, err);
	rg_rules_release(&alone);
	return rc;
}

int openmpi_rules_of(const struct rg_decisions *all, struct rg_rules *out, struct rg_err *err)
{
	struct rg_ompi_version v;
	int rc = rg_ompi_version_of(all->library, &v, err);

	*out = (struct rg_rules){.version = 1};
	for (uint32_t i = 0; !rc && i < all->ndecisions; i++) {
		const struct rg_decision *d = &all->decisions[i];

		rc = check_decision(all, i, &v, err);
		if (rc || is_default(d) || openmpi_left_out(d))
			continue;
		rc = try_alone(all, i, &v, err);
		if (!rc && add_decision(out, function_of(d), d, all->nranks))
			rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the rules");
	}
	if (rc)
		rg_rules_release(out);
	return rc;
}
