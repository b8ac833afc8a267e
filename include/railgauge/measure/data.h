/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Test data: what goes into the sources, and what must come out.
 *
 * Every element depends on the rank, its index and the number of the operation, and inputs are
 * chosen so that the exact result is known without communication and does not depend on the order
 * of reduction:
 *
 *   moved data   random bit patterns
 *   sum          integers: all bits, wrapping; floats: small whole numbers whose total is exact in
 *                the type (at most 256 for bfloat16, 2,048 for half, 2^24 and 2^53)
 *   avg          whole numbers whose total is the rank count times a whole number
 *   prod         integers: odd numbers, wrapping; floats: +-1, with at most 8 ranks per element
 *                that bring 2 or 0.5 instead
 *   min, max     integers: all bits; floats: whole numbers of both signs
 *
 * The right result of an even and of an odd operation differ in every element, so that a stale
 * result is found for certain when the numbers alternate. (Moved data: for certain as well; one
 * pattern is the complement of the other.)
 *
 * How it is fast. Values repeat with a period of 4,093 elements, a prime, so that pieces in the
 * wrong place (whose distances are mostly round numbers) meet other values; each period starts at
 * another place in the table, drawn from the number of the period, the operation and (moved data)
 * the rank. So filling is memcpy and checking is memcmp out of tables that fit the cache; 64 MiB
 * takes about as long as reading it.
 *
 * Reductions of n ranks cost n * 4,093 steps when a struct rg_data is opened. Nothing else here
 * depends on the number of ranks (all-to-all-v does, by its square), allocates, blocks or fails. An
 * object is read-only after open, but for rg_data_set_counts, and may be used by several threads.
 */
#ifndef RAILGAUGE_MEASURE_DATA_H
#define RAILGAUGE_MEASURE_DATA_H

#include "railgauge/base/collective.h"
#include "railgauge/base/err.h"
#include "railgauge/device/types.h"

#include <stddef.h>
#include <stdint.h>

struct rg_data;

/* Which data. All members but rank are equal on all ranks. */
struct rg_data_problem {
	enum rg_coll coll;
	enum rg_type type;
	enum rg_op op; /* ignored unless the collective reduces */
	uint32_t nranks;
	uint32_t rank;
	uint64_t seed;
};

/* The first wrong element of a destination. Values are in the element's own representation. */
struct rg_data_wrong {
	uint64_t index; /* element of the destination */
	uint8_t got[8], expected[8];
};

/*
 * RG_ERR_UNSUPPORTED when there are no exact data for so many ranks (averages of types too small to
 * count them), with the reason; RG_ERR_NO_MEMORY.
 */
int rg_data_open(const struct rg_data_problem *problem, struct rg_data **data_out,
		 struct rg_err *err);
void rg_data_close(struct rg_data *data); /* NULL is allowed */

/*
 * Of alltoallv, before anything else and whenever they change: what goes from each rank to each
 * (base/matrix.h), borrowed until then. count below is then not looked at.
 */
void rg_data_set_counts(struct rg_data *data, const uint64_t *counts);

/*
 * Fills this rank's source of operation number number. count is the block (base/collective.h), src
 * has rg_coll_src_count() elements.
 */
void rg_data_fill(const struct rg_data *data, void *src, uint64_t count, uint64_t number);

/*
 * The same in place: buffer has the larger of source and destination, and this rank's part goes
 * where nccl-tests' rule has it. Ranks that contribute nothing (broadcast, scatter) get the
 * pattern of another operation, so that the right result is never there beforehand.
 */
void rg_data_fill_in_place(const struct rg_data *data, void *buffer, uint64_t count, uint32_t root,
			   uint64_t number);

/*
 * Where source and destination begin in the one buffer of an operation in place, in elements, for
 * a given rank.
 */
uint64_t rg_data_in_place_src(enum rg_coll coll, uint64_t count, uint32_t rank);
uint64_t rg_data_in_place_dst(enum rg_coll coll, uint64_t count, uint32_t rank);

/* Elements of this rank's destination, all of which are checked; 0 where it has none. */
uint64_t rg_data_dst_count(const struct rg_data *data, uint64_t count, uint32_t root);

/*
 * Compares a whole destination with what operation number must give. Returns how many elements are
 * wrong; if any, *first_out (may be NULL) is filled.
 */
uint64_t rg_data_check(const struct rg_data *data, const void *dst, uint64_t count, uint32_t root,
		       uint64_t number, struct rg_data_wrong *first_out);

/*
 * A few elements of another operation's number, so that a result can be told from the one before it
 * although hardly a cache line is touched: of each block the elements first, first + step, ... The
 * same on all ranks; step > 0, and number is odd where that of the other elements is even, or the
 * reverse.
 */
struct rg_data_marks {
	uint64_t number, first, step;
};

/* Gives the marked elements of a source the values of operation marks->number. */
void rg_data_mark(const struct rg_data *data, void *src, uint64_t count,
		  const struct rg_data_marks *marks);

/* Gives the marked elements of a destination values that are wrong in every bit. */
void rg_data_spoil(const struct rg_data *data, void *dst, uint64_t count, uint32_t root,
		   const struct rg_data_marks *marks);

/* As rg_data_check, of an operation whose sources were filled for number and then marked. */
uint64_t rg_data_check_marked(const struct rg_data *data, const void *dst, uint64_t count,
			      uint32_t root, uint64_t number, const struct rg_data_marks *marks,
			      struct rg_data_wrong *first_out);

/* An element as text: "3", "-0.5", bits as well where the type is not an integer. Returns text. */
#define RG_DATA_TEXT_BYTES 48
char *rg_data_format(enum rg_type type, const uint8_t value[8], char *text);

#endif
