/* SPDX-License-Identifier: BSD-3-Clause */
/* Whose counters are read around each point. */
#include "config.h"

#include "bench_rank.h"

#include "railgauge/measure/nic_counters_job.h"

#include <string.h>

/* Is a library measured that may use any adapter, and does not say which? */
static bool others_choose(const struct rank *r)
{
	bool others = false;

	for (uint32_t i = 0; i < r->nspecs; i++)
		others |= r->specs[i].ops != &rg_target_railgauge;
	return others && !r->m.one_host;
}

static int choose(const struct rank *r, struct rg_nic_port *ports, uint32_t *n, struct rg_err *err)
{
	const char *list = r->bench->options.counters;
	bool automatic = !strcmp(list, "auto");
	int rc = 0;

	if (automatic)
		list = r->job.ep ? r->job.ep->nics : "";
	if (strcmp(list, "none") != 0)
		rc = rg_nic_ports_find("", list, ports, n, automatic ? NULL : err);
	/* Nobody asked for it: what cannot be found is left out. */
	if (rc && automatic)
		*n = 0;
	else if (rc)
		return rg_err_prefix(err, "--counters");
	if (automatic && others_choose(r))
		rg_nic_ports_active("", ports, n);
	/* Sockets are bound to an interface; TCP's counters go with it. */
	for (uint32_t i = 0; i < *n; i++) {
		ports[i].tcp = !ports[i].port;
		if (ports[i].tcp)
			break;
	}
	return 0;
}

int bench_counters_open(struct rank *r, struct rg_err *err)
{
	struct rg_nic_port ports[RG_NIC_PORTS_MAX];
	struct rg_nic_job *job;
	uint32_t n = 0;
	int rc = choose(r, ports, &n, err);

	rc = ranks_agree(&r->m, rc, err);
	if (!rc)
		rc = rg_nic_job_open(r->job.rdv, "", ports, n, r->job.deadline_ns, &job, err);
	if (rc)
		return rc;
	if (rg_nic_job_nports(job))
		r->counters = job;
	else
		rg_nic_job_close(job);
	return 0;
}
