/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A part of cases that are much alike and take long together: one of each `run` that follow each
 * other, at a place that is drawn, so that no part of `run` cases is empty by chance. RG_TEST_SEED
 * in the environment draws (see tests/local.mk); 1 if it is not set. With RG_FULL=1 in the
 * environment all are tried.
 */
#ifndef TESTS_LOT_H
#define TESTS_LOT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct lot {
	uint32_t run, at, place;
	uint32_t state; /* of lot_draw */
};

static inline bool is_full(void)
{
	return getenv("RG_FULL") != NULL;
}

/* Says the seed, which repeats it. */
static inline struct lot lot_of(uint32_t run)
{
	const char *text = getenv("RG_TEST_SEED");
	struct lot lot = {.run = run, .state = 1};

	if (text && *text)
		lot.state = (uint32_t)strtoull(text, NULL, 0);
	printf("RG_TEST_SEED=%#x\n", (unsigned)lot.state);
	return lot;
}

/* A number below n: the same sequence everywhere for the same state. */
static inline uint32_t lot_draw(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)(*state >> 8) * n >> 24);
}

/* Whether the next case is tried. */
static inline bool is_drawn(struct lot *lot)
{
	bool drawn;

	if (lot->at == 0)
		lot->place = lot_draw(&lot->state, lot->run);
	drawn = lot->at == lot->place;
	lot->at = (lot->at + 1) % lot->run;
	return drawn || is_full();
}

#endif
