/* SPDX-License-Identifier: BSD-3-Clause */
/* What rank 0 keeps and prints of a measurement. */
#include "config.h"

#include "bench.h"
#include "cmd.h"

#include "railgauge/base/io.h"
#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/units.h"
#include "railgauge/device/reduce.h"
#include "railgauge/measure/stats.h"
#include "railgauge/report/csv.h"
#include "railgauge/report/table.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bench_out {
	struct bench_job job;
	struct rg_result *result; /* owned */
	bool calibrated;
	struct rg_calibration calibration;
	const struct rg_network *network; /* for bounds, borrowed; NULL: nothing is known */
	uint64_t wrong;
	char first_wrong[256];
	double *scratch; /* owned, grows */
	uint64_t room;
	const char *targets[RG_TARGETS_MAX]; /* borrowed labels */
	struct rg_table *table;		     /* owned */
	char traffic[RG_RESULT_TRAFFIC_BYTES];
	char rails[2 * RG_LINES_MAX]; /* of the endpoint, as in struct rg_result_point */
	const char *json;	      /* borrowed: the file; NULL: none */
	bool to_stdout;		      /* the document takes the table's place */
	/* Against the watch, which comes between where MPI does not return. */
	pthread_mutex_t lock;
	bool owed; /* to_stdout: it has begun, and nothing was printed yet */
};

/* --- the result's head --- */

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static int set_run(struct bench_out *o, struct rg_err *err)
{
	const struct bench *b = o->job.bench;
	const struct rg_result_run run = {
		.nranks = o->job.nranks,
		.rendezvous = o->job.rendezvous,
		.mpi = b->ranks.mpi ? b->ranks.mpi->version : NULL,
		.rules = b->ranks.mpi ? b->ranks.mpi->rules : NULL,
		.network = or_null(o->job.network),
		.isa = rg_reduce_isa(),
		.start = rg_start_words[o->job.start.kind],
		.seed = (uint64_t)b->options.seed,
		.timer_cost_ns = o->job.start.timer_cost_ns,
		.start_skew_ns = o->job.start.skew_ns,
		.clock_error_ns = o->job.start.clock_ns,
		.memory = o->job.config->access[0] && o->job.config->access[1] ? "shared, host"
			  : o->job.config->access[1]			       ? "shared"
									       : "host",
		.align_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
		.traffic = o->job.weights,
	};
	const void *const bases[] = {&b->options, &b->verbs};
	int rc = rg_result_set_args(o->result, b->argc, b->argv, err);

	if (!rc)
		rc = rg_result_set_config(o->result,
					  rg_opt_record(&bench_command, bases, &b->origins), err);
	if (!rc)
		rc = rg_result_set_run(o->result, &run, err);
	return rc;
}

/* --- the table --- */

static int open_table(struct bench_out *o, struct rg_err *err)
{
	const struct bench_options *p = &o->job.bench->options;
	struct rg_table_plan plan = {
		.targets = o->targets,
		.ntargets = o->job.nspecs,
		.access = {o->job.config->access[0], o->job.config->access[1]},
		.persistent = p->persistent,
		.on_request = !p->persistent,
	};

	for (uint32_t i = 0; i < o->job.nspecs; i++)
		o->targets[i] = o->job.specs[i].label;
	plan.cache[p->cache] = true;
	for (uint32_t i = 0; i < o->job.ncandidates; i++) {
		plan.in_place |= o->job.candidates[i].in_place;
		plan.out_of_place |= !o->job.candidates[i].in_place;
	}
	return rg_table_open(o->result, &plan, stdout, &o->table, err);
}

/* --- the document on standard output --- */

static int print_document(struct bench_out *o, struct rg_err *err)
{
	o->owed = false;
	return ranks_print_document(o->result, err);
}

void bench_out_abandon(void *arg)
{
	struct bench_out *o = arg;

	if (pthread_mutex_trylock(&o->lock))
		return;
	if (o->owed)
		(void)print_document(o, NULL); /* the failure that led here is the one to be told */
	pthread_mutex_unlock(&o->lock);
}

/* --- points --- */

static void remember_wrong(struct bench_out *o, const struct rg_candidate *c,
			   const struct rg_plan_point *point, const struct rg_samples *x)
{
	enum rg_type type = (enum rg_type)o->job.bench->options.type;
	char got[RG_DATA_TEXT_BYTES], expected[RG_DATA_TEXT_BYTES];

	if (x->wrong && !o->wrong)
		snprintf(o->first_wrong, sizeof(o->first_wrong),
			 "the first: target %s, %s buffers, %s, %" PRIu64
			 " bytes, rank %u, element %" PRIu64 ": %s, not %s",
			 c->spec->label, rg_access_words[c->buffers],
			 c->in_place ? "in place" : "out of place", point->size_bytes,
			 x->wrong_rank, x->first_wrong.index,
			 rg_data_format(type, x->first_wrong.got, got),
			 rg_data_format(type, x->first_wrong.expected, expected));
	o->wrong += x->wrong;
}

static int summarise(struct bench_out *o, const struct rg_samples *x, struct rg_stats *stats,
		     struct rg_err *err)
{
	if (x->n > o->room) {
		double *more = rg_realloc(o->scratch, x->n * sizeof(double));

		if (!more)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the statistics");
		o->scratch = more;
		o->room = x->n;
	}
	memset(stats, 0, sizeof(*stats));
	if (x->n)
		rg_stats_of(x->ns, x->n, o->scratch, stats);
	return 0;
}

/* Adds it once, however many points it is about. */
static int warn_of_haste(struct bench_out *o, struct rg_err *err)
{
	const struct rg_sampler_start *start = &o->job.start;
	char clock[RG_UNITS_BYTES], skew[RG_UNITS_BYTES];

	return rg_result_add_warning(
		o->result, err, "short",
		"some repetitions lasted less than %d times what is uncertain about them, two "
		"readings of the clock of %s and a start skew of %s: more would not fit into the "
		"budget, or the caches",
		RG_SAMPLE_MIN_RATIO, rg_format_time(start->timer_cost_ns, clock),
		rg_format_time(start->skew_ns, skew));
}

static uint64_t crossing_bytes(const struct bench_out *o, const struct rg_plan_point *point)
{
	if (!point->counts)
		return 0;
	return rg_matrix_crossing(point->counts, o->job.nranks) *
	       rg_type_bytes((enum rg_type)o->job.bench->options.type);
}

/* What is odd about it: NULL if nothing is. */
static const char *note_of(const struct rg_samples *x, char text[RG_ERR_TEXT_BYTES])
{
	const char *note = x->refused[0] ? x->refused : x->about.note;

	if (x->stop != RG_STOP_BEATEN)
		return or_null(note);
	snprintf(text, RG_ERR_TEXT_BYTES, "%.400s%sleft the race, being slower than the best", note,
		 note[0] ? "; " : "");
	return text;
}

static int add_point(struct bench_out *o, const struct rg_candidate *c,
		     const struct rg_plan_point *point, const struct rg_samples *x,
		     struct rg_err *err)
{
	const struct bench *b = o->job.bench;
	bool own = c->spec->ops == &rg_target_railgauge;
	char note[RG_ERR_TEXT_BYTES];
	struct rg_result_point p = {
		.coll = b->coll,
		.size_bytes = point->size_bytes,
		.count = point->size_bytes / rg_type_bytes((enum rg_type)b->options.type),
		.type = (enum rg_type)b->options.type,
		.op = (enum rg_op)b->options.op,
		.root = b->options.root >= 0 ? (uint32_t)b->options.root : 0,
		.root_rotates = b->options.root < 0 && rg_coll_has_root(b->coll),
		.in_place = c->in_place,
		.target = c->spec->label,
		.buffers = c->buffers,
		.persistent = b->options.persistent && c->buffers == RG_ACCESS_WINDOW,
		.cache = (enum rg_cache)b->options.cache,
		.traffic = point->counts ? o->traffic : NULL,
		.crossing_bytes = crossing_bytes(o, point),
		.algorithm = or_null(x->about.algorithm),
		.protocol = or_null(x->about.protocol),
		.transport = own ? o->job.transport : NULL,
		.channels = x->about.channels,
		.rails = own ? or_null(o->rails) : NULL,
		.note = note_of(x, note),
		.ops = x->ops ? x->ops : 1,
		.invalid = x->invalid,
		.stop = x->stop,
		.checked = x->checked,
		.wrong = x->wrong,
	};
	struct rg_stats stats;
	struct rg_bound bound;
	int rc = summarise(o, x, &stats, err);

	if (rc)
		return rc;
	bound = bench_bound(&o->job, o->calibrated ? &o->calibration : NULL, o->network, c, point,
			    p.ops, o->job.start.clock_ns);
	if (x->n)
		rg_result_point_fill(&p, o->job.nranks, &stats, b->options.samples ? x->ns : NULL,
				     bound.bound_ns > 0 ? &bound : NULL);
	if (x->n)
		p.rank_samples = x->ranks_ns;
	rc = rg_result_add_point(o->result, &p, NULL, err);
	if (!rc && x->hasty && x->n)
		rc = warn_of_haste(o, err);
	remember_wrong(o, c, point, x);
	return rc;
}

static int take_point(struct bench_out *o, uint32_t point, const struct rg_samples *samples,
		      const struct rg_sampler_start *start, struct rg_err *err)
{
	const struct bench_span *span = &o->job.spans[point];
	uint32_t first = o->result->npoints;
	int rc = rg_result_set_skew(o->result, start->skew_ns, start->clock_ns, err);

	o->job.start = *start;
	for (uint32_t i = 0; !rc && i < span->n; i++)
		rc = add_point(o, &o->job.candidates[span->at + i], &o->job.plan->points[point],
			       &samples[i], err);
	if (!rc && o->job.counters && o->result->npoints > first)
		rc = rg_result_add_counters(o->result, o->job.counters, first,
					    o->result->npoints - first, err);
	if (!rc && o->table)
		rc = rg_table_add(o->table, o->result->points + first, o->result->npoints - first,
				  err);
	return rc || !o->json ? rc : rg_result_write(o->result, o->json, err);
}

static void name_rails(struct bench_out *o, uint32_t rails)
{
	size_t at = 0;

	o->rails[0] = '\0';
	for (uint32_t k = 0; k < RG_LINES_MAX; k++) {
		if (rails & 1u << k)
			at += (size_t)snprintf(o->rails + at, sizeof(o->rails) - at, "%s%u",
					       at ? "," : "", k + 1);
	}
}

int bench_out_point(struct bench_out *o, uint32_t point, const struct rg_samples *samples,
		    const struct rg_sampler_start *start, uint32_t rails, struct rg_err *err)
{
	int rc;

	pthread_mutex_lock(&o->lock);
	name_rails(o, rails);
	rc = take_point(o, point, samples, start, err);
	pthread_mutex_unlock(&o->lock);
	return rc;
}

int bench_out_warn(struct bench_out *o, struct rg_err *err, const char *code, const char *fmt, ...)
{
	char text[RG_ERR_TEXT_BYTES];
	va_list args;
	int rc;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	pthread_mutex_lock(&o->lock);
	rc = rg_result_add_warning(o->result, err, code, "%s", text);
	pthread_mutex_unlock(&o->lock);
	return rc;
}

/* --- open and finish --- */

/* Of a file with all points, by the order of magnitude: 1 KiB each, without samples. */
static size_t expected_bytes(const struct bench_job *job)
{
	size_t n = 0;

	for (uint32_t i = 0; i < job->plan->npoints; i++)
		n += job->spans[i].n;
	return 4096 + 1024 * n;
}

int bench_out_open(const struct bench_job *job, struct bench_out **out, struct rg_err *err)
{
	struct bench_out *o = rg_zalloc(1, sizeof(*o));
	const char *csv = job->bench->options.csv;
	int rc;

	if (!o)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
	o->job = *job;
	o->json = job->bench->options.json;
	o->to_stdout = o->json && !strcmp(o->json, "-");
	if (o->to_stdout)
		o->json = NULL;
	pthread_mutex_init(&o->lock, NULL);
	rg_result_traffic(job->weights, job->nranks, o->traffic);
	rc = rg_result_open(&o->result, err);
	if (!rc)
		rc = set_run(o, err);
	if (!rc)
		rc = ranks_describe(job->m, o->result, err);
	/*
	 * Early, so that a path that cannot be written does not cost a measurement; but what an
	 * earlier run left there is replaced only once there is something to put in its place.
	 */
	if (!rc && o->json)
		rc = rg_io_try_file(o->json, expected_bytes(job), err);
	if (!rc && csv)
		rc = rg_io_try_file(csv, expected_bytes(job), err);
	if (rc) {
		bench_out_close(o);
		return rc;
	}
	*out = o;
	return 0;
}

/* With the host of each node's first rank. */
static int add_network(struct bench_out *o, const struct rg_network *network, struct rg_err *err)
{
	const char **hosts = rg_zalloc(network->nnodes, sizeof(*hosts));
	int rc;

	if (!hosts)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
	for (uint32_t r = network->nranks; r-- > 0;)
		hosts[network->node[r]] = o->job.m->places[r].host;
	rc = rg_result_set_network(o->result, network, hosts, err);
	rg_free(hosts);
	o->network = network;
	return rc;
}

int bench_out_begin(struct bench_out *o, const struct rg_calibration *calibration,
		    const struct rg_network *network, const struct rg_network *lines,
		    struct rg_err *err)
{
	int rc = 0;

	o->network = lines;
	if (calibration) {
		o->calibrated = true;
		o->calibration = *calibration;
		rc = rg_result_set_calibration(o->result, calibration, err);
	}
	if (!rc && network)
		rc = add_network(o, network, err);
	o->owed = !rc && o->to_stdout;
	return rc || o->to_stdout ? rc : open_table(o, err);
}

void bench_out_close(struct bench_out *o)
{
	if (!o)
		return;
	(void)rg_table_close(o->table, NULL, NULL);
	rg_result_close(o->result);
	rg_free(o->scratch);
	pthread_mutex_destroy(&o->lock);
	rg_free(o);
}

uint64_t bench_out_wrong(const struct bench_out *o, const char **first_out)
{
	*first_out = o->first_wrong;
	return o->wrong;
}

int bench_out_finish(struct bench_out *o, bool complete, double others_load, struct rg_err *err)
{
	const char *csv = o->job.bench->options.csv;
	int rc = 0;

	ranks_judge_load(o->result, others_load);
	if (complete)
		rc = rg_result_finish(o->result, err);
	if (!rc && o->json)
		rc = rg_result_write(o->result, o->json, err);
	if (!rc && csv)
		rc = rg_csv_write(o->result, csv, err);
	if (!rc && o->to_stdout)
		rc = print_document(o, err);
	if (rc || !o->table)
		return rc;
	rc = rg_table_close(o->table, o->result, err);
	o->table = NULL;
	return rc;
}
