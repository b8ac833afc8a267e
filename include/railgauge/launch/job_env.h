/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the environment says about the job. Pure reading: nothing is connected, and the environment
 * is not changed. Not to be called while another thread changes it.
 *
 * Two families of variables:
 *
 *   as torchrun sets them      as srun sets them (in a step: SLURM_STEP_ID is set)
 *   RANK                       SLURM_PROCID
 *   WORLD_SIZE                 SLURM_STEP_NUM_TASKS, else SLURM_NTASKS
 *   LOCAL_RANK                 SLURM_LOCALID
 *   LOCAL_WORLD_SIZE           (unknown)
 *   MASTER_ADDR                MASTER_ADDR, else SLURM_LAUNCH_NODE_IPADDR, else
 *                              SLURM_SRUN_COMM_HOST (right when srun runs on the first node)
 *   MASTER_PORT                MASTER_PORT, else 15000 + (SLURM_JOB_ID + 101 SLURM_STEP_ID) % 10000
 *
 * Both families at once must say the same, else it is an error; unless torchrun or `railgauge run`
 * was itself started by srun (TORCHELASTIC_RUN_ID or RG_LAUNCHER is set): then srun's variables
 * describe the launcher, not us. Under torchrun its agent listens on MASTER_PORT already
 * (TORCHELASTIC_USE_AGENT_STORE is True): railgauge takes the next port.
 *
 * The secret is RG_JOB_SECRET, or the content of the file RG_JOB_SECRET_FILE (without a final
 * newline; it must not be readable by others): RG_SECRET_MIN characters or more, equal on all
 * ranks. `railgauge run` draws one and also sets RG_LAUNCHER and RG_PORT_HELD.
 */
#ifndef RAILGAUGE_LAUNCH_JOB_ENV_H
#define RAILGAUGE_LAUNCH_JOB_ENV_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_SECRET_MIN	 16 /* characters */
#define RG_SECRET_MAX	 1024
#define RG_RANK_UNKNOWN	 UINT32_MAX
#define RG_MAX_RANKS_ENV (1u << 20)

struct rg_job_env {
	const char *family; /* "RANK" or "SLURM_PROCID"; static */
	uint32_t rank;
	uint32_t nranks;
	uint32_t local_rank;   /* or RG_RANK_UNKNOWN */
	uint32_t local_nranks; /* or RG_RANK_UNKNOWN */
	char host[256];	       /* empty when nranks is 1 and none is given */
	uint16_t port;	       /* 0 likewise */
	bool port_held;	       /* the launcher holds the port with SO_REUSEPORT */
	size_t secret_bytes;   /* 0: none is set */
	uint8_t secret[RG_SECRET_MAX];
};

/*
 * Fills *job_out; the caller wipes it with explicit_bzero when done.
 * RG_ERR_NOT_FOUND  the environment names no job
 * RG_ERR_INVALID    a variable is missing, nonsense, or contradicts another; names it
 * RG_ERR_RANGE      a number is out of range; names the variable
 * RG_ERR_SYSTEM     the secret's file cannot be read
 */
int rg_job_env_read(struct rg_job_env *job_out, struct rg_err *err);

#endif
