/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the times of the ways that private data can take, and that all ranks agree. */
#include "config.h"

#include "railgauge/measure/paths.h"

#include "railgauge/base/matrix.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/target.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static enum rg_paths_way judge(double cached, double streamed, double read)
{
	return rg_paths_judge((const double[]){cached, streamed, read});
}

static void the_fastest_way_is_taken(void **state)
{
	assert_int_equal(judge(10, 8, 9), RG_PATHS_STREAMED);
	assert_int_equal(judge(10, 9, 8), RG_PATHS_READ);
	assert_int_equal(judge(10, 12, 11), RG_PATHS_CACHED);
}

static void what_was_not_tried_is_not_taken(void **state)
{
	assert_int_equal(judge(10, 0, 0), RG_PATHS_CACHED);
	assert_int_equal(judge(0, 0, 0), RG_PATHS_CACHED);
	assert_int_equal(judge(10, 0, 8), RG_PATHS_READ);
}

static void a_gain_like_noise_is_none(void **state)
{
	assert_int_equal(judge(10, 9.9, 9.8), RG_PATHS_CACHED);
}

/* Trying for real, over threads. */

#define RANKS 3
#define COUNT 5000

struct rank {
	struct rg_rendezvous *rdv;
	enum rg_coll coll;
	struct rg_paths paths;
	struct rg_err err;
	int rc;
};

static void *rank_main(void *arg)
{
	const struct rg_transport_config config = {
		.geometry = rg_geometry_default,
		.patience = rg_patience_shared_core,
		.timeout_ns = 20000000000u,
	};
	struct rank *r = arg;
	struct rg_job job = {.rdv = r->rdv, .deadline_ns = config.timeout_ns};
	float *memory = rg_zalloc(4 * COUNT * RANKS, sizeof(float));
	const struct rg_pairs pairs = {.base = (uint8_t *)memory,
				       .dst_at = 2 * COUNT * RANKS * sizeof(float)};
	bool v = r->coll == RG_COLL_ALLTOALLV;
	uint64_t counts[RANKS * RANKS];
	const struct rg_target_problem problem = {
		.coll = r->coll,
		.type = RG_TYPE_FLOAT32,
		.op = RG_OP_SUM,
		.count = v ? COUNT * RANKS : COUNT,
		.counts = v ? counts : NULL,
		.nroots = 1,
		.pairs = &pairs,
	};

	rg_matrix_scale(NULL, RANKS, COUNT * RANKS, counts);
	r->rc = rg_transport_inproc.open(r->rdv, &config, &job.ep, &r->err);
	if (!r->rc)
		r->rc = rg_executor_open(job.ep, 1, &job.executor, &r->err);
	job.stream_from_bytes = 1 << 20;
	if (!r->rc)
		r->rc = rg_paths_try(&job, &problem, r->coll % 2, &r->paths, &r->err);
	rg_executor_close(job.executor);
	rg_transport_inproc.close(job.ep);
	rg_free(memory);
	return NULL;
}

static void all_ranks_come_to_the_same_answer_for_every_collective(void **state)
{
	for (int coll = 0; coll < RG_COLL_BARRIER; coll++) {
		struct rg_rendezvous *rdv[RANKS];
		struct rank ranks[RANKS];
		pthread_t threads[RANKS];

		assert_int_equal(rg_rendezvous_threads_open(RANKS, rdv, NULL), 0);
		for (int i = 0; i < RANKS; i++) {
			ranks[i] = (struct rank){.rdv = rdv[i], .coll = (enum rg_coll)coll};
			assert_int_equal(pthread_create(&threads[i], NULL, rank_main, &ranks[i]),
					 0);
		}
		for (int i = 0; i < RANKS; i++)
			pthread_join(threads[i], NULL);
		for (int i = 0; i < RANKS; i++) {
			rg_rendezvous_close(rdv[i]);
			if (ranks[i].rc)
				fail_msg("%s: %s", rg_coll_name(ranks[i].coll), ranks[i].err.text);
			for (int k = 0; k < 2; k++) {
				assert_int_equal(ranks[i].paths.stream_slots[k],
						 ranks[0].paths.stream_slots[k]);
				assert_int_equal(ranks[i].paths.read[k], ranks[0].paths.read[k]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fastest_way_is_taken),
		cmocka_unit_test(what_was_not_tried_is_not_taken),
		cmocka_unit_test(a_gain_like_noise_is_none),
		cmocka_unit_test(all_ranks_come_to_the_same_answer_for_every_collective),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
