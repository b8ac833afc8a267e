/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose counters are read around each point. */
#include "config.h"

#include "ranks.h"

#include "railgauge/measure/nic_counters_job.h"

#include <string.h>

static int choose(const char *list, const char *used, bool others, struct rg_nic_port *ports,
		  uint32_t *n, struct rg_err *err)
{
	bool automatic = !strcmp(list, "auto");
	int rc = 0;

	if (automatic)
		rg_nic_ports_seek("", used, ports, n);
	else if (strcmp(list, "none") != 0)
		rc = rg_nic_ports_find("", list, ports, n, err);
	if (rc)
		return rg_err_prefix(err, "--counters");
	if (automatic && others)
		rg_nic_ports_active("", ports, n);
	/* Sockets are bound to an interface; TCP's counters go with it. */
	for (uint32_t i = 0; i < *n; i++) {
		ports[i].tcp = !ports[i].port;
		if (ports[i].tcp)
			break;
	}
	return 0;
}

int ranks_counters_open(struct ranks_member *m, const char *list, const char *used, bool others,
			struct rg_nic_job **out, struct rg_err *err)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	struct rg_nic_job *job;
	uint32_t n = 0;
	int rc = choose(list, used, others, ports, &n, err);

	rc = ranks_agree(m, rc, err);
	if (!rc)
		rc = rg_nic_job_open(m->rdv, "", ports, n, m->ranks->timeout_ns, &job, err);
	if (rc)
		return rc;
	if (rg_nic_job_nports(job))
		*out = job;
	else
		rg_nic_job_close(job);
	return 0;
}
