/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/model/fit.h"

#include <inttypes.h>
#include <math.h>

#define UNKNOWNS 3 /* L, g, G */

/* Normal equations of the weighted points: a x = b. */
struct equations {
	double a[UNKNOWNS][UNKNOWNS], b[UNKNOWNS];
	double rest; /* the squares for x = 0 */
};

double rg_fit_time_ns(const struct rg_loggp *l, uint64_t size_bytes, uint64_t messages)
{
	return 1e9 * (l->latency_s + 2 * l->overhead_s + (double)(messages - 1) * l->gap_s +
		      (double)(size_bytes - messages) * l->byte_s);
}

static void add_point(struct equations *e, const struct rg_fit_point *p, double overhead_s)
{
	double t = p->time_ns * 1e-9, y = (t - 2 * overhead_s) / t;
	const double x[UNKNOWNS] = {1 / t, (double)(p->messages - 1) / t,
				    (double)(p->size_bytes - p->messages) / t};

	for (int i = 0; i < UNKNOWNS; i++) {
		for (int j = 0; j < UNKNOWNS; j++)
			e->a[i][j] += x[i] * x[j];
		e->b[i] += x[i] * y;
	}
	e->rest += y * y;
}

/*
 * Solves for the unknowns of the set (a bit each), the others being 0, by elimination; they are
 * scaled to a diagonal of 1 first. False if they are not determined.
 */
static bool solve(const struct equations *e, unsigned set, double *x)
{
	double m[UNKNOWNS][UNKNOWNS + 1] = {{0}}, scale[UNKNOWNS];

	for (int i = 0; i < UNKNOWNS; i++) {
		scale[i] = e->a[i][i] > 0 ? 1 / sqrt(e->a[i][i]) : 0;
		if (set & 1u << i && scale[i] == 0)
			return false;
	}
	for (int i = 0; i < UNKNOWNS; i++) {
		for (int j = 0; j < UNKNOWNS; j++)
			m[i][j] = set & 1u << i && set & 1u << j ? e->a[i][j] * scale[i] * scale[j]
								 : i == j;
		m[i][UNKNOWNS] = set & 1u << i ? e->b[i] * scale[i] : 0;
	}
	/* Symmetric and positive: the diagonal is the pivot. */
	for (int i = 0; i < UNKNOWNS; i++) {
		if (m[i][i] < 1e-9)
			return false;
		for (int k = 0; k < UNKNOWNS; k++) {
			double f = m[k][i] / m[i][i];

			for (int j = i; j <= UNKNOWNS && k != i; j++)
				m[k][j] -= f * m[i][j];
		}
	}
	for (int i = 0; i < UNKNOWNS; i++)
		x[i] = m[i][UNKNOWNS] / m[i][i] * scale[i];
	return true;
}

static double squares(const struct equations *e, const double *x)
{
	double sum = e->rest;

	for (int i = 0; i < UNKNOWNS; i++) {
		sum -= 2 * x[i] * e->b[i];
		for (int j = 0; j < UNKNOWNS; j++)
			sum += x[i] * x[j] * e->a[i][j];
	}
	return sum;
}

/* The best of all sets whose solution is nowhere negative: with three unknowns there are eight. */
static void solve_constrained(const struct equations *e, double *best)
{
	double least = e->rest;

	for (int i = 0; i < UNKNOWNS; i++)
		best[i] = 0;
	for (unsigned set = 1; set < 1u << UNKNOWNS; set++) {
		double x[UNKNOWNS], s;

		if (!solve(e, set, x) || x[0] < 0 || x[1] < 0 || x[2] < 0)
			continue;
		s = squares(e, x);
		if (s >= least)
			continue;
		least = s;
		for (int i = 0; i < UNKNOWNS; i++)
			best[i] = x[i];
	}
}

static int check(const struct rg_fit_point *points, uint32_t n, double overhead_s,
		 struct rg_err *err)
{
	uint32_t sizes = 0;

	for (uint32_t i = 0; i < n; i++) {
		const struct rg_fit_point *p = &points[i];
		uint32_t k = 0;

		if (!p->messages || p->messages > p->size_bytes || !(p->time_ns > 0) ||
		    !isfinite(p->time_ns))
			return rg_err_set(err, RG_ERR_INVALID,
					  "%" PRIu64 " bytes in %" PRIu64
					  " messages and %g ns: no measurement to fit",
					  p->size_bytes, p->messages, p->time_ns);
		if (2e9 * overhead_s > p->time_ns)
			return rg_err_set(err, RG_ERR_RANGE,
					  "an overhead of %g ns at either end is longer than the "
					  "%g ns that %" PRIu64 " bytes take",
					  overhead_s * 1e9, p->time_ns, p->size_bytes);
		while (points[k].size_bytes != p->size_bytes)
			k++;
		sizes += k == i;
	}
	if (sizes < 3)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%u size%s: a fit needs three at least, better many", sizes,
				  sizes == 1 ? "" : "s");
	return 0;
}

int rg_fit_loggp(const struct rg_fit_point *points, uint32_t npoints, double overhead_s,
		 struct rg_fit *out, struct rg_err *err)
{
	struct equations e = {0};
	struct rg_fit fit = {0};
	double x[UNKNOWNS], sum = 0;
	int rc = check(points, npoints, overhead_s, err);

	if (rc)
		return rc;
	for (uint32_t i = 0; i < npoints; i++) {
		add_point(&e, &points[i], overhead_s);
		fit.gap_known = fit.gap_known || points[i].messages > 1;
	}
	solve_constrained(&e, x);
	fit.loggp = (struct rg_loggp){x[0], overhead_s, x[1], x[2]};
	for (uint32_t i = 0; i < npoints; i++) {
		const struct rg_fit_point *p = &points[i];
		double d = rg_fit_time_ns(&fit.loggp, p->size_bytes, p->messages) / p->time_ns - 1;

		sum += d * d;
		if (fabs(d) <= fabs(fit.worst))
			continue;
		fit.worst = d;
		fit.worst_bytes = p->size_bytes;
	}
	fit.rms = sqrt(sum / npoints);
	*out = fit;
	return 0;
}
