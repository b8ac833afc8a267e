/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which algorithm does Open MPI really run? Its component coll/tuned decides, and then calls one of
 * the functions ompi_coll_base_* of libmpi. Those are defined here once more: a program's symbols
 * come before a library's, so each call is noted, with its segment size and fan-out, and handed on.
 *
 * selection plain    MPI_COMM_WORLD of a plain MPI program, nothing of railgauge's
 * selection default  the target "default" of the glue, started for single algorithms
 * selection forced   each algorithm: checks that it is the one that runs, or the one that the glue
 *                    says runs instead
 * selection write FOLDER SEGMENT   not MPI: files for 4 ranks, with a range for each algorithm
 * selection ruled                  MPI_COMM_WORLD of a plain MPI program, a call in each range
 * selection chosen SEGMENT         the same calls of targets of the glue with those algorithms
 *
 * All but forced and write print what rank 0 saw, a line per function and size; test_selection.sh
 * compares.
 */
#include "config.h"

#include "oracle.h"
#include "selection.h"

#include "railgauge/base/matrix.h"

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Which of them each algorithm of the enumerators must call, and no other first. */
static const struct {
	enum rg_coll coll;
	enum rg_mpi_variant variant;
	const char *algorithm, *function;
} expected[] = {
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "basic_linear", "allreduce_intra_basic_linear"},
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "nonoverlapping", "allreduce_intra_nonoverlapping"},
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "recursive_doubling",
	 "allreduce_intra_recursivedoubling"},
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "ring", "allreduce_intra_ring"},
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "segmented_ring", "allreduce_intra_ring_segmented"},
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "rabenseifner", "allreduce_intra_redscat_allgather"},
	{RG_COLL_ALLTOALL, RG_MPI_USUAL, "linear", "alltoall_intra_basic_linear"},
	{RG_COLL_ALLTOALL, RG_MPI_USUAL, "pairwise", "alltoall_intra_pairwise"},
	{RG_COLL_ALLTOALL, RG_MPI_USUAL, "modified_bruck", "alltoall_intra_bruck"},
	{RG_COLL_ALLTOALL, RG_MPI_USUAL, "linear_sync", "alltoall_intra_linear_sync"},
	{RG_COLL_ALLTOALL, RG_MPI_USUAL, "two_proc", "alltoall_intra_two_procs"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "linear", "allgather_intra_basic_linear"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "bruck", "allgather_intra_bruck"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "recursive_doubling",
	 "allgather_intra_recursivedoubling"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "ring", "allgather_intra_ring"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "neighbor", "allgather_intra_neighborexchange"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "two_proc", "allgather_intra_two_procs"},
	{RG_COLL_REDUCESCATTER, RG_MPI_OTHER, "non-overlapping",
	 "reduce_scatter_intra_nonoverlapping"},
	{RG_COLL_REDUCESCATTER, RG_MPI_OTHER, "recursive_halving",
	 "reduce_scatter_intra_basic_recursivehalving"},
	{RG_COLL_REDUCESCATTER, RG_MPI_OTHER, "ring", "reduce_scatter_intra_ring"},
	{RG_COLL_REDUCESCATTER, RG_MPI_OTHER, "butterfly", "reduce_scatter_intra_butterfly"},
	{RG_COLL_REDUCESCATTER, RG_MPI_USUAL, "basic_linear", "reduce_scatter_block_basic_linear"},
	{RG_COLL_REDUCESCATTER, RG_MPI_USUAL, "recursive_doubling",
	 "reduce_scatter_block_intra_recursivedoubling"},
	{RG_COLL_REDUCESCATTER, RG_MPI_USUAL, "recursive_halving",
	 "reduce_scatter_block_intra_recursivehalving"},
	{RG_COLL_REDUCESCATTER, RG_MPI_USUAL, "butterfly", "reduce_scatter_block_intra_butterfly"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "basic_linear", "bcast_intra_basic_linear"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "chain", "bcast_intra_chain"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "pipeline", "bcast_intra_pipeline"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "split_binary_tree", "bcast_intra_split_bintree"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "binary_tree", "bcast_intra_bintree"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "binomial", "bcast_intra_binomial"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "knomial", "bcast_intra_knomial"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "scatter_allgather", "bcast_intra_scatter_allgather"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "scatter_allgather_ring",
	 "bcast_intra_scatter_allgather_ring"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "linear", "reduce_intra_basic_linear"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "chain", "reduce_intra_chain"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "pipeline", "reduce_intra_pipeline"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "binary", "reduce_intra_binary"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "binomial", "reduce_intra_binomial"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "in-order_binary", "reduce_intra_in_order_binary"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "rabenseifner", "reduce_intra_redscat_gather"},
	{RG_COLL_GATHER, RG_MPI_USUAL, "basic_linear", "gather_intra_basic_linear"},
	{RG_COLL_GATHER, RG_MPI_USUAL, "binomial", "gather_intra_binomial"},
	{RG_COLL_GATHER, RG_MPI_USUAL, "linear_sync", "gather_intra_linear_sync"},
	{RG_COLL_SCATTER, RG_MPI_USUAL, "basic_linear", "scatter_intra_basic_linear"},
	{RG_COLL_SCATTER, RG_MPI_USUAL, "binomial", "scatter_intra_binomial"},
	{RG_COLL_SCATTER, RG_MPI_USUAL, "linear_nb", "scatter_intra_linear_nb"},
	{RG_COLL_ALLTOALLV, RG_MPI_USUAL, "basic_linear", "alltoallv_intra_basic_linear"},
	{RG_COLL_ALLTOALLV, RG_MPI_USUAL, "pairwise", "alltoallv_intra_pairwise"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "linear", "barrier_intra_basic_linear"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "double_ring", "barrier_intra_doublering"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "recursive_doubling", "barrier_intra_recursivedoubling"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "bruck", "barrier_intra_bruck"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "two_proc", "barrier_intra_two_procs"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "tree", "barrier_intra_tree"},
};

#define NEXPECTED (sizeof(expected) / sizeof(expected[0]))

const struct selection_function functions[NFUNCTIONS] = {
	{RG_COLL_ALLREDUCE, RG_MPI_USUAL, "allreduce"},
	{RG_COLL_ALLTOALL, RG_MPI_USUAL, "alltoall"},
	{RG_COLL_ALLGATHER, RG_MPI_USUAL, "allgather"},
	{RG_COLL_REDUCESCATTER, RG_MPI_USUAL, "reduce_scatter_block"},
	{RG_COLL_REDUCESCATTER, RG_MPI_OTHER, "reduce_scatter"},
	{RG_COLL_BROADCAST, RG_MPI_USUAL, "bcast"},
	{RG_COLL_REDUCE, RG_MPI_USUAL, "reduce"},
	{RG_COLL_GATHER, RG_MPI_USUAL, "gather"},
	{RG_COLL_SCATTER, RG_MPI_USUAL, "scatter"},
	{RG_COLL_ALLTOALLV, RG_MPI_USUAL, "alltoallv"},
	{RG_COLL_BARRIER, RG_MPI_USUAL, "barrier"},
};

static float *src, *dst; /* [nranks][LARGEST] */
static uint64_t counts[64 * 64];
static unsigned nreplaced; /* calls of which the glue said that they run as another one */

void alloc_buffers(size_t nranks)
{
	src = calloc(nranks * LARGEST, sizeof(float));
	dst = calloc(nranks * LARGEST, sizeof(float));
	if (!src || !dst)
		abort();
}

void call_plainly(size_t function, int n, int nranks)
{
	const MPI_Comm world = MPI_COMM_WORLD;
	int lengths[64], displs[64];

	for (int r = 0; r < nranks; r++) {
		lengths[r] = n;
		displs[r] = r * n;
	}
	switch (function) {
	case 0:
		MPI_Allreduce(src, dst, n, MPI_FLOAT, MPI_SUM, world);
		break;
	case 1:
		MPI_Alltoall(src, n, MPI_FLOAT, dst, n, MPI_FLOAT, world);
		break;
	case 2:
		MPI_Allgather(src, n, MPI_FLOAT, dst, n, MPI_FLOAT, world);
		break;
	case 3:
		MPI_Reduce_scatter_block(src, dst, n, MPI_FLOAT, MPI_SUM, world);
		break;
	case 4:
		MPI_Reduce_scatter(src, dst, lengths, MPI_FLOAT, MPI_SUM, world);
		break;
	case 5:
		MPI_Bcast(dst, n, MPI_FLOAT, 0, world);
		break;
	case 6:
		MPI_Reduce(src, dst, n, MPI_FLOAT, MPI_SUM, 0, world);
		break;
	case 7:
		MPI_Gather(src, n, MPI_FLOAT, dst, n, MPI_FLOAT, 0, world);
		break;
	case 8:
		MPI_Scatter(src, n, MPI_FLOAT, dst, n, MPI_FLOAT, 0, world);
		break;
	case 9:
		MPI_Alltoallv(src, lengths, displs, MPI_FLOAT, dst, lengths, displs, MPI_FLOAT,
			      world);
		break;
	default:
		MPI_Barrier(world);
		break;
	}
}

void report(int rank, size_t function, size_t n)
{
	if (!rank)
		printf("%s %zu:%s\n", functions[function].name, n * sizeof(float), notes);
}

static int run_plain(void)
{
	int rank, nranks;

	MPI_Init(NULL, NULL);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	alloc_buffers((size_t)nranks);
	for (size_t f = 0; f < NFUNCTIONS; f++) {
		for (size_t n = 1; n <= LARGEST; n *= 2) {
			notes[0] = '\0';
			call_plainly(f, (int)n, nranks);
			report(rank, f, n);
		}
	}
	MPI_Finalize();
	return 0;
}

struct rg_mpi *open_glue(void)
{
	const struct rg_mpi_settings settings = {.algorithms = true};
	struct rg_err err = {0};
	struct rg_mpi *mpi;

	if (rg_mpi_open("openmpi", &settings, &mpi, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	alloc_buffers(mpi->nranks);
	return mpi;
}

const char *run_once(struct rg_mpi *mpi, size_t f, struct rg_mpi_target *target, size_t n)
{
	bool v = functions[f].coll == RG_COLL_ALLTOALLV;
	const struct rg_mpi_call call = {
		.src = src,
		.dst = dst,
		.count = v ? n * mpi->nranks : n,
		.counts = v ? counts : NULL,
		.type = RG_TYPE_FLOAT32,
	};
	struct rg_err err = {0};

	rg_matrix_scale(NULL, mpi->nranks, n * mpi->nranks, counts);

	check(mpi, !mpi->module->target_prepare(target, &call, &err), "%s", err.text);
	notes[0] = '\0';
	mpi->module->target_select(target);
	check(mpi, !mpi->module->target_run(target, &call), "%zu floats", n);
	return mpi->module->target_runs_as(target, &call);
}

struct rg_mpi_target *open_target(struct rg_mpi *mpi, enum rg_coll coll,
				  enum rg_mpi_variant variant, int id, int64_t segment_bytes)
{
	struct rg_mpi_target *target;
	struct rg_err err = {0};

	check(mpi, !mpi->module->target_open(coll, variant, id, segment_bytes, &target, &err), "%s",
	      err.text);
	return target;
}

static int run_default(void)
{
	struct rg_mpi *mpi = open_glue();

	for (size_t f = 0; f < NFUNCTIONS; f++) {
		struct rg_mpi_target *forced, *target;

		/* A forced one before and beside it must not change it. */
		forced = open_target(mpi, functions[f].coll, functions[f].variant, 1,
				     RG_MPI_SEGMENT_USUAL);
		target = open_target(mpi, functions[f].coll, functions[f].variant, 0,
				     RG_MPI_SEGMENT_USUAL);
		run_once(mpi, f, forced, 1);
		for (size_t n = 1; n <= LARGEST; n *= 2) {
			run_once(mpi, f, target, n);
			report((int)mpi->rank, f, n);
		}
		mpi->module->target_close(target);
		mpi->module->target_close(forced);
	}
	rg_mpi_close(mpi);
	return 0;
}

static const char *function_of(struct rg_mpi *mpi, size_t f, const char *algorithm)
{
	for (size_t x = 0; x < NEXPECTED; x++) {
		if (expected[x].coll == functions[f].coll &&
		    expected[x].variant == functions[f].variant &&
		    !strcmp(expected[x].algorithm, algorithm))
			return expected[x].function;
	}
	check(mpi, false, "%s has the unknown algorithm %s", functions[f].name, algorithm);
}

/* Does " name(...)" stand at the beginning of text? */
static bool begins(const char *text, const char *name)
{
	size_t len = strlen(name);

	return text[0] == ' ' && !strncmp(text + 1, name, len) && text[1 + len] == '(';
}

/* From the last note of an algorithm of the same MPI function on. */
static const char *last_of(const char *function)
{
	const char *last = notes, *next;
	char family[64];

	snprintf(family, sizeof(family), " %s_", function);
	while ((next = strstr(last + 1, family)))
		last = next;
	return last;
}

/* Does the library hand this algorithm its segment size? */
static bool cuts(size_t f, const char *algorithm)
{
	switch (functions[f].coll) {
	case RG_COLL_ALLREDUCE:
		return !strcmp(algorithm, "segmented_ring");
	case RG_COLL_BROADCAST:
		return strcmp(algorithm, "basic_linear") != 0 && strncmp(algorithm, "scatter", 7);
	case RG_COLL_REDUCE:
		return strcmp(algorithm, "linear") != 0 && strcmp(algorithm, "rabenseifner") != 0;
	case RG_COLL_GATHER:
		return !strcmp(algorithm, "linear_sync");
	default:
		return false;
	}
}

/* A size that only this test names, and one that holds an element and a half. */
#define OWN_SEGMENT  8200
#define TINY_SEGMENT 6

/*
 * The algorithm asked for comes first, with the segments asked for; the last one is that which the
 * glue says the call runs as.
 */
static void check_forced(struct rg_mpi *mpi, size_t f, const struct rg_mpi_algorithm *a,
			 int64_t segment_bytes)
{
	size_t most = segment_bytes == TINY_SEGMENT ? 2048 : LARGEST; /* one message each */
	struct rg_mpi_target *target;

	target = open_target(mpi, functions[f].coll, functions[f].variant, a->id, segment_bytes);
	for (size_t n = 1; n <= most; n = n < 8 ? n + 1 : n * 4) {
		const char *other = run_once(mpi, f, target, n);

		check(mpi, begins(notes, function_of(mpi, f, a->name)),
		      "%s %s of %zu floats calls%s", functions[f].name, a->name, n, notes);
		check(mpi,
		      begins(last_of(functions[f].name),
			     function_of(mpi, f, other ? other : a->name)),
		      "%s %s of %zu floats should run as %s but calls%s", functions[f].name,
		      a->name, n, other ? other : "itself", notes);
		check(mpi, !strstr(notes, "8200") == (segment_bytes != OWN_SEGMENT),
		      "%s %s in segments of %d: calls%s", functions[f].name, a->name,
		      (int)segment_bytes, notes);
		nreplaced += other != NULL;
	}
	mpi->module->target_close(target);
}

/* One that does not cut is not measured as if it did. */
static void check_refused(struct rg_mpi *mpi, size_t f, const struct rg_mpi_algorithm *a)
{
	struct rg_mpi_target *target;

	check(mpi,
	      mpi->module->target_open(functions[f].coll, functions[f].variant, a->id, OWN_SEGMENT,
				       &target, NULL) == RG_ERR_UNSUPPORTED,
	      "%s %s takes segments", functions[f].name, a->name);
}

static int run_forced(void)
{
	struct rg_mpi *mpi = open_glue();
	struct rg_mpi_algorithm list[64];
	uint32_t count, nforced = 0;

	for (size_t f = 0; f < NFUNCTIONS; f++) {
		check(mpi,
		      !mpi->module->algorithms(functions[f].coll, functions[f].variant, list, 64,
					       &count, NULL),
		      "%s", functions[f].name);
		for (uint32_t i = 1; i < count; i++) {
			if (cuts(f, list[i].name)) {
				check_forced(mpi, f, &list[i], OWN_SEGMENT);
				check_forced(mpi, f, &list[i], TINY_SEGMENT);
				nforced += 2;
			}
			if (!cuts(f, list[i].name))
				check_refused(mpi, f, &list[i]);
			if (list[i].refused[0])
				continue;
			check_forced(mpi, f, &list[i], RG_MPI_SEGMENT_USUAL);
			nforced++;
		}
	}
	if (!mpi->rank)
		printf("%u algorithms run when asked for, %u calls as another one\n", nforced,
		       nreplaced);
	rg_mpi_close(mpi);
	return nforced > 20 && nreplaced > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	const char *mode = argc >= 2 ? argv[1] : "";

	if (argc == 4 && !strcmp(mode, "write"))
		return run_write(argv[2], strtoull(argv[3], NULL, 10));
	if (argc == 2 && !strcmp(mode, "ruled"))
		return run_ruled();
	if (argc == 3 && !strcmp(mode, "chosen"))
		return run_chosen(strtoull(argv[2], NULL, 10));
	if (!strcmp(mode, "plain"))
		return run_plain();
	if (!strcmp(mode, "default"))
		return run_default();
	if (!strcmp(mode, "forced"))
		return run_forced();
	fprintf(stderr, "usage: selection plain|default|forced|write|ruled|chosen\n");
	return 2;
}
