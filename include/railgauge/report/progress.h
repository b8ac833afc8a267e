/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Progress on stderr for long work: what, how far, how long still. On a terminal one line that is
 * written anew, at most ten times a second; otherwise a line per stage and nothing in between, so
 * that logs stay short. Only rank 0 has one. One thread per object; no allocation, nothing fails.
 */
#ifndef RAILGAUGE_REPORT_PROGRESS_H
#define RAILGAUGE_REPORT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Contents are private. */
struct rg_progress {
	FILE *out; /* borrowed; NULL: silent */
	bool terminal;
	bool shown; /* a line stands on the terminal and must be cleared */
	char stage[64];
	uint64_t begun_ns, written_ns;
};

/* out (stderr, or NULL for silence) outlives the object; whether it is a terminal is found out. */
void rg_progress_init(struct rg_progress *progress, FILE *out);

/*
 * A new stage: "calibrating", "measuring 25 sizes". On a terminal the line changes; otherwise
 * "railgauge: STAGE" is printed, with expected_ns (0: not known) as "about 12 s".
 */
void rg_progress_stage(struct rg_progress *progress, const char *stage, uint64_t expected_ns);

/*
 * How far the stage is: done of total steps, and what is on now ("64K, in place"; NULL for
 * nothing). The time left is that of the steps so far, carried on; left_ns (0: not known) overrides
 * it where the caller knows better. Not for timed regions.
 */
void rg_progress_step(struct rg_progress *progress, uint32_t done, uint32_t total, const char *what,
		      uint64_t left_ns);

/*
 * Clears the line, so that something else can be printed (also on stdout: both are often the same
 * terminal). The next step shows it again.
 */
void rg_progress_hide(struct rg_progress *progress);

#endif
