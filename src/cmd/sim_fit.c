/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Times of bench sendrecv as points of a fit. Of the several series that a document may have (kinds
 * of buffers, places, states of the caches) one is taken: private buffers rather than windows, out
 * of place rather than in place, else the first in the document.
 */
#include "config.h"

#include "sim.h"

#include "railgauge/base/mem.h"
#include "railgauge/measure/result.h"
#include "railgauge/transport/transport.h"

#include <stdio.h>
#include <string.h>

static bool fits(const struct rg_result_point *p, const char *target)
{
	return p->coll == RG_COLL_SENDRECV && p->n > 0 && p->size_bytes > 0 &&
	       (!target || !strcmp(p->target, target));
}

/* The more the better. */
static int rank_of(const struct rg_result_point *p)
{
	return 2 * (p->buffers == RG_ACCESS_PRIVATE) + !p->in_place;
}

static const struct rg_result_point *choose(const struct rg_result *r, const char *target)
{
	const struct rg_result_point *best = NULL;

	for (uint32_t i = 0; i < r->npoints; i++) {
		const struct rg_result_point *p = &r->points[i];

		if (fits(p, best ? best->target : target) && (!best || rank_of(p) > rank_of(best)))
			best = p;
	}
	return best;
}

static bool same_series(const struct rg_result_point *a, const struct rg_result_point *b)
{
	struct rg_result_point like = *a;

	like.size_bytes = b->size_bytes;
	like.count = b->count;
	return rg_result_point_same(&like, b);
}

/* Into how many messages the vector was cut: by the slots of the transport that it was sent over.
 */
static uint64_t messages_of(const struct rg_result_point *p)
{
	const struct rg_transport_ops *transport;
	uint64_t slot = 0;

	if (!p->protocol || !p->transport || rg_transport_find(p->transport, &transport, NULL))
		return 1;
	if (!strcmp(p->protocol, rg_protocol_name(RG_PROTOCOL_SLOT)))
		slot = transport->geometry->slot_bytes;
	else if (!strcmp(p->protocol, rg_protocol_name(RG_PROTOCOL_WORD)))
		slot = transport->geometry->ll_bytes;
	return slot ? (p->size_bytes + slot - 1) / slot : 1;
}

/* By the calibrated network, which knows of containers with one host name; else by that. */
static bool on_one_node(const struct rg_result *r, uint32_t a, uint32_t b)
{
	if (r->network.nnodes)
		return r->network.rank_node[a] == r->network.rank_node[b];
	return !strcmp(r->ranks[a].host, r->ranks[b].host);
}

/* Were neighbours linked as this class is? */
static int check_hosts(const struct rg_result *r, const char *path, enum rg_hop hop,
		       struct rg_err *err)
{
	uint32_t together = 0;

	if (r->nranks < 2)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: one rank, which sends nothing to anybody", path);
	for (uint32_t i = 0; i < r->nranks; i++)
		together += on_one_node(r, i, (i + 1) % r->nranks);
	if (together && together < r->nranks)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"%s: of its %u ranks some share a host with the next one and some "
			"do not: a fit needs one class of link",
			path, r->nranks);
	if (hop == RG_HOP_NODE && !together)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: its ranks are on different hosts: that is for --fit", path);
	if (hop == RG_HOP_NETWORK && together)
		return rg_err_set(err, RG_ERR_INVALID,
				  "%s: its ranks share a host: that is for --local-fit", path);
	return 0;
}

static int fit_points(const struct rg_result *r, const struct rg_result_point *first,
		      double overhead_s, struct sim_fit *out, struct rg_err *err)
{
	struct rg_fit_point *points = rg_zalloc(r->npoints, sizeof(*points));
	uint32_t n = 0;
	int rc;

	if (!points)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for a fit");
	for (uint32_t i = 0; i < r->npoints; i++) {
		const struct rg_result_point *p = &r->points[i];

		if (fits(p, first->target) && same_series(first, p))
			points[n++] =
				(struct rg_fit_point){p->size_bytes, messages_of(p), p->median_ns};
	}
	rc = rg_fit_loggp(points, n, overhead_s, &out->fit, err);
	out->npoints = n;
	rg_free(points);
	return rc;
}

static int fit_result(const struct rg_result *r, const char *path, const char *target,
		      enum rg_hop hop, double overhead_s, struct sim_fit *out, struct rg_err *err)
{
	const struct rg_result_point *first = choose(r, target);
	int rc = check_hosts(r, path, hop, err);

	if (rc)
		return rc;
	if (!first)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"%s: no times of sendrecv%s%.64s; railgauge bench sendrecv --json "
			"measures them",
			path, target ? " on target " : "", target ? target : "");
	rc = fit_points(r, first, overhead_s, out, err);
	if (rc)
		return rg_err_prefix(err, "%s", path);
	snprintf(out->what, sizeof(out->what), "%.64s, buffers %s, %s", first->target,
		 rg_access_words[first->buffers], first->in_place ? "in place" : "out of place");
	out->nranks = r->nranks;
	out->path = path;
	return 0;
}

int sim_fit_read(const char *path, const char *target, enum rg_hop hop, double overhead_s,
		 struct sim_fit *out, struct rg_err *err)
{
	struct rg_result *result;
	int rc = rg_result_read(path, &result, err);

	if (rc)
		return rc;
	rc = fit_result(result, path, target, hop, overhead_s, out, err);
	rg_result_close(result);
	return rc;
}
