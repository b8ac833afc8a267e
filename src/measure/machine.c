/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/measure/machine.h"

#include "railgauge/topo/topo.h"

#include <stdio.h>

static void put_text(char *to, size_t room, const char *from)
{
	snprintf(to, room, "%s", from ? from : "");
}

#define PUT(member, text) put_text(out->member, sizeof(out->member), text)

void rg_machine_here(bool with_topology, struct rg_machine *out)
{
	struct rg_result_machine m;
	struct rg_topo *topo = NULL;

	rg_result_machine_here(&m);
	if (with_topology && !rg_topo_live(0, &topo, NULL))
		m.topo_hash = topo->hash;
	*out = (struct rg_machine){
		.packages = m.packages,
		.cores = m.cores,
		.threads = m.threads,
		.numa_nodes = m.numa_nodes,
		.l1d_bytes = m.l1d_bytes,
		.l2_bytes = m.l2_bytes,
		.llc_bytes = m.llc_bytes,
		.memory_bytes = m.memory_bytes,
	};
	PUT(host, m.host);
	PUT(kernel, m.kernel);
	PUT(cpu, m.cpu);
	PUT(topo_hash, m.topo_hash);
	PUT(governor, m.governor);
	PUT(clocksource, m.clocksource);
	PUT(thp, m.thp);
	rg_topo_close(topo);
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

void rg_machine_describe(const struct rg_machine *m, struct rg_result_machine *out)
{
	*out = (struct rg_result_machine){
		.host = or_null(m->host),
		.kernel = or_null(m->kernel),
		.cpu = or_null(m->cpu),
		.packages = m->packages,
		.cores = m->cores,
		.threads = m->threads,
		.numa_nodes = m->numa_nodes,
		.l1d_bytes = m->l1d_bytes,
		.l2_bytes = m->l2_bytes,
		.llc_bytes = m->llc_bytes,
		.memory_bytes = m->memory_bytes,
		.topo_hash = or_null(m->topo_hash),
		.governor = or_null(m->governor),
		.clocksource = or_null(m->clocksource),
		.thp = or_null(m->thp),
	};
}
