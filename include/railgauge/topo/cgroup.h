/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the control groups above this process allow: processor time, processors, memory. Version 2
 * and version 1 hierarchies, also both at once. Only reads files; any thread may call.
 *
 * A limit counts wherever it stands between us and the root that we can see; limits above a
 * container's own root are invisible from inside.
 */
#ifndef RAILGAUGE_TOPO_CGROUP_H
#define RAILGAUGE_TOPO_CGROUP_H

#include <stdint.h>

struct rg_cgroup {
	double cpus;		    /* processors' worth of time; 0: no quota */
	uint64_t memory_bytes;	    /* the least limit; UINT64_MAX: none */
	uint64_t memory_used_bytes; /* of the group with the least limit; 0 if none */
	char cpuset[256];	    /* "0-3,8"; empty: not told */
};

/*
 * Reads root/proc/self/cgroup and root/sys/fs/cgroup; root is "" for this machine. Never fails:
 * what cannot be read sets no limit.
 */
void rg_cgroup_read(const char *root, struct rg_cgroup *out);

#endif
