/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Makes a suite for transports one on made-up devices: there are four of them from the start. None
 * of their objects may be left in the end, and no message may have had to wait for a receive. The
 * environment says how they deliver:
 *   RG_TEST_FAKE  words of: late (by polls, queue pairs in any order), shuffle (completions),
 *                 overtaking (datagrams), lossy (5 % of datagrams are lost, 2 % come twice)
 *   RG_TEST_SEED  draws the order; default 1
 */
#include "config.h"

#include "fake_verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void look_back(void)
{
	uint64_t waits = fake_counts().receiver_waits;

	if (fake_live())
		fprintf(stderr, "%u objects of the made-up devices are left\n", fake_live());
	if (waits)
		fprintf(stderr, "%llu messages came before there were receives for them\n",
			(unsigned long long)waits);
	if (fake_live() || waits) {
		fflush(NULL);
		_exit(1);
	}
}

__attribute__((constructor)) static void start(void)
{
	const char *words = getenv("RG_TEST_FAKE"), *seed = getenv("RG_TEST_SEED");
	unsigned modes = 0;

	fake_reset(NULL, 0);
	if (words && strstr(words, "late"))
		modes |= FAKE_LATE;
	if (words && strstr(words, "shuffle"))
		modes |= FAKE_SHUFFLE;
	if (words && strstr(words, "overtaking"))
		modes |= FAKE_UD_ANY_ORDER;
	fake_order(modes, seed ? strtoull(seed, NULL, 0) : 1);
	if (words && strstr(words, "lossy"))
		fake_ud_loss(50, 20, seed ? strtoull(seed, NULL, 0) : 1);
	atexit(look_back);
}
