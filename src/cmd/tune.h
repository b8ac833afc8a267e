/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge tune, in parts:
 *   tune.c          the command line, and the whole of it from the folder to the files
 *   tune_job.c      whose decisions these will be: the launcher's first launch
 *   tune_search.c   one function after the other: launches as the search wants them, in time
 *   tune_launch.c   one launch: what bench is told, and what came of it
 *   tune_outcome.c  outcomes as the journal keeps them
 *   tune_print.c    the decisions for people
 */
#ifndef RG_CMD_TUNE_H
#define RG_CMD_TUNE_H

#include "railgauge/emit/emitter.h"
#include "railgauge/measure/result.h"
#include "railgauge/mpi/openmpi_tuned.h"
#include "railgauge/report/progress.h"
#include "railgauge/tune/decisions.h"
#include "railgauge/tune/journal.h"
#include "railgauge/tune/search.h"

#include <limits.h>
#include <signal.h>

#define TUNE_NAME	   "railgauge tune"
#define TUNE_FUNCTIONS_MAX 20
#define TUNE_SIZES_MAX	   64

enum tune_place { TUNE_PLACE_OUT, TUNE_PLACE_IN };

struct tune_options {
	const char *out, *collectives;
	uint64_t budget_ns, limit_ns, per_size_ns;
	uint64_t min_bytes, max_bytes;
	double factor;
	bool exhaustive, fresh;
	int64_t launches, seed;
	int place; /* enum tune_place */
	int type;  /* enum rg_type */
	int op;	   /* enum rg_op */
};

struct tune {
	struct tune_options options;
	char **launcher;       /* NULL-terminated, borrowed */
	char *program;	       /* owned */
	char folder[PATH_MAX]; /* absolute */
	const volatile sig_atomic_t *interrupted;
	struct rg_progress progress;

	const struct rg_ompi_function *functions[TUNE_FUNCTIONS_MAX];
	uint32_t nfunctions;
	bool given_up[TUNE_FUNCTIONS_MAX]; /* its launches failed, so it was not wholly searched */

	/* From the first launch on. */
	struct rg_decisions *decisions; /* owned */
	const struct rg_emitter *emitter;
	struct rg_ompi_version version;
	uint64_t overhead_ns; /* of a launch, whatever it measures */

	struct rg_journal *journal; /* owned */
	const json_t **old;	    /* owned, [nold]: entries from before, which the journal owns */
	uint32_t nold, replayed;

	uint64_t used_ns;   /* all launches, also those from before */
	uint32_t nlaunches; /* made now */
};

/* --- tune_job.c --- */

/* Makes the first launch. RG_ERR_PEER and RG_ERR_TIMEOUT: it failed; RG_ERR_UNSUPPORTED. */
int tune_meet(struct tune *t, struct rg_err *err);

/* What the journal is about: an object, new reference; NULL without memory. */
json_t *tune_question(const struct tune *t);

/* The sizes for a function: sizes[TUNE_SIZES_MAX]. RG_ERR_RANGE: too many. */
int tune_sizes(const struct tune *t, const struct rg_ompi_function *function, uint64_t *sizes,
	       uint32_t *n_out, uint64_t *unit_out, struct rg_err *err);

/* --- tune_outcome.c --- */

/* Its strings and samples belong to it. */
struct tune_outcome {
	struct rg_search_outcome outcome;
	struct rg_search_sample *samples; /* owned */
	char **words;			  /* owned, [nwords]: what why points to */
	uint32_t nwords, room;
	uint64_t took_ns;
};

/* The text, kept until release; NULL without memory, and for NULL. */
const char *tune_outcome_keep(struct tune_outcome *o, const char *text);
void tune_outcome_release(struct tune_outcome *o);

/* An entry of the journal, new reference; NULL without memory. RG_ERR_FORMAT, RG_ERR_NO_MEMORY. */
json_t *tune_outcome_to_json(const struct tune_outcome *o, const char *function);
int tune_outcome_from_json(const json_t *entry, struct tune_outcome *out, struct rg_err *err);

/* --- tune_launch.c --- */

/*
 * Makes a launch with so much time for each point. What happens in it is its outcome.
 * RG_ERR_INTERRUPTED, RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int tune_launch(struct tune *t, const struct rg_ompi_function *function,
		const struct rg_search_launch *launch, uint64_t budget_ns, struct tune_outcome *out,
		struct rg_err *err);

/* The same of any points, in words, for the first launch too. Released by the caller. */
struct tune_measure {
	const struct rg_ompi_function *function;
	const char *points; /* of bench */
	bool once, race;    /* as of struct rg_search_launch */
	uint64_t budget_ns; /* for each point */
	uint64_t limit_ns;  /* for all of it */
};
struct rg_trial;
int tune_trial(struct tune *t, const struct tune_measure *what, struct rg_trial *out,
	       struct rg_err *err);

/* --- tune_search.c --- */

/* Searches all functions, and fills the decisions. */
int tune_search_all(struct tune *t, struct rg_err *err);

/* --- tune_print.c --- */

/* For people, on standard output. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int tune_print(const struct tune *t, struct rg_err *err);

#endif
