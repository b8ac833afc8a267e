/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rank of a measurement. All ranks do the same, in the same order; what can fail on one of them
 * alone is followed by an agreement, so that all go on or all give up.
 */
#include "config.h"

#include "bench.h"
#include "bench_rank.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/device/reduce.h"
#include "railgauge/measure/network_lines.h"
#include "railgauge/report/progress.h"
#include "railgauge/transport/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The ranks get to know each other, and their job. */
static int meet(struct rank *r, struct rg_err *err)
{
	const struct bench *b = r->bench;
	const void *const bases[] = {&b->options, &b->verbs};
	uint32_t n = r->job.rdv->nranks, rank = r->job.rdv->rank;
	int rc = ranks_meet(&r->m, &bench_command, bases, &b->origins, rg_coll_name(b->coll), err);

	if (rc)
		return rc;
	r->job.node = r->m.nodes;
	r->job.local = r->m.nodes + n;
	r->job.stream_from_bytes = rg_stream_threshold_bytes(
		r->m.places[rank].llc_bytes, rg_place_llc_sharers(r->m.places, n, rank));
	return 0;
}

/* --- the transport --- */

static int open_endpoint(struct rank *r, const struct rg_transport_ops *ops, struct rg_err *err)
{
	int rc;

	r->recovery = (struct rg_recovery){
		.job = &r->job,
		.ops = ops,
		.config =
			{
				.geometry = rg_geometry_for(ops, r->job.rdv->nranks),
				.patience = r->m.crowded ? rg_patience_shared_core
							 : rg_patience_own_core,
				.timeout_ns = r->job.deadline_ns,
				.interface = r->bench->options.interface,
				.congestion = r->bench->options.congestion,
				.verbs = &r->bench->verbs,
				.local = ranks_local(&r->m),
				.nlocal = ranks_nlocal(&r->m),
			},
	};
	rc = ranks_agree(&r->m, ops->probe(&r->recovery.config, err), err);
	return rc ? rc : rg_recovery_open(&r->recovery, err);
}

static int open_transport(struct rank *r, struct rg_err *err)
{
	const struct ranks_network network = {.verbs = &r->bench->verbs,
					      .interface = r->bench->options.interface,
					      .congestion = r->bench->options.congestion};
	const struct rg_transport_ops *ops = NULL;
	int rc = ranks_transport(&r->m, r->bench->options.transport, &network, &ops, err);
	uint32_t nnodes;

	rc = ranks_agree(&r->m, rc, err);
	if (!rc)
		rc = open_endpoint(r, ops, err);
	/* Ranks of one host may need sockets all the same. */
	if (!rc && ops == &rg_transport_mixed)
		rc = rg_stream_nodes(r->job.ep, r->m.nodes, r->m.nodes + r->job.rdv->nranks,
				     &nnodes, err);
	/* Where nobody's memory is reached, windows would be the same as private buffers. */
	if (!rc && !(r->job.ep->caps & RG_CAP_MAPPED) && r->access[RG_ACCESS_PRIVATE])
		r->access[RG_ACCESS_WINDOW] = false;
	if (!rc && ops == &rg_transport_null && r->job.rdv->rank == 0)
		rg_log(RG_LOG_WARN, "transport null moves NO data: its times are those of doing "
				    "nothing");
	return rc;
}

/* --- what the other parts need to know --- */

/* Nodes by what they need sockets for. */
static uint32_t count_nodes(const struct rank *r)
{
	uint32_t last = 0;
	bool sockets = false;

	for (uint32_t k = 0; r->job.ep && k < r->job.rdv->nranks; k++)
		sockets |= rg_stream_reaches(r->job.ep, k);
	if (!sockets)
		return 1;
	if (r->job.ep->ops == &rg_transport_tcp)
		return r->job.rdv->nranks;
	for (uint32_t k = 0; k < r->job.rdv->nranks; k++)
		last = r->m.nodes[k] > last ? r->m.nodes[k] : last;
	return last + 1;
}

static void describe_job(const struct rank *r, struct bench_job *job)
{
	*job = (struct bench_job){
		.bench = r->bench,
		.nranks = r->job.rdv->nranks,
		.m = &r->m,
		.rendezvous = r->job.rdv->ops->name,
		.transport = r->job.ep ? r->job.ep->ops->name : NULL,
		.network = r->way,
		.link_bytes = r->job.ep ? rg_geometry_link_bytes(&r->job.ep->config.geometry) : 0,
		.nnodes = count_nodes(r),
		.multicast = r->job.ep && r->job.ep->caps & RG_CAP_MULTICAST,
		.plan = &r->plan,
		.weights = r->weights,
		.config = &r->config,
		.specs = r->specs,
		.nspecs = r->nspecs,
		.candidates = r->candidates,
		.ncandidates = r->ncandidates,
		.spans = r->spans,
		.counters = r->counters,
	};
	if (r->recovery.sampler)
		rg_sampler_start(r->recovery.sampler, &job->start);
}

static int check_memory(const struct rank *r, struct rg_err *err)
{
	struct bench_job job;

	describe_job(r, &job);
	return bench_cost_check(&job, r->job.rdv->rank, err);
}

/* --- the measurement --- */

static int calibrate(struct rank *r, struct rg_err *err)
{
	struct bench_job job;
	int rc = 0;

	if (!r->bench->options.calibrate)
		return 0;
	describe_job(r, &job);
	if (r->bench->coll != RG_COLL_BARRIER) {
		rg_progress_stage(&r->progress, "calibrating the memory", 0);
		rc = bench_calibrate(&job, r->job.rdv, r->recovery.sampler, &r->calibration, err);
		r->calibrated = !rc;
	}
	if (!rc && r->job.ep && job.nnodes < 2)
		rc = rg_network_of_lines(r->job.ep, r->m.nodes, r->job.deadline_ns, &r->lines, err);
	if (rc || job.nnodes < 2)
		return rc;
	rg_progress_stage(&r->progress, "calibrating the network",
			  rg_calibrate_network_cost_ns(job.nnodes));
	return bench_calibrate_network(&job, r->job.ep, &r->progress, &r->network, err);
}

/* Of all ranks' connections: routes may give some of them another congestion control. */
static int describe_way(struct rank *r, struct rg_err *err)
{
	char names[RG_CONGESTION_BYTES], *name, *rest = names;
	size_t used;
	int rc = rg_sampler_congestion(r->recovery.sampler, names, err);

	if (rc || !r->job.ep)
		return rc;
	snprintf(r->way, sizeof(r->way), "%s", r->job.ep->about);
	for (int n = 0; (name = strtok_r(rest, " ", &rest)); n++) {
		used = strlen(r->way);
		snprintf(r->way + used, sizeof(r->way) - used, "%s%s",
			 n ? " or " : ", congestion control ", name);
	}
	return 0;
}

static int open_output(struct rank *r, struct rg_err *err)
{
	struct bench_job job;
	int rc;

	if (r->job.rdv->rank != 0)
		return 0;
	describe_job(r, &job);
	rc = bench_out_open(&job, &r->out, err);
	if (!rc && r->bench->ranks.watch)
		ranks_watch_last(r->bench->ranks.watch, bench_out_abandon, r->out);
	return rc;
}

static int begin_output(struct rank *r, struct rg_err *err)
{
	rg_progress_hide(&r->progress);
	if (!r->out)
		return 0;
	return bench_out_begin(r->out, r->calibrated ? &r->calibration : NULL,
			       r->network.nnodes ? &r->network : NULL,
			       r->lines.nnodes ? &r->lines : NULL, err);
}

static int conclude(struct rank *r, bool interrupted, struct rg_err *err)
{
	const char *words;
	double load = 0;
	int rc = ranks_others_load(&r->m, &load, err);

	if (rc)
		return rc;
	if (r->out) {
		uint64_t wrong = bench_out_wrong(r->out, &words);

		rc = bench_out_finish(r->out, !interrupted, load, err);
		if (!rc && wrong)
			rc = rg_err_set(err, RG_ERR_WRONG_DATA, "%" PRIu64 " wrong elements; %s",
					wrong, words);
		else if (!rc && interrupted)
			rc = rg_err_set(err, RG_ERR_INTERRUPTED,
					"interrupted; what was measured until then is complete");
	}
	rc = ranks_agree(&r->m, rc, err);
	return rc ? rc : bench_measure_end(r, err);
}

/* Is anything measured but railgauge's own algorithms? */
static bool has_others(const struct rank *r)
{
	for (uint32_t i = 0; i < r->nspecs; i++) {
		if (r->specs[i].ops != &rg_target_railgauge)
			return true;
	}
	return false;
}

/* Only MPI's collectives need it: ours have deadlines. */
static int start_watch(struct rank *r, struct rg_err *err)
{
	struct ranks_watch *watch = r->bench->ranks.watch;
	int rc;

	if (!watch)
		return 0;
	rc = ranks_watch_peers(watch, r->m.places, r->job.rdv->rank, r->job.rdv->nranks,
			       r->bench->ranks.mpi->module, err);
	if (rc || !has_others(r))
		return rc;
	ranks_watch_measure(watch);
	r->config.busy_since_ns = ranks_watch_busy(watch);
	return 0;
}

static int prepare(struct rank *r, struct rg_err *err)
{
	int rc = meet(r, err);

	if (!rc)
		rc = open_transport(r, err);
	if (!rc)
		rc = bench_plan_traffic(r, err);
	if (!rc)
		rc = ranks_agree(&r->m, bench_plan_open(r, err), err);
	if (!rc)
		rc = ranks_agree(&r->m, bench_plan_candidates(r, err), err);
	if (rc)
		return rc;
	bench_plan_config(r);
	rc = ranks_agree(&r->m, check_memory(r, err), err);
	return rc ? rc : ranks_agree(&r->m, start_watch(r, err), err);
}

static int dry_run(const struct rank *r, struct rg_err *err)
{
	struct bench_job job;

	if (r->job.rdv->rank != 0)
		return 0;
	describe_job(r, &job);
	return bench_cost_print(&job, err);
}

static int open_counters(struct rank *r, struct rg_err *err)
{
	/* A library that may use any adapter, and does not say which. */
	return ranks_counters_open(&r->m, r->bench->options.counters,
				   r->job.ep ? r->job.ep->nics : "",
				   has_others(r) && !r->m.one_host, &r->counters, err);
}

static int measure(struct rank *r, struct rg_err *err)
{
	bool interrupted = false;
	struct bench_job job;
	int rc;

	if (r->bench->ranks.refused && err)
		*err = r->bench->ranks.why;
	rc = ranks_agree(&r->m, r->bench->ranks.refused, err);
	if (!rc)
		rc = prepare(r, err);
	if (!rc && r->bench->options.dry_run)
		return dry_run(r, err);
	r->recovery.only_own = !has_others(r);
	if (!rc)
		rc = rg_recovery_sample(&r->recovery, &r->config, err);
	if (rc)
		return rc;
	rc = describe_way(r, err);
	if (!rc)
		rc = open_counters(r, err);
	if (!rc)
		rc = ranks_agree(&r->m, open_output(r, err), err);
	if (!rc)
		rc = calibrate(r, err);
	if (!rc)
		rc = ranks_agree(&r->m, begin_output(r, err), err);
	rg_load_read(&r->m.load);
	if (rc)
		return rc;
	describe_job(r, &job);
	rc = bench_measure(r, &job, &interrupted, err);
	return rc ? rc : conclude(r, interrupted, err);
}

int bench_rank(const struct ranks *ranks, struct rg_rendezvous *rdv, bool *agreed_out,
	       struct rg_err *err)
{
	const struct bench *bench = ranks->command;
	struct rank r = {
		.bench = bench,
		.m = {.ranks = ranks, .rdv = rdv},
		.job =
			{
				.rdv = rdv,
				.mpi = ranks->mpi,
				.no_mpi = ranks->no_mpi,
				.no_transport = "no transport was opened",
				.deadline_ns = ranks->timeout_ns,
			},
		.access = {bench->access[0], bench->access[1]},
	};
	int rc;

	rg_log_set_rank((int)rdv->rank);
	rg_progress_init(&r.progress, rdv->rank == 0 ? stderr : NULL);
	rc = measure(&r, err);
	if (rc && r.out)
		bench_out_abandon(r.out);
	rg_progress_hide(&r.progress);
	ranks_end(&r.m, rc, agreed_out, err);
	bench_out_close(r.out);
	rg_recovery_close(&r.recovery);
	rg_nic_job_close(r.counters);
	for (uint32_t c = 0; c < r.nsamples; c++)
		rg_samples_release(&r.samples[c]);
	rg_free(r.samples);
	rg_free(r.candidates);
	rg_free(r.spans);
	rg_free(r.specs);
	rg_plan_close(&r.plan);
	rg_free(r.weights);
	rg_network_release(&r.network);
	rg_network_release(&r.lines);
	ranks_release(&r.m);
	return rc;
}
