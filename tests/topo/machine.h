/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A small machine made by hand, with every distance in it, for tests that need no recording:
 *
 *   package 0, NUMA node 0: cores 0-3 (CPUs 0-3 and 8-11), one last-level cache
 *     host bridge 0
 *       bridge 0 (root port) - 1 (switch) - 2: GPU 0;  3: NIC 0;  4 (switch below) - 5: GPU 1
 *       bridge 6 (root port): NIC 1
 *     host bridge 1
 *       bridge 7 (root port): GPU 2
 *   package 1, NUMA node 1: cores 4-7 (CPUs 4-7 and 12-15), one last-level cache
 *     host bridge 2
 *       bridge 8 (root port): NIC 2 and NIC 3, two ports of one card
 */
#ifndef RG_TESTS_MACHINE_H
#define RG_TESTS_MACHINE_H

#include "railgauge/base/mem.h"
#include "topo/impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline struct rg_topo_place machine_place(const char *busid, uint32_t bridge, uint32_t host,
						 uint32_t numa)
{
	struct rg_topo_place at = {
		.bridge = bridge, .host_bridge = host, .numa = numa, .package = numa};

	snprintf(at.busid, sizeof(at.busid), "%s", busid);
	return at;
}

static inline void machine_cpus(struct rg_topo *t)
{
	t->npackages = t->nnumas = t->nllcs = 2;
	t->ncores = 8;
	t->npus = 16;
	for (uint32_t i = 0; i < 2; i++) {
		t->packages[i].os_index = i;
		snprintf(t->packages[i].model, sizeof(t->packages[i].model), "processor");
		t->numas[i].os_index = i;
		t->numas[i].package = i;
		t->numas[i].memory_bytes = (uint64_t)64 << 30;
		t->llcs[i] = (struct rg_topo_llc){3, (uint64_t)16 << 20, 4};
	}
	for (uint32_t c = 0; c < 8; c++) {
		t->cores[c] = (struct rg_topo_core){.os_index = c,
						    .package = c / 4,
						    .numa = c / 4,
						    .llc = c / 4,
						    .first_pu = 2 * c,
						    .npus = 2,
						    .l1d_bytes = 32768,
						    .l2_bytes = 524288};
		for (uint32_t k = 0; k < 2; k++) {
			t->pus[2 * c + k] = (struct rg_topo_pu){c + 8 * k, c};
			rg_cpuset_add(&t->numas[c / 4].cpus, c + 8 * k);
			rg_cpuset_add(&t->allowed, c + 8 * k);
		}
	}
}

static inline void machine_nic(struct rg_topo *t, uint32_t i, struct rg_topo_place at)
{
	struct rg_topo_nic *nic = &t->nics[i];

	nic->at = at;
	snprintf(nic->name, sizeof(nic->name), "mlx5_%u", i);
	snprintf(nic->rdma, sizeof(nic->rdma), "mlx5_%u", i);
	snprintf(nic->netdev, sizeof(nic->netdev), "ib%u", i);
	snprintf(nic->model, sizeof(nic->model), "adapter");
	nic->port = 1;
	nic->layer = RG_TOPO_LAYER_INFINIBAND;
	nic->state = RG_TOPO_STATE_ACTIVE;
	nic->rate_Bps = UINT64_C(25000000000);
}

static inline void machine_gpu(struct rg_topo *t, uint32_t i, struct rg_topo_place at)
{
	t->gpus[i].at = at;
	snprintf(t->gpus[i].model, sizeof(t->gpus[i].model), "accelerator");
}

static inline void machine_devices(struct rg_topo *t)
{
	static const struct {
		uint32_t above, host, depth;
	} bridges[] = {{RG_TOPO_NONE, 0, 0},
		       {0, 0, 1},
		       {1, 0, 2},
		       {1, 0, 2},
		       {1, 0, 2},
		       {4, 0, 3},
		       {RG_TOPO_NONE, 0, 0},
		       {RG_TOPO_NONE, 1, 0},
		       {RG_TOPO_NONE, 2, 0}};

	t->nhost_bridges = 3;
	t->nbridges = 9;
	for (uint32_t i = 0; i < t->nbridges; i++) {
		char busid[16];

		snprintf(busid, sizeof(busid), "0000:%02x:01.0", i & 0xffu);
		t->bridges[i].at = machine_place(busid, bridges[i].above, bridges[i].host,
						 bridges[i].host == 2);
		t->bridges[i].depth = bridges[i].depth;
	}
	t->ngpus = 3;
	machine_gpu(t, 0, machine_place("0000:12:00.0", 2, 0, 0));
	machine_gpu(t, 1, machine_place("0000:15:00.0", 5, 0, 0));
	machine_gpu(t, 2, machine_place("0000:17:00.0", 7, 1, 0));
	t->nnics = 4;
	machine_nic(t, 0, machine_place("0000:13:00.0", 3, 0, 0));
	machine_nic(t, 1, machine_place("0000:16:00.0", 6, 0, 0));
	machine_nic(t, 2, machine_place("0000:18:00.0", 8, 2, 1));
	machine_nic(t, 3, machine_place("0000:18:00.1", 8, 2, 1));
}

/* Never NULL. Close with rg_topo_close. */
static inline struct rg_topo *make_machine(void)
{
	struct rg_topo *t = rg_zalloc(1, sizeof(*t));

	if (!t)
		abort();
	t->packages = rg_zalloc(2, sizeof(*t->packages));
	t->numas = rg_zalloc(2, sizeof(*t->numas));
	t->llcs = rg_zalloc(2, sizeof(*t->llcs));
	t->cores = rg_zalloc(8, sizeof(*t->cores));
	t->pus = rg_zalloc(16, sizeof(*t->pus));
	t->bridges = rg_zalloc(16, sizeof(*t->bridges));
	t->gpus = rg_zalloc(4, sizeof(*t->gpus));
	t->displays = rg_zalloc(1, sizeof(*t->displays));
	t->nics = rg_zalloc(4, sizeof(*t->nics));
	if (!t->packages || !t->numas || !t->llcs || !t->cores || !t->pus || !t->bridges ||
	    !t->gpus || !t->displays || !t->nics)
		abort();
	snprintf(t->host, sizeof(t->host), "node1");
	snprintf(t->origin, sizeof(t->origin), "by hand");
	machine_cpus(t);
	machine_devices(t);
	if (topo_seal(t, NULL))
		abort();
	return t;
}

#endif
