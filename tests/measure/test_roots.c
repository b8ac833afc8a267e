/* SPDX-License-Identifier: BSD-3-Clause */
/* Who is root when, in the untimed lap and in the timed operations: seen by a target that notes it.
 */
#include "config.h"

#include "railgauge/measure/sample.h"

#include "railgauge/base/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define RANKS 3
#define CALLS 4096

struct noter {
	struct rg_target base;
	uint32_t n, root[CALLS], dst[CALLS];
};

static int noter_run(struct rg_target *target, uint32_t src, uint32_t dst, uint32_t root,
		     struct rg_err *err)
{
	struct noter *t = (struct noter *)(void *)target;

	t->root[t->n % CALLS] = root;
	t->dst[t->n++ % CALLS] = dst;
	return 0;
}

static void noter_close(struct rg_target *target)
{
}

static void noter_about(const struct rg_target *target, struct rg_target_about *about_out)
{
	*about_out = (struct rg_target_about){0};
}

static int noter_open(const struct rg_job *job, const struct rg_target_spec *spec,
		      const struct rg_target_problem *problem, struct rg_target **target_out,
		      struct rg_err *err);

static const struct rg_target_ops noter_ops = {
	.name = "noter",
	.open = noter_open,
	.close = noter_close,
	.run = noter_run,
	.about = noter_about,
};

/* One rank. */
struct rank {
	struct rg_rendezvous *rdv;
	enum rg_coll coll;
	const struct rg_plan *plan;
	struct noter noter;
	uint32_t ops; /* k; rank 0's */
	int rc;
};

static _Thread_local struct rank *me;

static int noter_open(const struct rg_job *job, const struct rg_target_spec *spec,
		      const struct rg_target_problem *problem, struct rg_target **target_out,
		      struct rg_err *err)
{
	me->noter.base.ops = &noter_ops;
	*target_out = &me->noter.base;
	return 0;
}

static void *rank_main(void *arg)
{
	const struct rg_target_spec spec = {.ops = &noter_ops};
	const struct rg_candidate candidate = {&spec, false, RG_ACCESS_PRIVATE};
	struct rank *r = me = arg;
	struct rg_job job = {.rdv = r->rdv, .deadline_ns = 20000000000};
	const struct rg_sampler_config config = {
		.coll = r->coll,
		.type = RG_TYPE_FLOAT32,
		.precision = 1,
		.budget_ns = 20000000,
		.repetitions = 6,
		.crowded = true,
		.access = {true, false},
		.pairs_bytes = r->plan->pairs_bytes,
	};
	struct rg_sampler *sampler = NULL;
	struct rg_samples samples = {0};
	bool interrupted;

	r->rc = rg_sampler_open(&job, &config, &sampler, NULL);
	if (!r->rc)
		r->rc = rg_sampler_point(sampler, &r->plan->points[0], &candidate, 1, &samples,
					 &interrupted, NULL);
	r->ops = samples.ops;
	rg_samples_release(&samples);
	rg_sampler_close(sampler);
	return NULL;
}

/* Measures with RANKS ranks; *out is what rank 0 noted of its last repetition: lap, then timed. */
static void note(enum rg_coll coll, uint64_t cached_bytes, struct noter *out, uint32_t *lap_out,
		 uint32_t *timed_out)
{
	const struct rg_plan_config config = {
		.coll = coll,
		.type = RG_TYPE_FLOAT32,
		.nranks = RANKS,
		.min_bytes = 1024,
		.max_bytes = 1024,
		.cached_bytes = cached_bytes,
	};
	struct rank *ranks = rg_zalloc(RANKS, sizeof(*ranks));
	struct rg_rendezvous *rdv[RANKS];
	pthread_t threads[RANKS];
	struct rg_plan plan;

	assert_int_equal(rg_plan_open(&config, &plan, NULL), 0);
	assert_int_equal(rg_rendezvous_threads_open(RANKS, rdv, NULL), 0);
	for (int i = 0; i < RANKS; i++) {
		ranks[i].rdv = rdv[i];
		ranks[i].coll = coll;
		ranks[i].plan = &plan;
		assert_int_equal(pthread_create(&threads[i], NULL, rank_main, &ranks[i]), 0);
	}
	for (int i = 0; i < RANKS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < RANKS; i++) {
		assert_int_equal(ranks[i].rc, 0);
		rg_rendezvous_close(rdv[i]);
	}
	*timed_out = ranks[0].ops;
	*lap_out = rg_plan_pairs(ranks[0].ops);
	assert_true(*timed_out > 0 && *lap_out + *timed_out < ranks[0].noter.n);
	for (uint32_t i = 0; i < *lap_out + *timed_out; i++) {
		uint32_t at = ranks[0].noter.n - *lap_out - *timed_out + i;

		out->root[i] = ranks[0].noter.root[at % CALLS];
		out->dst[i] = ranks[0].noter.dst[at % CALLS];
	}
	rg_free(ranks);
	rg_plan_close(&plan);
}

static const uint64_t rooms[] = {0, 20000};

static void roots_go_round_in_the_lap_and_on_from_it(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct noter n;
		uint32_t lap, timed;

		note(RG_COLL_BROADCAST, rooms[i], &n, &lap, &timed);
		for (uint32_t k = 1; k < lap + timed; k++)
			assert_int_equal(n.root[k], (n.root[k - 1] + 1) % RANKS);
	}
}

static void a_destination_of_the_root_alone_has_the_same_root_in_the_lap(void **state)
{
	for (size_t i = 0; i < 2; i++) {
		struct noter n;
		uint32_t lap, timed;

		note(RG_COLL_REDUCE, rooms[i], &n, &lap, &timed);
		for (uint32_t k = 0; k < timed; k++) {
			assert_int_equal(n.dst[k], n.dst[lap + k]);
			assert_int_equal(n.root[k], n.root[lap + k]);
			assert_int_equal(n.root[k], (n.root[0] + k) % RANKS);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_go_round_in_the_lap_and_on_from_it),
		cmocka_unit_test(a_destination_of_the_root_alone_has_the_same_root_in_the_lap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
