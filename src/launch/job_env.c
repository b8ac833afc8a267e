/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/job_env.h"

#include "railgauge/base/units.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* An empty variable counts as unset: that is how scripts switch one off. */
static const char *get(const char *name)
{
	const char *text = getenv(name);

	return text && *text ? text : NULL;
}

/* A number from the environment. RG_ERR_INVALID or RG_ERR_RANGE names the variable. */
static int get_number(const char *name, int64_t min, int64_t max, int64_t *out, struct rg_err *err)
{
	const char *text = get(name);

	if (!text)
		return rg_err_set(err, RG_ERR_INVALID, "%s is not set", name);
	return rg_parse_int(text, name, min, max, out, err);
}

/* Rank and size from one pair of variables. */
static int get_pair(const char *rank_name, const char *size_name, uint32_t *rank_out,
		    uint32_t *nranks_out, struct rg_err *err)
{
	int64_t rank, nranks;
	int rc = get_number(size_name, 1, RG_MAX_RANKS_ENV, &nranks, err);

	if (!rc)
		rc = get_number(rank_name, 0, RG_MAX_RANKS_ENV, &rank, err);
	if (rc == RG_ERR_INVALID && !get(get(rank_name) ? size_name : rank_name))
		return rg_err_prefix(err, "%s is set", get(rank_name) ? rank_name : size_name);
	if (rc)
		return rc;
	if (rank >= nranks)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s %" PRId64 " does not fit %s %" PRId64 ": ranks count from 0",
				  rank_name, rank, size_name, nranks);
	*rank_out = (uint32_t)rank;
	*nranks_out = (uint32_t)nranks;
	return 0;
}

/* A number that may be missing. */
static int get_optional(const char *name, uint32_t *out, struct rg_err *err)
{
	int64_t v;
	int rc;

	*out = RG_RANK_UNKNOWN;
	if (!get(name))
		return 0;
	rc = get_number(name, 0, RG_MAX_RANKS_ENV, &v, err);
	if (!rc)
		*out = (uint32_t)v;
	return rc;
}

static const char *slurm_size_name(void)
{
	return get("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS";
}

/* srun's variables are about us only inside a step: a batch script has SLURM_PROCID 0, too. */
static bool in_slurm_step(void)
{
	return get("SLURM_STEP_ID") && get("SLURM_PROCID");
}

static int read_torchrun(struct rg_job_env *job, struct rg_err *err)
{
	uint32_t rank, nranks;
	int rc;

	job->family = "RANK";
	rc = get_pair("RANK", "WORLD_SIZE", &job->rank, &job->nranks, err);
	if (!rc)
		rc = get_optional("LOCAL_RANK", &job->local_rank, err);
	if (!rc)
		rc = get_optional("LOCAL_WORLD_SIZE", &job->local_nranks, err);
	if (rc)
		return rc;
	if (!in_slurm_step() || get("TORCHELASTIC_RUN_ID") || get("RG_LAUNCHER"))
		return 0;
	rc = get_pair("SLURM_PROCID", slurm_size_name(), &rank, &nranks, err);
	if (!rc && (rank != job->rank || nranks != job->nranks))
		rc = rg_err_set(err, RG_ERR_INVALID,
				"RANK says rank %u of %u, SLURM_PROCID rank %u of %u: unset RANK "
				"and WORLD_SIZE, or set them to srun's",
				job->rank, job->nranks, rank, nranks);
	return rc;
}

static int read_slurm(struct rg_job_env *job, struct rg_err *err)
{
	int rc;

	job->family = "SLURM_PROCID";
	job->local_nranks = RG_RANK_UNKNOWN;
	rc = get_pair("SLURM_PROCID", slurm_size_name(), &job->rank, &job->nranks, err);
	if (!rc)
		rc = get_optional("SLURM_LOCALID", &job->local_rank, err);
	return rc;
}

static int check_local(const struct rg_job_env *job, struct rg_err *err)
{
	if (job->local_nranks != RG_RANK_UNKNOWN &&
	    (job->local_nranks == 0 || job->local_nranks > job->nranks))
		return rg_err_set(err, RG_ERR_INVALID,
				  "LOCAL_WORLD_SIZE %u does not fit %u ranks in all",
				  job->local_nranks, job->nranks);
	if (job->local_rank != RG_RANK_UNKNOWN && job->local_nranks != RG_RANK_UNKNOWN &&
	    job->local_rank >= job->local_nranks)
		return rg_err_set(err, RG_ERR_INVALID,
				  "LOCAL_RANK %u does not fit LOCAL_WORLD_SIZE %u", job->local_rank,
				  job->local_nranks);
	return 0;
}

static int read_host(struct rg_job_env *job, bool slurm, struct rg_err *err)
{
	const char *host = get("MASTER_ADDR");

	if (!host && slurm)
		host = get("SLURM_LAUNCH_NODE_IPADDR");
	if (!host && slurm)
		host = get("SLURM_SRUN_COMM_HOST");
	if (!host && job->nranks == 1)
		return 0;
	if (!host)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s is set, MASTER_ADDR is not: it must be the address of the "
				  "host of rank 0",
				  job->family);
	if (strlen(host) >= sizeof(job->host))
		return rg_err_set(err, RG_ERR_INVALID, "MASTER_ADDR is longer than %zu characters",
				  sizeof(job->host) - 1);
	memcpy(job->host, host, strlen(host) + 1);
	return 0;
}

static int read_port(struct rg_job_env *job, bool slurm, struct rg_err *err)
{
	const char *agent = get("TORCHELASTIC_USE_AGENT_STORE");
	int64_t port, id, step;
	int rc;

	if (get("MASTER_PORT")) {
		bool next = agent && !strcmp(agent, "True");

		rc = get_number("MASTER_PORT", 1, next ? 65534 : 65535, &port, err);
		if (!rc)
			job->port = (uint16_t)(port + next);
		return rc;
	}
	if (job->nranks == 1)
		return 0;
	if (!slurm)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s is set, MASTER_PORT is not: it must be a free port of the "
				  "host of rank 0",
				  job->family);
	rc = get_number("SLURM_JOB_ID", 0, INT64_MAX / 2, &id, err);
	if (!rc)
		rc = get_number("SLURM_STEP_ID", 0, INT64_MAX / 1000, &step, err);
	if (!rc)
		job->port = (uint16_t)(15000 + (id % 10000 + 101 * (step % 10000)) % 10000);
	return rc;
}

/* Reads at most RG_SECRET_MAX bytes of a file that only its owner may read. */
static int read_secret_file(struct rg_job_env *job, const char *path, struct rg_err *err)
{
	uint8_t text[RG_SECRET_MAX + 2]; /* one for a newline, one to see that it is too long */
	struct stat st;
	size_t used = 0;
	ssize_t n = 0;
	int rc = 0, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return rg_err_errno(err, errno, "RG_JOB_SECRET_FILE %s", path);
	if (fstat(fd, &st))
		rc = rg_err_errno(err, errno, "RG_JOB_SECRET_FILE %s", path);
	else if (!S_ISREG(st.st_mode))
		rc = rg_err_set(err, RG_ERR_INVALID, "RG_JOB_SECRET_FILE %s is not a file", path);
	else if (st.st_mode & (S_IRWXG | S_IRWXO))
		rc = rg_err_set(err, RG_ERR_INVALID,
				"RG_JOB_SECRET_FILE %s can be read by others: chmod 600 it", path);
	while (!rc && used < sizeof(text) && (n = read(fd, text + used, sizeof(text) - used)) > 0)
		used += (size_t)n;
	if (!rc && n < 0)
		rc = rg_err_errno(err, errno, "RG_JOB_SECRET_FILE %s", path);
	close(fd);
	if (used > 0 && text[used - 1] == '\n')
		used--;
	if (!rc && (used < RG_SECRET_MIN || used > RG_SECRET_MAX))
		rc = rg_err_set(err, RG_ERR_INVALID,
				"RG_JOB_SECRET_FILE %s must hold %u to %u characters", path,
				RG_SECRET_MIN, RG_SECRET_MAX);
	if (!rc) {
		memcpy(job->secret, text, used);
		job->secret_bytes = used;
	}
	explicit_bzero(text, sizeof(text));
	return rc;
}

static int read_secret(struct rg_job_env *job, struct rg_err *err)
{
	const char *secret = get("RG_JOB_SECRET"), *path = get("RG_JOB_SECRET_FILE");
	size_t len = secret ? strlen(secret) : 0;

	if (secret && path)
		return rg_err_set(err, RG_ERR_INVALID,
				  "RG_JOB_SECRET and RG_JOB_SECRET_FILE are both set: unset one");
	if (path)
		return read_secret_file(job, path, err);
	if (!secret)
		return 0;
	if (len < RG_SECRET_MIN || len > RG_SECRET_MAX)
		return rg_err_set(err, RG_ERR_INVALID,
				  "RG_JOB_SECRET has %zu characters; it needs %u to %u", len,
				  RG_SECRET_MIN, RG_SECRET_MAX);
	memcpy(job->secret, secret, len);
	job->secret_bytes = len;
	return 0;
}

int rg_job_env_read(struct rg_job_env *job_out, struct rg_err *err)
{
	struct rg_job_env job = {0};
	const char *held = get("RG_PORT_HELD");
	struct rg_err why = {0};
	bool slurm = false;
	int rc;

	if (get("RANK") || get("WORLD_SIZE")) {
		rc = read_torchrun(&job, &why);
	} else if (in_slurm_step()) {
		slurm = true;
		rc = read_slurm(&job, &why);
	} else {
		return rg_err_set(err, RG_ERR_NOT_FOUND,
				  "the environment names no job: neither RANK and WORLD_SIZE nor "
				  "SLURM_PROCID is set");
	}
	if (!rc)
		rc = check_local(&job, &why);
	if (!rc)
		rc = read_host(&job, slurm, &why);
	if (!rc)
		rc = read_port(&job, slurm, &why);
	if (!rc)
		rc = read_secret(&job, &why);
	job.port_held = held && !strcmp(held, "1");
	if (rc)
		rg_err_set(err, rc, "%s", why.text);
	else
		*job_out = job;
	explicit_bzero(&job, sizeof(job));
	return rc;
}
