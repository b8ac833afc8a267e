/* SPDX-License-Identifier: BSD-3-Clause */
/* A rule and the forced algorithm are the same call. */
#include "config.h"

#include "selection.h"

#include "railgauge/base/mem.h"
#include "railgauge/emit/emitter.h"
#include "railgauge/mpi/openmpi_tuned.h"

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RULED_RANKS 4
#define RULED_MOST  10

/* Sizes S of a range's begin; algorithm id has the one of its number, 0 what is below. */
static uint64_t ruled_bytes(int id)
{
	return (uint64_t)4096 << id;
}

/* What rules are to say from there on; id 0 where there is no such algorithm for 4 ranks. */
static struct rg_choice ruled_choice(const struct rg_ompi_function *f, int id,
				     const struct rg_ompi_version *version, uint64_t segment_bytes)
{
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_id(f, id);
	struct rg_choice choice = {.algorithm = "default"};

	if (!a || a->only_ranks || !rg_ompi_algorithm_in(a, version) ||
	    (!strcmp(a->name, "segmented_ring") && !segment_bytes))
		return choice;
	choice.id = id;
	choice.segment_bytes = a->segments ? segment_bytes : 0;
	snprintf(choice.algorithm, sizeof(choice.algorithm), "%s", a->name);
	return choice;
}

static struct rg_ompi_version library_version(char line[MPI_MAX_LIBRARY_VERSION_STRING])
{
	struct rg_ompi_version version = {0};
	int n;

	MPI_Get_library_version(line, &n);
	if (rg_ompi_version_of(line, &version, NULL))
		abort();
	return version;
}

static void decide(struct rg_decision *d, const struct rg_ompi_function *f,
		   const struct rg_ompi_version *version, uint64_t segment_bytes)
{
	snprintf(d->function, sizeof(d->function), "%s", f->mpi);
	d->coll = f->coll;
	d->other = f->variant == RG_MPI_OTHER;
	d->nranges = RULED_MOST;
	d->ranges = rg_zalloc(RULED_MOST, sizeof(*d->ranges));
	if (!d->ranges)
		abort();
	for (int id = 0; id < RULED_MOST; id++)
		d->ranges[id] = (struct rg_decision_range){
			.from_bytes = id ? ruled_bytes(id) : 0,
			.to_bytes = id + 1 < RULED_MOST ? ruled_bytes(id + 1) - 1 : UINT64_MAX,
			.choice = ruled_choice(f, id, version, segment_bytes)};
}

int run_write(const char *folder, uint64_t segment_bytes)
{
	char line[MPI_MAX_LIBRARY_VERSION_STRING];
	struct rg_ompi_version version = library_version(line);
	const struct rg_emitter *emitter;
	struct rg_decisions *all;
	struct rg_err err = {0};
	int rc = rg_decisions_open(&all, &err);

	if (rc)
		return 1;
	snprintf(all->library, sizeof(all->library), "%.*s", (int)strcspn(line, "\n"), line);
	snprintf(all->mpi, sizeof(all->mpi), "openmpi");
	all->nranks = RULED_RANKS;
	all->nnodes = 1;
	all->decisions = rg_zalloc(NFUNCTIONS, sizeof(*all->decisions));
	for (size_t f = 0; all->decisions && f < NFUNCTIONS; f++)
		decide(&all->decisions[all->ndecisions++],
		       rg_ompi_function_of(functions[f].coll, functions[f].variant), &version,
		       segment_bytes);
	rc = rg_emitter_of(all, &emitter, &err);
	if (!rc)
		rc = emitter->write(all, folder, &err);
	if (rc)
		fprintf(stderr, "%s\n", err.text);
	rg_decisions_close(all);
	return rc != 0;
}

/* Elements per block of a call in the range of an algorithm; 0: there are no rules by size. */
static size_t ruled_count(size_t f, int id)
{
	uint64_t elements = ruled_bytes(id) / sizeof(float);

	if (rg_ompi_function_of(functions[f].coll, functions[f].variant)->one_rule)
		return 0;
	return rg_coll_block_count(functions[f].coll, elements, RULED_RANKS);
}

/*
 * The algorithm's own call: some are made of other functions, which go by their own rules (a
 * non-overlapping all-reduce is a reduce and a broadcast).
 */
static void report_first(int rank, size_t function, size_t n)
{
	notes[strcspn(notes, ")")] = '\0';
	report(rank, function, n);
}

int run_ruled(void)
{
	int rank;

	MPI_Init(NULL, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	alloc_buffers(RULED_RANKS);
	for (size_t f = 0; f < NFUNCTIONS; f++) {
		for (int id = 0; id < RULED_MOST && ruled_count(f, id); id++) {
			notes[0] = '\0';
			call_plainly(f, (int)ruled_count(f, id), RULED_RANKS);
			report_first(rank, f, ruled_count(f, id));
		}
	}
	MPI_Finalize();
	return 0;
}

int run_chosen(uint64_t segment_bytes)
{
	char line[MPI_MAX_LIBRARY_VERSION_STRING];
	struct rg_ompi_version version = library_version(line);
	struct rg_mpi *mpi = open_glue();

	for (size_t f = 0; f < NFUNCTIONS; f++) {
		const struct rg_ompi_function *function =
			rg_ompi_function_of(functions[f].coll, functions[f].variant);

		for (int id = 0; id < RULED_MOST && ruled_count(f, id); id++) {
			struct rg_choice c = ruled_choice(function, id, &version, segment_bytes);
			struct rg_mpi_target *target =
				open_target(mpi, functions[f].coll, functions[f].variant, c.id,
					    c.id ? (int64_t)c.segment_bytes : RG_MPI_SEGMENT_USUAL);

			run_once(mpi, f, target, ruled_count(f, id));
			report_first((int)mpi->rank, f, ruled_count(f, id));
			mpi->module->target_close(target);
		}
	}
	rg_mpi_close(mpi);
	return 0;
}
