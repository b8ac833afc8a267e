/* SPDX-License-Identifier: BSD-3-Clause */
/* What the endpoints of all transports have in common. */
#ifndef RG_TRANSPORT_ENDPOINT_H
#define RG_TRANSPORT_ENDPOINT_H

#include "railgauge/transport/transport.h"

/*
 * Fills the common head: geometry check, agreement of all ranks on it, host names, links table.
 * Collective: a rank that has no memory for its endpoint calls it, too, with ep NULL, and all ranks
 * learn that. On failure nothing is kept.
 */
int rg_endpoint_init(struct rg_endpoint *ep, const struct rg_transport_ops *ops,
		     struct rg_rendezvous *rdv, const struct rg_transport_config *config,
		     struct rg_err *err);
void rg_endpoint_release(struct rg_endpoint *ep);

/* (collective) As rg_rendezvous_agree and rg_rendezvous_allgather, within the endpoint's timeout.
 */
int rg_endpoint_agree(const struct rg_endpoint *ep, int rc, struct rg_err *err);
int rg_endpoint_gather(const struct rg_endpoint *ep, const void *mine, void *all, size_t len_bytes,
		       struct rg_err *err);

/*
 * (collective) near_out[nranks]: is the rank this one, or of its node (launch/process.h)? A rank
 * that has no memory for the answer calls it, too, with NULL, and all ranks learn that.
 */
int rg_endpoint_neighbours(const struct rg_endpoint *ep, bool *near_out, struct rg_err *err);

/* (collective) The same in numbers: which of the ranks of its node this one is, and of how many. */
int rg_endpoint_place(const struct rg_endpoint *ep, uint32_t *local_out, uint32_t *nlocal_out,
		      struct rg_err *err);

/* RG_ERR_INVALID where there is no such rank or channel. */
int rg_endpoint_check(const struct rg_endpoint *ep, uint32_t peer, uint32_t channel,
		      struct rg_err *err);

/* NULL, with words: there is no such link. */
struct rg_link *rg_endpoint_not_connected(const struct rg_endpoint *ep, uint32_t peer,
					  uint32_t channel, struct rg_err *err);

/* The link; NULL, with words, if there is none. */
static inline struct rg_link *rg_endpoint_connected(const struct rg_endpoint *ep, uint32_t peer,
						    uint32_t channel, struct rg_err *err)
{
	struct rg_link *l = NULL;

	if (peer < ep->nranks && channel < ep->config.geometry.channels)
		l = rg_endpoint_link(ep, channel, peer);
	return __builtin_expect(l != NULL, 1) ? l
					      : rg_endpoint_not_connected(ep, peer, channel, err);
}

/*
 * Asks before taking: in a memory cgroup the answer to taking too much is SIGKILL. The limits are
 * read when, by what they left the last time, all ranks together could have taken it since.
 * RG_ERR_LIMIT naming the limit; `what` needs it.
 */
int rg_endpoint_reserve(struct rg_endpoint *ep, size_t len_bytes, const char *what,
			struct rg_err *err);

/* lend and take_back of transports that have no use for a buffer. */
void rg_endpoint_ignore_buffer(struct rg_endpoint *ep, const struct rg_buffer *buffer);

/* Bytes of the region that a put is to. */
static inline uint64_t rg_put_room(const struct rg_endpoint *ep, const struct rg_put *put)
{
	const struct rg_geometry *g = &ep->config.geometry;

	switch (put->region) {
	case RG_REGION_SLOT:
		return (uint64_t)g->slots * g->slot_bytes;
	case RG_REGION_LL:
		return (uint64_t)g->ll_slots * g->ll_bytes * 2;
	default:
		return put->window->remote_bytes[put->peer];
	}
}

/* RG_ERR_RANGE, with words: the put does not lie within its region. */
int rg_put_refuse(const struct rg_endpoint *ep, const struct rg_put *put, struct rg_err *err);

/* Does the put lie within its region? RG_ERR_RANGE. */
static inline int rg_put_check(const struct rg_endpoint *ep, const struct rg_put *put,
			       struct rg_err *err)
{
	uint64_t room = rg_put_room(ep, put);

	if (__builtin_expect(put->offset > room || put->len_bytes > room - put->offset, 0))
		return rg_put_refuse(ep, put, err);
	return 0;
}

/* Is it the one that could not be taken whole, come again? */
bool rg_put_is_same(const struct rg_put *a, const struct rg_put *b);

/* Of an endpoint of shm: may its memory and that rank's be mapped by each other? */
bool rg_shm_reaches(const struct rg_endpoint *ep, uint32_t peer);

/* What an endpoint of verbs-rc registers at least with each device, for one peer on one channel. */
uint64_t rg_verbs_rc_locked_bytes(const struct rg_verbs_options *options,
				  const struct rg_geometry *geometry);

/* Of an endpoint of mixed: its part over sockets; and does memory reach that rank? */
struct rg_endpoint *rg_mixed_far(const struct rg_endpoint *ep);
bool rg_mixed_is_near(const struct rg_endpoint *ep, uint32_t peer);

#endif
