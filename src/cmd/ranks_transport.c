/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "ranks.h"

#include "railgauge/transport/verbs.h"

#include <string.h>

/* Memory within a node, sockets between nodes, and between containers that hide their processes. */
static const struct rg_transport_ops *suits_nodes(const struct ranks_member *m)
{
	const uint32_t *local = m->nodes + m->rdv->nranks;
	bool apart = false, shared = false;

	for (uint32_t k = 0; k < m->rdv->nranks; k++) {
		apart |= !rg_process_may_share(&m->places[k].process, &m->places[0].process);
		shared |= local[k] > 0;
	}
	if (m->one_host && !apart)
		return &rg_transport_shm;
	return shared ? &rg_transport_mixed : &rg_transport_tcp;
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

int ranks_verbs_suit(struct ranks_member *m, const struct ranks_network *network,
		     uint64_t len_bytes, bool *out, struct rg_err *err)
{
	struct rg_verbs_wish wish = {
		.options = network->verbs,
		.local = ranks_local(m),
		.nlocal = ranks_nlocal(m),
		.len_bytes = len_bytes,
		.timeout_ns = m->ranks->timeout_ns,
		.tcp = network->interface || network->congestion,
	};
	struct rg_verbs_suit suit;
	int rc;

	*out = false;
	if (m->one_host)
		return 0;
	wish.far = wish.nlocal < m->rdv->nranks;
	rc = rg_verbs_suits(m->rdv, &wish, &suit, err);
	if (rc)
		return rc;
	*out = suit.all;
	memcpy(m->no_verbs, suit.why_not, sizeof(m->no_verbs));
	return 0;
}

/* Each rank on a node of its own is joined by the same network as ranks that share some. */
static int choose_network(struct ranks_member *m, const struct ranks_network *network,
			  const struct rg_transport_ops **out, struct rg_err *err)
{
#ifdef HAVE_VERBS
	size_t len_bytes = rg_geometry_link_bytes(rg_transport_verbs_rc.geometry);
	bool verbs = false;
	int rc = ranks_verbs_suit(m, network, len_bytes, &verbs, err);

	if (verbs)
		*out = &rg_transport_verbs_rc;
	return rc;
#else
	return 0;
#endif
}

static int choose(struct ranks_member *m, const struct ranks_network *network,
		  const struct rg_transport_ops **out, struct rg_err *err)
{
	*out = m->ranks->threads ? &rg_transport_inproc : suits_nodes(m);
	if (*out == &rg_transport_tcp && network)
		return choose_network(m, network, out, err);
	return 0;
}

int ranks_transport(struct ranks_member *m, const char *name, const struct ranks_network *network,
		    const struct rg_transport_ops **out, struct rg_err *err)
{
	int rc;

	if (!strcmp(name, "auto"))
		return choose(m, network, out, err);
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
