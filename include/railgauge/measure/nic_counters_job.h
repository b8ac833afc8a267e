/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The counters of all ranks' adapters around what they measure together.
 *
 *   rg_nic_job_open -> rg_nic_job_read                         the first reading
 *                   -> measure, rg_nic_job_read, rg_nic_job_add as often as wanted
 *
 * Each reading ends one interval and begins the next, so nothing falls between two. A port that
 * several ranks of a kernel name is read by the lowest of them; TCP's counters of a network
 * namespace likewise.
 *
 * All functions but add and close are collective: all ranks call them in the same order, and they
 * succeed on all or on none. They block, for as long as adapters keep what they counted
 * (rg_nic_settle) and until all ranks have come. Never in a timed region, and only when no traffic
 * that is to be counted is under way.
 */
#ifndef RAILGAUGE_MEASURE_NIC_COUNTERS_JOB_H
#define RAILGAUGE_MEASURE_NIC_COUNTERS_JOB_H

#include "railgauge/base/err.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/measure/counters.h"
#include "railgauge/measure/nic_counters.h"

#include <stdint.h>

struct rg_nic_job;

/*
 * mine[n] are the ports that this rank uses, at most RG_NIC_PORTS_MAX; ranks may name others, or
 * none. rdv and root (see nic_counters.h) are borrowed until close. timeout_ns: longest wait for
 * the others. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM, and as rg_rendezvous_allgather.
 */
int rg_nic_job_open(struct rg_rendezvous *rdv, const char *root, const struct rg_nic_port *mine,
		    uint32_t n, uint64_t timeout_ns, struct rg_nic_job **out, struct rg_err *err);
void rg_nic_job_close(struct rg_nic_job *job); /* NULL is allowed */

/* Ports that are read, by all ranks together. */
uint32_t rg_nic_job_nports(const struct rg_nic_job *job);

/*
 * Reads all ports, and tells rank 0 what moved since the reading before. RG_ERR_NO_MEMORY, and as
 * rg_rendezvous_allgather.
 */
int rg_nic_job_read(struct rg_nic_job *job, struct rg_err *err);

/*
 * Adds what the last reading found, about these points, to counters, which is empty or was given to
 * no other job; on other ranks than 0, and with no reading but the first one, only the ports.
 * RG_ERR_NO_MEMORY, RG_ERR_INVALID (npoints 0, names of devices that are not UTF-8).
 */
int rg_nic_job_add(const struct rg_nic_job *job, uint32_t first_point, uint32_t npoints,
		   struct rg_counters *counters, struct rg_err *err);

#endif
