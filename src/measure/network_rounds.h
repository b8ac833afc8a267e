/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which flows run at once in a calibration of the network: pure functions of the number of nodes.
 * See calibrate_network.h for what and why.
 */
#ifndef RG_MEASURE_NETWORK_ROUNDS_H
#define RG_MEASURE_NETWORK_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#define NETWORK_ALONE 4 /* up to so many nodes each pair has a round of its own */
#define NETWORK_GROUP 8 /* nodes of a group, at most */

enum network_kind { NETWORK_PAIR, NETWORK_IN, NETWORK_OUT };

/* Rounds, those of pairs first; 0 for one node. */
uint32_t rg_network_rounds(uint32_t nnodes);
enum network_kind rg_network_kind(uint32_t nnodes, uint32_t round);

/* Does `from` send to `to` in this round? False for nodes of different groups. */
bool rg_network_flow(uint32_t nnodes, uint32_t round, uint32_t from, uint32_t to);

/* The group of a node is the nodes from *first_out on, so many. */
uint32_t rg_network_group(uint32_t nnodes, uint32_t node, uint32_t *first_out);

#endif
