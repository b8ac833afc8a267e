/* SPDX-License-Identifier: BSD-3-Clause */
/* What must hold between the members of a point: for writers and for the reader alike. */
#include "config.h"

#include "result_fields.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* Documents keep 12 digits. */
static bool near(double a, double b)
{
	return fabs(a - b) <= 1e-6 * fmax(fabs(a), fabs(b));
}

static int wrong(struct rg_err *err, const char *key, const char *why)
{
	return rg_err_set(err, RG_ERR_INVALID, "%s: %s", key, why);
}

static int check_times(const struct rg_result_point *p, struct rg_err *err)
{
	if (!(p->min_ns > 0))
		return wrong(err, "min_ns", "not above 0 although there are repetitions");
	if (p->lo_ns < p->min_ns)
		return wrong(err, "lo_ns", "less than min_ns");
	if (p->median_ns < p->lo_ns || p->median_ns > p->hi_ns)
		return wrong(err, "median_ns", "outside of its interval");
	if (p->p99_ns < p->median_ns)
		return wrong(err, "p99_ns", "less than the median");
	return 0;
}

static int check_derived(const struct rg_result_point *p, uint32_t nranks, struct rg_err *err)
{
	double algbw = p->n ? (double)p->size_bytes / p->median_ns * 1e9 : 0;
	bool bounded = p->bound_ns > 0;

	if (!near(p->algbw_Bps, algbw))
		return wrong(err, "algbw_Bps", "not size_bytes / median_ns");
	if (!near(p->busbw_Bps, algbw * rg_result_bus_factor(p, nranks)))
		return wrong(err, "busbw_Bps", "not algbw_Bps times the collective's factor");
	if (bounded != (p->bound_name != NULL))
		return wrong(err, "bound_name", "bound_ns and bound_name come together");
	if (!near(p->fraction, p->n ? p->bound_ns / p->median_ns : 0))
		return wrong(err, "fraction", "not bound_ns / median_ns");
	return 0;
}

static int check_samples(const struct rg_result_point *p, uint32_t nranks, struct rg_err *err)
{
	if (!p->samples != !p->nsamples)
		return wrong(err, "samples", "without their number, or the reverse");
	if (p->nsamples && p->nsamples != p->n)
		return wrong(err, "samples", "not n of them");
	if (p->rank_samples && !p->samples)
		return wrong(err, "rank_samples", "without samples");
	for (uint64_t i = 0; i < p->nsamples; i++) {
		if (!(p->samples[i] > 0 && isfinite(p->samples[i])))
			return wrong(err, "samples", "one is not above 0 or not finite");
	}
	for (uint64_t i = 0; p->rank_samples && i < p->nsamples * nranks; i++) {
		if (!(p->rank_samples[i] > 0 && isfinite(p->rank_samples[i])))
			return wrong(err, "rank_samples", "one is not above 0 or not finite");
	}
	return 0;
}

int rg_result_point_check(const struct rg_result_point *p, uint32_t nranks, struct rg_err *err)
{
	bool timed =
		p->median_ns > 0 || p->lo_ns > 0 || p->hi_ns > 0 || p->p99_ns > 0 || p->min_ns > 0;
	int rc;

	if (!nranks)
		return wrong(err, "nranks", "0 although there are points");
	if (!p->target[0])
		return wrong(err, "target", "empty");
	if (p->root >= nranks)
		return wrong(err, "root", "not a rank");
	if (!p->ops)
		return wrong(err, "ops", "0");
	if (p->coll == RG_COLL_BARRIER && p->size_bytes)
		return wrong(err, "size_bytes", "a barrier has no size");
	if (p->size_bytes % rg_type_bytes(p->type) ||
	    p->count != p->size_bytes / rg_type_bytes(p->type))
		return wrong(err, "count", "not size_bytes / size of the type");
	if ((p->coll == RG_COLL_ALLTOALLV) != (p->traffic != NULL))
		return wrong(err, "traffic", "alltoallv has it, and nothing else");
	if (p->crossing_bytes > (p->traffic ? p->size_bytes : 0))
		return wrong(err, "crossing_bytes", "more than size_bytes, or of no alltoallv");
	if (p->wrong > p->checked)
		return wrong(err, "wrong", "more than were checked");
	if (p->stop == RG_STOP_NOT_RUN && (p->n || !p->note))
		return wrong(err, "stop", "not-run needs n 0 and a note");
	if (p->stop == RG_STOP_FAILED && (p->n || !p->note))
		return wrong(err, "stop", "failed needs n 0 and a note");
	if (!p->n && (timed || p->bound_ns > 0))
		return wrong(err, "n", "0 although there are times");
	rc = p->n ? check_times(p, err) : 0;
	if (!rc)
		rc = check_derived(p, nranks, err);
	if (!rc)
		rc = check_samples(p, nranks, err);
	return rc;
}
