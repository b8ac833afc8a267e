/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/affinity.h"

#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum rg_dist between(const struct rg_topo *t, enum rg_topo_kind a, uint32_t i,
			    enum rg_topo_kind b, uint32_t k)
{
	struct rg_topo_ref x = {a, i}, y = {b, k};
	enum rg_dist dist = rg_topo_distance(t, x, y);

	assert_int_equal(rg_topo_distance(t, y, x), dist);
	return dist;
}

static void distances_between_devices_follow_the_bridges(void **state)
{
	struct rg_topo *t = make_machine();

	assert_int_equal(between(t, RG_TOPO_GPU, 0, RG_TOPO_GPU, 0), RG_DIST_LOC);
	assert_int_equal(between(t, RG_TOPO_GPU, 0, RG_TOPO_NIC, 0), RG_DIST_PIX);
	assert_int_equal(between(t, RG_TOPO_GPU, 1, RG_TOPO_NIC, 0), RG_DIST_PXB);
	assert_int_equal(between(t, RG_TOPO_GPU, 0, RG_TOPO_NIC, 1), RG_DIST_PHB);
	assert_int_equal(between(t, RG_TOPO_GPU, 2, RG_TOPO_NIC, 1), RG_DIST_NODE);
	assert_int_equal(between(t, RG_TOPO_GPU, 2, RG_TOPO_NIC, 2), RG_DIST_SYS);
	assert_int_equal(between(t, RG_TOPO_NIC, 2, RG_TOPO_NIC, 3), RG_DIST_PIX);
	rg_topo_close(t);
}

static void distances_of_cores_and_nodes_follow_the_numa_nodes(void **state)
{
	struct rg_topo *t = make_machine();

	assert_int_equal(between(t, RG_TOPO_NUMA, 0, RG_TOPO_NIC, 1), RG_DIST_PHB);
	assert_int_equal(between(t, RG_TOPO_NUMA, 1, RG_TOPO_NIC, 1), RG_DIST_SYS);
	assert_int_equal(between(t, RG_TOPO_CORE, 4, RG_TOPO_NIC, 2), RG_DIST_PHB);
	assert_int_equal(between(t, RG_TOPO_CORE, 4, RG_TOPO_GPU, 0), RG_DIST_SYS);
	assert_int_equal(between(t, RG_TOPO_CORE, 0, RG_TOPO_CORE, 0), RG_DIST_LOC);
	assert_int_equal(between(t, RG_TOPO_CORE, 0, RG_TOPO_CORE, 1), RG_DIST_NODE);
	assert_int_equal(between(t, RG_TOPO_CORE, 0, RG_TOPO_CORE, 4), RG_DIST_SYS);
	assert_int_equal(between(t, RG_TOPO_CORE, 0, RG_TOPO_NUMA, 0), RG_DIST_LOC);
	assert_int_equal(between(t, RG_TOPO_NUMA, 0, RG_TOPO_NUMA, 1), RG_DIST_SYS);
	rg_topo_close(t);
}

static void what_has_no_known_place_is_far_from_everything(void **state)
{
	struct rg_topo *t = make_machine();

	t->nics[3].at = (struct rg_topo_place){.bridge = RG_TOPO_NONE,
					       .host_bridge = RG_TOPO_NONE,
					       .numa = RG_TOPO_NONE,
					       .package = RG_TOPO_NONE};
	t->gpus[2].at = t->nics[3].at;
	assert_int_equal(between(t, RG_TOPO_GPU, 0, RG_TOPO_NIC, 3), RG_DIST_SYS);
	assert_int_equal(between(t, RG_TOPO_GPU, 2, RG_TOPO_NIC, 3), RG_DIST_SYS);
	assert_int_equal(between(t, RG_TOPO_NUMA, 0, RG_TOPO_NIC, 3), RG_DIST_SYS);
	assert_false(rg_topo_same_package(t, (struct rg_topo_ref){RG_TOPO_GPU, 2},
					  (struct rg_topo_ref){RG_TOPO_NIC, 3}));
	rg_topo_close(t);
}

static void ports_of_one_card_share_their_root_link(void **state)
{
	struct rg_topo *t = make_machine();

	assert_int_equal(rg_topo_root_link(t, &t->nics[2].at),
			 rg_topo_root_link(t, &t->nics[3].at));
	assert_int_equal(rg_topo_root_link(t, &t->nics[0].at),
			 rg_topo_root_link(t, &t->gpus[1].at));
	assert_int_not_equal(rg_topo_root_link(t, &t->nics[0].at),
			     rg_topo_root_link(t, &t->nics[1].at));
	rg_topo_close(t);
}

static struct rg_affinity *solve(const struct rg_topo *t, uint32_t nranks)
{
	struct rg_affinity *a = NULL;
	struct rg_err err = {0};

	if (rg_affinity_open(t, nranks, &a, &err))
		fail_msg("%s", err.text);
	return a;
}

static void each_gpu_gets_its_nearest_adapter(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a = solve(t, 0);

	assert_int_equal(a->nranks, 3);
	assert_string_equal(a->ranks_why, "one per GPU");
	assert_int_equal(a->ranks[0].nic, 0);
	assert_int_equal(a->ranks[0].dist, RG_DIST_PIX);
	assert_int_equal(a->ranks[1].nic, 0);
	assert_int_equal(a->ranks[1].dist, RG_DIST_PXB);
	/* NODE from both adapters of its NUMA node: the one with fewer ranks. */
	assert_int_equal(a->ranks[2].nic, 1);
	assert_int_equal(a->ranks[2].dist, RG_DIST_NODE);
	assert_string_equal(a->ranks[2].nic_why,
			    "as near to GPU 2 as mlx5_0; so that adapters have equally many ranks");
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void ranks_of_one_node_share_its_cores_without_overlap(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a = solve(t, 3);

	/* Four cores of node 0 for three GPUs there. */
	assert_int_equal(a->ranks[0].ncores + a->ranks[1].ncores + a->ranks[2].ncores, 4);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(a->ranks[i].numa, 0);
		assert_int_equal(rg_cpuset_count(&a->ranks[i].cores), 2 * a->ranks[i].ncores);
		for (uint32_t k = 0; k < i; k++)
			assert_false(rg_cpuset_meet(&a->ranks[i].cores, &a->ranks[k].cores));
	}
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void without_gpus_ranks_spread_over_cores_adapters_and_links(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a;

	t->ngpus = 0;
	a = solve(t, 0);
	assert_int_equal(a->nranks, 4);
	assert_string_equal(a->ranks_why, "one per adapter");
	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(a->ranks[i].nic, i);
		assert_int_equal(a->ranks[i].dist, RG_DIST_PHB);
		assert_int_equal(a->ranks[i].ncores, 2);
		assert_int_equal(a->ranks[i].first_core, 2 * i);
	}
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void without_gpus_and_adapters_each_core_has_a_rank(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a;

	t->ngpus = t->nnics = 0;
	t->nnumas = 1;
	a = solve(t, 0);
	assert_int_equal(a->nranks, 8);
	assert_string_equal(a->ranks_why, "one per usable core");
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(a->ranks[i].nic, RG_TOPO_NONE);
		assert_string_equal(a->ranks[i].nic_why, "there is no adapter");
		assert_int_equal(a->ranks[i].first_core, i);
	}
	rg_affinity_close(a);
	t->nnumas = 2;
	rg_topo_close(t);
}

static void ports_that_are_down_slow_or_without_rdma_are_set_aside(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a;

	t->nics[0].state = RG_TOPO_STATE_DOWN;
	t->nics[1].rdma[0] = '\0';
	t->nics[2].rate_Bps = UINT64_C(12400000000); /* less than half of 25 GB/s */
	a = solve(t, 0);
	assert_int_equal(a->nrails, 1);
	assert_int_equal(a->nics[3].rail, 0);
	assert_int_equal(a->nics[3].nranks, 3);
	assert_non_null(strstr(a->nics[0].why, "down"));
	assert_non_null(strstr(a->nics[1].why, "no RDMA"));
	assert_non_null(strstr(a->nics[2].why, "less than half"));
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(a->ranks[i].nic, 3);
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void half_the_rate_is_not_yet_too_slow(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a;

	t->nics[2].rate_Bps /= 2;
	a = solve(t, 0);
	assert_int_equal(a->nrails, 4);
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void more_ranks_than_cores_share_them_and_are_told(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a = solve(t, 48);

	for (uint32_t i = 0; i < 48; i++) {
		assert_int_equal(a->ranks[i].first_gpu, i / 16);
		assert_int_equal(a->ranks[i].ncores, 1);
		assert_non_null(strstr(a->ranks[i].cores_why, "48 ranks on the 4 usable cores"));
	}
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void fewer_ranks_than_gpus_have_several_each(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a = solve(t, 2);

	assert_int_equal(a->ranks[0].first_gpu, 0);
	assert_int_equal(a->ranks[0].ngpus, 1);
	assert_int_equal(a->ranks[1].first_gpu, 1);
	assert_int_equal(a->ranks[1].ngpus, 2);
	rg_affinity_close(a);
	rg_topo_close(t);
}

/* The container leaves one core of the other package. */
static void only_allowed_cores_are_given_out(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a;
	struct rg_err err = {0};

	memset(&t->allowed, 0, sizeof(t->allowed));
	rg_cpuset_add(&t->allowed, 14);
	a = solve(t, 1);
	assert_int_equal(rg_cpuset_count(&a->ranks[0].cores), 1);
	assert_true(rg_cpuset_has(&a->ranks[0].cores, 14));
	assert_int_equal(a->ranks[0].numa, 1);
	rg_affinity_close(a);
	memset(&t->allowed, 0, sizeof(t->allowed));
	assert_int_equal(rg_affinity_open(t, 1, &a, &err), RG_ERR_UNSUPPORTED);
	rg_topo_close(t);
}

static void too_many_ranks_are_refused(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a;

	assert_int_equal(rg_affinity_open(t, RG_AFFINITY_RANKS_MAX + 1, &a, NULL), RG_ERR_RANGE);
	a = solve(t, RG_AFFINITY_RANKS_MAX);
	rg_affinity_close(a);
	rg_topo_close(t);
}

static void every_allocation_may_fail(void **state)
{
	struct rg_topo *t = make_machine();
	struct rg_affinity *a = NULL;
	struct rg_err err = {0};
	unsigned long n;
	int rc;

	for (n = 1;; n++) {
		rg_mem_fail_nth(n);
		rc = rg_affinity_open(t, 0, &a, &err);
		if (!rg_mem_fail_fired())
			break;
		assert_int_equal(rc, RG_ERR_NO_MEMORY);
		assert_null(a);
	}
	rg_mem_fail_nth(0);
	assert_int_equal(rc, 0);
	assert_true(n > 10);
	rg_affinity_close(a);
	rg_affinity_close(NULL);
	rg_topo_close(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distances_between_devices_follow_the_bridges),
		cmocka_unit_test(distances_of_cores_and_nodes_follow_the_numa_nodes),
		cmocka_unit_test(what_has_no_known_place_is_far_from_everything),
		cmocka_unit_test(ports_of_one_card_share_their_root_link),
		cmocka_unit_test(each_gpu_gets_its_nearest_adapter),
		cmocka_unit_test(ranks_of_one_node_share_its_cores_without_overlap),
		cmocka_unit_test(without_gpus_ranks_spread_over_cores_adapters_and_links),
		cmocka_unit_test(without_gpus_and_adapters_each_core_has_a_rank),
		cmocka_unit_test(ports_that_are_down_slow_or_without_rdma_are_set_aside),
		cmocka_unit_test(half_the_rate_is_not_yet_too_slow),
		cmocka_unit_test(more_ranks_than_cores_share_them_and_are_told),
		cmocka_unit_test(fewer_ranks_than_gpus_have_several_each),
		cmocka_unit_test(only_allowed_cores_are_given_out),
		cmocka_unit_test(too_many_ranks_are_refused),
		cmocka_unit_test(every_allocation_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
