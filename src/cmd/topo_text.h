/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The text of `railgauge topo`: what stands where (topo_tree.c), and the tables of devices,
 * distances and recommendations (topo_tables.c). Private to src/cmd.
 */
#ifndef RG_CMD_TOPO_TEXT_H
#define RG_CMD_TOPO_TEXT_H

#include "railgauge/topo/affinity.h"

#include <stdio.h>

void topo_print_tree(const struct rg_topo *topo, FILE *out);

/* RG_ERR_NO_MEMORY. */
int topo_print_tables(const struct rg_topo *topo, const struct rg_affinity *affinity, FILE *out,
		      struct rg_err *err);

/* "16.0 GT/s x16, 252 Gbit/s"; what is not known is left out, "?" if all of it. Returns text. */
#define TOPO_LINK_BYTES 64
char *topo_format_link(const struct rg_topo_link *link, char *text);

#endif
