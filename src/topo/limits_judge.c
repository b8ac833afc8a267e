/* SPDX-License-Identifier: BSD-3-Clause */
/* What a limit means for whoever measures here. Pure: no look at the machine. */
#include "config.h"

#include "railgauge/topo/limits.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Below this the shared memory of MPI libraries and of NCCL runs out with few ranks. */
#define SHM_ENOUGH_BYTES ((uint64_t)1 << 30)

/* Below this a node's worth of ranks, with a socket and a window each, may run out. */
#define NOFILE_ENOUGH 1024

/* "1.5 GiB", "64 MiB": three digits, for people. */
static const char *amount(uint64_t bytes, char text[32])
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
	double v = (double)bytes;
	size_t u = 0;

	for (; v >= 1024 && u + 1 < sizeof(units) / sizeof(units[0]); u++)
		v /= 1024;
	snprintf(text, 32, v < 10 && u > 0 ? "%.1f %s" : "%.0f %s", v, units[u]);
	return text;
}

static void judge_memory(const struct rg_limits *l, struct rg_findings *list)
{
	char a[32], b[32];
	struct rg_finding *row;

	if (l->cgroup.memory_bytes < l->memory_bytes) {
		uint64_t used = l->cgroup.memory_used_bytes, limit = l->cgroup.memory_bytes;

		row = rg_findings_add(list, "memory", "memory", RG_STATE_LIMITED,
				      "%s left of the %s that the container may use",
				      amount(used < limit ? limit - used : 0, a), amount(limit, b));
		rg_finding_advise(row, "shared windows count, too; raise the limit (docker run "
				       "--memory) if a test is refused");
	} else if (l->memory_bytes > 0) {
		rg_findings_add(list, "memory", "memory", RG_STATE_OK, "%s available of %s",
				amount(l->memory_available_bytes, a), amount(l->memory_bytes, b));
	}
	if (l->memlock_bytes == RG_UNLIMITED) {
		rg_findings_add(list, "memory", "locked memory", RG_STATE_OK, "unlimited");
	} else if (l->may_exceed_memlock) {
		rg_findings_add(list, "memory", "locked memory", RG_STATE_OK,
				"%s, but this user may exceed it", amount(l->memlock_bytes, a));
	} else {
		row = rg_findings_add(list, "memory", "locked memory", RG_STATE_LIMITED, "%s",
				      amount(l->memlock_bytes, a));
		rg_finding_advise(row, "RDMA locks its buffers: \"* - memlock unlimited\" in "
				       "/etc/security/limits.conf, or docker run --ulimit "
				       "memlock=-1; without RDMA it does not matter");
	}
	if (!l->shm_there) {
		row = rg_findings_add(list, "memory", "/dev/shm", RG_STATE_NO, "not mounted");
		rg_finding_advise(row, "MPI libraries and NCCL need it (railgauge does not): "
				       "mount -t tmpfs tmpfs /dev/shm");
	} else {
		bool enough = l->shm_free_bytes >= SHM_ENOUGH_BYTES;

		row = rg_findings_add(list, "memory", "/dev/shm",
				      enough ? RG_STATE_OK : RG_STATE_LIMITED, "%s free of %s",
				      amount(l->shm_free_bytes, a), amount(l->shm_bytes, b));
		if (!enough)
			rg_finding_advise(row, "MPI libraries and NCCL use it (railgauge does "
					       "not): docker run --shm-size=8g, or remove what "
					       "lies there");
	}
}

static void judge_pages(const struct rg_limits *l, struct rg_findings *list)
{
	struct rg_finding *row;
	char a[32];
	bool never = !strcmp(l->thp, "never");
	bool shmem_never = !strcmp(l->thp_shmem, "never") || !strcmp(l->thp_shmem, "deny");

	if (l->thp[0] == '\0') {
		rg_findings_add(list, "memory", "huge pages, private", RG_STATE_LIMITED,
				"the kernel does not tell");
	} else {
		row = rg_findings_add(list, "memory", "huge pages, private",
				      never ? RG_STATE_LIMITED : RG_STATE_OK, "%s", l->thp);
		if (never)
			rg_finding_advise(row, "as root: echo madvise > "
					       "/sys/kernel/mm/transparent_hugepage/enabled");
	}
	if (l->thp_shmem[0] != '\0') {
		row = rg_findings_add(list, "memory", "huge pages, shared",
				      shmem_never ? RG_STATE_LIMITED : RG_STATE_OK, "%s",
				      l->thp_shmem);
		if (shmem_never)
			rg_finding_advise(row, "shared windows get small pages; as root: echo "
					       "advise > "
					       "/sys/kernel/mm/transparent_hugepage/shmem_enabled");
	}
	if (l->hugetlb_total > 0)
		rg_findings_add(list, "memory", "huge pages, reserved", RG_STATE_OK,
				"%llu free of %llu, %s each", (unsigned long long)l->hugetlb_free,
				(unsigned long long)l->hugetlb_total,
				amount(l->hugetlb_page_bytes, a));
	else
		rg_findings_add(list, "memory", "huge pages, reserved", RG_STATE_OK,
				"none; none are needed");
}

static void judge_processors(const struct rg_limits *l, struct rg_findings *list)
{
	struct rg_finding *row;

	if (l->ncpus_allowed > 0 && l->ncpus_allowed < l->ncpus_online) {
		row = rg_findings_add(list, "processors", "processors", RG_STATE_LIMITED,
				      "%u of %u: %s", l->ncpus_allowed, l->ncpus_online,
				      l->cpus_allowed);
		rg_finding_advise(row, "affinity or cpuset keeps the others from us; more ranks "
				       "than processors share them");
	} else {
		rg_findings_add(list, "processors", "processors", RG_STATE_OK, "%u: %s",
				l->ncpus_allowed, l->cpus_allowed);
	}
	if (l->cgroup.cpus > 0) {
		bool less = l->cgroup.cpus < l->ncpus_allowed;

		row = rg_findings_add(list, "processors", "processor time",
				      less ? RG_STATE_LIMITED : RG_STATE_OK,
				      "%.2f processors' worth", l->cgroup.cpus);
		if (less)
			rg_finding_advise(row, "ranks will be stopped when the quota is spent, "
					       "which spoils timings: run without docker run "
					       "--cpus, or with fewer ranks");
	} else {
		rg_findings_add(list, "processors", "processor time", RG_STATE_OK, "no quota");
	}
	if (l->governor[0] == '\0') {
		row = rg_findings_add(list, "processors", "frequency governor", RG_STATE_LIMITED,
				      "not visible");
		rg_finding_advise(row, "a virtual machine, or firmware decides: steady clocks "
				       "cannot be verified from here");
	} else if (strcmp(l->governor, "performance") != 0) {
		row = rg_findings_add(list, "processors", "frequency governor", RG_STATE_LIMITED,
				      "%s", l->governor);
		rg_finding_advise(row, "clocks will vary during measurements; as root: cpupower "
				       "frequency-set -g performance");
	} else {
		rg_findings_add(list, "processors", "frequency governor", RG_STATE_OK,
				"performance");
	}
}

static void judge_peer_read(const struct rg_limits *l, struct rg_findings *list)
{
	const char *item = "reading a peer's memory";
	struct rg_finding *row;

	if (l->peer_read_errnum == 0) {
		rg_findings_add(list, "processes", item, RG_STATE_OK, "process_vm_readv works");
		return;
	}
	if (l->ptrace_scope > 0) {
		row = rg_findings_add(list, "processes", item, RG_STATE_NO,
				      "%s; kernel.yama.ptrace_scope is %d",
				      strerror(l->peer_read_errnum), l->ptrace_scope);
		rg_finding_advise(row, "single-copy of private buffers (CMA) needs it; as root: "
				       "sysctl kernel.yama.ptrace_scope=0");
		return;
	}
	row = rg_findings_add(list, "processes", item, RG_STATE_NO, "process_vm_readv: %s",
			      strerror(l->peer_read_errnum));
	rg_finding_advise(row, "single-copy of private buffers (CMA) needs it; in a container: "
			       "docker run --cap-add SYS_PTRACE");
}

static void judge_processes(const struct rg_limits *l, struct rg_findings *list)
{
	bool own = l->own_pid_ns || l->own_ipc_ns;
	bool few = l->nofile < NOFILE_ENOUGH;
	struct rg_finding *row;

	rg_findings_add(list, "processes", "kernel", RG_STATE_OK, "Linux %s", l->kernel);
	judge_peer_read(l, list);
	row = rg_findings_add(list, "processes", "namespaces", own ? RG_STATE_LIMITED : RG_STATE_OK,
			      "%s",
			      !own	       ? "the machine's"
			      : !l->own_ipc_ns ? "own process numbers"
			      : !l->own_pid_ns ? "own IPC"
					       : "own process numbers and IPC");
	if (own)
		rg_finding_advise(row, "a container: ranks that share memory must run in the same "
				       "one, or with docker run --pid=host --ipc=host");
	if (l->nofile == RG_UNLIMITED)
		row = rg_findings_add(list, "processes", "open files", RG_STATE_OK, "unlimited");
	else
		row = rg_findings_add(list, "processes", "open files",
				      few ? RG_STATE_LIMITED : RG_STATE_OK, "%llu",
				      (unsigned long long)l->nofile);
	if (few)
		rg_finding_advise(row, "rank 0 needs one for each rank: ulimit -n 4096");
}

static void judge_tcp(const struct rg_limits *l, struct rg_findings *list)
{
	if (l->cc[0] == '\0')
		rg_findings_add(list, "network", "TCP congestion control", RG_STATE_LIMITED,
				"the kernel does not tell");
	else
		rg_findings_add(list, "network", "TCP congestion control", RG_STATE_OK,
				"%s (there are %s; users may choose %s)", l->cc, l->cc_available,
				l->cc_allowed);
}

void rg_limits_judge(const struct rg_limits *limits, struct rg_findings *list)
{
	judge_memory(limits, list);
	judge_pages(limits, list);
	judge_processors(limits, list);
	judge_processes(limits, list);
	judge_tcp(limits, list);
}
