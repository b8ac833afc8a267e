/* SPDX-License-Identifier: BSD-3-Clause */
/* What follows from the rounds: rates of pairs and ports, latencies, bursts. */
#include "config.h"

#include "network_impl.h"

#include <math.h>
#include <string.h>

#define STILL_GROWING 1.5
#define AHEAD	      1.1

/* Receivers of a flow, added up. */
struct sum {
	double rate_Bps[2]; /* of the windows; 0: not known */
	bool some, few;	    /* there are any; one of them saw too little */
};

static void add_receiver(struct sum *sum, const struct flow_tally *t)
{
	for (int k = 0; k < 2; k++) {
		bool enough = t->rate_Bps[k] > 0 && t->arrivals[k] >= RG_NETWORK_ARRIVALS;

		sum->few |= !enough;
		if (!sum->some || sum->rate_Bps[k] > 0)
			sum->rate_Bps[k] = enough ? sum->rate_Bps[k] + t->rate_Bps[k] : 0;
	}
	sum->some = true;
}

/* What node took in this round. */
static struct sum sum_in(const struct network_work *w, uint32_t node)
{
	struct sum sum = {0};

	for (uint32_t r = 0; r < w->net.nranks; r++) {
		if (w->net.node[r] == node && w->reports[r].tally.receives)
			add_receiver(&sum, &w->reports[r].tally);
	}
	return sum;
}

/* What node gave out, where nobody else gave to the same nodes. */
static struct sum sum_out(const struct network_work *w, uint32_t round, uint32_t node)
{
	struct sum sum = {0};

	for (uint32_t r = 0; r < w->net.nranks; r++) {
		if (w->reports[r].tally.receives &&
		    rg_network_flow(w->net.nnodes, round, node, w->net.node[r]))
			add_receiver(&sum, &w->reports[r].tally);
	}
	return sum;
}

static bool is_growing(const struct sum *sum)
{
	return sum->rate_Bps[0] > 0 && sum->rate_Bps[1] > STILL_GROWING * sum->rate_Bps[0];
}

/* 0: not known. */
static double rate_of(const struct sum *sum)
{
	return is_growing(sum) ? 0 : fmax(sum->rate_Bps[0], sum->rate_Bps[1]);
}

bool rg_network_needs_longer(const struct network_work *w)
{
	for (uint32_t i = 0; i < w->net.nnodes; i++) {
		struct sum sum = sum_in(w, i);

		if (sum.few || is_growing(&sum))
			return true;
	}
	return false;
}

/* All receivers together: as much as if all of it had come with the first one's. */
static void keep_points(const struct network_work *w, uint32_t node,
			struct flow_point points[FLOW_POINTS])
{
	memset(points, 0, FLOW_POINTS * sizeof(points[0]));
	for (uint32_t r = 0; r < w->net.nranks; r++) {
		const struct flow_tally *t = &w->reports[r].tally;

		if (w->net.node[r] != node || !t->receives)
			continue;
		for (int k = 0; k < FLOW_POINTS && t->points[k].bytes; k++) {
			if (!points[k].bytes || t->points[k].ns < points[k].ns)
				points[k].ns = t->points[k].ns;
			points[k].bytes += t->points[k].bytes;
		}
	}
}

/* How far that was ahead of a rate, the first byte being due after a round trip. */
static double burst_of(const struct flow_point points[FLOW_POINTS], double rate_Bps,
		       double latency_ns)
{
	double most = 0;

	for (int k = 0; k < FLOW_POINTS && rate_Bps > 0; k++) {
		double ns = fmax(0, (double)points[k].ns - 2 * latency_ns);
		double due = rate_Bps * ns / 1e9, came = (double)points[k].bytes;

		if (came > AHEAD * due)
			most = fmax(most, came - due);
	}
	return most;
}

/* Was one of those disturbed who sent to this node, or to whom it sent, or itself? */
static bool is_disturbed(const struct network_work *w, uint32_t round, uint32_t node)
{
	uint32_t n = w->net.nnodes;

	for (uint32_t r = 0; r < w->net.nranks; r++) {
		uint32_t other = w->net.node[r];

		if (w->reports[r].disturbed &&
		    (other == node || rg_network_flow(n, round, other, node) ||
		     rg_network_flow(n, round, node, other)))
			return true;
	}
	return false;
}

static void shorten(double *latency_ns, double other_ns)
{
	if (*latency_ns == 0 || other_ns < *latency_ns)
		*latency_ns = other_ns;
}

static void keep_pair(struct network_work *w, uint32_t round, uint32_t i)
{
	struct rg_network_pair *pair = &w->net.pairs[i];
	struct rg_port *from = &w->net.ports[pair->from], *to = &w->net.ports[pair->to];
	const struct sum sum = sum_in(w, pair->to);

	pair->rate_Bps = rate_of(&sum);
	pair->latency_ns = w->reports[rg_network_rank(w, pair->to, 0)].latency_ns;
	keep_points(w, pair->to, w->points[i]);
	from->out_Bps = fmax(from->out_Bps, pair->rate_Bps);
	to->in_Bps = fmax(to->in_Bps, pair->rate_Bps);
	shorten(&from->latency_ns, pair->latency_ns);
	shorten(&to->latency_ns, pair->latency_ns);
	/* Of two nodes these are all others. */
	if (w->net.nnodes == 2)
		w->all_out[pair->from] = w->all_in[pair->to] =
			pair->rate_Bps > 0 && !is_disturbed(w, round, pair->to);
}

void rg_network_keep_round(struct network_work *w, uint32_t round)
{
	enum network_kind kind = rg_network_kind(w->net.nnodes, round);

	for (uint32_t i = 0; kind == NETWORK_PAIR && i < w->net.npairs; i++) {
		if (rg_network_flow(w->net.nnodes, round, w->net.pairs[i].from, w->net.pairs[i].to))
			keep_pair(w, round, i);
	}
	for (uint32_t i = 0; kind != NETWORK_PAIR && i < w->net.nnodes; i++) {
		const struct sum sum = kind == NETWORK_IN ? sum_in(w, i) : sum_out(w, round, i);
		struct rg_port *port = &w->net.ports[i];
		double *best = kind == NETWORK_IN ? &port->in_Bps : &port->out_Bps;

		if (!sum.some)
			continue;
		*best = fmax(*best, rate_of(&sum));
		(kind == NETWORK_IN ? w->all_in : w->all_out)[i] =
			rate_of(&sum) > 0 && !is_disturbed(w, round, i);
	}
}

/* Pairs alone do not say what a port can do. */
static void forget_unknown(struct network_work *w)
{
	for (uint32_t i = 0; i < w->net.nnodes; i++) {
		if (!w->all_in[i])
			w->net.ports[i].in_Bps = 0;
		if (!w->all_out[i])
			w->net.ports[i].out_Bps = 0;
	}
}

/* What one port did all may do. */
static void make_alike(struct rg_network *net)
{
	struct rg_port best = net->ports[0];

	for (uint32_t i = 1; i < net->nnodes; i++) {
		best.in_Bps = fmax(best.in_Bps, net->ports[i].in_Bps);
		best.out_Bps = fmax(best.out_Bps, net->ports[i].out_Bps);
		shorten(&best.latency_ns, net->ports[i].latency_ns);
	}
	for (uint32_t i = 0; i < net->nnodes; i++) {
		best.nranks = net->ports[i].nranks;
		net->ports[i] = best;
	}
}

/* Of so many senders (or receivers) there are, those that are not measured being like the others.
 */
static double for_all(const struct network_work *w, uint32_t node)
{
	uint32_t first, group = rg_network_group(w->net.nnodes, node, &first);

	return (double)(w->net.nnodes - 1) / (group - 1);
}

/* Once the rates are known. Each sender may have a bucket of its own, and so may each receiver. */
static void find_bursts(struct network_work *w)
{
	for (uint32_t i = 0; i < w->net.npairs; i++) {
		struct rg_network_pair *pair = &w->net.pairs[i];
		struct rg_port *from = &w->net.ports[pair->from], *to = &w->net.ports[pair->to];
		double out = burst_of(w->points[i], from->out_Bps, pair->latency_ns);
		double in = burst_of(w->points[i], to->in_Bps, pair->latency_ns);

		pair->burst_bytes = burst_of(w->points[i], pair->rate_Bps, pair->latency_ns);
		from->out_burst_bytes += out * for_all(w, pair->from);
		to->in_burst_bytes += in * for_all(w, pair->to);
	}
}

/* Of several groups, the nearest node may be in another one. */
static void forget_latencies(struct network_work *w)
{
	uint32_t first;

	for (uint32_t i = 0; i < w->net.nnodes; i++) {
		if (rg_network_group(w->net.nnodes, i, &first) < w->net.nnodes)
			w->net.ports[i].latency_ns = 0;
	}
}

void rg_network_conclude(struct network_work *w)
{
	forget_unknown(w);
	forget_latencies(w);
	if (w->config->one_host)
		make_alike(&w->net);
	find_bursts(w);
}
