/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/network_lines.h"

#include "railgauge/base/clock.h"
#include "railgauge/base/mem.h"
#include "railgauge/measure/calibrate_network.h"
#include "railgauge/model/bound_verbs.h"

#include <string.h>

/* Of many packets, so that what only the first one has does not count. */
#define LONG_BYTES ((uint64_t)1 << 30)

/* A rank's. Plain bytes. */
struct card {
	uint32_t n, unused;
	struct rg_line lines[RG_LINES_MAX];
};

double rg_line_goodput_Bps(const struct rg_line *line)
{
	const struct rg_wire_path path = {
		.wire = line->infiniband ? RG_WIRE_INFINIBAND
			: line->roce1	 ? RG_WIRE_ROCE1
					 : RG_WIRE_ROCE2,
		.account = RG_WIRE_LINE,
		.ipv6 = line->ipv6,
		.mtu_bytes = line->mtu_bytes,
		.rate_Bps = (double)line->rate_Bps,
	};

	return line->rate_Bps
		       ? rg_wire_goodput_Bps(&path, RG_BOUND_VERB_WRITE, LONG_BYTES, 0, false)
		       : 0;
}

/* Has an earlier rank of the node the line, too? */
static bool is_counted(const struct card *cards, const uint32_t *node, uint32_t rank,
		       const struct rg_line *line)
{
	for (uint32_t r = 0; r < rank; r++) {
		for (uint32_t k = 0; node[r] == node[rank] && k < cards[r].n; k++) {
			if (!strcmp(cards[r].lines[k].nic, line->nic))
				return true;
		}
	}
	return false;
}

static void add_rank(struct rg_network *net, const struct card *cards, uint32_t rank, bool *unknown)
{
	const struct card *c = &cards[rank];
	struct rg_port *port = &net->ports[net->node[rank]];

	port->nranks++;
	*unknown |= !c->n;
	for (uint32_t k = 0; k < c->n; k++) {
		double Bps = rg_line_goodput_Bps(&c->lines[k]);

		*unknown |= !(Bps > 0);
		if (!is_counted(cards, net->node, rank, &c->lines[k]))
			port->in_Bps += Bps;
	}
}

static void add_up(struct rg_network *net, const struct card *cards)
{
	for (uint32_t i = 0; i < net->nnodes; i++) {
		struct rg_port *port = &net->ports[i];
		bool unknown = false;

		for (uint32_t r = 0; r < net->nranks; r++) {
			if (net->node[r] == i)
				add_rank(net, cards, r, &unknown);
		}
		if (unknown)
			port->in_Bps = 0;
		port->out_Bps = port->in_Bps;
	}
}

int rg_network_of_lines(const struct rg_endpoint *ep, const uint32_t *node, uint64_t timeout_ns,
			struct rg_network *out, struct rg_err *err)
{
	struct card mine = {.n = ep->nlines}, *cards = rg_zalloc(ep->nranks, sizeof(*cards));
	struct rg_network net = {.nranks = ep->nranks};
	uint32_t lines = 0;
	int rc = 0;

	memcpy(mine.lines, ep->lines, sizeof(mine.lines));
	for (uint32_t r = 0; r < ep->nranks; r++)
		net.nnodes = node[r] >= net.nnodes ? node[r] + 1 : net.nnodes;
	net.ports = rg_zalloc(net.nnodes, sizeof(*net.ports));
	net.node = rg_zalloc(net.nranks, sizeof(*net.node));
	if (!cards || !net.ports || !net.node)
		rc = rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the lines of %u ranks",
				ep->nranks);
	rc = rg_rendezvous_agree(ep->rdv, rc, rg_clock_ns() + timeout_ns, err);
	if (!rc)
		rc = rg_rendezvous_allgather(ep->rdv, &mine, cards, sizeof(mine),
					     rg_clock_ns() + timeout_ns, err);
	for (uint32_t r = 0; !rc && r < ep->nranks; r++)
		lines += cards[r].n;
	if (rc || net.nnodes < 2 || !lines) {
		rg_network_release(&net);
	} else {
		memcpy(net.node, node, net.nranks * sizeof(*node));
		add_up(&net, cards);
	}
	rg_free(cards);
	if (!rc)
		*out = net;
	return rc;
}
