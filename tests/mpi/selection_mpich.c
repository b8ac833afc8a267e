/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which algorithm does MPICH really run? Its inner functions are hidden, but where it sends through
 * UCX (the device ch4:ucx), each message of a collective is a call of ucp_tag_send_nbx. That is
 * defined here once more, a program's symbols come before a library's, and so every message is
 * noted with its peer and its length, and handed on.
 *
 * selection_mpich plain       MPI_COMM_WORLD of a plain MPI program, nothing of railgauge's
 * selection_mpich told        likewise, the functions only whose algorithm the environment tells
 * selection_mpich default     the target "default" of the glue, beside forced ones
 * selection_mpich forced N    of each function the Nth algorithm that may be used; how to tell a
 *                             program so comes first, "MPIR_CVAR_ALLREDUCE_INTRA_ALGORITHM=smp"
 *
 * A line per function, length and place: "allreduce 16384 out: 0> 1:8192 1:8192 1> 0:8192 ...",
 * rank by rank; a message of a nonblocking collective has an n behind it. "instead" stands before
 * the colon where a plain program's call fails, or the glue says that another one than the forced
 * runs.
 */
#include "config.h"

#include "oracle.h"

#include "railgauge/base/matrix.h"

#include <mpi.h>

#include <ctype.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST	  ((size_t)16384) /* floats per block */
#define OUT_BYTES ((size_t)1 << 17)

/* Tags of blocking collectives are below. */
#define FIRST_NONBLOCKING_TAG 33

static char notes[OUT_BYTES]; /* what this rank sent, a line per call */
static size_t noted;
static bool noting;	    /* between the start and the report */
static void *endpoints[64]; /* in the order of their making, the same in all runs */
static int nendpoints;

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	noted += (size_t)vsnprintf(notes + noted, OUT_BYTES - noted, fmt, ap);
	va_end(ap);
	if (noted >= OUT_BYTES)
		abort();
}

typedef int ep_create_fn(void *worker, const void *params, void **endpoint);
typedef void *tag_send_fn(void *endpoint, const void *buffer, size_t count, uint64_t tag,
			  const void *param);

ep_create_fn ucp_ep_create;
tag_send_fn ucp_tag_send_nbx;

int ucp_ep_create(void *worker, const void *params, void **endpoint)
{
	ep_create_fn *real = (ep_create_fn *)dlsym(RTLD_NEXT, "ucp_ep_create");
	int rc = real(worker, params, endpoint);

	if (!rc && nendpoints < (int)(sizeof(endpoints) / sizeof(endpoints[0])))
		endpoints[nendpoints++] = *endpoint;
	return rc;
}

void *ucp_tag_send_nbx(void *endpoint, const void *buffer, size_t count, uint64_t tag,
		       const void *param)
{
	static tag_send_fn *real;
	int peer = 0;

	if (!real)
		real = (tag_send_fn *)dlsym(RTLD_NEXT, "ucp_tag_send_nbx");
	while (peer < nendpoints && endpoints[peer] != endpoint)
		peer++;
	if (noting)
		note(" %d:%zu%s", peer, count, (tag & 0xfffff) < FIRST_NONBLOCKING_TAG ? "" : "n");
	return real(endpoint, buffer, count, tag, param);
}

/* Collectives with a choice, in the order of the lines. */
static const struct {
	enum rg_coll coll;
	enum rg_mpi_variant variant;
	const char *name;
} functions[] = {
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

#define NFUNCTIONS (sizeof(functions) / sizeof(functions[0]))

static const size_t lengths[] = {1, 3, LARGEST};

#define NCALLS (2 * sizeof(lengths) / sizeof(lengths[0])) /* out of place, and in place */

static float *src, *dst; /* [nranks][LARGEST] */
static int rank, nranks;

static void alloc_buffers(void)
{
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	src = calloc((size_t)nranks * LARGEST, sizeof(float));
	dst = calloc((size_t)nranks * LARGEST, sizeof(float));
	if (!src || !dst)
		abort();
	noting = true;
}

/* The glue keeps MPICH 4.0 from MPI_Reduce in place. */
static bool in_place(size_t function, size_t i)
{
	return i % 2 && functions[function].coll != RG_COLL_REDUCE;
}

/* Call number i of a function; what MPI says. */
static int call_plainly(size_t function, size_t i)
{
	const MPI_Comm world = MPI_COMM_WORLD;
	const void *from = in_place(function, i) ? MPI_IN_PLACE : src;
	int n = (int)lengths[i / 2], counts[64], displs[64];

	for (int r = 0; r < nranks; r++) {
		counts[r] = n;
		displs[r] = r * n;
	}
	switch (function) {
	case 0:
		return MPI_Allreduce(from, dst, n, MPI_FLOAT, MPI_SUM, world);
	case 1:
		return MPI_Alltoall(from, n, MPI_FLOAT, dst, n, MPI_FLOAT, world);
	case 2:
		return MPI_Allgather(from, n, MPI_FLOAT, dst, n, MPI_FLOAT, world);
	case 3:
		return MPI_Reduce_scatter_block(from, dst, n, MPI_FLOAT, MPI_SUM, world);
	case 4:
		return MPI_Reduce_scatter(from, dst, counts, MPI_FLOAT, MPI_SUM, world);
	case 5:
		return MPI_Bcast(dst, n, MPI_FLOAT, 0, world);
	case 6:
		return MPI_Reduce(rank ? src : from, dst, n, MPI_FLOAT, MPI_SUM, 0, world);
	case 7:
		return MPI_Gather(rank ? src : from, n, MPI_FLOAT, dst, n, MPI_FLOAT, 0, world);
	case 8:
		return MPI_Scatter(src, n, MPI_FLOAT,
				   !rank && in_place(function, i) ? MPI_IN_PLACE : dst, n,
				   MPI_FLOAT, 0, world);
	case 9:
		return MPI_Alltoallv(from, counts, displs, MPI_FLOAT, dst, counts, displs,
				     MPI_FLOAT, world);
	default:
		return MPI_Barrier(world);
	}
}

/* Rank 0 prints what all have noted, line by line: what rank 0 has before the bar, then all. */
static void report(void)
{
	char *all = calloc((size_t)nranks, OUT_BYTES), *rest[64];

	if (!all)
		abort();
	noting = false;
	MPI_Gather(notes, OUT_BYTES, MPI_CHAR, all, OUT_BYTES, MPI_CHAR, 0, MPI_COMM_WORLD);
	for (int r = 0; r < nranks; r++)
		rest[r] = all + (size_t)r * OUT_BYTES;
	while (!rank && *rest[0]) {
		for (int r = 0; r < nranks; r++) {
			char *end = strchr(rest[r], '\n'), *bar = strchr(rest[r], '|');

			*end = *bar = '\0';
			if (!r)
				printf("%s:", rest[r]);
			printf(" %d>%s", r, bar + 1);
			rest[r] = end + 1;
		}
		putchar('\n');
	}
	free(all);
}

/* Call number i of a function has been noted from begin on; what is said of it comes first. */
static void end_line(size_t begin, size_t function, size_t i, bool instead)
{
	char sent[4096];

	snprintf(sent, sizeof(sent), "%s", notes + begin);
	noted = begin;
	note("%s %zu %s%s|%s\n", functions[function].name, lengths[i / 2] * sizeof(float),
	     in_place(function, i) ? "in" : "out", instead ? " instead" : "", sent);
}

static void variable_of(size_t function, char variable[96])
{
	int n = snprintf(variable, 96, "MPIR_CVAR_%s_INTRA_ALGORITHM", functions[function].name);

	for (int i = 0; i < n; i++)
		variable[i] = (char)toupper((unsigned char)variable[i]);
}

static int run_plain(bool told)
{
	char variable[96];

	MPI_Init(NULL, NULL);
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	alloc_buffers();
	for (size_t f = 0; f < NFUNCTIONS; f++) {
		variable_of(f, variable);
		for (size_t i = 0; i < NCALLS && (!told || getenv(variable)); i++) {
			size_t begin = noted;

			notes[begin] = '\0';
			end_line(begin, f, i, call_plainly(f, i));
		}
	}
	report();
	MPI_Finalize();
	return 0;
}

static struct rg_mpi *open_glue(void)
{
	const struct rg_mpi_settings settings = {.algorithms = true};
	struct rg_err err = {0};
	struct rg_mpi *mpi;

	if (rg_mpi_open("mpich", &settings, &mpi, &err)) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	alloc_buffers();
	return mpi;
}

static struct rg_mpi_target *open_target(struct rg_mpi *mpi, size_t f, int id)
{
	struct rg_mpi_target *target;
	struct rg_err err = {0};

	check(mpi,
	      !mpi->module->target_open(functions[f].coll, functions[f].variant, id,
					RG_MPI_SEGMENT_USUAL, &target, &err),
	      "%s", err.text);
	return target;
}

static void run_once(struct rg_mpi *mpi, struct rg_mpi_target *target, size_t f, size_t i)
{
	static uint64_t counts[64 * 64];
	bool v = functions[f].coll == RG_COLL_ALLTOALLV;
	uint64_t total = lengths[i / 2] * (uint64_t)nranks;
	const struct rg_mpi_call call = {
		.src = in_place(f, i) ? dst : src,
		.dst = dst,
		.count = v ? total : lengths[i / 2],
		.counts = v ? counts : NULL,
		.type = RG_TYPE_FLOAT32,
		.in_place = in_place(f, i),
	};
	struct rg_err err = {0};
	size_t begin = noted;
	int code;

	rg_matrix_scale(NULL, (uint32_t)nranks, total, counts);
	check(mpi, !mpi->module->target_prepare(target, &call, &err), "%s", err.text);
	mpi->module->target_select(target);
	notes[begin] = '\0';
	code = mpi->module->target_run(target, &call);
	check(mpi, !code, "%zu floats: %d", lengths[i / 2], code);
	end_line(begin, f, i, mpi->module->target_runs_as(target, &call) != NULL);
}

/* The id of the Nth algorithm that may be used, and its name; 0 if there are fewer. */
static int nth_algorithm(struct rg_mpi *mpi, size_t f, int nth, char name[64])
{
	struct rg_mpi_algorithm list[64];
	uint32_t count;

	check(mpi,
	      !mpi->module->algorithms(functions[f].coll, functions[f].variant, list, 64, &count,
				       NULL),
	      "%s", functions[f].name);
	for (uint32_t i = 1; i < count && i < 64; i++) {
		if (list[i].refused[0] || --nth)
			continue;
		memcpy(name, list[i].name, 64);
		return list[i].id;
	}
	return 0;
}

/* Another target runs in between each time, so that nothing lasts by chance. */
static int run_glue(int nth)
{
	struct rg_mpi *mpi = open_glue();

	for (size_t f = 0; f < NFUNCTIONS; f++) {
		struct rg_mpi_target *target, *other;
		char name[64];
		int id = nth ? nth_algorithm(mpi, f, nth, name) : 0;

		if (nth && !id)
			continue;
		if (nth && !rank) {
			char variable[96];

			variable_of(f, variable);
			printf("%s=%s\n", variable, name);
		}
		target = open_target(mpi, f, id);
		other = open_target(mpi, f, id ? 0 : nth_algorithm(mpi, f, 2, name));
		for (size_t i = 0; i < NCALLS; i++) {
			size_t begin = noted;

			run_once(mpi, other, f, 0);
			noted = begin;
			run_once(mpi, target, f, i);
		}
		mpi->module->target_close(other);
		mpi->module->target_close(target);
	}
	report();
	rg_mpi_close(mpi);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	int nth = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 0;

	if (!strcmp(mode, "plain") || !strcmp(mode, "told"))
		return run_plain(mode[0] == 't');
	if (!strcmp(mode, "default"))
		return run_glue(0);
	if (!strcmp(mode, "forced") && nth > 0)
		return run_glue(nth);
	fprintf(stderr, "usage: selection_mpich plain|told|default|forced N\n");
	return 2;
}
