/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Emitters: each writes decisions in the form that one consumer reads. A row of the table is write,
 * check (would the consumer parse this?) and poison (is the consumer doing it?). Nothing is written
 * that lies outside the consumer's range, nor for a version that would misread it.
 *
 * Files of a folder of decisions:
 *   decisions.json              what was decided, and why (tune/decisions.h)
 *   journal.jsonl               what was measured (tune/journal.h)
 *   openmpi-rules.txt           Open MPI: rules of coll/tuned
 *   openmpi-mca-params.conf     Open MPI: the parameters that make it read them
 *   env.sh                      the same as environment, to be sourced by a POSIX shell
 *   rankfile                    Open MPI: which CPUs each rank is to have, if that is known
 * Paths in them are absolute; on several hosts the folder must be at the same path on all of them.
 */
#ifndef RAILGAUGE_EMIT_EMITTER_H
#define RAILGAUGE_EMIT_EMITTER_H

#include "railgauge/base/err.h"
#include "railgauge/emit/finding.h"
#include "railgauge/mpi/openmpi_tuned.h"
#include "railgauge/tune/decisions.h"

#include <stdint.h>

struct rg_emitter {
	const char *name; /* "openmpi": struct rg_decisions' mpi */
	const char
		*summary; /* "Open MPI 4.0 to 5.0: rules of coll/tuned, parameters, environment" */

	/*
	 * Can these decisions be written for that library? RG_ERR_UNSUPPORTED with the reason: a
	 * version that reads the form differently, a component above coll/tuned ...
	 */
	int (*accepts)(const struct rg_decisions *decisions, struct rg_err *err);

	/*
	 * Writes all files of its own into the folder (absolute path), each whole or not at all;
	 * all are tried before the first is replaced, and those of ours that are not wanted any
	 * more are removed. accepts' errors; RG_ERR_INVALID: a choice that the library does not
	 * have or that would do nothing; RG_ERR_MISMATCH: a file of that name is somebody else's;
	 * as rg_io_replace_file.
	 */
	int (*write)(const struct rg_decisions *decisions, const char *folder, struct rg_err *err);

	/*
	 * Would the consumer read the folder's files as they were meant, whoever changed them?
	 * RG_ERR_FORMAT with the first thing that is wrong, and its line; RG_ERR_SYSTEM,
	 * RG_ERR_NO_MEMORY.
	 */
	int (*check)(const struct rg_decisions *decisions, const char *folder, struct rg_err *err);

	/*
	 * Is there a rule for decision `index`'s range number `range` in the folder's files? Else
	 * it is the default's, or the library cannot be told of it. RG_ERR_MISMATCH: the files say
	 * something else than the decisions; RG_ERR_NOT_FOUND, RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
	 */
	int (*has_rule)(const struct rg_decisions *decisions, const char *folder, uint32_t index,
			uint32_t range, bool *has_out, struct rg_err *err);

	/*
	 * A copy of the folder's files in `to`, an empty folder, in which decision `index`'s range
	 * number `range` has been made to fail whenever its rule is used. As has_rule;
	 * RG_ERR_INVALID: that range has none.
	 */
	int (*poison)(const struct rg_decisions *decisions, const char *folder, uint32_t index,
		      uint32_t range, const char *to, struct rg_err *err);

	/* What a call says that was poisoned: part of the library's words. */
	const char *poisoned_words;
};

extern const struct rg_emitter *const rg_emitters[]; /* NULL-terminated */

/* RG_ERR_UNSUPPORTED names those that there are. */
int rg_emitter_of(const struct rg_decisions *decisions, const struct rg_emitter **out,
		  struct rg_err *err);

/*
 * Writes, unless somebody is proving the folder's files: RG_ERR_MISMATCH. Else as the emitter's
 * write. (A file system without locks cannot tell.)
 */
int rg_emit_write(const struct rg_emitter *emitter, const struct rg_decisions *decisions,
		  const char *folder, struct rg_err *err);

/*
 * Where in a launcher's words something of Open MPI's coll/tuned is set, after --mca or as a
 * variable of the environment; it counts for more than any file. n: there is none.
 */
uint32_t rg_ompi_own_setting(char *const *words, uint32_t n);

/*
 * Finds out what kind of file it is (rules, MCA parameters) and judges it, for Open MPI of that
 * version. *kind_out is static text for people. RG_ERR_NOT_FOUND, RG_ERR_SYSTEM,
 * RG_ERR_UNSUPPORTED (neither), RG_ERR_NO_MEMORY.
 */
int rg_emit_check_file(const char *path, const struct rg_ompi_version *version,
		       struct rg_file_findings *findings, const char **kind_out,
		       struct rg_err *err);

#endif
