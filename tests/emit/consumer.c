/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * For test_consumer.sh: does Open MPI do with a rules file what our reader says that it does? One
 * MPI job with that file loaded. In it, algorithm 99 stands for "this call must fail": where the
 * reader finds such a rule, and only there, it does.
 */
#include "config.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"
#include "railgauge/emit/rules.h"

#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>

#define BYTES_MAX 80000

static char source[BYTES_MAX], destination[BYTES_MAX];

struct call {
	int function;
	int (*run)(int bytes);
};

static int run_allreduce(int bytes)
{
	return MPI_Allreduce(source, destination, bytes, MPI_UINT8_T, MPI_MAX, MPI_COMM_WORLD);
}

static int run_broadcast(int bytes)
{
	return MPI_Bcast(destination, bytes, MPI_UINT8_T, 0, MPI_COMM_WORLD);
}

/* Looked up for size 0: the send count is not given. With nothing to receive no rule is looked up.
 */
static int run_allgather_in_place(int bytes)
{
	int nranks;

	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	return MPI_Allgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, destination, bytes / nranks + 1,
			     MPI_UINT8_T, MPI_COMM_WORLD);
}

static const struct call calls[] = {
	{2, run_allreduce}, {7, run_broadcast}, {0, run_allgather_in_place}};

static int compare(const struct rg_rules *rules, const struct call *call, int nranks, int bytes)
{
	int looked_up = call->function ? bytes : 0;
	const struct rg_rule *rule =
		rg_rules_lookup(rules, call->function, (uint32_t)nranks, (uint64_t)looked_up);
	bool fails = rule && rule->algorithm == 99, failed = call->run(bytes) != MPI_SUCCESS;

	if (fails == failed)
		return 0;
	printf("function %d, %d bytes, %d ranks: %s, but the reader says otherwise\n",
	       call->function, bytes, nranks, failed ? "fails" : "works");
	return 1;
}

static int compare_all(const struct rg_rules *rules)
{
	static const int sizes[] = {1,	  8,	 83,	100,   511,   512,  513,  532,
				    799,  1000,	 1023,	1024,  4095,  4096, 8191, 8192,
				    9999, 10000, 32767, 32768, 65535, 65536};
	int nranks, wrong = 0;

	MPI_Comm_size(MPI_COMM_WORLD, &nranks);
	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
			wrong += compare(rules, &calls[c], nranks, sizes[i]);
	}
	return wrong;
}

int main(int argc, char **argv)
{
	struct rg_file_findings findings = {0};
	struct rg_ompi_version version;
	struct rg_rules rules;
	char line[MPI_MAX_LIBRARY_VERSION_STRING], *text = NULL;
	size_t len;
	bool ok;
	int n, wrong;

	MPI_Init(&argc, &argv);
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
	MPI_Get_library_version(line, &n);
	if (argc != 2 || rg_ompi_version_of(line, &version, NULL) ||
	    rg_io_read_file(argv[1], 1 << 20, &text, &len, NULL) ||
	    rg_rules_parse(text, len, &version, &rules, &ok, &findings, NULL))
		MPI_Abort(MPI_COMM_WORLD, 2);
	wrong = compare_all(&rules);
	rg_rules_release(&rules);
	rg_file_findings_release(&findings);
	rg_free(text);
	MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_ARE_FATAL);
	MPI_Finalize();
	return wrong != 0;
}
