/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Decisions for tests: MPI_Allreduce with three ranges (default, recursive_doubling, segmented_ring
 * in segments of 1 MiB) and their evidence, MPI_Barrier with one (tree), MPI_Bcast left alone, of
 * four ranks on one node whose binding is known.
 */
#ifndef RG_TESTS_DECISIONS_SAMPLE_H
#define RG_TESTS_DECISIONS_SAMPLE_H

#include "railgauge/tune/decisions.h"

/* NULL without memory, with the error. */
struct rg_decisions *sample_decisions(struct rg_err *err);

#endif
