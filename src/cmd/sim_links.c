/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "sim.h"

#include <stdio.h>

/* The options of a class of link, in words. */
struct names {
	const char *prefix, *between;
};

static const struct names names[RG_HOP_COUNT] = {
	[RG_HOP_NODE] = {"local-", "within a node"},
	[RG_HOP_NETWORK] = {"", "between nodes"},
};

static const char *const numbers[] = {"latency", "overhead", "gap", "bandwidth"};

static bool is_set(const struct sim_job *job, enum rg_hop hop, const char *number)
{
	char name[32];

	snprintf(name, sizeof(name), "%s%s", names[hop].prefix, number);
	return sim_is_set(job, name);
}

/* Everything that was said about links that there are none of. */
static int check_unused(const struct sim_job *job, enum rg_hop hop, struct rg_err *err)
{
	static const char *const all[] = {"latency", "overhead", "gap", "bandwidth", "fit"};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (is_set(job, hop, all[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "--%s%s is about links %s, and there are none: %s",
					  names[hop].prefix, all[i], names[hop].between,
					  hop == RG_HOP_NODE ? "each node has one rank"
							     : "all ranks are on one node");
	}
	return 0;
}

static int check_fitted(const struct sim_job *job, enum rg_hop hop, struct rg_err *err)
{
	/* The overhead is what a fit cannot find out. */
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (i != 1 && is_set(job, hop, numbers[i]))
			return rg_err_set(err, RG_ERR_INVALID,
					  "--%sfit and --%s%s exclude each other",
					  names[hop].prefix, names[hop].prefix, numbers[i]);
	}
	if (job->options.copy_GBps > 0)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--copy-bandwidth and --%sfit exclude each other: the times that "
				  "are fitted have copies in them",
				  names[hop].prefix);
	return 0;
}

/* What is not known is not made up. */
static int check_given(const struct sim_job *job, enum rg_hop hop, double bandwidth_GBps,
		       struct rg_err *err)
{
	const char *prefix = names[hop].prefix;

	if (is_set(job, hop, "latency") && bandwidth_GBps > 0)
		return 0;
	return rg_err_set(err, RG_ERR_INVALID,
			  "links %s need --%slatency and --%sbandwidth above 0, or --%sfit",
			  names[hop].between, prefix, prefix, prefix);
}

static int one_class(struct sim_job *job, enum rg_hop hop, struct rg_err *err)
{
	const struct sim_link_options *o =
		hop == RG_HOP_NODE ? &job->options.local : &job->options.network;
	double overhead_s = (double)o->overhead_ns * 1e-9;
	int rc;

	if (job->has_coll && !job->used[hop])
		return check_unused(job, hop, err);
	if (o->fit) {
		rc = check_fitted(job, hop, err);
		if (!rc)
			rc = sim_fit_read(o->fit, job->options.fit_target, hop, overhead_s,
					  &job->fits[hop], err);
		if (!rc)
			job->costs.hop[hop] = job->fits[hop].fit.loggp;
		return rc;
	}
	rc = job->has_coll ? check_given(job, hop, o->bandwidth_GBps, err) : 0;
	if (!rc && job->has_coll)
		job->costs.hop[hop] =
			(struct rg_loggp){(double)o->latency_ns * 1e-9, overhead_s,
					  (double)o->gap_ns * 1e-9, 1e-9 / o->bandwidth_GBps};
	return rc;
}

static double per_byte_s(double GBps)
{
	return GBps > 0 ? 1e-9 / GBps : 0;
}

int sim_links(struct sim_job *job, struct rg_err *err)
{
	const struct sim_options *o = &job->options;
	int rc;

	if (o->fit_target && !o->network.fit && !o->local.fit)
		return rg_err_set(err, RG_ERR_INVALID,
				  "--fit-target needs --fit or --local-fit: it names a target of "
				  "that document");
	rc = one_class(job, RG_HOP_NETWORK, err);
	if (!rc)
		rc = one_class(job, RG_HOP_NODE, err);
	job->costs.copy_s = per_byte_s(o->copy_GBps);
	job->costs.reduce_s = per_byte_s(o->reduce_GBps);
	return rc;
}
