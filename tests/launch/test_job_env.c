/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/launch/job_env.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/build.h"
#include "railgauge/launch/rendezvous.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "RG_JOB_SECRET=0123456789abcdef"

/* The environment becomes these words, and nothing else that matters here. */
static void set_environment(const char *const *words)
{
	clearenv();
	for (; *words; words++) {
		char name[64];
		const char *eq = strchr(*words, '=');

		assert_non_null(eq);
		snprintf(name, sizeof(name), "%.*s", (int)(eq - *words), *words);
		assert_int_equal(setenv(name, eq + 1, 1), 0);
	}
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

static void torchruns_variables_are_read(void **state)
{
	struct rg_job_env job;

	set_environment(ENV("RANK=5", "WORLD_SIZE=16", "LOCAL_RANK=1", "LOCAL_WORLD_SIZE=4",
			    "MASTER_ADDR=node1", "MASTER_PORT=29500", SECRET));
	assert_int_equal(rg_job_env_read(&job, NULL), 0);
	assert_string_equal(job.family, "RANK");
	assert_int_equal(job.rank, 5);
	assert_int_equal(job.nranks, 16);
	assert_int_equal(job.local_rank, 1);
	assert_int_equal(job.local_nranks, 4);
	assert_string_equal(job.host, "node1");
	assert_int_equal(job.port, 29500);
	assert_false(job.port_held);
	assert_int_equal(job.secret_bytes, 16);
	assert_memory_equal(job.secret, "0123456789abcdef", 16);
}

static void under_torchruns_own_agent_the_next_port_is_taken(void **state)
{
	struct rg_job_env job;

	set_environment(ENV("RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=node1", "MASTER_PORT=29500",
			    "TORCHELASTIC_USE_AGENT_STORE=True", "TORCHELASTIC_RUN_ID=x"));
	assert_int_equal(rg_job_env_read(&job, NULL), 0);
	assert_int_equal(job.port, 29501);
	assert_int_equal(job.local_rank, RG_RANK_UNKNOWN);
}

static void sruns_variables_are_read(void **state)
{
	struct rg_job_env job;

	set_environment(ENV("SLURM_PROCID=3", "SLURM_NTASKS=99", "SLURM_STEP_NUM_TASKS=8",
			    "SLURM_LOCALID=1", "SLURM_JOB_ID=4711", "SLURM_STEP_ID=2",
			    "SLURM_LAUNCH_NODE_IPADDR=10.1.2.3", "SLURM_SRUN_COMM_HOST=10.9.9.9",
			    SECRET));
	assert_int_equal(rg_job_env_read(&job, NULL), 0);
	assert_string_equal(job.family, "SLURM_PROCID");
	assert_int_equal(job.rank, 3);
	assert_int_equal(job.nranks, 8);
	assert_int_equal(job.local_rank, 1);
	assert_string_equal(job.host, "10.1.2.3");
	assert_int_equal(job.port, 15000 + 4711 + 202);
	set_environment(ENV("SLURM_PROCID=3", "SLURM_NTASKS=8", "SLURM_JOB_ID=1", "SLURM_STEP_ID=0",
			    "SLURM_SRUN_COMM_HOST=10.9.9.9", "MASTER_PORT=77"));
	assert_int_equal(rg_job_env_read(&job, NULL), 0);
	assert_int_equal(job.nranks, 8);
	assert_string_equal(job.host, "10.9.9.9");
	assert_int_equal(job.port, 77);
}

static void an_environment_without_a_job_is_not_found(void **state)
{
	struct rg_job_env job;

	set_environment(ENV("HOME=/"));
	assert_int_equal(rg_job_env_read(&job, NULL), RG_ERR_NOT_FOUND);
	/* Empty is unset, and a batch script's own variables are not a step's. */
	set_environment(ENV("RANK=", "WORLD_SIZE=", "SLURM_PROCID=0", "SLURM_NTASKS=8"));
	assert_int_equal(rg_job_env_read(&job, NULL), RG_ERR_NOT_FOUND);
}

static void a_launcher_under_srun_is_believed_before_srun(void **state)
{
	struct rg_job_env job;

	set_environment(ENV("RANK=5", "WORLD_SIZE=16", "MASTER_ADDR=a", "MASTER_PORT=1",
			    "SLURM_PROCID=1", "SLURM_NTASKS=2", "SLURM_STEP_ID=0",
			    "RG_LAUNCHER=railgauge run", "RG_PORT_HELD=1"));
	assert_int_equal(rg_job_env_read(&job, NULL), 0);
	assert_int_equal(job.rank, 5);
	assert_true(job.port_held);
}

struct bad {
	const char *const words[10];
	int code;
	const char *names; /* what the message must name */
};

static const struct bad bads[] = {
	{{"RANK=0"}, RG_ERR_INVALID, "WORLD_SIZE is not set"},
	{{"WORLD_SIZE=2"}, RG_ERR_INVALID, "RANK is not set"},
	{{"RANK=x", "WORLD_SIZE=2"}, RG_ERR_INVALID, "RANK"},
	{{"RANK=-1", "WORLD_SIZE=2"}, RG_ERR_RANGE, "RANK"},
	{{"RANK=0", "WORLD_SIZE=0"}, RG_ERR_RANGE, "WORLD_SIZE"},
	{{"RANK=0", "WORLD_SIZE=99999999999999999999"}, RG_ERR_RANGE, "WORLD_SIZE"},
	{{"RANK=2", "WORLD_SIZE=2"}, RG_ERR_INVALID, "ranks count from 0"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_PORT=1"}, RG_ERR_INVALID, "MASTER_ADDR"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a"}, RG_ERR_INVALID, "MASTER_PORT"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=65536"},
	 RG_ERR_RANGE,
	 "MASTER_PORT"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=http"},
	 RG_ERR_INVALID,
	 "MASTER_PORT"},
	{{"RANK=0", "WORLD_SIZE=2", "LOCAL_RANK=2", "LOCAL_WORLD_SIZE=2"},
	 RG_ERR_INVALID,
	 "LOCAL_RANK"},
	{{"RANK=0", "WORLD_SIZE=2", "LOCAL_WORLD_SIZE=3"}, RG_ERR_INVALID, "LOCAL_WORLD_SIZE"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=1", "SLURM_PROCID=1",
	  "SLURM_NTASKS=2", "SLURM_STEP_ID=0"},
	 RG_ERR_INVALID,
	 "SLURM_PROCID"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=1", "RG_JOB_SECRET=short"},
	 RG_ERR_INVALID,
	 "RG_JOB_SECRET has 5 characters"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=1", SECRET,
	  "RG_JOB_SECRET_FILE=/x"},
	 RG_ERR_INVALID,
	 "both set"},
	{{"RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=1", "RG_JOB_SECRET_FILE=/x/y"},
	 RG_ERR_SYSTEM,
	 "/x/y"},
};

static void missing_nonsense_and_contradictory_variables_are_named(void **state)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct rg_job_env job = {.rank = 77};
		struct rg_err err = {0};
		int rc;

		set_environment(bads[i].words);
		rc = rg_job_env_read(&job, &err);
		if (rc != bads[i].code || !strstr(err.text, bads[i].names))
			fail_msg("case %zu: wanted %s with \"%s\", got %s: %s", i,
				 rg_err_name(bads[i].code), bads[i].names, rg_err_name(rc),
				 err.text);
		assert_int_equal(job.rank, 77);
	}
}

static void the_secrets_file_must_be_private_and_long_enough(void **state)
{
	char path[] = "/tmp/rg-secret-XXXXXX", word[64];
	int fd = mkstemp(path);
	struct rg_job_env job;
	struct rg_err err = {0};

	assert_true(fd >= 0);
	snprintf(word, sizeof(word), "RG_JOB_SECRET_FILE=%s", path);
	set_environment(ENV("RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=a", "MASTER_PORT=1", word));
	assert_int_equal(rg_job_env_read(&job, &err), RG_ERR_INVALID); /* empty */
	assert_int_equal(write(fd, "0123456789abcdef\n", 17), 17);
	assert_int_equal(rg_job_env_read(&job, NULL), 0);
	assert_int_equal(job.secret_bytes, 16);
	assert_int_equal(fchmod(fd, 0640), 0);
	assert_int_equal(rg_job_env_read(&job, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "chmod 600"));
	close(fd);
	unlink(path);
}

static void several_ranks_without_a_secret_are_told_how_to_set_one(void **state)
{
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};

	set_environment(ENV("RANK=0", "WORLD_SIZE=2", "MASTER_ADDR=127.0.0.1", "MASTER_PORT=1"));
	assert_int_equal(rg_rendezvous_env_open(rg_clock_ns(), &rdv, NULL, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "RG_JOB_SECRET"));
	assert_null(rdv);
}

static void one_rank_needs_neither_secret_nor_address(void **state)
{
	struct rg_rendezvous *rdv = NULL;

	set_environment(ENV("RANK=0", "WORLD_SIZE=1"));
	assert_int_equal(rg_rendezvous_env_open(rg_clock_ns(), &rdv, NULL, NULL), 0);
	assert_int_equal(rg_rendezvous_barrier(rdv, rg_clock_ns(), NULL), 0);
	rg_rendezvous_close(rdv);
}

static void one_rank_opens_or_fails_cleanly_at_every_allocation(void **state)
{
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};
	unsigned long n = 0;
	int rc;

	set_environment(ENV("RANK=0", "WORLD_SIZE=1"));
	do {
		rg_mem_fail_nth(++n);
		rc = rg_rendezvous_env_open(rg_clock_ns() + 60000000000u, &rdv, NULL, &err);
		assert_int_equal(rc, rg_mem_fail_fired() ? RG_ERR_NO_MEMORY : 0);
		assert_true(!rc || !rdv);
	} while (rg_mem_fail_fired());
	rg_mem_fail_nth(0);
	assert_true(n > 1);
	rg_rendezvous_close(rdv);
}

static void the_build_is_the_version_and_a_hash(void **state)
{
	const char *build = rg_build_id();

	assert_int_equal(strncmp(build, PACKAGE_VERSION "+", strlen(PACKAGE_VERSION) + 1), 0);
	assert_int_equal(strspn(build + strlen(PACKAGE_VERSION) + 1, "0123456789abcdef"), 40);
	assert_ptr_equal(rg_build_id(), build);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(torchruns_variables_are_read),
		cmocka_unit_test(under_torchruns_own_agent_the_next_port_is_taken),
		cmocka_unit_test(sruns_variables_are_read),
		cmocka_unit_test(an_environment_without_a_job_is_not_found),
		cmocka_unit_test(a_launcher_under_srun_is_believed_before_srun),
		cmocka_unit_test(missing_nonsense_and_contradictory_variables_are_named),
		cmocka_unit_test(the_secrets_file_must_be_private_and_long_enough),
		cmocka_unit_test(several_ranks_without_a_secret_are_told_how_to_set_one),
		cmocka_unit_test(one_rank_needs_neither_secret_nor_address),
		cmocka_unit_test(one_rank_opens_or_fails_cleanly_at_every_allocation),
		cmocka_unit_test(the_build_is_the_version_and_a_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
