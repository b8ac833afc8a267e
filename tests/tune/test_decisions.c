/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "tune/decisions_sample.h"

#include "../schema.h"

#include "railgauge/base/io.h"
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

static struct rg_decisions *sample(void)
{
	struct rg_err err = {0};
	struct rg_decisions *d = sample_decisions(&err);

	if (!d)
		fail_msg("%s", err.text);
	return d;
}

static void decisions_written_and_read_again_are_the_same(void **state)
{
	char path[] = "/tmp/rg-decisions-XXXXXX";
	struct rg_decisions *d = sample(), *again = NULL;
	json_t *first = rg_decisions_to_json(d), *second;
	struct rg_err err = {0};
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	close(fd);
	if (rg_decisions_write(d, path, &err) || rg_decisions_read(path, &again, &err))
		fail_msg("%s", err.text);
	second = rg_decisions_to_json(again);
	assert_true(json_equal(first, second));
	assert_string_equal(again->version, PACKAGE_VERSION);
	assert_int_equal(again->nlauncher, 3);
	assert_string_equal(again->binding.cpus[3], "3,7");
	assert_int_equal(again->decisions[0].ranges[2].to_bytes, UINT64_MAX);
	assert_int_equal(again->decisions[0].ranges[2].choice.segment_bytes, 1 << 20);
	assert_true(again->decisions[0].ranges[1].has_runner_up);
	assert_false(again->decisions[0].ranges[0].has_runner_up);
	assert_int_equal(again->decisions[0].points[1].evidence[2].fate, RG_FATE_REFUSED);
	assert_true(again->decisions[0].points[1].gain.hi == 1.75);
	unlink(path);
	assert_int_equal(rg_decisions_read(path, &again, &err), RG_ERR_NOT_FOUND);
	json_decref(first);
	json_decref(second);
	rg_decisions_close(d);
	rg_decisions_close(again);
}

static void a_size_has_the_choice_of_its_range(void **state)
{
	struct rg_decisions *d = sample();
	const struct rg_decision *a = &d->decisions[0];

	assert_ptr_equal(rg_decision_at(a, 0), &a->ranges[0]);
	assert_ptr_equal(rg_decision_at(a, 1023), &a->ranges[0]);
	assert_ptr_equal(rg_decision_at(a, 1024), &a->ranges[1]);
	assert_ptr_equal(rg_decision_at(a, 65535), &a->ranges[1]);
	assert_ptr_equal(rg_decision_at(a, UINT64_MAX), &a->ranges[2]);
	assert_null(rg_decision_at(&(struct rg_decision){{0}}, 5));
	rg_decisions_close(d);
}

static void a_choice_is_its_algorithm_and_its_segments(void **state)
{
	struct rg_choice a = {5, "segmented_ring", 1 << 20}, b = {5, "segmented_ring", 0};
	char text[RG_CHOICE_TEXT_BYTES];

	assert_string_equal(rg_choice_text(&a, text), "segmented_ring in segments of 1M");
	assert_string_equal(rg_choice_text(&b, text), "segmented_ring");
	assert_false(rg_choice_same(&a, &b));
	b.segment_bytes = a.segment_bytes;
	assert_true(rg_choice_same(&a, &b));
	b.id = 4;
	assert_false(rg_choice_same(&a, &b));
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
	{"schema", "\"other\"", "schema: expected \"railgauge-decisions\"", true},
	{"schema_version", "2", "schema_version: 2 is unknown to this railgauge, which reads 1",
	 true},
	{"extra", "1", "extra: no such member", true},
	{"version", NULL, "version: expected a string", true},
	{"mpi", "\"a name much too long\"", "mpi: expected a string of at most 15 bytes", true},
	{"mpi", "\"\"", "mpi: empty", false},
	{"created", "\"today\"", "created: not a time such as 2026-11-23T21:03:00Z", false},
	{"nranks", "0", "nranks: 0", true},
	{"nranks", "-1", "nranks: expected a whole number from 0 to 4294967295", true},
	{"nnodes", "5", "nnodes: 0, or more than nranks", false},
	{"hosts", "[\"b\",\"a\"]", "hosts: not sorted, or one twice", false},
	{"hosts[0]", "3", "hosts[0]: expected a string", true},
	{"launcher", "{}", "launcher: expected an array", true},
	{"seconds", "-1", "seconds: expected a number that is not negative", true},
	{"type", "\"quad\"", "type: no type of railgauge's", false},
	{"op", "\"xor\"", "op: no operation of railgauge's", false},
	{"in_place", "1", "in_place: expected true or false", true},
	{"binding", "null", "binding: expected an object", true},
	{"binding.known", "false", "binding.cpus: there where it is known, and only there", false},
	{"binding.cpus[1]", "\"all\"", "binding.cpus[1]: not a list of CPUs such as 0-3,8", false},
	{"binding.cpus[1]", "\"1\\nrank 0=b\"", "binding.cpus[1]: not a list of CPUs such as 0-3,8",
	 false},
	{"decisions[0]", "[]", "decisions[0]: expected an object", true},
	{"decisions[1].function", "\"MPI_Allreduce\"", "decisions[1].function: decided before",
	 false},
	{"decisions[1].function", "\"\"", "decisions[1].function: empty", false},
	{"decisions[0].collective", "\"alreduce\"",
	 "decisions[0].collective: expected allreduce, reduce, reducescatter, allgather, gather, "
	 "scatter, alltoall, alltoallv, broadcast, sendrecv or barrier",
	 true},
	{"decisions[0].ranges", "[]", "decisions[0].ranges: none", true},
	{"decisions[0].ranges[0].from_bytes", "1", "decisions[0].ranges[0].from_bytes: not 0",
	 false},
	{"decisions[0].ranges[1].from_bytes", "1025",
	 "decisions[0].ranges[1].from_bytes: not the byte after the range before", false},
	{"decisions[0].ranges[1].to_bytes", "null",
	 "decisions[0].ranges[1].to_bytes: null in the last range, and only there", false},
	{"decisions[0].ranges[2].to_bytes", "70000",
	 "decisions[0].ranges[2].to_bytes: null in the last range, and only there", false},
	{"decisions[0].ranges[1].to_bytes", "1000",
	 "decisions[0].ranges[1].to_bytes: less than from_bytes", false},
	{"decisions[0].ranges[1].to_bytes", "\"end\"",
	 "decisions[0].ranges[1].to_bytes: expected a whole number from 0 to 9223372036854775807, "
	 "or null",
	 true},
	{"decisions[0].ranges[1].choice.id", "0",
	 "decisions[0].ranges[1].choice.algorithm: \"default\" is the one with id 0", false},
	{"decisions[0].ranges[0].choice.segment_bytes", "5",
	 "decisions[0].ranges[0].choice.segment_bytes: the default has none", false},
	{"decisions[0].ranges[1].choice.id", "-3",
	 "decisions[0].ranges[1].choice.id: expected a whole number from 0 to 2147483647", true},
	{"decisions[0].ranges[1].gain.lo", "1.6",
	 "decisions[0].ranges[1].gain.ratio: outside of its interval", false},
	{"decisions[0].ranges[1].gain.mean", "1",
	 "decisions[0].ranges[1].gain.mean: no such member", true},
	{"decisions[0].ranges[1].runner_up", "3",
	 "decisions[0].ranges[1].runner_up: expected an object or null", true},
	{"decisions[0].ranges[1].runner_up.choice.algorithm", "\"\"",
	 "decisions[0].ranges[1].runner_up.choice.algorithm: empty", false},
	{"decisions[0].points[1].size_bytes", "8",
	 "decisions[0].points[1].size_bytes: not above the one before", false},
	{"decisions[0].points[1].evidence[0].choice",
	 "{\"id\":3,\"algorithm\":\"x\","
	 "\"segment_bytes\":0}",
	 "decisions[0].points[1].evidence[0].choice: the default is first, and only there", false},
	{"decisions[0].points[1].evidence[2].why", "\"\"",
	 "decisions[0].points[1].evidence[2].why: there where it was refused or excluded, and only "
	 "there",
	 false},
	{"decisions[0].points[1].evidence[1].fate", "\"lost\"",
	 "decisions[0].points[1].evidence[1].fate: expected measured, beaten, refused or excluded",
	 true},
	{"decisions[0].points[1].evidence[1].time_ns", "\"fast\"",
	 "decisions[0].points[1].evidence[1].time_ns: expected a number that is not negative",
	 true},
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
	struct rg_decisions *d = sample(), *again = NULL;
	json_t *good = rg_decisions_to_json(d);

	for (size_t i = 0; i < sizeof(offences) / sizeof(offences[0]); i++) {
		json_t *root = offend(good, offences[i].path, offences[i].value);
		char expected[RG_ERR_TEXT_BYTES];
		struct rg_err err = {0};
		int rc = rg_decisions_from_json(root, "bad.json", &again, &err);

		snprintf(expected, sizeof(expected), "bad.json: %s", offences[i].message);
		if (!rc)
			fail_msg("accepted: %s", expected);
		assert_string_equal(err.text, expected);
		assert_true(rc == RG_ERR_FORMAT || rc == RG_ERR_UNSUPPORTED);
		assert_int_equal(err.code, rc);
		json_decref(root);
	}
	assert_int_equal(rg_decisions_from_json(json_object_get(good, "hosts"), "a", &again, NULL),
			 RG_ERR_FORMAT);
	json_decref(good);
	rg_decisions_close(d);
}

static void what_contradicts_itself_is_not_written(void **state)
{
	static const char path[] = "/tmp/rg-decisions-never";
	struct rg_decisions *d = sample();
	struct rg_err err = {0};

	d->decisions[0].ranges[1].gain.lo = NAN;
	assert_int_equal(rg_decisions_write(d, path, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "/tmp/rg-decisions-never: decisions[0].ranges[1].gain.lo: "
				      "nan is negative or not finite");
	d->decisions[0].ranges[1].gain.lo = 1;
	memcpy(d->decisions[0].note, "\xff", 2);
	assert_int_equal(rg_decisions_write(d, path, &err), RG_ERR_INVALID);
	assert_string_equal(err.text, "/tmp/rg-decisions-never: decisions[0].note: not UTF-8");
	d->decisions[0].note[0] = '\0';
	d->decisions[0].ranges[1].from_bytes = 2000;
	assert_int_equal(rg_decisions_write(d, path, &err), RG_ERR_INVALID);
	assert_int_not_equal(access(path, F_OK), 0);
	rg_decisions_close(d);
}

/* Every member is required and no other allowed. */
static void assert_strict(const json_t *schema)
{
	const json_t *properties = json_object_get(schema, "properties");
	const char *key;
	json_t *item;

	if (json_object_get(schema, "items"))
		assert_strict(json_object_get(schema, "items"));
	json_object_foreach(json_object_get(schema, "$defs"), key, item) assert_strict(item);
	if (!properties)
		return;
	assert_int_equal(json_object_size(properties),
			 json_array_size(json_object_get(schema, "required")));
	assert_true(json_is_false(json_object_get(schema, "additionalProperties")));
	json_object_foreach((json_t *)properties, key, item) assert_strict(item);
}

static void the_schema_in_docs_describes_what_is_written_and_read(void **state)
{
	const char *srcdir = getenv("srcdir") ? getenv("srcdir") : ".";
	struct rg_decisions *d = sample();
	json_t *good = rg_decisions_to_json(d), *schema;
	struct rg_err err = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/docs/decisions-schema.json", srcdir);
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
	rg_decisions_close(d);
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	struct rg_err err = {0};
	struct rg_decisions *d;
	json_t *root;

	for (unsigned long n = 1;; n++) {
		rg_mem_fail_nth(n);
		d = sample_decisions(&err);
		if (!rg_mem_fail_fired())
			break;
		assert_null(d);
		assert_int_equal(err.code, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
	root = rg_decisions_to_json(d);
	rg_decisions_close(d);
	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_decisions_from_json(root, "x", &d, &err);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
	}
	rg_mem_fail_nth(0);
	rg_decisions_close(d);
	json_decref(root);
	rg_decisions_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decisions_written_and_read_again_are_the_same),
		cmocka_unit_test(a_size_has_the_choice_of_its_range),
		cmocka_unit_test(a_choice_is_its_algorithm_and_its_segments),
		cmocka_unit_test(a_bad_document_gives_one_line_with_the_place),
		cmocka_unit_test(what_contradicts_itself_is_not_written),
		cmocka_unit_test(the_schema_in_docs_describes_what_is_written_and_read),
		cmocka_unit_test(a_failing_allocation_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
