/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "ranks.h"
#include "cmd.h"

#include "railgauge/base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For ranks that could not read their own --timeout and --start-timeout. */
#define JOIN_NS ((uint64_t)30000000000)

/* For rank 0 to say why the job ends; the launcher ends us as soon as it has. */
#define FIRST_NS ((uint64_t)5000000000)

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
	(void)number;
	interrupted = 1;
}

/*
 * The first signal ends the run in order, a second one at once. That nobody reads the results any
 * more (| head) is an error with words like others: the peers are to learn of it.
 */
static void catch_signals(void)
{
	struct sigaction action = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	action = (struct sigaction){.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &action, NULL);
}

/*
 * Nothing joins the ranks of this job, or each of them would make a job of its own: is it certain
 * that there is only one? RG_ERR_MISMATCH naming the variable that says otherwise.
 */
static int check_alone(const char *why, struct rg_err *err)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "WORLD_SIZE",
					    "SLURM_STEP_NUM_TASKS"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value && strcmp(value, "1") != 0)
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "%s says that %s ranks were started, but %s", names[i],
					  value, why);
	}
	return 0;
}

/* The launcher's idea of our rank, before anything is joined; NULL where there is none. */
static const char *launched_rank(void)
{
	static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK", "RANK",
					    "SLURM_PROCID"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = getenv(names[i]);

		if (value && *value)
			return value;
	}
	return NULL;
}

static bool is_first(void)
{
	const char *rank = launched_rank();

	return !rank || !strcmp(rank, "0");
}

/* A rank that joined nobody speaks for itself: its number and host come first. Returns true. */
static bool name_launched(struct rg_err *err)
{
	const char *rank = launched_rank();
	char host[64] = "";

	(void)gethostname(host, sizeof(host) - 1); /* else the host stays unnamed */
	if (rank && strncmp(err->text, "rank ", 5) != 0)
		rg_err_prefix(err, "rank %.20s (%s)", rank, host);
	return true;
}

/* --- ranks as processes --- */

/*
 * A peer is gone or hangs. The launcher may not know (a stopped process; mpirun with recovery), so
 * the job is ended by MPI itself, once the other survivors had time to say their line, too.
 */
static void end_mpi_job(const struct ranks *r, int rc, const struct rg_err *err)
{
	int status = rg_cmd_status(r->name, rc, err);

	/* If that hangs as well, the alarm ends at least this process. */
	alarm(4);
	sleep(1);
	r->mpi->module->abort(status);
}

static int run_process(struct ranks *r, struct rg_rendezvous *rdv, bool *print_out,
		       struct rg_err *err)
{
	bool agreed = false;
	int rc = r->life(r, rdv, &agreed, err);

	/* A failure that only some ranks saw is told by each of them. */
	*print_out = rdv->rank == 0 || !agreed;
	r->shared = agreed;
	rg_rendezvous_close(rdv);
	return rc;
}

static int run_mpi(struct ranks *r, const char *name, bool *print_out, struct rg_err *err)
{
	const struct rg_mpi_settings settings = {.algorithms = r->algorithms};
	uint64_t start_ns = r->start_ns, timeout_ns = r->timeout_ns;
	struct rg_rendezvous *rdv;
	int rc = ranks_watch_open(r->name, launched_rank(), start_ns, &r->watch, err);

	if (rc)
		return rc;
	ranks_watch_enter(r->watch, "MPI_Init");
	rc = rg_mpi_open(name, &settings, &r->mpi, err);
	ranks_watch_leave(r->watch);
	ranks_watch_limit(r->watch, timeout_ns + timeout_ns / 8);
	if (rc && rc != RG_ERR_MISMATCH) /* the launcher ends the others before they can tell */
		*print_out = name_launched(err);
	if (rc)
		goto close_watch;
	rc = rg_mpi_rendezvous_open(r->mpi, rg_clock_ns() + start_ns, &rdv, err);
	if (!rc)
		rc = run_process(r, rdv, print_out, err);
	/* What all ranks know, all end with by themselves. */
	if ((rc == RG_ERR_PEER || rc == RG_ERR_TIMEOUT) && !r->shared)
		end_mpi_job(r, rc, err);
	/* Before the others can be through with MPI_Finalize: mpirun ends us as soon as one is. */
	if (rc && r->shared && *print_out) {
		(void)rg_cmd_status(r->name, rc, err);
		r->told = true;
	}
	ranks_watch_finish(r->watch);
	rg_mpi_close(r->mpi);
close_watch:
	ranks_watch_close(r->watch);
	return rc;
}

static int join(struct ranks *r, bool *print_out, struct rg_err *err)
{
	struct rg_rendezvous *rdv;
	struct rg_err why = {0};
	const char *name;
	bool told;
	int rc;

	if (r->nthreads) {
		r->threads = true;
		r->no_mpi = "the ranks are threads of one process; MPI joins processes, so start "
			    "them with mpirun";
		rc = check_alone("with --threads each would be a job of its own", err);
		if (rc)
			return rc;
		return ranks_threads(r, (uint32_t)r->nthreads, err);
	}
	rc = rg_mpi_choose(r->library, &name, &why);
	if (!rc)
		return run_mpi(r, name, print_out, err);
	if (rc != RG_ERR_NOT_FOUND)
		return rg_err_set(err, rc, "%s", why.text);
	rc = rg_rendezvous_env_open(rg_clock_ns() + r->start_ns, &rdv, &told, &why);
	if (!rc) {
		r->no_mpi = "the ranks were started without MPI; start them with mpirun";
		return run_process(r, rdv, print_out, err);
	}
	if (rc != RG_ERR_NOT_FOUND && !told)
		*print_out = name_launched(&why);
	if (rc != RG_ERR_NOT_FOUND)
		return rg_err_set(err, rc, "%s", why.text);
	r->threads = true;
	r->no_mpi = "not started by an MPI launcher such as mpirun";
	rc = check_alone("nothing joins them: no MPI, no MASTER_ADDR", err);
	return rc ? rc : ranks_threads(r, 1, err);
}

/*
 * A rank whose command line is wrong joins the others all the same: they may have been started with
 * another one, and would wait for it; and rank 0 is the one that says what is wrong.
 */
static int join_refused(struct ranks *r, int refused, bool *print_out, struct rg_err *err)
{
	int rc;

	if (r->nthreads || !launched_rank())
		return refused;
	r->refused = refused;
	r->algorithms = false;
	r->why = *err;
	if (!r->timeout_ns)
		r->timeout_ns = JOIN_NS;
	if (!r->start_ns)
		r->start_ns = JOIN_NS;
	rc = join(r, print_out, err);
	if (r->shared)
		return rc;
	*err = r->why;
	return refused;
}

/*
 * Ranks that met nobody leave the words to rank 0. If they ended before it, even before it began,
 * mpirun would end it without a word; railgauge run leaves it the time.
 */
static void let_first_speak(void)
{
	bool hasty = getenv("OMPI_COMM_WORLD_RANK") || getenv("PMIX_RANK") || getenv("PMI_RANK");
	uint64_t end_ns = rg_clock_ns() + FIRST_NS;

	while (hasty && !interrupted && rg_clock_ns() < end_ns)
		rg_clock_sleep_until(rg_clock_ns() + 10000000);
}

int ranks_run(struct ranks *r, int refused, struct rg_err *err)
{
	bool print = is_first();
	int rc = refused;

	r->interrupted = &interrupted;
	catch_signals();
	if (!rc && print) /* the one that will print the table */
		rc = rg_cmd_output_try(err);
	rc = rc ? join_refused(r, rc, &print, err) : join(r, &print, err);
	if (rc && !print && !r->shared)
		let_first_speak();
	return print && !r->told ? rg_cmd_status(r->name, rc, err) : rg_err_exit(rc);
}
