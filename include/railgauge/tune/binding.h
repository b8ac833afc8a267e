/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the ranks of a job should be bound, from the topology of one of its nodes (topo/affinity.h):
 * the same on each node, so it is known only where nodes are equal and have equally many ranks.
 * Nothing is measured. Pure.
 */
#ifndef RAILGAUGE_TUNE_BINDING_H
#define RAILGAUGE_TUNE_BINDING_H

#include "railgauge/base/err.h"
#include "railgauge/topo/topo.h"
#include "railgauge/tune/decisions.h"

#include <stdint.h>

/*
 * Fills *out (zeroed before; strings and arrays as rg_decisions_close frees them) for nranks ranks
 * on nnodes nodes, which are like topo (rg_topo_live without flags, as the fingerprints are made).
 * hashes[nhosts]: each host's fingerprint as its result has it (struct rg_result_machine,
 * topo_hash; NULL: not known), borrowed. Where it is not known, which is no error, out->why has the
 * reason: another number of ranks on each node, more ranks than usable cores, hosts unlike topo or
 * each other or unknown. map_by is filled where mpirun's own words lead to the same CPUs, rank by
 * rank. RG_ERR_NO_MEMORY.
 */
int rg_binding_find(const struct rg_topo *topo, uint32_t nranks, uint32_t nnodes,
		    const char *const *hashes, uint32_t nhosts, struct rg_decision_binding *out,
		    struct rg_err *err);

/*
 * A rank file has ranks fill the hosts one after the other, in the order of their names
 * (struct rg_decisions). Where the job that was measured had them elsewhere (rank_hosts[nranks],
 * hosts[nhosts]) it would make other ranks neighbours: then the binding is no longer known.
 */
void rg_binding_check_order(const char *const *rank_hosts, uint32_t nranks,
			    const char *const *hosts, uint32_t nhosts,
			    struct rg_decision_binding *binding);

#endif
