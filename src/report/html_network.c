/* SPDX-License-Identifier: BSD-3-Clause */
/* What the network was calibrated to do, in a page. */
#include "config.h"

#include "format.h"
#include "html_impl.h"
#include "network.h"

static void print_rate(FILE *out, double rate_Bps)
{
	char text[CELL_BYTES];

	if (rate_Bps > 0)
		rg_html_number(out, "%s", rg_cell_network(rate_Bps, text));
	else
		rg_html_element(out, "td class=\"n\"", NULL);
}

static void print_node(FILE *out, const struct rg_result *r, uint32_t node, bool pairs)
{
	const struct rg_port *port = &r->network.nodes[node].port;
	char name[NODE_NAME_BYTES], ranks[NODE_LIST_BYTES], text[CELL_BYTES];

	fputs("<tr>", out);
	rg_html_element(out, "th scope=\"row\" class=\"w\"", rg_node_name(r, node, name));
	rg_html_element(out, "td", rg_node_ranks(r, node, ranks));
	for (uint32_t to = 0; pairs && to < r->network.nnodes; to++) {
		const struct rg_network_pair *pair = rg_network_pair_find(&r->network, node, to);

		print_rate(out, pair ? pair->rate_Bps : 0);
	}
	print_rate(out, port->out_Bps);
	print_rate(out, port->in_Bps);
	if (port->latency_ns > 0)
		rg_html_number(out, "%s", rg_cell_us(port->latency_ns, text));
	else
		rg_html_element(out, "td class=\"n\"", NULL);
	fputs("</tr>\n", out);
}

void rg_html_network(FILE *out, const struct rg_result *r)
{
	const struct rg_network_pair *weakest = rg_network_weakest(&r->network);
	bool pairs = r->network.nnodes <= NODES_SHOWN;
	char name[NODE_NAME_BYTES], other[NODE_NAME_BYTES], text[CELL_BYTES];

	if (!r->network.nnodes)
		return;
	fputs("<div class=\"wide\"><table><caption>Network between nodes, what plain sockets got: "
	      "payload, GB/s</caption><thead><tr>",
	      out);
	rg_html_title(out, "from", NULL, false);
	rg_html_title(out, "ranks", NULL, false);
	for (uint32_t i = 0; pairs && i < r->network.nnodes; i++)
		rg_html_title(out, rg_node_name(r, i, name), NULL, true);
	rg_html_title(out, "out", "at most", true);
	rg_html_title(out, "in", "at most", true);
	rg_html_title(out, "one way", "\xc2\xb5s, to the nearest", true);
	fputs("</tr></thead>\n<tbody>\n", out);
	for (uint32_t i = 0; i < r->network.nnodes; i++)
		print_node(out, r, i, pairs);
	fputs("</tbody></table></div>\n", out);
	if (!weakest)
		return;
	fputs("<p>", out);
	rg_html_printf(out, "The weakest pair is %s to %s, with %s GB/s.",
		       rg_node_name(r, weakest->from, name), rg_node_name(r, weakest->to, other),
		       rg_cell_network(weakest->rate_Bps, text));
	fputs("</p>\n", out);
}
