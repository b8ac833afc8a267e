/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The MPI library's own collectives, called on the same buffers. Two rows of the table: MPI's usual
 * function for a collective, and the other one where there are two.
 */
#include "config.h"

#include "railgauge/measure/target.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/base/units.h"
#include "railgauge/measure/data.h"

#include <limits.h>

#include <stdio.h>
#include <string.h>

#define MAX_ALGORITHMS 64

struct mpi_target {
	struct rg_target base;
	struct rg_pairs pairs;
	const struct rg_mpi_module *module; /* borrowed */
	struct rg_mpi_target *target;	    /* owned */
	struct rg_mpi_call call;	    /* buffers and root change per operation */
	size_t src_shift, dst_shift;	    /* bytes from the buffer's start, in place */
	uint32_t first_root, nranks;
	char algorithm[64];
};

#define to_mpi(target) ((struct mpi_target *)(void *)(target))
_Static_assert(offsetof(struct mpi_target, base) == 0, "the head comes first");

/* ALGORITHM[:SEGMENT] taken apart; RG_MPI_SEGMENT_USUAL without a segment. */
struct wish {
	char algorithm[64];
	int64_t segment_bytes;
};

static int parse_wish(const char *words, struct wish *out, struct rg_err *err)
{
	size_t len = strcspn(words, ":");
	const char *segment = words[len] ? words + len + 1 : NULL;
	char what[128];
	uint64_t bytes;
	int rc;

	out->segment_bytes = RG_MPI_SEGMENT_USUAL;
	if (len >= sizeof(out->algorithm))
		return rg_err_set(err, RG_ERR_INVALID, "mpi:%.20s...: too long", words);
	snprintf(out->algorithm, sizeof(out->algorithm), "%.*s", (int)len, words);
	if (!segment)
		return 0;
	if (strchr(segment, ':'))
		return rg_err_set(err, RG_ERR_INVALID,
				  "mpi:%s: expected mpi:ALGORITHM or mpi:ALGORITHM:SEGMENT", words);
	if (!len || !strcmp(out->algorithm, "all") || !strcmp(out->algorithm, "default"))
		return rg_err_set(err, RG_ERR_INVALID,
				  "mpi:%s: a segment size is for one algorithm by name", words);
	snprintf(what, sizeof(what), "mpi:%s: segment size", words);
	rc = rg_parse_size(segment, what, &bytes, err);
	if (!rc && bytes > INT_MAX)
		rc = rg_err_set(err, RG_ERR_RANGE, "%s: expected 0 to %d bytes", what, INT_MAX);
	if (!rc)
		out->segment_bytes = (int64_t)bytes;
	return rc;
}

static int mpi_check(enum rg_coll coll, const char *words, struct rg_err *err)
{
	struct wish wish;

	(void)coll;
	/* Which names there are only the library knows. */
	return parse_wish(words, &wish, err);
}

static int mpi_v_check(enum rg_coll coll, const char *words, struct rg_err *err)
{
	if (coll != RG_COLL_REDUCESCATTER)
		return rg_err_set(err, RG_ERR_INVALID,
				  "mpi-v: MPI has one function for %s; use mpi",
				  rg_coll_name(coll));
	return mpi_check(coll, words, err);
}

static int unknown_algorithm(enum rg_coll coll, const char *words,
			     const struct rg_mpi_algorithm *list, uint32_t n, struct rg_err *err)
{
	const char *names[MAX_ALGORITHMS + 1];
	const char *nearest;

	for (uint32_t i = 0; i < n; i++)
		names[i] = list[i].name;
	names[n] = NULL;
	nearest = rg_opt_nearest(words, names);
	return rg_err_set(err, RG_ERR_NOT_FOUND,
			  "target mpi: the library has no %s algorithm %s%s%s%s; mpi:all runs all "
			  "that it has",
			  rg_coll_name(coll), words, nearest ? " (did you mean " : "",
			  nearest ? nearest : "", nearest ? "?)" : "");
}

/* algorithm NULL: the library's own choice, without a name. */
static struct rg_target_spec spec_of(const struct rg_target_ops *ops,
				     const struct rg_mpi_algorithm *algorithm,
				     int64_t segment_bytes)
{
	struct rg_target_spec spec = {
		.ops = ops, .protocol = -1, .mpi_segment_bytes = segment_bytes};

	if (algorithm) {
		spec.mpi_id = algorithm->id;
		snprintf(spec.algorithm, sizeof(spec.algorithm), "%s", algorithm->name);
	}
	return spec;
}

static int expand(const struct rg_target_ops *ops, enum rg_mpi_variant variant,
		  const struct rg_job *job, enum rg_coll coll, const char *words,
		  struct rg_target_spec *out, uint32_t room, uint32_t *count_out,
		  struct rg_err *err)
{
	struct rg_mpi_algorithm list[MAX_ALGORITHMS];
	bool all = !strcmp(words, "all");
	uint32_t have = 0, n = 0;
	struct wish wish;
	int rc = parse_wish(words, &wish, err);

	if (rc)
		return rc;
	if (!job->mpi)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "target %s: %s", ops->name, job->no_mpi);
	if (!*words || !strcmp(words, "default")) {
		if (room > 0)
			out[0] = spec_of(ops, NULL, RG_MPI_SEGMENT_USUAL);
		*count_out = 1;
		return 0;
	}
	rc = job->mpi->module->algorithms(coll, variant, list, MAX_ALGORITHMS, &have, err);
	if (rc)
		return rc;
	if (have > MAX_ALGORITHMS)
		have = MAX_ALGORITHMS;
	for (uint32_t i = 0; i < have; i++) {
		if (!all && strcmp(wish.algorithm, list[i].name) != 0)
			continue;
		if (n < room)
			out[n] = spec_of(ops, &list[i], wish.segment_bytes);
		n++;
	}
	if (n == 0)
		return unknown_algorithm(coll, wish.algorithm, list, have, err);
	*count_out = n;
	return 0;
}

static int mpi_expand(const struct rg_job *job, enum rg_coll coll, const char *words,
		      struct rg_target_spec *list, uint32_t room, uint32_t *count_out,
		      struct rg_err *err)
{
	return expand(&rg_target_mpi, RG_MPI_USUAL, job, coll, words, list, room, count_out, err);
}

static int mpi_v_expand(const struct rg_job *job, enum rg_coll coll, const char *words,
			struct rg_target_spec *list, uint32_t room, uint32_t *count_out,
			struct rg_err *err)
{
	return expand(&rg_target_mpi_v, RG_MPI_OTHER, job, coll, words, list, room, count_out, err);
}

static void mpi_close(struct rg_target *target)
{
	struct mpi_target *t = to_mpi(target);

	if (!t)
		return;
	t->module->target_close(t->target);
	rg_free(t);
}

static int mpi_open(const struct rg_job *job, const struct rg_target_spec *spec,
		    const struct rg_target_problem *tp, struct rg_target **target_out,
		    struct rg_err *err)
{
	bool other = spec->ops == &rg_target_mpi_v;
	struct mpi_target *t;
	int rc;

	/*
	 * A root that also copies its vector does more: not to be compared with one that does not.
	 * Those of reduce, gather and scatter have two buffers in MPI as well.
	 */
	if (tp->coll == RG_COLL_BROADCAST && !tp->in_place)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "MPI_Bcast has one buffer: its root is always in place");
	t = rg_zalloc(1, sizeof(*t));
	if (!t)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a target");
	t->base.ops = spec->ops;
	t->pairs = *tp->pairs;
	t->module = job->mpi->module;
	t->first_root = tp->first_root;
	t->nranks = job->mpi->nranks;
	t->call = (struct rg_mpi_call){
		.src = t->pairs.base,
		.dst = t->pairs.base,
		.count = tp->count,
		.counts = tp->counts,
		.type = tp->type,
		.op = tp->op,
		.root = tp->first_root,
		.in_place = tp->in_place,
	};
	if (tp->in_place) {
		t->src_shift = rg_data_in_place_src(tp->coll, tp->count, job->mpi->rank) *
			       rg_type_bytes(tp->type);
		t->dst_shift = rg_data_in_place_dst(tp->coll, tp->count, job->mpi->rank) *
			       rg_type_bytes(tp->type);
		/* So that the library's rule and ours are compared. */
		if (tp->coll == RG_COLL_REDUCESCATTER)
			t->call.src = NULL;
	}
	snprintf(t->algorithm, sizeof(t->algorithm), "%s",
		 spec->algorithm[0] ? spec->algorithm : "default");
	rc = t->module->target_open(tp->coll, other ? RG_MPI_OTHER : RG_MPI_USUAL, spec->mpi_id,
				    spec->mpi_segment_bytes, &t->target, err);
	if (!rc)
		rc = t->module->target_prepare(t->target, &t->call, err);
	if (rc) {
		mpi_close(&t->base);
		return rc;
	}
	*target_out = &t->base;
	return 0;
}

static void mpi_select(struct rg_target *target)
{
	struct mpi_target *t = to_mpi(target);

	t->module->target_select(t->target);
}

static int report_failure(const struct mpi_target *t, int code, struct rg_err *err)
{
	char text[200];

	t->module->error_text(code, text, sizeof(text));
	return rg_err_set(err, RG_ERR_SYSTEM, "MPI's collective failed: %s", text);
}

static int mpi_run(struct rg_target *target, uint32_t src, uint32_t dst, uint32_t root,
		   struct rg_err *err)
{
	struct mpi_target *t = to_mpi(target);
	const struct rg_pairs *p = &t->pairs;
	uint8_t *to = p->base + dst * p->stride + p->dst_at;
	int code;

	t->call.dst = to + t->dst_shift;
	t->call.src = t->call.in_place ? to + t->src_shift : p->base + src * p->stride;
	t->call.root = t->first_root + root;
	if (t->call.root >= t->nranks)
		t->call.root -= t->nranks;
	code = t->module->target_run(t->target, &t->call);
	return code ? report_failure(t, code, err) : 0;
}

static void mpi_about(const struct rg_target *target, struct rg_target_about *about_out)
{
	const struct mpi_target *t = to_mpi((struct rg_target *)(void *)target);
	const char *instead = t->module->target_runs_as(t->target, &t->call);

	*about_out = (struct rg_target_about){0};
	snprintf(about_out->algorithm, sizeof(about_out->algorithm), "%s", t->algorithm);
	if (instead)
		snprintf(about_out->note, sizeof(about_out->note),
			 RG_TARGET_RUNS_OTHER "%s instead", instead);
}

const struct rg_target_ops rg_target_mpi = {
	.name = "mpi",
	.summary = "the MPI library's own collective",
	.check = mpi_check,
	.expand = mpi_expand,
	.open = mpi_open,
	.close = mpi_close,
	.select = mpi_select,
	.run = mpi_run,
	.about = mpi_about,
};

const struct rg_target_ops rg_target_mpi_v = {
	.name = "mpi-v",
	.summary = "the MPI library's other function (MPI_Reduce_scatter)",
	.check = mpi_v_check,
	.expand = mpi_v_expand,
	.open = mpi_open,
	.close = mpi_close,
	.select = mpi_select,
	.run = mpi_run,
	.about = mpi_about,
};
