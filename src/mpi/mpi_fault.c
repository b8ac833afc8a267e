/* SPDX-License-Identifier: BSD-3-Clause */
/* Failures on purpose: RG_MPI_FAULT, see glue.h. */
#include "config.h"

#include "module.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const kinds[] = {"crash", "hang", "wrong", "refuse"};

enum kind { CRASH, HANG, WRONG, REFUSE, NKINDS };

/* What the environment asked for; borrowed, environ outlives it. NULL: nothing. */
static const char *faults;

/* COLLECTIVE:ALGORITHM:KIND at text, which ends before a comma; false: it is none. */
static bool parse(const char *text, char name[160], enum kind *kind_out)
{
	size_t len = strcspn(text, ",");
	const char *last = NULL;

	for (const char *at = text; at < text + len; at++) {
		if (*at == ':')
			last = at;
	}
	if (!last || last == text || (size_t)(last - text) >= 160)
		return false;
	snprintf(name, 160, "%.*s", (int)(last - text), text);
	for (int k = 0; k < NKINDS; k++) {
		size_t end = (size_t)(text + len - last - 1);

		if (strlen(kinds[k]) == end && !strncmp(last + 1, kinds[k], end)) {
			*kind_out = (enum kind)k;
			return strchr(name, ':') != NULL;
		}
	}
	return false;
}

int module_fault_start(struct rg_err *err)
{
	const char *text = getenv("RG_MPI_FAULT");
	char name[160];
	enum kind kind;

	if (!text || !*text)
		return 0;
	for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		if (!parse(at, name, &kind))
			return rg_err_set(err, RG_ERR_INVALID,
					  "RG_MPI_FAULT: %.60s: expected COLLECTIVE:ALGORITHM:KIND "
					  "with crash, hang, wrong or refuse as KIND",
					  at);
	}
	faults = text;
	return 0;
}

static int run_crash(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	abort();
}

static int run_hang(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	while (true)
		pause();
	return 0;
}

/* Does this rank have a result? */
static bool has_result(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	bool root = (uint32_t)module.rank == call->root;

	if (!call->dst || !t->count || t->coll == RG_COLL_BARRIER)
		return false;
	switch (t->coll) {
	case RG_COLL_REDUCE:
	case RG_COLL_GATHER:
		return root;
	case RG_COLL_BROADCAST:
		return !root;
	default:
		return true;
	}
}

static int run_wrong(const struct rg_mpi_target *t, const struct rg_mpi_call *call)
{
	int code = t->healthy(t, call);

	if (!code && has_result(t, call))
		*(uint8_t *)call->dst ^= 1;
	return code;
}

int module_fault_apply(struct rg_mpi_target *t, struct rg_err *err)
{
	char mine[160], name[160];
	enum kind kind;

	if (!faults || module.rank != module.nranks - 1)
		return 0;
	snprintf(mine, sizeof(mine), "%s:%s", rg_coll_name(t->coll), t->algorithm);
	for (const char *at = faults; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
		if (!parse(at, name, &kind) || strcmp(name, mine) != 0)
			continue;
		if (kind == REFUSE)
			return rg_err_set(err, RG_ERR_UNSUPPORTED, "RG_MPI_FAULT refuses %s", mine);
		t->healthy = t->run;
		t->run = kind == CRASH ? run_crash : kind == HANG ? run_hang : run_wrong;
		return 0;
	}
	return 0;
}
