/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/topo.h"

#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void sets_are_written_and_read_as_the_kernel_does(void **state)
{
	static const char *const lists[] = {"", "0", "0-3", "1,3,5", "0-5,48-53", "63-64,8191"};
	struct rg_cpuset set;
	char text[RG_CPUSET_TEXT_BYTES];

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		assert_int_equal(rg_cpuset_parse(lists[i], "list", &set, NULL), 0);
		assert_string_equal(rg_cpuset_format(&set, text, sizeof(text)), lists[i]);
	}
	assert_int_equal(rg_cpuset_parse("2-3,5\n", "list", &set, NULL), 0);
	assert_int_equal(rg_cpuset_count(&set), 3);
	assert_string_equal(rg_cpuset_format(&set, text, 8), "2-3...");
}

static void lists_that_are_none_are_refused(void **state)
{
	static const char *const lists[] = {"x",  "1,",	 ",1",	"3-1", "1-",
					    "-1", "1 2", "0x1", "1,,2"};
	struct rg_cpuset set;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		assert_int_equal(rg_cpuset_parse(lists[i], "list", &set, NULL), RG_ERR_FORMAT);
	assert_int_equal(rg_cpuset_parse("8192", "list", &set, NULL), RG_ERR_LIMIT);
	assert_int_equal(rg_cpuset_parse("0-99999999999", "list", &set, NULL), RG_ERR_LIMIT);
}

static void cores_that_a_set_touches_count_once(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_cpuset cpus;

	assert_int_equal(rg_cpuset_parse("0,8,1,12,999", "list", &cpus, NULL), 0);
	assert_int_equal(rg_topo_count_cores(t, &cpus), 3);
	rg_topo_close(t);
}

static json_t *to_json(const struct rg_topo *t)
{
	json_t *root = rg_topo_to_json(t);

	assert_non_null(root);
	return root;
}

static void what_is_written_as_json_is_read_as_the_same(void **state)
{
	struct rg_topo *t = make_machine(), *back;
	json_t *a, *b;
	struct rg_err err = {0};

	t->nics[1].ngids = RG_TOPO_GIDS_MAX + 5; /* more than are kept */
	snprintf(t->nics[1].gids[3].type, sizeof(t->nics[1].gids[3].type), "RoCE v2");
	t->numas[1].package = RG_TOPO_NONE;
	t->cgroup.quota_cpus = 2.25;
	assert_int_equal(topo_seal(t, NULL), 0);
	a = to_json(t);
	if (rg_topo_from_json(a, "test", &back, &err))
		fail_msg("%s", err.text);
	b = to_json(back);
	assert_true(json_equal(a, b));
	assert_memory_equal(t->nics, back->nics, t->nnics * sizeof(*t->nics));
	assert_memory_equal(t->cores, back->cores, t->ncores * sizeof(*t->cores));
	json_decref(a);
	json_decref(b);
	rg_topo_close(back);
	rg_topo_close(t);
}

/* Each member in turn is left out, then of a wrong type; also those of the first elements. */
static void spoil_members(json_t *root, json_t *object)
{
	json_t *members = json_copy(object); /* to iterate over: object itself is changed */
	const char *key;
	json_t *value;

	json_object_foreach(members, key, value)
	{
		struct rg_topo *topo = NULL;
		struct rg_err err = {0};

		json_object_del(object, key);
		assert_true(rg_topo_from_json(root, "test", &topo, &err) < 0);
		assert_null(topo);
		assert_true(err.text[0]);
		json_object_set_new(object, key, json_pack("[[i]]", 7));
		assert_true(rg_topo_from_json(root, "test", &topo, &err) < 0);
		json_object_set_new(object, key, json_integer(-2));
		assert_true(rg_topo_from_json(root, "test", &topo, &err) < 0);
		json_object_set(object, key, value);
		if (json_is_object(value))
			spoil_members(root, value);
		else if (json_is_object(json_array_get(value, 0)))
			spoil_members(root, json_array_get(value, 0));
	}
	json_decref(members);
}

static void json_with_one_member_spoilt_is_refused(void **state)
{
	struct rg_topo *t = make_machine();
	json_t *root = to_json(t);

	spoil_members(root, root);
	json_object_set_new(root, "surplus", json_true());
	assert_int_equal(rg_topo_from_json(root, "test", &t, NULL), RG_ERR_FORMAT);
	json_object_del(root, "surplus");
	json_object_set_new(root, "version", json_integer(RG_TOPO_JSON_VERSION + 1));
	assert_int_equal(rg_topo_from_json(root, "test", &t, NULL), RG_ERR_UNSUPPORTED);
	json_decref(root);
	rg_topo_close(t);
}

static void expect_contradiction(struct rg_topo *t)
{
	struct rg_topo *back;
	struct rg_err err = {0};
	json_t *root;

	assert_int_equal(topo_seal(t, NULL), 0);
	root = to_json(t);
	assert_int_equal(rg_topo_from_json(root, "test", &back, &err), RG_ERR_FORMAT);
	json_decref(root);
}

static void json_with_loops_or_indices_out_of_range_is_refused(void **state)
{
	struct rg_topo *t = make_machine();

	t->bridges[0].at.bridge = 1; /* 1 is below 0 */
	expect_contradiction(t);
	t->bridges[0].at.bridge = RG_TOPO_NONE;
	t->nics[0].at.bridge = t->nbridges;
	expect_contradiction(t);
	t->nics[0].at.bridge = 3;
	t->cores[7].npus = 3;
	expect_contradiction(t);
	t->cores[7].npus = 2;
	t->cores[2].numa = 2;
	expect_contradiction(t);
	rg_topo_close(t);
}

static bool changes_hash(struct rg_topo *t, const char *before)
{
	assert_int_equal(topo_seal(t, NULL), 0);
	return strcmp(before, t->hash) != 0;
}

static void the_hash_is_of_the_kind_of_machine_not_of_the_one(void **state)
{
	struct rg_topo *t = make_machine();
	char before[RG_TOPO_HASH_BYTES];

	memcpy(before, t->hash, sizeof(before));
	t->host[0] = 'x';
	t->numas[0].memory_bytes -= 4096;
	t->nics[0].state = RG_TOPO_STATE_DOWN;
	t->nics[0].ngids = 1;
	t->allowed.words[0] = 1;
	t->cgroup.quota_cpus = 1;
	t->gpus[0].pcie_cur.rate_Bps = 1;
	assert_false(changes_hash(t, before));
	t->nics[0].rate_Bps /= 2;
	assert_true(changes_hash(t, before));
	t->nics[0].rate_Bps *= 2;
	assert_false(changes_hash(t, before));
	t->nics[2].pcie_cur.width = 8;
	assert_true(changes_hash(t, before));
	rg_topo_close(t);
}

static void this_machine_has_cores_and_we_run_on_them(void **state)
{
	struct rg_topo *t;
	struct rg_err err = {0};

	if (rg_topo_live(0, &t, &err))
		fail_msg("%s", err.text);
	assert_true(t->live);
	assert_true(t->npus > 0);
	assert_true(rg_topo_count_cores(t, &t->allowed) > 0);
	rg_topo_close(t);
}

static void variables_that_replace_the_machine_are_refused(void **state)
{
	struct rg_topo *t;
	struct rg_err err = {0};

	setenv("HWLOC_SYNTHETIC", "core:64 pu:1", 1);
	assert_int_equal(rg_topo_live(RG_TOPO_CPU_ONLY, &t, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "HWLOC_SYNTHETIC"));
	unsetenv("HWLOC_SYNTHETIC");
}

static void every_allocation_may_fail(void **state)
{
	struct rg_topo *t = NULL;
	struct rg_err err = {0};
	unsigned long n;
	json_t *root;
	int rc;

	for (n = 1;; n++) {
		rg_mem_fail_nth(n);
		rc = rg_topo_live(RG_TOPO_CPU_ONLY, &t, &err);
		/* Reading the cgroup may go without: what cannot be read sets no limit. */
		if (!rg_mem_fail_fired())
			break;
		assert_true(rc == 0 || rc == RG_ERR_NO_MEMORY);
		assert_true(rc == 0 || !t);
		rg_topo_close(t);
		t = NULL;
	}
	rg_mem_fail_nth(0);
	assert_int_equal(rc, 0);
	assert_true(n > 8);
	root = to_json(t);
	rg_topo_close(t);
	t = NULL;
	for (n = 1;; n++) {
		rg_mem_fail_nth(n);
		rc = rg_topo_from_json(root, "test", &t, &err);
		if (!rg_mem_fail_fired())
			break;
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_null(t);
	}
	rg_mem_fail_nth(0);
	assert_int_equal(rc, 0);
	json_decref(root);
	rg_topo_close(t);
	rg_topo_close(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_are_written_and_read_as_the_kernel_does),
		cmocka_unit_test(lists_that_are_none_are_refused),
		cmocka_unit_test(cores_that_a_set_touches_count_once),
		cmocka_unit_test(what_is_written_as_json_is_read_as_the_same),
		cmocka_unit_test(json_with_one_member_spoilt_is_refused),
		cmocka_unit_test(json_with_loops_or_indices_out_of_range_is_refused),
		cmocka_unit_test(the_hash_is_of_the_kind_of_machine_not_of_the_one),
		cmocka_unit_test(this_machine_has_cores_and_we_run_on_them),
		cmocka_unit_test(variables_that_replace_the_machine_are_refused),
		cmocka_unit_test(every_allocation_may_fail),
	};

	unsetenv("HWLOC_XMLFILE");
	unsetenv("HWLOC_SYNTHETIC");
	unsetenv("HWLOC_FSROOT");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
