/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * tcp: plain streams. Who is lower connects and says its proof, without waiting for anybody; the
 * connections lie in the peers' queues until all ranks have come so far, and are then taken from
 * there. So a rank that fails is known to all at once.
 */
#include "config.h"

#include "railgauge/transport/stream.h"
#include "tcp_impl.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"

#include <poll.h>
#include <unistd.h>

#define LOOK_MS 5

/* The endpoint that has sockets; NULL: there is none. */
static struct tcp *sockets_of(const struct rg_endpoint *ep)
{
	if (ep->ops == &rg_transport_mixed)
		ep = rg_mixed_far(ep);
	return ep->ops == &rg_transport_tcp ? (struct tcp *)ep : NULL;
}

/* Does a network lie between the two, of whatever kind? Never for itself. */
static bool is_apart(const struct rg_endpoint *ep, uint32_t peer)
{
	if (peer >= ep->nranks || peer == ep->rank)
		return false;
	if (ep->ops == &rg_transport_mixed)
		return !rg_mixed_is_near(ep, peer);
	return ep->ops == &rg_transport_tcp;
}

bool rg_stream_reaches(const struct rg_endpoint *ep, uint32_t peer)
{
	return sockets_of(ep) && is_apart(ep, peer);
}

int rg_stream_nodes(struct rg_endpoint *ep, uint32_t *node_out, uint32_t *local_out,
		    uint32_t *nnodes_out, struct rg_err *err)
{
	uint32_t mine = 0; /* the lowest rank that this one needs no network for */
	int rc;

	while (is_apart(ep, mine))
		mine++;
	/* Each is replaced once it was read. */
	rc = rg_rendezvous_allgather(ep->rdv, &mine, node_out, sizeof(mine),
				     rg_clock_ns() + ep->config.timeout_ns, err);
	if (rc)
		return rc;
	*nnodes_out = 0;
	for (uint32_t r = 0; r < ep->nranks; r++) {
		node_out[r] = node_out[r] < r ? node_out[node_out[r]] : (*nnodes_out)++;
		local_out[r] = 0;
		for (uint32_t k = 0; k < r; k++)
			local_out[r] += node_out[k] == node_out[r];
	}
	return 0;
}

int *tcp_stream_place(const struct tcp *t, uint32_t peer, uint32_t stream)
{
	const struct tcp_streams *s = &t->streams;

	/* The lower rank is the one that connects. */
	for (uint32_t i = 0; i < s->n && peer < t->f.ep.rank; i++) {
		if (s->peers[i] == peer && s->number[i] == stream)
			return s->fds[i] < 0 ? &s->fds[i] : NULL;
	}
	return NULL;
}

static int check_peers(const struct rg_endpoint *ep, const uint32_t *peers, uint32_t n,
		       struct rg_err *err)
{
	if (!sockets_of(ep))
		return rg_err_set(err, RG_ERR_UNSUPPORTED, "transport %s has no sockets",
				  ep->ops->name);
	for (uint32_t i = 0; i < n; i++) {
		if (!rg_stream_reaches(ep, peers[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "rank %u is not reached over sockets", peers[i]);
	}
	return 0;
}

/* Numbers that no stream to the same peer ever had: a proof that was seen is of no use again. */
static void give_numbers(struct tcp *t, uint32_t *number)
{
	for (uint32_t i = 0; i < t->streams.n; i++)
		number[i] = ++t->nstreams[t->streams.peers[i]];
	t->streams.number = number;
}

static int knock_all(struct tcp *t, struct rg_err *err)
{
	const struct tcp_streams *s = &t->streams;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < s->n; i++) {
		if (s->peers[i] > t->f.ep.rank)
			rc = tcp_knock(t, s->peers[i], s->number[i], &s->fds[i], err);
	}
	return rc;
}

/* The first that is missing, or n. */
static uint32_t missing(const struct tcp_streams *s)
{
	uint32_t i = 0;

	while (i < s->n && s->fds[i] >= 0)
		i++;
	return i;
}

static int admit_all(struct tcp *t, struct rg_err *err)
{
	uint64_t until = rg_clock_ns() + t->f.ep.config.timeout_ns;
	struct pollfd p = {.fd = t->listener, .events = POLLIN};
	uint32_t i;

	while ((i = missing(&t->streams)) < t->streams.n) {
		int admitted = tcp_admit(t, err);

		if (admitted < 0)
			return admitted;
		if (admitted)
			continue;
		if (rg_clock_ns() > until)
			return rg_err_set(err, RG_ERR_TIMEOUT,
					  "tcp: rank %u (%s) has not opened its stream",
					  t->streams.peers[i], t->f.ep.host[t->streams.peers[i]]);
		poll(&p, 1, LOOK_MS);
	}
	return 0;
}

int rg_streams_open(struct rg_endpoint *ep, const uint32_t *peers, uint32_t n, int *fds_out,
		    struct rg_err *err)
{
	struct tcp *t = sockets_of(ep);
	uint64_t timeout_ns = ep->config.timeout_ns;
	uint32_t *number = NULL;
	int rc = check_peers(ep, peers, n, err);

	for (uint32_t i = 0; i < n; i++)
		fds_out[i] = -1;
	if (!rc && n) {
		number = rg_zalloc(n, sizeof(*number));
		if (!number)
			rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u streams", n);
	}
	/* Before anybody knocks: they are expected from here on. */
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + timeout_ns, err);
	if (!rc) {
		t->streams = (struct tcp_streams){.peers = peers, .fds = fds_out, .n = n};
		give_numbers(t, number);
		rc = knock_all(t, err);
		rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + timeout_ns, err);
		if (!rc) {
			rc = admit_all(t, err);
			rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + 2 * timeout_ns, err);
		}
		t->streams = (struct tcp_streams){0};
	}
	if (rc)
		rg_streams_close(fds_out, n);
	rg_free(number);
	return rc;
}

void rg_streams_close(int *fds, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}
