/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The journal of a tuning: a line of JSON per launch that came to its end, on disk before the next
 * one begins. A tuning that was interrupted, by Ctrl-C, a full disk or the machine, goes on from
 * it: the search is fed from the journal what it was fed before.
 *
 * The first line says what was asked for; a journal of another question is not continued. A last
 * line that was cut off is dropped. While it is open it is locked (flock(2)) against others.
 *
 * One thread per object. Writing blocks until the disk has it.
 */
#ifndef RAILGAUGE_TUNE_JOURNAL_H
#define RAILGAUGE_TUNE_JOURNAL_H

#include "railgauge/base/err.h"
#include "railgauge/base/json.h"

#include <stdbool.h>
#include <stdint.h>

struct rg_journal;

/*
 * Opens path, new or old, for this question (an object; borrowed); with fresh, what was in it is
 * discarded. RG_ERR_MISMATCH: it is there, and of another question: names the first member that
 * differs, and both values. RG_ERR_FORMAT (names the line), RG_ERR_SYSTEM (also: another process
 * has it open, the disk is full), RG_ERR_NO_MEMORY. After a failure an old file is as before, but
 * for a last line that was cut off; a new one may be left empty, and counts as new.
 */
int rg_journal_open(const char *path, const json_t *question, bool fresh, struct rg_journal **out,
		    struct rg_err *err);
void rg_journal_close(struct rg_journal *journal); /* NULL is allowed */

/* The entries that are there from before: how many, and the next one, borrowed until close; NULL:
 * no more. */
uint32_t rg_journal_count(const struct rg_journal *journal);
const json_t *rg_journal_replay(struct rg_journal *journal);

/*
 * Adds one, and returns once it is on disk. Only after the replay has come to its end. Takes over
 * the reference, also on failure; NULL is RG_ERR_NO_MEMORY. RG_ERR_SYSTEM (the disk is full: the
 * file is as before), RG_ERR_NO_MEMORY.
 */
int rg_journal_add(struct rg_journal *journal, json_t *entry, struct rg_err *err);

#endif
