/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "driver.h"

#include "railgauge/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

const volatile sig_atomic_t *driver_catch(void)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	action = (struct sigaction){.sa_handler = SIG_IGN};
	sigaction(SIGPIPE, &action, NULL);
	return &caught;
}

int driver_interrupted(struct rg_err *err)
{
	if (!caught)
		return 0;
	return rg_err_set(err, RG_ERR_INTERRUPTED, "interrupted by signal %d (%s)", (int)caught,
			  strsignal(caught));
}

char **driver_split(int argc, char **argv, int *argc_out)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") != 0)
			continue;
		*argc_out = i;
		return i + 1 < argc ? argv + i + 1 : NULL;
	}
	*argc_out = argc;
	return NULL;
}

int driver_outside(const char *example, struct rg_err *err)
{
	static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK"};

	for (size_t i = 0; i < sizeof(ranks) / sizeof(ranks[0]); i++) {
		if (getenv(ranks[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "started by a launcher (%s is set): start it outside, as "
					  "%s",
					  ranks[i], example);
	}
	return 0;
}

int driver_program(char **path_out, struct rg_err *err)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *copy;

	if (n < 0)
		return rg_err_errno(err, errno,
				    "/proc/self/exe: cannot find out which program "
				    "this is");
	path[n] = '\0';
	copy = rg_strdup(path);
	if (!copy)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a path");
	*path_out = copy;
	return 0;
}

#define WORDS_MAX 32

struct words {
	const char *list[WORDS_MAX];
	uint32_t n;
};

/* An option with its value (NULL: it has none). */
static void add(struct words *w, const char *option, const char *value)
{
	w->list[w->n++] = option;
	if (value)
		w->list[w->n++] = value;
}

static char **copy_words(const struct words *w)
{
	char **args = rg_zalloc(w->n + 1, sizeof(*args));

	for (uint32_t i = 0; args && i < w->n; i++) {
		args[i] = rg_strdup(w->list[i]);
		if (!args[i]) {
			driver_args_free(args);
			return NULL;
		}
	}
	return args;
}

char **driver_bench_args(const struct driver_bench *bench)
{
	/* MPI_Bcast has one buffer: it cannot be measured out of place. */
	bool in_place = bench->in_place || bench->coll == RG_COLL_BROADCAST;
	char budget[32], seed[32], timeout[32];
	struct words w = {.list = {"bench", rg_coll_name(bench->coll)}, .n = 2};

	snprintf(budget, sizeof(budget), "%" PRIu64 "ns", bench->budget_ns);
	snprintf(seed, sizeof(seed), "%" PRIu64, bench->seed);
	snprintf(timeout, sizeof(timeout), "%" PRIu64 "ns", bench->timeout_ns);
	add(&w, "--json", "-");
	add(&w, "--no-samples", NULL);
	add(&w, "--points", bench->points);
	add(&w, "--buffers", "private");
	add(&w, "--no-calibrate", NULL);
	add(&w, "--place", in_place ? "in" : "out");
	add(&w, "--datatype", bench->type);
	if (rg_coll_reduces(bench->coll))
		add(&w, "--op", bench->op);
	add(&w, "--seed", seed);
	if (bench->once) {
		add(&w, "--iters", "1");
		add(&w, "--warmup_iters", "0");
	} else {
		add(&w, "--budget", budget);
		if (bench->race)
			add(&w, "--race", NULL);
	}
	if (bench->timeout_ns)
		add(&w, "--timeout", timeout);
	return copy_words(&w);
}

void driver_args_free(char **args)
{
	for (uint32_t i = 0; args && args[i]; i++)
		rg_free(args[i]);
	rg_free(args);
}

/* Hosts of a that are not among b's, with commas between; how many there are. */
static uint32_t list_missing(char *const *a, uint32_t na, char *const *b, uint32_t nb, char *text,
			     size_t room)
{
	uint32_t found = 0;
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t i = 0; i < na; i++) {
		bool known = false;

		for (uint32_t k = 0; !known && k < nb; k++)
			known = !strcmp(a[i], b[k]);
		if (known || (i > 0 && !strcmp(a[i], a[i - 1])))
			continue;
		found++;
		if (used < room)
			used += (size_t)snprintf(text + used, room - used, "%s%s", used ? ", " : "",
						 a[i]);
	}
	return found;
}

static int note_hosts(const struct rg_decisions *d, const struct rg_result *result, char *note,
		      size_t room)
{
	char here[128], there[128];
	uint32_t n = result->nmachines, fresh, gone;
	char **hosts = rg_zalloc(n ? n : 1, sizeof(*hosts));

	if (!hosts)
		return RG_ERR_NO_MEMORY;
	for (uint32_t i = 0; i < n; i++)
		hosts[i] = (char *)result->machines[i].host;
	fresh = list_missing(hosts, n, d->hosts, d->nhosts, here, sizeof(here));
	gone = list_missing(d->hosts, d->nhosts, hosts, n, there, sizeof(there));
	note[0] = '\0';
	if (fresh || gone)
		snprintf(note, room, "other hosts than decided for:%s%s%s%s%s",
			 fresh ? " here " : "", here, fresh && gone ? "," : "",
			 gone ? " there " : "", there);
	rg_free(hosts);
	return 0;
}

int driver_same_job(const struct rg_decisions *decisions, const struct rg_result *result,
		    char *note, size_t room, struct rg_err *err)
{
	const char *mpi = result->run.mpi ? result->run.mpi : "no MPI";

	if (result->run.nranks != decisions->nranks)
		return rg_err_set(err, RG_ERR_MISMATCH,
				  "the launcher starts %u rank%s, but the decisions are for %u",
				  result->run.nranks, result->run.nranks == 1 ? "" : "s",
				  decisions->nranks);
	/* What did not fit was cut off when it was decided. */
	if (strncmp(mpi, decisions->library, sizeof(decisions->library) - 1) != 0)
		return rg_err_set(err, RG_ERR_MISMATCH,
				  "the job runs with \"%s\", but the decisions are for \"%s\"", mpi,
				  decisions->library);
	if (note_hosts(decisions, result, note, room))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for names of hosts");
	return 0;
}
