/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For test_honoured.sh: poisoner LIBRARY FOLDER POISONED FUNCTION writes files for two ranks into
 * FOLDER, with the function's first algorithm from 4096 bytes on (for all sizes, where one rule
 * must do), and into POISONED the same with that rule made to fail. Prints the words of such a
 * failure.
 */
#include "config.h"

#include "railgauge/base/mem.h"
#include "railgauge/emit/emitter.h"

#include <stdio.h>
#include <string.h>

static const struct rg_ompi_function *function_named(const char *mpi)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		if (f->target && !strcmp(f->mpi, mpi))
			return f;
	}
	return NULL;
}

static bool decide(struct rg_decisions *all, const struct rg_ompi_function *f)
{
	struct rg_decision *d = rg_zalloc(1, sizeof(*d));
	struct rg_choice choice = {.id = f->algorithms[0].id};

	if (!d)
		return false;
	all->decisions = d;
	all->ndecisions = 1;
	snprintf(choice.algorithm, sizeof(choice.algorithm), "%s", f->algorithms[0].name);
	snprintf(d->function, sizeof(d->function), "%s", f->mpi);
	d->coll = f->coll;
	d->other = f->variant == RG_MPI_OTHER;
	d->nranges = f->one_rule ? 1 : 2;
	d->ranges = rg_zalloc(2, sizeof(*d->ranges));
	if (!d->ranges)
		return false;
	d->ranges[0] =
		(struct rg_decision_range){.to_bytes = 4095, .choice = {.algorithm = "default"}};
	d->ranges[d->nranges - 1].from_bytes = d->nranges > 1 ? 4096 : 0;
	d->ranges[d->nranges - 1].to_bytes = UINT64_MAX;
	d->ranges[d->nranges - 1].choice = choice;
	return true;
}

int main(int argc, char **argv)
{
	const struct rg_ompi_function *f = argc == 5 ? function_named(argv[4]) : NULL;
	const struct rg_emitter *emitter = NULL;
	struct rg_decisions *all = NULL;
	struct rg_err err = {0};
	int rc;

	if (!f || rg_decisions_open(&all, &err))
		return 2;
	snprintf(all->library, sizeof(all->library), "%s", argv[1]);
	snprintf(all->mpi, sizeof(all->mpi), "openmpi");
	all->nranks = 2;
	all->nnodes = 1;
	if (!decide(all, f))
		return 2;
	rc = rg_emitter_of(all, &emitter, &err);
	if (!rc)
		rc = emitter->write(all, argv[2], &err);
	if (!rc)
		rc = emitter->poison(all, argv[2], 0, all->decisions[0].nranges - 1, argv[3], &err);
	if (rc)
		fprintf(stderr, "%s\n", err.text);
	else
		printf("%s\n", emitter->poisoned_words);
	rg_decisions_close(all);
	return rc != 0;
}
