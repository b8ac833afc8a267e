/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/paths.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/device/buffer.h"
#include "railgauge/measure/target.h"

#include <math.h>
#include <string.h>

/* Tries of each way and length; the best counts, since whatever disturbs only adds. */
#define TRIES 5

/* What another way than the first must gain: trying has noise of its own. */
#define GAIN 0.97

enum way { WAY_CACHED, WAY_STREAMED, WAY_READ };
_Static_assert(WAY_READ + 1 == RG_PATHS_WAYS, "all ways");

const uint64_t rg_paths_lengths[RG_PATHS_LENGTHS] = {16 << 10, 64 << 10, 256 << 10, 1 << 20};

struct rg_paths_trial {
	const struct rg_job *job; /* borrowed */
	bool fresh;
	struct rg_buffer src, dst;
	struct rg_program *programs[RG_PATHS_WAYS][RG_PATHS_LENGTHS]; /* owned; NULL: not tried */
	struct rg_run *runs[RG_PATHS_WAYS][RG_PATHS_LENGTHS];	      /* owned */
};

/* The geometric mean of how a way compares with slots in the caches; 1 if it was not tried. */
static double compared(const double best_ns[RG_PATHS_WAYS][RG_PATHS_LENGTHS], enum way way)
{
	double sum = 0;

	for (uint32_t i = 0; i < RG_PATHS_LENGTHS; i++) {
		if (best_ns[way][i] <= 0 || best_ns[WAY_CACHED][i] <= 0)
			return 1;
		sum += log(best_ns[way][i] / best_ns[WAY_CACHED][i]);
	}
	return exp(sum / RG_PATHS_LENGTHS);
}

struct rg_paths rg_paths_judge(const double best_ns[RG_PATHS_WAYS][RG_PATHS_LENGTHS])
{
	struct rg_paths paths = {
		.stream_slots = compared(best_ns, WAY_STREAMED) < GAIN,
	};
	enum way slots = paths.stream_slots ? WAY_STREAMED : WAY_CACHED;
	uint32_t first = RG_PATHS_LENGTHS;

	while (first && best_ns[WAY_READ][first - 1] > 0 &&
	       best_ns[WAY_READ][first - 1] < GAIN * best_ns[slots][first - 1])
		first--;
	if (first < RG_PATHS_LENGTHS)
		paths.read_from_bytes = rg_paths_lengths[first];
	/* Somewhere between the last length that lost and the first that won. */
	if (first && first < RG_PATHS_LENGTHS)
		paths.read_from_bytes = (uint64_t)sqrt((double)rg_paths_lengths[first - 1] *
						       (double)rg_paths_lengths[first]);
	return paths;
}

static int open_way(struct rg_paths_trial *t, enum way way, uint32_t length, struct rg_err *err)
{
	struct rg_endpoint *ep = t->job->ep;
	const struct rg_problem problem = {
		.coll = RG_COLL_SENDRECV,
		.layout.nranks = ep->nranks,
		.count = rg_paths_lengths[length],
		.elem_bytes = 1,
		.access = RG_ACCESS_PRIVATE,
		.caps = ep->caps,
		.geometry = ep->config.geometry,
		.params.protocol = way == WAY_READ ? RG_PROTOCOL_READ : RG_PROTOCOL_SLOT,
		.params.channels = 1,
		.params.stream_slots = way == WAY_STREAMED,
	};
	const struct rg_algorithm *algorithm;
	int rc;

	if (way == WAY_READ && !(ep->caps & RG_CAP_READ))
		return 0;
	rc = rg_algorithm_find(RG_COLL_SENDRECV, way == WAY_READ ? "pull" : "direct", &algorithm,
			       err);
	if (!rc)
		rc = rg_program_open(ep, algorithm, &problem, RG_TYPE_UINT8, RG_OP_SUM, 0,
				     t->job->stream_from_bytes, &t->programs[way][length], err);
	if (!rc)
		rc = rg_run_open(t->job->executor, t->programs[way][length], &t->runs[way][length],
				 err);
	return rc;
}

static int open_all(struct rg_paths_trial *t, struct rg_err *err)
{
	uint64_t most = rg_paths_lengths[RG_PATHS_LENGTHS - 1];
	int rc;

	rc = rg_buffer_open(RG_MEMORY_HOST, most, 0, -1, &t->src, err);
	if (!rc)
		rc = rg_buffer_open(RG_MEMORY_HOST, most, 0, -1, &t->dst, err);
	for (int way = 0; way < RG_PATHS_WAYS; way++) {
		for (uint32_t i = 0; i < RG_PATHS_LENGTHS && !rc; i++)
			rc = open_way(t, (enum way)way, i, err);
	}
	if (!rc) {
		memset(t->src.base, 1, most);
		memset(t->dst.base, 1, most);
	}
	return rc;
}

int rg_paths_open(const struct rg_job *job, bool fresh, struct rg_paths_trial **trial_out,
		  struct rg_err *err)
{
	struct rg_paths_trial *t = rg_zalloc(1, sizeof(*t));
	int rc;

	if (!t) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory to try ways of private data");
	} else {
		t->job = job;
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
	if (!trial)
		return;
	for (int way = 0; way < RG_PATHS_WAYS; way++) {
		for (uint32_t i = 0; i < RG_PATHS_LENGTHS; i++) {
			rg_run_close(trial->runs[way][i]);
			rg_program_close(trial->programs[way][i]);
		}
	}
	rg_buffer_close(&trial->src);
	rg_buffer_close(&trial->dst);
	rg_free(trial);
}

/* One operation, after one that is not counted; the time of the second from here to its end. */
static int try_one(struct rg_paths_trial *t, struct rg_run *run, uint64_t len_bytes, double *best_ns,
		   struct rg_err *err)
{
	const struct rg_run_args args = {.src = t->src.base, .dst = t->dst.base};
	uint64_t begin;
	double took;
	int rc;

	rc = rg_run_once(run, &args, err);
	if (rc)
		return rc;
	if (t->fresh)
		memset(t->src.base, 1, len_bytes);
	begin = rg_clock_ns();
	rc = rg_run_once(run, &args, err);
	took = (double)(rg_clock_ns() - begin);
	if (*best_ns <= 0 || took < *best_ns)
		*best_ns = took;
	return rc;
}

/* The slowest rank's best counts. */
static int agree_on(const struct rg_paths_trial *t, double best_ns[RG_PATHS_WAYS][RG_PATHS_LENGTHS],
		    struct rg_err *err)
{
	const size_t n = (size_t)RG_PATHS_WAYS * RG_PATHS_LENGTHS;
	const struct rg_job *job = t->job;
	double *mine = &best_ns[0][0], *all = rg_zalloc(n * job->rdv->nranks, sizeof(*all));
	int rc = all ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for times");

	rc = rg_rendezvous_agree(job->rdv, rc, rg_clock_ns() + job->deadline_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(job->rdv, mine, all, n * sizeof(*all),
					     rg_clock_ns() + job->deadline_ns, err);
	for (size_t i = 0; i < n * job->rdv->nranks && !rc; i++)
		mine[i % n] = fmax(mine[i % n], all[i]);
	rg_free(all);
	return rc;
}

int rg_paths_try(struct rg_paths_trial *trial, struct rg_paths *paths_out, struct rg_err *err)
{
	double best_ns[RG_PATHS_WAYS][RG_PATHS_LENGTHS] = {{0}};
	int rc = 0;

	for (int k = 0; k < TRIES; k++) {
		for (uint32_t i = 0; i < RG_PATHS_LENGTHS; i++) {
			for (int way = 0; way < RG_PATHS_WAYS && !rc; way++) {
				if (trial->runs[way][i])
					rc = try_one(trial, trial->runs[way][i],
						     rg_paths_lengths[i], &best_ns[way][i], err);
			}
		}
	}
	rc = rg_rendezvous_agree(trial->job->rdv, rc, rg_clock_ns() + trial->job->deadline_ns, err);
	if (!rc)
		rc = agree_on(trial, best_ns, err);
	if (!rc)
		*paths_out = rg_paths_judge(best_ns);
	return rc;
}
