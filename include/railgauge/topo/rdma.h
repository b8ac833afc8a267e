/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which RDMA devices libibverbs shows, and why there are none. This opens each device: sysfs, which
 * struct rg_topo reads, also shows devices that a container was not given.
 */
#ifndef RAILGAUGE_TOPO_RDMA_H
#define RAILGAUGE_TOPO_RDMA_H

#include "railgauge/topo/finding.h"

/* One row per device, or one that says what is missing. Blocks as long as a driver does. */
void rg_rdma_check(struct rg_findings *list);

#endif
