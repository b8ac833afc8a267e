/* SPDX-License-Identifier: BSD-3-Clause */
/* The simulation of rows that are made up here, and what it refuses. */
#include "config.h"

#include "sim_cases.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Within a node, between nodes: 0.3 and 2 us, 100 and 20 GB/s. */
static const struct link_fs near = {300000000, 40000000, 30000000, 10000};
static const struct link_fs far = {2000000000, 300000000, 250000000, 50000};

/* A planted row: rank 0 tells rank 1 on channel 0, at once. */
static int takes_any(const struct rg_problem *p, struct rg_err *err)
{
	return 0;
}

static int tell(struct rg_sink *sink, enum rg_step_op op, enum rg_ctr ctr, uint32_t peer,
		struct rg_err *err)
{
	const struct rg_step s = {.op = op, .ctr = ctr, .peer = peer, .value = 1};

	return sink->step(sink, &s, err);
}

static void copy(struct rg_sink *sink, uint32_t channel, uint64_t bytes)
{
	const struct rg_ref src = {RG_BUF_SRC, 1}, dst = {RG_BUF_DST, 1};
	const struct rg_step s = {.op = RG_STEP_MOVE,
				  .channel = channel,
				  .src = &src,
				  .dst = &dst,
				  .nsrc = 1,
				  .ndst = 1,
				  .len_bytes = bytes};

	assert_int_equal(sink->step(sink, &s, NULL), 0);
}

/* Rank 1 copies 5 and 4 bytes, is told on channel 0, and there copies 100. */
static int two_channels(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	int rc;

	if (!rank)
		return tell(sink, RG_STEP_SIGNAL, RG_CTR_SYNC, 1, err);
	copy(sink, 0, 5);
	rc = tell(sink, RG_STEP_WAIT, RG_CTR_SYNC, 0, err);
	copy(sink, 0, 100);
	copy(sink, 1, 4);
	return rc;
}

static void the_channel_that_is_ready_first_has_the_processor_first(void **state)
{
	const struct rg_algorithm a = {.name = "planted",
				       .coll = RG_COLL_BARRIER,
				       .check = takes_any,
				       .generate = two_channels};
	struct rg_costs costs = costs_of((struct link_fs){.latency = 10}, far);
	struct rg_problem p = problem_of(RG_COLL_BARRIER, 2, 0);
	struct rg_sim_result r = {0};

	p.params.channels = 2;
	costs.copy_s = 1e-15;
	assert_int_equal(rg_sim_run(&a, &p, &costs, &r, NULL), 0);
	/* Copies until 5 and 9, told at 10. */
	assert_int_equal(r.time_fs, 110);
	costs = costs_of((struct link_fs){.latency = 6}, far);
	costs.copy_s = 1e-15;
	assert_int_equal(rg_sim_run(&a, &p, &costs, &r, NULL), 0);
	/* Told at 6, while it copies. */
	assert_int_equal(r.time_fs, 109);
}

static void assert_refused(const struct rg_algorithm *a, const struct rg_problem *p,
			   const struct rg_costs *costs, int code, const char *text)
{
	struct rg_sim_result r = {.time_fs = -1};
	struct rg_err err = {0};

	assert_int_equal(rg_sim_run(a, p, costs, &r, &err), code);
	assert_true(r.time_fs == -1);
	if (!strstr(err.text, text))
		fail_msg("\"%s\" does not say \"%s\"", err.text, text);
}

static void what_cannot_be_simulated_is_refused_with_its_reason(void **state)
{
	struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 4, 64);
	const struct rg_algorithm *pull, *ring;
	uint32_t node[4] = {0, 1, 2, 4};
	struct rg_sim_result r;

	assert_int_equal(rg_algorithm_find(RG_COLL_ALLREDUCE, "pull", &pull, NULL), 0);
	assert_int_equal(rg_algorithm_find(RG_COLL_ALLREDUCE, "ring", &ring, NULL), 0);
	p.params.protocol = RG_PROTOCOL_READ;
	assert_refused(pull, &p, &costs, RG_ERR_UNSUPPORTED, "\"read\" is not simulated");
	p.params.protocol = RG_PROTOCOL_SLOT;
	assert_refused(pull, &p, &costs, RG_ERR_UNSUPPORTED, "has no protocol \"slot\"");
	p.layout.node = node;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "rank 3 is on node 4");
	node[3] = 3;
	costs.hop[RG_HOP_NETWORK].gap_s = -1;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "gap of -1 s");
	costs.hop[RG_HOP_NETWORK].gap_s = NAN;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "gap of");
	costs.hop[RG_HOP_NETWORK].gap_s = 1e9;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "gap of 1e+09 s");
	costs = costs_of(near, far);
	costs.copy_s = INFINITY;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "copy of inf");
	costs = costs_of(near, far);
	costs.hop[RG_HOP_NETWORK].latency_s = 500;
	p.layout.nranks = 4;
	assert_int_equal(rg_sim_run(ring, &p, &costs, &r, NULL), 0);
	assert_int_equal(r.time_fs / INT64_C(1000000000000000), 3000);
	p = problem_of(RG_COLL_ALLREDUCE, 9, 64);
	costs.hop[RG_HOP_NODE].latency_s = 500;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "longer than the 76 minutes");
	costs.hop[RG_HOP_NODE] = (struct rg_loggp){.byte_s = 100};
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "longer than the 76 minutes");
	p.layout.nranks = RG_SIM_RANKS + 1;
	assert_refused(ring, &p, &costs, RG_ERR_RANGE, "at most 131072 ranks");
}

/* Rows with a mistake: rank 1 waits, or rank 0 signals, although the other does not. */
static int waits_in_vain(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			 struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rank ? tell(sink, RG_STEP_WAIT, RG_CTR_SYNC, 0, err) : 0;
}

static int signals_in_vain(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			   struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rank ? 0 : tell(sink, RG_STEP_SIGNAL, RG_CTR_SYNC, 1, err);
}

static int announces_nothing(const struct rg_problem *p, uint32_t rank, struct rg_sink *sink,
			     struct rg_schedule_needs *needs_out, struct rg_err *err)
{
	return rank ? 0 : tell(sink, RG_STEP_SIGNAL, RG_CTR_READY, 1, err);
}

static void mistakes_of_a_row_are_noticed(void **state)
{
	const struct rg_costs costs = costs_of(near, far);
	const struct rg_problem p = problem_of(RG_COLL_BARRIER, 2, 0);
	struct rg_algorithm a = {.name = "planted", .coll = RG_COLL_BARRIER, .check = takes_any};

	a.generate = waits_in_vain;
	assert_refused(&a, &p, &costs, RG_ERR_INTERNAL,
		       "rank 1 waits for message 0 of rank 0, which never comes");
	a.generate = signals_in_vain;
	assert_refused(&a, &p, &costs, RG_ERR_INTERNAL, "a message is sent that nobody waits for");
	a.generate = announces_nothing;
	assert_refused(&a, &p, &costs, RG_ERR_INTERNAL, "otherwise than one by one");
}

static void without_memory_nothing_is_left_behind(void **state)
{
	const struct rg_costs costs = costs_of(near, far);
	struct rg_problem p = problem_of(RG_COLL_ALLREDUCE, 6, 4096);
	const uint32_t node[6] = {0, 0, 0, 1, 1, 1};
	const struct rg_algorithm *a;
	unsigned long n = 0;
	bool failed;

	p.layout.node = node;
	assert_int_equal(rg_algorithm_find(RG_COLL_ALLREDUCE, "ring", &a, NULL), 0);
	do {
		struct rg_sim_result r;
		int rc;

		rg_mem_fail_nth(++n);
		rc = rg_sim_run(a, &p, &costs, &r, NULL);
		failed = rg_mem_fail_fired();
		assert_int_equal(rc, failed ? RG_ERR_NO_MEMORY : 0);
	} while (failed);
	rg_mem_fail_nth(0);
	assert_true(n > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_channel_that_is_ready_first_has_the_processor_first),
		cmocka_unit_test(what_cannot_be_simulated_is_refused_with_its_reason),
		cmocka_unit_test(mistakes_of_a_row_are_noticed),
		cmocka_unit_test(without_memory_nothing_is_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
