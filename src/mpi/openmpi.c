/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is Open MPI's own of its module (4 and 5): the start, and targets, each with a communicator
 * that keeps its algorithm.
 */
#include "config.h"

#include "openmpi.h"

#include "railgauge/base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DYNAMIC_RULES "OMPI_MCA_coll_tuned_use_dynamic_rules"

const char library_name[] = "openmpi", library_title[] = "Open MPI";

struct openmpi openmpi;

/*
 * A communicator for each choice that was ever asked for, kept until the end: a search opens the
 * same few for hundreds of sizes, and making one takes several exchanges.
 */
struct choice {
	enum rg_coll coll;
	enum rg_mpi_variant variant;
	int id;
	int64_t asked_bytes; /* segments, or RG_MPI_SEGMENT_USUAL */
	int segment_bytes;   /* that the communicator has */
	MPI_Comm comm;	     /* owned */
};

static struct choice *choices; /* owned, [nchoices]; of the one thread that uses MPI */
static uint32_t nchoices;

struct library_target {
	int segment_bytes; /* that its communicator has; 0: the algorithm does not cut */
};

void library_before_init(const struct rg_mpi_settings *settings)
{
	openmpi.wants_algorithms = settings->algorithms;
	openmpi.made_dynamic = settings->algorithms && !getenv(DYNAMIC_RULES);
	if (openmpi.made_dynamic)
		setenv(DYNAMIC_RULES, "1", 1);
}

void library_after_init(void)
{
	if (openmpi.made_dynamic)
		unsetenv(DYNAMIC_RULES); /* it is for this process, not for its children */
}

/*
 * Open MPI 4.1 looks for all its components in MPI_Init and again in MPI_T_init_thread, unless that
 * comes first: 0.2 s less where psm is among them. But then it loads those as well that MPI_Init
 * would leave alone (seen in 4.1.4: MPI_T registers with MCA_BASE_REGISTER_ALL); whoever excludes
 * one may do so because loading it hurts.
 */
bool library_starts_with_t(void)
{
	/* What mpirun itself sets. */
	static const char *const launchers[] = {"OMPI_MCA_pmix=", "OMPI_MCA_ess="};
	static const char prefix[] = "OMPI_MCA_";

	for (char **e = environ; e && *e; e++) {
		const char *value = strchr(*e, '=');
		bool excludes = !strncmp(*e, prefix, strlen(prefix)) && value && value[1] == '^';

		for (size_t i = 0; i < sizeof(launchers) / sizeof(launchers[0]); i++)
			excludes = excludes && strncmp(*e, launchers[i], strlen(launchers[i])) != 0;
		if (excludes)
			return false;
	}
	return true;
}

/* Do all ranks run on one node? */
static int look_around(struct rg_err *err)
{
	MPI_Comm node;
	int code, n = 0;

	code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
	if (code)
		return module_error(err, code, "MPI_Comm_split_type");
	MPI_Comm_size(node, &n);
	MPI_Comm_free(&node);
	openmpi.one_node = n == module.nranks;
	return 0;
}

int library_start(const struct rg_mpi_settings *settings, struct rg_err *err)
{
	int rc = module_t_init(err);

	if (rc || !settings->algorithms)
		return rc;
	rc = openmpi_tuned_check(err);
	return rc ? rc : look_around(err);
}

void library_finish(void)
{
	while (nchoices > 0)
		MPI_Comm_free(&choices[--nchoices].comm);
	rg_free(choices);
	choices = NULL;
}

/* "Open MPI v4.1.4, package: ..., ident: ..., repo rev: ..." in one line. */
void library_version(const char *text, char *line, size_t len_bytes)
{
	snprintf(line, len_bytes, "%.*s", (int)strcspn(text, "\n"), text);
}

/* NULL: none was made yet. */
static struct choice *find_choice(const struct rg_mpi_target *t, int id)
{
	for (uint32_t i = 0; i < nchoices; i++) {
		struct choice *c = &choices[i];

		if (c->coll == t->coll && c->variant == t->variant && c->id == id &&
		    c->asked_bytes == t->segment_bytes)
			return c;
	}
	return NULL;
}

/* The communicator of a choice, made and kept. */
static int make_choice(const struct rg_mpi_target *t, int id, struct rg_err *err)
{
	struct choice *more = rg_realloc(choices, (nchoices + 1) * sizeof(*more)), *c;
	struct openmpi_variables old;
	int code, rc, restored;

	if (!more)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an MPI target");
	choices = more;
	c = &choices[nchoices];
	*c = (struct choice){t->coll, t->variant, id, t->segment_bytes, 0, MPI_COMM_NULL};
	rc = openmpi_tuned_force(t->coll, t->variant, id, t->segment_bytes, &old, &c->segment_bytes,
				 err);
	if (!rc) {
		code = MPI_Comm_dup(MPI_COMM_WORLD, &c->comm);
		if (code)
			rc = module_error(err, code, "MPI_Comm_dup for a target");
		else
			nchoices++;
	}
	restored = openmpi_tuned_restore(t->coll, t->variant, &old, rc ? NULL : err);
	return rc ? rc : restored;
}

int library_target_open(struct rg_mpi_target *t, int id, struct rg_err *err)
{
	const struct choice *c = find_choice(t, id);
	int rc = c ? 0 : make_choice(t, id, err);

	if (rc)
		return rc;
	t->own = rg_zalloc(1, sizeof(*t->own));
	if (!t->own)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an MPI target");
	c = find_choice(t, id);
	t->comm = c->comm;
	t->own->segment_bytes = c->segment_bytes;
	return 0;
}

void library_target_close(struct rg_mpi_target *t)
{
	rg_free(t->own);
}

int library_target_prepare(struct rg_mpi_target *target, const struct rg_mpi_call *call,
			   struct rg_err *err)
{
	return 0;
}

/* Its communicator keeps the algorithm. */
void library_target_select(struct rg_mpi_target *target)
{
}

/*
 * Elements of a segment of a vector of count, as COLL_BASE_COMPUTED_SEGCOUNT has it: all of them
 * where the segment holds less than one or no less than all.
 */
static uint64_t segment_count(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	uint64_t bytes = (uint64_t)t->own->segment_bytes;
	uint64_t each = module_type_bytes(call->type);

	if (bytes < each || bytes >= each * call->count)
		return call->count;
	return bytes / each + (bytes % each > each / 2);
}

/* The smaller half must hold a segment, which is an element at least. */
static bool splits(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	uint64_t bytes = (uint64_t)t->own->segment_bytes;
	uint64_t each = module_type_bytes(call->type);

	if (bytes && bytes < each)
		bytes = each;
	return call->count >= 2 && bytes <= call->count / 2 * each;
}

/*
 * What 4.1.4 and 5.0.8 do in coll_base_<f>.c when a call does not suit the algorithm. Those that
 * depend on the job alone are refused instead (openmpi_tuned.c).
 */
const char *library_target_runs_as(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	uint64_t p = (uint64_t)module.nranks, pow2 = 1;
	const char *name = t->algorithm;

	while (pow2 * 2 <= p)
		pow2 *= 2;
	if (!strcmp(name, "default"))
		return NULL;
	switch (t->coll) {
	case RG_COLL_ALLREDUCE:
		if (!strcmp(name, "rabenseifner") && call->count < pow2)
			return "basic_linear";
		if (!strcmp(name, "ring") || !strcmp(name, "segmented_ring")) {
			if (call->count < p)
				return "recursive_doubling";
			if (strcmp(name, "ring") && call->count < p * segment_count(t, call))
				return "ring";
		}
		return NULL;
	case RG_COLL_REDUCE:
		return !strcmp(name, "rabenseifner") && call->count < pow2 ? "linear" : NULL;
	case RG_COLL_ALLTOALL:
	case RG_COLL_ALLTOALLV:
		return call->in_place ? "in-place exchange by pairs" : NULL;
	case RG_COLL_BROADCAST:
		if (!strncmp(name, "scatter_allgather", 17) && call->count < p)
			return "basic_linear";
		return !strcmp(name, "split_binary_tree") && !splits(t, call) ? "chain" : NULL;
	case RG_COLL_REDUCESCATTER:
		if (t->variant == RG_MPI_USUAL && !strcmp(name, "recursive_doubling") &&
		    call->count * p > INT_MAX)
			return "basic_linear";
		return NULL;
	default:
		return NULL;
	}
}
