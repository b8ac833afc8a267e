/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is MPICH's own of its module (4 and 5): its start, and targets that differ in the values of
 * control variables.
 *
 * MPICH looks at these variables in each call, and there is one set of them for the process. So all
 * targets share a communicator, and selecting one writes its values. Of an MPI function F:
 *
 *   MPIR_CVAR_F_INTRA_ALGORITHM    the algorithm. The tables that choose one otherwise (built in,
 *                                  or MPIR_CVAR_COLL_SELECTION_TUNING_JSON_FILE) count for "auto"
 *                                  only
 *   MPIR_CVAR_F_DEVICE_COLLECTIVE  0: else the device below (ch4) is asked first and may run a
 *                                  collective of its own, over shared memory or hcoll, without a
 *                                  look at the variable above
 *   MPIR_CVAR_DEVICE_COLLECTIVES   "percoll", without which the last one does not count
 *   MPIR_CVAR_COLLECTIVE_FALLBACK  "error": an algorithm that does not suit a call fails, where
 *                                  "silent", the default, runs another one
 *
 * Seen in MPIR_<F>_impl as maint/gen_coll.py writes it (4.0.2 to 5.0.1). The device's algorithms
 * have no name here: MPI_T lists their variables also where the build has none of them (Debian's
 * 4.0.2), so nobody could tell what a name would run. They are part of the default.
 */
#include "config.h"

#include "mpich.h"

#include "railgauge/base/mem.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

const char library_name[] = "mpich", library_title[] = "MPICH";

struct mpich mpich = {.targets = MPI_COMM_NULL};

/* The values of a target's variables, and of the start. */
enum { ALGORITHM, BY_DEVICE, DEVICES, FALLBACK, NVARIABLES };

struct variable {
	char name[80];
	int usual, value;
};

struct library_target {
	struct variable variables[NVARIABLES];
	int silent, error;			     /* values of FALLBACK */
	uint64_t short_bytes, long_bytes, min_ranks; /* of MPI_Bcast's smp */
};

void library_before_init(const struct rg_mpi_settings *settings)
{
	mpich.wants_algorithms = settings->algorithms;
}

void library_after_init(void)
{
}

bool library_starts_with_t(void)
{
	return false;
}

/* Has any node several ranks? Then MPICH makes communicators of nodes and of their first ranks. */
static int look_around(struct rg_err *err)
{
	int code, n = 0, most = 0;
	MPI_Comm node;

	code = MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node);
	if (code)
		return module_error(err, code, "MPI_Comm_split_type");
	MPI_Comm_size(node, &n);
	MPI_Comm_free(&node);
	code = MPI_Allreduce(&n, &most, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
	if (code)
		return module_error(err, code, "MPI_Allreduce of the sizes of nodes");
	mpich.hierarchy = most > 1;
	return 0;
}

/* What stands behind a label in MPICH's version, a line; "?" if there is none. */
static const char *version_item(const char *text, const char *label, int *len_out)
{
	const char *item = strstr(text, label);

	if (item)
		item += strlen(label) + strspn(item + strlen(label), " \t");
	else
		item = "?";
	*len_out = (int)strcspn(item, "\n");
	return item;
}

int library_start(const struct rg_mpi_settings *settings, struct rg_err *err)
{
	char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
	int code, rc, n;

	MPI_Get_library_version(text, &n);
	mpich.is_4_0 = !strncmp(version_item(text, "MPICH Version:", &n), "4.0", 3);
	code = MPI_Comm_dup(MPI_COMM_WORLD, &mpich.targets);
	if (code)
		return module_error(err, code, "MPI_Comm_dup for targets");
	rc = look_around(err);
	if (rc)
		MPI_Comm_free(&mpich.targets);
	return rc;
}

const char *library_rules(void)
{
	return NULL;
}

void library_finish(void)
{
	MPI_Comm_free(&mpich.targets);
}

void library_version(const char *text, char *line, size_t len_bytes)
{
	int number_len, device_len;
	const char *number = version_item(text, "MPICH Version:", &number_len);
	const char *device = version_item(text, "MPICH Device:", &device_len);

	snprintf(line, len_bytes, "MPICH %.*s, %.*s", number_len, number, device_len, device);
}

void mpich_deselect(void)
{
	struct rg_mpi_target *t = mpich.selected;

	mpich.selected = NULL;
	for (int i = 0; t && t->own && i < NVARIABLES; i++)
		module_cvar_set(t->own->variables[i].name, t->own->variables[i].usual, NULL);
}

static int set_all(const struct library_target *own, struct rg_err *err)
{
	int rc = 0;

	for (int i = 0; i < NVARIABLES && !rc; i++)
		rc = module_cvar_set(own->variables[i].name, own->variables[i].value, err);
	return rc;
}

void library_target_select(struct rg_mpi_target *t)
{
	if (mpich.selected == t)
		return;
	mpich_deselect();
	mpich.selected = t;
	if (t->own)
		set_all(t->own, NULL); /* it could when the target was opened */
}

static int word_value(const char *variable, const char *word, int *value_out, struct rg_err *err)
{
	struct mpich_words words;
	int rc = mpich_words(variable, &words, err);

	if (rc)
		return rc;
	*value_out = mpich_word_value(&words, word);
	if (*value_out < 0)
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "this MPICH's %s cannot be \"%s\"",
				  variable, word);
	return 0;
}

static int choose_values(struct rg_mpi_target *t, struct rg_err *err)
{
	const char *function = mpich_function(t->coll, t->variant);
	struct variable *v = t->own->variables;
	int rc;

	snprintf(v[ALGORITHM].name, sizeof(v->name), "MPIR_CVAR_%s_INTRA_ALGORITHM", function);
	snprintf(v[BY_DEVICE].name, sizeof(v->name), "MPIR_CVAR_%s_DEVICE_COLLECTIVE", function);
	snprintf(v[DEVICES].name, sizeof(v->name), "MPIR_CVAR_DEVICE_COLLECTIVES");
	snprintf(v[FALLBACK].name, sizeof(v->name), "MPIR_CVAR_COLLECTIVE_FALLBACK");
	for (int i = 0; i < NVARIABLES; i++) {
		rc = module_cvar(v[i].name, NULL, &v[i].usual, sizeof(v[i].usual), err);
		if (rc)
			return rc;
	}
	rc = word_value(v[ALGORITHM].name, t->algorithm, &v[ALGORITHM].value, err);
	if (!rc)
		rc = word_value(v[DEVICES].name, "percoll", &v[DEVICES].value, err);
	if (!rc)
		rc = word_value(v[FALLBACK].name, "silent", &t->own->silent, err);
	if (!rc)
		rc = word_value(v[FALLBACK].name, "error", &t->own->error, err);
	v[FALLBACK].value = t->own->error;
	t->own->short_bytes = (uint64_t)module_cvar_int("MPIR_CVAR_BCAST_SHORT_MSG_SIZE");
	t->own->long_bytes = (uint64_t)module_cvar_int("MPIR_CVAR_BCAST_LONG_MSG_SIZE");
	t->own->min_ranks = (uint64_t)module_cvar_int("MPIR_CVAR_BCAST_MIN_PROCS");
	return rc;
}

int library_target_open(struct rg_mpi_target *t, int id, struct rg_err *err)
{
	int rc;

	mpich_deselect();
	t->comm = mpich.targets;
	if (!id)
		return 0;
	t->own = rg_zalloc(1, sizeof(*t->own));
	if (!t->own)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an MPI target");
	rc = choose_values(t, err);
	if (rc)
		return rc;
	/* All that selecting it may write later: which fallback, the call decides (prepare). */
	rc = set_all(t->own, err);
	if (!rc)
		rc = module_cvar_set(t->own->variables[FALLBACK].name, t->own->silent, err);
	mpich.selected = t;
	mpich_deselect();
	return rc;
}

void library_target_close(struct rg_mpi_target *t)
{
	if (mpich.selected == t)
		mpich_deselect();
	rg_free(t->own);
}

/*
 * smp asks for the same function again, of nodes and of their first ranks, and relies on being
 * replaced there.
 */
static void set_fallback(struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	bool may_give_way = !strcmp(t->algorithm, "smp") || library_target_runs_as(t, call);

	mpich_deselect();
	t->own->variables[FALLBACK].value = may_give_way ? t->own->silent : t->own->error;
}

/*
 * The device of 4.0 hands MPI_IN_PLACE on as a buffer where the root is not the first rank of its
 * node (MPIDI_Reduce_intra_composition_alpha; mended in 4.1). Which root it will be is not known
 * here.
 */
int library_target_prepare(struct rg_mpi_target *t, const struct rg_mpi_call *call,
			   struct rg_err *err)
{
	const uint64_t harmless_bytes = 2048;

	if (t->own)
		set_fallback(t, call);
	else if (t->coll == RG_COLL_REDUCE && call->in_place && mpich.is_4_0 && mpich.hierarchy &&
		 call->count * module_type_bytes(call->type) > harmless_bytes)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "MPICH 4.0 crashes in MPI_Reduce in place of more than %d bytes, "
				  "unless the root is the first rank of its node",
				  (int)harmless_bytes);
	return 0;
}

/* What happens in bcast_intra_smp.c to long vectors of many ranks. */
static bool smp_is_flat(const struct library_target *own, uint64_t len_bytes)
{
	uint64_t p = (uint64_t)module.nranks;

	return len_bytes >= own->short_bytes && p >= own->min_ranks &&
	       ((p & (p - 1)) != 0 || len_bytes >= own->long_bytes);
}

/*
 * The restrictions of coll_algorithms.txt that depend on the call (4.0.2 to 5.0.1); those that
 * depend on the job alone are refused instead (mpich_algorithms.c).
 */
const char *library_target_runs_as(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	static const char own_choice[] = "its own choice";
	const char *name = t->algorithm;
	uint64_t pow2 = 1;

	while (pow2 * 2 <= (uint64_t)module.nranks)
		pow2 *= 2;
	switch (t->coll) {
	case RG_COLL_ALLREDUCE:
		if (!strcmp(name, "reduce_scatter_allgather") && call->count < pow2)
			return own_choice;
		return NULL;
	case RG_COLL_REDUCE:
		if (!strcmp(name, "reduce_scatter_gather") && call->count < pow2)
			return own_choice;
		return NULL;
	case RG_COLL_ALLTOALL:
	case RG_COLL_ALLTOALLV:
		if (!strcmp(name, "pairwise_sendrecv_replace"))
			return call->in_place ? NULL : own_choice;
		if (!strcmp(name, "default") || !strcmp(name, "nb"))
			return NULL;
		return call->in_place ? own_choice : NULL;
	case RG_COLL_BROADCAST:
		if (!strcmp(name, "smp") &&
		    smp_is_flat(t->own, call->count * module_type_bytes(call->type)))
			return "scatter_ring_allgather";
		return NULL;
	default:
		return NULL;
	}
}
