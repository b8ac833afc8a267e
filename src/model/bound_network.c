/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/model/bound_network.h"

#include "railgauge/base/matrix.h"

#include <math.h>
#include <stddef.h>

/* How many ranks of the node get from, or send to, another node in sendrecv. */
static uint32_t boundaries(const struct rg_network *net, uint32_t node, bool in)
{
	uint32_t n = 0, p = net->nranks;

	for (uint32_t r = 0; r < p; r++) {
		uint32_t other = in ? (r + p - 1) % p : (r + 1) % p;

		n += net->node[r] == node && net->node[other] != node;
	}
	return n;
}

/* Of an all-to-all-v. */
static struct rg_crossing of_counts(const struct rg_network_problem *b,
				    const struct rg_network *net, uint32_t node)
{
	struct rg_crossing sum = {0};

	/* Rows and columns of the node's ranks: all nodes together look at each count twice. */
	for (uint32_t r = 0; r < net->nranks; r++) {
		for (uint32_t other = 0; net->node[r] == node && other < net->nranks; other++) {
			if (net->node[other] == node)
				continue;
			sum.in_bytes += (double)rg_matrix_at(b->counts, net->nranks, other, r);
			sum.out_bytes += (double)rg_matrix_at(b->counts, net->nranks, r, other);
		}
	}
	sum.in_bytes *= b->elem_bytes;
	sum.out_bytes *= b->elem_bytes;
	return sum;
}

/* Where there is a root, it is or is not on the node. */
static struct rg_crossing crossing(const struct rg_network_problem *b, const struct rg_network *net,
				   uint32_t node, bool rooted)
{
	double s = (double)b->size_bytes, mine = net->ports[node].nranks;
	double block = s / net->nranks, others = net->nranks - mine;
	struct rg_crossing none = {0};

	switch (b->coll) {
	case RG_COLL_ALLREDUCE:
		return (struct rg_crossing){s, s};
	case RG_COLL_REDUCESCATTER:
		return (struct rg_crossing){mine * block, others * block};
	case RG_COLL_ALLGATHER:
		return (struct rg_crossing){others * block, mine * block};
	case RG_COLL_ALLTOALL:
		return (struct rg_crossing){mine * others * block, mine * others * block};
	case RG_COLL_ALLTOALLV:
		return of_counts(b, net, node);
	case RG_COLL_REDUCE:
		return rooted ? (struct rg_crossing){s, 0} : (struct rg_crossing){0, s};
	case RG_COLL_BROADCAST:
		return rooted ? (struct rg_crossing){0, s} : (struct rg_crossing){s, 0};
	case RG_COLL_GATHER:
		return rooted ? (struct rg_crossing){others * block, 0}
			      : (struct rg_crossing){0, mine * block};
	case RG_COLL_SCATTER:
		return rooted ? (struct rg_crossing){0, others * block}
			      : (struct rg_crossing){mine * block, 0};
	case RG_COLL_SENDRECV:
		return (struct rg_crossing){boundaries(net, node, true) * s,
					    boundaries(net, node, false) * s};
	case RG_COLL_BARRIER:
	case RG_COLL_COUNT:
		break;
	}
	return none;
}

struct rg_crossing rg_crossing_of(const struct rg_network_problem *problem,
				  const struct rg_network *network, uint32_t node, uint32_t root)
{
	return crossing(problem, network, node, network->node[root] == node);
}

double rg_crossing_total(const struct rg_network_problem *problem, const struct rg_network *network)
{
	double each = (network->nnodes - 1.0) * (double)problem->size_bytes;

	switch (problem->coll) {
	case RG_COLL_ALLREDUCE:
		return 2 * each;
	case RG_COLL_REDUCE:
	case RG_COLL_REDUCESCATTER:
	case RG_COLL_ALLGATHER:
	case RG_COLL_BROADCAST:
		return each;
	case RG_COLL_GATHER:
	case RG_COLL_SCATTER:
	case RG_COLL_ALLTOALL:
	case RG_COLL_ALLTOALLV:
	case RG_COLL_SENDRECV:
	case RG_COLL_BARRIER:
	case RG_COLL_COUNT:
		break;
	}
	return 0;
}

/* The larger of *best and a time, of a repetition. */
static void enlarge(struct rg_bound *best, double ns, const char *name)
{
	if (ns > best->bound_ns)
		*best = (struct rg_bound){ns, name};
}

/* Nothing is known of a port without a rate. */
static double passing_ns(double bytes, double rate_Bps, double burst_bytes)
{
	if (!(rate_Bps > 0) || !(bytes > 0))
		return 0;
	return fmax(0, bytes - burst_bytes) / rate_Bps * 1e9;
}

static void enlarge_by_node(struct rg_bound *best, const struct rg_port *port,
			    struct rg_crossing bytes)
{
	enlarge(best, passing_ns(bytes.in_bytes, port->in_Bps, port->in_burst_bytes), "node-in");
	enlarge(best, passing_ns(bytes.out_bytes, port->out_Bps, port->out_burst_bytes),
		"node-out");
}

/* k operations with one root, or with none. */
static struct rg_bound of_root(const struct rg_network_problem *b, const struct rg_network *net,
			       uint32_t root)
{
	struct rg_bound best = {0};

	for (uint32_t i = 0; i < net->nnodes; i++) {
		struct rg_crossing one = rg_crossing_of(b, net, i, root);

		one.in_bytes *= b->ops;
		one.out_bytes *= b->ops;
		enlarge_by_node(&best, &net->ports[i], one);
	}
	return best;
}

/* Of k successive ranks, how many are on the node: the least and the most. */
static void count_roots(const struct rg_network *net, uint32_t node, uint32_t ops, double *least,
			double *most)
{
	uint32_t p = net->nranks, rest = ops % p, here = 0;
	uint32_t low, high, whole = ops / p * net->ports[node].nranks;

	for (uint32_t r = 0; r < rest; r++)
		here += net->node[r] == node;
	low = high = here;
	for (uint32_t r = 0; r < p; r++) {
		here -= net->node[r] == node;
		here += net->node[(r + rest) % p] == node;
		low = here < low ? here : low;
		high = here > high ? here : high;
	}
	*least = whole + low;
	*most = whole + high;
}

/* Whichever rank the rotation begins with. */
static struct rg_bound of_rotation(const struct rg_network_problem *b, const struct rg_network *net)
{
	struct rg_bound best = {0}, least;

	for (uint32_t i = 0; i < net->nnodes; i++) {
		struct rg_crossing with = crossing(b, net, i, true);
		struct rg_crossing without = crossing(b, net, i, false);
		struct rg_crossing few, many;
		double low, high;

		count_roots(net, i, b->ops, &low, &high);
		few.in_bytes = low * with.in_bytes + (b->ops - low) * without.in_bytes;
		few.out_bytes = low * with.out_bytes + (b->ops - low) * without.out_bytes;
		many.in_bytes = high * with.in_bytes + (b->ops - high) * without.in_bytes;
		many.out_bytes = high * with.out_bytes + (b->ops - high) * without.out_bytes;
		enlarge_by_node(&best, &net->ports[i],
				(struct rg_crossing){fmin(few.in_bytes, many.in_bytes),
						     fmin(few.out_bytes, many.out_bytes)});
	}
	if (b->ops > 1)
		return best;
	least = of_root(b, net, 0);
	for (uint32_t r = 1; r < net->nranks; r++) {
		struct rg_bound one;

		if (net->node[r] == net->node[r - 1])
			continue;
		one = of_root(b, net, r);
		if (one.bound_ns < least.bound_ns)
			least = one;
	}
	return least.bound_ns > best.bound_ns ? least : best;
}

/* All ports together; one that is not known leaves nothing to say. */
static void enlarge_by_sum(struct rg_bound *best, const struct rg_network_problem *b,
			   const struct rg_network *net)
{
	double in_Bps = 0, out_Bps = 0, in_burst = 0, out_burst = 0;
	double bytes = b->ops * rg_crossing_total(b, net);
	bool in = true, out = true;

	for (uint32_t i = 0; i < net->nnodes; i++) {
		const struct rg_port *port = &net->ports[i];

		in &= port->in_Bps > 0;
		out &= port->out_Bps > 0 && !b->multicast;
		in_Bps += port->in_Bps;
		out_Bps += port->out_Bps;
		in_burst += port->in_burst_bytes;
		out_burst += port->out_burst_bytes;
	}
	if (in)
		enlarge(best, passing_ns(bytes, in_Bps, in_burst), "nodes-in");
	if (out)
		enlarge(best, passing_ns(bytes, out_Bps, out_burst), "nodes-out");
}

/*
 * Of an all-to-all-v: where two ranks wait for each other, half a round trip for each operation,
 * and once for a node that waits for others and others for it.
 */
static void enlarge_by_ways(struct rg_bound *best, const struct rg_network_problem *b,
			    const struct rg_network *net)
{
	for (uint32_t i = 0; i < net->nnodes; i++) {
		struct rg_crossing one = rg_crossing_of(b, net, i, 0);

		if (one.in_bytes > 0 && one.out_bytes > 0)
			enlarge(best, net->ports[i].latency_ns, "network-latency");
	}
	for (uint32_t from = 0; from < net->nranks; from++) {
		for (uint32_t to = 0; to < from; to++) {
			uint32_t i = net->node[from], k = net->node[to];
			double way = fmax(net->ports[i].latency_ns, net->ports[k].latency_ns);

			if (i != k && rg_matrix_at(b->counts, net->nranks, from, to) &&
			    rg_matrix_at(b->counts, net->nranks, to, from))
				enlarge(best, way * b->ops, "network-latency");
		}
	}
}

/* Where data go both ways; see the header. */
static void enlarge_by_latency(struct rg_bound *best, const struct rg_network_problem *b,
			       const struct rg_network *net)
{
	bool ring = b->coll == RG_COLL_SENDRECV;
	double farthest = 0, nearest = HUGE_VAL, cross = 0;

	if (rg_coll_has_root(b->coll))
		return;
	for (uint32_t i = 0; i < net->nnodes; i++) {
		farthest = fmax(farthest, net->ports[i].latency_ns);
		nearest = fmin(nearest, net->ports[i].latency_ns);
		cross += boundaries(net, i, true);
	}
	enlarge(best, farthest * (ring ? 1 : b->ops), "network-latency");
	if (ring)
		enlarge(best, nearest * b->ops * cross / net->nranks, "network-latency");
}

struct rg_bound rg_bound_network(const struct rg_network_problem *b, const struct rg_network *net)
{
	struct rg_bound best = {0};

	if (net->nnodes < 2 || (!b->size_bytes && b->coll != RG_COLL_BARRIER))
		return best;
	if (rg_coll_has_root(b->coll) && b->root_rotates)
		best = of_rotation(b, net);
	else
		best = of_root(b, net, b->root);
	enlarge_by_sum(&best, b, net);
	if (b->coll == RG_COLL_ALLTOALLV)
		enlarge_by_ways(&best, b, net);
	else
		enlarge_by_latency(&best, b, net);
	best.bound_ns -= b->clock_error_ns;
	if (!(best.bound_ns > 0))
		return (struct rg_bound){0, NULL};
	best.bound_ns /= b->ops;
	return best;
}
