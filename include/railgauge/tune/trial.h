/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A trial: one launch of `railgauge bench` under the user's launcher, from outside, with a
 * deadline. Whatever happens in it, a crash, a hang, a refusal, is an outcome in words, not an
 * error of the driver's; and nothing of it is left when the trial is over.
 *
 * The result comes back over the launcher's standard output (bench --json -), so that rank 0 may be
 * on any host. Its standard errors are kept, for the words; neither reaches our own.
 */
#ifndef RAILGAUGE_TUNE_TRIAL_H
#define RAILGAUGE_TUNE_TRIAL_H

#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"

#include <stdbool.h>
#include <stdint.h>

/* All borrowed during the call. */
struct rg_trial_spec {
	char *const *launcher; /* NULL-terminated: mpirun -np 2 ... */
	const char *program;   /* this railgauge; must be at that path on all hosts */
	char *const *args;     /* NULL-terminated: bench allreduce --json - ... */
	const char *env_file;  /* a shell's file that is sourced before; NULL: none */
	char *const *env;      /* NULL-terminated "NAME=value", "NAME" removes; NULL: none */
	uint64_t limit_ns;     /* for all of it */
};

enum rg_trial_end {
	RG_TRIAL_DONE,	   /* exit status 0 and a whole, complete document */
	RG_TRIAL_FAILED,   /* any other exit status */
	RG_TRIAL_KILLED,   /* the launcher, or by its account a rank, was ended by a signal */
	RG_TRIAL_DEADLINE, /* it took too long */
};

struct rg_trial {
	enum rg_trial_end end;
	int exit_code;		  /* FAILED; bench's own where the launcher passes it on */
	struct rg_result *result; /* owned; also incomplete ones; NULL: there was none */
	char why[400];		  /* one line: what it said last, or what ended it; empty if DONE */
	uint64_t took_ns;
};

/*
 * Runs it to its end. RG_ERR_INTERRUPTED (we got a signal: the trial was ended), RG_ERR_NOT_FOUND
 * (no such launcher), RG_ERR_SYSTEM, RG_ERR_NO_MEMORY. Nothing is to be released then.
 */
int rg_trial_run(const struct rg_trial_spec *spec, struct rg_trial *out, struct rg_err *err);
void rg_trial_release(struct rg_trial *trial);

#endif
