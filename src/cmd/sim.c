/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge sim: what algorithms would take on links that need not be there. */
#include "config.h"

#include "cmd.h"
#include "sim.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/types.h"

#include <stdio.h>
#include <string.h>

/* --- what is asked for --- */

static int parse_collective(struct sim_job *job, int argc, char **argv, int first,
			    struct rg_err *err)
{
	const struct sim_options *o = &job->options;

	job->has_coll = first < argc;
	if (first + 1 < argc)
		return rg_err_set(err, RG_ERR_INVALID, "%s: one collective at a time",
				  argv[first + 1]);
	if (job->has_coll)
		return rg_cmd_collective(argv[first], &job->coll, err);
	if (o->network.fit || o->local.fit)
		return 0;
	return rg_err_set(err, RG_ERR_INVALID,
			  "which collective? For example: railgauge sim allreduce --ranks 16 "
			  "--latency 2us --bandwidth 25");
}

static int add_row(struct sim_job *job, const struct rg_algorithm *a, struct rg_err *err)
{
	for (uint32_t i = 0; i < job->nrows; i++) {
		if (job->rows[i].algorithm == a)
			return rg_err_set(err, RG_ERR_INVALID, "--algorithm: %s is there twice",
					  a->name);
	}
	if (job->nrows == SIM_ROWS_MAX)
		return rg_err_set(err, RG_ERR_INVALID, "--algorithm: more than %d", SIM_ROWS_MAX);
	job->rows[job->nrows++].algorithm = a;
	return 0;
}

static int find_rows(struct sim_job *job, struct rg_err *err)
{
	int rc = 0;

	if (!strcmp(job->options.algorithm, "all")) {
		for (const struct rg_algorithm *const *a = rg_algorithms; *a && !rc; a++)
			rc = (*a)->coll == job->coll ? add_row(job, *a, err) : 0;
		return rc;
	}
	for (const char *rest = job->options.algorithm; rest && !rc;) {
		size_t len = strcspn(rest, ",");
		const struct rg_algorithm *a;
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), rest);
		rc = rg_algorithm_find(job->coll, name, &a, err);
		if (!rc)
			rc = add_row(job, a, err);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	return rc;
}

/* --radix and --send-window are for algorithms that have one. */
static int check_tuning(const struct sim_job *job, struct rg_err *err)
{
	const struct sim_options *o = &job->options;

	for (uint32_t i = 0; i < job->nrows; i++) {
		const struct rg_algorithm *a = job->rows[i].algorithm;

		if ((o->radix && !a->radix) || (o->send_window && !a->window))
			return rg_err_set(err, RG_ERR_INVALID,
					  "--%s: %s %s has none; name with --algorithm those that "
					  "have",
					  o->radix && !a->radix ? "radix" : "send-window",
					  rg_coll_name(job->coll), a->name);
	}
	if (o->radix == 1)
		return rg_err_set(err, RG_ERR_INVALID, "--radix: 1 joins nobody");
	return 0;
}

static int check_root(const struct sim_job *job, struct rg_err *err)
{
	if (sim_is_set(job, "root") && !rg_coll_has_root(job->coll))
		return rg_err_set(err, RG_ERR_INVALID, "--root: %s has no root",
				  rg_coll_name(job->coll));
	if (job->options.root >= job->problem.layout.nranks)
		return rg_err_set(err, RG_ERR_RANGE, "--root: there are %u ranks, from 0 on",
				  job->problem.layout.nranks);
	return 0;
}

/* Readers hold back half of the slots at most, and no more than they do by default. */
static int geometry_of(const struct sim_options *o, struct rg_geometry *out, struct rg_err *err)
{
	struct rg_geometry g = rg_geometry_default;
	int rc;

	g.channels = (uint32_t)o->channels;
	g.slots = (uint32_t)o->slots;
	g.slot_bytes = (uint32_t)o->slot_bytes;
	if (g.credit_batch > (g.slots + 1) / 2)
		g.credit_batch = (g.slots + 1) / 2;
	rc = rg_geometry_check(&g, err);
	if (!rc)
		*out = g;
	return rc;
}

/* Each size has its counts, pair by pair. */
#define TRAFFIC_RANKS 1024

static int read_traffic(struct sim_job *job, struct rg_err *err)
{
	uint32_t n = job->problem.layout.nranks;

	if (job->coll == RG_COLL_ALLTOALLV && n > TRAFFIC_RANKS)
		return rg_err_set(err, RG_ERR_RANGE,
				  "alltoallv is simulated for up to %d ranks, not %u: its traffic "
				  "is a number for each pair of ranks",
				  TRAFFIC_RANKS, n);
	if (!job->options.traffic)
		return 0;
	if (job->coll != RG_COLL_ALLTOALLV)
		return rg_cmd_no_traffic(job->coll, err);
	job->weights = rg_zalloc((size_t)n * n, sizeof(*job->weights));
	if (!job->weights)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the traffic of %u ranks",
				  n);
	if (rg_matrix_read(job->options.traffic, n, job->weights, err))
		return rg_err_prefix(err, "--traffic");
	return 0;
}

static int make_plan(struct sim_job *job, struct rg_err *err)
{
	const struct sim_options *o = &job->options;
	const struct rg_plan_config config = {
		.coll = job->coll,
		.type = (enum rg_type)o->type,
		.nranks = job->problem.layout.nranks,
		.min_bytes = o->min_bytes,
		.max_bytes = o->max_bytes,
		.factor = o->factor,
		.step_bytes = o->step_bytes,
		.weights = job->weights,
	};

	return rg_plan_open(&config, &job->plan, err);
}

static int check_slots(const struct sim_job *job, struct rg_err *err)
{
	static const char *const names[] = {"slots", "slot-bytes"};

	for (size_t i = 0; i < 2 && job->options.protocol == RG_PROTOCOL_WORD; i++) {
		if (sim_is_set(job, names[i]))
			return rg_err_set(err, RG_ERR_INVALID, "--%s: protocol word has none",
					  names[i]);
	}
	return 0;
}

static int prepare(struct sim_job *job, struct rg_err *err)
{
	const struct sim_options *o = &job->options;
	struct rg_problem *p = &job->problem;
	int rc = check_slots(job, err);

	if (!rc)
		rc = geometry_of(o, &p->geometry, err);

	p->coll = job->coll;
	p->elem_bytes = (uint32_t)rg_type_bytes((enum rg_type)o->type);
	p->root = (uint32_t)o->root;
	p->in_place = o->in_place;
	p->access = RG_ACCESS_PRIVATE;
	p->caps = RG_CAP_DATA | RG_CAP_WORD8;
	p->params = (struct rg_params){.protocol = (enum rg_protocol)o->protocol,
				       .channels = (uint32_t)o->channels,
				       .radix = (uint32_t)o->radix,
				       .window = (uint32_t)o->send_window};
	if (!rc && job->has_coll)
		rc = sim_layout(job, err);
	if (!rc && job->has_coll)
		rc = check_root(job, err);
	if (!rc && job->has_coll)
		rc = read_traffic(job, err);
	if (!rc)
		rc = sim_links(job, err);
	if (rc || !job->has_coll)
		return rc;
	rc = find_rows(job, err);
	if (!rc)
		rc = check_tuning(job, err);
	return rc ? rc : make_plan(job, err);
}

/* --- the points --- */

static struct rg_problem problem_at(const struct sim_job *job, uint32_t point)
{
	struct rg_problem p = job->problem;

	p.count = job->plan.points[point].count;
	p.counts = job->plan.points[point].counts;
	return p;
}

static void refuse(struct sim_row *row, uint64_t size_bytes, const struct rg_err *why)
{
	if (!row->nrefused++) {
		row->refused_size = size_bytes;
		row->reason = *why;
	}
}

/* The row's own check, and whether it sends messages at all. */
static int check_row(const struct rg_algorithm *a, const struct rg_problem *p, struct rg_err *why)
{
	uint32_t messages = 1u << RG_PROTOCOL_SLOT | 1u << RG_PROTOCOL_WORD;

	if (!(a->protocols & messages))
		return rg_err_set(why, RG_ERR_UNSUPPORTED,
				  "%s %s is not simulated: it has protocol \"%s\" alone, which "
				  "sends no messages",
				  rg_coll_name(a->coll), a->name,
				  rg_protocol_name((enum rg_protocol)__builtin_ctz(a->protocols)));
	return a->check(p, why);
}

/* Which columns there will be is to be known before the first line. */
static int check_rows(struct sim_job *job, struct rg_err *err)
{
	uint32_t columns = 0;

	for (uint32_t r = 0; r < job->nrows; r++) {
		struct sim_row *row = &job->rows[r];

		for (uint32_t i = 0; i < job->plan.npoints; i++) {
			const struct rg_problem p = problem_at(job, i);
			struct rg_err why = {0};

			if (check_row(row->algorithm, &p, &why))
				refuse(row, job->plan.points[i].size_bytes, &why);
		}
		row->column = row->nrefused < job->plan.npoints;
		columns += row->column;
		if (!row->column && strcmp(job->options.algorithm, "all") != 0)
			return rg_err_set(err, row->reason.code, "%s", row->reason.text);
	}
	if (!columns)
		return rg_err_set(err, job->rows[0].reason.code,
				  "none of the %u algorithms can do it; the first: %s", job->nrows,
				  job->rows[0].reason.text);
	return 0;
}

/*
 * One point of one algorithm. What is too large for the model, or for memory, does not end the
 * others.
 */
static int run_one(struct sim_job *job, uint32_t point, uint32_t r, struct rg_err *err)
{
	const struct rg_problem p = problem_at(job, point);
	struct sim_row *row = &job->rows[r];
	uint32_t i = point * job->nrows + r;
	struct rg_err why = {0};
	int rc;

	if (check_row(row->algorithm, &p, &why))
		return 0;
	rc = rg_sim_run(row->algorithm, &p, &job->costs, &job->results[i], &why);
	job->done[i] = !rc;
	if (!rc)
		return 0;
	if (rc != RG_ERR_LIMIT && rc != RG_ERR_RANGE && rc != RG_ERR_NO_MEMORY) {
		*err = why;
		return rc;
	}
	refuse(row, job->plan.points[point].size_bytes, &why);
	return 0;
}

/* Is there anything at all? */
static int check_done(const struct sim_job *job, size_t n, struct rg_err *err)
{
	const struct sim_row *row = job->rows;

	for (size_t i = 0; i < n; i++) {
		if (job->done[i])
			return 0;
	}
	while (!row->column)
		row++;
	return rg_err_set(err, row->reason.code, "%s: %s", row->algorithm->name, row->reason.text);
}

static int run_points(struct sim_job *job, struct rg_err *err)
{
	size_t n = (size_t)job->plan.npoints * job->nrows;
	bool table = job->options.format == SIM_FORMAT_TABLE;
	int rc = 0;

	job->results = rg_zalloc(n, sizeof(*job->results));
	job->done = rg_zalloc(n, sizeof(*job->done));
	if (!job->results || !job->done)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the results");
	if (table)
		sim_print_head(job);
	for (uint32_t i = 0; i < job->plan.npoints && !rc; i++) {
		for (uint32_t r = 0; r < job->nrows && !rc; r++)
			rc = run_one(job, i, r, err);
		if (!rc && table)
			sim_print_point(job, i);
		if (!rc)
			rc = rg_cmd_output_check(err);
	}
	if (!rc)
		rc = check_done(job, n, err);
	if (!rc && table)
		sim_print_foot(job);
	return rc;
}

static int run(struct sim_job *job, int argc, char **argv, struct rg_err *err)
{
	void *const bases[] = {&job->options};
	int first, rc;

	rc = rg_opt_parse(&sim_command, argc, argv, bases, &job->origins, &first, err);
	if (rc)
		return rc;
	rc = parse_collective(job, argc, argv, first, err);
	if (!rc)
		rc = prepare(job, err);
	if (!rc && job->has_coll)
		rc = check_rows(job, err);
	if (!rc && job->has_coll)
		rc = run_points(job, err);
	if (rc)
		return rc;
	if (job->options.format == SIM_FORMAT_JSON)
		return sim_print_json(job, err);
	if (!job->has_coll)
		sim_print_fits(job);
	return rg_cmd_output_check(err);
}

int cmd_sim(int argc, char **argv)
{
	struct rg_err err = {0};
	struct sim_job *job = rg_zalloc(1, sizeof(*job));
	int rc = job ? run(job, argc, argv, &err)
		     : rg_err_set(&err, RG_ERR_NO_MEMORY, "no memory to begin");

	if (job) {
		rg_plan_close(&job->plan);
		rg_free(job->weights);
		rg_free(job->node);
		rg_free(job->local);
		rg_free(job->results);
		rg_free(job->done);
	}
	rg_free(job);
	return rg_cmd_status(SIM_NAME, rc, &err);
}
