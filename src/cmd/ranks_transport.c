/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "ranks.h"

#include <string.h>

/* Memory within a node, sockets between nodes, and between containers that hide their processes. */
static const char *suits_nodes(const struct ranks_member *m)
{
	const uint32_t *local = m->nodes + m->rdv->nranks;
	bool apart = false, shared = false;

	for (uint32_t k = 0; k < m->rdv->nranks; k++) {
		apart |= !rg_process_may_share(&m->places[k].process, &m->places[0].process);
		shared |= local[k] > 0;
	}
	return m->one_host && !apart ? "shm" : shared ? "mixed" : "tcp";
}

uint32_t ranks_local(const struct ranks_member *m)
{
	return m->nodes[m->rdv->nranks + m->rdv->rank];
}

uint32_t ranks_nlocal(const struct ranks_member *m)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < m->rdv->nranks; k++)
		n += m->nodes[k] == m->nodes[m->rdv->rank];
	return n;
}

int ranks_transport(const struct ranks_member *m, const char *name,
		    const struct rg_transport_ops **out, struct rg_err *err)
{
	int rc;

	if (!strcmp(name, "auto"))
		name = m->ranks->threads ? "inproc" : suits_nodes(m);
	rc = rg_transport_find(name, out, err);
	if (rc)
		return rg_err_prefix(err, "--transport");
	if (*out == &rg_transport_inproc && !m->ranks->threads && m->rdv->nranks > 1)
		return rg_err_set(
			err, RG_ERR_INVALID,
			"--transport inproc joins threads of one process (--threads), and "
			"these ranks are processes");
	return 0;
}
