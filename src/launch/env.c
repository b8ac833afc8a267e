/* SPDX-License-Identifier: BSD-3-Clause */
/* Rendezvous by environment: job_env says who we are, star does the rest. */
#include "config.h"

#include "railgauge/launch/job_env.h"
#include "railgauge/launch/rendezvous.h"
#include "railgauge/launch/star.h"

#include <string.h>

int rg_rendezvous_env_open(uint64_t deadline_ns, struct rg_rendezvous **rdv_out, bool *told_out,
			   struct rg_err *err)
{
	struct rg_job_env job;
	struct rg_star_config config;
	int rc = rg_job_env_read(&job, err);

	if (told_out)
		*told_out = false;
	if (rc)
		return rc;
	if (job.nranks > 1 && job.secret_bytes == 0) {
		rc = rg_err_set(err, RG_ERR_INVALID,
				"%u ranks need a secret to know each other: set RG_JOB_SECRET to "
				"the same %u or more random characters on all of them, for "
				"instance $(openssl rand -hex 32), or RG_JOB_SECRET_FILE to a file "
				"that holds them",
				job.nranks, RG_SECRET_MIN);
		goto wipe;
	}
	config = (struct rg_star_config){
		.rank = job.rank,
		.nranks = job.nranks,
		.host = job.host,
		.port = job.port,
		.port_held = job.port_held,
		.secret = job.secret,
		.secret_bytes = job.secret_bytes,
		.told_out = told_out,
	};
	rc = rg_star_open(&config, deadline_ns, rdv_out, err);
wipe:
	explicit_bzero(&job, sizeof(job));
	return rc;
}
