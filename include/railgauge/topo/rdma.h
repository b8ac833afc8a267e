/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which RDMA devices libibverbs shows, and why there are none. This opens each device: sysfs, which
 * struct rg_topo reads, also shows devices that a container was not given.
 */
#ifndef RAILGAUGE_TOPO_RDMA_H
#define RAILGAUGE_TOPO_RDMA_H

#include "railgauge/topo/finding.h"

#include <stdbool.h>

/* One row per device, or one that says what is missing. Blocks as long as a driver does. */
void rg_rdma_check(struct rg_findings *list);

/*
 * To be called before libraries are loaded that use RDMA themselves and unload parts again, as MPI
 * libraries do: a provider that is a library of its own (libefa, libmlx5) tells libibverbs of
 * itself when it is loaded, and does not take that back when it is unloaded, so that the next look
 * for the driver of a device ends in memory that is gone. Devices that were found before are not
 * looked at again; one that is added later still is. Loads the providers; without libibverbs, or
 * devices, nothing happens.
 */
void rg_rdma_keep_devices(void);

/*
 * Why libibverbs shows no device at all, with what to do about it. Only in builds with libibverbs.
 */
#define RG_RDMA_MISSING_BYTES 240
void rg_rdma_missing(char text[RG_RDMA_MISSING_BYTES]);

/*
 * Is the RDMA of this device software (rxe, siw), which runs on the host's cores at the speed of
 * whatever is below? By sysfs below root ("" for the live system): they hang off no bus, or say
 * whose child they are, or that they are software, which those of older kernels do that pass for
 * their interface's PCI device [Linux-rxe; Linux-siw]. false where sysfs has no such device.
 */
bool rg_rdma_is_soft(const char *root, const char *device);

#endif
