/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which MPI is meant, and how many ranks its launcher started: read from the environment.
 */
#include "config.h"

#include "railgauge/mpi/glue.h"

#include "impl.h"

#include "railgauge/base/opt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const known[] = {"openmpi", "mpich", NULL};

/* Debian's and Ubuntu's package, and that of dnf, in the order of known. */
static const char *const packages[] = {"libopenmpi-dev (openmpi-devel)",
				       "libmpich-dev (mpich-devel)"};

/*
 * What launchers leave behind. Open MPI's mpirun sets the first two, srun --mpi=pmix the second,
 * MPICH's mpiexec the third.
 */
static const struct {
	const char *variable, *name;
} traces[] = {
	{"OMPI_COMM_WORLD_SIZE", "openmpi"},
	{"PMIX_RANK", "openmpi"},
	{"PMI_RANK", "mpich"},
};

#define NTRACES (sizeof(traces) / sizeof(traces[0]))

static const char *find_known(const char *name)
{
	for (size_t i = 0; known[i]; i++) {
		if (!strcmp(known[i], name))
			return known[i];
	}
	return NULL;
}

static int choose_named(const char *name, const char *origin, const char **name_out,
			struct rg_err *err)
{
	const char *found = find_known(name), *nearest;
	char list[128];

	if (!strcmp(name, "none"))
		return rg_err_set(err, RG_ERR_NOT_FOUND, "no MPI: %s says none", origin);
	if (!found) {
		nearest = rg_opt_nearest(name, known);
		rg_mpi_list_modules(list, sizeof(list));
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s \"%s\": no such MPI library%s%s%s; this railgauge has %s",
				  origin, name, nearest ? ", did you mean " : "",
				  nearest ? nearest : "", nearest ? "?" : "", list);
	}
	*name_out = found;
	return 0;
}

/* srun --mpi=pmi2 starts either library's programs; MPICH's mpiexec also numbers a node's ranks. */
static bool is_anybodys(const char *variable)
{
	return !strcmp(variable, "PMI_RANK") && getenv("SLURM_STEP_ID") &&
	       !getenv("MPI_LOCALRANKID");
}

int rg_mpi_choose(const char *choice, const char **name_out, struct rg_err *err)
{
	const char *variable = getenv("RG_MPI");
	size_t first = NTRACES;

	if (choice)
		return choose_named(choice, "--mpi", name_out, err);
	if (variable && *variable)
		return choose_named(variable, "RG_MPI", name_out, err);
	for (size_t i = 0; i < NTRACES; i++) {
		if (!getenv(traces[i].variable))
			continue;
		if (is_anybodys(traces[i].variable) && first < NTRACES)
			continue;
		if (is_anybodys(traces[i].variable))
			return rg_err_set(
				err, RG_ERR_INVALID,
				"which MPI? PMI_RANK is srun's, whatever the library: say "
				"--mpi=openmpi or --mpi=mpich");
		if (first == NTRACES)
			first = i;
		else if (strcmp(traces[i].name, traces[first].name))
			return rg_err_set(err, RG_ERR_INVALID,
					  "which MPI? %s points to %s and %s to %s: say --mpi=%s "
					  "or --mpi=%s",
					  traces[first].variable, traces[first].name,
					  traces[i].variable, traces[i].name, traces[first].name,
					  traces[i].name);
	}
	if (first == NTRACES)
		return rg_err_set(err, RG_ERR_NOT_FOUND,
				  "nothing in the environment was left by an MPI launcher");
	*name_out = traces[first].name;
	return 0;
}

/* A decimal number above 0 and nothing else, or 0. */
static uint32_t ranks_of(const char *text)
{
	char *end;
	unsigned long n;

	if (*text < '0' || *text > '9')
		return 0;
	errno = 0;
	n = strtoul(text, &end, 10);
	return errno || *end || n > UINT32_MAX ? 0 : (uint32_t)n;
}

uint32_t rg_mpi_launched_ranks(const char **variable_out)
{
	/* Nearest first: mpirun within a Slurm step overrides the step's own number. */
	static const char *const variables[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE",
						"SLURM_STEP_NUM_TASKS", "WORLD_SIZE"};

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const char *text = getenv(variables[i]);
		uint32_t n = text ? ranks_of(text) : 0;

		if (!n)
			continue;
		*variable_out = variables[i];
		return n;
	}
	return 0;
}

const char *const *rg_mpi_known(void)
{
	return known;
}

const char *rg_mpi_package(const char *name)
{
	for (size_t i = 0; known[i]; i++) {
		if (!strcmp(known[i], name))
			return packages[i];
	}
	return "its development package";
}
