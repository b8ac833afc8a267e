/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Hand-written schedules of two ranks with one mistake each (NONE has none), which the prover must
 * find. All but one are all-reduces: an exchange through slots or words, or one through windows or
 * by reads.
 */
#ifndef TESTS_COLL_PLANTED_H
#define TESTS_COLL_PLANTED_H

#include "railgauge/coll/schedule.h"

#define MISTAKE_LIST(X)   \
	X(NONE)           \
	X(REDUCE_TWICE)   \
	X(NO_WAIT_READY)  \
	X(NO_WAIT_FREE)   \
	X(NO_DONE)        \
	X(NO_ENTER)       \
	X(UNHEARD_ENTER)  \
	X(SEND_ALL_FIRST) \
	X(UNWRITTEN)      \
	X(READY_TOO_HIGH) \
	X(READY_LOWERED)  \
	X(READY_MISSING)  \
	X(FREE_TOO_EARLY) \
	X(FREE_MISSING)   \
	X(TAKE_AGAIN)     \
	X(WRONG_BYTES)    \
	X(OWN_FIRST)      \
	X(NOT_DIVIDED)    \
	X(OUT_OF_BOUNDS)  \
	X(TOO_LONG)       \
	X(OTHER_INDEX)    \
	X(STRANGE_LENGTH) \
	X(TWO_CHANNELS)   \
	X(READ_SCRATCH)   \
	X(PLACE_LATE)     \
	X(READ_DIVIDED)   \
	X(LAG)

enum mistake {
#define MISTAKE_ENUM(name) name,
	MISTAKE_LIST(MISTAKE_ENUM)
#undef MISTAKE_ENUM
		MISTAKES
};

#define ELEM   4u
#define COUNT  8u
#define BURSTS 3u /* messages that SEND_ALL_FIRST puts before it takes any */

/* The all-reduce with a mistake; its name is that of the mistake. */
extern const struct rg_algorithm planted[MISTAKES];

/* A barrier in which rank 1 waits for nobody. */
extern const struct rg_algorithm planted_half_barrier;

#endif
