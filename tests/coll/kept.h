/* SPDX-License-Identifier: BSD-3-Clause */
/* A schedule that is kept: all steps of one rank, with their references. */
#ifndef TESTS_COLL_KEPT_H
#define TESTS_COLL_KEPT_H

#include "railgauge/coll/schedule.h"

struct kept {
	struct rg_step step; /* its lists are the generator's, and gone */
	size_t refs; /* instead: first of sources, then destinations, in the schedule's refs */
};

struct kept_schedule {
	struct kept *steps; /* owned */
	size_t n, cap;
	struct rg_ref *refs; /* owned */
	size_t nrefs, refs_cap;
};

/* Every step of that rank; zero, or the generator's error. The test ends without memory. */
int keep_schedule(const struct rg_algorithm *row, const struct rg_problem *p, uint32_t rank,
		  struct kept_schedule *kept, struct rg_schedule_needs *needs, struct rg_err *err);
void kept_free(struct kept_schedule *kept);

/* Room for n of `each` bytes in *(void **)array, which has *cap. */
void kept_grow(void *array, size_t *cap, size_t n, size_t each);

#endif
