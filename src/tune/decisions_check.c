/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold between the members: for writers and for the reader alike. */
#include "config.h"

#include "decisions_impl.h"

#include "railgauge/device/types.h"
#include "railgauge/topo/cpuset.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static int wrong(const char *where, const char *key, const char *why, struct rg_err *err)
{
	char path[RG_FIELD_WHERE_BYTES];

	return rg_err_set(err, RG_ERR_INVALID, "%s: %s", rg_fields_path(where, key, path), why);
}

/* "2026-11-23T21:03:00Z" */
static bool is_utc(const char *text)
{
	static const char pattern[] = "0000-00-00T00:00:00Z";

	if (strlen(text) != sizeof(pattern) - 1)
		return false;
	for (size_t i = 0; pattern[i]; i++) {
		if (pattern[i] == '0' ? !isdigit((unsigned char)text[i]) : text[i] != pattern[i])
			return false;
	}
	return true;
}

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (!strcmp(text, *words))
			return true;
	}
	return false;
}

static int check_choice(const struct rg_choice *c, const char *where, struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];

	rg_fields_path(where, "choice", place);
	if (!c->algorithm[0])
		return wrong(place, "algorithm", "empty", err);
	if (!c->id != !strcmp(c->algorithm, "default"))
		return wrong(place, "algorithm", "\"default\" is the one with id 0", err);
	if (!c->id && c->segment_bytes)
		return wrong(place, "segment_bytes", "the default has none", err);
	return 0;
}

static int check_ratio(const struct rg_ratio *r, const char *where, struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];

	rg_fields_path(where, "gain", place);
	if (r->n && !(r->ratio > 0))
		return wrong(place, "ratio", "not above 0 although there are launches", err);
	if (r->ratio < r->lo || r->ratio > r->hi)
		return wrong(place, "ratio", "outside of its interval", err);
	return 0;
}

static int check_evidence(const struct rg_evidence *e, bool first, const char *where,
			  struct rg_err *err)
{
	bool why = e->fate == RG_FATE_REFUSED || e->fate == RG_FATE_EXCLUDED;
	int rc = check_choice(&e->choice, where, err);

	if (!rc)
		rc = check_ratio(&e->gain, where, err);
	if (rc)
		return rc;
	if (first != !e->choice.id)
		return wrong(where, "choice", "the default is first, and only there", err);
	if (why != (e->why[0] != '\0'))
		return wrong(where, "why", "there where it was refused or excluded, and only there",
			     err);
	return 0;
}

static int check_point(const struct rg_decision_point *p, const char *where, struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];
	int rc = check_choice(&p->choice, where, err);

	if (!rc)
		rc = check_ratio(&p->gain, where, err);
	for (uint32_t i = 0; !rc && i < p->nevidence; i++) {
		snprintf(place, sizeof(place), "%.100s.evidence[%u]", where, i);
		rc = check_evidence(&p->evidence[i], !i, place, err);
	}
	return rc;
}

static int check_points(const struct rg_decision *d, const char *where, struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < d->npoints; i++) {
		snprintf(place, sizeof(place), "%.100s.points[%u]", where, i);
		if (i && d->points[i].size_bytes <= d->points[i - 1].size_bytes)
			return wrong(place, "size_bytes", "not above the one before", err);
		rc = check_point(&d->points[i], place, err);
	}
	return rc;
}

static int check_range(const struct rg_decision *d, uint32_t i, const char *where,
		       struct rg_err *err)
{
	const struct rg_decision_range *r = &d->ranges[i];
	bool last = i + 1 == d->nranges;
	char place[RG_FIELD_WHERE_BYTES];
	int rc;

	if (r->from_bytes != (i ? d->ranges[i - 1].to_bytes + 1 : 0))
		return wrong(where, "from_bytes",
			     i ? "not the byte after the range before" : "not 0", err);
	if (last != (r->to_bytes == UINT64_MAX))
		return wrong(where, "to_bytes", "null in the last range, and only there", err);
	if (r->to_bytes < r->from_bytes)
		return wrong(where, "to_bytes", "less than from_bytes", err);
	rc = check_choice(&r->choice, where, err);
	if (!rc)
		rc = check_ratio(&r->gain, where, err);
	if (rc || !r->has_runner_up)
		return rc;
	return check_choice(&r->runner_up, rg_fields_path(where, "runner_up", place), err);
}

static int check_ranges(const struct rg_decision *d, const char *where, struct rg_err *err)
{
	char place[RG_FIELD_WHERE_BYTES];
	int rc = 0;

	if (!d->nranges)
		return wrong(where, "ranges", "none", err);
	for (uint32_t i = 0; !rc && i < d->nranges; i++) {
		snprintf(place, sizeof(place), "%.100s.ranges[%u]", where, i);
		rc = check_range(d, i, place, err);
	}
	return rc;
}

static int check_decision(const struct rg_decisions *all, uint32_t i, struct rg_err *err)
{
	const struct rg_decision *d = &all->decisions[i];
	char where[RG_FIELD_WHERE_BYTES];
	int rc;

	snprintf(where, sizeof(where), "decisions[%u]", i);
	if (!d->function[0])
		return wrong(where, "function", "empty", err);
	for (uint32_t k = 0; k < i; k++) {
		if (!strcmp(all->decisions[k].function, d->function))
			return wrong(where, "function", "decided before", err);
	}
	rc = check_ranges(d, where, err);
	return rc ? rc : check_points(d, where, err);
}

static int check_binding(const struct rg_decision_binding *b, struct rg_err *err)
{
	struct rg_cpuset set;
	char where[RG_FIELD_WHERE_BYTES];

	if (b->known != (b->nranks > 0))
		return wrong("binding", "cpus", "there where it is known, and only there", err);
	if (!b->known && !b->why[0])
		return wrong("binding", "why", "empty although it is not known", err);
	for (uint32_t i = 0; i < b->nranks; i++) {
		snprintf(where, sizeof(where), "binding.cpus[%u]", i);
		if (strchr(b->cpus[i], '\n') || rg_cpuset_parse(b->cpus[i], where, &set, NULL) ||
		    !rg_cpuset_count(&set))
			return wrong(where, "", "not a list of CPUs such as 0-3,8", err);
	}
	return 0;
}

static int check_job(const struct rg_decisions *all, struct rg_err *err)
{
	if (!is_utc(all->created))
		return wrong("", "created", "not a time such as 2026-11-23T21:03:00Z", err);
	if (!all->mpi[0])
		return wrong("", "mpi", "empty", err);
	if (!all->nranks)
		return wrong("", "nranks", "0", err);
	if (!all->nnodes || all->nnodes > all->nranks)
		return wrong("", "nnodes", "0, or more than nranks", err);
	for (uint32_t i = 1; i < all->nhosts; i++) {
		if (strcmp(all->hosts[i - 1], all->hosts[i]) >= 0)
			return wrong("", "hosts", "not sorted, or one twice", err);
	}
	if (!is_one_of(all->type, rg_type_words))
		return wrong("", "type", "no type of railgauge's", err);
	if (!is_one_of(all->op, rg_op_words))
		return wrong("", "op", "no operation of railgauge's", err);
	return 0;
}

int decisions_check(const struct rg_decisions *all, struct rg_err *err)
{
	int rc = check_job(all, err);

	if (!rc)
		rc = check_binding(&all->binding, err);
	for (uint32_t i = 0; !rc && i < all->ndecisions; i++)
		rc = check_decision(all, i, err);
	return rc;
}
