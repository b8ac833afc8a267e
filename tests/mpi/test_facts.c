/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of what Open MPI's coll/tuned has, beside what the installed Open MPI says of itself.
 */
#include "config.h"

#include "railgauge/mpi/openmpi_tuned.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define ROWS 256

/* What ompi_info says: one row per algorithm. */
struct said {
	char function[40], name[64];
	int id;
};

static struct said said[ROWS];
static int nsaid;
static struct rg_ompi_version installed;
static bool there;

static void take_line(const char *line)
{
	struct said row;

	if (sscanf(line, "ompi:version:full:%u.%u.%u", &installed.major, &installed.minor,
		   &installed.release) == 3)
		there = true;
	if (sscanf(line, "mca:coll:tuned:param:coll_tuned_%39[a-z_]:enumerator:value:%d:%63[^\n]",
		   row.function, &row.id, row.name) != 3)
		return;
	assert_true(nsaid < ROWS);
	said[nsaid++] = row;
}

static int ask(void **state)
{
	char line[4096];
	/* Cut the tail "_algorithm" off, so that the name of the function is left. */
	FILE *pipe = popen("ompi_info --all --parsable 2>/dev/null | "
			   "sed -n '/^ompi:version:full/p;s/_algorithm:enumerator/:enumerator/p'",
			   "r");

	if (!pipe)
		return -1;
	while (fgets(line, sizeof(line), pipe))
		take_line(line);
	pclose(pipe);
	return 0;
}

static void skip_without_library(void)
{
	if (there && nsaid)
		return;
	print_message("skipped: no ompi_info that tells of coll/tuned in PATH\n");
	skip();
}

static const struct rg_ompi_function *function_named(const char *name)
{
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		if (!strcmp(f->name, name))
			return f;
	}
	return NULL;
}

static bool is_said(const struct rg_ompi_function *f, const struct rg_ompi_algorithm *a)
{
	for (int i = 0; i < nsaid; i++) {
		if (!strcmp(said[i].function, f->name) && said[i].id == a->id &&
		    (!strcmp(said[i].name, a->name) ||
		     !strncmp(said[i].name, a->name, strlen(a->name))))
			return true;
	}
	return false;
}

static void the_table_has_every_algorithm_of_the_installed_library(void **state)
{
	skip_without_library();
	for (int i = 0; i < nsaid; i++) {
		const struct rg_ompi_function *f = function_named(said[i].function);
		const struct rg_ompi_algorithm *a;

		if (!said[i].id)
			continue; /* "ignore" */
		if (!f)
			fail_msg("%s is not in the table", said[i].function);
		a = rg_ompi_algorithm_by_id(f, said[i].id);
		if (!a || !rg_ompi_algorithm_in(a, &installed) || !is_said(f, a))
			fail_msg("%s has %d %s", f->name, said[i].id, said[i].name);
	}
}

static void the_installed_library_has_every_algorithm_of_the_table(void **state)
{
	skip_without_library();
	for (const struct rg_ompi_function *f = rg_ompi_functions; f->name; f++) {
		for (const struct rg_ompi_algorithm *a = f->algorithms; a->name; a++) {
			if (rg_ompi_algorithm_in(a, &installed) && !is_said(f, a))
				fail_msg("%s has no %d %s", f->name, a->id, a->name);
		}
	}
}

static void functions_and_algorithms_are_found_by_number_and_by_name(void **state)
{
	const struct rg_ompi_function *f = rg_ompi_function_by_id(2);

	for (int id = 0; id < 22; id++)
		assert_int_equal(rg_ompi_function_by_id(id)->id, id);
	assert_null(rg_ompi_function_by_id(22));
	assert_null(rg_ompi_function_by_id(-1));
	assert_string_equal(f->mpi, "MPI_Allreduce");
	assert_ptr_equal(rg_ompi_function_of(RG_COLL_ALLREDUCE, RG_MPI_USUAL), f);
	assert_string_equal(rg_ompi_function_of(RG_COLL_REDUCESCATTER, RG_MPI_USUAL)->name,
			    "reduce_scatter_block");
	assert_string_equal(rg_ompi_function_of(RG_COLL_REDUCESCATTER, RG_MPI_OTHER)->target,
			    "mpi-v");
	assert_null(rg_ompi_function_of(RG_COLL_ALLREDUCE, RG_MPI_OTHER));
	assert_null(rg_ompi_function_of(RG_COLL_SENDRECV, RG_MPI_USUAL));
	assert_null(rg_ompi_function_of(RG_COLL_COUNT, RG_MPI_USUAL));
	assert_int_equal(rg_ompi_algorithm_by_name(f, "ring")->id, 4);
	assert_string_equal(rg_ompi_algorithm_by_id(f, 5)->name, "segmented_ring");
	assert_null(rg_ompi_algorithm_by_id(f, 0));
	assert_null(rg_ompi_algorithm_by_name(f, "rings"));
}

static void an_algorithm_is_in_the_versions_since_its_first(void **state)
{
	const struct rg_ompi_function *f = rg_ompi_function_by_id(15);
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_name(f, "linear_nb");

	assert_false(rg_ompi_algorithm_in(a, &(struct rg_ompi_version){4, 0, 7}));
	assert_true(rg_ompi_algorithm_in(a, &(struct rg_ompi_version){4, 1, 0}));
	assert_true(rg_ompi_algorithm_in(a, &(struct rg_ompi_version){5, 0, 0}));
	assert_true(rg_ompi_version_reaches(&(struct rg_ompi_version){5, 0, 7}, 5, 0, 7));
	assert_false(rg_ompi_version_reaches(&(struct rg_ompi_version){5, 0, 6}, 5, 0, 7));
	assert_false(rg_ompi_version_reaches(&(struct rg_ompi_version){4, 9, 9}, 5, 0, 0));
}

static void rules_are_by_size_but_where_one_must_do_for_all(void **state)
{
	assert_int_equal(rg_ompi_rule_bytes(rg_ompi_function_by_id(2), 4096), 4096);
	assert_int_equal(rg_ompi_rule_bytes(rg_ompi_function_by_id(2), 0), 0);
	assert_int_equal(rg_ompi_rule_bytes(rg_ompi_function_by_id(0), 4096), 4096);
	assert_int_equal(rg_ompi_rule_bytes(rg_ompi_function_by_id(0), 0), 1);
	for (int id = 0; id < 22; id++) {
		const struct rg_ompi_function *f = rg_ompi_function_by_id(id);

		assert_true(!f->sizeless || f->one_rule);
		if (f->one_rule)
			assert_int_equal(rg_ompi_rule_bytes(f, 4096), 0);
	}
}

static void the_version_is_read_from_the_librarys_line(void **state)
{
	struct rg_ompi_version v = {0};
	struct rg_err err = {0};

	assert_int_equal(rg_ompi_version_of("Open MPI v4.1.4, package: Debian OpenMPI", &v, &err),
			 0);
	assert_int_equal(v.major * 10000 + v.minor * 100 + v.release, 40104);
	assert_int_equal(rg_ompi_version_of("Open MPI v5.0.10rc1", &v, &err), 0);
	assert_int_equal(v.major * 10000 + v.minor * 100 + v.release, 50010);
	assert_int_equal(rg_ompi_version_of("MPICH 4.0.2", &v, &err), RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "MPICH 4.0.2"));
	assert_int_equal(v.major, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_has_every_algorithm_of_the_installed_library),
		cmocka_unit_test(the_installed_library_has_every_algorithm_of_the_table),
		cmocka_unit_test(functions_and_algorithms_are_found_by_number_and_by_name),
		cmocka_unit_test(an_algorithm_is_in_the_versions_since_its_first),
		cmocka_unit_test(rules_are_by_size_but_where_one_must_do_for_all),
		cmocka_unit_test(the_version_is_read_from_the_librarys_line),
	};

	return cmocka_run_group_tests(tests, ask, NULL);
}
