/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which GPUs the CUDA runtime shows, and why there are none. Found and reported only: nothing of
 * railgauge uses a GPU yet.
 */
#ifndef RAILGAUGE_DEVICE_GPU_H
#define RAILGAUGE_DEVICE_GPU_H

#include "railgauge/topo/finding.h"

/* One row per GPU, or one that says what is missing. The first call starts the driver: seconds. */
void rg_gpu_check(struct rg_findings *list);

#endif
