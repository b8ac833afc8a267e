/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/bind.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

/* Larger than any kernel's: the call tells by EINVAL that a set is too small. */
#define MAX_CPUS 65536

#define SETS (MAX_CPUS / CPU_SETSIZE)

/* Where the process may run. */
static cpu_set_t process_cpus[SETS];
static bool process_cpus_known;
static pthread_once_t process_cpus_once = PTHREAD_ONCE_INIT;

/* The list starts with the lowest CPU of the core: "0,64" or "2-3". */
static int core_of_sysfs(int cpu, void *arg)
{
	char path[96], text[64], *end;
	long first;

	(void)arg;
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/thread_siblings_list",
		 cpu);
	if (!rg_io_read_line(path, text, sizeof(text)))
		return cpu;
	first = strtol(text, &end, 10);
	if (end == text || first < 0 || first >= MAX_CPUS)
		first = cpu;
	return (int)first;
}

int rg_bind_order_make(const int *allowed, uint32_t nallowed, int (*core_of)(int cpu, void *arg),
		       void *arg, struct rg_bind_order *order_out, struct rg_err *err)
{
	int *cores = rg_zalloc(nallowed, sizeof(*cores));
	uint32_t *turns = rg_zalloc(nallowed, sizeof(*turns)); /* how many of its core are before */
	int *cpus = rg_zalloc(nallowed, sizeof(*cpus));
	uint32_t used = 0, ncores = 0;

	if (!cores || !turns || !cpus) {
		rg_free(cpus);
		rg_free(turns);
		rg_free(cores);
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u cpus", nallowed);
	}
	for (uint32_t i = 0; i < nallowed; i++) {
		cores[i] = core_of(allowed[i], arg);
		for (uint32_t j = 0; j < i; j++)
			turns[i] += cores[j] == cores[i];
		ncores += turns[i] == 0;
	}
	for (uint32_t turn = 0; used < nallowed; turn++) {
		for (uint32_t i = 0; i < nallowed; i++) {
			if (turns[i] == turn)
				cpus[used++] = allowed[i];
		}
	}
	rg_free(turns);
	rg_free(cores);
	*order_out = (struct rg_bind_order){.cpus = cpus, .ncpus = nallowed, .ncores = ncores};
	return 0;
}

int rg_bind_order_init(struct rg_bind_order *order_out, struct rg_err *err)
{
	size_t bytes = CPU_ALLOC_SIZE(MAX_CPUS);
	cpu_set_t *set = rg_zalloc(1, bytes);
	int *allowed = NULL, rc;
	uint32_t n = 0;

	if (!set)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a set of cpus");
	if (sched_getaffinity(0, bytes, set)) {
		rc = rg_err_errno(err, errno, "sched_getaffinity");
		goto free_set;
	}
	allowed = rg_zalloc((size_t)CPU_COUNT_S(bytes, set), sizeof(*allowed));
	if (!allowed) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a list of cpus");
		goto free_set;
	}
	for (int cpu = 0; cpu < MAX_CPUS; cpu++) {
		if (CPU_ISSET_S(cpu, bytes, set))
			allowed[n++] = cpu;
	}
	rc = rg_bind_order_make(allowed, n, core_of_sysfs, NULL, order_out, err);
	rg_free(allowed);
free_set:
	rg_free(set);
	return rc;
}

void rg_bind_order_release(struct rg_bind_order *order)
{
	if (!order)
		return;
	rg_free(order->cpus);
	*order = (struct rg_bind_order){0};
}

/* --- threads --- */

/* No thread has been bound yet. */
static void note_process_cpus(void)
{
	process_cpus_known = !sched_getaffinity(0, sizeof(process_cpus), process_cpus);
}

int rg_bind_thread(int cpu, struct rg_err *err)
{
	cpu_set_t set[SETS] = {0};

	if (cpu < 0 || cpu >= MAX_CPUS)
		return rg_err_set(err, RG_ERR_INVALID, "CPU %d: no number of a CPU", cpu);
	pthread_once(&process_cpus_once, note_process_cpus);
	CPU_SET_S(cpu, sizeof(set), set);
	if (sched_setaffinity(0, sizeof(set), set)) {
		int e = errno;

		return rg_err_errno(err, e, "cannot bind to CPU %d", cpu);
	}
	return 0;
}

void rg_bind_helper(void)
{
	pthread_once(&process_cpus_once, note_process_cpus);
	if (process_cpus_known)
		(void)sched_setaffinity(0, sizeof(process_cpus), process_cpus);
}
