/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "searches.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

const struct algorithm crossing[CROSSING] = {
	{"default", 10000, 2, 0, 0, WORKS, 0},
	{"quick", 5000, 1, 0, 0, WORKS, 0},
	{"wide", 20000, 8, 0, 0, WORKS, 0},
	{"poor", 90000, 0.5, 0, 0, WORKS, 0},
};

struct rg_decision decide(struct library *library, const struct rg_search_config *config)
{
	struct rg_decision decision;
	struct rg_err err = {0};

	if (library_decide(library, config, &decision, &err))
		fail_msg("%s", err.text);
	return decision;
}

void expect_ranges(const struct rg_decision *d, uint32_t n, const char *const *algorithms)
{
	for (uint32_t i = 0; i < d->nranges; i++) {
		if (i >= n || strcmp(d->ranges[i].choice.algorithm, algorithms[i]) != 0)
			fail_msg("range %u of %u: %s", i, d->nranges,
				 d->ranges[i].choice.algorithm);
		assert_true(d->ranges[i].from_bytes == (i ? d->ranges[i - 1].to_bytes + 1 : 0));
	}
	assert_int_equal(d->nranges, n);
	assert_true(d->ranges[n - 1].to_bytes == UINT64_MAX);
}

const struct rg_evidence *evidence(const struct rg_decision *d, uint64_t size,
				   const char *algorithm)
{
	for (uint32_t i = 0; i < d->npoints; i++) {
		for (uint32_t k = 0; d->points[i].size_bytes == size && k < d->points[i].nevidence;
		     k++) {
			if (!strcmp(d->points[i].evidence[k].choice.algorithm, algorithm))
				return &d->points[i].evidence[k];
		}
	}
	fail_msg("no evidence of %s at %llu", algorithm, (unsigned long long)size);
	return NULL;
}
