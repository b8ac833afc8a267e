/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In which order local ranks are given the logical CPUs that this process may use (its cpuset and
 * affinity): first one of each core, in CPU order, then the second hardware thread of each core,
 * and so on. Reads the affinity and /sys/devices/system/cpu; changes nothing. Any thread may call.
 */
#ifndef RAILGAUGE_LAUNCH_BIND_H
#define RAILGAUGE_LAUNCH_BIND_H

#include "railgauge/base/err.h"

#include <stddef.h>
#include <stdint.h>

struct rg_bind_order {
	int *cpus;	 /* [ncpus], owned */
	uint32_t ncpus;	 /* >= 1 */
	uint32_t ncores; /* the first so many entries are on different cores */
};

/*
 * Fills *order_out; released with rg_bind_order_release. Where the kernel does not say which CPUs
 * share a core, each is taken as its own. RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int rg_bind_order_init(struct rg_bind_order *order_out, struct rg_err *err);
void rg_bind_order_release(struct rg_bind_order *order); /* NULL and zeroed are allowed */

/*
 * For tests and recorded machines: the same for allowed[nallowed] CPUs, ascending, where
 * core_of(cpu, arg) is the lowest CPU of cpu's core, allowed or not. RG_ERR_NO_MEMORY.
 */
int rg_bind_order_make(const int *allowed, uint32_t nallowed, int (*core_of)(int cpu, void *arg),
		       void *arg, struct rg_bind_order *order_out, struct rg_err *err);

#endif
