/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "cmd.h"
#include "sim.h"

#include "railgauge/base/json.h"
#include "railgauge/base/units.h"
#include "railgauge/device/types.h"
#include "railgauge/measure/result.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define CELL_BYTES 32
#define CELL_MIN   10

static const char *const hop_words[RG_HOP_COUNT] = {
	[RG_HOP_NODE] = "within a node",
	[RG_HOP_NETWORK] = "between nodes",
};

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* Four significant digits, microseconds. */
static void time_cell(char *text, int64_t fs, bool least)
{
	double us = (double)fs * 1e-9;
	int decimals = us < 9.9995 ? 3 : us < 99.995 ? 2 : us < 999.95 ? 1 : 0;

	snprintf(text, CELL_BYTES, "%s%.*f", least ? "*" : "", decimals, us);
}

static void print_link(const struct rg_loggp *l, const char *between)
{
	printf("# %s: latency %.4g us, overhead %.4g us, gap %.4g us, ", between,
	       l->latency_s * 1e6, l->overhead_s * 1e6, l->gap_s * 1e6);
	if (l->byte_s > 0)
		printf("%.4g GB/s\n", 1e-9 / l->byte_s);
	else
		printf("bytes for nothing\n");
}

static void print_fit(const struct sim_fit *f)
{
	char size[RG_UNITS_BYTES];

	printf("#   fitted to %s: sendrecv of %u ranks, %u sizes, %s\n", f->path, f->nranks,
	       f->npoints, f->what);
	printf("#   deviates by %.1f %% in root mean square, by %+.1f %% at most, at %s\n",
	       f->fit.rms * 100, f->fit.worst * 100, rg_format_size(f->fit.worst_bytes, size));
	if (f->fit.loggp.overhead_s == 0)
		printf("#   overhead: not to be told from latency, and counted in it\n");
	if (!f->fit.gap_known)
		printf("#   gap: no vector took more than one message, so it is not known\n");
}

void sim_print_fits(const struct sim_job *job)
{
	for (int h = RG_HOP_COUNT; h-- > 0;) {
		if (!job->used[h] && !job->fits[h].path)
			continue;
		print_link(&job->costs.hop[h], hop_words[h]);
		if (job->fits[h].path)
			print_fit(&job->fits[h]);
	}
}

static int width_of(const struct sim_job *job, uint32_t row)
{
	int n = (int)strlen(job->rows[row].algorithm->name);

	return n > CELL_MIN ? n : CELL_MIN;
}

static void print_processor(const struct sim_options *o)
{
	if (o->copy_GBps > 0)
		printf("# copies of the processor: %.4g GB/s\n", o->copy_GBps);
	if (o->reduce_GBps > 0)
		printf("# reductions of the processor: %.4g GB/s\n", o->reduce_GBps);
}

static char *traffic_of(const struct sim_job *job, char text[RG_RESULT_TRAFFIC_BYTES])
{
	return rg_result_traffic(job->weights, job->problem.layout.nranks, text);
}

void sim_print_head(const struct sim_job *job)
{
	const struct rg_problem *p = &job->problem;
	bool words = p->params.protocol == RG_PROTOCOL_WORD;
	uint32_t slots = words ? p->geometry.ll_slots : p->geometry.slots;
	uint32_t bytes = words ? p->geometry.ll_bytes : p->geometry.slot_bytes;
	char size[RG_UNITS_BYTES], traffic[RG_RESULT_TRAFFIC_BYTES];

	printf("# %s, predicted: %u rank%s on %u node%s, %s, %s, protocol %s, %u messages of %s",
	       rg_coll_name(job->coll), p->layout.nranks, plural(p->layout.nranks), job->nnodes,
	       plural(job->nnodes), rg_type_name((enum rg_type)job->options.type),
	       p->in_place ? "in place" : "out of place", rg_protocol_name(p->params.protocol),
	       slots, rg_format_size(bytes, size));
	if (p->params.channels > 1)
		printf(", %u channels", p->params.channels);
	if (job->coll == RG_COLL_ALLTOALLV)
		printf(", traffic %s", traffic_of(job, traffic));
	putchar('\n');
	sim_print_fits(job);
	print_processor(&job->options);
	printf("# time of the slowest rank, all beginning at once; * the least of a size\n");
	printf("#%11s", "size");
	for (uint32_t r = 0; r < job->nrows; r++) {
		if (job->rows[r].column)
			printf("  %*s", width_of(job, r), job->rows[r].algorithm->name);
	}
	printf("\n#%11s", "(B)");
	for (uint32_t r = 0; r < job->nrows; r++) {
		if (job->rows[r].column)
			printf("  %*s", width_of(job, r), "(us)");
	}
	putchar('\n');
}

static int64_t least_of(const struct sim_job *job, uint32_t point)
{
	int64_t least = INT64_MAX;

	for (uint32_t r = 0; r < job->nrows; r++) {
		uint32_t i = point * job->nrows + r;

		if (job->done[i] && job->results[i].time_fs < least)
			least = job->results[i].time_fs;
	}
	return least;
}

void sim_print_point(const struct sim_job *job, uint32_t point)
{
	int64_t least = least_of(job, point);

	printf("%12" PRIu64, job->plan.points[point].size_bytes);
	for (uint32_t r = 0; r < job->nrows; r++) {
		uint32_t i = point * job->nrows + r;
		char text[CELL_BYTES] = "-";

		if (!job->rows[r].column)
			continue;
		if (job->done[i])
			time_cell(text, job->results[i].time_fs, job->results[i].time_fs == least);
		printf("  %*s", width_of(job, r), text);
	}
	putchar('\n');
	fflush(stdout); /* the next one may take a while */
}

void sim_print_foot(const struct sim_job *job)
{
	char size[RG_UNITS_BYTES];

	for (uint32_t r = 0; r < job->nrows; r++) {
		const struct sim_row *row = &job->rows[r];

		if (!row->nrefused)
			continue;
		printf("# no %s", row->algorithm->name);
		if (job->rows[r].column)
			printf(" at %u size%s from %s on", row->nrefused, plural(row->nrefused),
			       rg_format_size(row->refused_size, size));
		printf(": %s\n", row->reason.text);
	}
}

/* --- JSON --- */

static json_t *link_json(const struct rg_loggp *l, const struct sim_fit *f)
{
	json_t *fit = json_null();

	if (f->path)
		fit = json_pack("{sssssisisfsfsI}", "file", f->path, "series", f->what, "ranks",
				(int)f->nranks, "points", (int)f->npoints, "rms", f->fit.rms,
				"worst", f->fit.worst, "worst_bytes",
				(json_int_t)f->fit.worst_bytes);
	return json_pack("{sfsfsfsfso}", "latency_s", l->latency_s, "overhead_s", l->overhead_s,
			 "gap_s", l->gap_s, "byte_s", l->byte_s, "fit", fit);
}

static int put_links(const struct sim_job *job, json_t *root, struct rg_err *err)
{
	static const char *const keys[RG_HOP_COUNT] = {"node", "network"};
	json_t *links = json_object();
	int rc = 0;

	for (int h = 0; h < RG_HOP_COUNT && !rc; h++) {
		bool known = job->used[h] || job->fits[h].path;

		rc = rg_json_set(links, keys[h],
				 known ? link_json(&job->costs.hop[h], &job->fits[h]) : json_null(),
				 err);
	}
	if (rc) {
		json_decref(links);
		return rc;
	}
	return rg_json_set(root, "links", links, err);
}

static json_t *point_json(const struct sim_job *job, uint32_t point, uint32_t row)
{
	const struct rg_sim_result *r = &job->results[point * job->nrows + row];
	const struct rg_plan_point *p = &job->plan.points[point];

	return json_pack("{sIsIsssfsIsIsI}", "size_bytes", (json_int_t)p->size_bytes, "block_count",
			 (json_int_t)p->count, "algorithm", job->rows[row].algorithm->name,
			 "time_ns", (double)r->time_fs * 1e-6, "messages", (json_int_t)r->messages,
			 "node_bytes", (json_int_t)r->bytes[RG_HOP_NODE], "network_bytes",
			 (json_int_t)r->bytes[RG_HOP_NETWORK]);
}

static int put_points(const struct sim_job *job, json_t *points, json_t *refused,
		      struct rg_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; i < job->plan.npoints * job->nrows && !rc; i++) {
		if (job->done[i])
			rc = rg_json_append(points, point_json(job, i / job->nrows, i % job->nrows),
					    err);
	}
	for (uint32_t r = 0; r < job->nrows && !rc; r++) {
		const struct sim_row *row = &job->rows[r];

		if (row->nrefused)
			rc = rg_json_append(
				refused,
				json_pack("{sssIsiss}", "algorithm", row->algorithm->name,
					  "from_size_bytes", (json_int_t)row->refused_size, "sizes",
					  (int)row->nrefused, "reason", row->reason.text),
				err);
	}
	return rc;
}

static int put_job(const struct sim_job *job, json_t *root, struct rg_err *err)
{
	const void *const bases[] = {&job->options};
	json_t *points = json_array(), *refused = json_array();
	int rc =
		rg_json_set(root, "config", rg_opt_record(&sim_command, bases, &job->origins), err);

	if (!rc)
		rc = put_points(job, points, refused, err);
	if (!rc)
		rc = rg_json_set(root, "points", json_incref(points), err);
	if (!rc)
		rc = rg_json_set(root, "refused", json_incref(refused), err);
	json_decref(points);
	json_decref(refused);
	return rc;
}

int sim_print_json(const struct sim_job *job, struct rg_err *err)
{
	json_t *root = json_pack("{sssi}", "schema", "railgauge-sim", "schema_version", 1);
	char traffic[RG_RESULT_TRAFFIC_BYTES];
	int rc = root ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the document");

	if (!rc && job->has_coll)
		rc = rg_json_set(root, "collective", json_string(rg_coll_name(job->coll)), err);
	if (!rc && job->has_coll)
		rc = rg_json_set(root, "ranks", json_integer(job->problem.layout.nranks), err);
	if (!rc && job->has_coll)
		rc = rg_json_set(root, "nodes", json_integer(job->nnodes), err);
	if (!rc && job->coll == RG_COLL_ALLTOALLV)
		rc = rg_json_set(root, "traffic", json_string(traffic_of(job, traffic)), err);
	if (!rc)
		rc = put_links(job, root, err);
	if (!rc)
		rc = put_job(job, root, err);
	if (!rc && (json_dumpf(root, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12)) ||
		    putchar('\n') == EOF))
		rc = rg_cmd_output_check(err);
	json_decref(root);
	return rc;
}
