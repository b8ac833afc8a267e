/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "endpoint.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/launch/process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* What all ranks must have alike before anything else is exchanged. */
struct hello {
	struct rg_geometry geometry;
	uint32_t first_sequence;
	char transport[16];
	char host[64];
};

static int check_hellos(const struct rg_endpoint *ep, const struct hello *all, struct rg_err *err)
{
	const struct hello *mine = &all[ep->rank];

	for (uint32_t r = 0; r < ep->nranks; r++) {
		if (memcmp(all[r].transport, mine->transport, sizeof(mine->transport)))
			return rg_err_set(err, RG_ERR_MISMATCH,
					  "rank %u opens transport %.16s, rank %u %.16s", r,
					  all[r].transport, ep->rank, mine->transport);
		if (memcmp(&all[r].geometry, &mine->geometry, sizeof(mine->geometry)) ||
		    all[r].first_sequence != mine->first_sequence)
			return rg_err_set(
				err, RG_ERR_MISMATCH,
				"rank %u (%.63s) has another geometry of slots than rank %u "
				"(%.63s)",
				r, all[r].host, ep->rank, mine->host);
	}
	return 0;
}

/* all[nranks] is room for what the ranks say. */
static int say_hello(struct rg_endpoint *ep, struct hello *all, struct rg_err *err)
{
	struct hello mine = {.geometry = ep->config.geometry,
			     .first_sequence = ep->config.first_sequence};
	int rc;

	snprintf(mine.transport, sizeof(mine.transport), "%s", ep->ops->name);
	gethostname(mine.host, sizeof(mine.host) - 1);
	rc = rg_rendezvous_allgather(ep->rdv, &mine, all, sizeof(mine),
				     rg_clock_ns() + ep->config.timeout_ns, err);
	if (!rc)
		rc = check_hellos(ep, all, err);
	for (uint32_t r = 0; r < ep->nranks && !rc; r++)
		memcpy(ep->host[r], all[r].host, sizeof(ep->host[r]));
	return rc;
}

/* The caller's texts may be gone when a peer is connected, or a further endpoint opened. */
static bool keep_names(struct rg_endpoint *ep)
{
	const char **texts[] = {&ep->config.interface, &ep->config.congestion, &ep->config.node};
	bool all = true;

	for (int i = 0; i < 3; i++) {
		ep->names[i] = *texts[i] ? rg_strdup(*texts[i]) : NULL;
		all &= !*texts[i] == !ep->names[i];
		*texts[i] = ep->names[i];
	}
	return all;
}

static int make_tables(struct rg_endpoint *ep, struct hello **hellos_out, struct rg_err *err)
{
	size_t n = ep->nranks, links = n * ep->config.geometry.channels;

	ep->links = rg_zalloc(links, sizeof(ep->links[0]));
	ep->host = rg_zalloc(n, sizeof(ep->host[0]));
	*hellos_out = rg_zalloc(n, sizeof(**hellos_out));
	if (keep_names(ep) && ep->links && ep->host && *hellos_out)
		return 0;
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %zu peers", n);
}

int rg_endpoint_init(struct rg_endpoint *ep, const struct rg_transport_ops *ops,
		     struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		     struct rg_err *err)
{
	struct hello *hellos = NULL;
	int rc;

	if (!ep)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for an endpoint");
	else
		rc = rg_geometry_check(&config->geometry, err);
	if (!rc) {
		*ep = (struct rg_endpoint){
			.ops = ops,
			.rdv = rdv,
			.rank = rdv->rank,
			.nranks = rdv->nranks,
			.caps = ops->caps,
			.config = *config,
		};
		rc = make_tables(ep, &hellos, err);
	}
	/* All or none: a rank that failed must not leave its peers waiting for its words. */
	rc = rg_rendezvous_agree(rdv, rc, rg_clock_ns() + config->timeout_ns, err);
	if (!rc)
		rc = say_hello(ep, hellos, err);
	rg_free(hellos);
	if (rc && ep)
		rg_endpoint_release(ep);
	return rc;
}

void rg_endpoint_release(struct rg_endpoint *ep)
{
	size_t n = (size_t)ep->config.geometry.channels * ep->nranks;

	for (size_t i = 0; ep->links && i < n; i++)
		rg_free(ep->links[i]);
	rg_free(ep->links);
	rg_free(ep->host);
	ep->links = NULL;
	ep->host = NULL;
	for (int i = 0; i < 3; i++) {
		rg_free(ep->names[i]);
		ep->names[i] = NULL;
	}
}

int rg_endpoint_open_beside(const struct rg_endpoint *ep, const struct rg_geometry *geometry,
			    struct rg_endpoint **ep_out, struct rg_err *err)
{
	struct rg_transport_config config = ep->config;

	config.geometry = *geometry;
	config.first_sequence = 0;
	return ep->ops->open(ep->rdv, &config, ep_out, err);
}

int rg_endpoint_agree(const struct rg_endpoint *ep, int rc, struct rg_err *err)
{
	return rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + ep->config.timeout_ns, err);
}

int rg_endpoint_gather(const struct rg_endpoint *ep, const void *mine, void *all, size_t len_bytes,
		       struct rg_err *err)
{
	return rg_rendezvous_allgather(ep->rdv, mine, all, len_bytes,
				       rg_clock_ns() + ep->config.timeout_ns, err);
}

int rg_endpoint_neighbours(const struct rg_endpoint *ep, bool *near_out, struct rg_err *err)
{
	struct rg_node mine, *all = rg_zalloc(ep->nranks, sizeof(*all));
	int rc = all && near_out
			 ? 0
			 : rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the peers' nodes");

	if (!rc)
		rc = rg_node_here(ep->config.node, &mine, err);
	rc = rg_endpoint_agree(ep, rc, err);
	if (!rc)
		rc = rg_endpoint_gather(ep, &mine, all, sizeof(mine), err);
	for (uint32_t r = 0; r < ep->nranks && !rc; r++)
		near_out[r] = r == ep->rank || rg_node_equal(&all[r], &mine);
	rg_free(all);
	return rc;
}

int rg_endpoint_place(const struct rg_endpoint *ep, uint32_t *local_out, uint32_t *nlocal_out,
		      struct rg_err *err)
{
	bool *near = rg_zalloc(ep->nranks, sizeof(near[0]));
	int rc = rg_endpoint_neighbours(ep, near, err);

	*local_out = *nlocal_out = 0;
	for (uint32_t r = 0; r < ep->nranks && !rc; r++) {
		*local_out += near[r] && r < ep->rank;
		*nlocal_out += near[r];
	}
	rg_free(near);
	return rc;
}

int rg_endpoint_check(const struct rg_endpoint *ep, uint32_t peer, uint32_t channel,
		      struct rg_err *err)
{
	if (peer < ep->nranks && channel < ep->config.geometry.channels)
		return 0;
	return rg_err_set(err, RG_ERR_INVALID,
			  "there is no rank %u, channel %u: %u ranks, %u channels", peer, channel,
			  ep->nranks, ep->config.geometry.channels);
}

struct rg_link *rg_endpoint_not_connected(const struct rg_endpoint *ep, uint32_t peer,
					  uint32_t channel, struct rg_err *err)
{
	if (!rg_endpoint_check(ep, peer, channel, err))
		rg_err_set(err, RG_ERR_INVALID, "rank %u is not connected on channel %u", peer,
			   channel);
	return NULL;
}

int rg_endpoint_reserve(struct rg_endpoint *ep, size_t len_bytes, const char *what,
			struct rg_err *err)
{
	uint64_t all = (uint64_t)len_bytes * ep->nranks;

	if (ep->left_bytes < all) {
		const char *limit = NULL;

		ep->left_bytes = rg_memory_available_bytes(&limit);
		if (ep->left_bytes < len_bytes)
			return rg_err_set(err, RG_ERR_LIMIT,
					  "%s needs %zu bytes, more than %s leaves", what,
					  len_bytes, limit);
	}
	ep->left_bytes -= all < ep->left_bytes ? all : ep->left_bytes;
	return 0;
}

void rg_endpoint_ignore_buffer(struct rg_endpoint *ep, const struct rg_buffer *buffer)
{
	(void)ep;
	(void)buffer;
}

int rg_put_refuse(const struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_RANGE,
			  "put of %llu bytes at %llu: the region of rank %u has %llu",
			  (unsigned long long)put->len_bytes, (unsigned long long)put->offset,
			  put->peer, (unsigned long long)rg_put_room(ep, put));
}

bool rg_put_is_same(const struct rg_put *a, const struct rg_put *b)
{
	return a->peer == b->peer && a->channel == b->channel && a->region == b->region &&
	       a->window == b->window && a->offset == b->offset && a->src == b->src &&
	       a->len_bytes == b->len_bytes && a->notify == b->notify && a->ctr == b->ctr &&
	       a->value == b->value;
}
