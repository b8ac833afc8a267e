/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "affinity_impl.h"

#include <stdio.h>

#define GBIT_PER_BYTE 8e-9

static void set_aside(struct rg_affinity_nic *nic, const char *why)
{
	nic->rail = RG_TOPO_NONE;
	snprintf(nic->why, sizeof(nic->why), "%s", why);
}

static bool taken(const struct rg_affinity *a, uint32_t i)
{
	return a->nics[i].rail != RG_TOPO_NONE;
}

/* How many of those that are left are RDMA ports, how many of them not soft? */
static void count_rdma(const struct rg_topo *topo, const struct rg_affinity *a, uint32_t *rdma,
		       uint32_t *hard)
{
	*rdma = *hard = 0;
	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (taken(a, i) && topo->nics[i].rdma[0]) {
			++*rdma;
			*hard += !topo->nics[i].soft;
		}
	}
}

/* Rates can be compared only if all are known: those of the ports, else of their PCIe links. */
static uint64_t rate_of(const struct rg_topo_nic *nic, bool port)
{
	return port ? nic->rate_Bps : nic->pcie_cur.rate_Bps;
}

static bool set_slow_aside(const struct rg_topo *topo, struct rg_affinity *a, bool port)
{
	uint32_t fastest = RG_TOPO_NONE;

	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (!taken(a, i))
			continue;
		if (!rate_of(&topo->nics[i], port))
			return false;
		if (fastest == RG_TOPO_NONE ||
		    rate_of(&topo->nics[i], port) > rate_of(&topo->nics[fastest], port))
			fastest = i;
	}
	for (uint32_t i = 0; fastest != RG_TOPO_NONE && i < topo->nnics; i++) {
		uint64_t most = rate_of(&topo->nics[fastest], port);
		uint64_t own = rate_of(&topo->nics[i], port);

		if (!taken(a, i) || own >= most - most / 2)
			continue;
		a->nics[i].rail = RG_TOPO_NONE;
		snprintf(a->nics[i].why, sizeof(a->nics[i].why),
			 "%s %.3g Gbit/s, less than half of the %.3g Gbit/s of %s",
			 port ? "its rate is" : "its PCIe link carries",
			 (double)own * GBIT_PER_BYTE, (double)most * GBIT_PER_BYTE,
			 topo->nics[fastest].name);
	}
	return true;
}

void affinity_choose_nics(const struct rg_topo *topo, struct rg_affinity *a)
{
	uint32_t rdma, hard;

	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (topo->nics[i].state == RG_TOPO_STATE_DOWN)
			set_aside(&a->nics[i], "its port is down");
	}
	count_rdma(topo, a, &rdma, &hard);
	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (!taken(a, i))
			continue;
		if (rdma && !topo->nics[i].rdma[0])
			set_aside(&a->nics[i], "it has no RDMA, others have");
		else if (hard && topo->nics[i].soft)
			set_aside(&a->nics[i], "its RDMA is software, that of others is not");
	}
	if (!set_slow_aside(topo, a, true))
		(void)set_slow_aside(topo, a, false);
	for (uint32_t i = 0; i < topo->nnics; i++) {
		if (taken(a, i))
			a->nics[i].rail = a->nrails++;
	}
}
