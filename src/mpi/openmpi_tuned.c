/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open MPI's component coll/tuned, as seen and set through MPI_T.
 *
 * Every communicator asks the control variable coll_tuned_<f>_algorithm once, when it is made, and
 * only while coll_tuned_use_dynamic_rules was on at MPI_Init. So a communicator duplicated while
 * the variable is set keeps that algorithm, whatever the variable says later. With the variable at
 * 0 and no rules file a communicator gets the very functions of a launch without dynamic rules
 * (seen in coll_tuned_module.c of 4.1.4 and 5.0.8).
 */
#include "config.h"

#include "openmpi.h"

#include "railgauge/mpi/openmpi_tuned.h"

#include <stdio.h>
#include <string.h>

/* The MPI function's name with coll/tuned; NULL if it has no choice for it. */
static const char *function_of(enum rg_coll coll, enum rg_mpi_variant variant)
{
	const struct rg_ompi_function *f = rg_ompi_function_of(coll, variant);

	return f ? f->name : NULL;
}

static bool has_variable(const char *name)
{
	int index;

	return !MPI_T_cvar_get_index(name, &index);
}

/* The file of rules that is read; false: none is. */
static bool find_file(char *path, size_t room)
{
	char name[4000] = "";

	if (!module_cvar_int("coll_tuned_use_dynamic_rules"))
		return false;
	module_cvar("coll_tuned_dynamic_rules_filename", NULL, name, sizeof(name) - 1, NULL);
	/* A name without a folder must not look like a word of ours. */
	snprintf(path, room, "%s%s", strchr(name, '/') ? "" : "./", name);
	return name[0];
}

/*
 * An algorithm that the user set for a function. Open MPI does not look at it until dynamic rules
 * are on, and then goes by it wherever a file of rules leaves the function alone.
 */
static bool find_algorithm(char *text, size_t room)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		char name[64];
		int id;

		snprintf(name, sizeof(name), "coll_tuned_%s_algorithm", f->name);
		id = module_cvar_int(name);
		if (id) {
			snprintf(text, room, "%s = %d", name, id);
			return true;
		}
	}
	return false;
}

const char *library_rules(void)
{
	static char text[4096];

	if (find_file(text, sizeof(text)) || find_algorithm(text, sizeof(text)))
		return text;
	/* By us it is switched on for single algorithms, and changes no other call. */
	if (module_cvar_int("coll_tuned_use_dynamic_rules") && !openmpi.made_dynamic)
		return "on";
	return RG_MPI_NO_RULES;
}

/*
 * Rules of a file come before what is set for single functions, so a target with an algorithm would
 * run another one, and "default" would be the file's.
 */
int openmpi_tuned_check(struct rg_err *err)
{
	char path[4096];

	if (!find_file(path, sizeof(path)))
		return 0;
	return rg_err_set(err, RG_ERR_INVALID,
			  "Open MPI goes by the rules of %.200s, which come before any algorithm "
			  "that is asked for (mpi:ALGORITHM, mpi:all): take "
			  "coll_tuned_dynamic_rules_filename out of the environment, of the "
			  "launcher's words or of the file of parameters that sets it "
			  "($HOME/.openmpi/mca-params.conf?)",
			  path);
}

/* A component that would be asked before coll/tuned, so that the choice has no effect. */
static const char *outranked_by(void)
{
	static const struct {
		const char *name, *priority, *enable;
	} others[] = {
		{"hcoll", "coll_hcoll_priority", "coll_hcoll_enable"},
		{"ucc", "coll_ucc_priority", "coll_ucc_enable"},
		{"fca", "coll_fca_priority", "coll_fca_enable"},
		{"han", "coll_han_priority", NULL},
		{"adapt", "coll_adapt_priority", NULL},
		{"xhc", "coll_xhc_priority", NULL},
		{"acoll", "coll_acoll_priority", NULL},
		{"sm", "coll_sm_priority", NULL},
	};
	int ours = module_cvar_int("coll_tuned_priority");

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (module_cvar_int(others[i].priority) <= ours)
			continue;
		if (others[i].enable && !module_cvar_int(others[i].enable))
			continue;
		/* han leaves communicators within one node to the others. */
		if (!strcmp(others[i].name, "han") && openmpi.one_node)
			continue;
		return others[i].name;
	}
	return NULL;
}

static bool is_pow2(int n)
{
	return (n & (n - 1)) == 0;
}

static int usual_segment_bytes(const char *function)
{
	char name[96];

	snprintf(name, sizeof(name), "coll_tuned_%s_algorithm_segmentsize", function);
	return module_cvar_int(name);
}

/* What every algorithm of a function is refused by, or not. */
struct conditions {
	const struct rg_ompi_function *function;
	int64_t segment_bytes;	  /* of the target; or RG_MPI_SEGMENT_USUAL */
	int usual_segment_bytes;  /* what that would be */
	const char *outranked_by; /* a component; NULL: none */
};

/* Is it known that a segment size means nothing to the algorithm? */
static bool never_cuts(const struct rg_ompi_function *function, const char *name)
{
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_name(function, name);

	return a && !a->segments;
}

/* Why algorithm name must not be used whatever the call; NULL: it may. */
static const char *refused(const struct conditions *c, const char *name)
{
	const char *function = c->function->name;
	bool allgather = !strcmp(function, "allgather");
	int64_t segment = c->segment_bytes < 0 ? c->usual_segment_bytes : c->segment_bytes;

	if (module.nranks == 1)
		return "with one rank Open MPI copies, without any algorithm";
	if (!strcmp(name, "two_proc") && module.nranks != 2)
		return "for two ranks only";
	if (allgather && !strcmp(name, "recursive_doubling") && !is_pow2(module.nranks))
		return "the number of ranks is no power of two: bruck would run";
	if (allgather && !strcmp(name, "neighbor") && module.nranks % 2)
		return "the number of ranks is odd: ring would run";
	if (!strcmp(function, "allreduce") && !strcmp(name, "segmented_ring") && !segment)
		return "its segment size is 0, so ring would run: name one (mpi:segmented_ring:1M)";
	if (c->segment_bytes > 0 && never_cuts(c->function, name))
		return "it does not cut messages, so a segment size means nothing to it";
	if (!openmpi.wants_algorithms)
		return "MPI was started without its algorithms being selectable";
	if (!module_cvar_int("coll_tuned_use_dynamic_rules"))
		return "coll_tuned_use_dynamic_rules was set to 0 by the user";
	return NULL;
}

static void fill(struct rg_mpi_algorithm *a, const struct conditions *c, int id, const char *name)
{
	const char *why = refused(c, name);

	*a = (struct rg_mpi_algorithm){.id = id};
	snprintf(a->name, sizeof(a->name), "%s", name);
	if (why)
		snprintf(a->refused, sizeof(a->refused), "%s", why);
	else if (c->outranked_by)
		snprintf(a->refused, sizeof(a->refused),
			 "coll/%s has the higher priority: it would run", c->outranked_by);
}

/* The enumerator of the function's variable, or MPI_T_ENUM_NULL. */
static MPI_T_enum enumerator_of(const char *function)
{
	MPI_T_enum values = MPI_T_ENUM_NULL;
	int index, verbosity, binding, scope, name_room = 0, text_room = 0;
	MPI_Datatype type;
	char name[96];

	snprintf(name, sizeof(name), "coll_tuned_%s_algorithm", function);
	if (MPI_T_cvar_get_index(name, &index))
		return MPI_T_ENUM_NULL;
	if (MPI_T_cvar_get_info(index, NULL, &name_room, &verbosity, &type, &values, NULL,
				&text_room, &binding, &scope))
		return MPI_T_ENUM_NULL;
	return values;
}

int library_algorithms(enum rg_coll coll, enum rg_mpi_variant variant, int64_t segment_bytes,
		       struct rg_mpi_algorithm *list, uint32_t room, uint32_t *count_out,
		       struct rg_err *err)
{
	const char *function = function_of(coll, variant);
	struct conditions c = {.function = rg_ompi_function_of(coll, variant),
			       .segment_bytes = segment_bytes};
	MPI_T_enum values = MPI_T_ENUM_NULL;
	int items = 0, len = 0, rc;
	uint32_t count = 1;

	rc = module_t_init(err);
	if (rc)
		return rc;
	if (room)
		list[0] = (struct rg_mpi_algorithm){.id = 0, .name = "default"};
	if (function && !has_variable("coll_tuned_use_dynamic_rules"))
		return rg_err_set(
			err, RG_ERR_UNSUPPORTED,
			"this Open MPI runs without its component coll/tuned (has it been "
			"left out, --mca coll ^tuned?): its algorithms cannot be chosen");
	if (function) {
		values = enumerator_of(function);
		c.usual_segment_bytes = usual_segment_bytes(function);
		c.outranked_by = outranked_by();
	}
	if (values != MPI_T_ENUM_NULL && MPI_T_enum_get_info(values, &items, NULL, &len))
		items = 0;
	for (int i = 0; i < items; i++) {
		char name[64] = "";
		int id = 0;

		len = sizeof(name);
		if (MPI_T_enum_get_item(values, i, &id, name, &len) || !id)
			continue; /* 0 is "ignore": the default */
		if (count < room)
			fill(&list[count], &c, id, name);
		count++;
	}
	*count_out = count;
	return 0;
}

static int set_variable(const char *function, const char *which, int value, struct rg_err *err)
{
	char name[96];

	snprintf(name, sizeof(name), "coll_tuned_%s_%s", function, which);
	return module_cvar_set(name, value, err);
}

/* A chain without the fan-out that rules name for it would be measured as another one. */
static int force_fanout(const struct rg_ompi_function *function, int id,
			struct openmpi_variables *old_out, struct rg_err *err)
{
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_id(function, id);
	char name[96];
	int now;

	if (!a || !a->fanout)
		return 0;
	snprintf(name, sizeof(name), "coll_tuned_%s_algorithm_chain_fanout", function->name);
	now = module_cvar_int(name);
	if (now == (int)a->fanout)
		return 0;
	old_out->fanout = now;
	return module_cvar_set(name, (int)a->fanout, err);
}

int openmpi_tuned_force(enum rg_coll coll, enum rg_mpi_variant variant, int id,
			int64_t segment_bytes, struct openmpi_variables *old_out,
			int *segment_bytes_out, struct rg_err *err)
{
	const char *function = function_of(coll, variant);
	int usual, now, rc = 0;
	char name[96];

	*old_out = (struct openmpi_variables){-1, -1, -1};
	*segment_bytes_out = 0;
	if (!function || !openmpi.wants_algorithms)
		return 0; /* only the default: as the job was launched */
	snprintf(name, sizeof(name), "coll_tuned_%s_algorithm", function);
	now = module_cvar_int(name);
	usual = usual_segment_bytes(function);
	*segment_bytes_out = segment_bytes < 0 ? usual : (int)segment_bytes;
	if (*segment_bytes_out != usual) {
		old_out->segment_bytes = usual;
		rc = set_variable(function, "algorithm_segmentsize", *segment_bytes_out, err);
	}
	if (!rc)
		rc = force_fanout(rg_ompi_function_of(coll, variant), id, old_out, err);
	/*
	 * The default is what the user launched. With dynamic rules of the user's own an algorithm
	 * that the user set counts; else Open MPI would have ignored it.
	 */
	if (rc || now == id || (!id && !openmpi.made_dynamic))
		return rc;
	old_out->algorithm = now;
	return set_variable(function, "algorithm", id, err);
}

int openmpi_tuned_restore(enum rg_coll coll, enum rg_mpi_variant variant,
			  const struct openmpi_variables *old, struct rg_err *err)
{
	const char *function = function_of(coll, variant);
	const struct {
		const char *name;
		int value;
	} variables[] = {{"algorithm", old->algorithm},
			 {"algorithm_segmentsize", old->segment_bytes},
			 {"algorithm_chain_fanout", old->fanout}};
	int rc = 0;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		int one = 0;

		if (variables[i].value >= 0)
			one = set_variable(function, variables[i].name, variables[i].value,
					   rc ? NULL : err);
		rc = rc ? rc : one;
	}
	return rc;
}
