/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The schedules of all ranks, carried out on numbers, as one interleaving, in one thread.
 *
 * Messages are kept until they are taken, whatever the credit (that nobody gets stuck for want of
 * it is for the simulation to say, tests/model/test_many.c). Each is taken in order, with the
 * length that it was put with, and none is left over.
 */
#ifndef TESTS_COLL_CARRY_OUT_H
#define TESTS_COLL_CARRY_OUT_H

#include "railgauge/coll/schedule.h"

#define CARRY_RANKS    128
#define CARRY_CHANNELS 2

/*
 * A problem that the row takes, of elements of 4 bytes that are added up. Fails the test if an
 * element of a result is wrong, a rank gets stuck, or sends otherwise than the row's header says.
 */
void carry_out(const struct rg_algorithm *row, const struct rg_problem *p);

#endif
