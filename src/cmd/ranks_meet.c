/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One rank among the others. What can fail on one of them alone is followed by an agreement, so
 * that all go on or all give up.
 */
#include "config.h"

#include "ranks.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* For the others to hear why this rank gives up, before its memory and its process are gone. */
#define LINGER_NS 300000000

uint64_t ranks_deadline(const struct ranks_member *m)
{
	return rg_clock_ns() + m->ranks->timeout_ns;
}

/*
 * Did an agreement, here or further down, give these words to all ranks? A peer that is gone or
 * late was not there to agree, and what each rank waited for is its own to tell.
 */
static bool known_to_all(const struct ranks_member *m, int rc, const struct rg_err *err)
{
	const struct rg_err *agreed = &m->rdv->agreed;

	return rc != RG_ERR_PEER && rc != RG_ERR_TIMEOUT && agreed->code == rc &&
	       !strcmp(agreed->text, err->text);
}

int ranks_agree(struct ranks_member *m, int rc, struct rg_err *err)
{
	struct rg_err why = err ? *err : (struct rg_err){0};
	int all = rg_rendezvous_agree(m->rdv, rc, ranks_deadline(m), &why);

	if (!all)
		return 0;
	m->agreed = known_to_all(m, all, &why);
	/* Mostly all fail alike; then the words need no rank in front. */
	return rc == all ? rc : rg_err_set(err, all, "%s", why.text);
}

static int exchange_places(struct ranks_member *m, struct rg_err *err)
{
	struct rg_rendezvous *rdv = m->rdv;
	struct rg_place mine;
	int rc = rg_place_here("", &mine, err);

	m->places = rg_zalloc(rdv->nranks, sizeof(mine));
	m->nodes = rg_zalloc(rdv->nranks, 2 * sizeof(*m->nodes));
	if (!rc && (!m->places || !m->nodes))
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", rdv->nranks);
	rc = ranks_agree(m, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, m->places, sizeof(mine), ranks_deadline(m),
					     err);
	if (rc)
		return rc;
	rg_place_nodes(m->places, rdv->nranks, m->nodes, m->nodes + rdv->nranks);
	m->one_host = true;
	for (uint32_t k = 0; k < rdv->nranks; k++)
		m->one_host &= m->nodes[k] == m->nodes[0];
	m->crowded = rg_place_crowded(m->places, rdv->nranks);
	return 0;
}

/* The first rank of each host looks at its topology. */
static int exchange_machines(struct ranks_member *m, struct rg_err *err)
{
	struct rg_rendezvous *rdv = m->rdv;
	struct rg_machine mine;
	bool first = true;
	int rc = 0;

	for (uint32_t k = 0; k < rdv->rank; k++)
		first &= strcmp(m->places[k].host, m->places[rdv->rank].host) != 0;
	rg_machine_here(first, &mine);
	m->machines = rg_zalloc(rdv->nranks, sizeof(mine));
	if (!m->machines)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", rdv->nranks);
	rc = ranks_agree(m, rc, err);
	return rc ? rc
		  : rg_rendezvous_allgather(rdv, &mine, m->machines, sizeof(mine),
					    ranks_deadline(m), err);
}

/* What each rank has its own of. */
static const char *const own_options[] = {"verbs.device", "verbs.port", "verbs.gid-index"};

static void drop_own(json_t *config)
{
	for (size_t i = json_array_size(config); i-- > 0;) {
		const char *name =
			json_string_value(json_object_get(json_array_get(config, i), "name"));

		for (size_t k = 0; k < sizeof(own_options) / sizeof(own_options[0]); k++) {
			if (name && !strcmp(name, own_options[k])) {
				json_array_remove(config, i);
				break;
			}
		}
	}
}

/* A digest of everything that must be equal: the command line as it was understood. */
static void digest(const struct rg_opt_command *command, const void *const *bases,
		   const struct rg_opt_origins *origins, const char *operand,
		   uint8_t out[RG_SHA256_BYTES])
{
	json_t *config = rg_opt_record(command, bases, origins);
	struct rg_sha256 s;
	char *text;

	drop_own(config);
	text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	rg_sha256_init(&s);
	rg_sha256_add(&s, command->name, strlen(command->name) + 1);
	if (operand)
		rg_sha256_add(&s, operand, strlen(operand) + 1);
	if (text)
		rg_sha256_add(&s, text, strlen(text));
	rg_sha256_end(&s, out);
	free(text);
	json_decref(config);
}

static int compare_digests(struct ranks_member *m, const uint8_t mine[RG_SHA256_BYTES],
			   struct rg_err *err)
{
	uint32_t n = m->rdv->nranks;
	uint8_t(*all)[RG_SHA256_BYTES] = rg_zalloc(n, sizeof(*all));
	int rc = 0;

	if (!all)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);
	rc = ranks_agree(m, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(m->rdv, mine, all, RG_SHA256_BYTES, ranks_deadline(m),
					     err);
	for (uint32_t k = 1; !rc && k < n; k++) {
		if (memcmp(all[k], all[0], RG_SHA256_BYTES) != 0) {
			m->agreed = true; /* all see the same digests */
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rank %u on %s was started with other options than rank 0 "
					"on %s",
					k, m->places[k].host, m->places[0].host);
		}
	}
	rg_free(all);
	return rc;
}

int ranks_meet(struct ranks_member *m, const struct rg_opt_command *command,
	       const void *const *bases, const struct rg_opt_origins *origins, const char *operand,
	       struct rg_err *err)
{
	uint8_t mine[RG_SHA256_BYTES];
	int rc = exchange_places(m, err);

	if (!rc)
		rc = exchange_machines(m, err);
	if (rc)
		return rc;
	digest(command, bases, origins, operand, mine);
	return compare_digests(m, mine, err);
}

int ranks_others_load(struct ranks_member *m, double *load_out, struct rg_err *err)
{
	uint32_t n = m->rdv->nranks;
	double *own = rg_zalloc(n, sizeof(double));
	struct rg_load now;
	double mine, sum = 0;
	int rc = own ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);

	rg_load_read(&now);
	mine = now.own_s - m->load.own_s;
	rc = ranks_agree(m, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(m->rdv, &mine, own, sizeof(mine), ranks_deadline(m),
					     err);
	for (uint32_t k = 0; !rc && k < n; k++) {
		const struct rg_process *p = &m->places[k].process, *p0 = &m->places[0].process;
		/* Threads are one process, and have all said the same. */
		bool thread = k > 0 && p->pid == p0->pid && p->pid_space == p0->pid_space;

		if (rg_place_same_machine(&m->places[k], &m->places[0]) && !thread)
			sum += own[k];
	}
	*load_out = rc ? 0 : rg_load_others(&m->load, &now, sum);
	rg_free(own);
	return rc;
}

/* A failure that not all ranks know of is told by each that saw it: who speaks? */
static void name_speaker(const struct rg_rendezvous *rdv, struct rg_err *err)
{
	char host[64] = "";

	if (rdv->nranks == 1)
		return;
	if (gethostname(host, sizeof(host) - 1))
		snprintf(host, sizeof(host), "an unnamed host");
	rg_err_prefix(err, "rank %u (%s)", rdv->rank, host);
}

/* A failure that the others do not know of. */
static void give_up(const struct ranks_member *m, int rc, struct rg_err *err)
{
	m->rdv->ops->abort(m->rdv, err);
	/* They are to find these words before they find that this process is gone. */
	if (m->rdv->nranks > 1 && rc != RG_ERR_PEER && rc != RG_ERR_TIMEOUT)
		rg_clock_sleep_until(rg_clock_ns() + LINGER_NS);
	name_speaker(m->rdv, err);
}

void ranks_end(struct ranks_member *m, int rc, bool *agreed_out, struct rg_err *err)
{
	const struct ranks *ranks = m->ranks;

	m->agreed = m->agreed || (rc && known_to_all(m, rc, err));
	if (rc && !m->agreed)
		give_up(m, rc, err);
	/* Peers that are threads look into our memory until they have ended as well. */
	if (ranks->gate)
		ranks_gate_pass(ranks->gate);
	if (ranks->watch) {
		ranks_watch_leave(ranks->watch);
		ranks_watch_last(ranks->watch, NULL, NULL);
	}
	*agreed_out = m->agreed || !rc;
}

void ranks_release(struct ranks_member *m)
{
	rg_free(m->nodes);
	rg_free(m->places);
	rg_free(m->machines);
}
