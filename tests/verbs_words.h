/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of verbs from the environment, so that one test program tries many, on devices or on
 * made-up ones (tests/transport/fake_verbs.h):
 *   RG_TEST_VERBS    with blanks between: "--verbs.qps=2 --verbs.notify=send"
 *   RG_TEST_DEVICES  devices of each rank, with blanks between, begun anew when they are used up:
 *                    "fake0,fake1 fake2,fake3"
 */
#ifndef TESTS_VERBS_WORDS_H
#define TESTS_VERBS_WORDS_H

#include "railgauge/transport/verbs.h"

#define VERBS_RANKS 16

/* For a rank below VERBS_RANKS; static. Nonsense fails the test. */
const struct rg_verbs_options *verbs_words(uint32_t rank);

#endif
