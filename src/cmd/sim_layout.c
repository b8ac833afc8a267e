/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim.h"

#include "railgauge/base/mem.h"

/* The next nodes of a list such as "16x8,4": how many, with how many ranks each. */
struct nodes {
	uint32_t count, ranks;
};

/* A number from 1 on, in digits; *text moves behind it. */
static bool number(const char **text, uint32_t *out)
{
	uint64_t n = 0;
	const char *p = *text;

	while (*p >= '0' && *p <= '9' && n <= RG_SIM_RANKS)
		n = 10 * n + (uint64_t)(*p++ - '0');
	if (p == *text || n == 0 || n > RG_SIM_RANKS)
		return false;
	*text = p;
	*out = (uint32_t)n;
	return true;
}

static int next_nodes(const char **text, struct nodes *out, struct rg_err *err)
{
	const char *p = *text;
	bool good = number(&p, &out->ranks);

	out->count = 1;
	if (good && *p == 'x') {
		p++;
		out->count = out->ranks;
		good = number(&p, &out->ranks);
	}
	if (!good || (*p && *p != ','))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--layout: \"%.40s\": expected nodes and their ranks, such as "
				  "16x8,1x4: 16 nodes of 8 ranks and one of 4",
				  *text);
	*text = *p ? p + 1 : NULL;
	return 0;
}

/* Puts the next nodes; with node NULL it only counts. */
static int put_nodes(struct sim_job *job, const struct nodes *n, uint32_t *nranks,
		     struct rg_err *err)
{
	if ((uint64_t)n->count * n->ranks > RG_SIM_RANKS - *nranks)
		return rg_err_set(err, RG_ERR_RANGE, "--layout: more than %d ranks", RG_SIM_RANKS);
	for (uint32_t i = 0; i < n->count; i++, job->nnodes++) {
		for (uint32_t k = 0; k < n->ranks; k++, (*nranks)++) {
			if (!job->node)
				continue;
			job->node[*nranks] = job->nnodes;
			job->local[*nranks] = k;
		}
	}
	return 0;
}

static int parse_layout(struct sim_job *job, uint32_t *nranks, struct rg_err *err)
{
	int rc = 0;

	job->nnodes = *nranks = 0;
	for (const char *rest = job->options.layout; rest && !rc;) {
		struct nodes n = {0};

		rc = next_nodes(&rest, &n, err);
		if (!rc)
			rc = put_nodes(job, &n, nranks, err);
	}
	return rc;
}

static int equal_nodes(struct sim_job *job, uint32_t *nranks, struct rg_err *err)
{
	uint32_t left = (uint32_t)job->options.ranks, each = (uint32_t)job->options.ranks_per_node;
	int rc = 0;

	job->nnodes = *nranks = 0;
	while (left && !rc) {
		const struct nodes n = {1, each < left ? each : left};

		rc = put_nodes(job, &n, nranks, err);
		left -= n.ranks;
	}
	return rc;
}

static int fill(struct sim_job *job, uint32_t *nranks, struct rg_err *err)
{
	return job->options.layout ? parse_layout(job, nranks, err) : equal_nodes(job, nranks, err);
}

static int check(const struct sim_job *job, struct rg_err *err)
{
	const struct sim_options *o = &job->options;

	if (!o->layout && !o->ranks)
		return rg_err_set(err, RG_ERR_INVALID,
				  "how many ranks? For example: --ranks 1024 --ranks-per-node 8");
	if (o->layout && (o->ranks || sim_is_set(job, "ranks-per-node")))
		return rg_err_set(err, RG_ERR_INVALID,
				  "--layout says how many ranks each node has: --%s is too much",
				  o->ranks ? "ranks" : "ranks-per-node");
	return 0;
}

int sim_layout(struct sim_job *job, struct rg_err *err)
{
	uint32_t n;
	int rc = check(job, err);

	if (!rc)
		rc = fill(job, &n, err);
	if (rc)
		return rc;
	job->node = rg_zalloc(n, sizeof(*job->node));
	job->local = rg_zalloc(n, sizeof(*job->local));
	if (!job->node || !job->local)
		return rg_err_set(err, RG_ERR_NO_MEMORY, "no memory for %u ranks", n);
	rc = fill(job, &n, err);
	job->problem.layout = (struct rg_layout){
		.nranks = n, .node = job->node, .local = job->local, .rail = job->local};
	job->used[RG_HOP_NODE] = n > job->nnodes;
	job->used[RG_HOP_NETWORK] = job->nnodes > 1;
	return rc;
}
