/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A job of all ranks in one process: their test data, their buffers, and an oracle that knows
 * nothing of how the data are made. It carries out the collective element by element and rounds
 * every partial result to the element type.
 */
#ifndef TESTS_MEASURE_DATA_ORACLE_H
#define TESTS_MEASURE_DATA_ORACLE_H

#include "railgauge/measure/data.h"

#define SEED	  42
#define MAX_RANKS 64

struct job {
	enum rg_coll coll;
	enum rg_type type;
	enum rg_op op;
	uint32_t nranks;
	uint64_t count;
	size_t elem;
	struct rg_data *data[MAX_RANKS];
	uint64_t counts[16]; /* alltoallv's, of up to 4 ranks */
	uint8_t *src[MAX_RANKS], *dst[MAX_RANKS];
};

/* Buffers of zeros, of src_elems and dst_elems elements. */
void open_job(struct job *j, enum rg_coll coll, enum rg_type type, enum rg_op op, uint32_t nranks,
	      uint64_t count);
void close_job(struct job *j);

bool is_v(const struct job *j);

/* Room for any rank's. */
size_t src_elems(const struct job *j);
size_t dst_elems(const struct job *j);

/* All ranks' sources of operation `number`. */
void fill_all(struct job *j, uint64_t number);

/* All ranks' destinations, by the definition of the collective. */
void carry_out(struct job *j, uint32_t root);

#endif
