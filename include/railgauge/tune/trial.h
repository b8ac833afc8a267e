/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A trial: one launch of `railgauge bench` under the user's launcher, from outside, with a
 * deadline. Whatever happens in it, a crash, a hang, a refusal, is an outcome in words, not an
 * error of the driver's; and nothing of it is left when the trial is over.
 *
 * The result comes back over the launcher's standard output (bench --json -), so that rank 0 may be
 * on any host: the document begins at a line that begins with "{", and launchers may say something
 * before and after it, JSON of their own as well. Standard errors are kept, for the words; neither
 * reaches our own. Both go to memory, and a launch that writes more than RG_TRIAL_OUTPUT_MAX_BYTES
 * to one of them is ended.
 *
 * Nothing is left. Launchers put ranks into process groups of their own, so the caller becomes the
 * process that orphans are given to (prctl(2), PR_SET_CHILD_SUBREAPER) while the trial lasts; when
 * the launcher has ended, what it left is ended as well. Only descendants are, and not those that
 * the caller had before. What a launcher starts on other hosts is its own to end.
 *
 * One trial at a time, by the thread that may open a struct rg_child_group (launch/child.h).
 */
#ifndef RAILGAUGE_TUNE_TRIAL_H
#define RAILGAUGE_TUNE_TRIAL_H

#include "railgauge/base/err.h"
#include "railgauge/measure/result.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#define RG_TRIAL_OUTPUT_MAX_BYTES ((size_t)256 << 20)

/* All borrowed during the call. */
struct rg_trial_spec {
	char *const *launcher; /* NULL-terminated: mpirun -np 2 ... */
	const char *program;   /* this railgauge; must be at that path on all hosts */
	char *const *args;     /* NULL-terminated: bench allreduce --json - ... */
	const char *env_file;  /* absolute path of what sh sources before; NULL: none */
	char *const *env;      /* NULL-terminated "NAME=value", "NAME" removes; NULL: none */
	uint64_t limit_ns;     /* for all of it */
	/* Not 0: a signal came before the trial could look for one itself; NULL: none does. */
	const volatile sig_atomic_t *interrupted;
};

enum rg_trial_end {
	RG_TRIAL_DONE,	   /* exit status 0 and a whole, complete document */
	RG_TRIAL_FAILED,   /* any other exit status, or no such document */
	RG_TRIAL_KILLED,   /* the launcher, or by its account (status 128 + n) a rank, was ended by
			      a signal */
	RG_TRIAL_DEADLINE, /* it took too long */
};

#define RG_TRIAL_WORDS_BYTES 400

struct rg_trial {
	enum rg_trial_end end;
	int exit_code;		  /* FAILED; bench's own where the launcher passes it on */
	int signal;		  /* KILLED */
	struct rg_result *result; /* owned; also incomplete ones; NULL: there was none */
	/*
	 * Empty if DONE; else one line of printable ASCII: what bench said ("railgauge bench:
	 * ..."), else the launcher's last words, and before them what ended it unless it failed
	 * with words.
	 */
	char why[RG_TRIAL_WORDS_BYTES];
	uint64_t took_ns;
};

/*
 * Runs it to its end; blocks. Past the limit, and if the caller gets SIGINT, SIGTERM or SIGHUP, the
 * launcher gets SIGTERM and, ten seconds later or once such a signal comes meanwhile, SIGKILL.
 * RG_ERR_INTERRUPTED (such a signal, with its name, whenever it came until the return, also after
 * the launcher's end), RG_ERR_NOT_FOUND (no such launcher; with env_file that is an outcome),
 * RG_ERR_SYSTEM, RG_ERR_NO_MEMORY. Nothing is to be released then.
 */
int rg_trial_run(const struct rg_trial_spec *spec, struct rg_trial *out, struct rg_err *err);
void rg_trial_release(struct rg_trial *trial); /* zeroed is allowed */

#endif
