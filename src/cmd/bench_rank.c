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
#include "railgauge/report/progress.h"
#include "railgauge/transport/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* For the others to hear why this rank gives up, before its memory and its process are gone. */
#define LINGER_NS 300000000

uint64_t bench_rank_deadline(const struct rank *r)
{
	return rg_clock_ns() + r->job.deadline_ns;
}

/*
 * Did an agreement, here or further down, give these words to all ranks? A peer that is gone or
 * late was not there to agree, and what each rank waited for is its own to tell.
 */
static bool known_to_all(const struct rank *r, int rc, const struct rg_err *err)
{
	const struct rg_err *agreed = &r->job.rdv->agreed;

	return rc != RG_ERR_PEER && rc != RG_ERR_TIMEOUT && agreed->code == rc &&
	       !strcmp(agreed->text, err->text);
}

int bench_rank_agree(struct rank *r, int rc, struct rg_err *err)
{
	struct rg_err why = err ? *err : (struct rg_err){0};
	int all = rg_rendezvous_agree(r->job.rdv, rc, bench_rank_deadline(r), &why);

	if (!all)
		return 0;
	r->agreed = known_to_all(r, all, &why);
	/* Mostly all fail alike; then the words need no rank in front. */
	return rc == all ? rc : rg_err_set(err, all, "%s", why.text);
}

/* --- the transport --- */

/* Memory within a node, sockets between nodes, and between containers that hide their processes. */
static const char *suits_nodes(const struct rank *r)
{
	bool apart = false, shared = false;

	for (uint32_t k = 0; k < r->job.rdv->nranks; k++) {
		apart |= !rg_process_may_share(&r->places[k].process, &r->places[0].process);
		shared |= r->job.local[k] > 0;
	}
	return r->one_host && !apart ? "shm" : shared ? "mixed" : "tcp";
}

static int choose_transport(const struct rank *r, const struct rg_transport_ops **out,
			    struct rg_err *err)
{
	const struct bench *b = r->bench;
	const char *name = b->options.transport;
	int rc;

	if (!strcmp(name, "auto"))
		name = b->threads ? "inproc" : suits_nodes(r);
	rc = rg_transport_find(name, out, err);
	if (rc)
		return rg_err_prefix(err, "--transport");
	if (*out == &rg_transport_inproc && !b->threads && r->job.rdv->nranks > 1)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"--transport inproc joins threads of one process (--threads), and "
			"these ranks are processes");
	return 0;
}

static int open_endpoint(struct rank *r, const struct rg_transport_ops *ops, struct rg_err *err)
{
	const struct rg_transport_config config = {
		.geometry = rg_geometry_for(ops, r->job.rdv->nranks),
		.patience = r->crowded ? rg_patience_shared_core : rg_patience_own_core,
		.timeout_ns = r->job.deadline_ns,
		.interface = r->bench->options.interface,
		.congestion = r->bench->options.congestion,
		.verbs = &r->bench->verbs,
	};
	int rc = ops->open(r->job.rdv, &config, &r->job.ep, err);

	return rc ? rc
		  : bench_rank_agree(r, rg_executor_open(r->job.ep, 1, &r->job.executor, err), err);
}

static int open_transport(struct rank *r, struct rg_err *err)
{
	const struct rg_transport_ops *ops = NULL;
	int rc = choose_transport(r, &ops, err);
	uint32_t nnodes;

	if (!rc)
		rc = ops->probe(err);
	rc = bench_rank_agree(r, rc, err);
	if (!rc)
		rc = open_endpoint(r, ops, err);
	/* Ranks of one host may need sockets all the same. */
	if (!rc && ops == &rg_transport_mixed)
		rc = rg_stream_nodes(r->job.ep, r->nodes, r->nodes + r->job.rdv->nranks, &nnodes,
				     err);
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

	if (!r->job.ep ||
	    (r->job.ep->ops != &rg_transport_tcp && r->job.ep->ops != &rg_transport_mixed))
		return 1;
	if (r->job.ep->ops == &rg_transport_tcp)
		return r->job.rdv->nranks;
	for (uint32_t k = 0; k < r->job.rdv->nranks; k++)
		last = r->nodes[k] > last ? r->nodes[k] : last;
	return last + 1;
}

static void describe_job(const struct rank *r, struct bench_job *job)
{
	*job = (struct bench_job){
		.bench = r->bench,
		.nranks = r->job.rdv->nranks,
		.places = r->places,
		.machines = r->machines,
		.rendezvous = r->job.rdv->ops->name,
		.transport = r->job.ep ? r->job.ep->ops->name : NULL,
		.network = r->way,
		.link_bytes = r->job.ep ? rg_geometry_link_bytes(&r->job.ep->config.geometry) : 0,
		.nnodes = count_nodes(r),
		.one_host = r->one_host,
		.crowded = r->crowded,
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
	if (r->sampler)
		rg_sampler_start(r->sampler, &job->start);
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
		rc = bench_calibrate(&job, r->job.rdv, r->sampler, &r->calibration, err);
		r->calibrated = !rc;
	}
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
	int rc = rg_sampler_congestion(r->sampler, names, err);

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
	if (!rc && r->bench->watch)
		bench_watch_last(r->bench->watch, bench_out_abandon, r->out);
	return rc;
}

static int begin_output(struct rank *r, struct rg_err *err)
{
	rg_progress_hide(&r->progress);
	if (!r->out)
		return 0;
	return bench_out_begin(r->out, r->calibrated ? &r->calibration : NULL,
			       r->network.nnodes ? &r->network : NULL, err);
}

static void show_progress(struct rank *r, const struct bench_job *job, uint32_t point)
{
	char size[RG_UNITS_BYTES];

	rg_format_size(r->plan.points[point].size_bytes, size);
	rg_progress_step(&r->progress, point, r->plan.npoints, size,
			 bench_cost_points_ns(job, point));
}

static int measure_points(struct rank *r, bool *interrupted_out, struct rg_err *err)
{
	bool first = r->job.rdv->rank == 0;
	struct bench_job job;
	char stage[48];
	int rc = 0;

	describe_job(r, &job);
	snprintf(stage, sizeof(stage), "measuring %u size%s", r->plan.npoints,
		 r->plan.npoints > 1 ? "s" : "");
	rg_progress_stage(&r->progress, stage, bench_cost_points_ns(&job, 0));
	if (r->counters)
		rc = rg_nic_job_read(r->counters, err);
	for (uint32_t i = 0; !rc && !*interrupted_out && i < r->plan.npoints; i++) {
		const struct bench_span *span = &r->spans[i];

		if (first)
			show_progress(r, &job, i);
		rc = rg_sampler_point(r->sampler, &r->plan.points[i], r->candidates + span->at,
				      span->n, r->samples, interrupted_out, err);
		if (!rc && r->counters)
			rc = rg_nic_job_read(r->counters, err);
		if (rc)
			return rc;
		rg_progress_hide(&r->progress);
		rg_sampler_start(r->sampler, &job.start);
		if (first)
			rc = bench_out_point(r->out, i, r->samples, &job.start, err);
		for (uint32_t c = 0; c < span->n; c++)
			rg_samples_release(&r->samples[c]);
		rc = bench_rank_agree(r, rc, err);
	}
	return rc;
}

/* Others' load on rank 0's host, over the whole run. */
static int others_load(struct rank *r, double *load_out, struct rg_err *err)
{
	uint32_t n = r->job.rdv->nranks;
	double *own = rg_zalloc(n, sizeof(double));
	struct rg_load now;
	double mine, sum = 0;
	int rc = own ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);

	rg_load_read(&now);
	mine = now.own_s - r->load.own_s;
	rc = bench_rank_agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(r->job.rdv, &mine, own, sizeof(mine),
					     bench_rank_deadline(r), err);
	for (uint32_t k = 0; !rc && k < n; k++) {
		const struct rg_process *p = &r->places[k].process, *p0 = &r->places[0].process;
		/* Threads are one process, and have all said the same. */
		bool thread = k > 0 && p->pid == p0->pid && p->pid_space == p0->pid_space;

		if (rg_place_same_machine(&r->places[k], &r->places[0]) && !thread)
			sum += own[k];
	}
	*load_out = rc ? 0 : rg_load_others(&r->load, &now, sum);
	rg_free(own);
	return rc;
}

static int conclude(struct rank *r, bool interrupted, struct rg_err *err)
{
	const char *words;
	double load = 0;
	int rc = others_load(r, &load, err);

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
	return bench_rank_agree(r, rc, err);
}

/* Only MPI's collectives need it: ours have deadlines. */
static int start_watch(struct rank *r, struct rg_err *err)
{
	struct bench_watch *watch = r->bench->watch;
	bool needed = false;
	int rc;

	if (!watch)
		return 0;
	rc = bench_watch_peers(watch, r->places, r->job.rdv->rank, r->job.rdv->nranks,
			       r->bench->mpi->module, err);
	for (uint32_t i = 0; i < r->nspecs; i++)
		needed |= r->specs[i].ops != &rg_target_railgauge;
	if (rc || !needed)
		return rc;
	bench_watch_measure(watch);
	r->config.busy_since_ns = bench_watch_busy(watch);
	return 0;
}

static int prepare(struct rank *r, struct rg_err *err)
{
	int rc = bench_meet(r, err);

	if (!rc)
		rc = open_transport(r, err);
	if (!rc)
		rc = bench_plan_traffic(r, err);
	if (!rc)
		rc = bench_rank_agree(r, bench_plan_open(r, err), err);
	if (!rc)
		rc = bench_rank_agree(r, bench_plan_candidates(r, err), err);
	if (rc)
		return rc;
	bench_plan_config(r);
	rc = bench_rank_agree(r, check_memory(r, err), err);
	return rc ? rc : bench_rank_agree(r, start_watch(r, err), err);
}

static int dry_run(const struct rank *r, struct rg_err *err)
{
	struct bench_job job;

	if (r->job.rdv->rank != 0)
		return 0;
	describe_job(r, &job);
	return bench_cost_print(&job, err);
}

static int measure(struct rank *r, struct rg_err *err)
{
	bool interrupted = false;
	int rc;

	if (r->bench->refused && err)
		*err = r->bench->why;
	rc = bench_rank_agree(r, r->bench->refused, err);
	if (!rc)
		rc = prepare(r, err);
	if (!rc && r->bench->options.dry_run)
		return dry_run(r, err);
	if (!rc)
		rc = rg_sampler_open(&r->job, &r->config, &r->sampler, err);
	if (rc)
		return rc;
	rc = describe_way(r, err);
	if (!rc)
		rc = bench_counters_open(r, err);
	if (!rc)
		rc = bench_rank_agree(r, open_output(r, err), err);
	if (!rc)
		rc = calibrate(r, err);
	if (!rc)
		rc = bench_rank_agree(r, begin_output(r, err), err);
	rg_load_read(&r->load);
	if (!rc)
		rc = measure_points(r, &interrupted, err);
	return rc ? rc : conclude(r, interrupted, err);
}

/* A failure that not all ranks know of is told by each that saw it: who speaks? */
static void name_speaker(const struct rg_rendezvous *rdv, struct rg_err *err)
{
	char host[64] = "";

	if (rdv->nranks == 1)
		return;
	if (gethostname(host, sizeof(host) - 1))
		snprintf(host, sizeof(host), "an unnamed host");
	rg_err_prefix(err, "rank %u (%s)", rdv->rank, host);
}

/* A failure that the others do not know of. */
static void give_up(const struct rank *r, int rc, struct rg_err *err)
{
	r->job.rdv->ops->abort(r->job.rdv, err);
	/* They are to find these words before they find that this process is gone. */
	if (r->job.rdv->nranks > 1 && rc != RG_ERR_PEER && rc != RG_ERR_TIMEOUT)
		rg_clock_sleep_until(rg_clock_ns() + LINGER_NS);
	name_speaker(r->job.rdv, err);
}

int bench_rank(const struct bench *bench, struct rg_rendezvous *rdv, bool *agreed_out,
	       struct rg_err *err)
{
	struct rank r = {
		.bench = bench,
		.job =
			{
				.rdv = rdv,
				.mpi = bench->mpi,
				.no_mpi = bench->no_mpi,
				.no_transport = "no transport was opened",
				.deadline_ns = bench->options.timeout_ns,
			},
		.access = {bench->access[0], bench->access[1]},
	};
	int rc;

	rg_log_set_rank((int)rdv->rank);
	rg_progress_init(&r.progress, rdv->rank == 0 ? stderr : NULL);
	rc = measure(&r, err);
	if (rc && r.out)
		bench_out_abandon(r.out);
	r.agreed = r.agreed || (rc && known_to_all(&r, rc, err));
	if (rc && !r.agreed)
		give_up(&r, rc, err);
	rg_progress_hide(&r.progress);
	/* Peers that are threads look into our memory until they have ended as well. */
	if (bench->gate)
		bench_gate_pass(bench->gate);
	if (bench->watch) {
		bench_watch_leave(bench->watch);
		bench_watch_last(bench->watch, NULL, NULL);
	}
	bench_out_close(r.out);
	rg_sampler_close(r.sampler);
	rg_nic_job_close(r.counters);
	for (uint32_t c = 0; c < r.nsamples; c++)
		rg_samples_release(&r.samples[c]);
	rg_free(r.samples);
	rg_free(r.candidates);
	rg_free(r.spans);
	rg_free(r.specs);
	rg_plan_close(&r.plan);
	rg_free(r.weights);
	rg_executor_close(r.job.executor);
	if (r.job.ep)
		r.job.ep->ops->close(r.job.ep);
	rg_network_release(&r.network);
	rg_free(r.nodes);
	rg_free(r.places);
	rg_free(r.machines);
	*agreed_out = r.agreed || !rc;
	return rc;
}
