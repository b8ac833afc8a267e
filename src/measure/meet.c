/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "meet_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

int rg_meet_open(struct rg_rendezvous *rdv, struct rg_endpoint *ep, uint64_t deadline_ns,
		 bool crowded, struct rg_meet **meet_out, struct rg_err *err)
{
	bool moves = ep && (ep->caps & RG_CAP_DATA);
	struct rg_meet *m = rg_zalloc(1, sizeof(*m));
	int rc = 0;

	if (!m)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a meeting");
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + deadline_ns, err);
	if (rc) {
		rg_free(m);
		return rc;
	}
	m->rdv = rdv;
	m->ep = moves ? ep : NULL;
	m->deadline_ns = deadline_ns;
	m->crowded = crowded;
	if (moves && (ep->caps & RG_CAP_MAPPED))
		rc = rg_meet_boards_open(m, err);
	else if (moves)
		rc = rg_meet_links_open(m, err);
	if (rc) {
		rg_meet_close(m);
		return rc;
	}
	*meet_out = m;
	return 0;
}

void rg_meet_leave(struct rg_meet *m)
{
	if (m && m->boards)
		rg_meet_boards_leave(m);
	if (m && m->links)
		rg_meet_links_leave(m);
}

void rg_meet_close(struct rg_meet *m)
{
	if (!m)
		return;
	rg_meet_leave(m);
	if (m->boards)
		rg_meet_boards_close(m);
	if (m->links)
		rg_meet_links_close(m);
	rg_free(m);
}

enum rg_meet_way rg_meet_way(const struct rg_meet *m)
{
	return m->boards ? RG_MEET_BOARDS : m->links ? RG_MEET_LINKS : RG_MEET_RENDEZVOUS;
}

const struct rg_endpoint *rg_meet_endpoint(const struct rg_meet *m)
{
	return m->links ? rg_meet_links_endpoint(m->links) : NULL;
}

int rg_meet_exchange(struct rg_meet *m, const void *mine, void *all, size_t len_bytes,
		     struct rg_err *err)
{
	m->sequence++;
	if (m->boards)
		return rg_meet_boards_exchange(m, mine, all, len_bytes, err);
	if (m->links)
		return rg_meet_links_exchange(m, mine, all, len_bytes, err);
	return rg_rendezvous_allgather(m->rdv, mine, all, len_bytes, rg_clock_ns() + m->deadline_ns,
				       err);
}

int rg_meet_compare_clocks(struct rg_meet *m, struct rg_common_clock *clock, struct rg_err *err)
{
	int rc = 0;

	if (!m->ep)
		return rg_err_set(err, RG_ERR_UNSUPPORTED,
				  "clocks are compared over a transport that moves data");
	/* By boards alone as well; ranks that share memory mostly share a clock, so not before. */
	if (!m->links)
		rc = rg_meet_links_open(m, err);
	return rc ? rc : rg_meet_links_compare(m, clock, err);
}

int rg_meet_line(struct rg_meet *m, double *one_way_ns_out, struct rg_err *err)
{
	uint32_t n = m->rdv->nranks;
	double mine, least = 0;
	double *all;

	*one_way_ns_out = 0;
	if (!m->boards || m->crowded || n == 1)
		return 0;
	all = rg_zalloc(n, sizeof(*all));
	/* Without memory here the others would wait: they are told by the end of this object. */
	if (!all)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);
	for (uint32_t first = 0; first + 1 < n; first++) {
		int rc = rg_meet_boards_line(m, first, &mine, err);

		if (!rc)
			rc = rg_meet_exchange(m, &mine, all, sizeof(mine), err);
		if (rc) {
			rg_free(all);
			return rc;
		}
		if (all[first] > 0 && (least == 0 || all[first] < least))
			least = all[first];
	}
	rg_free(all);
	*one_way_ns_out = least;
	return 0;
}
