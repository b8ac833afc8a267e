/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranks folded to a number that suits an algorithm, as a power of two.
 *
 * Of p ranks, n take part, numbered v = 0 .. n - 1, n being at least p / 2. Of the first 2 (p - n)
 * ranks the even ones stay outside, each with the odd rank above it as its partner. Numbers grow
 * with ranks. Source: [Thakur05, section 4.1].
 */
#ifndef RG_COLL_FOLD_H
#define RG_COLL_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#define RG_FOLD_NOBODY UINT32_MAX

struct rg_fold {
	uint32_t n;	  /* ranks that take part */
	uint32_t extra;	  /* p - n */
	bool inside;	  /* this rank takes part */
	uint32_t v;	  /* its number, if inside */
	uint32_t partner; /* outside: who stands in; inside: for whom, or RG_FOLD_NOBODY */
};

static inline struct rg_fold rg_fold_into(uint32_t n, uint32_t nranks, uint32_t rank)
{
	struct rg_fold f = {.n = n, .extra = nranks - n, .inside = true, .partner = RG_FOLD_NOBODY};

	f.v = rank - f.extra;
	if (rank < 2 * f.extra) {
		f.inside = rank % 2;
		f.v = rank / 2;
		f.partner = f.inside ? rank - 1 : rank + 1;
	}
	return f;
}

/* To the largest power of two in nranks. */
static inline struct rg_fold rg_fold_of(uint32_t nranks, uint32_t rank)
{
	uint32_t n = 1;

	while (2 * n <= nranks)
		n *= 2;
	return rg_fold_into(n, nranks, rank);
}

/* The rank whose number is v. */
static inline uint32_t rg_fold_rank(const struct rg_fold *f, uint32_t v)
{
	return v < f->extra ? 2 * v + 1 : v + f->extra;
}

/* The rank whose number is this one's with one bit flipped. */
static inline uint32_t rg_fold_peer(const struct rg_fold *f, uint32_t bit)
{
	return rg_fold_rank(f, f->v ^ bit);
}

#endif
