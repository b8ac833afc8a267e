/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A rank bound to one CPU, two hardware threads (cpu and cpu + 8) to a core. */
static struct rg_place bound(const char *host, uint32_t cpu)
{
	struct rg_place p = {.ncpus = 1, .core = (int32_t)(cpu % 8), .numa_node = 0};

	p.llc_bytes = 32 << 20;
	p.llc_cpus = 8;
	p.process.pid = 1000 + cpu;
	snprintf(p.host, sizeof(p.host), "%s", host);
	snprintf(p.cpus_text, sizeof(p.cpus_text), "%u", cpu);
	p.cpus[0] = (uint64_t)1 << cpu;
	return p;
}

struct heard {
	uint32_t n;
	char codes[8][32];
	char texts[8][320];
};

static void hear(void *arg, const char *code, const char *text)
{
	struct heard *h = arg;

	assert_true(h->n < 8);
	snprintf(h->codes[h->n], sizeof(h->codes[0]), "%s", code);
	snprintf(h->texts[h->n], sizeof(h->texts[0]), "%s", text);
	h->n++;
}

static struct heard judge(const struct rg_place *places, uint32_t n)
{
	struct heard h = {0};

	rg_place_judge(places, n, hear, &h);
	return h;
}

static void ranks_on_cores_of_their_own_raise_no_warning(void **state)
{
	const struct rg_place places[] = {bound("a", 0), bound("a", 1), bound("b", 0)};
	struct heard h = judge(places, 3);

	(void)state;
	assert_int_equal(h.n, 0);
	assert_false(rg_place_crowded(places, 3));
}

static void two_ranks_on_one_cpu_are_named_and_crowded(void **state)
{
	const struct rg_place places[] = {bound("a", 3), bound("a", 1), bound("a", 3)};
	struct heard h = judge(places, 3);

	(void)state;
	assert_true(h.n >= 1);
	assert_string_equal(h.codes[h.n - 1], "shared-core");
	assert_string_equal(h.texts[h.n - 1], "ranks 0 and 2 share CPU 3 of a");
	assert_true(rg_place_crowded(places, 3));
}

static void hardware_threads_of_one_core_are_named(void **state)
{
	const struct rg_place places[] = {bound("a", 3), bound("a", 11)};
	struct heard h = judge(places, 2);

	(void)state;
	assert_int_equal(h.n, 1);
	assert_string_equal(h.codes[0], "smt-siblings");
	assert_false(rg_place_crowded(places, 2));
}

static void unbound_ranks_are_counted_once(void **state)
{
	struct rg_place places[] = {bound("a", 0), bound("a", 1), bound("a", 2)};
	struct heard h;

	(void)state;
	for (int i = 1; i < 3; i++) {
		places[i].cpus[0] = 0xff;
		places[i].ncpus = 8;
		places[i].core = -1;
	}
	h = judge(places, 3);
	assert_int_equal(h.n, 1);
	assert_string_equal(h.codes[0], "unbound");
	assert_non_null(strstr(h.texts[0], "2 of 3 ranks"));
}

static void more_ranks_than_processors_are_crowded(void **state)
{
	struct rg_place places[3];
	struct heard h;

	(void)state;
	for (int i = 0; i < 3; i++) {
		places[i] = bound("a", 0);
		places[i].cpus[0] = 3;
		places[i].ncpus = 2;
		places[i].core = -1;
	}
	assert_true(rg_place_crowded(places, 3));
	assert_false(rg_place_crowded(places, 2));
	h = judge(places, 3);
	assert_string_equal(h.codes[0], "oversubscribed");
	assert_string_equal(h.texts[0], "3 ranks on a have 2 processors");
}

static void a_cgroup_that_gives_less_time_counts_as_fewer_processors(void **state)
{
	struct rg_place places[] = {bound("a", 0), bound("a", 1)};

	(void)state;
	places[0].quota_cpus = places[1].quota_cpus = 1.5;
	assert_true(rg_place_crowded(places, 2));
	places[0].quota_cpus = places[1].quota_cpus = 2;
	assert_false(rg_place_crowded(places, 2));
}

static void a_governor_that_changes_clocks_is_named_once_per_host(void **state)
{
	struct rg_place places[] = {bound("a", 0), bound("a", 1), bound("b", 0)};
	struct heard h;

	(void)state;
	for (int i = 0; i < 3; i++)
		snprintf(places[i].governor, sizeof(places[i].governor), "powersave");
	h = judge(places, 3);
	assert_int_equal(h.n, 2);
	assert_string_equal(h.codes[0], "governor");
}

static void local_ranks_are_counted_by_host(void **state)
{
	const struct rg_place places[] = {bound("a", 0), bound("b", 0), bound("a", 1)};
	uint32_t index = 99;

	(void)state;
	assert_int_equal(rg_place_local(places, 3, 2, &index), 2);
	assert_int_equal(index, 1);
	assert_int_equal(rg_place_local(places, 3, 1, &index), 1);
	assert_int_equal(index, 0);
	assert_int_equal(rg_place_llc_sharers(places, 3, 0), 2);
}

static void the_least_share_of_a_cache_is_the_same_on_every_rank(void **state)
{
	struct rg_place places[] = {bound("a", 0), bound("b", 0), bound("a", 1)};

	(void)state;
	places[0].llc_bytes = places[2].llc_bytes = 32 << 20;
	places[1].llc_bytes = 8 << 20;
	assert_int_equal(rg_place_least_llc_bytes(places, 3), 8 << 20);
	places[1].llc_bytes = 24 << 20;
	assert_int_equal(rg_place_least_llc_bytes(places, 3), 16 << 20);
	places[1].llc_bytes = 0; /* unknown */
	assert_int_equal(rg_place_least_llc_bytes(places + 1, 1), 32 << 20);
}

/* Two containers with names of their own, of two processors' worth of time each at first. */
static void containers_of_one_kernel_share_its_processors(void **state)
{
	struct rg_place places[] = {bound("a", 0), bound("a", 1), bound("b", 2), bound("b", 3)};
	struct heard h;

	for (int r = 0; r < 4; r++) {
		snprintf(places[r].process.kernel, sizeof(places[r].process.kernel), "one");
		places[r].quota_cpus = 2;
	}
	assert_false(rg_place_crowded(places, 4));
	assert_int_equal(rg_place_local(places, 4, 3, NULL), 4);
	places[2].quota_cpus = places[3].quota_cpus = 1;
	assert_true(rg_place_crowded(places, 4));
	assert_string_equal(judge(places, 4).texts[0], "2 ranks on b have 1 processors");
	places[2] = bound("b", 0);
	places[2].process = places[3].process;
	h = judge(places, 4);
	assert_int_equal(h.n, 2); /* the machine once, and CPU 0 of both */
	assert_string_equal(h.codes[0], "oversubscribed");
	assert_string_equal(h.codes[1], "shared-core");
	places[3].quota_cpus = 0;
	assert_true(rg_place_crowded(places, 4));
	snprintf(places[2].process.kernel, sizeof(places[2].process.kernel), "another");
	assert_false(rg_place_crowded(places, 4));
}

static void ranks_are_put_on_nodes_by_host(void **state)
{
	const struct rg_place places[] = {bound("b", 0), bound("a", 0), bound("b", 1),
					  bound("c", 0), bound("b", 2)};
	const uint32_t nodes[] = {0, 1, 0, 2, 0}, locals[] = {0, 0, 1, 0, 2};
	uint32_t node[5], local[5];

	(void)state;
	rg_place_nodes(places, 5, node, local);
	assert_memory_equal(node, nodes, sizeof(nodes));
	assert_memory_equal(local, locals, sizeof(locals));
}

static void write_file(const char *root, const char *path, const char *text)
{
	char full[512];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	for (char *slash = strchr(full + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Whatever CPUs this machine lets us run on: their files are made up. */
static void caches_cores_and_governor_are_read_from_sysfs(void **state)
{
	char root[] = "/tmp/test_place.XXXXXX", path[128], remove_all[64];
	struct rg_place here, p;

	(void)state;
	assert_int_equal(rg_place_here("/nonexistent", &here, NULL), 0);
	assert_true(here.ncpus > 0);
	assert_int_equal(here.core, -1);
	assert_int_equal(here.llc_bytes, 0);
	assert_non_null(mkdtemp(root));
	for (int cpu = 0; cpu < RG_PLACE_CPUS; cpu++) {
		if (!(here.cpus[cpu / 64] >> (cpu % 64) & 1))
			continue;
		snprintf(path, sizeof(path),
			 "sys/devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
		write_file(root, path, "7,71\n");
		snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/cache/index3/size", cpu);
		write_file(root, path, "16384K\n");
		snprintf(path, sizeof(path),
			 "sys/devices/system/cpu/cpu%d/cache/index3/shared_cpu_list", cpu);
		write_file(root, path, "0-7,64-71\n");
		snprintf(path, sizeof(path),
			 "sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor", cpu);
		write_file(root, path, "schedutil\n");
	}
	assert_int_equal(rg_place_here(root, &p, NULL), 0);
	assert_int_equal(p.core, 7);
	assert_int_equal(p.llc_bytes, 16 << 20);
	assert_int_equal(p.llc_cpus, 16);
	assert_string_equal(p.governor, "schedutil");
	snprintf(remove_all, sizeof(remove_all), "rm -rf %s", root);
	assert_int_equal(system(remove_all), 0);
}

static void load_of_others_is_what_neither_we_nor_nobody_took(void **state)
{
	const struct rg_load from = {.wall_ns = 0, .busy_s = 100, .own_s = 1};
	const struct rg_load to = {.wall_ns = 10000000000u, .busy_s = 125, .own_s = 6};
	struct rg_load unknown = to;

	(void)state;
	assert_true(rg_load_others(&from, &to, 20) > 0.49);
	assert_true(rg_load_others(&from, &to, 20) < 0.51);
	assert_true(rg_load_others(&from, &to, 30) == 0);
	unknown.busy_s = 0;
	assert_true(rg_load_others(&from, &unknown, 0) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranks_on_cores_of_their_own_raise_no_warning),
		cmocka_unit_test(two_ranks_on_one_cpu_are_named_and_crowded),
		cmocka_unit_test(hardware_threads_of_one_core_are_named),
		cmocka_unit_test(unbound_ranks_are_counted_once),
		cmocka_unit_test(more_ranks_than_processors_are_crowded),
		cmocka_unit_test(a_cgroup_that_gives_less_time_counts_as_fewer_processors),
		cmocka_unit_test(a_governor_that_changes_clocks_is_named_once_per_host),
		cmocka_unit_test(local_ranks_are_counted_by_host),
		cmocka_unit_test(the_least_share_of_a_cache_is_the_same_on_every_rank),
		cmocka_unit_test(containers_of_one_kernel_share_its_processors),
		cmocka_unit_test(ranks_are_put_on_nodes_by_host),
		cmocka_unit_test(caches_cores_and_governor_are_read_from_sysfs),
		cmocka_unit_test(load_of_others_is_what_neither_we_nor_nobody_took),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
