/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef RG_TRANSPORT_SHM_PROBE_H
#define RG_TRANSPORT_SHM_PROBE_H

#include "railgauge/base/err.h"

/*
 * Can another process reach memory of this one, as a peer of transport shm does? Starts a child
 * that maps it and writes, and looks for what it wrote. RG_ERR_SYSTEM, RG_ERR_LIMIT,
 * RG_ERR_NO_MEMORY.
 */
int rg_shm_probe_memory(struct rg_err *err);

#endif
