/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What rules do that their consumer takes. Sources: coll_tuned_dynamic_rules.c (look-up),
 * coll_tuned_<f>_decision.c (unknown algorithms), coll_base_allgather.c and its like (algorithms
 * that run another one), of 4.1.4.
 */
#include "config.h"

#include "rules_impl.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>

struct judging {
	const struct rg_ompi_version *version;
	struct rg_file_findings *findings;
	const struct rg_ompi_function *function; /* NULL: not known */
	int64_t from, to;			 /* numbers of ranks the entry is used for */
};

#define WARN(j, line, ...) \
	rg_file_findings_add((j)->findings, RG_FINDING_WARNING, line, __VA_ARGS__)
#define ERROR(j, line, ...) rg_file_findings_add((j)->findings, RG_FINDING_ERROR, line, __VA_ARGS__)

/* Runs another algorithm whatever the message, with that many ranks; NULL: as itself. */
static const char *runs_as(const struct rg_ompi_function *f, const char *name, int64_t ranks)
{
	bool gathers = !strcmp(f->name, "allgather") || !strcmp(f->name, "allgatherv");

	if (ranks < 2)
		return NULL;
	if (!strcmp(f->name, "allgather") && !strcmp(name, "recursive_doubling") &&
	    (ranks & (ranks - 1)))
		return "bruck";
	if (gathers && !strcmp(name, "neighbor") && ranks % 2)
		return "ring";
	return NULL;
}

static void judge_ranks(struct judging *j, const struct rg_rule *r,
			const struct rg_ompi_algorithm *a)
{
	const char *other = runs_as(j->function, a->name, j->from);

	if (a->only_ranks && j->to >= 2 && (j->from > a->only_ranks || j->to > a->only_ranks))
		ERROR(j, r->line,
		      "%s works with %u ranks only, and fails with any others that this entry is "
		      "used for: it needs one for %u ranks and a next one for %u",
		      a->name, a->only_ranks, a->only_ranks, a->only_ranks + 1);
	else if (other)
		WARN(j, r->line, "with %" PRId64 " ranks %s runs instead of %s", j->from, other,
		     a->name);
}

static void judge_algorithm(struct judging *j, const struct rg_rule *r)
{
	const struct rg_ompi_algorithm *a = rg_ompi_algorithm_by_id(j->function, (int)r->algorithm);

	if (!(int)r->algorithm)
		return;
	if (!a || !rg_ompi_algorithm_in(a, j->version)) {
		ERROR(j, r->line,
		      "%s has no algorithm %" PRId64 " in Open MPI %u.%u.%u: every call that comes "
		      "here fails (MPI_ERR_ARG)",
		      j->function->mpi, r->algorithm, j->version->major, j->version->minor,
		      j->version->release);
		return;
	}
	judge_ranks(j, r, a);
	if (r->segment_bytes && !a->segments)
		WARN(j, r->line, "%s has no segments: their size of %" PRId64 " is ignored",
		     a->name, r->segment_bytes);
	if (!r->segment_bytes && !strcmp(a->name, "segmented_ring"))
		WARN(j, r->line, "segmented_ring with a segment size of 0: ring runs");
	if (!r->fanout && a->fanout)
		WARN(j, r->line, "%s with a fan-out of 0: 1 is used, which makes it a pipeline",
		     a->name);
	if (r->fanout && !a->fanout)
		WARN(j, r->line, "%s has no fan-out: %" PRId64 " is ignored", a->name, r->fanout);
}

static bool same(const struct rg_rule *a, const struct rg_rule *b)
{
	return a->algorithm == b->algorithm && a->fanout == b->fanout &&
	       a->segment_bytes == b->segment_bytes && a->max_requests == b->max_requests;
}

/* Is the size that the look-up goes by another one than it looks like? */
static void judge_sizes(struct judging *j, const struct rg_rules_comm *comm)
{
	const struct rg_ompi_function *f = j->function;
	bool scan = !strcmp(f->name, "scan") || !strcmp(f->name, "exscan");
	bool differ = false;

	for (uint32_t i = 1; i < comm->nrules; i++)
		differ = differ || !same(&comm->rules[0], &comm->rules[i]);
	if (comm->nrules < 2)
		return;
	if (f->sizeless)
		WARN(j, comm->rules[1].line,
		     "%s is looked up for size 0 whatever the message: only the first rule is used",
		     f->mpi);
	else if (scan)
		WARN(j, comm->rules[1].line,
		     "%s is looked up for the size of one element times the number of ranks, "
		     "however many elements there are",
		     f->mpi);
	else if (f->one_rule && differ)
		WARN(j, comm->rules[1].line,
		     "%s is looked up for each rank's own send count, which is 0 where a program "
		     "may leave it so: ranks then use different rules, and hang or deliver wrong "
		     "data; all sizes need the same rule",
		     f->mpi);
}

static void judge_comm(struct judging *j, const struct rg_rules_comm *comm)
{
	for (uint32_t i = 0; i < comm->nrules; i++) {
		const struct rg_rule *r = &comm->rules[i];

		if (i && r->bytes <= comm->rules[i - 1].bytes)
			WARN(j, r->line,
			     "size %" PRId64 " is not above the one before it, %" PRId64
			     ": the look-up expects ascending sizes and finds others than it looks "
			     "like",
			     r->bytes, comm->rules[i - 1].bytes);
		if (j->function)
			judge_algorithm(j, r);
	}
	if (j->function)
		judge_sizes(j, comm);
}

static bool does_something(const struct rg_rules_comm *comm)
{
	for (uint32_t i = 0; i < comm->nrules; i++) {
		if ((int)comm->rules[i].algorithm)
			return true;
	}
	return false;
}

static void judge_function(struct judging *j, const struct rg_rules_function *f)
{
	for (uint32_t k = 0; k < f->ncomms; k++) {
		const struct rg_rules_comm *comm = &f->comms[k];

		j->from = k ? comm->comm_size : 0;
		j->to = k + 1 < f->ncomms ? f->comms[k + 1].comm_size - 1 : INT_MAX;
		if (k && comm->comm_size <= f->comms[k - 1].comm_size)
			WARN(j, comm->line,
			     "%" PRId64 " ranks are not more than the %" PRId64
			     " before: the look-up expects ascending numbers and finds others than "
			     "it looks like",
			     comm->comm_size, f->comms[k - 1].comm_size);
		if (!k && comm->comm_size > 2 && does_something(comm))
			WARN(j, comm->line,
			     "communicators of fewer than %" PRId64 " ranks use this entry, too; a "
			     "first entry for 0 ranks with the one rule 0 0 0 0 keeps them out",
			     comm->comm_size);
		if (!k)
			j->from = comm->comm_size; /* what it is meant for; fewer are said above */
		judge_comm(j, comm);
	}
}

static bool any_algorithm(const struct rg_rules *rules)
{
	for (uint32_t i = 0; i < rules->nfunctions; i++) {
		for (uint32_t k = 0; k < rules->functions[i].ncomms; k++) {
			if (does_something(&rules->functions[i].comms[k]))
				return true;
		}
	}
	return false;
}

static void judge_id(struct judging *j, const struct rg_rules *rules, uint32_t i)
{
	const struct rg_rules_function *f = &rules->functions[i];

	for (uint32_t k = 0; k < i; k++) {
		if (rules->functions[k].id == f->id)
			WARN(j, f->line,
			     "there are rules for function %" PRId64 " in line %u already: those "
			     "are dropped",
			     f->id, rules->functions[k].line);
	}
	if (j->function && !j->function->algorithms[0].name)
		WARN(j, f->line, "%s has no algorithms to choose from: nobody looks at these rules",
		     j->function->mpi);
}

void rules_judge(const struct rg_rules *rules, const struct rg_ompi_version *version,
		 struct rg_file_findings *findings)
{
	struct judging j = {.version = version, .findings = findings};

	if (version->major >= 6)
		WARN(&j, 0,
		     "Open MPI 6 takes a number of ranks in a file of this form for the end of its "
		     "entry, not for the begin: write rules for it in JSON");
	for (uint32_t i = 0; i < rules->nfunctions; i++) {
		j.function = rg_ompi_function_by_id((int)rules->functions[i].id);
		judge_id(&j, rules, i);
		if (j.function && !j.function->algorithms[0].name)
			continue;
		judge_function(&j, &rules->functions[i]);
	}
	if (!any_algorithm(rules))
		WARN(&j, 0, "there is no algorithm in any rule: the file changes nothing");
}
