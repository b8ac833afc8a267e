/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What MPI's collectives must deliver, by their definition and with small whole numbers, which all
 * types hold exactly. For tests of the module mpi; aborts the job through mpi when it is wrong.
 */
#ifndef RAILGAUGE_TESTS_MPI_ORACLE_H
#define RAILGAUGE_TESTS_MPI_ORACLE_H

#include "railgauge/mpi/glue.h"

/* Ends the whole job with the text when cond does not hold: the other ranks may be waiting. */
#define check(mpi, cond, ...) \
	((cond) ? (void)0 : check_failed(mpi, __FILE__, __LINE__, #cond, __VA_ARGS__))
void check_failed(struct rg_mpi *mpi, const char *file, int line, const char *what, const char *fmt,
		  ...) __attribute__((format(printf, 5, 6), noreturn));

/*
 * Prepares the target, runs it once with fresh buffers, checks each element of the result and that
 * nothing around it was written. coll is the target's. The call's buffers are ignored.
 */
void oracle_run(struct rg_mpi *mpi, struct rg_mpi_target *target, enum rg_coll coll,
		const struct rg_mpi_call *call, const char *what);

#endif
