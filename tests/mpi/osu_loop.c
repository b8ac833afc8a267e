/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The way OSU and IMB time an all-reduce, in plain MPI and without any code of railgauge's: warm
 * up, barrier, then the mean of back-to-back calls on one pair of buffers; the maximum over ranks.
 * As there, both buffers begin on pages and are written before: memory that nobody has written is
 * one page of zeroes for the kernel, and reading it is reading the level-1 cache.
 * Prints "bytes us" per size. Usage: mpirun -np N osu_loop [BYTES...]; float sum.
 */
#include "config.h"

#include <mpi.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *buffer(long bytes, int value)
{
	void *p = NULL;

	if (bytes < 0 || posix_memalign(&p, 4096, (size_t)bytes + 4))
		MPI_Abort(MPI_COMM_WORLD, 1);
	memset(p, value, (size_t)bytes + 4);
	return p;
}

static double mean_us(void *src, void *dst, long bytes, int calls)
{
	int count = (int)(bytes / (long)sizeof(float));
	double start = 0, mean, worst;

	for (int i = -(calls / 10 + 1); i < calls; i++) {
		if (i == 0) {
			MPI_Barrier(MPI_COMM_WORLD);
			start = MPI_Wtime();
		}
		MPI_Allreduce(src, dst, count, MPI_FLOAT, MPI_SUM, MPI_COMM_WORLD);
	}
	mean = (MPI_Wtime() - start) / calls * 1e6;
	MPI_Allreduce(&mean, &worst, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
	return worst;
}

int main(int argc, char **argv)
{
	static const long sizes[] = {8, 1 << 10, 64 << 10, 1 << 20, 16 << 20, 64 << 20};
	int rank, n = argc > 1 ? argc - 1 : (int)(sizeof(sizes) / sizeof(sizes[0]));

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &rank);
	for (int i = 0; i < n; i++) {
		long bytes = argc > 1 ? strtol(argv[i + 1], NULL, 10) : sizes[i];
		void *src = buffer(bytes, 1), *dst = buffer(bytes, 0);
		int calls = bytes <= 8192 ? 10000 : bytes <= 1 << 20 ? 1000 : 20;
		double us = mean_us(src, dst, bytes, calls);

		if (!rank)
			printf("%ld %.3f\n", bytes, us);
		free(src);
		free(dst);
	}
	MPI_Finalize();
	return 0;
}
