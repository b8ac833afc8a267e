/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge prove, in parts:
 *   prove.c        the command line; what is done in which order
 *   prove_plan.c   which rules and points there are in the decisions
 *   prove_folder.c the folder's files: are they sound, and which variables do they set?
 *   prove_honour.c does each rule reach the library?
 *   prove_launch.c one launch; pairs of launches
 *   prove_print.c  what standard output gets
 *   prove_json.c   the document (docs/PROOF.md)
 */
#ifndef RG_CMD_PROVE_H
#define RG_CMD_PROVE_H

#include "railgauge/base/err.h"
#include "railgauge/emit/emitter.h"
#include "railgauge/emit/prove.h"
#include "railgauge/report/progress.h"
#include "railgauge/tune/decisions.h"
#include "railgauge/tune/trial.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PROVE_NAME "railgauge prove"

struct prove_options {
	int64_t pairs;
	bool same;
	uint64_t limit_ns; /* of a launch; 0: from what it has to measure */
	uint64_t budget_ns;
	const char *json;
};

/* A function that the files have a rule for. */
struct prove_function {
	const struct rg_decision *decision;
	uint32_t index;	      /* of the decision */
	uint32_t first_point; /* of prove->points */
	uint32_t npoints;
	const char *target; /* of bench: "mpi", "mpi-v" */
	char *points;	    /* of bench, owned: "64K=mpi;1M=mpi" */
};

/* A range with a rule, and whether the library goes by it. */
struct prove_rule {
	const struct prove_function *function;
	uint32_t range;
	uint64_t size_bytes; /* where it is tried */
	bool honoured;
	char words[RG_TRIAL_WORDS_BYTES]; /* the library's, if it is */
};

enum prove_side { PROVE_WITHOUT, PROVE_WITH };

struct prove {
	struct prove_options options;
	char *const *launcher; /* NULL-terminated */
	char *program;	       /* owned, as all that follow */
	char *folder;	       /* absolute */
	int lock;	       /* the folder's descriptor, with a shared lock on it; -1 */
	char *env_file;
	char **variables;		  /* [NULL-terminated]: names that env_file sets */
	char *file;			  /* the first of the folder's that they name; NULL: none */
	struct rg_decisions *decisions;	  /* as the files have them: see prove_plan_open */
	const struct rg_emitter *emitter; /* static */
	uint32_t nleft; /* ranges that were decided, but that the files say nothing of */
	uint32_t nfunctions;
	struct prove_function *functions;
	uint32_t nrules;
	struct prove_rule *rules;
	uint32_t npoints;
	struct rg_prove_point *points;
	double *medians; /* [npoints][2][pairs], enum prove_side in the middle */

	const volatile sig_atomic_t *interrupted;
	struct rg_progress progress;
	char note[512];	 /* how this job differs from the decisions'; empty: it does not */
	uint32_t nhosts; /* of the job */
	char unseen[RG_TRIAL_WORDS_BYTES]; /* which host cannot read file; empty: all can */
	uint64_t launch_ns;		   /* what a launch takes that measures next to nothing */
	uint64_t begun_ns;
};

/* --- prove_folder.c --- */

/*
 * Reads the decisions, and looks at the folder: is there an emitter for them, are its files sound
 * to their consumer and here, what does env.sh set? Fills folder to emitter. Removes copies that a
 * proof left that was killed, unless another one is at work in the folder. RG_ERR_FORMAT,
 * RG_ERR_MISMATCH, RG_ERR_UNSUPPORTED, RG_ERR_NOT_FOUND, RG_ERR_SYSTEM, RG_ERR_NO_MEMORY.
 */
int prove_folder_open(struct prove *prove, const char *folder, struct rg_err *err);

/*
 * A copy of the files in which the rule of that decision's range, which has one, is made to fail,
 * in a new folder inside of the folder of decisions, so that all hosts see it. *path_out is freed
 * by prove_copy_close, which removes it with what is in it. As the emitter's poison, RG_ERR_SYSTEM.
 */
int prove_copy_open(const struct prove *prove, uint32_t index, uint32_t range, char **path_out,
		    struct rg_err *err);
void prove_copy_close(char *path); /* NULL is allowed */

/* --- prove_plan.c --- */

/*
 * Fills functions, rules, points and medians. A range that the files have no rule for, although it
 * was decided, becomes the default's. RG_ERR_MISMATCH (the files say something else than the
 * decisions), as the emitter's has_rule.
 */
int prove_plan_open(struct prove *prove, struct rg_err *err);
void prove_plan_close(struct prove *prove);

/* --- prove_launch.c --- */

/* What a launch measures, and how. */
struct prove_launch {
	const struct prove_function *function;
	const char *points; /* of bench */
	uint32_t npoints;
	bool once;
	uint64_t seed;
	const char *env_file; /* NULL: what env.sh sets is removed */
};

/* Runs it once. *trial_out is to be released. As rg_trial_run. */
int prove_launch(const struct prove *prove, const struct prove_launch *launch,
		 struct rg_trial *trial_out, struct rg_err *err);

/*
 * Did a launch measure all its points? Their medians, in order, go to medians[0], [stride] ...
 * (NULL: nowhere). False: *why_out, which lives as long as the trial, says what is wrong.
 */
bool prove_measured(const struct rg_trial *trial, const struct prove_launch *launch,
		    double *medians, size_t stride, const char **why_out);

/* Can all ranks read prove->file? Else words say who cannot. As rg_trial_run. */
int prove_see(const struct prove *prove, bool *seen_out, char *words, size_t room,
	      struct rg_err *err);

/*
 * One small launch without the files: does the launcher start the job that was decided for? Fills
 * note, nhosts and launch_ns. RG_ERR_MISMATCH, RG_ERR_PEER (it failed, twice), as rg_trial_run.
 */
int prove_look(struct prove *prove, struct rg_err *err);

/* All pairs: fills medians. The same errors. */
int prove_pairs(struct prove *prove, struct rg_err *err);

/* --- prove_honour.c --- */

/*
 * On several hosts one launch in which each rank tries to read the file, and then one per rule:
 * fills unseen and rules; *all_out false if a rule is not honoured. The same errors.
 */
int prove_honour(struct prove *prove, bool *all_out, struct rg_err *err);

/* --- prove_print.c --- */

/* What will be done; what became of the rules; points and summary. */
void prove_print_plan(const struct prove *prove, FILE *out);
void prove_print_rules(const struct prove *prove, FILE *out);
void prove_print_points(const struct prove *prove, FILE *out);

/* One of these to standard output, harmless to terminals. RG_ERR_NO_MEMORY, RG_ERR_SYSTEM. */
int prove_print(const struct prove *prove, void (*what)(const struct prove *, FILE *),
		struct rg_err *err);

struct prove_count {
	uint32_t better, level, worse;
	uint32_t not_kept;		   /* promised, and yet level */
	const struct rg_prove_point *best; /* of the better ones; NULL */
};
struct prove_count prove_count(const struct prove *prove);

/* --- prove_json.c --- */

/* Writes --json's document; judged: points were measured. As rg_json_write. */
int prove_json_write(const struct prove *prove, bool judged, struct rg_err *err);

#endif
