/* SPDX-License-Identifier: BSD-3-Clause */
/* railgauge bench: the command line, and which kind of job this is. */
#include "config.h"

#include "bench.h"
#include "cmd.h"

#include "railgauge/base/clock.h"
#include "railgauge/coll/schedule.h"

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

static int parse_collective(int argc, char **argv, int first, enum rg_coll *coll_out,
			    struct rg_err *err)
{
	if (first >= argc)
		return rg_err_set(err, RG_ERR_INVALID,
				  "which collective? For example: railgauge bench allreduce");
	if (first + 1 < argc)
		return rg_err_set(err, RG_ERR_INVALID, "%s: one collective at a time",
				  argv[first + 1]);
	return rg_cmd_collective(argv[first], coll_out, err);
}

static int parse_buffers(struct bench *b, struct rg_err *err)
{
	for (const char *rest = b->options.buffers; rest;) {
		size_t len = strcspn(rest, ",");

		if (len == 6 && !strncmp(rest, "window", len))
			b->access[RG_ACCESS_WINDOW] = true;
		else if (len == 7 && !strncmp(rest, "private", len))
			b->access[RG_ACCESS_PRIVATE] = true;
		else
			return rg_err_set(err, RG_ERR_INVALID,
					  "--buffers: %.*s: expected window, private or both "
					  "with a comma",
					  (int)(len > 40 ? 40 : len), rest);
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	return 0;
}

/* --radix and --send-window are for an algorithm that has one. */
static int check_tuning(const struct bench *b, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	const char *option = o->radix ? "--radix" : o->send_window ? "--send-window" : NULL;
	const struct rg_algorithm *a;

	if (option && !o->algorithm)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s needs --algorithm: few have one, see railgauge algorithms",
				  option);
	if (!option || rg_algorithm_find(b->coll, o->algorithm, &a, NULL))
		return 0; /* what is no name is said later */
	if (o->radix && !a->radix)
		return rg_err_set(err, RG_ERR_INVALID, "--radix: %s %s has none",
				  rg_coll_name(b->coll), a->name);
	if (o->send_window && !a->window)
		return rg_err_set(err, RG_ERR_INVALID, "--send-window: %s %s has none",
				  rg_coll_name(b->coll), a->name);
	return o->radix == 1 ? rg_err_set(err, RG_ERR_INVALID, "--radix: 1 joins nobody") : 0;
}

static int check_algorithm(const struct bench *b, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	char words[128];
	int n = snprintf(words, sizeof(words), "%s%s%s", o->algorithm, o->protocol ? ":" : "",
			 o->protocol ? o->protocol : "");

	if (n < 0 || (size_t)n >= sizeof(words))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--algorithm, --protocol: %.20s...: too long", words);
	if (!rg_target_railgauge.check(b->coll, words, err))
		return 0;
	return rg_err_prefix(err, o->protocol ? "--algorithm, --protocol" : "--algorithm");
}

/* Puts --algorithm and --protocol into the plain names of target railgauge. */
static int resolve_targets(struct bench *b, const char *list, struct rg_err *err)
{
	const struct bench_options *o = &b->options;
	bool chosen = o->algorithm, used = false;
	size_t room = sizeof(b->targets), at = 0;

	if (o->protocol && !o->algorithm)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--protocol %s needs --algorithm: each has protocols of its own, "
				  "see railgauge algorithms",
				  o->protocol);
	if (chosen && check_algorithm(b, err))
		return RG_ERR_INVALID;
	for (const char *rest = list; rest;) {
		size_t len = strcspn(rest, ",");
		bool plain = len == 9 && !strncmp(rest, "railgauge", len);
		int n;

		if (chosen && plain)
			n = snprintf(b->targets + at, room - at, "%srailgauge:%s%s%s",
				     at ? "," : "", o->algorithm, o->protocol ? ":" : "",
				     o->protocol ? o->protocol : "");
		else
			n = snprintf(b->targets + at, room - at, "%s%.*s", at ? "," : "", (int)len,
				     rest);
		if (n < 0 || (size_t)n >= room - at)
			return rg_err_set(err, RG_ERR_INVALID, "--target: the list is too long");
		used |= plain;
		at += (size_t)n;
		rest = rest[len] ? rest + len + 1 : NULL;
	}
	if (chosen && !used)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--algorithm is for target railgauge, which --target %s does not "
				  "name",
				  list);
	return 0;
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
static void end_mpi_job(const struct bench *b, int rc, const struct rg_err *err)
{
	int status = rg_cmd_status(BENCH_NAME, rc, err);

	/* If that hangs as well, the alarm ends at least this process. */
	alarm(4);
	sleep(1);
	b->mpi->module->abort(status);
}

static int run_process(struct bench *b, struct rg_rendezvous *rdv, bool *print_out,
		       struct rg_err *err)
{
	bool agreed = false;
	int rc = bench_rank(b, rdv, &agreed, err);

	/* A failure that only some ranks saw is told by each of them. */
	*print_out = rdv->rank == 0 || !agreed;
	b->shared = agreed;
	rg_rendezvous_close(rdv);
	return rc;
}

static int run_mpi(struct bench *b, const char *name, bool algorithms, bool *print_out,
		   struct rg_err *err)
{
	const struct rg_mpi_settings settings = {.algorithms = algorithms};
	uint64_t start_ns = b->options.start_timeout_ns, timeout_ns = b->options.timeout_ns;
	struct rg_rendezvous *rdv;
	int rc = bench_watch_open(launched_rank(), start_ns, &b->watch, err);

	if (rc)
		return rc;
	bench_watch_enter(b->watch, "MPI_Init");
	rc = rg_mpi_open(name, &settings, &b->mpi, err);
	bench_watch_leave(b->watch);
	bench_watch_limit(b->watch, timeout_ns + timeout_ns / 8);
	if (rc && rc != RG_ERR_MISMATCH) /* the launcher ends the others before they can tell */
		*print_out = name_launched(err);
	if (rc)
		goto close_watch;
	rc = rg_mpi_rendezvous_open(b->mpi, rg_clock_ns() + start_ns, &rdv, err);
	if (!rc)
		rc = run_process(b, rdv, print_out, err);
	if (rc == RG_ERR_PEER || rc == RG_ERR_TIMEOUT)
		end_mpi_job(b, rc, err);
	/* Before the others can be through with MPI_Finalize: mpirun ends us as soon as one is. */
	if (rc && b->shared && *print_out) {
		(void)rg_cmd_status(BENCH_NAME, rc, err);
		b->told = true;
	}
	bench_watch_finish(b->watch);
	rg_mpi_close(b->mpi);
close_watch:
	bench_watch_close(b->watch);
	return rc;
}

static int join(struct bench *b, bool algorithms, bool *print_out, struct rg_err *err)
{
	struct rg_rendezvous *rdv;
	struct rg_err why = {0};
	const char *name;
	bool told;
	int rc;

	if (b->options.threads) {
		b->threads = true;
		b->no_mpi = "the ranks are threads of one process; MPI joins processes, so start "
			    "them with mpirun";
		rc = check_alone("with --threads each would be a job of its own", err);
		if (rc)
			return rc;
		return bench_threads(b, (uint32_t)b->options.threads, err);
	}
	rc = rg_mpi_choose(b->options.mpi, &name, &why);
	if (!rc)
		return run_mpi(b, name, algorithms, print_out, err);
	if (rc != RG_ERR_NOT_FOUND)
		return rg_err_set(err, rc, "%s", why.text);
	rc = rg_rendezvous_env_open(rg_clock_ns() + b->options.start_timeout_ns, &rdv, &told, &why);
	if (!rc) {
		b->no_mpi = "the ranks were started without MPI; start them with mpirun";
		return run_process(b, rdv, print_out, err);
	}
	if (rc != RG_ERR_NOT_FOUND && !told)
		*print_out = name_launched(&why);
	if (rc != RG_ERR_NOT_FOUND)
		return rg_err_set(err, rc, "%s", why.text);
	b->threads = true;
	b->no_mpi = "not started by an MPI launcher such as mpirun";
	rc = check_alone("nothing joins them: no MPI, no MASTER_ADDR", err);
	return rc ? rc : bench_threads(b, 1, err);
}

/* Under an MPI launcher the comparison is what one wants to see. */
static const char *usual_targets(const struct bench *b)
{
	const char *name;

	if (b->options.target)
		return b->options.target;
	if (!b->options.threads && !rg_mpi_choose(b->options.mpi, &name, NULL))
		return "railgauge,mpi";
	return "railgauge";
}

static int parse(struct bench *b, bool *algorithms_out, struct rg_err *err)
{
	void *const bases[] = {&b->options, &b->verbs};
	bool wants_mpi;
	int first, rc;

	rc = rg_opt_parse(&bench_command, b->argc, b->argv, bases, &b->origins, &first, err);
	if (!rc)
		rc = parse_collective(b->argc, b->argv, first, &b->coll, err);
	if (!rc)
		rc = parse_buffers(b, err);
	if (!rc)
		rc = check_tuning(b, err);
	if (!rc && b->options.points)
		rc = bench_points_open(b->options.points, b->coll, &b->points, &wants_mpi,
				       algorithms_out, err);
	if (!rc && !b->options.points)
		rc = resolve_targets(b, usual_targets(b), err);
	if (!rc && !b->options.points)
		rc = rg_target_parse(b->targets, "--target", b->coll, &wants_mpi, algorithms_out,
				     err);
	return rc ? rc : bench_check(b, err);
}

/*
 * A rank whose command line is wrong joins the others all the same: they may have been started with
 * another one, and would wait for it; and rank 0 is the one that says what is wrong.
 */
static int join_refused(struct bench *b, int refused, bool *print_out, struct rg_err *err)
{
	int rc;

	if (b->options.threads || !launched_rank())
		return refused;
	b->refused = refused;
	b->why = *err;
	if (!b->options.timeout_ns)
		b->options.timeout_ns = JOIN_NS;
	if (!b->options.start_timeout_ns)
		b->options.start_timeout_ns = JOIN_NS;
	rc = join(b, false, print_out, err);
	if (b->shared)
		return rc;
	*err = b->why;
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

int cmd_bench(int argc, char **argv)
{
	struct bench b = {.argc = argc, .argv = argv, .interrupted = &interrupted};
	bool algorithms, print = is_first();
	struct rg_err err = {0};
	int rc = parse(&b, &algorithms, &err);

	if (rc > 0)
		return 0;
	catch_signals();
	if (!rc && print) /* the one that will print the table */
		rc = rg_cmd_output_try(&err);
	rc = rc ? join_refused(&b, rc, &print, &err) : join(&b, algorithms, &print, &err);
	if (rc && !print && !b.shared)
		let_first_speak();
	bench_points_close(&b.points);
	return print && !b.told ? rg_cmd_status(BENCH_NAME, rc, &err) : rg_err_exit(rc);
}
