/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/topo/limits.h"

#include "railgauge/base/err.h"
#include "railgauge/base/mem.h"
#include "railgauge/topo/rdma.h"

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define GIB ((uint64_t)1 << 30)

/* A machine where nothing is in the way. */
static struct rg_limits good(void)
{
	return (struct rg_limits){
		.memlock_bytes = RG_UNLIMITED,
		.nofile = 4096,
		.shm_there = true,
		.shm_bytes = 8 * GIB,
		.shm_free_bytes = 8 * GIB,
		.memory_bytes = 16 * GIB,
		.memory_available_bytes = 15 * GIB,
		.cgroup = {.memory_bytes = UINT64_MAX},
		.thp = "madvise",
		.thp_shmem = "advise",
		.hugetlb_page_bytes = 2 << 20,
		.ncpus_online = 8,
		.ncpus_allowed = 8,
		.cpus_allowed = "0-7",
		.governor = "performance",
		.cc = "cubic",
		.cc_available = "reno cubic",
		.cc_allowed = "reno cubic",
		.ptrace_scope = 0,
		.kernel = "6.1.0",
	};
}

static const struct rg_finding *find(const struct rg_findings *list, const char *item)
{
	for (uint32_t i = 0; i < list->count; i++) {
		if (!strcmp(list->rows[i].item, item))
			return &list->rows[i];
	}
	fail_msg("no item \"%s\"", item);
	return NULL;
}

static void a_machine_without_limits_is_ok_in_every_row(void **state)
{
	struct rg_limits l = good();
	struct rg_findings list = {0};

	rg_limits_judge(&l, &list);
	assert_true(list.count > 10);
	for (uint32_t i = 0; i < list.count; i++) {
		if (list.rows[i].state != RG_STATE_OK)
			fail_msg("%s: %s", list.rows[i].item, list.rows[i].value);
		assert_string_not_equal(list.rows[i].value, "");
		assert_string_equal(list.rows[i].advice, "");
	}
	rg_findings_release(&list);
}

/* Judges l: the item must be in the state, say the words, and give advice. */
static void assert_row(const struct rg_limits *l, const char *item, enum rg_state state,
		       const char *value, const char *advice)
{
	struct rg_findings list = {0};
	const struct rg_finding *row;

	rg_limits_judge(l, &list);
	row = find(&list, item);
	if (row->state != state || !strstr(row->value, value) || !strstr(row->advice, advice))
		fail_msg("%s: %s \"%s\" \"%s\"", item, rg_state_name(row->state), row->value,
			 row->advice);
	rg_findings_release(&list);
}

static void each_limit_of_memory_is_named_with_a_way_out(void **state)
{
	struct rg_limits l = good();

	l.memlock_bytes = 64 << 10;
	assert_row(&l, "locked memory", RG_STATE_LIMITED, "64 KiB", "memlock");
	l.may_exceed_memlock = true;
	assert_row(&l, "locked memory", RG_STATE_OK, "may exceed", "");
	l.shm_bytes = l.shm_free_bytes = 64 << 20;
	assert_row(&l, "/dev/shm", RG_STATE_LIMITED, "64 MiB free of 64 MiB", "--shm-size");
	l.shm_there = false;
	assert_row(&l, "/dev/shm", RG_STATE_NO, "not mounted", "mount");
	l.cgroup.memory_bytes = 4 * GIB;
	l.cgroup.memory_used_bytes = 3 * GIB;
	assert_row(&l, "memory", RG_STATE_LIMITED, "1.0 GiB left of the 4.0 GiB", "--memory");
	snprintf(l.thp, sizeof(l.thp), "never");
	assert_row(&l, "huge pages, private", RG_STATE_LIMITED, "never", "echo madvise");
	snprintf(l.thp_shmem, sizeof(l.thp_shmem), "deny");
	assert_row(&l, "huge pages, shared", RG_STATE_LIMITED, "deny", "shmem_enabled");
	l.hugetlb_total = 10;
	l.hugetlb_free = 4;
	assert_row(&l, "huge pages, reserved", RG_STATE_OK, "4 free of 10, 2.0 MiB each", "");
}

static void each_limit_of_processors_is_named_with_a_way_out(void **state)
{
	struct rg_limits l = good();

	l.ncpus_allowed = 2;
	snprintf(l.cpus_allowed, sizeof(l.cpus_allowed), "2,5");
	assert_row(&l, "processors", RG_STATE_LIMITED, "2 of 8: 2,5", "cpuset");
	l.cgroup.cpus = 1.5;
	assert_row(&l, "processor time", RG_STATE_LIMITED, "1.50", "--cpus");
	l.cgroup.cpus = 2;
	assert_row(&l, "processor time", RG_STATE_OK, "2.00", "");
	snprintf(l.governor, sizeof(l.governor), "powersave");
	assert_row(&l, "frequency governor", RG_STATE_LIMITED, "powersave", "cpupower");
	l.governor[0] = '\0';
	assert_row(&l, "frequency governor", RG_STATE_LIMITED, "not visible", "virtual");
}

static void each_limit_of_processes_is_named_with_a_way_out(void **state)
{
	struct rg_limits l = good();

	l.peer_read_errnum = EPERM;
	assert_row(&l, "reading a peer's memory", RG_STATE_NO, "Operation not permitted",
		   "SYS_PTRACE");
	l.ptrace_scope = 1;
	assert_row(&l, "reading a peer's memory", RG_STATE_NO, "ptrace_scope is 1", "sysctl");
	l.own_ipc_ns = true;
	assert_row(&l, "namespaces", RG_STATE_LIMITED, "own IPC", "--ipc=host");
	l.own_pid_ns = true;
	assert_row(&l, "namespaces", RG_STATE_LIMITED, "own process numbers and IPC", "");
	l.nofile = 256;
	assert_row(&l, "open files", RG_STATE_LIMITED, "256", "ulimit -n");
	l.cc[0] = '\0';
	assert_row(&l, "TCP congestion control", RG_STATE_LIMITED, "does not tell", "");
}

/* ---- files ---- */

static char root[] = "/tmp/rg-limits-XXXXXX";

static int make_root(void **state)
{
	return mkdtemp(root) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

static int remove_root(void **state)
{
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* Writes root/path, making its directories. */
static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", root, path);
	for (char *slash = strchr(full + strlen(root) + 1, '/'); slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(!mkdir(full, 0700) || errno == EEXIST);
		*slash = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void files_of_the_kernel_are_read(void **state)
{
	struct rg_limits l = {0};

	put("/proc/meminfo", "MemTotal:       16384 kB\nMemFree: 1 kB\nMemAvailable:   8192 kB\n"
			     "HugePages_Total:       7\nHugePages_Free:        5\n"
			     "Hugepagesize:       2048 kB\n");
	put("/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
	put("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
	    "always within_size [advise] never deny force\n");
	put("/proc/sys/net/ipv4/tcp_congestion_control", "bbr\n");
	put("/proc/sys/kernel/yama/ptrace_scope", "1\n");
	rg_limits_read_files(root, &l);
	assert_int_equal(l.memory_bytes, 16 << 20);
	assert_int_equal(l.memory_available_bytes, 8 << 20);
	assert_int_equal(l.hugetlb_total, 7);
	assert_int_equal(l.hugetlb_free, 5);
	assert_int_equal(l.hugetlb_page_bytes, 2 << 20);
	assert_string_equal(l.thp, "never");
	assert_string_equal(l.thp_shmem, "advise");
	assert_string_equal(l.cc, "bbr");
	assert_string_equal(l.cc_available, "");
	assert_int_equal(l.ptrace_scope, 1);
}

static void a_machine_that_tells_nothing_is_read_without_harm(void **state)
{
	struct rg_limits l = {0};
	struct rg_findings list = {0};

	rg_limits_read_files("/no/such/root", &l);
	assert_int_equal(l.memory_bytes, 0);
	assert_int_equal(l.ptrace_scope, -1);
	assert_int_equal(l.cgroup.memory_bytes, UINT64_MAX);
	rg_limits_judge(&l, &list);
	rg_findings_release(&list);
}

static void the_tightest_group_of_version_2_counts(void **state)
{
	struct rg_cgroup c;

	put("/proc/self/cgroup", "0::/a/b\n");
	put("/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	put("/sys/fs/cgroup/a/b/memory.max", "max\n");
	put("/sys/fs/cgroup/a/b/cpuset.cpus.effective", "1-2\n");
	put("/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
	put("/sys/fs/cgroup/a/memory.max", "1073741824\n");
	put("/sys/fs/cgroup/a/memory.current", "4096\n");
	put("/sys/fs/cgroup/cpuset.cpus.effective", "0-7\n");
	rg_cgroup_read(root, &c);
	assert_true(c.cpus == 1.5);
	assert_int_equal(c.memory_bytes, GIB);
	assert_int_equal(c.memory_used_bytes, 4096);
	assert_string_equal(c.cpuset, "1-2");
}

static void groups_of_version_1_count_as_well(void **state)
{
	struct rg_cgroup c;

	put("/proc/self/cgroup", "4:memory:/job\n2:cpu,cpuacct:/job\n0::/\n");
	put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "50000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "-1\n");
	put("/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put("/sys/fs/cgroup/memory/job/memory.limit_in_bytes", "9223372036854771712\n");
	put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "2147483648\n");
	put("/sys/fs/cgroup/memory/memory.usage_in_bytes", "1024\n");
	rg_cgroup_read(root, &c);
	assert_true(c.cpus == 0.5);
	assert_int_equal(c.memory_bytes, 2 * GIB);
	assert_int_equal(c.memory_used_bytes, 1024);
}

static void this_machine_is_read(void **state)
{
	struct rg_limits l;

	rg_limits_read(&l);
	assert_true(l.memory_bytes > 0);
	assert_true(l.ncpus_allowed > 0);
	assert_string_not_equal(l.cpus_allowed, "");
	assert_string_not_equal(l.kernel, "");
	assert_true(l.memlock_bytes > 0);
}

static void rows_that_find_no_memory_are_missed_not_fatal(void **state)
{
	struct rg_limits l = good();
	struct rg_findings list = {0};
	uint32_t all;

	rg_limits_judge(&l, &list);
	all = list.count;
	rg_findings_release(&list);
	for (uint32_t n = 1; n <= all; n++) {
		rg_mem_fail_nth(n);
		rg_limits_judge(&l, &list);
		assert_true(rg_mem_fail_fired());
		assert_int_equal(list.count, all - 1);
		assert_int_equal(list.rc, RG_ERR_NO_MEMORY);
		rg_findings_release(&list);
	}
	rg_mem_fail_nth(0);
}

static void reading_without_memory_sets_nothing_and_leaks_nothing(void **state)
{
	for (unsigned long n = 1; n < 60; n++) {
		struct rg_limits l;

		rg_mem_fail_nth(n);
		rg_limits_read(&l);
	}
	rg_mem_fail_nth(0);
}

static void rdma_is_found_or_its_absence_explained(void **state)
{
	struct rg_findings list = {0};

	rg_rdma_check(&list);
	assert_true(list.count > 0);
	for (uint32_t i = 0; i < list.count; i++) {
		assert_string_equal(list.rows[i].section, "RDMA");
		assert_string_not_equal(list.rows[i].value, "");
		if (list.rows[i].state == RG_STATE_NO && list.count == 1)
			assert_string_not_equal(list.rows[i].advice, "");
	}
	rg_findings_release(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_machine_without_limits_is_ok_in_every_row),
		cmocka_unit_test(each_limit_of_memory_is_named_with_a_way_out),
		cmocka_unit_test(each_limit_of_processors_is_named_with_a_way_out),
		cmocka_unit_test(each_limit_of_processes_is_named_with_a_way_out),
		cmocka_unit_test(files_of_the_kernel_are_read),
		cmocka_unit_test(a_machine_that_tells_nothing_is_read_without_harm),
		cmocka_unit_test(the_tightest_group_of_version_2_counts),
		cmocka_unit_test(groups_of_version_1_count_as_well),
		cmocka_unit_test(this_machine_is_read),
		cmocka_unit_test(rows_that_find_no_memory_are_missed_not_fatal),
		cmocka_unit_test(reading_without_memory_sets_nothing_and_leaks_nothing),
		cmocka_unit_test(rdma_is_found_or_its_absence_explained),
	};

	return cmocka_run_group_tests(tests, make_root, remove_root);
}
