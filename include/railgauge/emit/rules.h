/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open MPI's classic rules file (coll_tuned_dynamic_rules_filename): read as its consumer reads it,
 * judged in words, written.
 *
 *   <functions> { <function> <comm sizes> { <comm size> <rules> { <bytes> <algorithm> <fan-out>
 *   <segment> [<max requests>, from version 2 on] } } }
 *
 * The consumer (coll_tuned_dynamic_file.c of 4.1.4) reads numbers with "%li", so 010 is eight,
 * skips what is not a number character by character, gives up without a word on anything it
 * dislikes, and looks up the last entry that is not above the value, the first one if all are: so a
 * file for 16 ranks is a file for 2 as well, unless a first entry guards it.
 *
 * One thread per object.
 */
#ifndef RAILGAUGE_EMIT_RULES_H
#define RAILGAUGE_EMIT_RULES_H

#include "railgauge/base/err.h"
#include "railgauge/emit/finding.h"
#include "railgauge/mpi/openmpi_tuned.h"

#include <stdint.h>
#include <stdio.h>

/* Numbers as the file has them; the consumer cuts all but bytes to an int. */
struct rg_rule {
	int64_t bytes, algorithm, fanout, segment_bytes, max_requests;
	uint32_t line;	   /* 0: not from a file */
	char comment[120]; /* to be printed behind it; empty when read */
};

struct rg_rules_comm {
	int64_t comm_size;
	uint32_t nrules, line;
	struct rg_rule *rules; /* owned, [nrules] */
};

struct rg_rules_function {
	int64_t id;
	uint32_t ncomms, line;
	struct rg_rules_comm *comms; /* owned, [ncomms] */
};

/* Zeroed is empty. Where a function is in it twice, the later one counts. */
struct rg_rules {
	uint32_t version; /* 1, or what the header rule-file-version-N says */
	uint32_t nfunctions;
	struct rg_rules_function *functions; /* owned, [nfunctions] */
};

/*
 * A new one at the end, zeroed but for its key; valid until the next is added beside it. NULL
 * without memory.
 */
struct rg_rules_function *rg_rules_add_function(struct rg_rules *rules, int64_t id);
struct rg_rules_comm *rg_rules_add_comm(struct rg_rules_function *function, int64_t comm_size);
struct rg_rule *rg_rules_add_rule(struct rg_rules_comm *comm, int64_t bytes);

/*
 * Reads text[len_bytes] as Open MPI of that version does, and says in findings everything that it
 * would not take, or that would do something else than it looks like. *ok_out false: the consumer
 * would throw the whole file away (one of the findings is an error and says why); *out is empty
 * then. RG_ERR_NO_MEMORY, with *out empty and *ok_out false.
 */
int rg_rules_parse(const char *text, size_t len_bytes, const struct rg_ompi_version *version,
		   struct rg_rules *out, bool *ok_out, struct rg_file_findings *findings,
		   struct rg_err *err);
void rg_rules_release(struct rg_rules *rules); /* zeroed is allowed */

/* What that consumer would do for a call; NULL: its fixed decision (no rule, or algorithm 0). */
const struct rg_rule *rg_rules_lookup(const struct rg_rules *rules, int function_id,
				      uint32_t comm_size, uint64_t bytes);

/*
 * In the consumer's form, in plain decimals, with the names of functions and algorithms as
 * comments. out's error flag tells whether it could be written.
 */
void rg_rules_print(const struct rg_rules *rules, FILE *out);

#endif
