/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * In which order local ranks are given the logical CPUs that this process may use (its cpuset and
 * affinity): first one of each core, in CPU order, then the second hardware thread of each core,
 * and so on. And how a rank that is a thread is bound, and its helpers are not. Reads the affinity
 * and /sys/devices/system/cpu. Any thread may call.
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

/* Binds the calling thread to one CPU. RG_ERR_SYSTEM, RG_ERR_INVALID (no number of a CPU). */
int rg_bind_thread(int cpu, struct rg_err *err);

/*
 * For a thread that helps a rank, and is not to take its core away, as its first step: it may run
 * wherever the process might before the first thread was bound by rg_bind_thread. Who is bound by a
 * launcher is so with all threads. Where the kernel refuses, all stays as it is.
 */
void rg_bind_helper(void);

#endif
