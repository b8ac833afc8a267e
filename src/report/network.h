/* SPDX-License-Identifier: BSD-3-Clause */
/* What a result says about the network between its nodes, in words and tables. */
#ifndef RG_REPORT_NETWORK_H
#define RG_REPORT_NETWORK_H

#include "railgauge/measure/result.h"

#include <stdio.h>

#define NODE_NAME_BYTES 32
#define NODE_LIST_BYTES 64

/*
 * The host's name, with its first rank behind it where several nodes are on one host: "n1", "vm:2".
 * Into text[NODE_NAME_BYTES], which is returned.
 */
char *rg_node_name(const struct rg_result *result, uint32_t node, char *text);

/* Its ranks: "0-3,8", cut with "...". Into text[NODE_LIST_BYTES], which is returned. */
char *rg_node_ranks(const struct rg_result *result, uint32_t node, char *text);

/* GB/s with three digits, "?" for what is not known, into text[CELL_BYTES], which is returned. */
char *rg_cell_network(double Bps, char *text);

/* NULL: it was not measured. */
const struct rg_network_pair *rg_network_pair_find(const struct rg_result_network *network,
						   uint32_t from, uint32_t to);

/* The one with the least known rate; NULL: none is known. */
const struct rg_network_pair *rg_network_weakest(const struct rg_result_network *network);

/* Above a table of text: the matrix of up to NODES_SHOWN nodes; of more their ends. */
#define NODES_SHOWN 8
void rg_network_print(const struct rg_result *result, FILE *out);

/* Below it, if sendrecv was measured: which ranks it joins over the network, and what that takes.
 */
void rg_network_print_sendrecv(const struct rg_result *result, FILE *out);

/* The same matrix in a page. */
void rg_html_network(FILE *out, const struct rg_result *result);

#endif
