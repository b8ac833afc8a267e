/* SPDX-License-Identifier: BSD-3-Clause */
#include "config.h"

#include "railgauge/emit/rules.h"

#include "railgauge/base/mem.h"

#include <inttypes.h>

/* Room for one more in an array of n that grows by doubling; false without memory. */
static bool grow(void *array_at, uint32_t n, size_t each_bytes)
{
	void **array = array_at, *grown;

	if (n & (n - 1))
		return true; /* room up to the next power of two */
	grown = rg_realloc(*array, (n ? 2 * (size_t)n : 1) * each_bytes);
	if (!grown)
		return false;
	*array = grown;
	return true;
}

struct rg_rules_function *rg_rules_add_function(struct rg_rules *rules, int64_t id)
{
	if (!grow(&rules->functions, rules->nfunctions, sizeof(*rules->functions)))
		return NULL;
	rules->functions[rules->nfunctions] = (struct rg_rules_function){.id = id};
	return &rules->functions[rules->nfunctions++];
}

struct rg_rules_comm *rg_rules_add_comm(struct rg_rules_function *function, int64_t comm_size)
{
	if (!grow(&function->comms, function->ncomms, sizeof(*function->comms)))
		return NULL;
	function->comms[function->ncomms] = (struct rg_rules_comm){.comm_size = comm_size};
	return &function->comms[function->ncomms++];
}

struct rg_rule *rg_rules_add_rule(struct rg_rules_comm *comm, int64_t bytes)
{
	if (!grow(&comm->rules, comm->nrules, sizeof(*comm->rules)))
		return NULL;
	comm->rules[comm->nrules] = (struct rg_rule){.bytes = bytes};
	return &comm->rules[comm->nrules++];
}

void rg_rules_release(struct rg_rules *rules)
{
	for (uint32_t i = 0; i < rules->nfunctions; i++) {
		struct rg_rules_function *f = &rules->functions[i];

		for (uint32_t k = 0; k < f->ncomms; k++)
			rg_free(f->comms[k].rules);
		rg_free(f->comms);
	}
	rg_free(rules->functions);
	*rules = (struct rg_rules){0};
}

static const struct rg_rules_function *function_of(const struct rg_rules *rules, int id)
{
	for (uint32_t i = rules->nfunctions; i; i--) {
		if (rules->functions[i - 1].id == id)
			return &rules->functions[i - 1];
	}
	return NULL;
}

/* The last before the first that is above; the first if that is above: as the consumer looks. */
const struct rg_rule *rg_rules_lookup(const struct rg_rules *rules, int function_id,
				      uint32_t comm_size, uint64_t bytes)
{
	const struct rg_rules_function *f = function_of(rules, function_id);
	const struct rg_rules_comm *comm;
	const struct rg_rule *rule;

	if (!f || !f->ncomms)
		return NULL;
	comm = f->comms;
	for (uint32_t i = 0; i < f->ncomms && (int)f->comms[i].comm_size <= (int64_t)comm_size; i++)
		comm = &f->comms[i];
	if (!comm->nrules)
		return NULL;
	rule = comm->rules;
	for (uint32_t i = 0; i < comm->nrules && (uint64_t)comm->rules[i].bytes <= bytes; i++)
		rule = &comm->rules[i];
	return (int)rule->algorithm ? rule : NULL;
}

static void print_rule(const struct rg_rules *rules, const struct rg_rule *r,
		       const struct rg_ompi_function *f, FILE *out)
{
	const struct rg_ompi_algorithm *a =
		f ? rg_ompi_algorithm_by_id(f, (int)r->algorithm) : NULL;

	fprintf(out, "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64, r->bytes, r->algorithm,
		r->fanout, r->segment_bytes);
	if (rules->version > 1)
		fprintf(out, " %" PRId64, r->max_requests);
	fprintf(out, " # %s%s%s\n",
		!r->algorithm ? "Open MPI's own choice"
		: a	      ? a->name
			      : "no algorithm that is known here",
		r->comment[0] ? ": " : "", r->comment);
}

static void print_function(const struct rg_rules *rules, const struct rg_rules_function *f,
			   FILE *out)
{
	const struct rg_ompi_function *known = rg_ompi_function_by_id((int)f->id);

	fprintf(out, "%" PRId64 " # %s\n%u # numbers of ranks\n", f->id,
		known ? known->mpi : "no function that is known here", f->ncomms);
	for (uint32_t k = 0; k < f->ncomms; k++) {
		const struct rg_rules_comm *comm = &f->comms[k];

		fprintf(out,
			"%" PRId64 " # ranks and more\n%u # bytes, algorithm, fan-out, "
			"segment%s\n",
			comm->comm_size, comm->nrules, rules->version > 1 ? ", most requests" : "");
		for (uint32_t i = 0; i < comm->nrules; i++)
			print_rule(rules, &comm->rules[i], known, out);
	}
}

void rg_rules_print(const struct rg_rules *rules, FILE *out)
{
	if (rules->version > 1)
		fprintf(out, "rule-file-version-%u\n", rules->version);
	fprintf(out, "%u # functions\n", rules->nfunctions);
	for (uint32_t i = 0; i < rules->nfunctions; i++)
		print_function(rules, &rules->functions[i], out);
}
