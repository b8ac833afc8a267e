/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the times of the ways that private data can take, and that all ranks agree. */
#include "config.h"

#include "railgauge/measure/paths.h"

#include "railgauge/measure/target.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool stream;
static uint64_t read_from;

/* Cached slots take 1 ns a byte, the others so many times that, size by size; NULL: not tried. */
static void judge(const double *streamed, const double *read)
{
	double ns[RG_PATHS_WAYS][RG_PATHS_SIZES];

	for (int i = 0; i < RG_PATHS_SIZES; i++) {
		double slots = (double)rg_paths_sizes[i];

		ns[RG_PATHS_CACHED][i] = slots;
		ns[RG_PATHS_STREAMED][i] = streamed ? slots * streamed[i] : 0;
		ns[RG_PATHS_READ][i] = read ? slots * read[i] : 0;
	}
	rg_paths_judge(ns, &stream, &read_from);
}

static void what_was_not_tried_is_not_chosen(void **state)
{
	judge(NULL, NULL);
	assert_false(stream);
	assert_int_equal(read_from, 0);
}

static void slots_are_streamed_where_that_is_faster_over_all_sizes(void **state)
{
	judge((const double[]){1.1, 0.9, 0.7, 0.7}, NULL);
	assert_true(stream);
	judge((const double[]){1.3, 1.2, 0.9, 0.8}, NULL);
	assert_false(stream);
	judge((const double[]){0.99, 0.99, 0.99, 0.99}, NULL); /* no more than noise */
	assert_false(stream);
}

static void reading_begins_where_it_has_won_up_to_the_largest_size(void **state)
{
	judge(NULL, (const double[]){0.5, 0.5, 0.5, 0.5});
	assert_int_equal(read_from, rg_paths_sizes[0]);
	judge(NULL, (const double[]){2, 1.5, 0.8, 0.5});
	assert_in_range(read_from, rg_paths_sizes[1] + 1, rg_paths_sizes[2] - 1);
	judge(NULL, (const double[]){0.5, 1.5, 1.1, 0.5}); /* the first was luck */
	assert_in_range(read_from, rg_paths_sizes[2] + 1, rg_paths_sizes[3] - 1);
	judge(NULL, (const double[]){0.5, 0.5, 0.5, 1.5});
	assert_int_equal(read_from, 0);
}

static void reading_must_beat_the_better_slots(void **state)
{
	const double half[] = {0.5, 0.5, 0.5, 0.5};

	judge(half, (const double[]){0.6, 0.6, 0.6, 0.6});
	assert_true(stream);
	assert_int_equal(read_from, 0);
}

/* Trying for real, over threads. */

#define RANKS 3

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
	struct rg_paths_trial *trial = NULL;

	r->rc = rg_transport_inproc.open(r->rdv, &config, &job.ep, &r->err);
	if (!r->rc)
		r->rc = rg_executor_open(job.ep, 1, &job.executor, &r->err);
	job.stream_from_bytes = 1 << 20;
	if (!r->rc)
		r->rc = rg_paths_open(&job, r->coll, r->coll % 2, &trial, &r->err);
	memset(&r->paths, 0x5a, sizeof(r->paths));
	if (!r->rc)
		r->rc = rg_paths_try(trial, &r->paths, &r->err);
	rg_paths_close(trial);
	rg_executor_close(job.executor);
	rg_transport_inproc.close(job.ep);
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
				assert_int_equal(ranks[i].paths.read_from_bytes[k],
						 ranks[0].paths.read_from_bytes[k]);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_not_tried_is_not_chosen),
		cmocka_unit_test(slots_are_streamed_where_that_is_faster_over_all_sizes),
		cmocka_unit_test(reading_begins_where_it_has_won_up_to_the_largest_size),
		cmocka_unit_test(reading_must_beat_the_better_slots),
		cmocka_unit_test(all_ranks_come_to_the_same_answer_for_every_collective),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
