/* SPDX-License-Identifier: BSD-3-Clause */
/* The points, one after the other, and what becomes of one that fails. */
#include "config.h"

#include "bench.h"
#include "bench_rank.h"

#include "railgauge/base/log.h"
#include "railgauge/base/units.h"
#include "railgauge/measure/network_lines.h"

#include <stdio.h>

static void show_progress(struct rank *r, const struct bench_job *job, uint32_t point)
{
	char size[RG_UNITS_BYTES];

	rg_format_size(r->plan.points[point].size_bytes, size);
	rg_progress_step(&r->progress, point, r->plan.npoints, size,
			 bench_cost_points_ns(job, point));
}

/* What was measured of it until then would be of another network than what follows. */
static void void_samples(struct rank *r, uint32_t point)
{
	for (uint32_t c = 0; c < r->spans[point].n; c++) {
		struct rg_samples *x = &r->samples[c];

		if (x->stop == RG_STOP_NOT_RUN && x->refused[0])
			continue;
		x->n = 0;
		x->invalid = 0;
		x->stop = RG_STOP_FAILED;
		snprintf(x->refused, sizeof(x->refused), "%s", r->recovery.why.text);
	}
}

/* The run goes on: says so, now and in the result. */
static int tell_failure(struct rank *r, uint32_t point, struct rg_err *err)
{
	char size[RG_UNITS_BYTES], next[RG_UNITS_BYTES] = "", rails[128];
	bool last = point + 1 == r->plan.npoints;

	if (!r->nfailed++) {
		r->first_failed = point;
		r->failure = r->recovery.why;
	}
	void_samples(r, point);
	if (!r->out)
		return 0;
	rg_format_size(r->plan.points[point].size_bytes, size);
	if (!last)
		rg_format_size(r->plan.points[point + 1].size_bytes, next);
	rg_recovery_rails(&r->recovery, rails, sizeof(rails));
	rg_progress_hide(&r->progress);
	rg_log(RG_LOG_WARN, "%sB failed: %s", size, r->recovery.why.text);
	return bench_out_warn(r->out, err, "rail", "%s failed at %sB, %s%s%s", rails, size,
			      last ? "the last size" : "and is left out from ", next,
			      last ? "" : "B on");
}

/* What is left of them bounds what follows. */
static int look_at_lines(struct rank *r, struct rg_err *err)
{
	if (!r->lines.nnodes)
		return 0;
	rg_network_release(&r->lines);
	return rg_network_of_lines(r->job.ep, r->m.nodes, r->job.deadline_ns, &r->lines, err);
}

static int end_point(struct rank *r, struct bench_job *job, uint32_t point, bool failed,
		     uint32_t rails, struct rg_err *err)
{
	int rc = r->counters ? rg_nic_job_read(r->counters, err) : 0;

	if (rc)
		return rc;
	rg_progress_hide(&r->progress);
	if (r->recovery.sampler) /* else this was the last one */
		rg_sampler_start(r->recovery.sampler, &job->start);
	if (failed)
		rc = tell_failure(r, point, err);
	if (!rc && r->out)
		rc = bench_out_point(r->out, point, r->samples, &job->start, rails, err);
	if (!rc && failed && r->job.ep)
		rc = look_at_lines(r, err);
	for (uint32_t c = 0; c < r->spans[point].n; c++)
		rg_samples_release(&r->samples[c]);
	return ranks_agree(&r->m, rc, err);
}

static int measure_point(struct rank *r, struct bench_job *job, uint32_t point,
			 bool *interrupted_out, struct rg_err *err)
{
	const struct bench_span *span = &r->spans[point];
	uint32_t rails = r->job.ep ? r->job.ep->rails : 0;
	int rc;

	if (r->job.rdv->rank == 0)
		show_progress(r, job, point);
	rc = rg_sampler_point(r->recovery.sampler, &r->plan.points[point], r->candidates + span->at,
			      span->n, r->samples, interrupted_out, err);
	rc = rg_recovery_settle(&r->recovery, rc, point + 1 == r->plan.npoints, err);
	r->m.agreed |= r->recovery.agreed;
	if (rc < 0)
		return rc;
	if (rc) /* not all may have heard of an interruption, but the next point asks again */
		*interrupted_out = false;
	return end_point(r, job, point, rc, rails, err);
}

int bench_measure(struct rank *r, const struct bench_job *begun, bool *interrupted_out,
		  struct rg_err *err)
{
	struct bench_job job = *begun;
	char stage[48];
	int rc = 0;

	snprintf(stage, sizeof(stage), "measuring %u size%s", r->plan.npoints,
		 r->plan.npoints > 1 ? "s" : "");
	rg_progress_stage(&r->progress, stage, bench_cost_points_ns(&job, 0));
	if (r->counters)
		rc = rg_nic_job_read(r->counters, err);
	for (uint32_t i = 0; !rc && !*interrupted_out && i < r->plan.npoints; i++)
		rc = measure_point(r, &job, i, interrupted_out, err);
	return rc;
}

int bench_measure_end(struct rank *r, struct rg_err *err)
{
	char size[RG_UNITS_BYTES];

	if (!r->nfailed)
		return 0;
	r->m.agreed = true; /* all ranks have counted the same */
	rg_format_size(r->plan.points[r->first_failed].size_bytes, size);
	return rg_err_set(err, RG_ERR_PEER, "%u of %u sizes failed, %sB because of: %s", r->nfailed,
			  r->plan.npoints, size, r->failure.text);
}
