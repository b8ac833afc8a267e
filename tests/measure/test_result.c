/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/result.h"
#include "result_sample.h"
#include "../schema.h"

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
	REFUSED(p.cache = RG_CACHE_COUNT, "cache: no such value");
	REFUSED(p.checked = UINT64_MAX, "checked: out of range");
#undef REFUSED
	rg_result_close(r);
}

/* The value at a path such as "points[0].ops" in root. */
static json_t *find(json_t *root, const char *path, json_t **parent_out, char *key_out)
{
	json_t *at = root;

	while (*path) {
		size_t n = strcspn(path, ".[]");

		if (n) {
			*parent_out = at;
			memcpy(key_out, path, n);
			key_out[n] = '\0';
			if (strspn(key_out, "0123456789") == n)
				at = json_array_get(at, strtoul(key_out, NULL, 10));
			else
				at = json_object_get(at, key_out);
		}
		path += n + (path[n] != '\0');
	}
	return at;
}

/* Each change of a good document, as JSON to put there (NULL: remove), and the message. */
static const struct {
	const char *path, *value, *message;
	bool schema; /* the schema refuses it as well */
} offences[] = {
	{"schema", "\"other\"", "schema: expected \"railgauge-result\"", true},
	{"schema_version", "2", "schema_version: 2 is unknown to this railgauge, which reads 1",
	 true},
	{"schema_version", "\"1\"", "schema_version: expected a whole number", true},
	{"complete", "1", "complete: expected true or false", true},
	{"complete", "false", "finished: expected null, since it is not complete", false},
	{"started", "\"today\"", "started: expected a time such as 2026-11-23T21:03:00Z", false},
	{"finished", "null", "finished: expected a time such as 2026-11-23T21:03:00Z", false},
	{"version", NULL, "version: expected a string", true},
	{"extra", "1", "extra: no such member", true},
	{"args[2]", "3", "args[2]: expected a string", true},
	{"config[0].origin", "\"guess\"",
	 "config[0].origin: expected default, environment or command line, and nothing else", true},
	{"config[0].value", "{}",
	 "config[0].value: expected a string, a number, true, false or null", true},
	{"config[1]", "[]", "config[1]: expected an object", true},
	{"run", "null", "run: expected an object", true},
	{"run.nranks", "-1", "run.nranks: expected a whole number from 0 to 4294967295", true},
	{"run.nranks", "3", "ranks: expected as many as run.nranks, or none", false},
	{"run.seed", "1.5", "run.seed: expected a whole number from 0 to 9223372036854775807",
	 true},
	{"machines[0].host", "null", "machines[0].host: expected a string", true},
	{"machines[0].colour", "1", "machines[0].colour: no such member", true},
	{"machines", "{}", "machines: expected an array", true},
	{"ranks[1].host", "\"node9\"", "ranks[1].host: expected a host of machines", false},
	{"ranks[1].numa_node", "-2",
	 "ranks[1].numa_node: expected a whole number from -1 to 2147483647", true},
	{"warnings[0].text", NULL, "warnings[0].text: expected a string", true},
	{"calibration.check_passed", "null", "calibration.check_passed: expected true or false",
	 true},
	{"calibration.rates_Bps[1].footprint_bytes", "5",
	 "calibration.rates_Bps[1].footprint_bytes: expected more than the one before", false},
	{"calibration.rates_Bps[0].copy", "-1",
	 "calibration.rates_Bps[0].copy: expected a number above 0 or null", true},
	{"calibration.rates_Bps[0].sort", "1",
	 "calibration.rates_Bps[0]: expected nothing but the names of mixes besides", true},
	{"network", "3", "network: expected an object or null", true},
	{"network.speed", "1", "network.speed: no such member", true},
	{"network.rank_node", "[0]", "network.rank_node: expected as many as run.nranks", false},
	{"network.rank_node[1]", "-1", "network.rank_node: expected numbers of nodes", true},
	{"network.rank_node[1]", "2", "network.rank_node[1]: no such node", false},
	{"network.rank_node[1]", "0", "network.nodes[0].nranks: not those of rank_node", false},
	{"network.nodes", "[]", "network.nodes: fewer than 2", true},
	{"network.nodes[0].nranks", "2", "network.nodes[0].nranks: not those of rank_node", false},
	{"network.nodes[1].host", "null", "network.nodes[1].host: expected a string", true},
	{"network.nodes[1].in_Bps", "-1",
	 "network.nodes[1].in_Bps: expected a number that is not negative", true},
	{"network.nodes[1].port", "1", "network.nodes[1].port: no such member", true},
	{"network.pairs", "{}", "network.pairs: expected an array", true},
	{"network.pairs[0].to", "0", "network.pairs[0]: not of two nodes", false},
	{"network.pairs[0].to", "2", "network.pairs[0]: not of two nodes", false},
	{"network.pairs[1].burst_bytes", "null",
	 "network.pairs[1].burst_bytes: expected a number that is not negative", true},
	{"points[1].collective", "\"allreduces\"",
	 "points[1].collective: expected allreduce, reduce, reducescatter, allgather, gather, "
	 "scatter, alltoall, alltoallv, broadcast, sendrecv or barrier",
	 true},
	{"points[1].type", "7",
	 "points[1].type: expected int8, uint8, int32, uint32, int64, uint64, half, bfloat16, "
	 "float "
	 "or double",
	 true},
	{"points[2].median_ns", "\"fast\"",
	 "points[2].median_ns: expected a number that is not negative", true},
	{"points[2].median_ns", "null", "points[2].median_ns: outside of its interval", false},
	{"points[2].hi_ns", "1", "points[2].median_ns: outside of its interval", false},
	{"points[2].in_place", "\"yes\"", "points[2].in_place: expected true or false", true},
	{"points[2].size_bytes", "6", "points[2].count: not size_bytes / size of the type", false},
	{"points[0].samples", "3", "points[0].samples: expected an array or null", true},
	{"points[0].samples", "[]",
	 "points[0].rank_samples: expected null or as many rows as there "
	 "are samples",
	 true},
	{"points[4].samples", "[]", "points[4].samples: expected null, or at least one", true},
	{"points[4].samples", "[1]", "points[4].samples: not n of them", false},
	{"points[0].samples[3]", "0", "points[0].samples[3]: expected a number above 0", true},
	{"points[0].rank_samples[3]", "[1]",
	 "points[0].rank_samples[3]: expected an array of 2 numbers", false},
	{"points[0].rank_samples[3][1]", "\"x\"",
	 "points[0].rank_samples[3][1]: expected a number above 0", true},
	{"points[11].note", "null", "points[11].stop: not-run needs n 0 and a note", false},
	{"points[5]", "[]", "points[5]: expected an object", true},
	{"counters", "3", "counters: expected an object or null", true},
	{"counters.nics", "[]", "counters.nics: expected at least one", true},
	{"counters.nics[0].device", "null", "counters.nics[0].device: expected a string", true},
	{"counters.kinds[0].class", "\"bad\"",
	 "counters.kinds[0].class: expected must-not-move, may-move or informative", true},
	{"counters.readings[1].nic", "2", "counters.readings[1].nic: no such port", false},
	{"counters.readings[5].points", "5", "counters.readings[5].points: no such points", false},
	{"counters.readings[5].points", "0", "counters.readings[5].points: no such points", true},
	{"counters.readings[5].first_point", "12", "counters.readings[5].points: no such points",
	 false},
	{"counters.readings[0].moved[0].kind", "2", "counters.readings[0].moved: no such kind",
	 false},
	{"counters.readings[0].moved[0].by", "null", "counters.readings[0].moved: by nothing",
	 false},
	{"counters.readings[0].gone", "true",
	 "counters.readings[0].moved: expected none of a device that is gone", false},
	{"counters.readings[0].moved[0].how", "\"seen\"",
	 "counters.readings[0].moved[0].how: expected counted, wrapped, saturated, reset or gone",
	 true},
	{"counters.colour", "1", "counters.colour: no such member", true},
};

/* A good document with one offence, new reference. */
static json_t *offend(const json_t *good, const char *path, const char *value)
{
	json_t *root = json_deep_copy(good), *parent = NULL, *v;
	char key[64];
	int rc;

	find(root, path, &parent, key);
	assert_non_null(parent);
	v = value ? json_loads(value, JSON_DECODE_ANY, NULL) : NULL;
	if (!value)
		rc = json_object_del(parent, key);
	else if (json_is_array(parent))
		rc = json_array_set_new(parent, strtoul(key, NULL, 10), v);
	else
		rc = json_object_set_new(parent, key, v);
	assert_int_equal(rc, 0);
	return root;
}

static void a_bad_document_gives_one_line_with_the_place(void **state)
{
	struct rg_result *r = sample(), *again = NULL;
	json_t *good = rg_result_to_json(r);

	for (size_t i = 0; i < sizeof(offences) / sizeof(offences[0]); i++) {
		json_t *root = offend(good, offences[i].path, offences[i].value);
		char expected[RG_ERR_TEXT_BYTES];
		struct rg_err err = {0};
		int rc = rg_result_from_json(root, "bad.json", &again, &err);

		snprintf(expected, sizeof(expected), "bad.json: %s", offences[i].message);
		if (!rc)
			fail_msg("accepted: %s", expected);
		assert_string_equal(err.text, expected);
		assert_true(rc == RG_ERR_FORMAT || rc == RG_ERR_UNSUPPORTED);
		json_decref(root);
	}
	assert_int_equal(rg_result_from_json(json_object_get(good, "args"), "a", &again, NULL),
			 RG_ERR_FORMAT);
	json_decref(good);
	rg_result_close(r);
}

/* Every member is required (but mixes, which may become more) and no other allowed. */
static void assert_strict(const json_t *schema)
{
	const json_t *properties = json_object_get(schema, "properties");
	const char *key;
	json_t *item;

	if (json_object_get(schema, "items"))
		assert_strict(json_object_get(schema, "items"));
	if (!properties)
		return;
	if (!json_object_get(properties, "footprint_bytes"))
		assert_int_equal(json_object_size(properties),
				 json_array_size(json_object_get(schema, "required")));
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	json_object_foreach((json_t *)properties, key, item) assert_strict(item);
}

static void the_schema_in_docs_describes_what_is_written_and_read(void **state)
{
	const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
	struct rg_result *r = sample();
	json_t *good = rg_result_to_json(r), *schema;
	struct rg_err err = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/docs/result-schema.json", srcdir);
	if (rg_json_read(path, &schema, &err))
		fail_msg("%s", err.text);
	assert_true(schema_fits(schema, good));
	assert_strict(schema);
	for (size_t i = 0; i < sizeof(offences) / sizeof(offences[0]); i++) {
		json_t *root = offend(good, offences[i].path, offences[i].value);

		if (offences[i].schema && schema_fits(schema, root))
			fail_msg("the schema accepts: %s", offences[i].message);
		json_decref(root);
	}
	json_decref(schema);
	json_decref(good);
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
		cmocka_unit_test(a_bad_document_gives_one_line_with_the_place),
		cmocka_unit_test(the_schema_in_docs_describes_what_is_written_and_read),
		cmocka_unit_test(points_are_the_same_if_what_was_asked_for_is),
		cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
		cmocka_unit_test(this_machine_and_this_process_can_be_recorded),
		cmocka_unit_test(a_recorded_machine_is_read_from_its_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
