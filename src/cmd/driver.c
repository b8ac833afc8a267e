/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "driver.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Enough to tell two environments apart. */
#define HASH_BYTES 8

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

void driver_transport(char *const *launcher, char *text, size_t room)
{
	static const char *const names[] = {"pml", "mtl", "btl"};
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = NULL;
		char variable[32];

		snprintf(variable, sizeof(variable), "OMPI_MCA_%s", names[i]);
		value = getenv(variable);
		for (char *const *w = launcher; w[0] && w[1] && w[2]; w++) {
			const char *dashes = w[0] + strspn(w[0], "-");

			if (dashes != w[0] && !strcmp(dashes, "mca") && !strcmp(w[1], names[i]))
				value = w[2];
		}
		if (value && used < room)
			used += (size_t)snprintf(text + used, room - used, "%s%s %s",
						 used ? ", " : "", names[i], value);
	}
}

static bool is_parameter(const char *word)
{
	static const char *const begins[] = {"OMPI_MCA_", "PMIX_MCA_", "PRTE_MCA_", "UCX_",
					     "RG_MPI_FAULT="};

	for (size_t i = 0; i < sizeof(begins) / sizeof(begins[0]); i++) {
		if (!strncmp(word, begins[i], strlen(begins[i])))
			return strchr(word, '=');
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The hash of all words, and then their names. */
static char *summarize(char *const *words, size_t n, size_t room)
{
	uint8_t digest[RG_SHA256_BYTES];
	char *text = rg_alloc(room), *to = text;
	struct rg_sha256 hash;

	if (!text)
		return NULL;
	rg_sha256_init(&hash);
	for (size_t i = 0; i < n; i++)
		rg_sha256_add(&hash, words[i], strlen(words[i]) + 1);
	rg_sha256_end(&hash, digest);
	rg_hex(digest, HASH_BYTES, text);
	to += strlen(text);
	for (size_t i = 0; i < n; i++) {
		to += snprintf(to, room - (size_t)(to - text), i ? ", " : ": ");
		for (const char *c = words[i]; *c != '='; c++) /* of a name only what is one */
			*to++ = isalnum((unsigned char)*c) ? *c : '_';
	}
	*to = '\0';
	return text;
}

char *driver_environment(void)
{
	size_t all = 0, n = 0, room = 2 * HASH_BYTES + 1;
	char **words, *text;

	while (environ[all])
		all++;
	words = rg_zalloc(all + 1, sizeof(*words));
	if (!words)
		return NULL;
	for (size_t i = 0; i < all; i++) {
		if (!is_parameter(environ[i]))
			continue;
		words[n++] = environ[i];
		room += strlen(environ[i]) + 2;
	}
	qsort(words, n, sizeof(*words), by_text);
	text = n ? summarize(words, n, room) : rg_strdup("");
	rg_free(words);
	return text;
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

/* Starting a job takes seconds, on many hosts more. */
#define START_LIMIT_NS ((uint64_t)60000000000)

/* Two warm-ups and six rounds, with an untimed operation beside each; on gigabit Ethernet. */
#define LAPS	     16
#define SLOW_BYTE_NS 10

uint64_t driver_limit(uint64_t given_ns, uint64_t points_ns, uint64_t bytes)
{
	return given_ns ? given_ns : START_LIMIT_NS + 10 * points_ns + LAPS * SLOW_BYTE_NS * bytes;
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
	if (fresh || gone)
		snprintf(note, room, "other hosts than decided for:%s%s%s%s%s",
			 fresh ? " here " : "", here, fresh && gone ? "," : "",
			 gone ? " there " : "", there);
	rg_free(hosts);
	return 0;
}

static void note_transport(const struct rg_decisions *d, char *const *launcher, char *note,
			   size_t room)
{
	char here[sizeof(d->transport)];
	size_t used = strlen(note);

	driver_transport(launcher, here, sizeof(here));
	if (strcmp(here, d->transport) != 0)
		snprintf(note + used, room - used,
			 "%sanother transport than decided for: here %s, there %s",
			 used ? "; " : "", here[0] ? here : "the library's choice",
			 d->transport[0] ? d->transport : "the library's choice");
}

int driver_same_job(const struct rg_decisions *decisions, char *const *launcher,
		    const struct rg_result *result, char *note, size_t room, struct rg_err *err)
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
	note[0] = '\0';
	if (note_hosts(decisions, result, note, room))
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for names of hosts");
	note_transport(decisions, launcher, note, room);
	return 0;
}
