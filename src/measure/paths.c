/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/paths.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/data.h"
#include "railgauge/measure/target.h"

#include <math.h>
#include <string.h>

/* Timed operations in a row; the best counts, since whatever disturbs only adds. */
#define TRIES 3

/* Rounds over all ways where an operation is short beside what disturbs it. */
#define ROUNDS	    2
#define SHORT_BYTES ((uint64_t)1 << 20)

/*
 * What a way must have moved before it is timed: all slots have been used again, and are where this
 * way leaves them.
 */
#define WARM_BYTES   ((uint64_t)1 << 20)
#define WARM_OPS_MAX 64

/* Longer operations take the way of this size. */
#define MOST_BYTES ((uint64_t)64 << 20)

/* What another way than the first must gain: trying has noise of its own. */
#define GAIN 0.97

/* One thing to try. */
struct attempt {
	struct rg_program *program; /* owned; NULL: not to be tried */
	struct rg_run *run;	    /* owned */
	struct rg_run_args args;
};

struct trial {
	const struct rg_job *job;		 /* borrowed */
	const struct rg_target_problem *problem; /* borrowed */
	bool fresh;
	struct attempt attempts[2][RG_PATHS_WAYS]; /* out of place, in place */
};

/* The best times; travel through the rendezvous. */
struct times {
	double ns[2][RG_PATHS_WAYS];
};

enum rg_paths_way rg_paths_judge(const double best_ns[RG_PATHS_WAYS])
{
	enum rg_paths_way best = RG_PATHS_CACHED;

	for (int way = 0; way < RG_PATHS_WAYS; way++) {
		double gain = best == RG_PATHS_CACHED ? GAIN : 1;

		if (best_ns[way] > 0 && best_ns[way] < gain * best_ns[best])
			best = (enum rg_paths_way)way;
	}
	return best;
}

static void describe(const struct trial *t, bool in_place, enum rg_paths_way way,
		     struct rg_problem *p)
{
	const struct rg_target_problem *tp = t->problem;
	const struct rg_endpoint *ep = t->job->ep;

	*p = (struct rg_problem){
		.coll = tp->coll,
		.layout.nranks = ep->nranks,
		.count = tp->count,
		.elem_bytes = (uint32_t)rg_type_bytes(tp->type),
		.root = tp->first_root % ep->nranks,
		.in_place = in_place,
		.access = RG_ACCESS_PRIVATE,
		.caps = ep->caps,
		.geometry = ep->config.geometry,
		.params.channels = 1,
		.params.stream_slots = way == RG_PATHS_STREAMED,
		.params.read = way == RG_PATHS_READ,
	};
	if (rg_problem_size_bytes(p) > MOST_BYTES)
		p->count /= rg_problem_size_bytes(p) / MOST_BYTES + 1;
}

/* In place, everything is at the destination, the smaller buffer within the larger one. */
static struct rg_run_args args_of(const struct trial *t, const struct rg_problem *p)
{
	const struct rg_pairs *pairs = t->problem->pairs;
	uint32_t rank = t->job->ep->rank;
	uint8_t *dst = pairs->base + pairs->dst_at;

	if (!p->in_place)
		return (struct rg_run_args){.src = pairs->base, .dst = dst};
	return (struct rg_run_args){
		.src = dst + rg_data_in_place_src(p->coll, p->count, rank) * p->elem_bytes,
		.dst = dst + rg_data_in_place_dst(p->coll, p->count, rank) * p->elem_bytes,
	};
}

/* The default choice that this way leads to, if that depends on the way: if it is slots or READ. */
static int open_attempt(struct trial *t, bool in_place, enum rg_paths_way way, struct rg_err *err)
{
	enum rg_protocol wanted = way == RG_PATHS_READ ? RG_PROTOCOL_READ : RG_PROTOCOL_SLOT;
	struct attempt *a = &t->attempts[in_place][way];
	const struct rg_algorithm *algorithm;
	struct rg_problem p;
	int rc;

	describe(t, in_place, way, &p);
	if (rg_algorithm_select(&p, &algorithm, NULL) || p.params.protocol != wanted)
		return 0;
	a->args = args_of(t, &p);
	rc = rg_program_open(t->job->ep, algorithm, &p, t->problem->type, t->problem->op, 0,
			     t->job->stream_from_bytes, &a->program, err);
	return rc ? rc : rg_run_open(t->job->executor, a->program, &a->run, err);
}

static int open_all(struct trial *t, struct rg_err *err)
{
	int rc = 0;

	for (int way = 0; way < RG_PATHS_WAYS && !rc; way++) {
		rc = open_attempt(t, false, (enum rg_paths_way)way, err);
		if (!rc)
			rc = open_attempt(t, true, (enum rg_paths_way)way, err);
	}
	return rc;
}

static void close_all(struct trial *t)
{
	for (int k = 0; k < 2 * RG_PATHS_WAYS; k++) {
		struct attempt *a = &t->attempts[k % 2][k / 2];

		rg_run_close(a->run);
		rg_program_close(a->program);
	}
}

static size_t src_bytes(const struct rg_problem *p)
{
	return rg_coll_src_count(p->coll, p->count, p->layout.nranks) * p->elem_bytes;
}

static int time_once(const struct trial *t, const struct attempt *a, double *took_ns,
		     struct rg_err *err)
{
	const struct rg_problem *p = &a->program->problem;
	uint64_t begin;
	int rc;

	if (t->fresh)
		memset((void *)a->args.src, 0, src_bytes(p));
	begin = rg_clock_ns();
	rc = rg_run_once(a->run, &a->args, err);
	*took_ns = (double)(rg_clock_ns() - begin);
	return rc;
}

static int try_way(const struct trial *t, const struct attempt *a, double *best_ns,
		   struct rg_err *err)
{
	uint64_t warm, n;
	double took_ns;
	int rc = 0;

	if (!a->run)
		return 0;
	/* Memory that nobody has written would all be the same page of zeros. */
	memset((void *)a->args.src, 0, src_bytes(&a->program->problem));
	warm = WARM_BYTES / (rg_problem_size_bytes(&a->program->problem) + 1);
	warm = warm < 1 ? 1 : warm > WARM_OPS_MAX ? WARM_OPS_MAX : warm;
	for (n = 0; n < warm + TRIES && !rc; n++) {
		rc = time_once(t, a, &took_ns, err);
		if (n >= warm && (*best_ns <= 0 || took_ns < *best_ns))
			*best_ns = took_ns;
	}
	return rc;
}

static int try_all(const struct trial *t, struct times *times, struct rg_err *err)
{
	const struct rg_problem *p = NULL;
	int rc = 0;

	for (int k = 0; k < ROUNDS * 2 * RG_PATHS_WAYS && !rc; k++) {
		int way = k % RG_PATHS_WAYS, in_place = k / RG_PATHS_WAYS % 2;
		const struct attempt *a = &t->attempts[in_place][way];

		if (!a->run)
			continue;
		p = &a->program->problem;
		if (k >= 2 * RG_PATHS_WAYS && rg_problem_size_bytes(p) > SHORT_BYTES)
			break;
		rc = try_way(t, a, &times->ns[in_place][way], err);
	}
	return rc;
}

/* The slowest rank's best counts. */
static int agree_on(const struct rg_job *job, struct times *times, struct rg_err *err)
{
	struct times *all = rg_zalloc(job->rdv->nranks, sizeof(*all));
	int rc = all ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for times");

	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(job->rdv, times, all, sizeof(*times),
					     rg_clock_ns() + job->deadline_ns, err);
	for (uint32_t r = 0; r < job->rdv->nranks && !rc; r++) {
		for (int k = 0; k < 2 * RG_PATHS_WAYS; k++) {
			double *most = &times->ns[k % 2][k / 2];

			*most = fmax(*most, all[r].ns[k % 2][k / 2]);
		}
	}
	rg_free(all);
	return rc;
}

int rg_paths_try(const struct rg_job *job, const struct rg_target_problem *problem, bool fresh,
		 struct rg_paths *paths_out, struct rg_err *err)
{
	struct trial t = {.job = job, .problem = problem, .fresh = fresh};
	struct times times = {0};
	int rc;

	rc = open_all(&t, err);
	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (!rc) {
		rc = try_all(&t, &times, err);
		rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	}
	if (!rc)
		rc = agree_on(job, &times, err);
	for (int i = 0; i < 2 && !rc; i++) {
		enum rg_paths_way way = rg_paths_judge(times.ns[i]);

		paths_out->stream_slots[i] = way == RG_PATHS_STREAMED;
		paths_out->read[i] = way == RG_PATHS_READ;
	}
	close_all(&t);
	return rc;
}
