/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Traffic matrices: how much goes from each rank to each other in an all-to-all-v.
 *
 * A matrix is [nranks][nranks], row by row; row r is what rank r sends, column r what it receives,
 * and what a rank sends itself is part of both. *Counts* are elements. A rank's source has the
 * blocks of its row one after the other, its destination those of its column, without gaps.
 * *Weights* say how the traffic is shaped and become counts when a size is given:
 *
 *   file -> rg_matrix_read -> weights -> rg_matrix_scale (a size) -> counts
 *
 * Pure functions of borrowed arrays, but for the reading of a file. No sum may exceed UINT64_MAX;
 * those of a row or a column of weights, which are at most RG_MATRIX_WEIGHT_MAX, do not.
 */
#ifndef RAILGAUGE_BASE_MATRIX_H
#define RAILGAUGE_BASE_MATRIX_H

#include "railgauge/base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RG_MATRIX_WEIGHT_MAX UINT64_C(1000000000000)

static inline uint64_t rg_matrix_at(const uint64_t *matrix, uint32_t nranks, uint32_t from,
				    uint32_t to)
{
	return matrix[(uint64_t)from * nranks + to];
}

/* Sums of a row and of a column: the elements of a rank's source and of its destination. */
uint64_t rg_matrix_sent(const uint64_t *matrix, uint32_t nranks, uint32_t from);
uint64_t rg_matrix_received(const uint64_t *matrix, uint32_t nranks, uint32_t to);

/* Where the block from one rank to another begins in the one's source, the other's destination. */
uint64_t rg_matrix_src_at(const uint64_t *matrix, uint32_t nranks, uint32_t from, uint32_t to);
uint64_t rg_matrix_dst_at(const uint64_t *matrix, uint32_t nranks, uint32_t from, uint32_t to);

/* The largest sum of any row or column: the busiest rank's larger buffer. */
uint64_t rg_matrix_busiest(const uint64_t *matrix, uint32_t nranks);

/* The same without what ranks send themselves: what the busiest rank's link must carry. */
uint64_t rg_matrix_crossing(const uint64_t *matrix, uint32_t nranks);

/* All together, and of that what ranks send themselves. */
uint64_t rg_matrix_total(const uint64_t *matrix, uint32_t nranks);
uint64_t rg_matrix_diagonal(const uint64_t *matrix, uint32_t nranks);

/* Are all blocks equally long? */
bool rg_matrix_uniform(const uint64_t *matrix, uint32_t nranks);

/* Do any two ranks send to each other? */
bool rg_matrix_mutual(const uint64_t *matrix, uint32_t nranks);

/* The longest block, also of those that stay, and the shortest that is not empty (0: all are). */
uint64_t rg_matrix_longest(const uint64_t *matrix, uint32_t nranks);
uint64_t rg_matrix_shortest(const uint64_t *matrix, uint32_t nranks);

/*
 * In place a block takes the place of the one that is sent for it, as with MPI_IN_PLACE: do all
 * pairs send as much both ways? RG_ERR_UNSUPPORTED naming the first that does not.
 */
int rg_matrix_check_in_place(const uint64_t *counts, uint32_t nranks, struct rg_err *err);

/*
 * Counts in the proportions of weights[nranks][nranks] (NULL: all equal; else one of them at least
 * is not 0) such that the busiest rank has at most busiest_count elements: weight * busiest_count /
 * (largest sum of a row or column), rounded down. So where busiest_count is that largest sum, the
 * weights are the counts.
 */
void rg_matrix_scale(const uint64_t *weights, uint32_t nranks, uint64_t busiest_count,
		     uint64_t *counts_out);

/*
 * Reads weights from text: a line of nranks whole numbers for each rank that sends, with blanks
 * (spaces, tabs, the carriage return of a line's end) between them; empty lines, and what follows a
 * #, do not count. RG_ERR_FORMAT names name, the line and what was expected there; at least one
 * number must not be 0. weights_out[nranks][nranks] is undefined after a failure. text[len_bytes]
 * is followed by a zero byte.
 */
int rg_matrix_parse(const char *text, size_t len_bytes, const char *name, uint32_t nranks,
		    uint64_t *weights_out, struct rg_err *err);

/* The same from a file of up to RG_MATRIX_FILE_BYTES. And as rg_io_read_file. */
#define RG_MATRIX_FILE_BYTES ((size_t)64 << 20)
int rg_matrix_read(const char *path, uint32_t nranks, uint64_t *weights_out, struct rg_err *err);

#endif
