/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/tune/binding.h"

#include "topo/machine.h"

#include "railgauge/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct rg_topo *machine;
static struct rg_decision_binding b;

static int make(void **state)
{
	machine = make_machine();
	machine->ngpus = 0; /* 8 cores, two NUMA nodes, and nothing that draws ranks to one */
	return 0;
}

static void release(void)
{
	for (uint32_t r = 0; r < b.nranks; r++)
		rg_free(b.cpus[r]);
	rg_free(b.cpus);
}

static int close_all(void **state)
{
	release();
	b = (struct rg_decision_binding){0};
	rg_topo_close(machine);
	return 0;
}

static void find(uint32_t nranks, uint32_t nnodes, const char *const *hashes, uint32_t nhosts)
{
	struct rg_err err = {0};

	release();
	if (rg_binding_find(machine, nranks, nnodes, hashes, nhosts, &b, &err))
		fail_msg("%s", err.text);
	assert_true(b.why[0]);
	assert_int_equal(b.known, b.nranks > 0);
}

static void a_rank_per_core_is_what_mpirun_does_by_core(void **state)
{
	const char *hashes[] = {machine->hash, machine->hash};

	find(8, 1, hashes, 1);
	assert_true(b.known);
	assert_int_equal(b.nranks, 8);
	assert_string_equal(b.cpus[0], "0,8");
	assert_string_equal(b.cpus[7], "7,15");
	assert_string_equal(b.map_by, "--map-by core --bind-to core");
	find(16, 2, hashes, 2);
	assert_int_equal(b.nranks, 8); /* of one node */
}

static void a_rank_per_numa_node_is_what_mpirun_does_by_numa(void **state)
{
	const char *hashes[] = {machine->hash};

	find(2, 1, hashes, 1);
	assert_string_equal(b.cpus[0], "0-3,8-11");
	assert_string_equal(b.cpus[1], "4-7,12-15");
	assert_string_equal(b.map_by, "--map-by numa --bind-to numa");
	find(4, 1, hashes, 1);
	assert_string_equal(b.cpus[1], "2-3,10-11");
	assert_string_equal(b.map_by, ""); /* no words lead to two cores each */
}

static void cpus_that_are_not_allowed_are_nobodys(void **state)
{
	const char *hashes[] = {machine->hash};

	machine->allowed = (struct rg_cpuset){{0}};
	rg_cpuset_add(&machine->allowed, 2);
	rg_cpuset_add(&machine->allowed, 5);
	rg_cpuset_add(&machine->allowed, 13);
	find(2, 1, hashes, 1);
	assert_string_equal(b.cpus[0], "2");
	assert_string_equal(b.cpus[1], "5,13");
	assert_string_equal(b.map_by, "--map-by core --bind-to core");
	find(3, 1, hashes, 1);
	assert_false(b.known);
	assert_string_equal(b.why, "3 ranks on a node are more than its 2 usable cores");
}

static void unequal_or_unknown_nodes_have_no_binding(void **state)
{
	const char *hashes[] = {machine->hash, "0123"};

	find(8, 2, hashes, 2);
	assert_string_equal(b.why, "the hosts differ: they have no common binding");
	hashes[0] = hashes[1];
	find(8, 2, hashes, 2);
	assert_string_equal(b.why,
			    "the hosts are unlike this machine, whose topology alone is known");
	hashes[0] = hashes[1] = NULL;
	find(8, 2, hashes, 2);
	assert_string_equal(b.why, "the topology of 2 of 2 hosts is not known");
	hashes[0] = hashes[1] = machine->hash;
	find(7, 2, hashes, 2);
	assert_string_equal(b.why, "7 ranks cannot be equally many on each of 2 nodes");
	find(8, 2, hashes, 1);
	assert_string_equal(b.why, "several nodes are on one host and share its cores");
	find(4, 0, hashes, 0);
	assert_false(b.known);
}

static void ranks_that_do_not_fill_the_hosts_by_name_have_no_binding(void **state)
{
	const char *hashes[] = {machine->hash, machine->hash};
	const char *hosts[] = {"node1", "node2"};
	const char *ranks[] = {"node1", "node1", "node2", "node2"};

	find(4, 2, hashes, 2);
	rg_binding_check_order(ranks, 4, hosts, 2, &b);
	assert_true(b.known);
	assert_int_equal(b.nranks, 2);
	ranks[1] = ranks[2];
	ranks[2] = ranks[0];
	rg_binding_check_order(ranks, 4, hosts, 2, &b);
	assert_false(b.known);
	assert_null(b.cpus);
	assert_string_equal(b.why,
			    "the launcher has rank 1 on node2: ranks do not fill the hosts in "
			    "the order of their names");
	rg_binding_check_order(ranks, 4, hosts, 2, &b);
	assert_false(b.known);
}

static void a_failing_allocation_is_an_error_and_leaks_nothing(void **state)
{
	const char *hashes[] = {machine->hash};

	for (unsigned long n = 1;; n++) {
		int rc;

		rg_mem_fail_nth(n);
		rc = rg_binding_find(machine, 8, 1, hashes, 1, &b, NULL);
		if (!rg_mem_fail_fired()) {
			assert_int_equal(rc, 0);
			break;
		}
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_null(b.cpus);
	}
	rg_mem_fail_nth(0);
}

int main(void)
{
#define WITH_MACHINE(name) cmocka_unit_test_setup_teardown(name, make, close_all)
	const struct CMUnitTest tests[] = {
		WITH_MACHINE(a_rank_per_core_is_what_mpirun_does_by_core),
		WITH_MACHINE(a_rank_per_numa_node_is_what_mpirun_does_by_numa),
		WITH_MACHINE(cpus_that_are_not_allowed_are_nobodys),
		WITH_MACHINE(unequal_or_unknown_nodes_have_no_binding),
		WITH_MACHINE(ranks_that_do_not_fill_the_hosts_by_name_have_no_binding),
		WITH_MACHINE(a_failing_allocation_is_an_error_and_leaks_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
