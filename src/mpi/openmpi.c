/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The module for Open MPI 4 and 5: its start, its end and its table.
 */
#include "config.h"

#include "openmpi.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DYNAMIC_RULES "OMPI_MCA_coll_tuned_use_dynamic_rules"

extern const struct rg_mpi_module rg_mpi_module;

struct openmpi openmpi = {.comm = MPI_COMM_NULL};

void openmpi_error_text(int code, char *text, size_t len_bytes)
{
	char words[MPI_MAX_ERROR_STRING] = "";
	int n;

	if (MPI_Error_string(code, words, &n))
		snprintf(words, sizeof(words), "no text");
	snprintf(text, len_bytes, "%s (Open MPI error %d)", words, code);
}

int openmpi_error(struct rg_err *err, int code, const char *words)
{
	char text[MPI_MAX_ERROR_STRING + 32];

	openmpi_error_text(code, text, sizeof(text));
	return rg_err_set(err, RG_ERR_SYSTEM, "%s: %s", words, text);
}

static const char *version_line(void)
{
	static char line[MPI_MAX_LIBRARY_VERSION_STRING];
	int n;

	if (MPI_Get_library_version(line, &n))
		snprintf(line, sizeof(line), "Open MPI of unknown version");
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static int init_mpi(const struct rg_mpi_settings *settings, struct rg_err *err)
{
	int code;

	openmpi.wants_algorithms = settings->algorithms;
	openmpi.made_dynamic = settings->algorithms && !getenv(DYNAMIC_RULES);
	if (openmpi.made_dynamic)
		setenv(DYNAMIC_RULES, "1", 1);
	/*
	 * As most programs do it. With any level above MPI_THREAD_SINGLE, MPI_THREAD_FUNNELED
	 * included, 4.1.4 locks in its progress engine, which makes an all-reduce of 8 bytes take
	 * 0.24 us rather than 0.14 us here. Our other threads, if any, never call MPI.
	 */
	code = MPI_Init(NULL, NULL);
	if (openmpi.made_dynamic)
		unsetenv(DYNAMIC_RULES); /* it is for this process, not for its children */
	if (code)
		return openmpi_error(err, code, "MPI_Init");
	return 0;
}

/* Do all ranks run on one node? */
static int look_around(struct rg_err *err)
{
	MPI_Comm node;
	int code, n = 0;

	code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
	if (code)
		return openmpi_error(err, code, "MPI_Comm_split_type");
	MPI_Comm_size(node, &n);
	MPI_Comm_free(&node);
	openmpi.one_node = n == openmpi.nranks;
	return 0;
}

static int start(const struct rg_mpi_settings *settings, uint32_t *rank_out, uint32_t *nranks_out,
		 const char **version_out, struct rg_err *err)
{
	int code, rc;

	rc = init_mpi(settings, err);
	if (rc)
		return rc;
	/* Inherited by the communicators made of it: a failing call returns its code. */
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	MPI_Comm_rank(MPI_COMM_WORLD, &openmpi.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &openmpi.nranks);
	if (settings->algorithms) {
		rc = openmpi_tuned_check(err);
		if (!rc)
			rc = look_around(err);
		if (rc)
			goto finish;
	}
	code = MPI_Comm_dup(MPI_COMM_WORLD, &openmpi.comm);
	if (code) {
		rc = openmpi_error(err, code, "MPI_Comm_dup of the world");
		goto finish;
	}
	*rank_out = (uint32_t)openmpi.rank;
	*nranks_out = (uint32_t)openmpi.nranks;
	*version_out = version_line();
	return 0;

finish:
	openmpi_tuned_finish();
	MPI_Finalize();
	return rc;
}

static void finish(void)
{
	openmpi_tuned_finish();
	if (openmpi.broken)
		return;
	MPI_Comm_free(&openmpi.comm);
	MPI_Finalize();
}

static void abort_job(int exit_code)
{
	MPI_Abort(MPI_COMM_WORLD, exit_code);
	abort();
}

const struct rg_mpi_module rg_mpi_module = {
	.abi = RG_MPI_ABI,
	.name = "openmpi",
	.start = start,
	.finish = finish,
	.allgather = openmpi_allgather,
	.give_up = openmpi_give_up,
	.abort = abort_job,
	.algorithms = openmpi_algorithms,
	.target_open = openmpi_target_open,
	.target_close = openmpi_target_close,
	.target_prepare = openmpi_target_prepare,
	.target_runs_as = openmpi_target_runs_as,
	.target_run = openmpi_target_run,
	.error_text = openmpi_error_text,
};
