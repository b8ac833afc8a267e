/* SPDX-License-Identifier: BSD-3-Clause */
/* --points: which targets at which sizes. */
#include "config.h"

#include "bench.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"

#include <stdio.h>
#include <string.h>

/* What stands before a message about a point: "--points: point 3 (1M)". */
#define PLACE_BYTES 96

/* Takes len letters of one point apart: fills the n-th row. */
static int parse_point(const char *text, size_t len, enum rg_coll coll, struct bench_points *p,
		       bool *mpi, bool *algorithms, struct rg_err *err)
{
	size_t size_len = strcspn(text, "=;");
	char place[PLACE_BYTES], size[32];
	uint64_t *bytes = &p->sizes[p->n];
	char *targets = rg_alloc(len + 1);
	bool needs_mpi, needs_algorithms;
	int rc;

	if (!targets)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for --points");
	p->targets[p->n] = targets;
	snprintf(place, sizeof(place), "--points: point %u (%.*s)", p->n + 1,
		 (int)(len > 40 ? 40 : len), text);
	if (text[size_len] != '=' || size_len == 0 || size_len >= sizeof(size))
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: expected SIZE=TARGET,TARGET..., with semicolons between "
				  "points",
				  place);
	snprintf(size, sizeof(size), "%.*s", (int)size_len, text);
	memcpy(targets, text + size_len + 1, len - size_len - 1);
	targets[len - size_len - 1] = '\0';
	rc = rg_parse_size(size, place, bytes, err);
	if (rc)
		return rc;
	snprintf(place, sizeof(place), "--points: point %u (%s)", p->n + 1, size);
	if (coll == RG_COLL_BARRIER && *bytes)
		return rg_err_set(err, RG_ERR_INVALID, "%s: a barrier's size is 0", place);
	if (p->n && *bytes <= bytes[-1])
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: sizes must ascend, and the point before is not smaller",
				  place);
	rc = rg_target_parse(targets, place, coll, &needs_mpi, &needs_algorithms, err);
	if (rc)
		return rc;
	*mpi |= needs_mpi;
	*algorithms |= needs_algorithms;
	return 0;
}

int bench_points_open(const char *text, enum rg_coll coll, struct bench_points *out, bool *mpi_out,
		      bool *algorithms_out, struct rg_err *err)
{
	struct bench_points p = {0};
	bool mpi = false, algorithms = false;
	uint32_t n = 1;
	int rc = 0;

	for (const char *at = strchr(text, ';'); at; at = strchr(at + 1, ';'))
		n++;
	if (n > RG_PLAN_MAX_POINTS)
		return rg_err_set(err, RG_ERR_LIMIT, "--points: more than %d of them",
				  RG_PLAN_MAX_POINTS);
	p.sizes = rg_zalloc(n, sizeof(*p.sizes));
	p.targets = rg_zalloc(n, sizeof(*p.targets));
	if (!p.sizes || !p.targets)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for --points");
	while (!rc && p.n < n) {
		size_t len = strcspn(text, ";");

		rc = parse_point(text, len, coll, &p, &mpi, &algorithms, err);
		p.n++;
		text += len + 1;
	}
	if (rc) {
		bench_points_close(&p);
		return rc;
	}
	*out = p;
	*mpi_out = mpi;
	*algorithms_out = algorithms;
	return 0;
}

void bench_points_close(struct bench_points *p)
{
	for (uint32_t i = 0; i < p->n; i++)
		rg_free(p->targets[i]);
	rg_free(p->targets);
	rg_free(p->sizes);
	*p = (struct bench_points){0};
}
