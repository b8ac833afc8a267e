/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * railgauge run: ranks of one machine without any MPI.
 *
 * The job ends as one. A rank that fails leaves the others the grace time to notice, report and end
 * by themselves, since a survivor's message is often the useful one; then what is left is ended.
 */
#include "config.h"

#include "cmd.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/log.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/opt.h"
#include "railgauge/base/sha256.h"
#include "railgauge/base/units.h"
#include "railgauge/launch/bind.h"
#include "railgauge/launch/child.h"
#include "railgauge/launch/star.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define NAME	     "railgauge run"
#define MAX_RANKS    4096
#define SECRET_BYTES 32

/* Between SIGTERM and SIGKILL for ranks that did not end by themselves. */
#define LAST_GRACE_NS ((uint64_t)2000000000)

enum bind {
	BIND_NONE,
	BIND_CORE,
};

struct run_options {
	int64_t nranks;
	int bind;	     /* enum bind */
	uint64_t timeout_ns; /* 0: none */
	uint64_t grace_ns;
};

static const char *const bind_choices[] = {"none", "core", NULL};

static const struct rg_opt run_table[] = {
	{"ranks", 'n', RG_OPT_INT, offsetof(struct run_options, nranks), "N", "1", 1, MAX_RANKS,
	 NULL, NULL, "how many ranks to start"},
	{"bind", 0, RG_OPT_CHOICE, offsetof(struct run_options, bind), "WHAT", "none", 0, 0,
	 bind_choices, NULL, "bind rank i to the i-th core that this process may use, or leave it"},
	{"timeout", 0, RG_OPT_TIME, offsetof(struct run_options, timeout_ns), "TIME", "0", 0, 0,
	 NULL, NULL, "end the job after this time, 0 for never"},
	{"grace", 0, RG_OPT_TIME, offsetof(struct run_options, grace_ns), "TIME", "10s", 0, 0, NULL,
	 NULL, "once a rank has failed, leave the others this time to end by themselves"},
	{NULL},
};

static const struct rg_opt *const run_tables[] = {run_table, NULL};

static const struct rg_opt_command run_command = {
	.name = NAME,
	.args = "-- COMMAND...",
	.summary =
		"Start ranks on this machine without any MPI, watch them, and end them as a group.",
	.details =
		"Each rank finds RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR and "
		"MASTER_PORT in its environment, as torchrun sets them, and RG_JOB_SECRET, a "
		"random secret by which the ranks know each other. Standard output and errors are "
		"passed through untouched; standard input is empty. Signals to interrupt or end "
		"railgauge are passed on to all ranks.\n\n"
		"The exit status is that of the first rank that failed, 128 + the signal's number "
		"if a signal ended it; a rank that ends with 4 (a peer failed) counts as failed "
		"only if no other is to blame. It is 4 if the timeout passed, and 3 if the command "
		"cannot be started. The grace time should exceed the ranks' own deadline, so that "
		"each survivor can say what it waited for.",
	.tables = run_tables,
};

/* The job while it runs. */
struct job {
	const struct run_options *options;
	char **argv; /* of the ranks; borrowed */
	struct rg_child_group *group;
	struct rg_bind_order order; /* with --bind core */
	int port_fd;
	char port[32], size[32], local_size[32], secret[16 + 2 * SECRET_BYTES];

	bool failed; /* blamed holds the rank whose failure is the job's */
	struct rg_child_end blamed;
	bool ending; /* what ends now was ended by us, or by the signal that we passed on */
	uint32_t nfailed;
	bool timed_out;
	int interrupted; /* the first signal that came, or 0 */
};

static int make_secret(struct job *job, struct rg_err *err)
{
	uint8_t random[SECRET_BYTES];
	char hex[2 * SECRET_BYTES + 1];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return rg_err_errno(err, errno, "getrandom");
	rg_hex(random, sizeof(random), hex);
	snprintf(job->secret, sizeof(job->secret), "RG_JOB_SECRET=%s", hex);
	explicit_bzero(random, sizeof(random));
	explicit_bzero(hex, sizeof(hex));
	return 0;
}

static int prepare(struct job *job, struct rg_err *err)
{
	uint32_t nranks = (uint32_t)job->options->nranks;
	uint16_t port;
	int rc = make_secret(job, err);

	if (!rc)
		rc = rg_port_hold(&port, &job->port_fd, err);
	if (rc)
		return rc;
	snprintf(job->port, sizeof(job->port), "MASTER_PORT=%u", port);
	snprintf(job->size, sizeof(job->size), "WORLD_SIZE=%u", nranks);
	snprintf(job->local_size, sizeof(job->local_size), "LOCAL_WORLD_SIZE=%u", nranks);
	if (job->options->bind == BIND_NONE)
		return 0;
	rc = rg_bind_order_init(&job->order, err);
	if (!rc && nranks > job->order.ncores)
		rg_log(RG_LOG_WARN, "%u ranks on %u cores: some share one", nranks,
		       job->order.ncores);
	return rc;
}

static int start_rank(struct job *job, uint32_t rank, struct rg_err *err)
{
	char rank_word[32], local_word[32], master[] = "MASTER_ADDR=127.0.0.1";
	char launcher[] = "RG_LAUNCHER=" NAME, held[] = "RG_PORT_HELD=1";
	/* What an outer launcher or the user set and would contradict: removed. */
	char no_file[] = "RG_JOB_SECRET_FILE", no_store[] = "TORCHELASTIC_USE_AGENT_STORE";
	char *env[] = {rank_word, local_word,  job->size, job->local_size, master,   job->port,
		       held,	  job->secret, launcher,  no_file,	   no_store, NULL};
	struct rg_child_spec spec = {.argv = job->argv, .env = env};
	uint32_t index;

	snprintf(rank_word, sizeof(rank_word), "RANK=%u", rank);
	snprintf(local_word, sizeof(local_word), "LOCAL_RANK=%u", rank);
	if (job->options->bind == BIND_CORE) {
		spec.cpus = &job->order.cpus[rank % job->order.ncpus];
		spec.ncpus = 1;
	}
	return rg_child_start(job->group, &spec, &index, err); /* index is the rank: in order */
}

static uint64_t after(uint64_t delay_ns)
{
	uint64_t now = rg_clock_ns();

	return delay_ns > UINT64_MAX - 1 - now ? UINT64_MAX - 1 : now + delay_ns;
}

/* "1, 3": the ranks that still run. */
static void list_running(const struct job *job, char *text, size_t room)
{
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t r = 0; r < (uint32_t)job->options->nranks; r++) {
		if (!rg_child_runs(job->group, r))
			continue;
		if (used + 24 > room) {
			snprintf(text + used, room - used, ", ...");
			return;
		}
		used += (size_t)snprintf(text + used, room - used, "%s%u", used ? ", " : "", r);
	}
}

/*
 * The first rank that failed is to blame, except that status 4 only says that another one failed:
 * a killed process may take longer to vanish than its peers to notice.
 */
static bool is_cause(const struct job *job, const struct rg_child_end *end)
{
	int noticed = rg_err_exit(RG_ERR_PEER);

	if (!job->failed)
		return true;
	return !job->ending && job->blamed.exit_code == noticed && end->exit_code != noticed;
}

static void count_end(struct job *job, const struct rg_child_end *end, uint64_t *deadline_ns)
{
	uint64_t grace_ends_ns = after(job->options->grace_ns);

	if (end->exit_code == 0)
		return;
	job->nfailed++;
	if (is_cause(job, end))
		job->blamed = *end;
	if (job->failed)
		return;
	job->failed = true;
	if (grace_ends_ns < *deadline_ns)
		*deadline_ns = grace_ends_ns;
}

/* The deadline has passed: who is late, and why is that the end? */
static void end_late_ranks(struct job *job)
{
	char late[200], took[RG_UNITS_BYTES];

	list_running(job, late, sizeof(late));
	if (job->failed || job->interrupted) {
		rg_log(RG_LOG_WARN, "rank %s did not end within the grace time of %s: ended", late,
		       rg_format_time((double)job->options->grace_ns, took));
	} else {
		job->timed_out = true;
		rg_log(RG_LOG_ERROR, "rank %s still ran after the timeout of %s: ended", late,
		       rg_format_time((double)job->options->timeout_ns, took));
	}
	job->ending = true;
	rg_child_group_end(job->group, LAST_GRACE_NS);
}

/* A signal for us is one for the job; a second one is impatience. */
static void pass_on(struct job *job, uint64_t *deadline_ns)
{
	int signal = rg_child_group_signal(job->group);
	uint64_t grace_ends_ns = after(job->options->grace_ns);

	if (job->interrupted) {
		rg_child_group_end(job->group, 0);
		return;
	}
	job->interrupted = signal;
	job->ending = true;
	rg_child_group_kill(job->group, signal);
	rg_child_group_kill(job->group, SIGCONT);
	if (grace_ends_ns < *deadline_ns)
		*deadline_ns = grace_ends_ns;
}

/* Until none is left. */
static int watch(struct job *job, struct rg_err *err)
{
	uint64_t deadline_ns = UINT64_MAX;

	if (job->options->timeout_ns > 0)
		deadline_ns = after(job->options->timeout_ns);
	for (;;) {
		struct rg_child_end end;
		int rc = rg_child_wait(job->group, deadline_ns, &end, err);

		if (rc == 0)
			return 0;
		if (rc == 1)
			count_end(job, &end, &deadline_ns);
		else if (rc == RG_ERR_TIMEOUT)
			end_late_ranks(job);
		else if (rc == RG_ERR_INTERRUPTED)
			pass_on(job, &deadline_ns);
		else
			return rc;
	}
}

/* One line that says how the job ended, and the exit status. */
static int conclude(const struct job *job)
{
	uint32_t others = job->nfailed > 0 ? job->nfailed - 1 : 0;
	struct rg_err err = {0};
	char more[64] = "";

	if (job->timed_out) {
		rg_err_set(&err, RG_ERR_TIMEOUT, "the job did not end before its timeout");
		return rg_cmd_status(NAME, err.code, &err);
	}
	if (!job->failed && job->interrupted) {
		rg_err_set(&err, RG_ERR_INTERRUPTED, "interrupted by signal %d (%s)",
			   job->interrupted, strsignal(job->interrupted));
		return rg_cmd_status(NAME, err.code, &err);
	}
	if (!job->failed)
		return 0;
	if (others > 0)
		snprintf(more, sizeof(more), "; %u other%s failed, too", others,
			 others > 1 ? "s" : "");
	if (job->blamed.exit_code >= 0)
		rg_err_set(&err, RG_ERR_PEER, "rank %u of %u failed: exit status %d%s",
			   job->blamed.index, (uint32_t)job->options->nranks, job->blamed.exit_code,
			   more);
	else
		rg_err_set(&err, RG_ERR_PEER, "rank %u of %u failed: ended by signal %d (%s)%s%s",
			   job->blamed.index, (uint32_t)job->options->nranks, job->blamed.signal,
			   strsignal(job->blamed.signal),
			   job->blamed.core_dumped ? ", core dumped" : "", more);
	(void)rg_cmd_status(NAME, err.code, &err);
	return job->blamed.exit_code >= 0 ? job->blamed.exit_code : 128 + job->blamed.signal;
}

static int run_job(struct job *job)
{
	struct rg_err err = {0};
	int rc, status;

	rc = prepare(job, &err);
	if (!rc)
		rc = rg_child_group_open(&job->group, &err);
	for (uint32_t r = 0; !rc && r < (uint32_t)job->options->nranks; r++)
		rc = start_rank(job, r, &err);
	if (!rc)
		rc = watch(job, &err);
	status = rc ? rg_cmd_status(NAME, rc, &err) : conclude(job);
	rg_child_group_close(job->group);
	rg_bind_order_release(&job->order);
	if (job->port_fd >= 0)
		close(job->port_fd);
	explicit_bzero(job->secret, sizeof(job->secret));
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run_options options = {0};
	struct job job = {.options = &options, .port_fd = -1};
	void *const bases[] = {&options};
	struct rg_opt_origins origins;
	struct rg_err err = {0};
	int first, rc;

	rc = rg_opt_parse(&run_command, argc, argv, bases, &origins, &first, &err);
	if (!rc && first >= argc)
		rc = rg_err_set(&err, RG_ERR_INVALID,
				"no command to run: railgauge run -n N -- "
				"COMMAND...");
	if (rc)
		return rg_cmd_status(NAME, rc, &err);
	job.argv = argv + first;
	return run_job(&job);
}
