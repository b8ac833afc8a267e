/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of the document that says what pairs of ranks did. */
#include "config.h"

#include "result_fields.h"

#include "railgauge/base/units.h"

#include <inttypes.h>
#include <math.h>

/* Documents keep 12 digits. */
static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
}

static int wrong(struct rg_err *err, const char *key, const char *why)
{
	return rg_err_set(err, RG_ERR_INVALID, "%s: %s", key, why);
}

/* --- checks: for writers and for the reader alike --- */

static int check_times(const struct rg_result_pair *p, struct rg_err *err)
{
	if (!(p->min_ns > 0))
		return wrong(err, "min_ns", "not above 0 although there are durations");
	if (p->lo_ns < p->min_ns)
		return wrong(err, "lo_ns", "less than min_ns");
	if (p->median_ns < p->lo_ns || p->median_ns > p->hi_ns)
		return wrong(err, "median_ns", "outside of its interval");
	if (p->p90_ns < p->median_ns || p->p99_ns < p->p90_ns || p->p999_ns < p->p99_ns)
		return wrong(err, "p999_ns", "percentiles that do not ascend");
	if (p->max_ns < p->p999_ns || p->max_ns < p->hi_ns)
		return wrong(err, "max_ns", "not the greatest");
	if (p->mean_ns < p->min_ns * (1 - 1e-6) || p->mean_ns > p->max_ns * (1 + 1e-6))
		return wrong(err, "mean_ns", "not between the least and the greatest");
	return 0;
}

/* What the bound is compared with. */
static double compared_ns(const struct rg_result_pair *p)
{
	if (p->test == RG_PAIRS_LATENCY)
		return p->median_ns;
	return p->messages ? p->time_ns / (double)p->messages : 0;
}

static double fraction_of(const struct rg_result_pair *p)
{
	double ns = compared_ns(p);

	return ns > 0 ? p->bound_ns / ns : 0;
}

static int check_rates(const struct rg_result_pair *p, struct rg_err *err)
{
	double directions = p->test == RG_PAIRS_BIDIRECTIONAL ? 2 : 1, messages_ps = 0;

	if (p->test != RG_PAIRS_LATENCY && p->time_ns > 0)
		messages_ps = directions * (double)p->messages / p->time_ns * 1e9;
	if (!near(p->messages_ps, messages_ps))
		return wrong(err, "messages_ps", "not messages / time_ns of all directions");
	if (!near(p->rate_Bps, messages_ps * (double)p->size_bytes))
		return wrong(err, "rate_Bps", "not messages_ps * size_bytes");
	if ((p->bound_ns > 0) != (p->bound_name != NULL))
		return wrong(err, "bound_name", "bound_ns and bound_name come together");
	if (!near(p->fraction, fraction_of(p)))
		return wrong(err, "fraction", "not the bound / what it took");
	return 0;
}

static int check(const struct rg_result_pair *p, uint32_t nranks, struct rg_err *err)
{
	int rc = 0;

	if (p->from >= nranks || p->to >= nranks || p->from == p->to)
		return wrong(err, "to", "not of two ranks");
	if (!p->size_bytes)
		return wrong(err, "size_bytes", "0");
	if (p->kept > p->n)
		return wrong(err, "kept", "more than there are durations");
	if (p->wrong > p->checked)
		return wrong(err, "wrong", "more than were checked");
	if (p->n)
		rc = check_times(p, err);
	else if (p->median_ns > 0 || p->max_ns > 0 || p->mean_ns > 0 || p->stdev_ns > 0)
		rc = wrong(err, "n", "0 although there are times");
	return rc ? rc : check_rates(p, err);
}

/* --- adding --- */

int rg_result_store_pair(struct rg_result *result, const struct rg_result_pair *pair,
			 struct rg_err *err)
{
	struct rg_result_pair copy = *pair;
	void *array = result->pairs;
	int rc = rg_fields_check(rg_result_pair_fields, pair, "", err);

	if (!rc)
		rc = check(pair, result->run.nranks, err);
	if (rc)
		return rc;
	rc = rg_result_admit(result, rg_result_pair_fields, &copy, sizeof(copy), &array,
			     result->npairs, err);
	result->pairs = array;
	if (!rc)
		result->pairs[result->npairs++] = copy;
	return rc;
}

int rg_result_add_pair(struct rg_result *result, const struct rg_result_pair *pair,
		       struct rg_err *err)
{
	char size[RG_UNITS_BYTES];
	int rc = rg_result_store_pair(result, pair, err);

	if (rc || pair->fraction <= RG_BOUND_ERROR)
		return rc;
	rc = rg_result_add_warning(
		result, err, "bound",
		"%s of %s from rank %u to %u took %.4g ns, less than the bound \"%s\" of %.4g ns "
		"(fraction %.2f): the bound is wrong",
		rg_pairs_test_words[pair->test], rg_format_size(pair->size_bytes, size), pair->from,
		pair->to, compared_ns(pair), pair->bound_name, pair->bound_ns, pair->fraction);
	if (rc)
		result->npairs--;
	return rc;
}

void rg_result_pair_fill(struct rg_result_pair *p, const struct rg_pairs_outcome *o)
{
	p->from = o->from;
	p->to = o->to;
	p->messages = o->messages;
	p->block = o->block;
	p->time_ns = o->time_ns;
	p->n = o->ns.n;
	p->kept = o->ns.kept;
	p->median_ns = o->ns.median;
	p->lo_ns = o->ns.lo;
	p->hi_ns = o->ns.hi;
	p->mean_ns = o->ns.mean;
	p->stdev_ns = o->ns.stdev;
	p->min_ns = o->ns.min;
	p->p90_ns = o->ns.p90;
	p->p99_ns = o->ns.p99;
	p->p999_ns = o->ns.p999;
	p->max_ns = o->ns.max;
	p->rate_Bps = o->rate_Bps;
	p->messages_ps = o->messages_ps;
	p->checked = o->checked;
	p->wrong = o->wrong;
	p->from_device = o->from_device[0] ? o->from_device : NULL;
	p->to_device = o->to_device[0] ? o->to_device : NULL;
	p->bound_ns = o->bound_ns;
	p->bound_name = o->bound_ns > 0 ? "line" : NULL;
	p->fraction = fraction_of(p);
}
