/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: do all ranks of a job have devices that work? In a build without libibverbs, no. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/rendezvous.h"

#include <stdio.h>

/* What a rank has found. Exchanged. */
struct word {
	uint8_t works; /* a device does */
	uint8_t named; /* one was named, or a way to notify: sockets will not do */
	uint8_t far;   /* there are ranks to use it for */
	uint8_t told;  /* why not is worth saying even if nobody has one */
	char why[RG_VERBS_WHY_BYTES];
};

/* Most machines have no device, some builds no library: that need not be told. */
static bool is_told(int rc)
{
#ifdef HAVE_VERBS
	return rc != RG_ERR_NOT_FOUND;
#else
	return false;
#endif
}

static int look(const struct rg_verbs_wish *wish, struct word *out, struct rg_err *err)
{
	const struct rg_verbs_options *options = wish->options;
	struct rg_err why = {0};
	int rc;

	*out = (struct word){.named = options->device || options->notify != RG_VERBS_WRITE_IMM,
			     .far = wish->far};
	if (wish->tcp && options->device)
		return rg_err_set(err, RG_ERR_INVALID,
				  "a device of verbs (%s) and an interface or congestion control "
				  "of tcp: which of the two? --transport says",
				  options->device);
	if (wish->tcp || !wish->far)
		return 0;
	rc = rg_verbs_probe(options, wish->local, wish->nlocal, wish->len_bytes, NULL, 0, &why);
	out->works = !rc;
	if (rc && out->named)
		return rg_err_set(err, rc, "%s", why.text);
	if (rc)
		snprintf(out->why, sizeof(out->why), "%.*s", RG_VERBS_WHY_BYTES - 1, why.text);
	out->told = is_told(rc);
	return 0;
}

static void conclude(const struct word *all, uint32_t nranks, struct rg_verbs_suit *out)
{
	bool far = false, some = false;

	*out = (struct rg_verbs_suit){.all = true};
	for (uint32_t r = 0; r < nranks; r++) {
		out->all &= all[r].works || !all[r].far;
		out->named |= all[r].named;
		far |= all[r].far;
		some |= all[r].works;
	}
	out->all &= far;
	for (uint32_t r = 0; r < nranks && !out->why_not[0]; r++) {
		if (all[r].why[0] && (some || all[r].told))
			snprintf(out->why_not, sizeof(out->why_not), "rank %u: %s", r, all[r].why);
	}
}

int rg_verbs_suits(struct rg_rendezvous *rdv, const struct rg_verbs_wish *wish,
		   struct rg_verbs_suit *out, struct rg_err *err)
{
	struct word mine = {0}, *all = rg_zalloc(rdv->nranks, sizeof(*all));
	int rc = all ? look(wish, &mine, err)
		     : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the peers' devices");
	uint64_t until = rg_clock_ns() + wish->timeout_ns;

	rc = rg_rendezvous_agree(rdv, rc, until, err);
	if (!rc)
		rc = rg_rendezvous_allgather(rdv, &mine, all, sizeof(mine), until, err);
	*out = (struct rg_verbs_suit){0};
	if (!rc)
		conclude(all, rdv->nranks, out);
	rg_free(all);
	return rc;
}
