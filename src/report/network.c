/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "network.h"
#include "format.h"

#include "railgauge/base/units.h"

#include <math.h>
#include <string.h>

#define PAIRS_SHOWN 16

static uint32_t first_rank(const struct rg_result *r, uint32_t node)
{
	uint32_t rank = 0;

	while (rank + 1 < r->run.nranks && r->network.rank_node[rank] != node)
		rank++;
	return rank;
}

char *rg_node_name(const struct rg_result *r, uint32_t node, char *text)
{
	const struct rg_result_node *nodes = r->network.nodes;
	uint32_t alike = 0;

	for (uint32_t i = 0; i < r->network.nnodes; i++)
		alike += !strcmp(nodes[i].host, nodes[node].host);
	if (alike == 1)
		snprintf(text, NODE_NAME_BYTES, "%.16s", nodes[node].host);
	else
		snprintf(text, NODE_NAME_BYTES, "%.16s:%u", nodes[node].host, first_rank(r, node));
	return text;
}

char *rg_node_ranks(const struct rg_result *r, uint32_t node, char *text)
{
	const uint32_t *of = r->network.rank_node;
	uint32_t n = r->run.nranks, to;
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t from = 0; from < n; from = to + 1) {
		to = from;
		if (of[from] != node)
			continue;
		while (to + 1 < n && of[to + 1] == node)
			to++;
		if (used > NODE_LIST_BYTES - 32) {
			snprintf(text + used, NODE_LIST_BYTES - used, "...");
			break;
		}
		used += (size_t)snprintf(text + used, NODE_LIST_BYTES - used,
					 to > from ? "%s%u-%u" : "%s%u", used ? "," : "", from, to);
	}
	return text;
}

const struct rg_network_pair *rg_network_pair_find(const struct rg_result_network *n, uint32_t from,
						   uint32_t to)
{
	for (uint32_t i = 0; i < n->npairs; i++) {
		if (n->pairs[i].from == from && n->pairs[i].to == to)
			return &n->pairs[i];
	}
	return NULL;
}

const struct rg_network_pair *rg_network_weakest(const struct rg_result_network *n)
{
	const struct rg_network_pair *least = NULL;

	for (uint32_t i = 0; i < n->npairs; i++) {
		if (n->pairs[i].rate_Bps > 0 && (!least || n->pairs[i].rate_Bps < least->rate_Bps))
			least = &n->pairs[i];
	}
	return least;
}

char *rg_cell_network(double Bps, char *text)
{
	if (!(Bps > 0))
		snprintf(text, CELL_BYTES, "?");
	else
		snprintf(text, CELL_BYTES, Bps < 99.95e9 ? "%#.3g" : "%.0f", Bps / 1e9);
	return text;
}

static char *cell_us(double ns, char *text)
{
	if (ns > 0)
		rg_cell_us(ns, text);
	else
		snprintf(text, CELL_BYTES, "?");
	return text;
}

static int width_of(const struct rg_result *r)
{
	char name[NODE_NAME_BYTES];
	size_t width = 7;

	for (uint32_t i = 0; i < r->network.nnodes; i++) {
		size_t n = strlen(rg_node_name(r, i, name));

		width = n > width ? n : width;
	}
	return (int)width + 1;
}

static void print_node(const struct rg_result *r, uint32_t node, int width, FILE *out)
{
	const struct rg_port *port = &r->network.nodes[node].port;
	char text[CELL_BYTES], name[NODE_NAME_BYTES], ranks[NODE_LIST_BYTES];

	fprintf(out, "#   %-*s%10s ", width, rg_node_name(r, node, name),
		rg_node_ranks(r, node, ranks));
	for (uint32_t to = 0; to < r->network.nnodes; to++) {
		const struct rg_network_pair *pair = rg_network_pair_find(&r->network, node, to);

		fprintf(out, "%*s", width,
			to == node ? "-" : rg_cell_network(pair ? pair->rate_Bps : 0, text));
	}
	fprintf(out, "  %8s", rg_cell_network(port->out_Bps, text));
	fprintf(out, "%8s", rg_cell_network(port->in_Bps, text));
	fprintf(out, "%10s\n", cell_us(port->latency_ns, text));
}

static void print_matrix(const struct rg_result *r, FILE *out)
{
	char name[NODE_NAME_BYTES];
	int width = width_of(r);

	fprintf(out, "#   %-*s%10s ", width, "from", "ranks");
	for (uint32_t i = 0; i < r->network.nnodes; i++)
		fprintf(out, "%*s", width, rg_node_name(r, i, name));
	fprintf(out, "  %8s%8s%10s\n", "out", "in", "one way");
	for (uint32_t i = 0; i < r->network.nnodes; i++)
		print_node(r, i, width, out);
}

/* The least and the most of a rate of all ports. */
static void print_range(const struct rg_result *r, const char *what, bool in, FILE *out)
{
	char low[CELL_BYTES], high[CELL_BYTES];
	double least = HUGE_VAL, most = 0;

	for (uint32_t i = 0; i < r->network.nnodes; i++) {
		const struct rg_port *port = &r->network.nodes[i].port;
		double rate = in ? port->in_Bps : port->out_Bps;

		least = fmin(least, rate);
		most = fmax(most, rate);
	}
	fprintf(out, "#   %s: %s to %s\n", what, rg_cell_network(least, low),
		rg_cell_network(most, high));
}

void rg_network_print(const struct rg_result *r, FILE *out)
{
	const struct rg_network_pair *weakest = rg_network_weakest(&r->network);
	char from[NODE_NAME_BYTES], to[NODE_NAME_BYTES], rate[CELL_BYTES];

	if (!r->network.nnodes)
		return;
	fprintf(out,
		"# Network between %u nodes, what plain sockets got: payload in GB/s; out and in "
		"are the most,\n"
		"# from or to one other or all at once; one way to the nearest in us; ? is not "
		"known\n",
		r->network.nnodes);
	if (r->network.nnodes <= NODES_SHOWN) {
		print_matrix(r, out);
	} else {
		print_range(r, "out", false, out);
		print_range(r, "in", true, out);
	}
	if (!weakest)
		return;
	fprintf(out, "#   weakest pair: %s -> %s, %s GB/s", rg_node_name(r, weakest->from, from),
		rg_node_name(r, weakest->to, to), rg_cell_network(weakest->rate_Bps, rate));
	fprintf(out, " (%s Gbit/s)\n", rg_cell_network(8 * weakest->rate_Bps, rate));
}

/* "rank 1 (n1) -> rank 2 (n2): 7.1 us, then 0.024 GB/s after the first 61K" */
static void print_way(const struct rg_result *r, uint32_t rank, uint32_t next, FILE *out)
{
	uint32_t a = r->network.rank_node[rank], b = r->network.rank_node[next];
	const struct rg_network_pair *pair = rg_network_pair_find(&r->network, a, b);
	char from[NODE_NAME_BYTES], to[NODE_NAME_BYTES], text[CELL_BYTES], size[RG_UNITS_BYTES];

	fprintf(out, "#   rank %u (%s) -> rank %u (%s): ", rank, rg_node_name(r, a, from), next,
		rg_node_name(r, b, to));
	if (!pair || !(pair->rate_Bps > 0)) {
		fprintf(out, "not known\n");
		return;
	}
	fprintf(out, "%s us, ", cell_us(pair->latency_ns, text));
	fprintf(out, "%s GB/s", rg_cell_network(pair->rate_Bps, text));
	if (pair->burst_bytes >= 1024)
		fprintf(out, " beyond the first %s",
			rg_format_size((uint64_t)pair->burst_bytes & ~(uint64_t)1023, size));
	fputc('\n', out);
}

void rg_network_print_sendrecv(const struct rg_result *r, FILE *out)
{
	uint32_t i = 0, n = r->run.nranks, ways = 0;

	while (i < r->npoints && r->points[i].coll != RG_COLL_SENDRECV)
		i++;
	if (i == r->npoints || !r->network.nnodes)
		return;
	fprintf(out, "# Between nodes, what a message of sendrecv that goes straight should take: "
		     "half a "
		     "round trip,\n# and its bytes at the pair's rate\n");
	for (uint32_t rank = 0; rank < n; rank++) {
		uint32_t next = (rank + 1) % n;

		if (r->network.rank_node[rank] == r->network.rank_node[next])
			continue;
		if (ways++ < PAIRS_SHOWN)
			print_way(r, rank, next, out);
	}
	if (ways > PAIRS_SHOWN)
		fprintf(out, "#   and %u more: see pairs in the document\n", ways - PAIRS_SHOWN);
}
