/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The glue and the module of the library whose launcher this is, as one MPI job of any size. No
 * cmocka: a rank that stops half-way would leave the others waiting, so the first failure ends the
 * job.
 */
#include "config.h"

#include "oracle.h"

#include "railgauge/base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#define ALGORITHMS 64

static uint64_t soon(void)
{
	return rg_clock_ns() + 30000000000u;
}

static struct rg_mpi_target *open_target(struct rg_mpi *mpi, enum rg_coll coll,
					 enum rg_mpi_variant variant, int id)
{
	struct rg_mpi_target *target = NULL;
	struct rg_err err = {0};
	int rc = mpi->module->target_open(coll, variant, id, RG_MPI_SEGMENT_USUAL, &target, &err);

	check(mpi, !rc, "%s %d: %s", rg_coll_name(coll), id, err.text);
	return target;
}

static void the_ranks_exchange_bytes_in_rank_order(struct rg_mpi *mpi)
{
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};
	uint32_t mine, all[64];
	uint8_t keys[64][32];

	check(mpi, mpi->nranks <= 64, "%u ranks", mpi->nranks);
	check(mpi, !rg_mpi_rendezvous_open(mpi, soon(), &rdv, &err), "%s", err.text);
	check(mpi, rdv->rank == mpi->rank && rdv->nranks == mpi->nranks, "rank %u", rdv->rank);
	for (uint32_t round = 0; round < 100; round++) {
		mine = mpi->rank * 1000 + round;
		check(mpi, !rg_rendezvous_allgather(rdv, &mine, all, sizeof(mine), soon(), &err),
		      "%s", err.text);
		for (uint32_t r = 0; r < mpi->nranks; r++)
			check(mpi, all[r] == r * 1000 + round, "%u of rank %u", all[r], r);
	}
	check(mpi, !rg_rendezvous_barrier(rdv, soon(), &err), "%s", err.text);
	check(mpi, !rg_rendezvous_allgather(rdv, rdv->job_key, keys, 32, soon(), &err), "%s",
	      err.text);
	for (uint32_t r = 1; r < mpi->nranks; r++)
		check(mpi, !memcmp(keys[r], keys[0], 32), "the key of rank %u", r);
	rg_rendezvous_close(rdv);
}

static void ranks_that_bring_different_lengths_are_told_so(struct rg_mpi *mpi)
{
	struct rg_rendezvous *rdv = NULL;
	struct rg_err err = {0};
	bool odd = mpi->rank == mpi->nranks - 1 && mpi->nranks > 1;
	char mine[16] = "", all[64][16];
	int rc;

	check(mpi, !rg_mpi_rendezvous_open(mpi, soon(), &rdv, &err), "%s", err.text);
	rc = rg_rendezvous_allgather(rdv, mine, all, odd ? 9 : 8, soon(), &err);
	check(mpi, rc == (mpi->nranks > 1 ? RG_ERR_MISMATCH : 0), "%s", err.text);
	check(mpi, !rc || strstr(err.text, "8 bytes"), "%s", err.text);
	check(mpi, rg_rendezvous_barrier(rdv, soon(), &err) == rc, "afterwards: %s", err.text);
	check(mpi, !rc || strstr(err.text, "8 bytes"), "%s", err.text);
	rg_rendezvous_close(rdv);
}

/* What MPICH 4.0 must be kept from. */
static bool crashes(const struct rg_mpi *mpi, enum rg_coll coll, const struct rg_mpi_call *call)
{
	return coll == RG_COLL_REDUCE && call->in_place && call->count > 512 && mpi->nranks > 1 &&
	       !strncmp(mpi->version, "MPICH 4.0", 9);
}

static void each_collective_delivers_what_its_definition_says(struct rg_mpi *mpi)
{
	static const uint64_t counts[] = {0, 1, 3, 4, 1000, 70000};

	for (int c = 0; c < RG_COLL_COUNT; c++) {
		struct rg_mpi_target *target = open_target(mpi, c, RG_MPI_USUAL, 0);

		for (size_t i = 0; i < 2 * sizeof(counts) / sizeof(counts[0]); i++) {
			struct rg_mpi_call call = {
				.count = c == RG_COLL_BARRIER ? 0 : counts[i / 2],
				.type = RG_TYPE_FLOAT32,
				.root = (uint32_t)i % mpi->nranks,
				.in_place = i % 2,
			};

			if (crashes(mpi, c, &call))
				check(mpi,
				      mpi->module->target_prepare(target, &call, NULL) ==
					      RG_ERR_UNSUPPORTED,
				      "%llu elements", (unsigned long long)call.count);
			else
				oracle_run(mpi, target, c, &call, "default");
		}
		mpi->module->target_close(target);
	}
}

static void each_type_and_operation_that_mpi_has_is_exact(struct rg_mpi *mpi)
{
	struct rg_mpi_target *allreduce = open_target(mpi, RG_COLL_ALLREDUCE, RG_MPI_USUAL, 0);
	struct rg_mpi_target *allgather = open_target(mpi, RG_COLL_ALLGATHER, RG_MPI_USUAL, 0);

	for (int type = 0; type < RG_TYPE_COUNT; type++) {
		struct rg_mpi_call call = {.count = 100, .type = type};

		oracle_run(mpi, allgather, RG_COLL_ALLGATHER, &call, "type");
		for (int op = 0; op < RG_OP_COUNT; op++) {
			bool has = op != RG_OP_AVG && type != RG_TYPE_FLOAT16 &&
				   type != RG_TYPE_BFLOAT16;
			struct rg_err err = {0};

			call.op = op;
			if (has)
				oracle_run(mpi, allreduce, RG_COLL_ALLREDUCE, &call, "type, op");
			else
				check(mpi,
				      mpi->module->target_prepare(allreduce, &call, &err) ==
					      RG_ERR_UNSUPPORTED,
				      "type %d, op %d: %s", type, op, err.text);
		}
	}
	mpi->module->target_close(allgather);
	mpi->module->target_close(allreduce);
}

static void calls_that_mpi_cannot_make_are_refused(struct rg_mpi *mpi)
{
	struct rg_mpi_target *target = open_target(mpi, RG_COLL_REDUCESCATTER, RG_MPI_USUAL, 0);
	float buffer[8] = {0};
	struct rg_mpi_call call = {.src = buffer, .dst = buffer, .type = RG_TYPE_FLOAT32};
	struct rg_mpi_target *none = NULL;

	call.count = (uint64_t)INT_MAX + 1;
	check(mpi, mpi->module->target_prepare(target, &call, NULL) == RG_ERR_RANGE, "count");
	call.count = 1;
	call.root = mpi->nranks;
	check(mpi, mpi->module->target_prepare(target, &call, NULL) == RG_ERR_RANGE, "root");
	call.root = 0;
	call.in_place = true;
	call.dst = buffer + 1;
	check(mpi, mpi->module->target_prepare(target, &call, NULL) == RG_ERR_UNSUPPORTED,
	      "in place");
	check(mpi,
	      mpi->module->target_open(RG_COLL_ALLREDUCE, RG_MPI_OTHER, 0, RG_MPI_SEGMENT_USUAL,
				       &none, NULL) == RG_ERR_INVALID,
	      "variant");
	check(mpi,
	      mpi->module->target_open(RG_COLL_ALLREDUCE, RG_MPI_USUAL, 999, RG_MPI_SEGMENT_USUAL,
				       &none, NULL) == RG_ERR_INVALID,
	      "algorithm");
	check(mpi,
	      mpi->module->target_open(RG_COLL_ALLREDUCE, RG_MPI_USUAL, 0, 4096, &none, NULL) ==
		      RG_ERR_INVALID,
	      "segments of the default");
	check(mpi,
	      mpi->module->target_open(RG_COLL_ALLREDUCE, RG_MPI_USUAL, 1, (int64_t)INT_MAX + 1,
				       &none, NULL) == RG_ERR_RANGE,
	      "segments of 2 GiB");
	check(mpi, !none, "a refused target");
	mpi->module->target_close(target);
}

/* One algorithm, which the list says may be used, over counts below and above the rank count. */
static void run_algorithm(struct rg_mpi *mpi, enum rg_coll coll, enum rg_mpi_variant variant,
			  const struct rg_mpi_algorithm *a)
{
	static const uint64_t counts[] = {1, 2, 17, 5000, 100000};
	struct rg_mpi_target *target = open_target(mpi, coll, variant, a->id);

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct rg_mpi_call call = {
			.count = coll == RG_COLL_BARRIER ? 0 : counts[i],
			.type = RG_TYPE_INT32,
			.root = (uint32_t)i % mpi->nranks,
			.in_place = i == 2,
		};

		oracle_run(mpi, target, coll, &call, a->name);
	}
	mpi->module->target_close(target);
}

/* With "default": what Open MPI 4.1 has, and what MPICH 4.0 has; later ones have more. */
static uint32_t least_of(const struct rg_mpi *mpi, enum rg_coll coll)
{
	static const uint32_t least[RG_COLL_COUNT][2] = {
		[RG_COLL_ALLREDUCE] = {7, 5},	  [RG_COLL_REDUCE] = {8, 5},
		[RG_COLL_REDUCESCATTER] = {5, 6}, [RG_COLL_ALLGATHER] = {7, 5},
		[RG_COLL_GATHER] = {4, 3},	  [RG_COLL_SCATTER] = {4, 3},
		[RG_COLL_ALLTOALL] = {6, 6},	  [RG_COLL_ALLTOALLV] = {3, 4},
		[RG_COLL_BROADCAST] = {10, 6},	  [RG_COLL_SENDRECV] = {1, 1},
		[RG_COLL_BARRIER] = {7, 4},
	};

	return least[coll][!strncmp(mpi->version, "MPICH", 5)];
}

static void each_algorithm_of_the_library_can_be_forced(struct rg_mpi *mpi)
{
	struct rg_mpi_algorithm list[ALGORITHMS];
	uint32_t count = 0, forced = 0;

	for (int i = 0; i < 2 * RG_COLL_COUNT; i++) {
		enum rg_coll coll = i / 2;
		enum rg_mpi_variant variant = i % 2;

		if (variant == RG_MPI_OTHER && coll != RG_COLL_REDUCESCATTER)
			continue;
		check(mpi, !mpi->module->algorithms(coll, variant, list, ALGORITHMS, &count, NULL),
		      "%s", rg_coll_name(coll));
		check(mpi, count >= 1 && count < ALGORITHMS, "%u algorithms", count);
		check(mpi, !strcmp(list[0].name, "default") && !list[0].id && !list[0].refused[0],
		      "%s", list[0].name);
		check(mpi, count >= least_of(mpi, coll), "%s has %u algorithms", rg_coll_name(coll),
		      count);
		for (uint32_t a = 0; a < count; a++) {
			struct rg_mpi_target *none = NULL;

			if (!list[a].refused[0]) {
				run_algorithm(mpi, coll, variant, &list[a]);
				forced += a > 0;
				continue;
			}
			check(mpi,
			      mpi->module->target_open(coll, variant, list[a].id,
						       RG_MPI_SEGMENT_USUAL, &none,
						       NULL) == RG_ERR_UNSUPPORTED,
			      "%s", list[a].name);
		}
	}
	check(mpi, (forced > 20) == (mpi->nranks > 1), "%u algorithms", forced);
}

static const struct {
	const char *name;
	void (*run)(struct rg_mpi *mpi);
} tests[] = {
#define TEST(function)              \
	{                           \
#function, function \
	}
	TEST(the_ranks_exchange_bytes_in_rank_order),
	TEST(ranks_that_bring_different_lengths_are_told_so),
	TEST(each_collective_delivers_what_its_definition_says),
	TEST(each_type_and_operation_that_mpi_has_is_exact),
	TEST(calls_that_mpi_cannot_make_are_refused),
	TEST(each_algorithm_of_the_library_can_be_forced),
};

int main(void)
{
	const struct rg_mpi_settings settings = {.algorithms = true};
	struct rg_err err = {0};
	const char *name;
	struct rg_mpi *mpi;

	if (rg_mpi_choose(NULL, &name, &err) || rg_mpi_open(name, &settings, &mpi, &err)) {
		fprintf(stderr, "cannot start: %s\n", err.text);
		return 1;
	}
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		tests[i].run(mpi);
		if (!mpi->rank)
			printf("ok: %s\n", tests[i].name);
	}
	rg_mpi_close(mpi);
	return 0;
}
