/* SPDX-License-Identifier: BSD-3-Clause */
/* What rank 0 keeps and prints of pairs. */
#include "config.h"

#include "pairs.h"
#include "cmd.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/report/csv.h"
#include "railgauge/report/pairs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct pairs_out {
	const struct pairs *pairs;    /* borrowed */
	const struct ranks_member *m; /* borrowed */
	const struct rg_lane *lane;   /* borrowed */
	struct rg_result *result;     /* owned */
	const char *json;	      /* borrowed: the file; NULL: none */
	bool to_stdout;		      /* the document takes the table's place */
	uint64_t written_ns;	      /* when, last */
	uint64_t wrong;
	char first_wrong[160];
};

/* A large job's document is not written for every point. */
#define WRITE_NS 1000000000

static int set_run(struct pairs_out *o, struct rg_err *err)
{
	const struct pairs *p = o->pairs;
	const struct rg_mpi *mpi = p->ranks.mpi;
	const void *const bases[] = PAIRS_BASES(p);
	const struct rg_result_run run = {
		.nranks = o->m->rdv->nranks,
		.rendezvous = o->m->rdv->ops->name,
		.mpi = mpi ? mpi->version : NULL,
		.network = o->lane->about[0][0] ? o->lane->about[0] : NULL,
		.timer_cost_ns = (double)rg_clock_cost_ns(),
		.memory = "host",
	};
	int rc = rg_result_set_args(o->result, p->argc, p->argv, err);

	if (!rc)
		rc = rg_result_set_config(o->result, rg_opt_record(p->command, bases, &p->origins),
					  err);
	return rc ? rc : rg_result_set_run(o->result, &run, err);
}

/* Ranks of one node share its network, and pairs of a round then do disturb each other. */
static int judge_nodes(struct pairs_out *o, struct rg_err *err)
{
	const uint32_t *node = o->m->nodes;
	uint32_t n = o->m->rdv->nranks, shared = 0;

	for (uint32_t r = 0; r < n; r++)
		shared += node[n + r] > 0; /* its number on its node */
	if (!shared || o->m->one_host || n < 4 || o->pairs->options.alone)
		return 0;
	return rg_result_add_warning(o->result, err, "shared-node",
				     "%u of %u ranks share a node with another one: pairs of a "
				     "round share networks (one rank per node, or --alone)",
				     shared, n);
}

/* Early, so that a path that cannot be written does not cost a measurement. */
static int try_files(const struct pairs_out *o, struct rg_err *err)
{
	uint32_t n = o->m->rdv->nranks;
	size_t bytes = 4096 + (size_t)1024 * n * n * o->pairs->nitems;
	const char *csv = o->pairs->options.csv;
	int rc = o->json ? rg_io_try_file(o->json, bytes, err) : 0;

	return rc || !csv ? rc : rg_io_try_file(csv, bytes, err);
}

int pairs_out_open(const struct pairs *pairs, const struct ranks_member *m,
		   const struct rg_lane *lane, struct pairs_out **out, struct rg_err *err)
{
	struct pairs_out *o = rg_zalloc(1, sizeof(*o));
	int rc;

	if (!o)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
	*o = (struct pairs_out){.pairs = pairs, .m = m, .lane = lane, .json = pairs->options.json};
	o->to_stdout = o->json && !strcmp(o->json, "-");
	if (o->to_stdout)
		o->json = NULL;
	rc = rg_result_open(&o->result, err);
	if (!rc)
		rc = set_run(o, err);
	if (!rc)
		rc = ranks_describe(m, o->result, err);
	if (!rc)
		rc = judge_nodes(o, err);
	if (!rc)
		rc = try_files(o, err);
	if (rc) {
		pairs_out_close(o);
		return rc;
	}
	*out = o;
	return 0;
}

void pairs_out_close(struct pairs_out *o)
{
	if (!o)
		return;
	rg_result_close(o->result);
	rg_free(o);
}

static void remember_wrong(struct pairs_out *o, const struct rg_result_pair *pair)
{
	if (pair->wrong && !o->wrong)
		snprintf(o->first_wrong, sizeof(o->first_wrong),
			 "the first: %s of %" PRIu64 " bytes between ranks %u and %u",
			 rg_pairs_test_words[pair->test], pair->size_bytes, pair->from, pair->to);
	o->wrong += pair->wrong;
}

static int add_one(struct pairs_out *o, const struct rg_pairs_point *point, uint32_t round,
		   const struct rg_pairs_outcome *outcome, struct rg_err *err)
{
	const struct rg_lane_load *load = &point->load;
	const struct rg_lane *lane = o->lane;
	struct rg_result_pair pair = {
		.test = point->test,
		.rail = load->rail,
		.size_bytes = load->size_bytes,
		.op = load->op,
		.transport = lane->transport,
		.outstanding = load->stream ? load->outstanding : 0,
		.qps = lane->qps,
		.post_list = lane->qps && load->stream ? load->post_list : 0,
		.moderation = load->stream ? lane->moderation : 0,
		.inline_bytes = lane->inline_bytes,
		.round = round,
		.alone = o->pairs->options.alone,
	};
	int rc;

	rg_result_pair_fill(&pair, outcome);
	rc = rg_result_add_pair(o->result, &pair, err);
	remember_wrong(o, &pair);
	return rc;
}

int pairs_out_add(struct pairs_out *o, const struct rg_pairs_point *point, uint32_t round,
		  const struct rg_pairs_outcome *outcomes, uint32_t n,
		  const struct rg_nic_job *counters, struct rg_err *err)
{
	uint32_t first = o->result->npairs;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < n; i++)
		rc = add_one(o, point, round, &outcomes[i], err);
	if (!rc && counters && n)
		rc = rg_result_add_counters(o->result, counters, first, n, err);
	if (rc || !o->json || rg_clock_ns() - o->written_ns < WRITE_NS)
		return rc;
	o->written_ns = rg_clock_ns();
	return rg_result_write(o->result, o->json, err);
}

static int print(const struct pairs_out *o, struct rg_err *err)
{
	struct rg_cmd_text text;
	int rc;

	if (o->to_stdout)
		return ranks_print_document(o->result, err);
	rc = rg_cmd_text_open(&text, err);
	if (rc)
		return rc;
	rc = rg_pairs_print(o->result, text.out, err);
	return rg_cmd_text_close(&text, rc, err);
}

int pairs_out_finish(struct pairs_out *o, bool complete, double others_load, struct rg_err *err)
{
	const char *csv = o->pairs->options.csv;
	int rc = 0;

	ranks_judge_load(o->result, others_load);
	if (complete)
		rc = rg_result_finish(o->result, err);
	if (!rc && o->json)
		rc = rg_result_write(o->result, o->json, err);
	if (!rc && csv)
		rc = rg_csv_write(o->result, csv, err);
	if (!rc)
		rc = print(o, err);
	if (!rc && o->wrong)
		rc = rg_err_set(err, RG_ERR_WRONG_DATA, "%" PRIu64 " wrong bytes; %s", o->wrong,
				o->first_wrong);
	return rc;
}
