/* SPDX-License-Identifier: BSD-3-Clause */
/* The part of the document that says what the network was calibrated to do. */
#include "config.h"

#include "result_fields.h"

#include "railgauge/base/mem.h"

#include <stdio.h>
#include <string.h>

#define WHERE_BYTES 64

void rg_result_network_release(struct rg_result_network *network)
{
	rg_free(network->nodes);
	rg_free(network->rank_node);
	rg_free(network->pairs);
	*network = (struct rg_result_network){0};
}

static int no_memory(struct rg_err *err)
{
	return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for the result");
}

/* Arrays of so many; on failure none is there. */
static int allocate(struct rg_result_network *n, uint32_t nranks, struct rg_err *err)
{
	n->nodes = rg_zalloc(n->nnodes, sizeof(*n->nodes));
	n->rank_node = rg_zalloc(nranks, sizeof(*n->rank_node));
	n->pairs = rg_zalloc(n->npairs, sizeof(*n->pairs));
	if (n->nodes && n->rank_node && n->pairs)
		return 0;
	rg_result_network_release(n);
	return no_memory(err);
}

/* --- checks: for writers and for the reader alike --- */

static int check_nodes(const struct rg_result_network *n, uint32_t nranks, struct rg_err *err)
{
	if (n->nnodes < 2)
		return rg_err_set(err, RG_ERR_INVALID, "nodes: fewer than 2");
	for (uint32_t r = 0; r < nranks; r++) {
		if (n->rank_node[r] >= n->nnodes)
			return rg_err_set(err, RG_ERR_INVALID, "rank_node[%u]: no such node", r);
	}
	for (uint32_t i = 0; i < n->nnodes; i++) {
		uint32_t count = 0;
		int rc = rg_fields_check(rg_result_node_fields, &n->nodes[i], "", err);

		if (rc)
			return err ? rg_err_prefix(err, "nodes[%u]", i) : rc;
		for (uint32_t r = 0; r < nranks; r++)
			count += n->rank_node[r] == i;
		if (!count || count != n->nodes[i].port.nranks)
			return rg_err_set(err, RG_ERR_INVALID,
					  "nodes[%u].nranks: not those of rank_node", i);
	}
	return 0;
}

static int check(const struct rg_result_network *n, uint32_t nranks, struct rg_err *err)
{
	int rc = check_nodes(n, nranks, err);

	for (uint32_t i = 0; !rc && i < n->npairs; i++) {
		const struct rg_network_pair *p = &n->pairs[i];

		rc = rg_fields_check(rg_result_network_pair_fields, p, "", err);
		if (rc)
			return err ? rg_err_prefix(err, "pairs[%u]", i) : rc;
		if (p->from >= n->nnodes || p->to >= n->nnodes || p->from == p->to)
			rc = rg_err_set(err, RG_ERR_INVALID, "pairs[%u]: not of two nodes", i);
	}
	return rc;
}

/* --- setting --- */

/* Takes over the arrays of n, also on failure. */
static int store(struct rg_result *result, struct rg_result_network *n, struct rg_err *err)
{
	int rc = check(n, result->run.nranks, err);

	for (uint32_t i = 0; !rc && i < n->nnodes; i++) {
		n->nodes[i].host = rg_result_keep(result, n->nodes[i].host);
		if (!n->nodes[i].host)
			rc = no_memory(err);
	}
	if (rc) {
		rg_result_network_release(n);
		return rc;
	}
	rg_result_network_release(&result->network);
	result->network = *n;
	return 0;
}

static int warn(struct rg_result *result, const struct rg_result_network *n, struct rg_err *err)
{
	uint32_t unknown = 0, one = 0;

	for (uint32_t i = 0; i < n->nnodes; i++) {
		if (n->nodes[i].port.in_Bps > 0 && n->nodes[i].port.out_Bps > 0)
			continue;
		unknown++;
		one = i;
	}
	if (!unknown)
		return 0;
	return rg_result_add_warning(
		result, err, "calibration",
		"what %u of %u nodes (%s, for one) can take in or give out was not found out: too "
		"little arrived, the rate went on growing, or a rank had to wait for a processor; "
		"bounds are missing or too low",
		unknown, n->nnodes, n->nodes[one].host);
}

int rg_result_set_network(struct rg_result *result, const struct rg_network *network,
			  const char *const *hosts, struct rg_err *err)
{
	struct rg_result_network n = {.nnodes = network->nnodes, .npairs = network->npairs};
	int rc = 0;

	if (network->nnodes < 2)
		return 0;
	if (network->nranks != result->run.nranks)
		return rg_err_set(err, RG_ERR_INVALID, "rank_node: of %u ranks, not %u",
				  network->nranks, result->run.nranks);
	rc = allocate(&n, network->nranks, err);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < n.nnodes; i++)
		n.nodes[i] = (struct rg_result_node){hosts[i], network->ports[i]};
	for (uint32_t r = 0; r < network->nranks; r++)
		n.rank_node[r] = network->node[r];
	for (uint32_t i = 0; i < n.npairs; i++)
		n.pairs[i] = network->pairs[i];
	rc = store(result, &n, err);
	return rc ? rc : warn(result, &result->network, err);
}

/* --- JSON --- */

static json_t *ranks_to_json(const struct rg_result *result)
{
	json_t *array = json_array();

	for (uint32_t r = 0; array && r < result->run.nranks; r++) {
		if (rg_json_append(array, json_integer(result->network.rank_node[r]), NULL)) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

json_t *rg_result_network_to_json(const struct rg_result *result)
{
	const struct rg_result_network *n = &result->network;
	json_t *object;
	int rc;

	if (!n->nnodes)
		return json_null();
	object = json_object();
	rc = object ? 0 : RG_ERR_NO_MEMORY;
#define SET(key, value) rc = rc ? rc : rg_json_set(object, key, value, NULL)
	SET("rank_node", ranks_to_json(result));
	SET("nodes",
	    rg_fields_array_to_json(rg_result_node_fields, n->nodes, sizeof(*n->nodes), n->nnodes));
	SET("pairs", rg_fields_array_to_json(rg_result_network_pair_fields, n->pairs,
					     sizeof(*n->pairs), n->npairs));
#undef SET
	if (rc) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static int read_members(const json_t *object, struct rg_err *err)
{
	static const char *const keys[] = {"rank_node", "nodes", "pairs", NULL};
	const char *key;
	json_t *v;

	if (!json_is_object(object))
		return rg_fields_expected("network", "", "an object or null", err);
	json_object_foreach((json_t *)object, key, v)
	{
		size_t i = 0;

		while (keys[i] && strcmp(keys[i], key))
			i++;
		if (!keys[i])
			return rg_err_set(err, RG_ERR_FORMAT, "network.%.64s: no such member", key);
	}
	return 0;
}

static int read_structs(const struct rg_field *fields, const json_t *list, const char *name,
			void *array, size_t each_bytes, struct rg_err *err)
{
	char where[WHERE_BYTES];
	int rc = 0;

	for (size_t i = 0; !rc && i < json_array_size(list); i++) {
		snprintf(where, sizeof(where), "network.%s[%zu]", name, i);
		rc = rg_fields_from_json(fields, json_array_get(list, i), where, NULL,
					 (char *)array + i * each_bytes, err);
	}
	return rc;
}

static int read_ranks(const json_t *list, uint32_t nranks, uint32_t *rank_node, struct rg_err *err)
{
	for (uint32_t r = 0; r < nranks; r++) {
		const json_t *v = json_array_get(list, r);
		json_int_t node = json_integer_value(v);

		if (!json_is_integer(v) || node < 0 || node > UINT32_MAX)
			return rg_fields_expected("network", "rank_node", "numbers of nodes", err);
		rank_node[r] = (uint32_t)node;
	}
	return 0;
}

int rg_result_network_from_json(const json_t *root, struct rg_result *result, struct rg_err *err)
{
	const json_t *object = json_object_get(root, "network");
	struct rg_result_network n = {0};
	json_t *nodes, *pairs, *ranks;
	int rc;

	if (!object || json_is_null(object))
		return 0;
	rc = read_members(object, err);
	if (!rc)
		rc = rg_json_get_array(object, "rank_node", "network", &ranks, err);
	if (!rc)
		rc = rg_json_get_array(object, "nodes", "network", &nodes, err);
	if (!rc)
		rc = rg_json_get_array(object, "pairs", "network", &pairs, err);
	if (rc)
		return rc;
	n.nnodes = (uint32_t)json_array_size(nodes);
	n.npairs = (uint32_t)json_array_size(pairs);
	/* Before memory for as many ranks as somebody claims. */
	if (json_array_size(ranks) != result->run.nranks)
		return rg_fields_expected("network", "rank_node", "as many as run.nranks", err);
	rc = allocate(&n, result->run.nranks, err);
	if (rc)
		return rc;
	rc = read_ranks(ranks, result->run.nranks, n.rank_node, err);
	if (!rc)
		rc = read_structs(rg_result_node_fields, nodes, "nodes", n.nodes, sizeof(*n.nodes),
				  err);
	if (!rc)
		rc = read_structs(rg_result_network_pair_fields, pairs, "pairs", n.pairs,
				  sizeof(*n.pairs), err);
	if (rc) {
		rg_result_network_release(&n);
		return rc;
	}
	return store(result, &n, err);
}
