/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inputs of reductions whose result is exact in whatever order they are reduced, also when every
 * partial result is rounded to the element type (an MPI library may accumulate half in half).
 */
#include "config.h"

#include "data_values.h"

#include <string.h>

uint64_t rg_data_mix(uint64_t a, uint64_t b)
{
	/* The finaliser of SplitMix64 over both words, [Steele14, figure 15]. */
	uint64_t z = a * 0x9e3779b97f4a7c15u + b;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static bool is_float(enum rg_type type)
{
	return type == RG_TYPE_FLOAT16 || type == RG_TYPE_BFLOAT16 || type == RG_TYPE_FLOAT32 ||
	       type == RG_TYPE_FLOAT64;
}

static bool is_signed(enum rg_type type)
{
	return type == RG_TYPE_INT8 || type == RG_TYPE_INT32 || type == RG_TYPE_INT64;
}

/* The largest n such that 0, 1, ... n are all exact. */
static uint64_t largest_exact(enum rg_type type)
{
	switch (type) {
	case RG_TYPE_BFLOAT16:
		return (uint64_t)1 << 8;
	case RG_TYPE_FLOAT16:
		return (uint64_t)1 << 11;
	case RG_TYPE_FLOAT32:
		return (uint64_t)1 << 24;
	case RG_TYPE_FLOAT64:
		return (uint64_t)1 << 53;
	default:
		return UINT64_MAX >> (64 - 8 * rg_type_bytes(type) + (is_signed(type) ? 1 : 0));
	}
}

int rg_data_values_check(const struct rg_data_problem *problem, struct rg_err *err)
{
	uint64_t most = largest_exact(problem->type);

	if (problem->op != RG_OP_AVG || problem->nranks <= most)
		return 0;
	return rg_err_set(err, RG_ERR_UNSUPPORTED,
			  "no exact test data for the average of %s over %u ranks: the type counts "
			  "to %llu only",
			  rg_type_name(problem->type), problem->nranks, (unsigned long long)most);
}

static void put_whole(enum rg_type type, uint64_t v, void *out)
{
	/* Truncation keeps the low bits, which is what wrapping arithmetic gives. */
	switch (rg_type_bytes(type)) {
	case 1:
		memcpy(out, &(uint8_t){(uint8_t)v}, 1);
		break;
	case 4:
		memcpy(out, &(uint32_t){(uint32_t)v}, 4);
		break;
	default:
		memcpy(out, &v, 8);
		break;
	}
}

static void put_real(enum rg_type type, double v, void *out)
{
	switch (type) {
	case RG_TYPE_FLOAT16:
		memcpy(out, &(uint16_t){rg_half_from_float((float)v)}, 2);
		break;
	case RG_TYPE_BFLOAT16:
		memcpy(out, &(uint16_t){rg_bfloat16_from_float((float)v)}, 2);
		break;
	case RG_TYPE_FLOAT32:
		memcpy(out, &(float){(float)v}, 4);
		break;
	default:
		memcpy(out, &v, 8);
		break;
	}
}

/* The random word of one rank for an element. */
static uint64_t word_of(const struct rg_data_element *e, uint32_t rank)
{
	return rg_data_mix(rg_data_mix(e->problem->seed, (e->position << 1) | e->odd), rank);
}

/* An order-preserving image of an integer's bits in uint64_t. */
static uint64_t ordered(enum rg_type type, uint64_t v)
{
	unsigned unused = 64 - 8 * (unsigned)rg_type_bytes(type);

	v <<= unused; /* the sign, if any, is now the top bit */
	return is_signed(type) ? v ^ ((uint64_t)1 << 63) : v;
}

/* Whole numbers e + x and e - x for pairs of ranks, e for one left over: the average is e. */
static uint64_t average_value(const struct rg_data_element *e, uint32_t rank, uint64_t *average_out)
{
	uint64_t largest = largest_exact(e->problem->type) / e->problem->nranks;
	uint64_t random = rg_data_mix(e->problem->seed, (e->position << 1) | e->odd) >> 8;
	uint64_t average, x;

	if (e->odd)
		average = 2 * (random % (largest - largest / 2)) + 1;
	else
		average = largest >= 2 ? 2 * (random % (largest / 2)) + 2 : 0;
	*average_out = average;
	if ((rank ^ 1) >= e->problem->nranks)
		return average;
	x = word_of(e, rank / 2) % (average + 1);
	return rank & 1 ? average - x : average + x;
}

/*
 * One rank's integer before rank 0 is adjusted. Sums and products wrap, so that all bits may be
 * random; the lowest bits tell odd from even operations.
 */
static uint64_t whole_value(const struct rg_data_element *e, uint32_t rank)
{
	uint64_t v = word_of(e, rank);
	uint64_t average;

	switch (e->problem->op) {
	case RG_OP_PROD:
		return v | 1;
	case RG_OP_MIN:
	case RG_OP_MAX:
		return (v & ~(uint64_t)1) | e->odd;
	case RG_OP_AVG:
		return average_value(e, rank, &average);
	default:
		return v;
	}
}

static uint64_t whole_combine(const struct rg_data_element *e, uint64_t a, uint64_t b)
{
	enum rg_type type = e->problem->type;

	switch (e->problem->op) {
	case RG_OP_PROD:
		return a * b;
	case RG_OP_MIN:
		return ordered(type, a) < ordered(type, b) ? a : b;
	case RG_OP_MAX:
		return ordered(type, a) > ordered(type, b) ? a : b;
	default:
		return a + b;
	}
}

static void whole_values(const struct rg_data_element *e, void *mine, void *result)
{
	const struct rg_data_problem *p = e->problem;
	uint64_t first = whole_value(e, 0);
	uint64_t all = first, adjusted = first;

	for (uint32_t r = 1; r < p->nranks; r++)
		all = whole_combine(e, all, whole_value(e, r));
	if (p->op == RG_OP_SUM && (all & 1) != e->odd) {
		adjusted = first ^ 1;
		all += adjusted - first;
	} else if (p->op == RG_OP_PROD && (all & 3) != (e->odd ? 3u : 1u)) {
		adjusted = first * 3; /* swaps the two remainders that odd numbers have modulo 4 */
		all *= 3;
	} else if (p->op == RG_OP_AVG) {
		(void)average_value(e, 0, &all);
	}
	put_whole(p->type, p->rank == 0 ? adjusted : whole_value(e, p->rank), mine);
	put_whole(p->type, all, result);
}

/*
 * Not all ranks can contribute to an element when the type counts to less than their number: every
 * stride-th does, which ones depends on the element.
 */
static bool contributes(const struct rg_data_element *e, uint32_t rank, uint64_t most,
			uint64_t *each_out)
{
	uint64_t stride = (e->problem->nranks + most - 1) / most;

	*each_out = most * stride / (e->problem->nranks + stride - 1);
	return (rank + e->position) % stride == 0;
}

#define PROD_RANKS 8 /* partial products stay within 2^-8 and 2^8: exact in every type */

static double real_value(const struct rg_data_element *e, uint32_t rank)
{
	uint64_t most = largest_exact(e->problem->type);
	uint64_t v = word_of(e, rank);
	uint64_t each, average;
	double magnitude;

	switch (e->problem->op) {
	case RG_OP_PROD:
		magnitude = 1;
		if (contributes(e, rank, PROD_RANKS, &each))
			magnitude = v & 2 ? 2 : 0.5;
		return v & 1 ? -magnitude : magnitude;
	case RG_OP_MIN:
	case RG_OP_MAX:
		magnitude = (double)(((v >> 1) % (most / 2)) * 2 + e->odd);
		return (v & 1) && magnitude > 0 ? -magnitude : magnitude; /* no -0 */
	case RG_OP_AVG:
		return (double)average_value(e, rank, &average);
	default:
		/* One is kept back for rank 0's adjustment. */
		return contributes(e, rank, most - 1, &each) ? (double)(v % (each + 1)) : 0;
	}
}

static double real_combine(enum rg_op op, double a, double b)
{
	switch (op) {
	case RG_OP_PROD:
		return a * b;
	case RG_OP_MIN:
		return a < b ? a : b;
	case RG_OP_MAX:
		return a > b ? a : b;
	default:
		return a + b;
	}
}

static void real_values(const struct rg_data_element *e, void *mine, void *result)
{
	const struct rg_data_problem *p = e->problem;
	double first = real_value(e, 0);
	double all = first, adjusted = first;
	uint64_t average;

	for (uint32_t r = 1; r < p->nranks; r++)
		all = real_combine(p->op, all, real_value(e, r));
	if (p->op == RG_OP_SUM && ((uint64_t)all & 1) != e->odd) {
		adjusted = (uint64_t)first & 1 ? first - 1 : first + 1;
		all += adjusted - first;
	} else if (p->op == RG_OP_PROD && (all < 0) != e->odd) {
		adjusted = -first;
		all = -all;
	} else if (p->op == RG_OP_AVG) {
		(void)average_value(e, 0, &average);
		all = (double)average;
	}
	put_real(p->type, p->rank == 0 ? adjusted : real_value(e, p->rank), mine);
	put_real(p->type, all, result);
}

void rg_data_values(const struct rg_data_element *element, void *mine, void *result)
{
	if (is_float(element->problem->type))
		real_values(element, mine, result);
	else
		whole_values(element, mine, result);
}
