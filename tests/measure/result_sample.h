/* SPDX-License-Identifier: BSD-3-Clause */
/* A small result with one of everything, always the same: for the tests of document and report. */
#ifndef RG_TESTS_MEASURE_RESULT_SAMPLE_H
#define RG_TESTS_MEASURE_RESULT_SAMPLE_H

#include "railgauge/measure/result.h"

/*
 * Two ranks; all-reduce of 8 B, 64 KiB and 16 MiB, out of place and in place, on railgauge and mpi.
 * Times are those of a machine that is scale times as slow; the tenth of points that is "mpi" and
 * in place at 16 MiB was not run, and railgauge's 64 KiB have wrong elements and a fraction
 * above 1. NULL with err filled on failure.
 */
struct rg_result *sample_result(double scale, struct rg_err *err);

/* Its samples of a point, n of them, with the given median. */
#define SAMPLE_MAX 64
void sample_times(double median_ns, size_t n, double *samples_out);

#endif
