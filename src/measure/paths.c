/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/paths.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/buffer.h"
#include "railgauge/measure/target.h"

#include <math.h>
#include <string.h>

/* Rounds over everything, and tries in a row; the best counts, since whatever disturbs only adds.
 */
#define ROUNDS 2
#define TRIES  3

/*
 * What a way must have moved before it is timed: all slots have been used again, and are where this
 * way leaves them.
 */
#define WARM_BYTES ((uint64_t)1 << 20)

/* What another way than the first must gain: trying has noise of its own. */
#define GAIN 0.97

const uint64_t rg_paths_sizes[RG_PATHS_SIZES] = {32 << 10, 128 << 10, 1 << 20, 4 << 20};

/* One thing to try. */
struct attempt {
	struct rg_program *program; /* owned; NULL: not to be tried */
	struct rg_run *run;	    /* owned */
};

struct rg_paths_trial {
	const struct rg_job *job; /* borrowed */
	enum rg_coll coll;
	bool fresh;
	struct rg_buffer src, dst; /* of the largest size each */
	struct attempt attempts[2][RG_PATHS_WAYS][RG_PATHS_SIZES];
};

/* The times of a trial; travels through the rendezvous. */
struct times {
	double best_ns[2][RG_PATHS_WAYS][RG_PATHS_SIZES];
};

/* The geometric mean of how streamed slots compare with those in the caches; 1: not tried. */
static double streamed(const double best_ns[RG_PATHS_WAYS][RG_PATHS_SIZES])
{
	double sum = 0;

	for (uint32_t i = 0; i < RG_PATHS_SIZES; i++) {
		if (best_ns[RG_PATHS_STREAMED][i] <= 0 || best_ns[RG_PATHS_CACHED][i] <= 0)
			return 1;
		sum += log(best_ns[RG_PATHS_STREAMED][i] / best_ns[RG_PATHS_CACHED][i]);
	}
	return exp(sum / RG_PATHS_SIZES);
}

/* From where on, up to the largest size, reading beats slots; 0: not even there. */
static uint64_t pays_from(const double *read_ns, const double *slots_ns)
{
	uint32_t first = RG_PATHS_SIZES;

	while (first && read_ns[first - 1] > 0 && read_ns[first - 1] < GAIN * slots_ns[first - 1])
		first--;
	if (first == RG_PATHS_SIZES)
		return 0;
	if (!first)
		return rg_paths_sizes[0];
	/* Somewhere between the last size that lost and the first that won. */
	return (uint64_t)sqrt((double)rg_paths_sizes[first - 1] * (double)rg_paths_sizes[first]);
}

void rg_paths_judge(const double best_ns[RG_PATHS_WAYS][RG_PATHS_SIZES], bool *stream_slots_out,
		    uint64_t *read_from_bytes_out)
{
	bool stream = streamed(best_ns) < GAIN;

	*stream_slots_out = stream;
	*read_from_bytes_out = pays_from(best_ns[RG_PATHS_READ],
					 best_ns[stream ? RG_PATHS_STREAMED : RG_PATHS_CACHED]);
}

/* The default choice for private buffers, with slots or with reading; none: not tried. */
static int open_attempt(struct rg_paths_trial *t, bool in_place, enum rg_paths_way way,
			uint64_t size_bytes, struct attempt *a, struct rg_err *err)
{
	struct rg_endpoint *ep = t->job->ep;
	struct rg_problem problem = {
		.coll = t->coll,
		.layout.nranks = ep->nranks,
		.count = rg_coll_block_count(t->coll, size_bytes / sizeof(float), ep->nranks),
		.elem_bytes = sizeof(float),
		.in_place = in_place,
		.access = RG_ACCESS_PRIVATE,
		.caps = ep->caps,
		.geometry = ep->config.geometry,
		.params.channels = 1,
		.params.stream_slots = way == RG_PATHS_STREAMED,
		.params.read_from_bytes = way == RG_PATHS_READ,
	};
	const struct rg_algorithm *algorithm;
	int rc;

	if (rg_algorithm_select(&problem, &algorithm, NULL) ||
	    (problem.params.protocol == RG_PROTOCOL_READ) != (way == RG_PATHS_READ))
		return 0;
	rc = rg_program_open(ep, algorithm, &problem, RG_TYPE_FLOAT32, RG_OP_SUM, 0,
			     t->job->stream_from_bytes, &a->program, err);
	return rc ? rc : rg_run_open(t->job->executor, a->program, &a->run, err);
}

static int open_all(struct rg_paths_trial *t, struct rg_err *err)
{
	uint64_t most = rg_paths_sizes[RG_PATHS_SIZES - 1];
	int rc;

	rc = rg_buffer_open(RG_MEMORY_HOST, most, 0, -1, &t->src, err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, most, 0, -1, &t->dst, err);
	if (!rc) {
		memset(t->src.base, 0, most);
		memset(t->dst.base, 0, most);
	}
	for (int k = 0; k < 2 * RG_PATHS_WAYS * RG_PATHS_SIZES && !rc; k++) {
		int size = k % RG_PATHS_SIZES, way = k / RG_PATHS_SIZES % RG_PATHS_WAYS;
		bool in_place = k / RG_PATHS_SIZES / RG_PATHS_WAYS;

		rc = open_attempt(t, in_place, (enum rg_paths_way)way, rg_paths_sizes[size],
				  &t->attempts[in_place][way][size], err);
	}
	return rc;
}

int rg_paths_open(const struct rg_job *job, enum rg_coll coll, bool fresh,
		  struct rg_paths_trial **trial_out, struct rg_err *err)
{
	struct rg_paths_trial *t = rg_zalloc(1, sizeof(*t));
	int rc;

	if (!t) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to try ways of private data");
	} else {
		t->job = job;
		t->coll = coll;
		t->fresh = fresh;
		rc = open_all(t, err);
	}
	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (rc) {
		rg_paths_close(t);
		return rc;
	}
	*trial_out = t;
	return 0;
}

void rg_paths_close(struct rg_paths_trial *trial)
{
	struct attempt *all;

	if (!trial)
		return;
	all = &trial->attempts[0][0][0];
	for (int k = 0; k < 2 * RG_PATHS_WAYS * RG_PATHS_SIZES; k++) {
		rg_run_close(all[k].run);
		rg_program_close(all[k].program);
	}
	rg_buffer_close(&trial->src);
	rg_buffer_close(&trial->dst);
	rg_free(trial);
}

/* In place the smaller buffer is the rank's own block of the larger. */
static struct rg_run_args args_of(const struct rg_paths_trial *t, const struct rg_problem *p)
{
	uint64_t src = rg_coll_src_count(p->coll, p->count, p->layout.nranks);
	uint64_t dst = rg_coll_dst_count(p->coll, p->count, p->layout.nranks);
	uint64_t block = rg_problem_block_bytes(p) * t->job->ep->rank;
	uint8_t *base = t->dst.base;

	if (!p->in_place)
		return (struct rg_run_args){.src = t->src.base, .dst = t->dst.base};
	return (struct rg_run_args){
		.src = base + (src < dst ? block : 0),
		.dst = base + (dst < src ? block : 0),
	};
}

static int time_once(const struct rg_paths_trial *t, const struct attempt *a, double *took_ns,
		     struct rg_err *err)
{
	const struct rg_problem *p = &a->program->problem;
	const struct rg_run_args args = args_of(t, p);
	uint64_t begin;
	int rc;

	if (t->fresh)
		memset((void *)args.src, 0,
		       rg_coll_src_count(p->coll, p->count, p->layout.nranks) * p->elem_bytes);
	begin = rg_clock_ns();
	rc = rg_run_once(a->run, &args, err);
	*took_ns = (double)(rg_clock_ns() - begin);
	return rc;
}

static int try_some(const struct rg_paths_trial *t, const struct attempt *a, double *best_ns,
		    struct rg_err *err)
{
	uint64_t warm, n;
	double took_ns;
	int rc = 0;

	if (!a->run)
		return 0;
	warm = WARM_BYTES / (rg_problem_size_bytes(&a->program->problem) + 1);
	for (n = 0; n < warm + TRIES && !rc; n++) {
		rc = time_once(t, a, &took_ns, err);
		if (n >= warm && (*best_ns <= 0 || took_ns < *best_ns))
			*best_ns = took_ns;
	}
	return rc;
}

/* The slowest rank's best counts. */
static int agree_on(const struct rg_paths_trial *t, struct times *times, struct rg_err *err)
{
	const size_t n = sizeof(*times) / sizeof(double);
	const struct rg_job *job = t->job;
	struct times *all = rg_zalloc(job->rdv->nranks, sizeof(*all));
	double *most = &times->best_ns[0][0][0];
	int rc = all ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for times");

	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(job->rdv, times, all, sizeof(*times),
					     rg_clock_ns() + job->deadline_ns, err);
	for (uint32_t r = 0; r < job->rdv->nranks && !rc; r++) {
		for (size_t i = 0; i < n; i++)
			most[i] = fmax(most[i], (&all[r].best_ns[0][0][0])[i]);
	}
	rg_free(all);
	return rc;
}

int rg_paths_try(struct rg_paths_trial *trial, struct rg_paths *paths_out, struct rg_err *err)
{
	struct times times = {0};
	int rc = 0;

	for (int k = 0; k < ROUNDS * 2 * RG_PATHS_SIZES * RG_PATHS_WAYS && !rc; k++) {
		int way = k % RG_PATHS_WAYS, size = k / RG_PATHS_WAYS % RG_PATHS_SIZES;
		int in_place = k / RG_PATHS_WAYS / RG_PATHS_SIZES % 2;

		rc = try_some(trial, &trial->attempts[in_place][way][size],
			      &times.best_ns[in_place][way][size], err);
	}
	rc = rg_rendezvous_agree(trial->job->rdv, rc, rg_clock_ns() + trial->job->deadline_ns, err);
	if (!rc)
		rc = agree_on(trial, &times, err);
	for (int i = 0; i < 2 && !rc; i++)
		rg_paths_judge(times.best_ns[i], &paths_out->stream_slots[i],
			       &paths_out->read_from_bytes[i]);
	return rc;
}
