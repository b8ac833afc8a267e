/* SPDX-License-Identifier: BSD-3-Clause */
/* The ranks get to know each other: who is where, and do all have the same options? */
#include "config.h"

#include "bench_rank.h"

#include "railgauge/base/mem.h"
#include "railgauge/base/sha256.h"
#include "railgauge/device/reduce.h"

#include <stdlib.h>
#include <string.h>

/* A digest of everything that must be equal: the command line as it was understood. */
static void digest(const struct bench *b, uint8_t out[RG_SHA256_BYTES])
{
	struct rg_verbs_options verbs = b->verbs;
	const void *const bases[] = {&b->options, &verbs};
	json_t *config;
	char *text;
	struct rg_sha256 s;

	/* A rank has devices of its own. */
	verbs.device = NULL;
	verbs.port = 0;
	verbs.gid_index = -1;
	config = rg_opt_record(&bench_command, bases, &b->origins);
	text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	rg_sha256_init(&s);
	rg_sha256_add(&s, &b->coll, sizeof(b->coll));
	if (text)
		rg_sha256_add(&s, text, strlen(text));
	rg_sha256_end(&s, out);
	free(text);
	json_decref(config);
}

static int compare_configs(struct rank *r, struct rg_err *err)
{
	uint32_t n = r->job.rdv->nranks;
	uint8_t mine[RG_SHA256_BYTES];
	uint8_t(*all)[RG_SHA256_BYTES] = rg_zalloc(n, sizeof(*all));
	int rc = 0;

	digest(r->bench, mine);
	if (!all)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);
	rc = bench_rank_agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(r->job.rdv, mine, all, sizeof(mine),
					     bench_rank_deadline(r), err);
	for (uint32_t k = 1; !rc && k < n; k++) {
		if (memcmp(all[k], all[0], sizeof(mine)) != 0) {
			r->agreed = true; /* all see the same digests */
			rc = rg_err_set(err, RG_ERR_MISMATCH,
					"rank %u on %s was started with other options than rank 0 "
					"on %s",
					k, r->places[k].host, r->places[0].host);
		}
	}
	rg_free(all);
	return rc;
}

static int exchange_places(struct rank *r, struct rg_err *err)
{
	struct rg_rendezvous *rdv = r->job.rdv;
	struct rg_place mine;
	int rc = rg_place_here("", &mine, err);

	r->places = rg_zalloc(rdv->nranks, sizeof(mine));
	r->nodes = rg_zalloc(rdv->nranks, 2 * sizeof(*r->nodes));
	if (!rc && (!r->places || !r->nodes))
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", rdv->nranks);
	rc = bench_rank_agree(r, rc, err);
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, r->places, sizeof(mine),
					     bench_rank_deadline(r), err);
	if (rc)
		return rc;
	rg_place_nodes(r->places, rdv->nranks, r->nodes, r->nodes + rdv->nranks);
	r->one_host = true;
	for (uint32_t k = 0; k < rdv->nranks; k++)
		r->one_host &= r->nodes[k] == r->nodes[0];
	r->job.node = r->nodes;
	r->job.local = r->nodes + rdv->nranks;
	r->crowded = rg_place_crowded(r->places, rdv->nranks);
	r->job.stream_from_bytes = rg_stream_threshold_bytes(
		mine.llc_bytes, rg_place_llc_sharers(r->places, rdv->nranks, rdv->rank));
	return 0;
}

/* The first rank of each host looks at its topology. */
static int exchange_machines(struct rank *r, struct rg_err *err)
{
	struct rg_rendezvous *rdv = r->job.rdv;
	struct rg_machine mine;
	bool first = true;
	int rc = 0;

	for (uint32_t k = 0; k < rdv->rank; k++)
		first &= strcmp(r->places[k].host, r->places[rdv->rank].host) != 0;
	rg_machine_here(first, &mine);
	r->machines = rg_zalloc(rdv->nranks, sizeof(mine));
	if (!r->machines)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", rdv->nranks);
	rc = bench_rank_agree(r, rc, err);
	return rc ? rc
		  : rg_rendezvous_allgather(rdv, &mine, r->machines, sizeof(mine),
					    bench_rank_deadline(r), err);
}

int bench_meet(struct rank *r, struct rg_err *err)
{
	int rc = exchange_places(r, err);

	if (!rc)
		rc = exchange_machines(r, err);
	return rc ? rc : compare_configs(r, err);
}
