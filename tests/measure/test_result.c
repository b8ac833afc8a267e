/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/result.h"
#include "result_sample.h"

#include "railgauge/base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static struct rg_result *sample(void)
{
	struct rg_err err = {0};
	struct rg_result *r = sample_result(1, &err);

	if (!r)
		fail_msg("%s", err.text);
	return r;
}

static void a_document_read_and_written_again_is_the_same(void **state)
{
	struct rg_result *r = sample(), *again = NULL;
	json_t *first = rg_result_to_json(r), *second;
	struct rg_err err = {0};

	assert_non_null(first);
	if (rg_result_from_json(first, "sample", &again, &err))
		fail_msg("%s", err.text);
	second = rg_result_to_json(again);
	assert_true(json_equal(first, second));
	assert_int_equal(again->npoints, 12);
	assert_int_equal(again->nwarnings, 2); /* load and bound */
	assert_string_equal(again->points[0].target, "railgauge");
	assert_int_equal(again->points[0].nsamples, 21);
	assert_true(again->points[0].rank_samples[41] == r->points[0].rank_samples[41]);
	assert_null(again->points[4].rank_samples);
	assert_true(again->complete && again->calibrated);
	assert_int_equal(again->network.nnodes, 2);
	assert_int_equal(again->network.rank_node[1], 1);
	assert_true(again->network.nodes[0].port.in_Bps == 2.5e9);
	assert_true(again->network.pairs[0].rate_Bps == 0);
	assert_int_equal(again->counters.nnics, 2);
	assert_int_equal(again->counters.nreadings, 6);
	assert_int_equal(again->counters.readings[3].nmoved, 2);
	rg_result_close(r);
	rg_result_close(again);
	json_decref(first);
	json_decref(second);
}

static void a_document_survives_its_file(void **state)
{
	char path[] = "/tmp/rg-result-XXXXXX";
	struct rg_result *r = sample(), *again = NULL;
	struct rg_err err = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	if (rg_result_write(r, path, &err) || rg_result_read(path, &again, &err))
		fail_msg("%s", err.text);
	assert_int_equal(again->npoints, r->npoints);
	assert_true(fabs(again->points[0].median_ns - r->points[0].median_ns) < 1e-6);
	unlink(path);
	assert_int_equal(rg_result_read(path, &again, &err), RG_ERR_NOT_FOUND);
	rg_result_close(r);
	rg_result_close(again);
}

static void an_unfinished_document_is_valid_and_says_so(void **state)
{
	struct rg_result *r, *again;
	struct rg_err err = {0};
	json_t *root;

	assert_int_equal(rg_result_open(&r, &err), 0);
	root = rg_result_to_json(r);
	if (rg_result_from_json(root, "empty", &again, &err))
		fail_msg("%s", err.text);
	assert_false(again->complete);
	assert_null(again->finished);
	assert_int_equal(again->npoints, 0);
	rg_result_close(r);
	rg_result_close(again);
	json_decref(root);
}

static void filling_a_point_derives_bandwidths_and_fraction(void **state)
{
	struct rg_result_point p = {.coll = RG_COLL_ALLREDUCE, .size_bytes = 1000000, .ops = 1};
	struct rg_stats stats = {
		.n = 9, .median = 1e6, .lo = 9e5, .hi = 2e6, .p99 = 3e6, .min = 8e5};
	struct rg_bound bound = {5e5, "copy"};

	rg_result_point_fill(&p, 4, &stats, NULL, &bound);
	assert_true(p.n == 9 && p.nsamples == 0 && p.median_ns == 1e6 && p.p99_ns == 3e6);
	assert_true(fabs(p.algbw_Bps - 1e9) < 1 && fabs(p.busbw_Bps - 1.5e9) < 1);
	assert_true(fabs(p.fraction - 0.5) < 1e-12);
	assert_string_equal(p.bound_name, "copy");
}

static void a_fraction_above_the_bound_becomes_a_warning(void **state)
{
	struct rg_result *r = sample();
	bool found = false;

	/* 64 KiB move 128 KiB, at 100 GB/s 1,311 ns; 1,300 ns are 1.008: no warning; 1,170 are. */
	for (uint32_t i = 0; i < r->nwarnings; i++) {
		if (strcmp(r->warnings[i].code, "bound"))
			continue;
		assert_false(found);
		found = true;
		assert_non_null(
			strstr(r->warnings[i].text, "allreduce of 65536 bytes on railgauge"));
		assert_non_null(strstr(r->warnings[i].text, "the bound is wrong"));
	}
	assert_true(found);
	rg_result_close(r);
}

static void a_failed_calibration_check_becomes_a_warning(void **state)
{
	struct rg_calibration c = {
		.check_bytes = 1 << 20, .check_own_Bps = 1e9, .check_plain_Bps = 2e9};
	struct rg_result *r;

	assert_int_equal(rg_result_open(&r, NULL), 0);
	assert_int_equal(rg_result_set_calibration(r, &c, NULL), 0);
	assert_int_equal(r->nwarnings, 1);
	assert_string_equal(r->warnings[0].code, "calibration");
	assert_non_null(strstr(r->warnings[0].text, "a plain loop at 2.0"));
	c.check_own_Bps = 0;
	assert_int_equal(rg_result_set_calibration(r, &c, NULL), 0);
	assert_int_equal(r->nwarnings, 2);
	assert_non_null(strstr(r->warnings[1].text, "bounds are missing"));
	rg_result_close(r);
}

static void a_network_that_was_not_found_out_becomes_a_warning(void **state)
{
	static const char *const hosts[] = {"a", "b", "c"};
	struct rg_port ports[3] = {
		{1, 1e9, 1e9, 0, 0, 5}, {1, 1e9, 0, 0, 0, 5}, {1, 0, 1e9, 0, 0, 5}};
	uint32_t node[] = {0, 1, 2};
	struct rg_network n = {.nnodes = 1, .nranks = 3, .ports = ports, .node = node};
	struct rg_result *r;
	struct rg_err err;

	assert_int_equal(rg_result_open(&r, NULL), 0);
	assert_int_equal(rg_result_set_run(r, &(struct rg_result_run){.nranks = 3}, NULL), 0);
	assert_int_equal(rg_result_set_network(r, &n, hosts, NULL), 0);
	assert_int_equal(r->network.nnodes, 0); /* one node is no network */
	n.nnodes = 3;
	assert_int_equal(rg_result_set_network(r, &n, hosts, NULL), 0);
	assert_int_equal(r->network.nnodes, 3);
	assert_int_equal(r->nwarnings, 1);
	assert_string_equal(r->warnings[0].code, "calibration");
	assert_non_null(strstr(r->warnings[0].text,
			       "what 2 of 3 nodes (c, for one) can take in or give out"));
	node[2] = 1;
	assert_int_equal(rg_result_set_network(r, &n, hosts, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "nodes[1].nranks: not those of rank_node");
	n.nranks = 2;
	assert_int_equal(rg_result_set_network(r, &n, hosts, &err), RG_ERR_INVALID);
	assert_int_equal(r->network.rank_node[2], 2); /* as before */
	rg_result_close(r);
}

static void older_documents_know_neither_network_nor_counters(void **state)
{
	struct rg_result *r = sample(), *again;
	json_t *root = rg_result_to_json(r);

	json_object_del(root, "network");
	json_object_del(root, "counters");
	assert_int_equal(rg_result_from_json(root, "old", &again, NULL), 0);
	assert_int_equal(again->network.nnodes, 0);
	rg_result_close(again);
	rg_result_close(r);
	json_decref(root);
}

static void equal_warnings_and_machines_are_kept_once(void **state)
{
	struct rg_result_machine machine = {.host = "a"};
	struct rg_result *r;

	assert_int_equal(rg_result_open(&r, NULL), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rg_result_add_warning(r, NULL, "load", "busy"), 0);
		assert_int_equal(rg_result_add_machine(r, &machine, NULL), 0);
	}
	assert_int_equal(rg_result_add_warning(r, NULL, "load", "very busy"), 0);
	assert_int_equal(r->nwarnings, 2);
	assert_int_equal(r->nmachines, 1);
	rg_result_close(r);
}

static void points_that_contradict_themselves_are_refused(void **state)
{
	struct rg_result *r = sample();
	struct rg_result_point good = r->points[0];
	uint32_t npoints = r->npoints;
	struct rg_err err = {0};

#define REFUSED(change, words)                                                            \
	do {                                                                              \
		struct rg_result_point p = good;                                          \
		change;                                                                   \
		assert_int_equal(rg_result_add_point(r, &p, NULL, &err), RG_ERR_INVALID); \
		assert_string_equal(err.text, words);                                     \
		assert_int_equal(r->npoints, npoints);                                    \
	} while (0)
	REFUSED(p.target = NULL, "target: missing");
	REFUSED(p.target = "", "target: empty");
	REFUSED(p.target = "\xff", "target: not UTF-8");
	REFUSED(p.median_ns = NAN, "median_ns: nan is negative or not finite");
	REFUSED(p.median_ns = p.hi_ns * 2, "median_ns: outside of its interval");
	REFUSED(p.min_ns = p.lo_ns * 2, "lo_ns: less than min_ns");
	REFUSED(p.fraction = 0.123, "fraction: not bound_ns / median_ns");
	REFUSED(p.algbw_Bps *= 2, "algbw_Bps: not size_bytes / median_ns");
	REFUSED(p.count = 1, "count: not size_bytes / size of the type");
	REFUSED(p.root = 2, "root: not a rank");
	REFUSED(p.ops = 0, "ops: 0");
	REFUSED(p.wrong = p.checked + 1, "wrong: more than were checked");
	REFUSED(p.n = 0, "n: 0 although there are times");
	REFUSED(p.nsamples = 3, "samples: not n of them");
	REFUSED(p.stop = RG_STOP_NOT_RUN, "stop: not-run needs n 0 and a note");
	REFUSED(p.stop = RG_STOP_FAILED, "stop: failed needs n 0 and a note");
	REFUSED(p.cache = RG_CACHE_COUNT, "cache: no such value");
	REFUSED(p.checked = UINT64_MAX, "checked: out of range");
#undef REFUSED
	rg_result_close(r);
}

static void points_are_the_same_if_what_was_asked_for_is(void **state)
{
	struct rg_result_point a = {.coll = RG_COLL_ALLREDUCE, .target = "mpi", .op = RG_OP_SUM};
	struct rg_result_point b = a;

	b.median_ns = 5;
	b.algorithm = "ring";
	b.root = 1; /* of no meaning here */
	assert_true(rg_result_point_same(&a, &b));
	b.op = RG_OP_MAX;
	assert_false(rg_result_point_same(&a, &b));
	b = a;
	b.cache = RG_CACHE_COLD;
	assert_false(rg_result_point_same(&a, &b));
	b = a;
	b.target = "mpi:ring";
	assert_false(rg_result_point_same(&a, &b));
	a.coll = b.coll = RG_COLL_BROADCAST;
	b.target = a.target;
	b.op = RG_OP_MAX;
	assert_true(rg_result_point_same(&a, &b));
	b.root = 1;
	assert_false(rg_result_point_same(&a, &b));
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	struct rg_err err = {0};
	struct rg_result *r;

	for (unsigned long n = 1;; n++) {
		rg_mem_fail_nth(n);
		r = sample_result(1, &err);
		if (!rg_mem_fail_fired())
			break;
		assert_null(r);
		assert_int_equal(err.code, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
	assert_non_null(r);
	json_t *root = rg_result_to_json(r);

	rg_result_close(r);
	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_result_from_json(root, "x", &r, &err);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
	rg_result_close(r);
	json_decref(root);
	rg_result_close(NULL);
}

static void this_machine_and_this_process_can_be_recorded(void **state)
{
	struct rg_result_machine machine;
	struct rg_result_rank rank;
	struct rg_result *r;

	rg_result_machine_here(&machine);
	assert_true(machine.host[0] && machine.kernel[0]);
	assert_null(machine.topo_hash);
	rg_result_rank_here(&rank);
	assert_int_equal(rank.pid, getpid());
	assert_string_equal(rank.host, machine.host);
	assert_true(rank.cpus && rank.cpus[0]);
	assert_int_equal(rg_result_open(&r, NULL), 0);
	assert_int_equal(rg_result_add_machine(r, &machine, NULL), 0);
	assert_int_equal(rg_result_add_rank(r, &rank, NULL), 0);
	rg_result_close(r);
}

static void a_recorded_machine_is_read_from_its_files(void **state)
{
	const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
	struct rg_result_machine m;
	char root[4096];

	snprintf(root, sizeof(root), "%s/tests/measure/machine", srcdir);
	rg_result_machine_at(root, &m);
	assert_string_equal(m.cpu, "Example CPU @ 2.00GHz");
	assert_int_equal(m.packages, 2);
	assert_int_equal(m.cores, 2);
	assert_int_equal(m.threads, 3);
	assert_int_equal(m.numa_nodes, 2);
	assert_int_equal(m.l1d_bytes, 48 << 10);
	assert_int_equal(m.l2_bytes, 2 << 20);
	assert_int_equal(m.llc_bytes, 36 << 20);
	assert_int_equal(m.memory_bytes, UINT64_C(16318480) << 10);
	assert_string_equal(m.governor, "mixed");
	assert_string_equal(m.clocksource, "tsc");
	assert_string_equal(m.thp, "madvise");
	rg_result_machine_at("/nonexistent", &m);
	assert_true(!m.cpu && !m.governor && !m.cores && !m.llc_bytes && !m.thp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_read_and_written_again_is_the_same),
		cmocka_unit_test(a_document_survives_its_file),
		cmocka_unit_test(an_unfinished_document_is_valid_and_says_so),
		cmocka_unit_test(filling_a_point_derives_bandwidths_and_fraction),
		cmocka_unit_test(a_fraction_above_the_bound_becomes_a_warning),
		cmocka_unit_test(a_failed_calibration_check_becomes_a_warning),
		cmocka_unit_test(a_network_that_was_not_found_out_becomes_a_warning),
		cmocka_unit_test(older_documents_know_neither_network_nor_counters),
		cmocka_unit_test(equal_warnings_and_machines_are_kept_once),
		cmocka_unit_test(points_that_contradict_themselves_are_refused),
		cmocka_unit_test(points_are_the_same_if_what_was_asked_for_is),
		cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
		cmocka_unit_test(this_machine_and_this_process_can_be_recorded),
		cmocka_unit_test(a_recorded_machine_is_read_from_its_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
