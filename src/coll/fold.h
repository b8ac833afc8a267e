/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ranks folded to a power of two, for algorithms whose peers are at distances 1, 2, 4 ...
 *
 * Of p ranks, n = the largest power of two in p take part, numbered v = 0 .. n - 1. Of the first
 * 2 (p - n) ranks the even ones stay outside, each with the odd rank above it as its partner.
 * Numbers grow with ranks.
 */
#ifndef RG_COLL_FOLD_H
#define RG_COLL_FOLD_H

#include <stdbool.h>
#include <stdint.h>

#define RG_FOLD_NOBODY UINT32_MAX

struct rg_fold {
	uint32_t n;	  /* ranks that take part, a power of two */
	uint32_t extra;	  /* p - n */
	bool inside;	  /* this rank takes part */
	uint32_t v;	  /* its number, if inside */
	uint32_t partner; /* outside: who stands in; inside: for whom, or RG_FOLD_NOBODY */
};

static inline struct rg_fold rg_fold_of(uint32_t nranks, uint32_t rank)
{
	struct rg_fold f = {.n = 1, .inside = true, .partner = RG_FOLD_NOBODY};

	while (2 * f.n <= nranks)
		f.n *= 2;
	f.extra = nranks - f.n;
	f.v = rank - f.extra;
	if (rank < 2 * f.extra) {
		f.inside = rank % 2;
		f.v = rank / 2;
		f.partner = f.inside ? rank - 1 : rank + 1;
	}
	return f;
}

/* The rank whose number is v with one bit flipped. */
static inline uint32_t rg_fold_peer(const struct rg_fold *f, uint32_t bit)
{
	uint32_t v = f->v ^ bit;

	return v < f->extra ? 2 * v + 1 : v + f->extra;
}

#endif
