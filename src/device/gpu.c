/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/device/gpu.h"

#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#define SECTION "GPU"

static bool has_nvidia_device(void)
{
	return !access("/dev/nvidiactl", F_OK);
}

#ifdef HAVE_CUDA

#include <cuda_runtime_api.h>

static void check_gpu(int gpu, struct rg_findings *list)
{
	struct cudaDeviceProp p;
	cudaError_t e = cudaGetDeviceProperties(&p, gpu);
	char item[32], bus[32] = "unknown";

	snprintf(item, sizeof(item), "GPU %d", gpu);
	if (e != cudaSuccess) {
		rg_findings_add(list, SECTION, item, RG_STATE_NO, "CUDA error %d: %s", (int)e,
				cudaGetErrorString(e));
		return;
	}
	(void)cudaDeviceGetPCIBusId(bus, sizeof(bus), gpu); /* else "unknown" */
	rg_findings_add(list, SECTION, item, RG_STATE_OK, "%s, %.0f GiB, PCI %s; not used yet",
			p.name, (double)p.totalGlobalMem / (1 << 30), bus);
}

void rg_gpu_check(struct rg_findings *list)
{
	struct rg_finding *row;
	int n = 0;
	cudaError_t e = cudaGetDeviceCount(&n);

	for (int gpu = 0; e == cudaSuccess && gpu < n; gpu++)
		check_gpu(gpu, list);
	if (e == cudaSuccess && n > 0)
		return;
	if (e == cudaErrorInsufficientDriver)
		row = rg_findings_add(
			list, SECTION, "CUDA", RG_STATE_NO, "%s",
			has_nvidia_device() ? "the driver is older than the CUDA runtime (error 35)"
					    : "no NVIDIA driver is loaded (error 35)");
	else if (e == cudaErrorNoDevice || e == cudaSuccess)
		row = rg_findings_add(list, SECTION, "CUDA", RG_STATE_NO, "no GPU (error %d)",
				      (int)e);
	else
		row = rg_findings_add(list, SECTION, "CUDA", RG_STATE_NO, "error %d: %s", (int)e,
				      cudaGetErrorString(e));
	rg_finding_advise(row, "with a GPU in the machine: load its driver, or docker run --gpus "
			       "all; without one this is as it should be");
}

#else /* without CUDA */

void rg_gpu_check(struct rg_findings *list)
{
	struct rg_finding *row;

	row = rg_findings_add(list, SECTION, "CUDA", RG_STATE_NO, "built without CUDA%s",
			      has_nvidia_device() ? "; but there is an NVIDIA driver" : "");
	rg_finding_advise(row, "GPUs are only listed so far; configure --with-cuda to list them");
}

#endif
