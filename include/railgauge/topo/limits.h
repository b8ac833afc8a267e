/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The limits of this machine, container and process that decide what can be measured here and how
 * well. Reading and judging are apart, so that every judgement can be tested without the machine.
 * Changes nothing, except that one short-lived child is started to try a read of our memory.
 */
#ifndef RAILGAUGE_TOPO_LIMITS_H
#define RAILGAUGE_TOPO_LIMITS_H

#include "railgauge/topo/cgroup.h"
#include "railgauge/topo/finding.h"

#include <stdbool.h>
#include <stdint.h>

#define RG_UNLIMITED UINT64_MAX

/* As read. Texts are empty, numbers 0, where the machine does not tell. */
struct rg_limits {
	uint64_t memlock_bytes;	 /* RLIMIT_MEMLOCK, or RG_UNLIMITED */
	bool may_exceed_memlock; /* CAP_IPC_LOCK */
	uint64_t nofile;	 /* RLIMIT_NOFILE, or RG_UNLIMITED */
	bool shm_there;		 /* /dev/shm is a tmpfs */
	uint64_t shm_bytes, shm_free_bytes;
	uint64_t memory_bytes, memory_available_bytes; /* of the machine */
	struct rg_cgroup cgroup;
	char thp[24];	    /* chosen word of transparent_hugepage/enabled */
	char thp_shmem[24]; /* the same of shmem_enabled, which governs memfd */
	uint64_t hugetlb_total, hugetlb_free, hugetlb_page_bytes;
	uint32_t ncpus_online;
	uint32_t ncpus_allowed; /* affinity and cpuset */
	char cpus_allowed[160]; /* "0-3,8" */
	char governor[32];	/* of the allowed processors; "mixed" */
	char cc[32];		/* TCP congestion control */
	char cc_available[96], cc_allowed[96];
	int ptrace_scope;	     /* kernel.yama.ptrace_scope, -1 without Yama */
	int peer_read_errnum;	     /* errno of a child that reads our memory; 0: it could */
	bool own_pid_ns, own_ipc_ns; /* not the machine's */
	char kernel[64];	     /* "6.1.0-28-amd64" */
};

/* Never fails. */
void rg_limits_read(struct rg_limits *out);

/*
 * How much memory this process may lock: RLIMIT_MEMLOCK, or RG_UNLIMITED with CAP_IPC_LOCK of the
 * machine itself, which a capability of a user namespace is not. Starts no child.
 */
uint64_t rg_limits_memlock_bytes(void);

/* The part of rg_limits_read that comes from files: root stands before their paths. */
void rg_limits_read_files(const char *root, struct rg_limits *out);

/* One row per limit. */
void rg_limits_judge(const struct rg_limits *limits, struct rg_findings *list);

#endif
