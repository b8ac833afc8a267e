/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The glue without any MPI: choosing a library, finding its module, and the rendezvous over a
 * module whose ranks are made up.
 */
#include "config.h"

#include "mpi/impl.h"

#include "railgauge/base/mem.h"
#include "railgauge/mpi/glue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int forget_launchers(void **state)
{
	unsetenv("RG_MPI");
	unsetenv("OMPI_COMM_WORLD_SIZE");
	unsetenv("PMIX_RANK");
	unsetenv("PMI_RANK");
	unsetenv("PMI_SIZE");
	unsetenv("MPI_LOCALRANKID");
	unsetenv("SLURM_STEP_ID");
	unsetenv("SLURM_STEP_NUM_TASKS");
	unsetenv("WORLD_SIZE");
	unsetenv("RG_MPI_MODULES");
	return 0;
}

static void without_a_trace_of_a_launcher_there_is_no_mpi(void **state)
{
	const char *name = "untouched";
	struct rg_err err = {0};

	assert_int_equal(rg_mpi_choose(NULL, &name, &err), RG_ERR_NOT_FOUND);
	assert_string_equal(name, "untouched");
}

static void each_launcher_points_to_its_library(void **state)
{
	const char *name = NULL;

	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	setenv("PMIX_RANK", "0", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, NULL), 0);
	assert_string_equal(name, "openmpi");
	forget_launchers(NULL);
	setenv("PMI_RANK", "0", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, NULL), 0);
	assert_string_equal(name, "mpich");
}

static void launchers_that_disagree_are_both_named(void **state)
{
	const char *name = "untouched";
	struct rg_err err = {0};

	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	setenv("PMI_RANK", "0", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "OMPI_COMM_WORLD_SIZE"));
	assert_non_null(strstr(err.text, "PMI_RANK"));
	assert_string_equal(name, "untouched");
}

/* srun --mpi=pmi2 sets PMI_RANK for any library; mpiexec within its step more than that. */
static void what_slurm_sets_points_to_no_library(void **state)
{
	const char *name = "untouched";
	struct rg_err err = {0};

	setenv("PMI_RANK", "0", 1);
	setenv("SLURM_STEP_ID", "0", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "srun"));
	assert_string_equal(name, "untouched");
	setenv("MPI_LOCALRANKID", "0", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, NULL), 0);
	assert_string_equal(name, "mpich");
	unsetenv("MPI_LOCALRANKID");
	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, NULL), 0);
	assert_string_equal(name, "openmpi");
}

static void an_explicit_choice_ends_the_doubt(void **state)
{
	const char *name = NULL;

	setenv("OMPI_COMM_WORLD_SIZE", "2", 1);
	setenv("PMI_RANK", "0", 1);
	setenv("RG_MPI", "mpich", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, NULL), 0);
	assert_string_equal(name, "mpich");
	assert_int_equal(rg_mpi_choose("openmpi", &name, NULL), 0);
	assert_string_equal(name, "openmpi");
}

static void none_and_unknown_names_are_told_apart(void **state)
{
	const char *name = "untouched";
	struct rg_err err = {0};

	assert_int_equal(rg_mpi_choose("none", &name, &err), RG_ERR_NOT_FOUND);
	assert_int_equal(rg_mpi_choose("openmp", &name, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "openmp\""));
	assert_non_null(strstr(err.text, "did you mean openmpi?"));
	setenv("RG_MPI", "lam", 1);
	assert_int_equal(rg_mpi_choose(NULL, &name, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "RG_MPI"));
	assert_string_equal(name, "untouched");
}

static void an_unknown_name_is_told_what_was_built(void **state)
{
	const char *name = "untouched";
	struct rg_err err = {0};

	setenv("RG_MPI_MODULES", FAKE_MODULES, 1);
	assert_int_equal(rg_mpi_choose("foo", &name, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "this railgauge has mpich"));
	assert_null(strstr(err.text, "openmpi"));
	setenv("RG_MPI_MODULES", "/nowhere", 1);
	assert_int_equal(rg_mpi_choose("foo", &name, &err), RG_ERR_INVALID);
	assert_non_null(strstr(err.text, "this railgauge has none"));
	assert_string_equal(name, "untouched");
}

static void the_nearest_launcher_says_how_many_ranks_there_are(void **state)
{
	const char *variable = NULL;

	assert_int_equal(rg_mpi_launched_ranks(&variable), 0);
	setenv("SLURM_STEP_NUM_TASKS", "8", 1);
	assert_int_equal(rg_mpi_launched_ranks(&variable), 8);
	setenv("OMPI_COMM_WORLD_SIZE", "4", 1);
	assert_int_equal(rg_mpi_launched_ranks(&variable), 4);
	assert_string_equal(variable, "OMPI_COMM_WORLD_SIZE");
	setenv("OMPI_COMM_WORLD_SIZE", "-4", 1);
	assert_int_equal(rg_mpi_launched_ranks(&variable), 8);
}

static void a_module_that_was_not_built_is_named_with_those_that_were(void **state)
{
	const struct rg_mpi_settings settings = {0};
	char empty[] = "/tmp/rg-empty-XXXXXX";
	struct rg_mpi *mpi = NULL;
	struct rg_err err = {0};

	assert_non_null(mkdtemp(empty));
	setenv("RG_MPI_MODULES", empty, 1);
	assert_null(rg_mpi_modules()[0]);
	assert_int_equal(rg_mpi_open("openmpi", &settings, &mpi, &err), RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "rg_mpi_openmpi.so"));
	assert_non_null(strstr(err.text, "has none"));
	assert_non_null(strstr(err.text, "libopenmpi-dev"));
	assert_int_equal(rg_mpi_open("mpich", &settings, &mpi, &err), RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "rg_mpi_mpich.so"));
	assert_non_null(strstr(err.text, "libmpich-dev"));
	assert_null(mpi);
	rmdir(empty);
}

static void a_module_of_another_release_is_refused(void **state)
{
	const struct rg_mpi_settings settings = {0};
	struct rg_mpi *mpi = NULL;
	struct rg_err err = {0};

	setenv("RG_MPI_MODULES", FAKE_MODULES, 1);
	assert_string_equal(rg_mpi_modules()[0], "mpich");
	assert_null(rg_mpi_modules()[1]);
	assert_int_equal(rg_mpi_open("mpich", &settings, &mpi, &err), RG_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.text, "another release"));
	assert_int_equal(rg_mpi_open("openmpi", &settings, &mpi, &err), RG_ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "mpich"));
	assert_null(mpi);
}

/* Two ranks, of which this process is rank 0 and the other says what the test wants. */
static struct {
	int rc;			 /* of the module's allgather */
	uint64_t other_length;	 /* what rank 1 brings; 0: the same as rank 0 */
	const char *other_build; /* NULL: the same as rank 0 */
	int gave_up;
} fake;

static int fake_allgather(const void *mine, void *all, size_t len_bytes,
			  const struct rg_mpi_patience *patience, struct rg_mpi_absent *absent_out,
			  struct rg_err *err)
{
	char *second = (char *)all + len_bytes;

	assert_int_equal(patience->look(patience->arg, err), 0);

	if (fake.rc) {
		*absent_out = (struct rg_mpi_absent){.count = 1, .rank = 1};
		return rg_err_set(err, fake.rc, "the module failed");
	}
	memcpy(all, mine, len_bytes);
	memcpy(second, mine, len_bytes);
	if (len_bytes == sizeof(fake.other_length) && fake.other_length)
		memcpy(second, &fake.other_length, len_bytes);
	if (len_bytes > 64 && fake.other_build)
		snprintf(second + 32, 64, "%s", fake.other_build);
	return 0;
}

static void fake_give_up(const char *text)
{
	fake.gave_up++;
}

static struct rg_mpi *fake_mpi(void)
{
	static const struct rg_mpi_module module = {
		.name = "fake", .allgather = fake_allgather, .give_up = fake_give_up};
	static struct rg_mpi mpi = {.module = &module, .version = "fake", .nranks = 2};

	memset(&fake, 0, sizeof(fake));
	return &mpi;
}

static void a_rendezvous_has_a_key_and_carries_bytes(void **state)
{
	static const uint8_t zero[32];
	struct rg_rendezvous *rdv = NULL;
	int mine = 7, all[2] = {0};

	assert_int_equal(rg_mpi_rendezvous_open(fake_mpi(), 0, &rdv, NULL), 0);
	assert_string_equal(rdv->ops->name, "fake");
	assert_int_equal(rdv->nranks, 2);
	assert_memory_not_equal(rdv->job_key, zero, 32);
	assert_int_equal(rg_rendezvous_allgather(rdv, &mine, all, sizeof(mine), 0, NULL), 0);
	assert_int_equal(all[1], 7);
	rg_rendezvous_close(rdv);
}

static void every_allocation_of_the_rendezvous_may_fail(void **state)
{
	struct rg_mpi *mpi = fake_mpi();
	unsigned long n = 0;
	bool fired;

	do {
		struct rg_rendezvous *rdv = NULL;
		int mine = 7, all[2], rc;

		fake.gave_up = 0;
		rg_mem_fail_nth(++n);
		rc = rg_mpi_rendezvous_open(mpi, 0, &rdv, NULL);
		if (!rc)
			rc = rg_rendezvous_allgather(rdv, &mine, all, sizeof(mine), 0, NULL);
		fired = rg_mem_fail_fired();
		rg_mem_fail_nth(0);
		assert_int_equal(rc, fired ? RG_ERR_NO_MEMORY : 0);
		/* The other ranks need not wait for their deadline. */
		assert_int_equal(fake.gave_up, fired);
		rg_rendezvous_close(rdv);
	} while (fired);
	assert_int_equal(n, 5);
}

static void failures_name_the_rank_and_its_host(void **state)
{
	struct rg_mpi *mpi = fake_mpi();
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};
	char host[64] = "", all[2];

	assert_int_equal(gethostname(host, sizeof(host) - 1), 0);
	fake.other_build = "0.0+other";
	assert_int_equal(rg_mpi_rendezvous_open(mpi, 0, &rdv, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "0.0+other"));
	assert_non_null(strstr(err.text, "rank 1"));
	assert_null(rdv);
	fake.other_build = NULL;
	assert_int_equal(rg_mpi_rendezvous_open(mpi, 0, &rdv, &err), 0);
	fake.other_length = 99;
	assert_int_equal(rg_rendezvous_allgather(rdv, "x", all, 1, 0, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "99"));
	fake.other_length = 0;
	assert_int_equal(rg_rendezvous_allgather(rdv, "x", all, 1, 0, &err), RG_ERR_MISMATCH);
	assert_non_null(strstr(err.text, "99")); /* the first failure ends it */
	rg_rendezvous_close(rdv);
	assert_int_equal(rg_mpi_rendezvous_open(mpi, 0, &rdv, &err), 0);
	fake.rc = RG_ERR_TIMEOUT;
	assert_int_equal(rg_rendezvous_allgather(rdv, "x", all, 1, 0, &err), RG_ERR_TIMEOUT);
	assert_non_null(strstr(err.text, "rank 1"));
	assert_non_null(strstr(err.text, host));
	assert_int_equal(fake.gave_up, 0);
	rg_rendezvous_close(rdv);
	fake.rc = 0;
	assert_int_equal(rg_mpi_rendezvous_open(mpi, 0, &rdv, &err), 0);
	fake.rc = RG_ERR_SYSTEM;
	assert_int_equal(rg_rendezvous_allgather(rdv, "x", all, 1, 0, &err), RG_ERR_SYSTEM);
	assert_int_equal(fake.gave_up, 1);
	rg_rendezvous_close(rdv);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup(function, forget_launchers)
	const struct CMUnitTest tests[] = {
		TEST(without_a_trace_of_a_launcher_there_is_no_mpi),
		TEST(each_launcher_points_to_its_library),
		TEST(launchers_that_disagree_are_both_named),
		TEST(an_explicit_choice_ends_the_doubt),
		TEST(what_slurm_sets_points_to_no_library),
		TEST(none_and_unknown_names_are_told_apart),
		TEST(an_unknown_name_is_told_what_was_built),
		TEST(the_nearest_launcher_says_how_many_ranks_there_are),
		TEST(a_module_that_was_not_built_is_named_with_those_that_were),
		TEST(a_module_of_another_release_is_refused),
		TEST(a_rendezvous_has_a_key_and_carries_bytes),
		TEST(every_allocation_of_the_rendezvous_may_fail),
		TEST(failures_name_the_rank_and_its_host),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
