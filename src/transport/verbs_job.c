/* SPDX-License-Identifier: BSD-3-Clause */
/* verbs: what the ranks of a job settle together. */
#include "config.h"

#include "verbs_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

/* What all ranks offer: all[nranks][n]. */
static int settle_all(struct rg_verbs_device *const *devices, uint32_t n,
		      const struct rg_verbs_offer *all, uint32_t nranks, char (*host)[64],
		      struct rg_err *err)
{
	struct rg_verbs_offer *peers = rg_zalloc(nranks, sizeof(*peers));
	int rc = peers ? 0 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the peers' GIDs");

	for (uint32_t d = 0; d < n && !rc; d++) {
		uint32_t bad = UINT32_MAX;

		for (uint32_t r = 0; r < nranks; r++)
			peers[r] = all[(size_t)r * n + d];
		rc = rg_verbs_device_settle(devices[d], peers, nranks, &bad, err);
		if (rc && bad < nranks && err)
			rg_err_prefix(err, "rank %u%s%s%s", bad, host ? " (" : "",
				      host ? host[bad] : "", host ? ")" : "");
	}
	rg_free(peers);
	return rc;
}

int rg_verbs_devices_settle(struct rg_rendezvous *rdv, struct rg_verbs_device *const *devices,
			    uint32_t n, char (*host)[64], uint64_t timeout_ns, struct rg_err *err)
{
	struct rg_verbs_offer *mine = rg_zalloc(n, sizeof(*mine));
	struct rg_verbs_offer *all = rg_zalloc((size_t)n * rdv->nranks, sizeof(*all));
	int rc = mine && all ? 0
			     : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the peers' GIDs");

	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + timeout_ns, err);
	if (!rc) {
		for (uint32_t d = 0; d < n; d++)
			rg_verbs_device_offer(devices[d], &mine[d]);
		rc = rg_rendezvous_allgather(rdv, mine, all, n * sizeof(*mine),
					     rg_clock_ns() + timeout_ns, err);
	}
	if (!rc) {
		rc = settle_all(devices, n, all, rdv->nranks, host, err);
		rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + timeout_ns, err);
	}
	rg_free(mine);
	rg_free(all);
	return rc;
}
