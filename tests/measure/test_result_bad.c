/* SPDX-License-Identifier: BSD-3-Clause */
/* Documents with one offence each, before what reads them and before the schema. */
#include "config.h"

#include "railgauge/measure/result.h"
#include "result_sample.h"
#include "../schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct rg_result *sample(void)
{
	struct rg_err err = {0};
	struct rg_result *r = sample_result(1, &err);

	if (!r)
		fail_msg("%s", err.text);
	return r;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bad_document_gives_one_line_with_the_place),
		cmocka_unit_test(the_schema_in_docs_describes_what_is_written_and_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
