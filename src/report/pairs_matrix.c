/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "format.h"
#include "pairs_matrix.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double rg_pairs_value(const struct rg_result_pair *pair)
{
	switch (pair->test) {
	case RG_PAIRS_LATENCY:
		return pair->median_ns;
	case RG_PAIRS_RATE:
		return pair->messages_ps;
	default:
		return pair->rate_Bps;
	}
}

const char *rg_pairs_unit(enum rg_pairs_test test)
{
	switch (test) {
	case RG_PAIRS_LATENCY:
		return "us";
	case RG_PAIRS_RATE:
		return "million messages/s";
	default:
		return "GB/s";
	}
}

char *rg_pairs_cell(enum rg_pairs_test test, double value, char *text)
{
	double scaled = test == RG_PAIRS_LATENCY ? value / 1e3
			: test == RG_PAIRS_RATE	 ? value / 1e6
						 : value / 1e9;

	if (!(value > 0))
		snprintf(text, PAIRS_CELL_BYTES, "?");
	else
		snprintf(text, PAIRS_CELL_BYTES, scaled < 999.5 ? "%#.3g" : "%.0f", scaled);
	return text;
}

char *rg_pairs_title(const struct rg_result_pair *pair, char *text)
{
	char size[RG_UNITS_BYTES], rail[96] = "";

	if (pair->rail == RG_LANE_ALL_RAILS)
		snprintf(rail, sizeof(rail), ", all rails at once");
	else if (pair->from_device)
		snprintf(rail, sizeof(rail), ", rail %d (%.60s)", pair->rail, pair->from_device);
	snprintf(text, PAIRS_TITLE_BYTES, "%s of %s bytes, %s over %.16s%s",
		 rg_pairs_test_words[pair->test], rg_format_size(pair->size_bytes, size),
		 rg_lane_op_words[pair->op], pair->transport, rail);
	return text;
}

static bool belongs(const struct rg_result_pair *a, const struct rg_result_pair *b)
{
	return a->test == b->test && a->rail == b->rail && a->size_bytes == b->size_bytes &&
	       a->op == b->op;
}

static bool has_direction(const struct rg_result_pair *pair)
{
	return pair->test == RG_PAIRS_BANDWIDTH || pair->test == RG_PAIRS_RATE ||
	       pair->op == RG_LANE_OP_READ;
}

static bool better(const struct rg_result_pair *a, const struct rg_result_pair *b)
{
	return a->test == RG_PAIRS_LATENCY ? rg_pairs_value(a) < rg_pairs_value(b)
					   : rg_pairs_value(a) > rg_pairs_value(b);
}

static void enter(struct rg_pairs_matrix *m, const struct rg_result_pair *pair)
{
	m->at[(size_t)pair->from * m->nranks + pair->to] = pair;
	if (!has_direction(pair))
		m->at[(size_t)pair->to * m->nranks + pair->from] = pair;
	if (!(rg_pairs_value(pair) > 0))
		return;
	m->n++;
	if (!m->best || better(pair, m->best))
		m->best = pair;
	if (!m->worst || better(m->worst, pair))
		m->worst = pair;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static int find_median(struct rg_pairs_matrix *m, const struct rg_result *result,
		       struct rg_err *err)
{
	double *values = rg_alloc(((size_t)m->n + 1) * sizeof(*values));
	uint32_t n = 0;

	if (!values)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	for (uint32_t i = 0; i < result->npairs; i++) {
		const struct rg_result_pair *pair = &result->pairs[i];

		if (belongs(pair, m->like) && rg_pairs_value(pair) > 0 && n < m->n)
			values[n++] = rg_pairs_value(pair);
	}
	qsort(values, n, sizeof(*values), compare_doubles);
	if (n)
		m->median = (values[(n - 1) / 2] + values[n / 2]) / 2;
	rg_free(values);
	return 0;
}

/* The matrix of such pairs; a new one if there is none. NULL without memory. */
static struct rg_pairs_matrix *matrix_of(const struct rg_result *result,
					 const struct rg_result_pair *pair,
					 struct rg_pairs_matrix **list, uint32_t *n)
{
	size_t nranks = result->run.nranks;
	struct rg_pairs_matrix *more;

	for (uint32_t i = 0; i < *n; i++) {
		if (belongs(pair, (*list)[i].like))
			return &(*list)[i];
	}
	more = rg_realloc(*list, (*n + 1) * sizeof(*more));
	if (!more)
		return NULL;
	*list = more;
	more += *n;
	*more = (struct rg_pairs_matrix){.like = pair, .nranks = result->run.nranks};
	more->at = rg_zalloc(nranks * nranks, sizeof(*more->at));
	if (!more->at)
		return NULL;
	(*n)++;
	return more;
}

int rg_pairs_matrices_open(const struct rg_result *result, struct rg_pairs_matrix **out,
			   uint32_t *n_out, struct rg_err *err)
{
	struct rg_pairs_matrix *list = NULL;
	uint32_t n = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < result->npairs; i++) {
		struct rg_pairs_matrix *m = matrix_of(result, &result->pairs[i], &list, &n);

		if (m)
			enter(m, &result->pairs[i]);
		else
			rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the report");
	}
	for (uint32_t i = 0; !rc && i < n; i++)
		rc = find_median(&list[i], result, err);
	if (rc) {
		rg_pairs_matrices_close(list, n);
		return rc;
	}
	*out = list;
	*n_out = n;
	return 0;
}

void rg_pairs_matrices_close(struct rg_pairs_matrix *matrices, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		rg_free(matrices[i].at);
	rg_free(matrices);
}
