/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a specification to a running program. All that allocates is done before fork; between fork
 * and exec the child makes only async-signal-safe calls, so that our other threads do not matter.
 */
#include "config.h"

#include "child_impl.h"

#include "railgauge/base/io.h"
#include "railgauge/base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the child says through a pipe that closes itself when exec succeeds. */
struct failure {
	int step; /* enum step */
	int errnum;
};

enum step {
	STEP_STDIN,
	STEP_STDIO,
	STEP_BIND,
	STEP_EXEC,
};

/* All that the child needs, prepared by the parent. */
struct plan {
	char *const *argv; /* borrowed */
	const int *stdio;  /* borrowed, [3]; NULL: none */
	char **env;	   /* owned; the strings are borrowed from environ and the specification */
	cpu_set_t *cpus;   /* owned; NULL: no binding */
	size_t cpus_bytes;
	const sigset_t *mask;
	pid_t parent;
	int report; /* the pipe */
};

static size_t name_bytes(const char *word)
{
	return strcspn(word, "=");
}

/* Does one of the words set or remove the variable of entry? */
static bool is_overridden(const char *entry, char *const *words)
{
	size_t n = name_bytes(entry);

	for (; words && *words; words++) {
		if (name_bytes(*words) == n && !strncmp(*words, entry, n))
			return true;
	}
	return false;
}

static char **merge_environment(char *const *words)
{
	size_t room = 1, used = 0;
	char **env;

	for (char **e = environ; e && *e; e++)
		room++;
	for (char *const *w = words; w && *w; w++)
		room++;
	env = rg_zalloc(room, sizeof(*env));
	if (!env)
		return NULL;
	for (char **e = environ; e && *e; e++) {
		if (!is_overridden(*e, words))
			env[used++] = *e;
	}
	for (char *const *w = words; w && *w; w++) {
		if (strchr(*w, '='))
			env[used++] = *w;
	}
	return env;
}

static int make_cpu_set(const struct rg_child_spec *spec, struct plan *plan, struct rg_err *err)
{
	int highest = 0;

	if (!spec->cpus)
		return 0;
	for (uint32_t i = 0; i < spec->ncpus; i++) {
		if (spec->cpus[i] < 0)
			return rg_err_set(err, RG_ERR_INVALID, "cpu %d", spec->cpus[i]);
		if (spec->cpus[i] > highest)
			highest = spec->cpus[i];
	}
	plan->cpus_bytes = CPU_ALLOC_SIZE(highest + 1);
	plan->cpus = rg_zalloc(1, plan->cpus_bytes);
	if (!plan->cpus)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a set of %d cpus",
				  highest + 1);
	for (uint32_t i = 0; i < spec->ncpus; i++)
		CPU_SET_S(spec->cpus[i], plan->cpus_bytes, plan->cpus);
	return 0;
}

static void __attribute__((noreturn)) report(const struct plan *plan, enum step step)
{
	struct failure f = {.step = step, .errnum = errno};

	(void)rg_io_write_all(plan->report, &f, sizeof(f)); /* else the parent sees a short read */
	_exit(127);
}

/*
 * Puts the descriptors of stdio in their places. All are moved out of the way first: one may be
 * where another one has to go.
 */
static int redirect(const int *stdio)
{
	int moved[3] = {-1, -1, -1};

	for (int i = 0; i < 3; i++) {
		if (stdio[i] < 0)
			continue;
		moved[i] = fcntl(stdio[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (moved[i] < 0)
			return -1;
	}
	for (int i = 0; i < 3; i++) {
		if (moved[i] >= 0 && dup2(moved[i], i) < 0)
			return -1;
	}
	return 0;
}

/* Makes /dev/null the standard input. */
static int read_nothing(void)
{
	int null = open("/dev/null", O_RDONLY);

	if (null < 0 || (null != STDIN_FILENO && dup2(null, STDIN_FILENO) < 0))
		return -1;
	if (null > STDERR_FILENO)
		close(null);
	return 0;
}

/* In the child. */
static void __attribute__((noreturn)) become(const struct plan *plan)
{
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != plan->parent)
		_exit(127); /* it died before the line above */
	if (plan->stdio && redirect(plan->stdio))
		report(plan, STEP_STDIO);
	if ((!plan->stdio || plan->stdio[STDIN_FILENO] < 0) && read_nothing())
		report(plan, STEP_STDIN);
	if (plan->cpus && sched_setaffinity(0, plan->cpus_bytes, plan->cpus))
		report(plan, STEP_BIND);
	/* That we ignore them is our own affair. */
	(void)signal(SIGXFSZ, SIG_DFL);
	(void)signal(SIGPIPE, SIG_DFL);
	pthread_sigmask(SIG_SETMASK, plan->mask, NULL);
	execvpe(plan->argv[0], plan->argv, plan->env);
	report(plan, STEP_EXEC);
}

static int explain(const struct rg_child_spec *spec, const struct failure *f, struct rg_err *err)
{
	switch ((enum step)f->step) {
	case STEP_STDIN:
		return rg_err_errno(err, f->errnum, "%s: /dev/null", spec->argv[0]);
	case STEP_STDIO:
		return rg_err_errno(err, f->errnum, "%s: standard input and output", spec->argv[0]);
	case STEP_BIND:
		if (f->errnum == EINVAL)
			return rg_err_set(err, RG_ERR_INVALID,
					  "%s: cpu %d is not one that this process may use",
					  spec->argv[0], spec->cpus[0]);
		return rg_err_errno(err, f->errnum, "%s: cannot bind it to cpu %d", spec->argv[0],
				    spec->cpus[0]);
	case STEP_EXEC:
		break;
	}
	if (f->errnum == ENOENT || f->errnum == ENOTDIR)
		return rg_err_set(err, RG_ERR_NOT_FOUND, "%s: no such program", spec->argv[0]);
	return rg_err_errno(err, f->errnum, "%s: cannot be executed", spec->argv[0]);
}

/* Waits until the child runs its program or has said why not. */
static int hear_child(const struct rg_child_spec *spec, int pipe_fd, pid_t pid, struct rg_err *err)
{
	struct failure f;
	int rc = rg_io_read_all(pipe_fd, &f, sizeof(f));

	if (rc == -1)
		return 0; /* the pipe closed without a word: exec succeeded */
	if (rc)
		rc = rg_err_errno(err, rc, "%s: starting it", spec->argv[0]);
	else
		rc = explain(spec, &f, err);
	kill(pid, SIGKILL);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return rc;
}

int child_exec(const struct rg_child_spec *spec, const sigset_t *mask, pid_t *pid_out,
	       struct rg_err *err)
{
	struct plan plan = {
		.argv = spec->argv, .stdio = spec->stdio, .mask = mask, .parent = getpid()};
	int pipes[2], rc;
	pid_t pid;

	rc = make_cpu_set(spec, &plan, err);
	if (rc)
		return rc;
	plan.env = merge_environment(spec->env);
	if (!plan.env) {
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "%s: no memory for its environment",
				spec->argv[0]);
		goto free_cpus;
	}
	if (pipe2(pipes, O_CLOEXEC)) {
		rc = rg_err_errno(err, errno, "%s: pipe", spec->argv[0]);
		goto free_env;
	}
	plan.report = pipes[1];
	pid = fork();
	if (pid == 0)
		become(&plan);
	if (pid < 0) {
		rc = rg_err_errno(err, errno, "%s: fork", spec->argv[0]);
		close(pipes[1]);
		goto close_pipe;
	}
	close(pipes[1]);
	setpgid(pid, pid); /* the child does it, too: whoever is first; EACCES after its exec */
	rc = hear_child(spec, pipes[0], pid, err);
	if (!rc)
		*pid_out = pid;
close_pipe:
	close(pipes[0]);
free_env:
	rg_free(plan.env);
free_cpus:
	rg_free(plan.cpus);
	return rc;
}
