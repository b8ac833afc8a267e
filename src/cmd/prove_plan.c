/* SPDX-License-Identifier: BSD-3-Clause */
/* Which rules are to be tried, and which points measured. */
#include "config.h"

#include "prove.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/device/types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool has_rule(const struct rg_decision_range *range)
{
	return range->choice.id != 0;
}

static uint32_t count_rules(const struct rg_decision *d)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < d->nranges; i++)
		n += has_rule(&d->ranges[i]);
	return n;
}

/* --- where a rule is tried --- */

static size_t element_bytes(const char *word)
{
	for (int t = 0; t < RG_TYPE_COUNT; t++) {
		if (!strcmp(word, rg_type_words[t]))
			return rg_type_bytes((enum rg_type)t);
	}
	return 1; /* bench will refuse the type */
}

/* What bench makes of a size: whole elements, in equal blocks. */
static uint64_t whole_bytes(const struct rg_decisions *ds, const struct rg_decision *d,
			    uint64_t size_bytes)
{
	size_t each = element_bytes(ds->type);
	uint64_t block = rg_coll_block_count(d->coll, size_bytes / each, ds->nranks);
	uint64_t src = rg_coll_src_count(d->coll, block, ds->nranks);
	uint64_t dst = rg_coll_dst_count(d->coll, block, ds->nranks);

	return (src > dst ? src : dst) * each;
}

/* What all sizes are multiples of. */
static uint64_t unit_bytes(const struct rg_decisions *ds, const struct rg_decision *d)
{
	uint64_t each = element_bytes(ds->type);

	return whole_bytes(ds, d, each) ? each : each * ds->nranks;
}

/*
 * A size at which the library looks at this range's rule: the first that was measured and stays in
 * the range when it is rounded, else the first that there is, which may be beyond the range.
 */
static uint64_t size_in(const struct rg_decisions *ds, const struct rg_decision *d,
			const struct rg_decision_range *range)
{
	uint64_t unit = unit_bytes(ds, d);
	uint64_t first = (range->from_bytes + unit - 1) / unit * unit;

	for (uint32_t i = 0; i < d->npoints; i++) {
		uint64_t size = d->points[i].size_bytes;

		if (size <= range->to_bytes && size > 0 &&
		    whole_bytes(ds, d, size) >= range->from_bytes)
			return size;
	}
	if (d->coll == RG_COLL_BARRIER)
		return 0;
	return first ? first : unit;
}

/* --- points --- */

/* What the decisions promise of a choice at a point; n 0: nothing. */
static struct rg_ratio promise(const struct rg_decision_point *point,
			       const struct rg_choice *choice)
{
	struct rg_ratio none = {0};

	if (!choice->id)
		return none;
	if (rg_choice_same(&point->choice, choice))
		return point->gain; /* corrected for the number of candidates */
	for (uint32_t i = 0; i < point->nevidence; i++) {
		if (rg_choice_same(&point->evidence[i].choice, choice))
			return point->evidence[i].gain;
	}
	return none;
}

static const struct rg_decision_point *point_at(const struct rg_decision *d, uint64_t size_bytes)
{
	for (uint32_t i = 0; i < d->npoints; i++) {
		if (d->points[i].size_bytes == size_bytes)
			return &d->points[i];
	}
	return NULL;
}

static void add_point(struct prove *p, const struct rg_decision *d, uint64_t size_bytes)
{
	const struct rg_decision_range *range = rg_decision_at(d, size_bytes);
	const struct rg_decision_point *point = point_at(d, size_bytes);
	struct rg_prove_point *out = &p->points[p->npoints];

	*out = (struct rg_prove_point){
		.function = d->function, .size_bytes = size_bytes, .choice = range->choice};
	if (point)
		out->promised = promise(point, &range->choice);
	p->npoints++;
}

/* Does a size that was asked for lie in that range? */
static bool is_asked_for(const struct rg_decision *d, const struct rg_decision_range *range)
{
	for (uint32_t i = 0; i < d->npoints; i++) {
		uint64_t size = d->points[i].size_bytes;

		if (!d->points[i].boundary && size >= range->from_bytes && size <= range->to_bytes)
			return true;
	}
	return false;
}

/*
 * The sizes that were asked for, and one in each range that has a rule but none of them. Those that
 * only served to find where a range ends are left out: each point makes the intervals of all wider.
 */
static void add_points(struct prove *p, const struct rg_decision *d)
{
	uint32_t next = 0;

	for (uint32_t i = 0; i < d->nranges; i++) {
		const struct rg_decision_range *range = &d->ranges[i];

		if (has_rule(range) && !is_asked_for(d, range))
			add_point(p, d, size_in(p->decisions, d, range));
		for (; next < d->npoints && d->points[next].size_bytes <= range->to_bytes; next++) {
			if (!d->points[next].boundary)
				add_point(p, d, d->points[next].size_bytes);
		}
	}
}

/* "64K=mpi;1M=mpi" */
static char *points_text(const struct prove *p, const struct prove_function *f)
{
	size_t room = (size_t)f->npoints * (RG_UNITS_BYTES + 8) + 1, used = 0;
	char *text = rg_alloc(room), size[RG_UNITS_BYTES];

	for (uint32_t i = 0; text && i < f->npoints; i++) {
		rg_format_size(p->points[f->first_point + i].size_bytes, size);
		used += (size_t)snprintf(text + used, room - used, "%s%s=%s", i ? ";" : "", size,
					 f->target);
	}
	return text;
}

/* A range that a person made may be too narrow. */
static int check_range(const struct rg_decisions *ds, const struct rg_decision *d,
		       const struct rg_decision_range *range, struct rg_err *err)
{
	if (size_in(ds, d, range) <= range->to_bytes)
		return 0;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "decisions.json: %s from %" PRIu64 " to %" PRIu64
			  " bytes: expected a multiple of %" PRIu64
			  " among them, as all sizes are with %u ranks and %s",
			  d->function, range->from_bytes, range->to_bytes, unit_bytes(ds, d),
			  ds->nranks, ds->type);
}

static int add_function(struct prove *p, uint32_t index, struct rg_err *err)
{
	struct prove_function *f = &p->functions[p->nfunctions];
	const struct rg_decision *d = &p->decisions->decisions[index];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < d->nranges; i++)
		rc = has_rule(&d->ranges[i]) ? check_range(p->decisions, d, &d->ranges[i], err) : 0;
	if (rc)
		return rc;
	*f = (struct prove_function){.decision = d,
				     .index = index,
				     .first_point = p->npoints,
				     .target = d->other ? "mpi-v" : "mpi"};
	add_points(p, d);
	f->npoints = p->npoints - f->first_point;
	p->nfunctions++;
	for (uint32_t i = 0; i < d->nranges; i++) {
		if (has_rule(&d->ranges[i]))
			p->rules[p->nrules++] = (struct prove_rule){
				.function = f,
				.range = i,
				.size_bytes = size_in(p->decisions, d, &d->ranges[i])};
	}
	f->points = points_text(p, f);
	return f->points ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for points");
}

/* What the files do not say the decisions do not say any more, either. */
static int take_files_word(struct prove *p, uint32_t index, struct rg_err *err)
{
	const struct rg_decision *d = &p->decisions->decisions[index];
	int rc = 0;

	for (uint32_t i = 0; !rc && i < d->nranges; i++) {
		bool has;

		if (!has_rule(&d->ranges[i]))
			continue;
		rc = p->emitter->has_rule(p->decisions, p->folder, index, i, &has, err);
		if (!rc && !has) {
			d->ranges[i].choice = (struct rg_choice){.algorithm = "default"};
			p->nleft++;
		}
	}
	return rc;
}

/* Memory for as many rules and points as there can be. */
static int make_room(struct prove *p, struct rg_err *err)
{
	const struct rg_decisions *ds = p->decisions;
	uint32_t nfunctions = 0, nrules = 0, npoints = 0;

	for (uint32_t i = 0; i < ds->ndecisions; i++) {
		uint32_t rules = count_rules(&ds->decisions[i]);

		nfunctions += rules > 0;
		nrules += rules;
		npoints += rules ? ds->decisions[i].npoints + rules : 0;
	}
	p->functions = rg_zalloc(nfunctions + 1, sizeof(*p->functions));
	p->rules = rg_zalloc(nrules + 1, sizeof(*p->rules));
	p->points = rg_zalloc(npoints + 1, sizeof(*p->points));
	p->medians = rg_zalloc(npoints * 2 * (size_t)p->options.pairs + 1, sizeof(*p->medians));
	if (!p->functions || !p->rules || !p->points || !p->medians)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u points", npoints);
	return 0;
}

int prove_plan_open(struct prove *p, struct rg_err *err)
{
	const struct rg_decisions *ds = p->decisions;
	size_t pairs = (size_t)p->options.pairs;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < ds->ndecisions; i++)
		rc = take_files_word(p, i, err);
	if (!rc)
		rc = make_room(p, err);
	for (uint32_t i = 0; !rc && i < ds->ndecisions; i++) {
		if (count_rules(&ds->decisions[i]))
			rc = add_function(p, i, err);
	}
	for (uint32_t i = 0; i < p->npoints; i++) {
		p->points[i].npairs = (uint32_t)pairs;
		p->points[i].without_ns = p->medians + 2 * i * pairs;
		p->points[i].with_ns = p->medians + (2 * i + 1) * pairs;
	}
	if (!rc && p->nrules && !p->file)
		rc = rg_err_set(err, RG_ERR_MISMATCH,
				"%s names no file, but there are decisions; write it again by "
				"railgauge emit",
				p->env_file);
	return rc;
}

void prove_plan_close(struct prove *p)
{
	for (uint32_t i = 0; i < p->nfunctions; i++)
		rg_free(p->functions[i].points);
	rg_free(p->functions);
	rg_free(p->rules);
	rg_free(p->points);
	rg_free(p->medians);
}
