/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rank of a measurement. All ranks do the same, in the same order; what can fail on one of them
 * alone is followed by an agreement, so that all go on or all give up.
 */
#include "config.h"

#include "bench.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"
#include "railgauge/base/units.h"
#include "railgauge/device/buffer.h"
#include "railgauge/device/reduce.h"
#include "railgauge/report/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define CANDIDATES_MAX (RG_TARGETS_MAX * 4) /* in and out of place, two kinds of buffers */

struct rank {
	const struct bench *bench; /* borrowed */
	struct rg_job job;
	bool agreed;		 /* all ranks know of the failure */
	struct rg_place *places; /* owned, [nranks] */
	bool crowded;
	struct rg_plan plan;	      /* owned */
	struct rg_target_spec *specs; /* owned, [RG_TARGETS_MAX] */
	uint32_t nspecs;
	struct rg_candidate *candidates; /* owned, [CANDIDATES_MAX] */
	uint32_t ncandidates;
	struct rg_sampler_config config;
	struct rg_sampler *sampler; /* owned */
	bool calibrated;
	struct rg_calibration calibration;
	struct rg_samples *samples;  /* owned, [ncandidates]: of the point being measured */
	struct bench_out *out;	     /* owned; rank 0 */
	struct rg_progress progress; /* silent but on rank 0 */
	struct rg_load load;	     /* at the start */
};

static uint64_t deadline(const struct rank *r)
{
	return rg_clock_ns() + r->job.deadline_ns;
}

/* What happened here happens everywhere. */
static int agree(struct rank *r, int rc, struct rg_err *err)
{
	struct rg_err why = err ? *err : (struct rg_err){0};
	int all = rg_rendezvous_agree(r->job.rdv, rc, deadline(r), &why);

	if (!all)
		return 0;
	/* A peer that is gone was not there to agree. */
	r->agreed = all != RG_ERR_PEER && all != RG_ERR_TIMEOUT;
	/* Mostly all fail alike; then the words need no rank in front. */
	return rc == all ? rc : rg_err_set(err, all, "%s", why.text);
}

/* --- the ranks get to know each other --- */

/* A digest of everything that must be equal: the command line as it was understood. */
static void digest(const struct bench *b, uint8_t out[RG_SHA256_BYTES])
{
	const void *const bases[] = {&b->options};
	json_t *config = rg_opt_record(&bench_command, bases, &b->origins);
	char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	struct rg_sha256 s;

	rg_sha256_init(&s);
	rg_sha256_add(&s, &b->coll, sizeof(b->coll));
	if (text)
		rg_sha256_add(&s, text, strlen(text));
	rg_sha256_end(&s, out);
	free(text);
	json_decref(config);
}

static int compare_configs(struct rank *r, struct rg_err *err)
{
	uint32_t n = r->job.rdv->nranks;
	uint8_t mine[RG_SHA256_BYTES];
	uint8_t(*all)[RG_SHA256_BYTES] = rg_zalloc(n, sizeof(*all));
	int rc = 0;

	digest(r->bench, mine);
	if (!all)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);
	rc = agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(r->job.rdv, mine, all, sizeof(mine), deadline(r), err);
	for (uint32_t k = 1; !rc && k < n; k++) {
		if (memcmp(all[k], all[0], sizeof(mine)) != 0) {
			r->agreed = true; /* all see the same digests */
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rank %u on %s was started with other options than rank 0 "
					"on %s",
					k, r->places[k].host, r->places[0].host);
		}
	}
	rg_free(all);
	return rc;
}

static int exchange_places(struct rank *r, struct rg_err *err)
{
	struct rg_rendezvous *rdv = r->job.rdv;
	struct rg_place mine;
	int rc = 0;

	rg_place_here("", &mine);
	r->places = rg_zalloc(rdv->nranks, sizeof(mine));
	if (!r->places)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", rdv->nranks);
	rc = agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, r->places, sizeof(mine), deadline(r), err);
	if (rc)
		return rc;
	r->crowded = rg_place_crowded(r->places, rdv->nranks);
	r->job.stream_from_bytes = rg_stream_threshold_bytes(
		mine.llc_bytes, rg_place_llc_sharers(r->places, rdv->nranks, rdv->rank));
	return 0;
}

/* --- the transport --- */

static int choose_transport(const struct rank *r, const struct rg_transport_ops **out,
			    struct rg_err *err)
{
	const struct bench *b = r->bench;
	const char *name = b->options.transport;
	int rc;

	if (!strcmp(name, "auto"))
		name = b->threads ? "inproc" : "shm";
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

static int open_transport(struct rank *r, struct rg_err *err)
{
	const struct rg_transport_config config = {
		.geometry = rg_geometry_default,
		.patience = r->crowded ? rg_patience_shared_core : rg_patience_own_core,
		.timeout_ns = r->job.deadline_ns,
	};
	const struct rg_transport_ops *ops = NULL;
	int rc = choose_transport(r, &ops, err);

	if (!rc)
		rc = ops->probe(err);
	rc = agree(r, rc, err);
	if (!rc)
		rc = ops->open(r->job.rdv, &config, &r->job.ep, err);
	if (!rc)
		rc = agree(r, rg_executor_open(r->job.ep, 1, &r->job.executor, err), err);
	if (!rc && ops == &rg_transport_null && r->job.rdv->rank == 0)
		rg_log(RG_LOG_WARN, "transport null moves NO data: its times are those of doing "
				    "nothing");
	return rc;
}

/* --- what is to be done --- */

static int make_plan(struct rank *r, struct rg_err *err)
{
	const struct bench_options *o = &r->bench->options;
	uint64_t llc = r->places[r->job.rdv->rank].llc_bytes;
	struct rg_plan_config config = {
		.coll = r->bench->coll,
		.type = (enum rg_type)o->type,
		.nranks = r->job.rdv->nranks,
		.min_bytes = o->min_bytes,
		.max_bytes = o->max_bytes,
		.factor = o->factor,
		.step_bytes = o->step_bytes,
	};

	if (o->root >= (int64_t)config.nranks)
		return rg_err_set(err, RG_ERR_RANGE, "--root %" PRId64 ": there are %u ranks",
				  o->root, config.nranks);
	/* An eighth of the cache for the small pairs of all ranks; the same on every rank. */
	config.cached_bytes = (llc ? llc : (uint64_t)32 << 20) / 8 /
			      rg_place_local(r->places, config.nranks, 0, NULL);
	if (config.cached_bytes < (uint64_t)512 << 10)
		config.cached_bytes = (uint64_t)512 << 10;
	return rg_plan_open(&config, &r->plan, err);
}

static void add_candidates(struct rank *r, uint32_t spec, enum rg_access buffers)
{
	const struct bench_options *o = &r->bench->options;

	for (int in_place = 0; in_place < 2; in_place++) {
		if (in_place && (o->place == BENCH_PLACE_OUT || r->bench->coll == RG_COLL_BARRIER))
			continue;
		if (!in_place && o->place == BENCH_PLACE_IN && r->bench->coll != RG_COLL_BARRIER)
			continue;
		r->candidates[r->ncandidates++] =
			(struct rg_candidate){&r->specs[spec], in_place, buffers};
	}
}

static int make_candidates(struct rank *r, struct rg_err *err)
{
	int rc;

	r->specs = rg_zalloc(RG_TARGETS_MAX, sizeof(*r->specs));
	r->candidates = rg_zalloc(CANDIDATES_MAX, sizeof(*r->candidates));
	if (!r->specs || !r->candidates)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the targets");
	rc = rg_target_expand(&r->job, r->bench->coll, r->bench->targets, r->specs, &r->nspecs,
			      err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < r->nspecs; i++) {
		/* Windows first: the enumeration begins with private. */
		for (int a = 1; a >= 0; a--) {
			if (r->bench->access[a])
				add_candidates(r, i, (enum rg_access)a);
		}
	}
	r->samples = rg_zalloc(r->ncandidates, sizeof(*r->samples));
	return r->samples ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the samples");
}

static void make_config(struct rank *r)
{
	const struct bench_options *o = &r->bench->options;

	r->config = (struct rg_sampler_config){
		.coll = r->bench->coll,
		.type = (enum rg_type)o->type,
		.op = (enum rg_op)o->op,
		.root_fixed = o->root >= 0,
		.root = o->root >= 0 ? (uint32_t)o->root : 0,
		.cache = (enum rg_cache)o->cache,
		.check = o->check && (!r->job.ep || (r->job.ep->caps & RG_CAP_DATA)),
		.persistent = o->persistent,
		.channels = (uint32_t)o->channels,
		.precision = o->precision_percent / 100,
		.budget_ns = o->budget_ns,
		.repetitions = (uint64_t)o->repetitions,
		.warmups = (uint32_t)o->warmups,
		.seed = (uint64_t)o->seed,
		.crowded = r->crowded,
		.keep_ranks = o->raw,
		.llc_bytes = r->places[r->job.rdv->rank].llc_bytes,
		.access = {r->bench->access[0], r->bench->access[1]},
		.pairs_bytes = r->plan.pairs_bytes,
		.interrupted = r->bench->interrupted,
	};
}

/* --- memory and time --- */

static void describe_job(const struct rank *r, struct bench_job *job)
{
	*job = (struct bench_job){
		.bench = r->bench,
		.nranks = r->job.rdv->nranks,
		.places = r->places,
		.rendezvous = r->job.rdv->ops->name,
		.transport = r->job.ep ? r->job.ep->ops->name : NULL,
		.plan = &r->plan,
		.candidates = r->candidates,
		.ncandidates = r->ncandidates,
	};
	if (r->sampler)
		rg_sampler_start(r->sampler, &job->start);
}

/* What the calibration takes; nothing if there will be none. */
static void calibration_cost(const struct rank *r, uint64_t *bytes_out, uint64_t *time_ns_out)
{
	struct bench_job job;

	*bytes_out = *time_ns_out = 0;
	if (!r->bench->options.calibrate || r->bench->coll == RG_COLL_BARRIER)
		return;
	describe_job(r, &job);
	bench_calibrate_cost(&job, bytes_out, time_ns_out);
}

static uint64_t rank_bytes(const struct rank *r)
{
	uint64_t kinds = (uint64_t)r->config.access[0] + r->config.access[1];
	uint64_t links = 0, calibration, unused_ns;

	calibration_cost(r, &calibration, &unused_ns);
	if (r->job.ep)
		links = (uint64_t)rg_geometry_link_bytes(&r->job.ep->config.geometry) *
			r->job.rdv->nranks;
	return kinds * r->plan.pairs_bytes + rg_sampler_extra_bytes(&r->config) + links +
	       calibration;
}

/* In MiB, above 10 GiB in GiB: nobody reads bytes. */
static char *format_memory(uint64_t bytes, char *text)
{
	uint64_t unit = bytes >> 30 > 10 ? (uint64_t)1 << 30 : (uint64_t)1 << 20;

	return rg_format_size(bytes / unit * unit, text);
}

/* All ranks of the node together, before anything is allocated. */
static int check_memory(const struct rank *r, struct rg_err *err)
{
	char need_text[RG_UNITS_BYTES], left_text[RG_UNITS_BYTES];
	uint32_t rank = r->job.rdv->rank;
	uint32_t local = rg_place_local(r->places, r->job.rdv->nranks, rank, NULL);
	uint64_t need = rank_bytes(r) * local;
	const char *limit = NULL;
	uint64_t left = rg_memory_available_bytes(&limit);

	if (need <= left)
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY,
			  "%u rank%s on %s would need %s, and %s are left (%s): use a smaller -e",
			  local, local > 1 ? "s" : "", r->places[rank].host,
			  format_memory(need, need_text), format_memory(left, left_text),
			  limit ? limit : "memory");
}

static int print_dry_run(const struct rank *r, struct rg_err *err)
{
	char size[RG_UNITS_BYTES], time[RG_UNITS_BYTES], calibration[RG_UNITS_BYTES];
	uint64_t unused_bytes, time_ns;

	calibration_cost(r, &unused_bytes, &time_ns);
	printf("%u sizes x %u targets, buffers and places = %u points on %u ranks\n",
	       r->plan.npoints, r->ncandidates, r->plan.npoints * r->ncandidates,
	       r->job.rdv->nranks);
	for (uint32_t i = 0; i < r->nspecs; i++)
		printf("  target %s\n", r->specs[i].label);
	printf("time: about %s, at a budget of %s per size and %s to calibrate the memory\n",
	       rg_format_time((double)(r->config.budget_ns * r->plan.npoints + time_ns), time),
	       rg_format_time((double)r->config.budget_ns, size),
	       rg_format_time((double)time_ns, calibration));
	printf("memory: %s per rank\n", format_memory(rank_bytes(r) + ((1 << 20) - 1), size));
	if (fflush(stdout) || ferror(stdout))
		return rg_err_set(err, RG_ERR_SYSTEM, "standard output cannot be written");
	return 0;
}

/* --- the measurement --- */

static int calibrate(struct rank *r, struct rg_err *err)
{
	struct bench_job job;
	int rc;

	if (!r->bench->options.calibrate || r->bench->coll == RG_COLL_BARRIER)
		return 0;
	describe_job(r, &job);
	rg_progress_stage(&r->progress, "calibrating the memory", 0);
	rc = bench_calibrate(&job, r->job.rdv, r->sampler, &r->calibration, err);
	r->calibrated = !rc;
	return rc;
}

static int open_output(struct rank *r, struct rg_err *err)
{
	struct bench_job job;

	if (r->job.rdv->rank != 0)
		return 0;
	describe_job(r, &job);
	return bench_out_open(&job, &r->out, err);
}

static int begin_output(struct rank *r, struct rg_err *err)
{
	rg_progress_hide(&r->progress);
	if (!r->out)
		return 0;
	return bench_out_begin(r->out, r->calibrated ? &r->calibration : NULL, err);
}

static void show_progress(struct rank *r, uint32_t point)
{
	uint32_t left = r->plan.npoints - point;
	char size[RG_UNITS_BYTES];

	rg_format_size(r->plan.points[point].size_bytes, size);
	rg_progress_step(&r->progress, point, r->plan.npoints, size,
			 r->config.budget_ns * left / 2);
}

static int measure_points(struct rank *r, bool *interrupted_out, struct rg_err *err)
{
	bool first = r->job.rdv->rank == 0;
	char stage[48];
	int rc = 0;

	snprintf(stage, sizeof(stage), "measuring %u size%s", r->plan.npoints,
		 r->plan.npoints > 1 ? "s" : "");
	rg_progress_stage(&r->progress, stage, r->config.budget_ns * r->plan.npoints);
	for (uint32_t i = 0; !rc && !*interrupted_out && i < r->plan.npoints; i++) {
		if (first)
			show_progress(r, i);
		rc = rg_sampler_point(r->sampler, &r->plan.points[i], r->candidates, r->ncandidates,
				      r->samples, interrupted_out, err);
		if (rc)
			return rc;
		rg_progress_hide(&r->progress);
		if (first)
			rc = bench_out_point(r->out, &r->plan.points[i], r->samples, err);
		for (uint32_t c = 0; c < r->ncandidates; c++)
			rg_samples_release(&r->samples[c]);
		rc = agree(r, rc, err);
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
	rc = agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(r->job.rdv, &mine, own, sizeof(mine), deadline(r),
					     err);
	for (uint32_t k = 0; !rc && k < n; k++) {
		/* Threads are one process, and have all said the same. */
		if (!strcmp(r->places[k].host, r->places[0].host) &&
		    (k == 0 || r->places[k].pid != r->places[0].pid))
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
	return agree(r, rc, err);
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
	int rc = exchange_places(r, err);

	if (!rc)
		rc = compare_configs(r, err);
	if (!rc)
		rc = open_transport(r, err);
	if (!rc)
		rc = agree(r, make_plan(r, err), err);
	if (!rc)
		rc = agree(r, make_candidates(r, err), err);
	if (rc)
		return rc;
	make_config(r);
	rc = agree(r, check_memory(r, err), err);
	return rc ? rc : agree(r, start_watch(r, err), err);
}

static int measure(struct rank *r, struct rg_err *err)
{
	bool interrupted = false;
	int rc;

	if (r->bench->refused && err)
		*err = r->bench->why;
	rc = agree(r, r->bench->refused, err);
	if (!rc)
		rc = prepare(r, err);
	if (!rc && r->bench->options.dry_run)
		return r->job.rdv->rank == 0 ? print_dry_run(r, err) : 0;
	if (!rc)
		rc = rg_sampler_open(&r->job, &r->config, &r->sampler, err);
	if (rc)
		return rc;
	rc = agree(r, open_output(r, err), err);
	if (!rc)
		rc = calibrate(r, err);
	if (!rc)
		rc = agree(r, begin_output(r, err), err);
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
	};
	int rc;

	rg_log_set_rank((int)rdv->rank);
	rg_progress_init(&r.progress, rdv->rank == 0 ? stderr : NULL);
	rc = measure(&r, err);
	if (rc && !r.agreed)
		rdv->ops->abort(rdv, err);
	if (rc && !r.agreed)
		name_speaker(rdv, err);
	rg_progress_hide(&r.progress);
	/* Peers that are threads look into our memory until they have ended as well. */
	if (bench->gate)
		bench_gate_pass(bench->gate);
	if (bench->watch)
		bench_watch_leave(bench->watch);
	bench_out_close(r.out);
	rg_sampler_close(r.sampler);
	for (uint32_t c = 0; r.samples && c < r.ncandidates; c++)
		rg_samples_release(&r.samples[c]);
	rg_free(r.samples);
	rg_free(r.candidates);
	rg_free(r.specs);
	rg_plan_close(&r.plan);
	rg_executor_close(r.job.executor);
	if (r.job.ep)
		r.job.ep->ops->close(r.job.ep);
	rg_free(r.places);
	*agreed_out = r.agreed || !rc;
	return rc;
}
