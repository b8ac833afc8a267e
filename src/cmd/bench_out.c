/* SPDX-License-Identifier: BSD-3-Clause */
/* What rank 0 keeps and prints of a measurement. */
#include "config.h"

#include "bench.h"

#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/reduce.h"
#include "railgauge/measure/stats.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct bench_out {
	struct bench_job job;
	struct rg_result *result; /* owned */
	uint64_t wrong;
	char first_wrong[256];
	double *scratch; /* owned, grows */
	uint64_t room;
};

/* --- the result's head --- */

static void warn_into(void *arg, const char *code, const char *text)
{
	struct bench_out *o = arg;

	rg_log(RG_LOG_WARN, "%s", text);
	(void)rg_result_add_warning(o->result, NULL, code, "%s", text);
}

static int add_ranks(struct bench_out *o, struct rg_err *err)
{
	struct rg_result_machine machine;
	int rc;

	/* One machine, as all transports of today; others would be told by their own ranks. */
	rg_result_machine_here(&machine);
	rc = rg_result_add_machine(o->result, &machine, err);
	for (uint32_t r = 0; !rc && r < o->job.nranks; r++) {
		const struct rg_place *p = &o->job.places[r];
		const struct rg_result_rank rank = {
			.host = p->host,
			.pid = p->pid,
			.cpus = p->cpus_text,
			.numa_node = p->numa_node,
		};

		rc = rg_result_add_rank(o->result, &rank, err);
	}
	return rc;
}

static int set_run(struct bench_out *o, struct rg_err *err)
{
	const struct bench *b = o->job.bench;
	const struct rg_result_run run = {
		.nranks = o->job.nranks,
		.rendezvous = o->job.rendezvous,
		.mpi = b->mpi ? b->mpi->version : NULL,
		.isa = rg_reduce_isa(),
		.start = o->job.start.common_clock ? "clock" : "barrier",
		.seed = (uint64_t)b->options.seed,
		.timer_cost_ns = o->job.start.timer_cost_ns,
		.start_skew_ns = o->job.start.skew_ns,
		.memory = b->access[0] && b->access[1] ? "shared, host"
			  : b->access[1]	       ? "shared"
						       : "host",
		.align_bytes = (uint64_t)sysconf(_SC_PAGESIZE),
	};
	const void *const bases[] = {&b->options};
	int rc = rg_result_set_args(o->result, b->argc, b->argv, err);

	if (!rc)
		rc = rg_result_set_config(o->result,
					  rg_opt_record(&bench_command, bases, &b->origins), err);
	if (!rc)
		rc = rg_result_set_run(o->result, &run, err);
	return rc;
}

/* --- the table --- */

static void print_head(const struct bench_out *o)
{
	const struct bench *b = o->job.bench;
	const struct bench_options *p = &b->options;

	printf("# railgauge %s, %s, %u rank%s on %s, %s%s%s\n", PACKAGE_VERSION,
	       rg_coll_name(b->coll), o->job.nranks, o->job.nranks > 1 ? "s" : "",
	       o->job.places[0].host, o->job.rendezvous, o->job.transport ? ", transport " : "",
	       o->job.transport ? o->job.transport : "");
	if (b->mpi)
		printf("# %s\n", b->mpi->version);
	printf("# %s%s%s, caches %s, windows %s, results %s, start by %s\n",
	       rg_type_name((enum rg_type)p->type), rg_coll_reduces(b->coll) ? " " : "",
	       rg_coll_reduces(b->coll) ? rg_op_name((enum rg_op)p->op) : "",
	       rg_cache_words[p->cache], p->persistent ? "persistent" : "clear-to-send",
	       p->check ? "checked" : "NOT checked",
	       o->job.start.common_clock ? "an agreed time" : "a barrier");
	printf("# time: median of the slowest rank, per operation; +-: half its 95 %% interval\n");
	printf("#\n# %12s %24s %-8s %5s  %32s  %32s\n", "", "", "", "", "out of place", "in place");
	printf("# %12s %-24s %-8s %5s", "size", "target", "buffers", "ops");
	for (int i = 0; i < 2; i++)
		printf("  %9s %5s %8s %7s", "time", "+-", "busbw", "wrong");
	printf("\n# %12s %-24s %-8s %5s", "B", "", "", "");
	for (int i = 0; i < 2; i++)
		printf("  %9s %5s %8s %7s", "us", "%", "GB/s", "");
	printf("\n");
}

static void print_half(const struct rg_result_point *p)
{
	double half;

	if (!p || p->n == 0) {
		printf("  %9s %5s %8s %7s", "-", "", "", "");
		return;
	}
	half = (p->hi_ns - p->lo_ns) / 2 / p->median_ns * 100;
	printf("  %9.*f %5.1f %8.2f", p->median_ns < 1e6 ? 2 : 0, p->median_ns / 1e3, half,
	       p->busbw_Bps / 1e9);
	if (p->checked)
		printf(" %7" PRIu64, p->wrong);
	else
		printf(" %7s", "-");
}

/* The points of one size, target and kind of buffers share a line. */
static void print_line(const struct rg_result_point *out, const struct rg_result_point *in)
{
	const struct rg_result_point *any = out ? out : in;

	printf("  %12" PRIu64 " %-24s %-8s", any->size_bytes, any->target,
	       rg_access_words[any->buffers]);
	if ((out && out->n) || (in && in->n))
		printf(" %5u", out && out->n ? out->ops : in->ops);
	else
		printf(" %5s", "-");
	print_half(out);
	print_half(in);
	printf("\n");
	if (out && out->note)
		printf("# %12s %s: %s\n", "", out->target, out->note);
	if (in && in->note && (!out || !out->note || strcmp(in->note, out->note) != 0))
		printf("# %12s %s in place: %s\n", "", in->target, in->note);
}

static void print_points(const struct bench_out *o, uint32_t first)
{
	const struct rg_result_point *points = o->result->points;

	for (uint32_t i = first; i < o->result->npoints; i++) {
		const struct rg_result_point *p = &points[i];
		const struct rg_result_point *next =
			i + 1 < o->result->npoints ? &points[i + 1] : NULL;

		if (p->in_place) {
			print_line(NULL, p);
		} else if (next && next->in_place && !strcmp(next->target, p->target) &&
			   next->buffers == p->buffers) {
			print_line(p, next);
			i++;
		} else {
			print_line(p, NULL);
		}
	}
	fflush(stdout);
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

/* rank_samples are kept by repetition here and by rank in the result. */
static double *turn_around(const struct rg_samples *x, uint32_t nranks)
{
	double *by_rank = rg_alloc(x->n * nranks * sizeof(double));

	for (uint64_t i = 0; by_rank && i < x->n; i++) {
		for (uint32_t r = 0; r < nranks; r++)
			by_rank[r * x->n + i] = x->ranks_ns[i * nranks + r];
	}
	return by_rank;
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

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static struct rg_bound find_bound(const struct bench_out *o, const struct rg_candidate *c,
				  const struct rg_plan_point *point, uint32_t ops)
{
	const struct rg_bound_problem problem = {
		.coll = o->job.bench->coll,
		.size_bytes = point->size_bytes,
		.nranks = o->job.nranks,
		.in_place = c->in_place,
		.access = c->buffers,
		.ops = ops,
		.cold = o->job.bench->options.cache == RG_CACHE_COLD,
	};

	if (!o->job.calibration)
		return (struct rg_bound){0};
	return rg_bound_of(&problem, &o->job.calibration->rates);
}

static int add_point(struct bench_out *o, const struct rg_candidate *c,
		     const struct rg_plan_point *point, const struct rg_samples *x,
		     struct rg_err *err)
{
	const struct bench *b = o->job.bench;
	bool own = c->spec->ops == &rg_target_railgauge;
	struct rg_result_point p = {
		.coll = b->coll,
		.size_bytes = point->size_bytes,
		.count = point->size_bytes / rg_type_bytes((enum rg_type)b->options.type),
		.type = (enum rg_type)b->options.type,
		.op = (enum rg_op)b->options.op,
		.root = b->options.root >= 0 ? (uint32_t)b->options.root : 0,
		.in_place = c->in_place,
		.target = c->spec->label,
		.buffers = c->buffers,
		.persistent = own && b->options.persistent && c->buffers == RG_ACCESS_WINDOW,
		.cache = (enum rg_cache)b->options.cache,
		.algorithm = or_null(x->about.algorithm),
		.protocol = or_null(x->about.protocol),
		.transport = own ? o->job.transport : NULL,
		.note = or_null(x->refused[0] ? x->refused : x->about.note),
		.ops = x->ops ? x->ops : 1,
		.invalid = x->invalid,
		.stop = x->stop,
		.checked = x->checked,
		.wrong = x->wrong,
	};
	const struct rg_bound bound = find_bound(o, c, point, p.ops);
	struct rg_stats stats;
	double *by_rank = NULL;
	int rc = summarise(o, x, &stats, err);

	if (rc)
		return rc;
	if (x->n)
		rg_result_point_fill(&p, o->job.nranks, &stats, x->ns,
				     bound.bound_ns > 0 ? &bound : NULL);
	if (x->n && x->ranks_ns) {
		by_rank = turn_around(x, o->job.nranks);
		if (!by_rank)
			return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the samples");
		p.rank_samples = by_rank;
	}
	rc = rg_result_add_point(o->result, &p, NULL, err);
	rg_free(by_rank);
	remember_wrong(o, c, point, x);
	return rc;
}

int bench_out_point(struct bench_out *o, const struct rg_plan_point *point,
		    const struct rg_samples *samples, struct rg_err *err)
{
	const char *json = o->job.bench->options.json;
	uint32_t first = o->result->npoints;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < o->job.ncandidates; i++)
		rc = add_point(o, &o->job.candidates[i], point, &samples[i], err);
	if (rc)
		return rc;
	print_points(o, first);
	return json ? rg_result_write(o->result, json, err) : 0;
}

/* --- open and finish --- */

int bench_out_open(const struct bench_job *job, struct bench_out **out, struct rg_err *err)
{
	struct bench_out *o = rg_zalloc(1, sizeof(*o));
	const char *json = job->bench->options.json;
	int rc;

	if (!o)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
	o->job = *job;
	rc = rg_result_open(&o->result, err);
	if (!rc)
		rc = set_run(o, err);
	if (!rc)
		rc = add_ranks(o, err);
	if (!rc && job->calibration)
		rc = rg_result_set_calibration(o->result, job->calibration, err);
	if (!rc)
		rg_place_judge(job->places, job->nranks, warn_into, o);
	if (!rc && json)
		rc = rg_result_write(o->result, json, err);
	if (rc) {
		bench_out_close(o);
		return rc;
	}
	print_head(o);
	*out = o;
	return 0;
}

void bench_out_close(struct bench_out *o)
{
	if (!o)
		return;
	rg_result_close(o->result);
	rg_free(o->scratch);
	rg_free(o);
}

uint64_t bench_out_wrong(const struct bench_out *o, const char **first_out)
{
	*first_out = o->first_wrong;
	return o->wrong;
}

/* A twentieth of a processor is what an idle machine's own daemons take. */
#define LOAD_TOLERATED 0.05

int bench_out_finish(struct bench_out *o, bool complete, double others_load, struct rg_err *err)
{
	const struct bench_options *options = &o->job.bench->options;
	char text[128];
	int rc = 0;

	if (others_load > LOAD_TOLERATED) {
		snprintf(text, sizeof(text), "other programs took %.2f processors meanwhile",
			 others_load);
		warn_into(o, "load", text);
	}
	if (complete)
		rc = rg_result_finish(o->result, err);
	if (!rc && options->json)
		rc = rg_result_write(o->result, options->json, err);
	return rc;
}
