/* SPDX-License-Identifier: BSD-3-Clause */
/* Pairs of ranks in the result document. */
#include "config.h"

#include "railgauge/measure/result.h"
#include "../schema.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct rg_result_pair sample_pair(enum rg_pairs_test test)
{
	static struct rg_pairs_outcome outcome;

	struct rg_result_pair pair = {.test = test,
				      .size_bytes = 64,
				      .rail = RG_LANE_ALL_RAILS,
				      .op = RG_LANE_OP_WRITE_IMM,
				      .transport = "verbs",
				      .round = 3};

	outcome = (struct rg_pairs_outcome){
		.from = 1,
		.to = 0,
		.messages = 1000,
		.block = test == RG_PAIRS_LATENCY ? 1 : 10,
		.time_ns = 2e6,
		.ns = {1000, 500, 1500, 1400, 1600, 1700, 321, 1000, 9000, 2000, 3000, 4000},
		.rate_Bps = test == RG_PAIRS_LATENCY ? 0 : 3.2e7,
		.messages_ps = test == RG_PAIRS_LATENCY ? 0 : 5e5,
		.bound_ns = 750,
		.checked = 640,
		.wrong = 1,
		.from_device = "mlx5_0",
	};
	rg_result_pair_fill(&pair, &outcome);
	return pair;
}

/* A result of pairs has no points. */
static struct rg_result *empty_result(void)
{
	struct rg_result *r;

	assert_int_equal(rg_result_open(&r, NULL), 0);
	assert_int_equal(rg_result_set_run(r, &(struct rg_result_run){.nranks = 2}, NULL), 0);
	return r;
}

static void pairs_are_written_and_read_again(void **state)
{
	const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
	struct rg_result *r = empty_result(), *again;
	struct rg_result_pair pair = sample_pair(RG_PAIRS_LATENCY);
	json_t *root, *schema;
	struct rg_err err = {0};
	char path[4096];

	assert_true(fabs(pair.fraction - 0.5) < 1e-9); /* of the median */
	if (rg_result_add_pair(r, &pair, &err))
		fail_msg("%s", err.text);
	pair = sample_pair(RG_PAIRS_RATE);
	assert_true(fabs(pair.fraction - 750 / 2e3) < 1e-9); /* of the mean over all time */
	assert_int_equal(rg_result_add_pair(r, &pair, &err), 0);
	root = rg_result_to_json(r);
	if (rg_result_from_json(root, "pairs", &again, &err))
		fail_msg("%s", err.text);
	assert_int_equal(again->npairs, 2);
	assert_int_equal(again->pairs[0].rail, -1);
	assert_string_equal(again->pairs[0].from_device, "mlx5_0");
	assert_null(again->pairs[0].to_device);
	assert_true(again->pairs[1].p999_ns == 4000 && again->pairs[1].stdev_ns == 321);
	assert_true(again->pairs[1].messages_ps == 5e5 && again->pairs[0].messages_ps == 0);
	assert_true(again->pairs[1].op == RG_LANE_OP_WRITE_IMM && again->pairs[1].wrong == 1);
	snprintf(path, sizeof(path), "%s/docs/result-schema.json", srcdir);
	if (rg_json_read(path, &schema, &err))
		fail_msg("%s", err.text);
	assert_true(schema_fits(schema, root));
	rg_result_close(again);
	/* Documents of before. */
	json_object_del(root, "pairs");
	assert_int_equal(rg_result_from_json(root, "old", &again, NULL), 0);
	assert_int_equal(again->npairs, 0);
	rg_result_close(again);
	rg_result_close(r);
	json_decref(root);
	json_decref(schema);
}

static void pairs_that_contradict_themselves_are_refused(void **state)
{
	struct rg_result_pair good = sample_pair(RG_PAIRS_BIDIRECTIONAL);
	struct rg_result *r = empty_result();
	struct rg_err err = {0};

	/* Both directions count. */
	good.messages_ps *= 2;
	good.rate_Bps *= 2;
	if (rg_result_add_pair(r, &good, &err))
		fail_msg("%s", err.text);
#define REFUSED(change, words)                                                     \
	do {                                                                       \
		struct rg_result_pair p = good;                                    \
		change;                                                            \
		assert_int_equal(rg_result_add_pair(r, &p, &err), RG_ERR_INVALID); \
		assert_string_equal(err.text, words);                              \
		assert_int_equal(r->npairs, 1);                                    \
	} while (0)
	REFUSED(p.to = 1, "to: not of two ranks");
	REFUSED(p.to = 2, "to: not of two ranks");
	REFUSED(p.size_bytes = 0, "size_bytes: 0");
	REFUSED(p.transport = NULL, "transport: missing");
	REFUSED(p.kept = 1001, "kept: more than there are durations");
	REFUSED(p.median_ns = 1, "median_ns: outside of its interval");
	REFUSED(p.p99_ns = 1, "p999_ns: percentiles that do not ascend");
	REFUSED(p.max_ns = 3500, "max_ns: not the greatest");
	REFUSED(p.mean_ns = 1, "mean_ns: not between the least and the greatest");
	REFUSED(p.rate_Bps = 1, "rate_Bps: not messages_ps * size_bytes");
	REFUSED(p.messages_ps /= 2, "messages_ps: not messages / time_ns of all directions");
	REFUSED(p.fraction = 1, "fraction: not the bound / what it took");
	REFUSED(p.bound_name = NULL, "bound_name: bound_ns and bound_name come together");
	REFUSED(p.wrong = 641, "wrong: more than were checked");
	REFUSED(p.n = p.kept = 0, "n: 0 although there are times");
#undef REFUSED
	rg_result_close(r);
}

static void a_pair_beyond_its_bound_becomes_a_warning(void **state)
{
	struct rg_result_pair pair = sample_pair(RG_PAIRS_LATENCY);
	struct rg_result *r = empty_result();
	uint32_t before = r->nwarnings;

	pair.bound_ns = 1600;
	pair.fraction = 1600.0 / 1500;
	assert_int_equal(rg_result_add_pair(r, &pair, NULL), 0);
	assert_int_equal(r->nwarnings, before + 1);
	assert_non_null(strstr(r->warnings[before].text, "latency of 64 from rank 1 to 0 took"));
	rg_result_close(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_are_written_and_read_again),
		cmocka_unit_test(pairs_that_contradict_themselves_are_refused),
		cmocka_unit_test(a_pair_beyond_its_bound_becomes_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
