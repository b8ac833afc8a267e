/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The parts of the program selection:
 *   selection.c        what it is for; a plain program, and targets of the glue
 *   selection_ruled.c  files with rules, and the same by targets
 *   selection_trace.c  what is called
 */
#ifndef TESTS_MPI_SELECTION_H
#define TESTS_MPI_SELECTION_H

#include "railgauge/mpi/glue.h"

#include <stddef.h>
#include <stdint.h>

/* The program's symbols come before the libraries': only those that are meant to. */
#pragma GCC visibility push(hidden)

#define LARGEST	   ((size_t)1 << 20) /* floats per block */
#define NFUNCTIONS 11

/* Collectives with a choice, in the order of the lines. */
struct selection_function {
	enum rg_coll coll;
	enum rg_mpi_variant variant;
	const char *name;
};
extern const struct selection_function functions[NFUNCTIONS];

/* What was called since the last reset: "name(extra, ...) ...". */
extern char notes[1024];

/* For calls of up to LARGEST floats per block. */
void alloc_buffers(size_t nranks);

/* MPI's own functions on the world, as any program calls them. */
void call_plainly(size_t function, int n, int nranks);

/* Prints what was called of n floats, at rank 0. */
void report(int rank, size_t function, size_t n);

/* The glue with algorithms, and buffers; ends the program without it. */
struct rg_mpi *open_glue(void);
struct rg_mpi_target *open_target(struct rg_mpi *mpi, enum rg_coll coll,
				  enum rg_mpi_variant variant, int id, int64_t segment_bytes);

/* Returns what the glue says that the call runs as. */
const char *run_once(struct rg_mpi *mpi, size_t f, struct rg_mpi_target *target, size_t n);

/* Exit status. */
int run_write(const char *folder, uint64_t segment_bytes);
int run_ruled(void);
int run_chosen(uint64_t segment_bytes);

#pragma GCC visibility pop

#endif
