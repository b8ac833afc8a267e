/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/paths.h"
#include "target_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"

#include <math.h>
#include <string.h>

/* Rounds over all ways where operations are short beside what disturbs them; the best counts. */
#define ROUNDS	    2
#define SHORT_BYTES ((uint64_t)1 << 20)

/*
 * What a way must have moved before it is timed, and is then timed for: all slots have been used
 * again, and are where this way leaves them.
 */
#define WARM_BYTES ((uint64_t)1 << 20)
#define OPS_MIN	   3
#define OPS_MAX	   64

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
	uint64_t *counts; /* owned: of fewer elements where there are too many; else NULL */
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

/* What the target would be given if this way had won. */
static void describe(const struct trial *t, bool in_place, enum rg_paths_way way,
		     struct rg_target_problem *tp, struct rg_problem *p)
{
	*tp = *t->problem;
	tp->in_place = in_place;
	tp->persistent = false;
	tp->paths.stream_slots[in_place] = way == RG_PATHS_STREAMED;
	tp->paths.read[in_place] = way == RG_PATHS_READ;
	rg_target_describe(t->job, tp, p);
	p->access = RG_ACCESS_PRIVATE; /* whichever buffers were lent */
	p->root = tp->first_root % t->job->ep->nranks;
	if (rg_problem_size_bytes(p) > MOST_BYTES)
		p->count = tp->count /= rg_problem_size_bytes(p) / MOST_BYTES + 1;
	if (t->counts) {
		p->counts = tp->counts = t->counts;
		p->count = tp->count = rg_matrix_busiest(t->counts, t->job->ep->nranks);
	}
}

/* Of an all-to-all-v of too many bytes: counts of so many fewer. */
static int shorten(struct trial *t, struct rg_err *err)
{
	uint64_t bytes = t->problem->count * rg_type_bytes(t->problem->type);
	uint32_t n = t->job->ep->nranks;

	if (!t->problem->counts || bytes <= MOST_BYTES)
		return 0;
	t->counts = rg_zalloc((size_t)n * n, sizeof(*t->counts));
	if (!t->counts)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for counts");
	rg_matrix_scale(t->problem->counts, n, t->problem->count / (bytes / MOST_BYTES + 1),
			t->counts);
	return 0;
}

/* The default choice that this way leads to, if that depends on the way: if it is slots or READ. */
static int open_attempt(struct trial *t, bool in_place, enum rg_paths_way way, struct rg_err *err)
{
	enum rg_protocol wanted = way == RG_PATHS_READ ? RG_PROTOCOL_READ : RG_PROTOCOL_SLOT;
	struct attempt *a = &t->attempts[in_place][way];
	const struct rg_algorithm *algorithm;
	struct rg_target_problem tp;
	struct rg_places places;
	struct rg_problem p;
	int rc;

	describe(t, in_place, way, &tp, &p);
	if (rg_algorithm_select(&p, &algorithm, NULL) || p.params.protocol != wanted)
		return 0;
	rg_places_init(&places, t->job, &tp);
	a->args = rg_places_args(&places, 0, 0);
	rc = rg_program_open(t->job->ep, algorithm, &p, t->problem->type, t->problem->op, 0,
			     t->job->stream_from_bytes, &a->program, err);
	return rc ? rc : rg_run_open(t->job->executor, a->program, &a->run, err);
}

static int open_all(struct trial *t, struct rg_err *err)
{
	int rc = shorten(t, err);

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
	rg_free(t->counts);
}

static size_t src_bytes(const struct rg_problem *p)
{
	return rg_coll_src_count(p->coll, p->count, p->layout.nranks) * p->elem_bytes;
}

/*
 * Operations back to back; *took_ns_out is the mean. One alone would tell how soon a sender has
 * filled the slots, or a receiver emptied full ones; over several ranks keep step with each other.
 */
static int time_some(const struct trial *t, const struct attempt *a, uint64_t n,
		     double *took_ns_out, struct rg_err *err)
{
	const struct rg_problem *p = &a->program->problem;
	uint64_t spent_ns = 0;
	int rc = 0;

	for (uint64_t i = 0; i < n && !rc; i++) {
		uint64_t begin;

		if (t->fresh)
			memset((void *)a->args.src, 0, src_bytes(p));
		begin = rg_clock_ns();
		rc = rg_run_once(a->run, &a->args, err);
		spent_ns += rg_clock_ns() - begin;
	}
	*took_ns_out = (double)spent_ns / (double)n;
	return rc;
}

static int try_way(const struct trial *t, const struct attempt *a, double *best_ns,
		   struct rg_err *err)
{
	const struct rg_problem *p = &a->program->problem;
	uint64_t n = WARM_BYTES / (rg_problem_size_bytes(p) + 1);
	double took_ns;
	int rc;

	n = n < OPS_MIN ? OPS_MIN : n > OPS_MAX ? OPS_MAX : n;
	/* Memory that nobody has written would all be the same page of zeros. */
	memset((void *)a->args.src, 0, src_bytes(p));
	rc = time_some(t, a, rg_problem_size_bytes(p) > WARM_BYTES ? 1 : n, &took_ns, err);
	if (!rc)
		rc = time_some(t, a, n, &took_ns, err);
	if (!rc && (*best_ns <= 0 || took_ns < *best_ns))
		*best_ns = took_ns;
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
