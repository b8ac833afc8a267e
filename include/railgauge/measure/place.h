/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where ranks run, as the kernel says and not as somebody asked for it, and what that spoils: ranks
 * that share a core, hardware threads of one core, ranks that may wander, more ranks than cores,
 * frequency governors, and other programs' load.
 *
 * Reads the affinity of the calling thread, /sys/devices/system/cpu and /proc/stat; what cannot be
 * read counts as unknown. Nothing is changed. Any thread may call.
 */
#ifndef RAILGAUGE_MEASURE_PLACE_H
#define RAILGAUGE_MEASURE_PLACE_H

#include "railgauge/launch/process.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_PLACE_CPUS 1024

/* One rank. Plain bytes, to be exchanged. */
struct rg_place {
	char host[64];
	struct rg_process process;
	struct rg_node node;
	uint64_t cpus[RG_PLACE_CPUS / 64]; /* logical CPUs the thread may run on */
	char cpus_text[128];		   /* the same: "0-3,8", cut with "..." */
	uint32_t ncpus;
	int32_t core; /* lowest CPU of the one core it may run on; -1: several cores, or unknown */
	int32_t numa_node;  /* of all its CPUs; -1: several, or unknown */
	double quota_cpus;  /* processors' worth of time that the cgroup allows; 0: no limit */
	uint64_t llc_bytes; /* last-level cache of its first CPU; 0: unknown */
	uint32_t llc_cpus;  /* logical CPUs that share it */
	char governor[32];  /* of its first CPU; empty: unknown */
};

/*
 * root is "" for this machine; tests give a folder with recorded files. RG_ERR_INVALID for a name
 * of the node that is too long (launch/process.h).
 */
int rg_place_here(const char *root, struct rg_place *out, struct rg_err *err);

/* Do they share a kernel? As far as host names tell where it does not say who it is. */
bool rg_place_same_machine(const struct rg_place *a, const struct rg_place *b);

/* Are there more ranks than processors on any machine (or than a cgroup gives time for)? */
bool rg_place_crowded(const struct rg_place *places, uint32_t n);

/* How many ranks of this one's machine there are, it included; and its number among them. */
uint32_t rg_place_local(const struct rg_place *places, uint32_t n, uint32_t rank,
			uint32_t *index_out);

/*
 * What each rank has of its machine's last-level cache (32 MiB where that is unknown), which is
 * divided among the machine's ranks: the least of all ranks, so that it is the same on every one.
 */
uint64_t rg_place_least_llc_bytes(const struct rg_place *places, uint32_t n);

/*
 * The nodes of a layout (coll/problem.h): each rank's host, numbered in the order of their first
 * ranks, and its number among the ranks of that host. node[n], local[n].
 */
void rg_place_nodes(const struct rg_place *places, uint32_t n, uint32_t *node, uint32_t *local);

/* How many ranks share the last-level cache with rank, itself included (an estimate). */
uint32_t rg_place_llc_sharers(const struct rg_place *places, uint32_t n, uint32_t rank);

/*
 * Calls warn for everything that makes the numbers doubtful; codes are those of struct
 * rg_result_warning.
 */
void rg_place_judge(const struct rg_place *places, uint32_t n,
		    void (*warn)(void *arg, const char *code, const char *text), void *arg);

/* A point in time of this machine's processors, and of this process. */
struct rg_load {
	uint64_t wall_ns;
	double busy_s; /* all processors together; 0: unknown */
	double own_s;  /* this process */
};
void rg_load_read(struct rg_load *out);

/*
 * Processors' worth of time that others took between two readings, where own_s is that of all
 * ranks of the host together. 0 if unknown.
 */
double rg_load_others(const struct rg_load *from, const struct rg_load *to, double own_s);

#endif
