/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "data_oracle.h"

#include "railgauge/base/matrix.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

bool is_v(const struct job *j)
{
	return j->coll == RG_COLL_ALLTOALLV;
}

/* Nothing, count, or twice as many elements from one rank to another, and back. */
static void make_counts(struct job *j)
{
	for (uint32_t i = 0; is_v(j) && i < j->nranks * j->nranks; i++)
		j->counts[i] = (i / j->nranks + i % j->nranks + 1) % 3 * j->count;
}

size_t src_elems(const struct job *j)
{
	if (is_v(j))
		return rg_matrix_busiest(j->counts, j->nranks);
	return rg_coll_src_count(j->coll, j->count, j->nranks);
}

size_t dst_elems(const struct job *j)
{
	if (is_v(j))
		return rg_matrix_busiest(j->counts, j->nranks);
	return rg_coll_dst_count(j->coll, j->count, j->nranks);
}

void open_job(struct job *j, enum rg_coll coll, enum rg_type type, enum rg_op op, uint32_t nranks,
	      uint64_t count)
{
	struct rg_err err = {0};

	*j = (struct job){coll, type, op, nranks, count, rg_type_bytes(type), {0}, {0}, {0}, {0}};
	make_counts(j);
	for (uint32_t r = 0; r < nranks; r++) {
		struct rg_data_problem p = {coll, type, op, nranks, r, SEED};

		assert_int_equal(rg_data_open(&p, &j->data[r], &err), 0);
		if (is_v(j))
			rg_data_set_counts(j->data[r], j->counts);
		j->src[r] = calloc(src_elems(j) + 1, j->elem);
		j->dst[r] = calloc(dst_elems(j) + 1, j->elem);
	}
}

void close_job(struct job *j)
{
	for (uint32_t r = 0; r < j->nranks; r++) {
		rg_data_close(j->data[r]);
		free(j->src[r]);
		free(j->dst[r]);
	}
}

static bool is_float(enum rg_type t)
{
	return t >= RG_TYPE_FLOAT16;
}

static double load_real(enum rg_type t, const uint8_t *p)
{
	uint16_t u16;
	float f;
	double d;

	switch (t) {
	case RG_TYPE_FLOAT16:
		memcpy(&u16, p, 2);
		return rg_half_to_float(u16);
	case RG_TYPE_BFLOAT16:
		memcpy(&u16, p, 2);
		return rg_bfloat16_to_float(u16);
	case RG_TYPE_FLOAT32:
		memcpy(&f, p, 4);
		return f;
	default:
		memcpy(&d, p, 8);
		return d;
	}
}

static void store_real(enum rg_type t, double v, uint8_t *p)
{
	uint16_t u16;
	float f = (float)v;

	switch (t) {
	case RG_TYPE_FLOAT16:
		u16 = rg_half_from_float(f);
		memcpy(p, &u16, 2);
		break;
	case RG_TYPE_BFLOAT16:
		u16 = rg_bfloat16_from_float(f);
		memcpy(p, &u16, 2);
		break;
	case RG_TYPE_FLOAT32:
		memcpy(p, &f, 4);
		break;
	default:
		memcpy(p, &v, 8);
		break;
	}
}

static double combine_real(enum rg_op op, double a, double b)
{
	switch (op) {
	case RG_OP_PROD:
		return a * b;
	case RG_OP_MIN:
		return b < a ? b : a;
	case RG_OP_MAX:
		return b > a ? b : a;
	default:
		return a + b;
	}
}

/* One type's own arithmetic, in the type. */
#define COMBINE_WHOLE(ctype, utype)                                                   \
	do {                                                                          \
		ctype a, b;                                                           \
		memcpy(&a, acc, sizeof(a));                                           \
		memcpy(&b, in, sizeof(b));                                            \
		if (op == RG_OP_MIN)                                                  \
			a = b < a ? b : a;                                            \
		else if (op == RG_OP_MAX)                                             \
			a = b > a ? b : a;                                            \
		else if (op == RG_OP_PROD)                                            \
			a = (ctype)(utype)((uint64_t)(utype)a * (uint64_t)(utype)b);  \
		else                                                                  \
			a = (ctype)(utype)((uint64_t)(utype)a + (uint64_t)(utype)b);  \
		if (divide > 1)                                                       \
			a = (ctype)(sizeof(a) == 8 && (ctype)-1 > 0                   \
					    ? (ctype)((uint64_t)a / (uint64_t)divide) \
					    : (ctype)((int64_t)a / (int64_t)divide)); \
		memcpy(acc, &a, sizeof(a));                                           \
	} while (0)

/* acc = op(acc, in), then divided if divide > 1. */
static void combine(enum rg_type t, enum rg_op op, uint8_t *acc, const uint8_t *in, uint32_t divide)
{
	if (is_float(t)) {
		double v = combine_real(op, load_real(t, acc), load_real(t, in));

		store_real(t, v, acc);
		if (divide > 1)
			store_real(t, load_real(t, acc) / divide, acc);
		return;
	}
	switch (t) {
	case RG_TYPE_INT8:
		COMBINE_WHOLE(int8_t, uint8_t);
		break;
	case RG_TYPE_UINT8:
		COMBINE_WHOLE(uint8_t, uint8_t);
		break;
	case RG_TYPE_INT32:
		COMBINE_WHOLE(int32_t, uint32_t);
		break;
	case RG_TYPE_UINT32:
		COMBINE_WHOLE(uint32_t, uint32_t);
		break;
	case RG_TYPE_INT64:
		COMBINE_WHOLE(int64_t, uint64_t);
		break;
	default:
		COMBINE_WHOLE(uint64_t, uint64_t);
		break;
	}
}

/* Element i of the reduction, beginning with rank `begin` and going round. */
static void reduce_element(const struct job *j, size_t i, uint32_t begin, uint8_t *out)
{
	uint8_t acc[8] = {0};

	memcpy(acc, j->src[begin] + i * j->elem, j->elem);
	for (uint32_t n = 1; n < j->nranks; n++) {
		uint32_t r = (begin + n) % j->nranks;
		uint32_t divide = j->op == RG_OP_AVG && n == j->nranks - 1 ? j->nranks : 1;

		combine(j->type, j->op, acc, j->src[r] + i * j->elem, divide);
	}
	memcpy(out, acc, j->elem);
}

void fill_all(struct job *j, uint64_t number)
{
	for (uint32_t r = 0; r < j->nranks; r++)
		rg_data_fill(j->data[r], j->src[r], j->count, number);
}

/* Block by block, from rank s to rank r. */
static void move_block(struct job *j, uint32_t s, uint32_t r)
{
	uint32_t p = j->nranks;

	memcpy(j->dst[r] + rg_matrix_dst_at(j->counts, p, s, r) * j->elem,
	       j->src[s] + rg_matrix_src_at(j->counts, p, s, r) * j->elem,
	       rg_matrix_at(j->counts, p, s, r) * j->elem);
}

void carry_out(struct job *j, uint32_t root)
{
	size_t block = j->count * j->elem;
	uint32_t p = j->nranks;

	for (uint32_t r = 0; r < p; r++) {
		switch (j->coll) {
		case RG_COLL_ALLREDUCE:
			for (size_t i = 0; i < j->count; i++)
				reduce_element(j, i, r, j->dst[r] + i * j->elem);
			break;
		case RG_COLL_REDUCE:
			for (size_t i = 0; r == root && i < j->count; i++)
				reduce_element(j, i, r, j->dst[r] + i * j->elem);
			break;
		case RG_COLL_REDUCESCATTER:
			for (size_t i = 0; i < j->count; i++)
				reduce_element(j, r * j->count + i, r, j->dst[r] + i * j->elem);
			break;
		case RG_COLL_ALLGATHER:
			for (uint32_t s = 0; s < p; s++)
				memcpy(j->dst[r] + s * block, j->src[s], block);
			break;
		case RG_COLL_GATHER:
			for (uint32_t s = 0; r == root && s < p; s++)
				memcpy(j->dst[r] + s * block, j->src[s], block);
			break;
		case RG_COLL_SCATTER:
			memcpy(j->dst[r], j->src[root] + r * block, block);
			break;
		case RG_COLL_ALLTOALL:
			for (uint32_t s = 0; s < p; s++)
				memcpy(j->dst[r] + s * block, j->src[s] + r * block, block);
			break;
		case RG_COLL_ALLTOALLV:
			for (uint32_t s = 0; s < p; s++)
				move_block(j, s, r);
			break;
		case RG_COLL_BROADCAST:
			memcpy(j->dst[r], j->src[root], block);
			break;
		case RG_COLL_SENDRECV:
			memcpy(j->dst[r], j->src[(r + p - 1) % p], block);
			break;
		default:
			break;
		}
	}
}
