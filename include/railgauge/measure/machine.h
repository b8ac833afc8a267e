/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine under a rank as plain bytes, to be exchanged: a result describes all hosts, and only
 * rank 0 writes it.
 */
#ifndef RAILGAUGE_MEASURE_MACHINE_H
#define RAILGAUGE_MEASURE_MACHINE_H

#include "railgauge/measure/result.h"

#include <stdint.h>

/* As struct rg_result_machine, with texts that are too long cut; what is empty there is NULL. */
struct rg_machine {
	char host[64], kernel[256], cpu[128], topo_hash[72];
	char governor[32], clocksource[32], thp[16];
	uint32_t packages, cores, threads, numa_nodes;
	uint64_t l1d_bytes, l2_bytes, llc_bytes, memory_bytes;
};

/*
 * This machine; with_topology: and the fingerprint that railgauge topo prints, empty where hwloc
 * cannot look, which takes a child process. Never fails.
 */
void rg_machine_here(bool with_topology, struct rg_machine *out);

/* The texts are borrowed from machine. */
void rg_machine_describe(const struct rg_machine *machine, struct rg_result_machine *out);

#endif
