/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/base/matrix.h"

__extension__ typedef unsigned __int128 wide;

uint64_t rg_matrix_src_at(const uint64_t *matrix, uint32_t nranks, uint32_t from, uint32_t to)
{
	uint64_t at = 0;

	for (uint32_t r = 0; r < to; r++)
		at += rg_matrix_at(matrix, nranks, from, r);
	return at;
}

uint64_t rg_matrix_dst_at(const uint64_t *matrix, uint32_t nranks, uint32_t from, uint32_t to)
{
	uint64_t at = 0;

	for (uint32_t r = 0; r < from; r++)
		at += rg_matrix_at(matrix, nranks, r, to);
	return at;
}

uint64_t rg_matrix_sent(const uint64_t *matrix, uint32_t nranks, uint32_t from)
{
	return rg_matrix_src_at(matrix, nranks, from, nranks);
}

uint64_t rg_matrix_received(const uint64_t *matrix, uint32_t nranks, uint32_t to)
{
	return rg_matrix_dst_at(matrix, nranks, nranks, to);
}

static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

uint64_t rg_matrix_busiest(const uint64_t *matrix, uint32_t nranks)
{
	uint64_t most = 0;

	for (uint32_t r = 0; r < nranks; r++) {
		most = larger(most, rg_matrix_sent(matrix, nranks, r));
		most = larger(most, rg_matrix_received(matrix, nranks, r));
	}
	return most;
}

uint64_t rg_matrix_crossing(const uint64_t *matrix, uint32_t nranks)
{
	uint64_t most = 0;

	for (uint32_t r = 0; r < nranks; r++) {
		uint64_t own = rg_matrix_at(matrix, nranks, r, r);

		most = larger(most, rg_matrix_sent(matrix, nranks, r) - own);
		most = larger(most, rg_matrix_received(matrix, nranks, r) - own);
	}
	return most;
}

uint64_t rg_matrix_total(const uint64_t *matrix, uint32_t nranks)
{
	uint64_t sum = 0;

	for (uint32_t r = 0; r < nranks; r++)
		sum += rg_matrix_sent(matrix, nranks, r);
	return sum;
}

uint64_t rg_matrix_diagonal(const uint64_t *matrix, uint32_t nranks)
{
	uint64_t sum = 0;

	for (uint32_t r = 0; r < nranks; r++)
		sum += rg_matrix_at(matrix, nranks, r, r);
	return sum;
}

bool rg_matrix_uniform(const uint64_t *matrix, uint32_t nranks)
{
	for (uint64_t i = 1; i < (uint64_t)nranks * nranks; i++) {
		if (matrix[i] != matrix[0])
			return false;
	}
	return true;
}

bool rg_matrix_mutual(const uint64_t *matrix, uint32_t nranks)
{
	for (uint32_t a = 0; a < nranks; a++) {
		for (uint32_t b = 0; b < a; b++) {
			if (rg_matrix_at(matrix, nranks, a, b) &&
			    rg_matrix_at(matrix, nranks, b, a))
				return true;
		}
	}
	return false;
}

uint64_t rg_matrix_longest(const uint64_t *matrix, uint32_t nranks)
{
	uint64_t most = 0;

	for (uint64_t i = 0; i < (uint64_t)nranks * nranks; i++)
		most = larger(most, matrix[i]);
	return most;
}

uint64_t rg_matrix_shortest(const uint64_t *matrix, uint32_t nranks)
{
	uint64_t least = 0;

	for (uint64_t i = 0; i < (uint64_t)nranks * nranks; i++) {
		if (matrix[i] && (!least || matrix[i] < least))
			least = matrix[i];
	}
	return least;
}

int rg_matrix_check_in_place(const uint64_t *counts, uint32_t nranks, struct rg_err *err)
{
	for (uint32_t a = 0; a < nranks; a++) {
		for (uint32_t b = 0; b < a; b++) {
			uint64_t there = rg_matrix_at(counts, nranks, b, a);
			uint64_t back = rg_matrix_at(counts, nranks, a, b);

			if (there != back)
				return rg_err_set(err, RG_ERR_UNSUPPORTED,
						  "in place as much must come as goes, but rank %u "
						  "sends rank %u %llu elements and gets %llu",
						  b, a, (unsigned long long)there,
						  (unsigned long long)back);
		}
	}
	return 0;
}

void rg_matrix_scale(const uint64_t *weights, uint32_t nranks, uint64_t busiest_count,
		     uint64_t *counts_out)
{
	uint64_t busiest = weights ? rg_matrix_busiest(weights, nranks) : nranks;

	for (uint64_t i = 0; i < (uint64_t)nranks * nranks; i++) {
		uint64_t weight = weights ? weights[i] : 1;

		counts_out[i] = (uint64_t)((wide)weight * busiest_count / busiest);
	}
}
