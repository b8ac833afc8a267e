/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of the search share: an artificial library, and what is asked of decisions. */
#ifndef RG_TESTS_TUNE_SEARCHES_H
#define RG_TESTS_TUNE_SEARCHES_H

#include "library.h"

/* Latency from quick, bandwidth from wide; they cross at 17.1 KB; the default lies between. */
#define CROSSING 4
extern const struct algorithm crossing[CROSSING];

/* Searches to the end; an error fails the test. */
struct rg_decision decide(struct library *library, const struct rg_search_config *config);

/* Of an algorithm at a size; none fails the test. */
const struct rg_evidence *evidence(const struct rg_decision *d, uint64_t size,
				   const char *algorithm);

/* The ranges have these algorithms in turn, without gaps. */
void expect_ranges(const struct rg_decision *d, uint32_t n, const char *const *algorithms);

#endif
